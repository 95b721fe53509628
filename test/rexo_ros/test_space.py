"""Boxes of a room: units, views, corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rexo_ros.space import (
    HIBER,
    MMVR,
    SPACES,
    Space,
    centre_and_size,
    corners_m,
    low_and_high,
)

BOXES = arrays(np.float64, (3, 6), elements=st.floats(0.05, 0.95))


@given(BOXES, st.sampled_from(sorted(SPACES)))
def test_metres_and_shares_of_the_room_go_back_and_forth(boxes, name):
    space = SPACES[name]
    np.testing.assert_allclose(space.to_unit(space.to_metres(boxes)), boxes, atol=1e-12)


def test_the_corners_of_the_room_are_nought_and_one():
    space = Space()
    room = centre_and_size(np.concatenate([space.low_m, space.high_m]))
    np.testing.assert_allclose(space.to_unit(room), [0.5, 0.5, 0.5, 1, 1, 1])


@given(BOXES)
def test_centres_and_corners_say_the_same(boxes):
    np.testing.assert_allclose(centre_and_size(low_and_high(boxes)), boxes, atol=1e-12)
    corners = corners_m(boxes)
    expected = low_and_high(boxes)
    np.testing.assert_allclose(corners.min(axis=1), expected[:, :3], atol=1e-12)
    np.testing.assert_allclose(corners.max(axis=1), expected[:, 3:], atol=1e-12)
    assert len(np.unique(corners[0], axis=0)) == 8


@given(BOXES, st.sampled_from(["room", "mmvr", "hiber"]))
def test_grounded_boxes_stand_on_the_floor(boxes, name):
    space = SPACES[name]
    metres = space.to_metres(space.grounded(boxes))
    np.testing.assert_allclose(metres[:, 1] - metres[:, 4] / 2, space.floor_m, atol=1e-9)
    kept = [0, 2, 3, 4, 5]
    np.testing.assert_array_equal(space.grounded(boxes)[:, kept], boxes[:, kept])


def test_boxes_on_the_views_are_where_the_pixels_say():
    """MMVR: z = 8 (256 - row) / 256, x = 5 c / 128 - 1, y = 5 c / 128 - 2."""
    box = np.array([1.5, -0.25, 6.0, 0.5, 1.5, 1.0])
    unit = MMVR.to_unit(box)
    left, top, right, bottom = MMVR.on_view(unit, "horizontal") * [128, 256, 128, 256]
    assert 5 * left / 128 - 1 == pytest.approx(1.25)
    assert 5 * right / 128 - 1 == pytest.approx(1.75)
    assert 8 * (256 - top) / 256 == pytest.approx(6.5)
    assert 8 * (256 - bottom) / 256 == pytest.approx(5.5)
    left, _, right, _ = MMVR.on_view(unit, "vertical") * 128
    assert 5 * left / 128 - 2 == pytest.approx(-1.0)
    assert 5 * right / 128 - 2 == pytest.approx(0.5)


def test_middles_of_rows_and_columns():
    depth_m, lateral_m = HIBER.depth_m(), HIBER.lateral_m("horizontal")
    assert depth_m[0] == pytest.approx(7.975)
    np.testing.assert_allclose(np.diff(depth_m), -0.05)
    np.testing.assert_allclose(np.diff(lateral_m), 0.05)
    assert lateral_m[[0, -1]] == pytest.approx([-4.975, 4.975])


def test_another_view_of_the_same_room():
    one = Space().seen_by("vertical")
    assert one.views == ("vertical",)
    assert one.low_m == Space().low_m


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"low_m": (4.0, 0.0, 0.0)}, "must be below high_m"),
        ({"low_m": (0.0, 0.0)}, "three numbers"),
        ({"rows": 0}, "must be positive"),
        ({"views": ()}, "views must be of"),
        ({"views": ("sideways",)}, r"got \('sideways',\)"),
    ],
)
def test_rooms_that_cannot_be_are_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        Space(**values)
