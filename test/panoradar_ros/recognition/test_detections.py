import numpy as np
import pytest

from panoradar_ros.learning.boxes import boxes_of
from panoradar_ros.learning.semantic_targets import cells_of
from panoradar_ros.recognition.detections import (
    decode_cells,
    person_position_m,
)

ROWS, COLUMNS = 16, 64


def test_the_truths_own_cells_give_the_truths_boxes(object_scene):
    frame = object_scene((0, 7, 2, COLUMNS - 3, 8, 6), (1, 8, 10, 30, 5, 9), (0, 9, 3, 20, 9, 5))
    objects, _, edges = cells_of(frame)
    found = decode_cells(20 * objects - 10, edges)
    expected = {(b.kind, b.left, b.top, b.right, b.bottom) for b in boxes_of(frame)}
    edges_of = [(d.left, d.top, d.right, d.bottom) for d in found]
    assert {(d.kind, *np.round(e, 9)) for d, e in zip(found, edges_of, strict=True)} == expected
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


def test_cells_vote_on_the_edges_of_their_box_across_the_seam():
    """Two cells left and right of the seam, one three times as sure, disagree by a column."""
    odds, edges = np.full((2, 8, 32), -9.0), np.ones((4, 8, 32))
    odds[0, 4, [0, 31]] = np.log(0.9 / 0.1), np.log(0.3 / 0.7)
    edges[:, 4, 0] = 5, 6, 5, 6  # columns 60 to 70, rows 3 to 15
    edges[:, 4, 31] = 4, 6, 8, 6  # columns 59 to 71
    (found,) = decode_cells(odds, edges)
    weight = np.array([0.9, 0.3 * 10 / 12])
    assert found.left == pytest.approx(np.average([60, 59], weights=weight))
    assert found.right == pytest.approx(np.average([70, 71], weights=weight))
    assert (found.top, found.bottom, found.score) == pytest.approx((3, 15, 0.9))
