"""The robot's motion from one rotation of its own radar.

The votes of all pixels under an assumed motion (:mod:`panoradar_ros.imaging.votes`) give a
correction (:mod:`panoradar_ros.imaging.motion_solver`); the beams are formed again with the
corrected motion until it stands still.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.beam_plan import refuse_bad_profiles, refuse_short_margins
from panoradar_ros.imaging.beamforming import Beamformer, RangeProfiles
from panoradar_ros.imaging.landmarks import Landmarks
from panoradar_ros.imaging.motion_solver import (
    MotionStep,
    SolverSettings,
    solve_motion,
)
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.votes import VoteCounter, VoteSettings, vote_profiles
from panoradar_ros.imaging.yaw_prior import YawRatePrior

STATE = ("x_mps", "y_mps", "x_mps2", "y_mps2", "yaw_rate_radps")
"""What the solver estimates."""

MEASURED = [0, 1, 4]
"""x_mps, y_mps and yaw_rate_radps among it."""


@dataclass(frozen=True)
class MotionSettings:
    """How the estimator works.

    Attributes:
        votes: which pixels vote.
        solver: their weights.
        tolerance_mps: stop when the velocity changes by less; what is left is a tenth of it.
        tolerance_radps: and the rate of turn by less.
        unsettled_mps: a velocity that still changes by more at the end is not to be trusted.
        max_iterations: at most so many beamforming passes.
        max_speed_mps: faster results are refused.
        max_yaw_rate_radps: so are faster turns.
        blind_mps: a direction in which the velocity's standard deviation is larger is one that the
            scene does not tell.
        blind_radps: a rate of turn whose standard deviation is larger is not known, as where the
            robot spins faster than votes can follow; in buildings 2 deg/s are usual, 5 the most.

    Raises:
        ValueError: a value is out of its range.
    """

    votes: VoteSettings = field(default_factory=VoteSettings)
    solver: SolverSettings = field(default_factory=SolverSettings)
    tolerance_mps: float = 0.012
    tolerance_radps: float = np.deg2rad(2)
    unsettled_mps: float = 0.02
    max_iterations: int = 12
    max_speed_mps: float = 0.9
    max_yaw_rate_radps: float = np.deg2rad(90)
    blind_mps: float = 0.05
    blind_radps: float = np.deg2rad(6)

    def __post_init__(self) -> None:
        for name in (
            "tolerance_mps",
            "tolerance_radps",
            "unsettled_mps",
            "max_speed_mps",
            "max_yaw_rate_radps",
            "blind_mps",
            "blind_radps",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations must be at least 1, got {self.max_iterations}")


@dataclass(frozen=True)
class MotionEstimate:
    """Motion of the robot in a rotation.

    Attributes:
        motion: velocity in base_link in the middle of the turn, acceleration and rate of turn.
        covariance: (3, 3) of x_mps, y_mps and yaw_rate_radps.
        pixels: how many pixels voted.
        iterations: beamforming passes.
        reliable: False where the scene did not say (too few pixels, no convergence, too fast, or a
            direction that nothing tells, as along an endless corridor).
        blind_heading_rad: the direction in base_link, in [0, pi), in which the scene does not tell
            the velocity; None where it tells both.
        landmarks: clear reflectors of this rotation; empty if the method does not find them.
        joint: (5, 5) covariance with the acceleration, in the order of ``STATE``; None if the
            method does not tell.
    """

    motion: PlanarMotion
    covariance: NDArray[np.float64]
    pixels: int
    iterations: int
    reliable: bool
    blind_heading_rad: float | None = None
    landmarks: Landmarks = field(default_factory=Landmarks)
    joint: NDArray[np.float64] | None = None


def unknown_motion(motion: PlanarMotion, pixels: int = 0, iterations: int = 0) -> MotionEstimate:
    """The answer where the scene said nothing."""
    return MotionEstimate(motion, np.full((3, 3), np.inf), pixels, iterations, False)


def joined(
    estimate: MotionEstimate,
    measured: NDArray[np.float64],
    value: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> MotionEstimate:
    """An estimate joined with something else that is known of the motion (a Kalman update).

    Args:
        estimate: with a joint covariance.
        measured: (known, 5) how what is known depends on x_mps, y_mps, x_mps2, y_mps2 and
            yaw_rate_radps.
        value: (known,).
        noise: (known, known) covariance of the value.
    """
    motion, joint = estimate.motion, estimate.joint
    if joint is None:
        return estimate
    state = np.array([getattr(motion, name) for name in STATE])
    gain = joint @ measured.T @ np.linalg.inv(measured @ joint @ measured.T + noise)
    state = state + gain @ (value - measured @ state)
    joint = joint - gain @ measured @ joint
    return replace(
        estimate,
        motion=replace(motion, **dict(zip(STATE, state.tolist(), strict=True))),
        covariance=joint[np.ix_(MEASURED, MEASURED)],
        joint=joint,
    )


def _middle(one: PlanarMotion, other: PlanarMotion) -> PlanarMotion:
    """Half-way between two motions with the same reference time."""
    halves = {name: 0.5 * (getattr(one, name) + getattr(other, name)) for name in STATE}
    return replace(one, **halves)


class MotionEstimator:
    """Iterates votes and corrections on a beamformer's workers."""

    def __init__(self, beamformer: Beamformer, settings: MotionSettings | None = None) -> None:
        self._beamformer = beamformer
        self.settings = settings if settings is not None else MotionSettings()
        self._counter = VoteCounter(beamformer, self.settings.votes)

    def profiles(
        self,
        rotation: Rotation,
        leakage: NDArray[np.complex64] | None = None,
        workers: int = 1,
    ) -> RangeProfiles:
        """Range spectra that :meth:`estimate` wants, see :func:`vote_profiles`.

        Args:
            rotation: the turn.
            leakage: (antenna, sample) complex mean chirp, in ADC counts.
            workers: threads of the FFT.
        """
        return vote_profiles(rotation, leakage, workers)

    def estimate(
        self,
        rotation: Rotation,
        profiles: RangeProfiles,
        initial: PlanarMotion | None = None,
        yaw_rate: YawRatePrior | None = None,
    ) -> MotionEstimate:
        """Motion of the robot in one rotation.

        Args:
            rotation: the turn.
            profiles: range spectra of its positions, of :meth:`profiles`.
            initial: first guess in this rotation's time, for example from the last one.
            yaw_rate: what an IMU says of the rate of turn.

        Raises:
            ValueError: the positions do not reach half a window beyond both ends of the turn, or
                the spectra are not finite or of another array.
        """
        refuse_bad_profiles(rotation, profiles, self._beamformer.array)
        refuse_short_margins(rotation, profiles, self._beamformer.window_rad)
        settings = self.settings
        ray_s = rotation.ray_time_s(settings.votes.rays)
        middle_s = float(ray_s[0] + np.pi / rotation.angular_speed_rad_s)
        motion = initial.at(middle_s) if initial else PlanarMotion(reference_s=middle_s)
        if yaw_rate is not None:
            motion = replace(motion, yaw_rate_radps=yaw_rate.rate_radps)
        radius_m = self._beamformer.array.radius_m
        boresight_radps = rotation.direction * rotation.angular_speed_rad_s
        before_mps = np.inf
        for iteration in range(1, settings.max_iterations + 1):
            votes = self._counter.votes(rotation, profiles, motion)
            found = solve_motion(
                votes, motion, radius_m, boresight_radps, settings.solver, yaw_rate
            )
            if found is None:
                return unknown_motion(motion, len(votes), iteration)
            step = found
            settled = step.velocity_mps < settings.tolerance_mps
            # steps that do not shrink swing from one side to the other: meet in the middle
            swings = step.velocity_mps > 0.5 * before_mps and not settled
            motion = self._limited(_middle(motion, step.motion) if swings else step.motion)
            before_mps = step.velocity_mps
            if settled and step.yaw_rate_radps < settings.tolerance_radps:
                break
        landmarks = Landmarks.from_votes(votes, motion, radius_m)
        return self._judged(motion, step, len(votes), iteration, landmarks)

    def _limited(self, motion: PlanarMotion) -> PlanarMotion:
        """A motion kept inside the limits of speed and rate of turn."""
        excess = max(1.0, motion.speed_mps / self.settings.max_speed_mps)
        limit = self.settings.max_yaw_rate_radps
        return replace(
            motion,
            x_mps=motion.x_mps / excess,
            y_mps=motion.y_mps / excess,
            yaw_rate_radps=float(np.clip(motion.yaw_rate_radps, -limit, limit)),
        )

    def _judged(
        self,
        motion: PlanarMotion,
        step: MotionStep,
        pixels: int,
        iterations: int,
        landmarks: Landmarks,
    ) -> MotionEstimate:
        settings = self.settings
        covariance = step.covariance[np.ix_(MEASURED, MEASURED)]
        variances, directions = np.linalg.eigh(covariance[:2, :2])
        blind = None
        if variances[1] > settings.blind_mps**2:
            blind = float(np.arctan2(directions[1, 1], directions[0, 1]) % np.pi)
        possible = (
            motion.speed_mps < 0.999 * settings.max_speed_mps
            and abs(motion.yaw_rate_radps) < 0.999 * settings.max_yaw_rate_radps
        )
        told = blind is None and covariance[2, 2] < settings.blind_radps**2
        reliable = bool(possible and step.velocity_mps < settings.unsettled_mps and told)
        return MotionEstimate(
            motion, covariance, pixels, iterations, reliable, blind, landmarks, step.covariance
        )
