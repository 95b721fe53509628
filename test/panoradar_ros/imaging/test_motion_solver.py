from dataclasses import replace

import numpy as np
import pytest

from panoradar_ros.imaging.motion_solver import SolverSettings, solve_motion
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.votes import Votes, VoteSettings
from panoradar_ros.imaging.yaw_prior import YawRatePrior

RADIUS_M, TURN_RADPS = 0.08, 4 * np.pi
TRUTH = PlanarMotion(0.32, -0.15, 0.2, -0.1, 0.25, 0.5)


def votes_about(
    truth, assumed, count=3000, seed=1, noise=1.0, outliers=0.0, share=0.3, sides=False
):
    """What pixels say by the equations of the module, with errors of their own spread."""
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    if sides:
        azimuth = np.pi / 2 * rng.choice([-1, 1], count) + rng.normal(0, 0.01, count)
    time_s = np.mod(azimuth, 2 * np.pi) / TURN_RADPS
    range_m, gain = rng.uniform(1, 9, count), rng.uniform(0.97, 1.03, count)
    later = time_s - assumed.reference_s
    true = truth.at(assumed.reference_s)
    da = np.array([true.x_mps2 - assumed.x_mps2, true.y_mps2 - assumed.y_mps2])
    dv = np.array([true.x_mps - assumed.x_mps, true.y_mps - assumed.y_mps])
    normal = np.stack([np.cos(azimuth), np.sin(azimuth)], 1)
    swing = RADIUS_M * (TURN_RADPS + assumed.yaw_rate_radps)
    radial = assumed.radial_mps(azimuth, time_s)
    across = assumed.radial_mps(azimuth + np.pi / 2, time_s)
    speed_spread, curvature_spread = rng.uniform(0.02, 0.1, count), rng.uniform(0.2, 0.6, count)
    speed = gain * (normal @ dv + later * (normal @ da)) + (gain - 1) * radial
    curvature = (
        gain
        * (
            2 * swing * (true.yaw_rate_radps - assumed.yaw_rate_radps)
            + share * (swing + across) ** 2 / range_m
        )
        + (gain - 1) * swing**2 / RADIUS_M
    )
    speed = speed + noise * speed_spread * rng.normal(size=count)
    curvature = curvature + noise * curvature_spread * rng.normal(size=count)
    walking = rng.random(count) < outliers
    speed = np.where(walking, speed + rng.uniform(0.5, 1.0, count), speed)
    ones = np.ones(count)
    return Votes(
        azimuth, time_s, range_m, speed, curvature, gain, ones, speed_spread, curvature_spread, ones
    )  # fmt: skip


def solved(votes, assumed, prior=None, **settings):
    return solve_motion(votes, assumed, RADIUS_M, TURN_RADPS, SolverSettings(**settings), prior)


ASSUMED = PlanarMotion(0.3, -0.1, reference_s=0.25, yaw_rate_radps=0.3)
EXACT = {"acceleration_spread_mps2": 100.0, "point_share": (0.3, 100.0), "pixels_per_look": 1.0}


def test_exact_votes_give_the_exact_motion():
    truth = replace(TRUTH, yaw_rate_radps=0.5)
    step = solved(votes_about(truth, ASSUMED, noise=0.0), ASSUMED, **EXACT)
    got = step.motion
    assert [got.x_mps, got.y_mps] == pytest.approx([truth.x_mps, truth.y_mps], abs=1e-6)
    assert [got.x_mps2, got.y_mps2] == pytest.approx([truth.x_mps2, truth.y_mps2], abs=1e-5)
    assert got.yaw_rate_radps == pytest.approx(0.5, abs=1e-4)
    assert step.point_share == pytest.approx(0.3, abs=1e-3)


def test_covariance_is_that_of_the_errors():
    """Normalised errors squared of 5 unknowns over 100 draws: a chi-square of 500."""
    total = 0.0
    for seed in range(100):
        step = solved(votes_about(TRUTH, ASSUMED, count=1500, seed=seed), ASSUMED, **EXACT)
        error = [
            getattr(step.motion, name) - getattr(TRUTH, name)
            for name in ("x_mps", "y_mps", "x_mps2", "y_mps2", "yaw_rate_radps")
        ]
        total += error @ np.linalg.solve(step.covariance, error)
    assert 500 * 0.8 < total < 500 * 1.25


def test_a_fifth_of_moving_pixels_is_rejected():
    clean = solved(votes_about(TRUTH, ASSUMED), ASSUMED)
    walked = solved(votes_about(TRUTH, ASSUMED, outliers=0.2), ASSUMED)
    assert walked.motion.x_mps == pytest.approx(clean.motion.x_mps, abs=0.004)
    assert walked.motion.y_mps == pytest.approx(clean.motion.y_mps, abs=0.004)


def test_a_corridor_tells_the_speed_across_only():
    step = solved(votes_about(TRUTH, ASSUMED, sides=True), ASSUMED)
    along, across = np.sqrt(np.diag(step.covariance)[:2])
    assert along > 20 * across
    assert step.motion.y_mps == pytest.approx(TRUTH.y_mps, abs=5 * across)


def test_a_prior_is_weighed_by_its_variance():
    votes = votes_about(TRUTH, ASSUMED)
    free = solved(votes, ASSUMED)
    sure = solved(votes, ASSUMED, YawRatePrior(0.9, 1e-8))
    loose = solved(votes, ASSUMED, YawRatePrior(0.9, 1e4))
    assert sure.motion.yaw_rate_radps == pytest.approx(0.9, abs=1e-3)
    assert loose.motion.yaw_rate_radps == pytest.approx(free.motion.yaw_rate_radps, abs=1e-3)


def test_more_pixels_a_look_widen_the_covariance():
    votes = votes_about(TRUTH, ASSUMED)
    one, four = (solved(votes, ASSUMED, pixels_per_look=n) for n in (1.0, 4.0))
    assert four.covariance[0, 0] / one.covariance[0, 0] == pytest.approx(4, rel=0.1)


def test_too_few_votes_are_no_answer():
    assert solved(votes_about(TRUTH, ASSUMED, count=20), ASSUMED) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SolverSettings(pixels_per_look=0), "pixels_per_look must be positive, got 0"),
        (lambda: SolverSettings(point_share=(0.2, 0.0)), "spread of point_share"),
        (lambda: YawRatePrior(np.nan, 1.0), "rate_radps must be finite"),
        (lambda: YawRatePrior(0.0, 0.0), "variance must be positive, got 0"),
        (lambda: VoteSettings(rays=8), "rays must be at least 64, got 8"),
        (lambda: VoteSettings(elevations_rad=(0.0, 0.1, 0.5)), "even steps"),
        (lambda: VoteSettings(least_semblance=1.5), "least_semblance must be in"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
