import numpy as np
import pytest

from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.odometry import UNKNOWN_SPEED_MPS, Odometer
from panoradar_ros.imaging.planar_motion import PlanarMotion

START_NS = 1_700_000_000_000_000_000
TURN_NS = 500_000_000


def estimate(x_mps=0.5, y_mps=0.0, reliable=True, spread_mps=0.01):
    return MotionEstimate(
        PlanarMotion(x_mps, y_mps), np.diag([spread_mps, spread_mps, 0]) ** 2, 1000, 2, reliable
    )


def test_turns_add_up():
    odometer = Odometer()
    for turn in range(4):
        start = START_NS + turn * TURN_NS
        pose = odometer.update(estimate(0.4, -0.2), start, start + TURN_NS)
    assert [pose.pose.x_m, pose.pose.y_m] == pytest.approx([0.8, -0.4])
    assert np.sqrt(pose.covariance[0, 0]) == pytest.approx(0.01 * 0.5 * 2)  # grows as a walk


def test_a_turn_that_was_missed_is_bridged():
    odometer = Odometer()
    odometer.update(estimate(), START_NS, START_NS + TURN_NS)
    later = START_NS + 2 * TURN_NS
    assert odometer.update(estimate(), later, later + TURN_NS).pose.x_m == pytest.approx(0.75)


@pytest.mark.parametrize("hole_s", [-3600.0, 30.0])
def test_a_step_of_time_does_not_move_the_robot(hole_s):
    odometer = Odometer()
    odometer.update(estimate(), START_NS, START_NS + TURN_NS)
    later = START_NS + TURN_NS + round(hole_s * 1e9)
    pose = odometer.update(estimate(), later, later + TURN_NS)
    assert pose.pose.x_m == pytest.approx(0.5)
    if hole_s > 0:
        assert np.sqrt(pose.covariance[0, 0]) >= UNKNOWN_SPEED_MPS * hole_s


def test_what_the_scene_did_not_say_widens_the_position_and_does_not_move_it():
    odometer = Odometer()
    sure = odometer.update(estimate(), START_NS, START_NS + TURN_NS)
    start = START_NS + TURN_NS
    unsure = odometer.update(estimate(0.9, reliable=False), start, start + TURN_NS)
    assert unsure.pose.x_m == sure.pose.x_m
    assert unsure.covariance[0, 0] > 100 * sure.covariance[0, 0]


def test_the_hole_is_checked():
    with pytest.raises(ValueError, match="longest_hole_s"):
        Odometer(-1)
