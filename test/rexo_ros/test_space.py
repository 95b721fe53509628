"""Boxes of a room: units, views, corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rexo_ros.space import (
    AT_ORIGIN,
    HIBER,
    MMVR,
    SPACES,
    THREE,
    Mount,
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


def test_a_radar_at_the_right_that_looks_left_sees_depth_across():
    """Two metres to the right, turned to the left by a quarter: what is ahead is at its right."""
    mount = Mount(right_m=2.0, turned_rad=-np.pi / 2)
    right_m, ahead_m, width_m, depth_m = mount.seen_from(0.5, 3.0, 0.4, 0.9)
    assert (right_m, ahead_m) == pytest.approx((3.0, 1.5))
    assert (width_m, depth_m) == pytest.approx((0.9, 0.4))


@given(BOXES, st.floats(-2, 2), st.floats(-1, 2), st.floats(-1.5, 1.5))
def test_a_turned_view_holds_the_corners_of_the_box(boxes, right_m, ahead_m, turned_rad):
    space = Space(views=("horizontal_side",), mounts=(Mount(right_m, ahead_m, turned_rad),))
    corners = corners_m(space.to_metres(boxes))
    off = corners[..., [0, 2]] - [right_m, ahead_m]
    cosine, sine = np.cos(turned_rad), np.sin(turned_rad)
    across = off[..., 0] * cosine - off[..., 1] * sine
    away = off[..., 0] * sine + off[..., 1] * cosine
    left, top, right, bottom = space.on_view(boxes, "horizontal_side").T
    np.testing.assert_allclose(across.min(axis=1), left * 6 - 3, atol=1e-9)
    np.testing.assert_allclose(across.max(axis=1), right * 6 - 3, atol=1e-9)
    np.testing.assert_allclose(away.max(axis=1), (1 - top) * 8, atol=1e-9)
    np.testing.assert_allclose(away.min(axis=1), (1 - bottom) * 8, atol=1e-9)


def test_an_upright_radar_keeps_heights_wherever_it_stands():
    boxes = np.array([0.6, 0.4, 0.5, 0.1, 0.5, 0.1])
    space = Space(views=("vertical", "vertical_left"), mounts=(AT_ORIGIN, Mount(-1.0, 0.5, -0.4)))
    first, second = (space.on_view(boxes, view) for view in space.views)
    np.testing.assert_allclose(first[[0, 2]], second[[0, 2]])
    assert abs(first[1] - second[1]) > 0.01


def test_another_view_of_the_same_room():
    one = Space().seen_by("vertical")
    assert one.views == ("vertical",)
    assert one.low_m == Space().low_m
    side = THREE.seen_by("horizontal_right")
    assert side.mounts == (Mount(0.7, 0.0, -0.35),)
    with pytest.raises(ValueError, match="there is no horizontal view, only"):
        side.seen_by("horizontal")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"low_m": (4.0, 0.0, 0.0)}, "must be below high_m"),
        ({"low_m": (0.0, 0.0)}, "three numbers"),
        ({"rows": 0}, "must be positive"),
        ({"views": ()}, "views must be one or more"),
        ({"views": ("horizontal", "horizontal")}, "each another"),
        ({"views": ("sideways",)}, "views must be of horizontal, vertical, got 'sideways'"),
        ({"mounts": (AT_ORIGIN,)}, "2 views have 1 mounts"),
    ],
)
def test_rooms_that_cannot_be_are_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        Space(**values)
