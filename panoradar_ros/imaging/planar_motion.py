"""How the robot moves while the radar turns once."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoradar_ros.imaging.planar_pose import PlanarPose


@dataclass(frozen=True)
class PlanarMotion:
    """Constant acceleration and constant rate of turn over one rotation.

    Vectors are in *fixed axes*: those that base_link has at the reference time. The robot turns
    under them, so what stands still in the world keeps its azimuth in them.

    Attributes:
        x_mps: forward velocity at the reference time.
        y_mps: velocity to the left at the reference time.
        x_mps2: forward acceleration.
        y_mps2: acceleration to the left.
        reference_s: when the velocity holds, in the rotation's time.
        yaw_rate_radps: rate of turn, counter-clockwise.

    Raises:
        ValueError: a value is not finite.
    """

    x_mps: float = 0.0
    y_mps: float = 0.0
    x_mps2: float = 0.0
    y_mps2: float = 0.0
    reference_s: float = 0.0
    yaw_rate_radps: float = 0.0

    def __post_init__(self) -> None:
        for value in fields(self):
            if not np.isfinite(getattr(self, value.name)):
                raise ValueError(f"{value.name} must be finite, got {getattr(self, value.name)}")

    @property
    def speed_mps(self) -> float:
        """Magnitude of the velocity at the reference time."""
        return float(np.hypot(self.x_mps, self.y_mps))

    @property
    def heading_rad(self) -> float:
        """Direction of the velocity at the reference time, in base_link."""
        return float(np.arctan2(self.y_mps, self.x_mps))

    def at(self, reference_s: float) -> "PlanarMotion":
        """The same motion referred to another time, in the axes that base_link has then."""
        later_s = reference_s - self.reference_s
        turned = -self.yaw_rate_radps * later_s
        x_mps, y_mps = _rotate(
            self.x_mps + self.x_mps2 * later_s, self.y_mps + self.y_mps2 * later_s, turned
        )
        x_mps2, y_mps2 = _rotate(self.x_mps2, self.y_mps2, turned)
        return PlanarMotion(x_mps, y_mps, x_mps2, y_mps2, reference_s, self.yaw_rate_radps)

    def yaw_rad(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Yaw of base_link at times against the fixed axes, element by element."""
        return self.yaw_rate_radps * (np.asarray(time_s) - self.reference_s)

    def position_m(
        self, time_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Position (x, y) of base_link at times, in fixed axes from where it is at the reference
        time.
        """
        later_s = time_s - self.reference_s
        return (
            (self.x_mps + 0.5 * self.x_mps2 * later_s) * later_s,
            (self.y_mps + 0.5 * self.y_mps2 * later_s) * later_s,
        )

    def poses_from(self, from_s: float, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Poses (time, 3) of base_link at times, x, y and yaw as seen from it at ``from_s``."""
        x_m, y_m = self.position_m(np.append(time_s, from_s))
        turned = -float(self.yaw_rad(from_s))
        forward, left = _rotate(x_m[:-1] - x_m[-1], y_m[:-1] - y_m[-1], turned)
        return np.stack([forward, left, self.yaw_rate_radps * (time_s - from_s)], axis=-1)

    def pose_between(self, from_s: float, to_s: float) -> PlanarPose:
        """Pose of base_link at ``to_s`` as seen from it at ``from_s``."""
        x_m, y_m, yaw_rad = self.poses_from(from_s, np.array([to_s]))[0]
        return PlanarPose(float(x_m), float(y_m), float(yaw_rad))

    def radial_mps(
        self, azimuth_rad: NDArray[np.float64], time_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Speed towards azimuths of the fixed axes at times, element by element."""
        later_s = time_s - self.reference_s
        x_mps = self.x_mps + self.x_mps2 * later_s
        y_mps = self.y_mps + self.y_mps2 * later_s
        return x_mps * np.cos(azimuth_rad) + y_mps * np.sin(azimuth_rad)

    def radial_path_m(
        self,
        azimuth_rad: NDArray[np.float64],
        time_s: NDArray[np.float64],
        delay_s: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Way towards each ray's azimuth from its boresight time on.

        Args:
            azimuth_rad: (ray,) in fixed axes.
            time_s: (ray,) boresight times.
            delay_s: (ray, position) time after the ray's boresight time.

        Returns:
            (ray, position).
        """
        speed = self.radial_mps(azimuth_rad, time_s)[:, None]
        acceleration = self.x_mps2 * np.cos(azimuth_rad) + self.y_mps2 * np.sin(azimuth_rad)
        return (speed + 0.5 * acceleration[:, None] * delay_s) * delay_s


def _rotate(x: Any, y: Any, angle_rad: float) -> tuple[Any, Any]:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return cosine * x - sine * y, sine * x + cosine * y
