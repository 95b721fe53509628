import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.boxes import boxes_of, circular_extent

COLUMNS = 64


def test_people_and_things_have_boxes_and_walls_have_none(object_scene):
    frame = object_scene(
        (0, 7, 2, 10, 8, 4), (1, 8, 10, 30, 5, 9), (SemanticClass.DOOR, 9, 0, 50, 9, 9)
    )
    person, table = boxes_of(frame)
    assert (person.kind, person.left, person.top, person.right, person.bottom) == (0, 10, 2, 14, 10)
    assert (table.kind, table.left, table.top, table.right, table.bottom) == (1, 30, 10, 39, 15)
    assert (person.instance, table.instance) == (7, 8)


def test_a_box_goes_across_the_seam(object_scene):
    (box,) = boxes_of(object_scene((0, 7, 2, COLUMNS - 3, 8, 6)))
    assert (box.left, box.right) == (COLUMNS - 3, COLUMNS + 3)


def test_what_hardly_shows_has_no_box(object_scene):
    assert boxes_of(object_scene((0, 7, 2, 10, 5, 4))) == []


@given(
    st.integers(0, COLUMNS - 1),
    st.integers(1, COLUMNS - 1),
    st.sets(st.integers(0, 63), max_size=5),
)
def test_the_extent_holds_all_and_no_shorter_run_does(first, width, holes):
    columns = np.zeros(COLUMNS, bool)
    columns[np.arange(first, first + width) % COLUMNS] = True
    for hole in holes:
        columns[(first + hole) % COLUMNS] &= hole in (0, width - 1)
    left, right = circular_extent(columns)
    inside = np.arange(left, right) % COLUMNS
    assert columns[inside].sum() == columns.sum()
    assert columns[inside[0]]
    assert columns[inside[-1]]
    shortest = min(
        (int(np.flatnonzero(np.roll(columns, -start))[-1]) + 1) for start in np.flatnonzero(columns)
    )
    assert right - left == shortest


def test_all_columns_are_a_whole_turn():
    left, right = circular_extent(np.ones(COLUMNS, bool))
    assert right - left == COLUMNS


def test_no_column_has_no_extent():
    with pytest.raises(ValueError, match="no column"):
        circular_extent(np.zeros(COLUMNS, bool))
