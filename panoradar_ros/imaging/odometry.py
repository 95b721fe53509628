"""Dead reckoning: velocities of rotations integrated to a trajectory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.planar_pose import PlanarPose

UNKNOWN_SPEED_MPS = 0.5
"""Spread of the velocity while the scene does not say how the robot moves."""

UNKNOWN_YAW_RATE_RADPS = 0.5
"""Spread of the rate of turn meanwhile."""


@dataclass(frozen=True)
class DeadReckoning:
    """Pose of base_link in odom and how sure it is.

    Attributes:
        pose: since the first turn.
        covariance: (3, 3) of (x, y, yaw) in m^2, m rad and rad^2.
    """

    pose: PlanarPose
    covariance: NDArray[np.float64]


def motion_covariance(estimate: MotionEstimate) -> NDArray[np.float64]:
    """Covariance (3, 3) of (x_mps, y_mps, yaw_rate_radps); wide where it is not reliable."""
    if estimate.reliable and np.all(np.isfinite(estimate.covariance)):
        return estimate.covariance
    return np.diag([UNKNOWN_SPEED_MPS, UNKNOWN_SPEED_MPS, UNKNOWN_YAW_RATE_RADPS]) ** 2


class Odometer:
    """Integrates the motion of each rotation over its turn.

    A hole of up to ``longest_hole_s`` between turns is bridged with the motion of the turn after
    it. After a longer one, or when time went back, the pose stays where it was and its spread grows
    as if the robot had moved in an unknown way meanwhile.

    Args:
        longest_hole_s: see above.
    """

    def __init__(self, longest_hole_s: float = 1.0) -> None:
        if longest_hole_s < 0:
            raise ValueError(f"longest_hole_s must not be negative, got {longest_hole_s}")
        self._longest_hole_s = longest_hole_s
        self._pose = PlanarPose()
        self._covariance = np.zeros((3, 3))
        self._end_ns: int | None = None

    def update(self, estimate: MotionEstimate, start_ns: int, end_ns: int) -> DeadReckoning:
        """Move on to the end of a turn.

        Args:
            estimate: motion of the turn, referred to its middle; one that is not reliable does not
                move the pose.
            start_ns: when the turn started.
            end_ns: when it ended.
        """
        hole_s = 0.0 if self._end_ns is None else (start_ns - self._end_ns) * 1e-9
        turn_s = (end_ns - start_ns) * 1e-9
        bridged = -turn_s < hole_s <= self._longest_hole_s
        duration_s = turn_s + hole_s if bridged else turn_s
        if not bridged:
            unknown = np.array([UNKNOWN_SPEED_MPS, UNKNOWN_SPEED_MPS, UNKNOWN_YAW_RATE_RADPS])
            self._covariance = self._covariance + np.diag(unknown * max(hole_s, 0.0)) ** 2
        step = PlanarPose()
        if estimate.reliable:
            end_s = estimate.motion.reference_s + turn_s / 2
            step = estimate.motion.pose_between(end_s - duration_s, end_s)
        self._covariance = self._spread(step, duration_s, motion_covariance(estimate))
        self._pose = self._pose.then(step)
        self._end_ns = end_ns
        return DeadReckoning(self._pose, self._covariance.copy())

    def _spread(
        self, step: PlanarPose, duration_s: float, motion: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """First-order propagation: the old yaw error swings the step, the motion's errors add."""
        cosine, sine = np.cos(self._pose.yaw_rad), np.sin(self._pose.yaw_rad)
        turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        x_m, y_m = turned[:2, :2] @ [step.x_m, step.y_m]
        before = np.array([[1, 0, -y_m], [0, 1, x_m], [0, 0, 1]])
        # an error of the rate of turn also swings the step, on average by half the turn
        swing = np.array([[1, 0, -step.y_m / 2], [0, 1, step.x_m / 2], [0, 0, 1]])
        step_spread = swing @ (motion * duration_s**2) @ swing.T
        return before @ self._covariance @ before.T + turned @ step_spread @ turned.T
