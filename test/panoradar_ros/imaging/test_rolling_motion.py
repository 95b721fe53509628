"""The tracker on votes made by hand: it must give back the motion that made them."""

import numpy as np
import pytest

from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rolling_motion import MotionTracker, TrackerSettings

RAYS, BINS, STEP = 24, 120, 2 * np.pi / 512
RATE = 4 * np.pi
BORESIGHT_MPS = 0.08 * RATE


def sectors(count):
    """Azimuths and times of consecutive sectors."""
    for index in range(count):
        ray = np.arange(index * RAYS, (index + 1) * RAYS)
        yield STEP * ray, STEP * ray / RATE


def radial(motion, azimuth_rad, time_s):
    return motion.radial_mps(azimuth_rad + motion.yaw_rad(time_s), time_s)


def lobes(rng, azimuth_rad, time_s, truth, assumed, reflectors=4, side_lobes=False):
    """Power and speed error of a sector with lobes at known places."""
    power = rng.exponential(1.0, (RAYS, BINS)).astype(np.float32)
    error = rng.normal(0, 1.0, (RAYS, BINS)).astype(np.float32)
    ray = np.arange(RAYS)
    cells = rng.choice(np.arange(35, BINS - 5, 6), reflectors, replace=False)
    for cell in cells:
        place = rng.uniform(2.0, RAYS - 3.0)
        shape = 1e4 * np.exp(-(((ray - place) / 1.4) ** 2))
        du = radial(truth, azimuth_rad, time_s) - radial(assumed, azimuth_rad, time_s)
        # beside its peak a lobe is focused where the antenna did not face it
        power[:, cell] += shape
        error[:, cell] = du - BORESIGHT_MPS * STEP * (place - ray)
        if side_lobes:
            power[:, cell + 1] += 0.01 * shape.max()
    return power, error


def track(truth, turns=1.2, settings=None, **options):
    rng = np.random.default_rng(5)
    tracker = MotionTracker(settings)
    for azimuth_rad, time_s in sectors(int(turns * 512 / RAYS)):
        now_s = float(time_s[-1])
        assumed = tracker.motion or PlanarMotion(
            reference_s=now_s, yaw_rate_radps=truth.yaw_rate_radps
        )
        assumed = assumed.at(now_s)
        power, error = lobes(rng, azimuth_rad, time_s, truth, assumed, **options)
        tracker.add(azimuth_rad, time_s, power, error, 1.0, assumed, BORESIGHT_MPS)
    return tracker, now_s


@pytest.mark.parametrize("yaw_rate_radps", [0.0, 0.8])
def test_velocity_and_acceleration_at_the_end_are_found(yaw_rate_radps):
    truth = PlanarMotion(0.3, -0.2, 0.5, 0.4, 0.25, yaw_rate_radps)
    free = TrackerSettings(prior_votes=0.01)
    tracker, now_s = track(truth, settings=free, side_lobes=True)
    true_now, found = truth.at(now_s), tracker.motion
    assert found.reference_s == pytest.approx(now_s)
    assert found.x_mps == pytest.approx(true_now.x_mps, abs=0.01)
    assert found.y_mps == pytest.approx(true_now.y_mps, abs=0.01)
    assert found.x_mps2 == pytest.approx(true_now.x_mps2, abs=0.1)
    assert found.y_mps2 == pytest.approx(true_now.y_mps2, abs=0.1)


def test_something_that_moves_in_view_does_not_carry_the_estimate_away():
    truth = PlanarMotion(0.3, 0.0, reference_s=0.0)
    rng = np.random.default_rng(6)
    tracker = MotionTracker()
    for index, (azimuth_rad, time_s) in enumerate(sectors(26)):
        now_s = float(time_s[-1])
        assumed = (tracker.motion or PlanarMotion()).at(now_s)
        power, error = lobes(rng, azimuth_rad, time_s, truth, assumed)
        if index % 21 == 4:  # someone walks there, brighter than anything
            power[8:14, 60] = 1e5 * np.exp(-((np.arange(-3, 3) / 1.4) ** 2))
            error[8:14, 60] += 1.5
        tracker.add(azimuth_rad, time_s, power, error, 1.0, assumed, BORESIGHT_MPS)
    assert np.hypot(tracker.motion.x_mps - 0.3, tracker.motion.y_mps) < 0.02


def test_it_says_nothing_before_it_has_seen_enough_and_forgets_when_told():
    tracker, _ = track(PlanarMotion(0.2, 0.1), turns=0.15)
    assert tracker.motion is None
    tracker, _ = track(PlanarMotion(0.2, 0.1))
    assert tracker.motion is not None
    tracker.clear()
    assert tracker.motion is None


def test_the_velocity_never_leaves_its_limits():
    """Faster than the rotor the aperture collapses, and nothing would come back from there."""
    tracker, _ = track(PlanarMotion(2.0, 1.0, 5.0, 5.0))
    settings = TrackerSettings()
    assert tracker.motion.speed_mps <= settings.max_speed_mps * (1 + 1e-9)
    acceleration = np.hypot(tracker.motion.x_mps2, tracker.motion.y_mps2)
    assert acceleration <= settings.max_acceleration_mps2 * (1 + 1e-9)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="memory_s must be positive, got 0"):
        TrackerSettings(memory_s=0.0)


def test_where_few_vote_the_acceleration_is_held_back_and_the_velocity_is_near():
    """At the start votes come from one side: without a prior the other side would run away."""
    truth = PlanarMotion(0.3, -0.2, 0.5, 0.4, 0.25)
    tracker, now_s = track(truth)
    true_now, found = truth.at(now_s), tracker.motion
    assert 0 < found.x_mps2 < true_now.x_mps2
    assert 0 < found.y_mps2 < true_now.y_mps2
    assert np.hypot(found.x_mps - true_now.x_mps, found.y_mps - true_now.y_mps) < 0.1
