from dataclasses import replace

import numpy as np
import pytest

from panoradar_ros.imaging.landmarks import Landmarks
from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.odometry import UNKNOWN_SPEED_MPS, Odometer, OdometrySettings
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.planar_pose import PlanarPose

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
    assert np.sqrt(pose.covariance[0, 0]) == pytest.approx(
        0.01 * 0.5 * np.sqrt(3.5)
    )  # grows as a walk


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


def test_what_the_scene_did_not_say_goes_on_for_a_second_and_widens_the_position():
    odometer = Odometer()
    sure = odometer.update(estimate(0.4), START_NS, START_NS + TURN_NS)
    found = []
    for turn in range(1, 6):
        start = START_NS + turn * TURN_NS
        found.append(odometer.update(estimate(0.9, reliable=False), start, start + TURN_NS))
    way = np.diff([sure.pose.x_m, *(one.pose.x_m for one in found)])
    # not the 0.9 of the turn itself; after two turns it stops
    assert way[:2] == pytest.approx([0.2, 0.2])
    assert way[3:] == pytest.approx([0, 0], abs=1e-9)
    assert found[0].covariance[0, 0] > 100 * sure.covariance[0, 0]
    assert found[-1].covariance[0, 0] > 2 * found[0].covariance[0, 0]


def test_a_robot_that_never_said_how_it_moves_stays():
    unsure = Odometer().update(estimate(0.9, reliable=False), START_NS, START_NS + TURN_NS)
    assert unsure.pose.x_m == 0


@pytest.mark.parametrize("unknown", [(5,), (5, 6)])
def test_a_spinning_robot_keeps_its_yaw_through_turns_that_say_nothing(unknown):
    odometer, world, rate = Odometer(), landmarks(7), np.deg2rad(50)
    for turn in range(12):
        yaw = rate * (turn + 0.5) * 0.5 + np.deg2rad(6) * (turn > 5)  # it also swerved meanwhile
        joint = np.diag([2e-3, 2e-3, 0.1, 0.1, np.deg2rad(1)]) ** 2
        seen = MotionEstimate(
            PlanarMotion(yaw_rate_radps=rate),
            joint[np.ix_([0, 1, 4], [0, 1, 4])],
            1000, 2, turn not in unknown, None,
            world.seen_from(PlanarPose(0.0, 0.0, yaw).inverse()), joint,
        )  # fmt: skip
        start = START_NS + turn * TURN_NS
        reckoning = odometer.update(seen, start, start + TURN_NS)
    assert np.rad2deg(reckoning.pose.yaw_rad - yaw - rate / 4) == pytest.approx(0, abs=0.6)


def test_the_yaw_at_the_end_of_a_turn_counts_that_the_turn_quickens():
    odometer, quicker = Odometer(), np.deg2rad(30)
    for turn in range(4):
        rate = quicker * (turn + 0.5) * 0.5
        seen = replace(estimate(0.0), motion=PlanarMotion(yaw_rate_radps=rate))
        start = START_NS + turn * TURN_NS
        reckoning = odometer.update(seen, start, start + TURN_NS)
    # the first turn has none before it: it begins with the rate of its middle
    begun = quicker * 0.25**2 / 2
    assert reckoning.pose.yaw_rad == pytest.approx(quicker * 2**2 / 2 + begun, abs=1e-6)


def test_the_hole_is_checked():
    with pytest.raises(ValueError, match="longest_hole_s"):
        OdometrySettings(longest_hole_s=-1)


def landmarks(seed=1, count=800):
    rng = np.random.default_rng(seed)
    azimuth, distance = rng.uniform(-np.pi, np.pi, count), rng.uniform(1.5, 8, count)
    return Landmarks(distance * np.cos(azimuth), distance * np.sin(azimuth), np.ones(count))


def arc(speed_mps, rate_radps, duration_s):
    """Way of a robot that drives forward and turns at constant rates."""
    turn = rate_radps * duration_s
    radius_m = speed_mps / rate_radps
    return PlanarPose(radius_m * np.sin(turn), radius_m * (1 - np.cos(turn)), turn)


def turning(odometer, turns, believed_dps, true_dps=20.0):
    """A robot on a circle, with a wrong rate of turn from its motion; result and truth."""
    world, rate = landmarks(), np.deg2rad(true_dps)
    middle = arc(0.2, rate, 0.25)
    for turn in range(turns):
        if turn:
            middle = middle.then(arc(0.2, rate, 0.5))
        joint = np.diag([1e-3, 1e-3, 0.1, 0.1, np.deg2rad(3)]) ** 2
        seen = MotionEstimate(
            PlanarMotion(0.2, 0.0, yaw_rate_radps=np.deg2rad(believed_dps)),
            joint[np.ix_([0, 1, 4], [0, 1, 4])],
            1000, 2, True, None, world.seen_from(middle.inverse()), joint,
        )  # fmt: skip
        start = START_NS + turn * TURN_NS
        reckoning = odometer.update(seen, start, start + TURN_NS)
    return reckoning, middle.then(arc(0.2, rate, 0.25))


def test_landmarks_correct_a_wrong_rate_of_turn():
    reckoning, truth = turning(Odometer(), 12, believed_dps=22.0)
    # the first half turn has nothing to be matched with, the last has half of the rate's error
    assert np.rad2deg(reckoning.pose.yaw_rad - truth.yaw_rad) == pytest.approx(0.5, abs=0.5)
    assert np.hypot(reckoning.pose.x_m - truth.x_m, reckoning.pose.y_m - truth.y_m) < 0.03
    assert np.rad2deg(reckoning.estimate.motion.yaw_rate_radps) == pytest.approx(20, abs=0.7)
    assert reckoning.estimate.covariance[2, 2] < np.deg2rad(1.5) ** 2


def test_standing_still_the_yaw_does_not_wander():
    odometer, world = Odometer(), landmarks(3)
    rng = np.random.default_rng(4)
    for turn in range(60):
        joint = np.diag([2e-3, 2e-3, 0.1, 0.1, np.deg2rad(1)]) ** 2
        jitter = PlanarPose(*rng.normal(0, 0.002, 2), 0.0)
        seen = MotionEstimate(
            PlanarMotion(yaw_rate_radps=rng.normal(0, np.deg2rad(1))),
            joint[np.ix_([0, 1, 4], [0, 1, 4])],
            1000, 2, True, None, world.seen_from(jitter), joint,
        )  # fmt: skip
        start = START_NS + turn * TURN_NS
        reckoning = odometer.update(seen, start, start + TURN_NS)
    assert abs(np.rad2deg(reckoning.pose.yaw_rad)) < 0.6


def test_a_sudden_change_is_not_smoothed_away():
    """A robot that brakes: the last turn's velocity does not fit and is left out."""
    odometer = Odometer()
    for turn, (speed, acceleration) in enumerate([(0.5, 0.0), (0.1, 0.0)]):
        joint = np.diag([2e-3, 2e-3, 0.03, 0.03, np.deg2rad(1)]) ** 2
        seen = MotionEstimate(
            PlanarMotion(speed, 0.0, acceleration),
            joint[np.ix_([0, 1, 4], [0, 1, 4])],
            1000, 2, True, None, landmarks(5), joint,
        )  # fmt: skip
        start = START_NS + turn * TURN_NS
        reckoning = odometer.update(seen, start, start + TURN_NS)
    assert reckoning.estimate.motion.x_mps == pytest.approx(0.1, abs=0.005)
