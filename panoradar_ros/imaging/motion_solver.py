"""From the votes of a rotation's pixels to one motion and how sure it is.

All pixels share one velocity v, one acceleration a and one rate of turn W. With n the horizontal
direction of a vote, g its elevation gain, t its time after the middle of the turn, w the speed of
the boresight in the fixed axes and r the arm, the votes of :mod:`panoradar_ros.imaging.votes` obey

    du + (1 - g) u      =  g n . (dv + t da)
    kappa - (g - 1) r w^2 =  g (2 r w dW - n . b + c (r w + v_t)^2 / R)

where u is the assumed radial speed. The last term is the curvature of the wave front of a point at
range R, seen from an antenna that moves across at r w + v_t; a wall mirrors the antenna and has
none. How much of the scene is points, c, is estimated with the rest, and so is b: the acceleration
as the curvature shows it, kept apart from a because points lie unevenly around the robot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.votes import Votes
from panoradar_ros.imaging.yaw_prior import YawRatePrior

STEPS = 12
NARROWING = 0.6
FEWEST_VOTES = 30
UNKNOWNS = 8


@dataclass(frozen=True)
class SolverSettings:
    """Weights of the votes and what is known beforehand.

    Attributes:
        pixels_per_look: how many neighbouring pixels say the same thing; scales the covariance.
        acceleration_spread_mps2: of a robot's acceleration, per axis.
        yaw_rate_spread_radps: of its rate of turn, where no prior is given.
        point_share: how much of a scene is points, mean and spread; 1 in one of points alone.

    Raises:
        ValueError: a value is not positive.
    """

    pixels_per_look: float = 4.5
    acceleration_spread_mps2: float = 0.4
    yaw_rate_spread_radps: float = 0.7
    point_share: tuple[float, float] = (0.2, 0.5)

    def __post_init__(self) -> None:
        for name in ("pixels_per_look", "acceleration_spread_mps2", "yaw_rate_spread_radps"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.point_share[1] <= 0:
            raise ValueError(f"the spread of point_share must be positive, got {self.point_share}")


@dataclass(frozen=True)
class MotionStep:
    """Correction of an assumed motion.

    Attributes:
        motion: the corrected motion.
        covariance: (5, 5) of x_mps, y_mps, x_mps2, y_mps2 and yaw_rate_radps.
        velocity_mps: magnitude of the change of velocity.
        yaw_rate_radps: magnitude of the change of the rate of turn.
        point_share: c of the module's equations.
    """

    motion: PlanarMotion
    covariance: NDArray[np.float64]
    velocity_mps: float
    yaw_rate_radps: float
    point_share: float


def solve_motion(
    votes: Votes,
    motion: PlanarMotion,
    radius_m: float,
    boresight_radps: float,
    settings: SolverSettings,
    prior: YawRatePrior | None = None,
) -> MotionStep | None:
    """Robust weighted least squares over all votes.

    The loss is Cauchy's: of correlated complex Gaussians the real part of a ratio has such heavy
    tails. It starts wide and narrows, so that the result does not depend on the first guess.

    Args:
        votes: collected under ``motion``.
        motion: the assumed motion, referred to the middle of the turn.
        radius_m: arm of the antenna.
        boresight_radps: speed of the turntable, negative if it turns clockwise.
        settings: weights.
        prior: of the rate of turn.

    Returns:
        The correction; None where too few pixels voted.
    """
    if len(votes) < FEWEST_VOTES:
        return None
    design, target, spread = _equations(votes, motion, radius_m, boresight_radps)
    centre, precision = _prior(motion, settings, prior)
    share = 1 / settings.pixels_per_look
    step: NDArray[np.floating] = np.zeros(UNKNOWNS)
    width = NARROWING ** -(STEPS // 2)
    for _ in range(STEPS):
        normalised = (target - design @ step) / spread
        weight = share / (1 + (normalised / max(width, 1.0)) ** 2) / spread**2
        information = design.T @ (weight[:, None] * design) + np.diag(precision)
        step = np.linalg.solve(information, design.T @ (weight * target) + precision * centre)
        width *= NARROWING
    covariance = _covariance(design, target - design @ step, spread, share, precision)
    corrected = PlanarMotion(
        motion.x_mps + step[0],
        motion.y_mps + step[1],
        motion.x_mps2 + step[2],
        motion.y_mps2 + step[3],
        motion.reference_s,
        motion.yaw_rate_radps + step[4],
    )
    return MotionStep(
        corrected,
        covariance[:5, :5],
        float(np.hypot(step[0], step[1])),
        abs(float(step[4])),
        float(step[5]),
    )


def _covariance(
    design: NDArray[np.float64],
    residual: NDArray[np.float64],
    spread: NDArray[np.float64],
    share: float,
    precision: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sandwich covariance of an M-estimate (Huber, Robust Statistics, section 7.6).

    Pixels of one look say the same thing, so the sum of their scores varies by 1 / share as much.
    """
    square = (residual / spread) ** 2
    score = share * residual / (1 + square) / spread**2
    slope = share * (1 - square) / (1 + square) ** 2 / spread**2
    curvature = design.T @ (slope[:, None] * design)
    inverse = np.linalg.inv(curvature + np.diag(precision))
    scored = score[:, None] * design
    return inverse @ (scored.T @ scored / share + np.diag(precision)) @ inverse


def _equations(
    votes: Votes, motion: PlanarMotion, radius_m: float, boresight_radps: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """All equations: design (equation, unknown), right sides and spreads (equation,)."""
    normal, gain = votes.normal, votes.elevation_gain
    told = np.isfinite(votes.curvature_spread_mps2)
    later_s = votes.time_s - motion.reference_s
    radial = motion.radial_mps(votes.azimuth_rad, votes.time_s)
    across = motion.radial_mps(votes.azimuth_rad + np.pi / 2, votes.time_s)
    swing = radius_m * (boresight_radps + motion.yaw_rate_radps)
    count = len(votes)
    design = np.zeros((count + np.count_nonzero(told), UNKNOWNS))
    design[:count, :2] = gain[:, None] * normal
    design[:count, 2:4] = (gain * later_s)[:, None] * normal
    design[count:, 6:] = -(gain[:, None] * normal)[told]
    design[count:, 4] = 2 * gain[told] * swing
    design[count:, 5] = (gain * (swing + across) ** 2 / votes.range_m)[told]
    target = np.concatenate(
        [
            votes.speed_error_mps - (gain - 1) * radial,
            (votes.curvature_error_mps2 - (gain - 1) * swing**2 / radius_m)[told],
        ]
    )
    spread = np.concatenate([votes.speed_spread_mps, votes.curvature_spread_mps2[told]])
    return design, target, spread


def _prior(
    motion: PlanarMotion, settings: SolverSettings, prior: YawRatePrior | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and precision (unknown,) of the correction before the votes are counted."""
    rate = prior or YawRatePrior(0.0, settings.yaw_rate_spread_radps**2)
    share, share_spread = settings.point_share
    centre = np.array(
        [
            0.0,
            0.0,
            -motion.x_mps2,
            -motion.y_mps2,
            rate.rate_radps - motion.yaw_rate_radps,
            share,
            0.0,
            0.0,
        ]
    )
    acceleration = settings.acceleration_spread_mps2**-2
    precision = np.array(
        [
            0.0,
            0.0,
            acceleration,
            acceleration,
            1 / rate.variance,
            share_spread**-2,
            acceleration,
            acceleration,
        ]
    )
    return centre, precision
