"""Simulated sequences: the truth is where the bodies are, and where the radars see them."""

from dataclasses import asdict

import numpy as np
import pytest

from mmwave.simulation.room import RADAR_HEIGHT_M, generate_room, in_radar_axes_m
from rexo_ros.camera import camera_pose
from rexo_ros.learning import simulated
from rexo_ros.learning.sequences import decode_power, read_sequence
from rexo_ros.learning.simulated import (
    people_of,
    pose_of_day,
    simulate_into,
    simulate_sequence,
)
from rexo_ros.space import HORIZONTAL, SPACES, THREE, low_and_high


@pytest.fixture(scope="module")
def one():
    return simulate_sequence(7, 1, 3)


def test_axes_are_to_the_right_up_and_ahead_of_the_radars():
    room = generate_room(3)
    pose = room.radar
    ahead = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)])
    right = np.array([ahead[1], -ahead[0]])
    place = np.array([pose.x_m, pose.y_m]) + 3.0 * ahead + 0.5 * right
    found = in_radar_axes_m(np.array([*place, RADAR_HEIGHT_M + 0.2]), room)
    np.testing.assert_allclose(found, [0.5, 0.2, 3.0], atol=1e-9)


def test_boxes_hold_the_key_points_and_stand_on_the_floor(one):
    assert one.seen.any()
    corners = low_and_high(one.boxes_m)
    for frame, person in np.argwhere(one.seen):
        low, high = corners[frame, person, :3], corners[frame, person, 3:]
        points = one.key_points_m[frame, person]
        assert (points > low - 1e-3).all()
        assert (points < high + 1e-3).all()
        assert low[1] == pytest.approx(-RADAR_HEIGHT_M, abs=0.08)  # a foot may be lifted


@pytest.mark.parametrize("pose", [0, 3, 4])
def test_image_boxes_hold_the_projected_key_points(one, pose):
    found = one if pose == 0 else simulate_sequence(7, 1, 3, pose=pose)
    assert found.seen.any()
    assert found.about["camera"] == asdict(camera_pose(pose))
    np.testing.assert_array_equal(found.power, one.power)  # radars do not see where the camera is
    for frame, person in np.argwhere(found.seen):
        left, top, right, bottom = found.image_boxes_px[frame, person]
        column, row = camera_pose(pose).project(found.key_points_m[frame, person]).T
        inside = (column > 0) & (column < 640) & (row > 0) & (row < 480)
        assert (column[inside] >= left - 1).all()
        assert (column[inside] <= right + 1).all()
        assert (row[inside] >= top - 1).all()
        assert (row[inside] <= bottom + 1).all()


def test_power_moves_where_somebody_walks():
    space = SPACES["room"]
    walking = next(
        (seed, room)
        for seed in range(20, 60)
        if len((room := generate_room(seed, 0, 1)).people) == 1 and room.people[0].walking
    )[0]
    found = simulate_sequence(walking, 0, 2)
    assert found.seen.all()
    power = np.nan_to_num(decode_power(found.power[-1, 0]))
    lateral, depth = np.meshgrid(space.lateral_m("horizontal"), space.depth_m())
    row, column = np.unravel_index(power.argmax(), power.shape)
    box = found.boxes_m[-1, 0]
    range_m = np.hypot(lateral[row, column], depth[row, column])
    assert range_m == pytest.approx(np.hypot(box[HORIZONTAL], box[2]), abs=0.7)


def test_it_is_the_same_every_time_and_not_made_twice(tmp_path, monkeypatch, one):
    again = simulate_sequence(7, 1, 3)
    np.testing.assert_array_equal(again.power, one.power)
    np.testing.assert_array_equal(again.boxes_m, one.boxes_m)
    path = simulate_into(tmp_path, 7, 1, 3)
    assert path.exists()
    monkeypatch.setattr(simulated, "simulate_sequence", lambda *_: pytest.fail("made twice"))
    assert simulate_into(tmp_path, 7, 1, 3) == path
    with pytest.raises(ValueError, match="holds 3 frames in the axes of room, not 5 of room"):
        simulate_into(tmp_path, 7, 1, 5)
    with pytest.raises(ValueError, match="not 3 of mmvr: delete it"):
        simulate_into(tmp_path, 7, 1, 3, "mmvr")
    with pytest.raises(ValueError, match="has the camera in pose 0, not 2: give as many"):
        simulate_into(tmp_path, 7, 1, 3, pose=2)
    path.write_bytes(path.read_bytes()[:1000])
    monkeypatch.setattr(simulated, "simulate_sequence", lambda *_: one)
    simulate_into(tmp_path, 7, 1, 3)  # what is damaged is made anew
    np.testing.assert_array_equal(read_sequence(path).power, one.power)
    monkeypatch.setattr(simulated, "room_digest", lambda: "of later")
    with pytest.raises(ValueError, match="made by another version of the simulator: delete"):
        simulate_into(tmp_path, 7, 1, 3)


def test_even_days_have_one_person_and_odd_ones_several():
    assert {people_of(session, 5) for session in (0, 2, 4)} == {1}
    several = {people_of(1, seed) for seed in range(50)}
    assert several == {2, 3, 4, 5}


def test_days_have_cameras_of_their_own_and_all_poses_are_met():
    assert {pose_of_day(seed, 0, 1) for seed in range(20)} == {0}
    assert {pose_of_day(seed, day, 5) for seed in range(20) for day in range(4)} == set(range(5))
    assert pose_of_day(3, 2, 5) == pose_of_day(3, 2, 5)


def test_what_cannot_be_made_is_refused():
    with pytest.raises(
        ValueError, match="space must be one of room, mmvr, hiber, three, got 'moon'"
    ):
        simulate_sequence(1, 0, 2, "moon")
    with pytest.raises(ValueError, match="frames must be at least 1"):
        simulate_sequence(1, 0, 0)
    with pytest.raises(ValueError, match="a camera's pose must not be negative, got -1"):
        simulate_sequence(1, 0, 2, pose=-1)


def test_a_radar_that_is_mounted_elsewhere_sees_people_where_its_view_has_them():
    found = simulate_sequence(7, 0, 2, "three")
    side = THREE.views[2]
    power = np.nan_to_num(decode_power(found.power[-1, 2]))
    row, column = np.unravel_index(power.argmax(), power.shape)
    unit = THREE.to_unit(found.boxes_m[-1, 0])
    left, top, right, bottom = THREE.on_view(unit, side) * [128, 256, 128, 256]
    assert left - 8 < column < right + 8  # 4.7 cm each
    assert top - 12 < row < bottom + 12  # 3.1 cm
    straight = THREE.on_view(unit, "horizontal") * [128, 256, 128, 256]
    assert abs(straight[0] - left) > 10  # elsewhere than the first radar sees them


@pytest.mark.parametrize("name", ["mmvr", "hiber"])
def test_the_data_sets_geometries_are_configurations(name):
    found = simulate_sequence(7, 0, 1, name)
    space = SPACES[name]
    assert found.power.shape == (1, 2, space.rows, space.columns)
    assert found.about["space"] == name
