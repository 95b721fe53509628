"""Rooms that fixed radars look into."""

import numpy as np
import pytest

from mmwave.simulation.room import (
    FARTHEST_M,
    NEAREST_M,
    RADAR_HEIGHT_M,
    SEEN_RAD,
    OccupiedRoom,
    generate_room,
)
from mmwave.simulation.trajectory import DRIVE_DURATION_S
from mmwave.simulation.truth import RayCaster

TIMES_S = np.linspace(0, DRIVE_DURATION_S, 64, endpoint=False)


@pytest.fixture(scope="module")
def rooms() -> list[OccupiedRoom]:
    return [generate_room(seed, session) for seed in range(6) for session in range(2)]


def ways_m(room):
    poses = [person.trajectory.pose(TIMES_S) for person in room.people]
    return [np.column_stack([pose.x_m, pose.y_m]) for pose in poses]


def test_the_same_seed_is_the_same_room_and_a_session_another_day(rooms):
    again = generate_room(0, 0)
    np.testing.assert_array_equal(again.scene_at(1.0).vertices_m, rooms[0].scene_at(1.0).vertices_m)
    first, second = rooms[0], rooms[1]
    assert first.plan.rooms == second.plan.rooms
    assert first.radar == second.radar
    assert [one.trajectory for one in first.people] != [one.trajectory for one in second.people]
    assert rooms[2].plan.rooms != first.plan.rooms


def test_people_keep_apart_from_each_other_and_within_the_radars_sight(rooms):
    for room in rooms:
        ways = ways_m(room)
        for number, way in enumerate(ways):
            for other in ways[:number]:
                assert np.linalg.norm(way - other, axis=1).min() > 0.7
            off = way - [float(room.radar.x_m), float(room.radar.y_m)]
            range_m = np.linalg.norm(off, axis=1)
            azimuth = np.arctan2(off[:, 1], off[:, 0]) - float(room.radar.yaw_rad)
            # loops of walkers reach 0.3 m beyond their ends
            assert range_m.min() > NEAREST_M - 0.5
            assert range_m.max() < FARTHEST_M + 0.5
            assert np.abs(azimuth * range_m).max() < (SEEN_RAD + 0.1) * FARTHEST_M


def test_there_are_all_kinds_of_people(rooms):
    crowd = [person for room in rooms for person in room.people]
    assert 12 <= len(crowd) <= 60
    assert any(person.walking for person in crowd)
    assert any(person.sitting for person in crowd)
    assert any(not person.walking and not person.sitting for person in crowd)
    assert {len(room.people) for room in rooms} >= {1, 3}


def test_the_radars_stand_in_the_room_with_nothing_right_before_them(rooms):
    for room in rooms:
        centre = np.array([float(room.radar.x_m), float(room.radar.y_m), RADAR_HEIGHT_M])
        azimuth = float(room.radar.yaw_rad) + np.linspace(-0.5, 0.5, 11)
        rays = np.column_stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth])
        distance, _ = RayCaster(room.scene).first_hit(centre, rays)
        assert np.isfinite(distance).all()  # the room is closed
        assert distance.min() > 1.0


def test_as_many_people_as_are_wanted_where_there_is_room():
    assert len(generate_room(3, 0, people=0).people) == 0
    assert len(generate_room(3, 0, people=2).people) == 2
    with pytest.raises(ValueError, match="people must not be negative"):
        generate_room(3, 0, people=-1)
    with pytest.raises(ValueError, match="seed and session must not be negative"):
        generate_room(-1)
