import numpy as np
import pytest

from mmwave.simulation.building import generate_building
from mmwave.simulation.route import Speed, plan_route
from mmwave.simulation.trajectory import DRIVE_DURATION_S

BUILDINGS = [(seed, style) for seed, style in enumerate(("office", "laboratory", "school"))]


@pytest.fixture(scope="module", params=BUILDINGS, ids=str)
def building(request):
    return generate_building(*request.param)


@pytest.fixture(scope="module")
def route(building):
    return plan_route(building, 60.0, np.random.default_rng(5))


def way_of(route):
    pose = route.pose(np.arange(route.time_s[0], route.time_s[-1], 0.02))
    return np.column_stack([pose.x_m, pose.y_m])


def test_route_is_about_as_long_as_asked_and_leads_somewhere(route):
    way = way_of(route)
    length_m = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
    assert 0.85 * 60 <= length_m <= 60
    assert np.ptp(way, axis=0).max() > 4


def test_robot_never_touches_anything_or_anyone(building, route):
    way = way_of(route)
    assert building.clearance_m(way).min() >= 0.2
    for phase in np.linspace(0, DRIVE_DURATION_S, 21):
        assert building.clearance_m(way, np.full(len(way), phase)).min() >= 0.15


def test_speed_and_acceleration_are_a_robots(route):
    time_s = np.arange(route.time_s[0], route.time_s[-1], 0.02)
    velocity = route.velocity(time_s)
    speed = np.column_stack([velocity.vx_mps, velocity.vy_mps])
    assert np.linalg.norm(speed, axis=1).max() <= 0.6
    assert np.linalg.norm(np.gradient(speed, 0.02, axis=0), axis=1).max() <= 1.0


def test_the_same_seed_drives_the_same_way():
    building = generate_building(3)
    one, two, other = (
        plan_route(building, 20.0, np.random.default_rng(seed)).poses for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_steady_speed_covers_its_way():
    assert Speed(0.5, 0.0).distance_m(np.array([10.0]))[0] == pytest.approx(5.0)


@pytest.mark.parametrize("wrong", [{"mean_mps": 0.0}, {"variation": 1.0}, {"period_s": -1.0}])
def test_impossible_speeds_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Speed(**wrong)


def test_length_must_be_positive():
    with pytest.raises(ValueError, match="length_m"):
        plan_route(generate_building(3), 0.0, np.random.default_rng(0))
