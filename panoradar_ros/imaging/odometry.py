"""Dead reckoning: velocities of rotations integrated to a trajectory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.motion import MotionEstimate

UNKNOWN_SPEED_MPS = 0.5
"""Spread of the velocity while the scene does not say how the robot moves."""


@dataclass(frozen=True)
class PlanarPose:
    """Pose of base_link in odom; the covariance is of (x, y) in m^2."""

    x_m: float
    y_m: float
    yaw_rad: float
    covariance: NDArray[np.float64]


def velocity_covariance(estimate: MotionEstimate) -> NDArray[np.float64]:
    """Covariance (2, 2) of the velocity in (m/s)^2; wide where the estimate is not reliable."""
    if estimate.reliable and np.all(np.isfinite(estimate.covariance)):
        return estimate.covariance
    return np.eye(2) * UNKNOWN_SPEED_MPS**2


class Odometer:
    """Integrates the velocity of each rotation over its turn.

    A hole of up to ``longest_hole_s`` between turns is bridged with the velocity of the turn after
    it. After a longer one, or when time went back, the pose stays where it was and the position's
    spread grows as if the robot had moved with an unknown velocity meanwhile.

    Args:
        longest_hole_s: see above.
    """

    def __init__(self, longest_hole_s: float = 1.0) -> None:
        if longest_hole_s < 0:
            raise ValueError(f"longest_hole_s must not be negative, got {longest_hole_s}")
        self._longest_hole_s = longest_hole_s
        self._position_m = np.zeros(2)
        self._covariance = np.zeros((2, 2))
        self._end_ns: int | None = None

    def update(self, estimate: MotionEstimate, start_ns: int, end_ns: int) -> PlanarPose:
        """Move on to the end of a turn.

        Args:
            estimate: velocity of the turn; one that is not reliable does not move the pose.
            start_ns: when the turn started.
            end_ns: when it ended.
        """
        hole_s = 0.0 if self._end_ns is None else (start_ns - self._end_ns) * 1e-9
        turn_s = (end_ns - start_ns) * 1e-9
        bridged = -turn_s < hole_s <= self._longest_hole_s
        duration_s = turn_s + hole_s if bridged else turn_s
        if not bridged:
            unknown_s = max(hole_s, 0.0)
            self._covariance = self._covariance + np.eye(2) * (UNKNOWN_SPEED_MPS * unknown_s) ** 2
        if estimate.reliable:
            velocity = np.array([estimate.motion.x_mps, estimate.motion.y_mps])
            self._position_m = self._position_m + velocity * duration_s
        self._covariance = self._covariance + velocity_covariance(estimate) * duration_s**2
        self._end_ns = end_ns
        return PlanarPose(self._position_m[0], self._position_m[1], 0.0, self._covariance.copy())
