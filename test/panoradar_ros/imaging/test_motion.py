import numpy as np
import pytest

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import Beamformer, range_profiles
from panoradar_ros.imaging.motion import MotionEstimator, MotionSettings, solve_motion
from panoradar_ros.imaging.planar_motion import PlanarMotion


@pytest.fixture(scope="module")
def estimator():
    return MotionEstimator(Beamformer(AntennaArray()))


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_velocity_among_point_reflectors(estimator, rotation_of, cloud_of, seed):
    rng = np.random.default_rng(seed)
    speed, heading = rng.uniform(0.1, 0.6), rng.uniform(-np.pi, np.pi)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    rotation = rotation_of(cloud_of(seed), tuple(velocity), seed=seed)
    estimate = estimator.estimate(rotation, range_profiles(rotation, decimation=2))
    assert estimate.reliable
    assert [estimate.motion.x_mps, estimate.motion.y_mps] == pytest.approx(velocity, abs=0.012)


def test_standing_still_is_found_too(estimator, rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(7), (0.0, 0.0))
    estimate = estimator.estimate(
        rotation, range_profiles(rotation, decimation=2), PlanarMotion(0.2, -0.1)
    )
    assert estimate.motion.speed_mps < 0.012


def test_an_empty_world_gives_no_answer(estimator, rotation_of):
    rotation = rotation_of([])
    estimate = estimator.estimate(rotation, range_profiles(rotation, decimation=2))
    assert not estimate.reliable


def test_solver_recovers_the_motion_from_exact_errors_and_ignores_outliers():
    rng = np.random.default_rng(11)
    azimuth = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    time = azimuth / (4 * np.pi) - 0.25
    truth = np.array([0.12, -0.05, 0.4, 0.3])
    power = rng.exponential(1.0, (256, 64)).astype(np.float32)
    error = rng.uniform(-1, 1, power.shape).astype(np.float32)
    cells = rng.integers(32, 60, 256)
    rays = np.arange(256)
    power[rays, cells] = 1e4
    error[rays, cells] = (
        (truth[0] + truth[2] * time) * np.cos(azimuth)
        + (truth[1] + truth[3] * time) * np.sin(azimuth)
        + rng.normal(0, 0.01, 256)
    ).astype(np.float32)
    error[rays[::10], cells[::10]] = 0.9
    step, covariance, pixels = solve_motion(
        azimuth, time, power, error, np.ones(256), MotionSettings(neighbourhood=(1, 9)), 0.0
    )
    assert 150 < pixels < 270  # rays next to a larger neighbour do not vote
    assert step[:2] == pytest.approx(truth[:2], abs=0.01)
    assert step[2:] == pytest.approx(truth[2:], abs=0.05)
    assert np.all(np.diag(covariance) > 0)


def test_a_strong_reflector_at_the_seam_is_not_taken_for_acceleration(
    estimator, rotation_of, cloud_of
):
    rotation = rotation_of([*cloud_of(5, count=80), (3.0, 0.0, 0.0, 3000)], (0.3, 0.1))
    motion = estimator.estimate(rotation, range_profiles(rotation, decimation=2)).motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx([0.3, 0.1], abs=0.012)
    assert np.hypot(motion.x_mps2, motion.y_mps2) < 0.1


def test_rays_that_were_not_received_do_not_vote():
    power = np.full((256, 64), 1e-3, np.float32)
    power[:, 30] = 1e3
    coverage = np.zeros(256)
    _, _, pixels = solve_motion(
        np.zeros(256), np.zeros(256), power, np.zeros_like(power), coverage, MotionSettings(), 0.0
    )
    assert pixels == 0


def test_settings_name_the_value_that_is_wrong():
    with pytest.raises(ValueError, match="rays must be at least 64, got 8"):
        MotionSettings(rays=8)
    with pytest.raises(ValueError, match="max_iterations"):
        MotionSettings(max_iterations=0)
