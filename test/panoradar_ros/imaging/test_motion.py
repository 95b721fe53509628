from dataclasses import replace

import numpy as np
import pytest

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.motion import MotionEstimator, MotionSettings, joined
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.votes import VoteCounter, VoteSettings
from panoradar_ros.imaging.yaw_prior import YawRatePrior


@pytest.fixture(scope="module")
def estimator():
    return MotionEstimator(Beamformer(AntennaArray()))


def estimated(estimator, rotation, *known):
    return estimator.estimate(rotation, estimator.profiles(rotation), *known)


def middle_velocity(rotation, velocity, yaw_rate_radps=0.0):
    """Velocity in base_link in the middle of the turn, and that time."""
    middle_s = float(rotation.ray_time_s(1)[0] + np.pi / rotation.angular_speed_rad_s)
    yaw = yaw_rate_radps * middle_s
    cosine, sine = np.cos(yaw), np.sin(yaw)
    x_mps, y_mps = velocity
    return [cosine * x_mps + sine * y_mps, -sine * x_mps + cosine * y_mps], middle_s


@pytest.mark.parametrize("seed", [101, 102, 103])
@pytest.mark.parametrize("direction", [1, -1])
def test_velocity_among_point_reflectors(estimator, rotation_of, cloud_of, seed, direction):
    rng = np.random.default_rng(seed)
    speed, heading = rng.uniform(0.1, 0.6), rng.uniform(-np.pi, np.pi)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    rotation = rotation_of(cloud_of(seed), tuple(velocity), seed=seed, direction=direction)
    estimate = estimated(estimator, rotation)
    assert estimate.reliable
    assert estimate.blind_heading_rad is None
    assert [estimate.motion.x_mps, estimate.motion.y_mps] == pytest.approx(velocity, abs=0.012)


@pytest.mark.parametrize("yaw_rate_dps", [-60.0, -10.0, 25.0, 60.0])
def test_rate_of_turn_among_point_reflectors(estimator, rotation_of, cloud_of, yaw_rate_dps):
    rate, velocity = np.deg2rad(yaw_rate_dps), (0.3, -0.15)
    rotation = rotation_of(cloud_of(55), velocity, seed=5, yaw_rate_radps=rate)
    estimate = estimated(estimator, rotation)
    expected, _ = middle_velocity(rotation, velocity, rate)
    assert estimate.reliable
    assert np.rad2deg(estimate.motion.yaw_rate_radps) == pytest.approx(yaw_rate_dps, abs=6.0)
    assert [estimate.motion.x_mps, estimate.motion.y_mps] == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize("yaw_rate_dps", [-220.0, 200.0])
def test_a_robot_that_spins_too_fast_is_not_answered(
    estimator, rotation_of, cloud_of, yaw_rate_dps
):
    rate = np.deg2rad(yaw_rate_dps)
    rotation = rotation_of(cloud_of(55), (0.3, -0.15), seed=5, yaw_rate_radps=rate)
    assert not estimated(estimator, rotation).reliable


def test_an_imu_makes_the_rate_of_turn_sure(estimator, rotation_of, cloud_of):
    rate = np.deg2rad(25)
    rotation = rotation_of(cloud_of(55), (0.2, 0.0), seed=5, yaw_rate_radps=rate)
    known = YawRatePrior(rate, np.deg2rad(0.1) ** 2)
    estimate = estimated(estimator, rotation, None, known)
    assert estimate.motion.yaw_rate_radps == pytest.approx(rate, abs=np.deg2rad(0.3))
    assert estimate.covariance[2, 2] < np.deg2rad(0.2) ** 2


def test_standing_still_is_found_too(estimator, rotation_of, cloud_of):
    estimate = estimated(estimator, rotation_of(cloud_of(7)), PlanarMotion(0.2, -0.1))
    assert estimate.motion.speed_mps < 0.01


def test_a_first_guess_changes_only_the_work(estimator, rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(9), (0.4, 0.2))
    cold = estimated(estimator, rotation)
    warm = estimated(estimator, rotation, cold.motion)
    assert warm.iterations < cold.iterations
    # both stop when a step is below the tolerance
    tolerance = estimator.settings.tolerance_mps
    assert warm.motion.x_mps == pytest.approx(cold.motion.x_mps, abs=tolerance)
    assert warm.motion.y_mps == pytest.approx(cold.motion.y_mps, abs=tolerance)


def test_an_empty_world_gives_no_answer(estimator, rotation_of):
    estimate = estimated(estimator, rotation_of([]))
    assert not estimate.reliable


def test_people_who_walk_are_outvoted(estimator, rotation_of, cloud_of):
    """A tenth of the reflectors moves at walking pace relative to the rest."""
    still, walking = (
        rotation_of(cloud_of(31), (0.3, 0.1)),
        rotation_of(cloud_of(32, count=12), (-0.7, 0.6), noise_counts=0.0),
    )
    both = np.clip(still.samples.astype(np.int32) + walking.samples, -32768, 32767)
    estimate = estimated(estimator, replace(still, samples=both.astype(np.int16)))
    assert estimate.reliable
    assert [estimate.motion.x_mps, estimate.motion.y_mps] == pytest.approx([0.3, 0.1], abs=0.012)


def test_reflectors_on_both_sides_only_leave_the_way_ahead_open(estimator, rotation_of):
    """A corridor without ends or doors says nothing of the speed along it."""
    rng = np.random.default_rng(12)
    sides = [
        (rng.uniform(-0.05, 0.05), side * rng.uniform(2.0, 8.0), 0.0, rng.uniform(300, 900))
        for side in (-1, 1)
        for _ in range(20)
    ]
    rotation = rotation_of(sides, (0.0, 0.1), noise_counts=30.0)
    estimate = estimated(estimator, rotation)
    assert not estimate.reliable
    assert estimate.pixels >= 30
    blind = estimate.blind_heading_rad
    assert blind is not None
    assert abs(np.sin(blind)) < 0.3
    assert np.sqrt(estimate.covariance[0, 0]) > 3 * np.sqrt(estimate.covariance[1, 1])


def test_losing_a_tenth_of_the_positions_changes_little(estimator, rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(14), (0.35, -0.2))
    lost = np.random.default_rng(3).random(rotation.valid.shape) < 0.1
    samples = np.where(lost[..., None, None], 0, rotation.samples).astype(np.int16)
    damaged = replace(rotation, samples=samples, valid=rotation.valid & ~lost)
    motion = estimated(estimator, damaged).motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx([0.35, -0.2], abs=0.012)


def test_a_strong_reflector_at_the_seam_is_not_taken_for_acceleration(
    estimator, rotation_of, cloud_of
):
    rotation = rotation_of([*cloud_of(5, count=80), (3.0, 0.0, 0.0, 3000)], (0.3, 0.1))
    motion = estimated(estimator, rotation).motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx([0.3, 0.1], abs=0.012)
    assert np.hypot(motion.x_mps2, motion.y_mps2) < 0.1


def test_the_side_lobes_of_a_strong_reflector_have_no_vote(estimator, rotation_of):
    """Alone, it would otherwise be counted in all the cells around its own."""
    azimuth_rad, distance_m = 0.7, 3.0
    x_m, y_m = distance_m * np.cos(azimuth_rad), distance_m * np.sin(azimuth_rad)
    rotation = rotation_of([(x_m, y_m, 0.0, 4000)], noise_counts=4.0)
    range_m = distance_m - AntennaArray().radius_m

    def votes_around(neighbourhood):
        counter = VoteCounter(Beamformer(AntennaArray()), VoteSettings(neighbourhood=neighbourhood))
        votes = counter.votes(rotation, estimator.profiles(rotation), PlanarMotion())
        beside_rad = np.abs(np.angle(np.exp(1j * (votes.azimuth_rad - azimuth_rad))))
        beside_m = np.abs(votes.range_m - range_m)
        near = (beside_m < 6.5 * rotation.waveform.range_bin_m) & (beside_rad < np.deg2rad(8))
        return np.count_nonzero(near)

    assert 1 <= votes_around((9, 7)) <= votes_around((9, 1)) / 2 <= votes_around((1, 1)) / 3


def test_a_turn_without_half_a_window_before_and_after_is_refused(estimator, rotation_of):
    rotation = rotation_of([(3.0, 0.0, 0.0, 500)], margin_rad=np.deg2rad(10))
    with pytest.raises(ValueError, match=r"shorter than a turn and its window: it has 1\d\.\d deg"):
        estimated(estimator, rotation)


def test_spectra_that_are_not_finite_are_refused(estimator, rotation_of):
    rotation = rotation_of([(3.0, 0.0, 0.0, 500)])
    leakage = np.zeros((8, 256), np.complex64)
    leakage[3, 100] = np.nan
    with pytest.raises(ValueError, match="range spectra must be finite"):
        estimator.estimate(rotation, estimator.profiles(rotation, leakage))


def test_joining_what_is_known_weighs_by_variance(estimator, rotation_of, cloud_of):
    estimate = estimated(estimator, rotation_of(cloud_of(8), (0.2, 0.1)))
    variance = estimate.covariance[2, 2]
    known = np.array([estimate.motion.yaw_rate_radps + 0.1])
    better = joined(estimate, np.eye(5)[4:], known, np.array([[variance]]))
    assert better.motion.yaw_rate_radps == pytest.approx(estimate.motion.yaw_rate_radps + 0.05)
    assert better.covariance[2, 2] == pytest.approx(variance / 2)
    assert joined(replace(estimate, joint=None), np.eye(5)[4:], known, np.eye(1)).joint is None


def test_settings_name_the_value_that_is_wrong():
    with pytest.raises(ValueError, match="blind_mps must be positive, got 0"):
        MotionSettings(blind_mps=0)
    with pytest.raises(ValueError, match="max_iterations"):
        MotionSettings(max_iterations=0)


@pytest.mark.parametrize("name", ["nearest_m", "scatter", "taper_width"])
def test_what_must_be_positive_is_refused_otherwise(name):
    with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
        VoteSettings(**{name: 0.0})
