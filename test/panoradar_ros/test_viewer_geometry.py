import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.viewer_geometry import (
    PoseTrack,
    colours,
    scan_points,
    triangle_normals,
    without_ceiling,
)

lengths = st.floats(-100, 100)
poses = st.builds(PlanarPose, lengths, lengths, st.floats(-10, 10))


@given(poses, poses)
def test_a_pose_and_its_inverse_undo_each_other(a, b) -> None:
    back = a.inverse().then(a.then(b))
    assert (back.x_m, back.y_m, back.yaw_rad) == pytest.approx((b.x_m, b.y_m, b.yaw_rad), abs=1e-9)


@given(poses, poses, st.tuples(lengths, lengths, lengths))
def test_points_and_poses_move_alike(a, b, point) -> None:
    points_m = np.array([point])
    assert a.then(b).apply(points_m) == pytest.approx(a.apply(b.apply(points_m)), abs=1e-3)
    assert a.apply(points_m)[0, 2] == pytest.approx(point[2], rel=1e-6)


def test_a_quarter_turn_takes_forward_to_left() -> None:
    moved = PlanarPose(1.0, 2.0, math.pi / 2).apply(np.array([[3.0, 0.0, 0.5]]))
    assert moved == pytest.approx(np.array([[1.0, 5.0, 0.5]]), abs=1e-6)


def test_poses_must_be_finite() -> None:
    with pytest.raises(ValueError, match="yaw_rad must be finite, got nan"):
        PlanarPose(0.0, 0.0, math.nan)


def test_track_interpolates_the_short_way_round() -> None:
    track = PoseTrack()
    assert track.at(5) is None
    track.add(100, PlanarPose(0.0, 0.0, 3.1))
    track.add(200, PlanarPose(1.0, -2.0, -3.1))
    middle = track.at(150)
    assert (middle.x_m, middle.y_m) == (0.5, -1.0)
    assert abs(middle.yaw_rad) == pytest.approx(math.pi)
    assert track.at(0) == PlanarPose(0.0, 0.0, 3.1)
    assert track.at(900) == PlanarPose(1.0, -2.0, -3.1)
    assert [track.covers(time_ns) for time_ns in (99, 100, 150, 200, 201)] == [0, 1, 1, 1, 0]


def test_track_begins_anew_when_time_goes_back_and_forgets_the_oldest() -> None:
    track = PoseTrack(capacity=3)
    for time_ns in (10, 20, 30, 40):
        track.add(time_ns, PlanarPose(time_ns, 0.0, 0.0))
    assert [time_ns for time_ns, _ in track.items()] == [20, 30, 40]
    track.add(5, PlanarPose())
    assert [time_ns for time_ns, _ in track.items()] == [5]


def test_scan_points_lie_on_their_rays() -> None:
    ranges_m = np.array([1.0, np.inf, 2.0, np.nan])
    points_m = scan_points(ranges_m, 0.0, math.pi / 4)
    assert points_m == pytest.approx(np.array([[1, 0, 0], [0, 2, 0]]), abs=1e-6)


def test_ceiling_is_taken_off_and_nothing_else() -> None:
    floor = [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    wall = [[0, 0, 0], [1, 0, 0], [1, 0, 3]]
    table = [[0, 0, 0.7], [1, 0, 0.7], [1, 1, 0.7]]
    ceiling = [[0, 0, 3], [1, 0, 3], [1, 1, 3]]
    lamp = [[0, 0, 2.7], [1, 0, 2.7], [1, 0, 2.9]]
    triangles = np.array([floor, wall, table, ceiling, lamp], float)
    assert without_ceiling(triangles).tolist() == [1, 1, 1, 0, 0]
    assert without_ceiling(np.array([floor, floor], float)).all()
    assert without_ceiling(np.empty((0, 3, 3))).shape == (0,)


def test_normals_are_unit_and_follow_the_corners() -> None:
    up = [[0, 0, 0], [2, 0, 0], [0, 5, 0]]
    flat = [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    normals = triangle_normals(np.array([up, flat], float).reshape(-1, 3))
    assert normals.tolist() == [[0, 0, 1]] * 3 + [[0, 0, 0]] * 3


def test_colours_run_from_blue_to_red_and_stay_at_the_ends() -> None:
    painted = colours(np.array([-9.0, 0.0, 0.25, 1.0, 7.0]), 0.0, 1.0)
    assert painted.shape == (5, 3)
    assert (painted[0] == painted[1]).all()
    assert (painted[3] == painted[4]).all()
    assert painted[2, 2] > painted[2, 0]  # cold
    assert painted[3, 0] > painted[3, 2]  # warm
    with pytest.raises(ValueError, match=r"high must be above low = 1\.0, got 1\.0"):
        colours(np.zeros(1), 1.0, 1.0)
