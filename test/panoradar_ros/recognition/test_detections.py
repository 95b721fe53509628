import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panoradar_ros.learning.boxes import boxes_of
from panoradar_ros.learning.semantic_targets import cells_of
from panoradar_ros.recognition.detections import (
    circular_nms,
    circular_overlap,
    decode_cells,
    person_position_m,
)

ROWS, COLUMNS = 16, 64

boxes = st.tuples(
    st.integers(0, 511), st.integers(0, 60), st.integers(1, 200), st.integers(1, 30)
).map(lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]], float))


def pixels(box):
    """The box as a set of pixels that wrap around."""
    image = np.zeros((96, 512), bool)
    columns = np.arange(int(box[0]), int(box[2])) % 512
    image[int(box[1]) : int(box[3]), columns] = True
    return image


@given(boxes, boxes)
def test_overlap_is_that_of_the_pixels(one, other):
    a, b = pixels(one), pixels(other)
    expected = (a & b).sum() / (a | b).sum()
    assert circular_overlap(one, other[None], 512)[0] == pytest.approx(expected)
    assert circular_overlap(other, one[None], 512)[0] == pytest.approx(expected)


@given(boxes, boxes, st.integers(0, 511))
def test_overlap_does_not_depend_on_where_the_seam_is(one, other, shift):
    def turned(box):
        left = (box[0] + shift) % 512
        return np.array([left, box[1], left + box[2] - box[0], box[3]])

    before = circular_overlap(one, other[None], 512)
    after = circular_overlap(turned(one), turned(other)[None], 512)
    np.testing.assert_allclose(before, after, atol=1e-12)


def test_of_two_boxes_across_the_seam_the_better_stays():
    found = np.array([[500, 10, 520, 30], [502, 10, 521, 30], [100, 10, 120, 30]], float)
    assert circular_nms(found, 0.5, 512) == [0, 2]


def test_the_truths_own_cells_give_the_truths_boxes(object_scene):
    frame = object_scene((0, 7, 2, COLUMNS - 3, 8, 6), (1, 8, 10, 30, 5, 9), (0, 9, 3, 20, 9, 5))
    objects, _, edges = cells_of(frame)
    found = decode_cells(20 * objects - 10, edges)
    expected = {(b.kind, b.left, b.top, b.right, b.bottom) for b in boxes_of(frame)}
    assert {(d.kind, d.left, d.top, d.right, d.bottom) for d in found} == expected
    assert all(one.score > 0.99 for one in found)


def test_weak_cells_say_nothing():
    odds = np.full((2, 8, 32), -8.0)
    assert decode_cells(odds, np.ones((4, 8, 32))) == []


def test_a_person_is_where_their_nearest_quarter_is(object_scene):
    frame = object_scene((0, 7, 2, COLUMNS - 3, 8, 6))
    (found,) = decode_cells(20 * cells_of(frame)[0] - 10, cells_of(frame)[2])
    range_m = np.full((ROWS, COLUMNS), 5.0)
    range_m[2:10, [61, 62, 63, 0, 1, 2]] = 3.0
    range_m[2, 61] = np.nan
    where = person_position_m(found, range_m)
    assert where == pytest.approx((3.0, 2 * np.pi * 0.5 / COLUMNS))
    assert person_position_m(found, np.full((ROWS, COLUMNS), np.inf)) is None
