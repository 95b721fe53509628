from dataclasses import replace

import numpy as np
import pytest

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import range_profiles
from panoradar_ros.imaging.hough_motion import (
    HoughMotionEstimator,
    HoughSettings,
    LinePeaks,
    fit_sinusoid,
)
from panoradar_ros.imaging.yaw_prior import YawRatePrior


@pytest.fixture(scope="module")
def estimator():
    return HoughMotionEstimator()


@pytest.mark.parametrize(("direction", "azimuth_deg"), [(1, 75.0), (-1, 200.0)])
def test_peak_of_a_line_is_where_the_antenna_faces_the_reflector(
    estimator, rotation_of, direction, azimuth_deg
):
    """Equation 10, and that the line's peak tells angle of arrival and Doppler shift apart."""
    place = 4 * np.array([np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg))])
    velocity = np.array([0.35, -0.2])
    rotation = rotation_of([(*place, 0.0, 500.0)], tuple(velocity), direction=direction)
    peaks = estimator.peaks(rotation, range_profiles(rotation))
    strongest = np.argmax(peaks.power)
    found = peaks.azimuth_rad[strongest]
    facing_s = np.interp(direction * found, direction * rotation.azimuth_rad, rotation.time_s)
    seen = place - velocity * facing_s
    azimuth = np.arctan2(seen[1], seen[0])
    off = direction * ((found - azimuth + np.pi) % (2 * np.pi) - np.pi)
    # the reflector walks through the range bin while the beam passes, which moves the peak
    assert np.rad2deg(off) == pytest.approx(0, abs=1.0)
    error_mps = peaks.radial_mps[strongest] - velocity @ seen / np.linalg.norm(seen)
    assert error_mps == pytest.approx(0, abs=0.02)
    # along its line, whose place is known far better: 1 deg of angle is r w 1 deg of speed
    assert error_mps + 0.08 * rotation.angular_speed_rad_s * off == pytest.approx(0, abs=0.002)


def test_compensated_window_is_one_tone(estimator, rotation_of):
    """Equation 7: the four receivers of all chirps add up over the window, less the pattern."""
    rotation = rotation_of([(0.0, 4.0, 0.0, 500.0)], (0.2, 0.1))
    peaks = estimator.peaks(rotation, range_profiles(rotation))
    half_rad = estimator.settings.window_rad / 2
    off = np.linspace(-half_rad, half_rad, 1001)
    taper = 1 + np.cos(np.pi * off / half_rad)
    gain = np.average(AntennaArray().two_way_gain(off, np.zeros(1)), weights=taper)
    # between two range bins the Hann window loses up to 1.4 dB
    assert 0.7 < peaks.power.max() / (4 * 500 * gain) ** 2 < 1.02


@pytest.mark.parametrize("seed", [101, 102])
def test_velocity_among_point_reflectors(estimator, rotation_of, cloud_of, seed):
    rng = np.random.default_rng(seed)
    speed, heading = rng.uniform(0.1, 0.6), rng.uniform(-np.pi, np.pi)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    rotation = rotation_of(cloud_of(seed, count=60), tuple(velocity), seed=seed)
    estimate = estimator.estimate(rotation, range_profiles(rotation))
    assert estimate.reliable
    assert [estimate.motion.x_mps, estimate.motion.y_mps] == pytest.approx(velocity, abs=0.025)
    assert estimate.motion.yaw_rate_radps == 0
    assert np.isinf(estimate.covariance[2, 2])


def test_known_rate_of_turn_puts_reflectors_where_they_are(estimator, rotation_of, cloud_of):
    velocity, rate = (0.2, -0.25), 0.9
    still = rotation_of(cloud_of(9, count=40), velocity)
    middle_s = still.ray_time_s(2)[1]
    turned = still.azimuth_rad - rate * (still.time_s - middle_s)  # in a base that turns
    rotation = replace(still, azimuth_rad=turned)
    prior = YawRatePrior(rate, 1e-4)
    known = estimator.estimate(rotation, range_profiles(rotation), yaw_rate=prior)
    found = known.motion.at(middle_s)
    assert [found.x_mps, found.y_mps] == pytest.approx(velocity, abs=0.02)
    assert known.motion.yaw_rate_radps == rate
    assert known.covariance[2, 2] == 1e-4


def test_standing_still_is_found_too(estimator, rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(7, count=40))
    estimate = estimator.estimate(rotation, range_profiles(rotation))
    assert estimate.motion.speed_mps < 0.02


def test_same_rotation_same_answer_whatever_the_profiles_decimation(
    estimator, rotation_of, cloud_of
):
    rotation = rotation_of(cloud_of(8, count=10), (0.2, 0.3))
    first = estimator.estimate(rotation, range_profiles(rotation))
    again = HoughMotionEstimator().estimate(rotation, range_profiles(rotation, decimation=2))
    assert again.motion == first.motion
    np.testing.assert_array_equal(again.covariance, first.covariance)


@pytest.mark.parametrize("noise_counts", [1.0, 0.0])
def test_an_empty_world_gives_no_answer(estimator, rotation_of, noise_counts):
    rotation = rotation_of([], noise_counts=noise_counts)
    estimate = estimator.estimate(rotation, range_profiles(rotation))
    assert not estimate.reliable
    assert estimate.pixels == 0


def peaks_of(velocity, outliers, seed=3, count=200, noise=0.01):
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    radial = velocity[0] * np.cos(azimuth) + velocity[1] * np.sin(azimuth)
    radial += rng.normal(0, noise, count)
    radial[: int(outliers * count)] = rng.uniform(-0.8, 0.8, int(outliers * count))
    return LinePeaks(azimuth, radial, np.ones(count))


def test_sinusoid_is_found_among_outliers():
    peaks = peaks_of((0.3, -0.4), outliers=0.6)
    velocity, covariance, agreeing = fit_sinusoid(peaks, HoughSettings(peaks_per_look=1.0))
    assert velocity == pytest.approx([0.3, -0.4], abs=0.005)
    assert 80 <= agreeing <= 110
    assert np.sqrt(np.diag(covariance)) == pytest.approx(0.003, abs=0.002)


def test_peaks_in_one_direction_or_none_give_no_velocity():
    peaks = LinePeaks(np.full(50, 0.3), np.full(50, 0.1), np.ones(50))
    for few in (peaks, LinePeaks(*np.zeros((3, 2)))):
        _, covariance, agreeing = fit_sinusoid(few, HoughSettings())
        assert agreeing == 0
        assert np.all(np.isinf(np.diag(covariance)))


def test_covariance_is_the_spread_of_the_answers():
    settings = HoughSettings(peaks_per_look=1.0)
    answers = [fit_sinusoid(peaks_of((0.2, 0.1), 0.0, seed), settings) for seed in range(300)]
    spread = np.cov(np.array([answer[0] for answer in answers]).T)
    told = np.mean([answer[1] for answer in answers], axis=0)
    np.testing.assert_allclose(np.diag(spread), np.diag(told), rtol=0.3)


def test_settings_name_the_value_that_is_wrong():
    with pytest.raises(ValueError, match="centres must be at least 64, got 8"):
        HoughSettings(centres=8)
    with pytest.raises(ValueError, match="window_rad must be positive, got 0"):
        HoughSettings(window_rad=0)
