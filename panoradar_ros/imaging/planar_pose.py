"""Where one frame is as seen from another, in the plane that the robot drives on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlanarPose:
    """A pose on the floor.

    Attributes:
        x_m: Forward.
        y_m: Left.
        yaw_rad: Counter-clockwise.

    Raises:
        ValueError: If a value is not finite.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m", "yaw_rad"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")

    def then(self, other: PlanarPose) -> PlanarPose:
        """The pose ``other``, given in this pose's frame, in the frame that this pose is in."""
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return PlanarPose(
            self.x_m + cosine * other.x_m - sine * other.y_m,
            self.y_m + sine * other.x_m + cosine * other.y_m,
            self.yaw_rad + other.yaw_rad,
        )

    def inverse(self) -> PlanarPose:
        """The pose that undoes this one."""
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return PlanarPose(
            -cosine * self.x_m - sine * self.y_m, sine * self.x_m - cosine * self.y_m, -self.yaw_rad
        )

    def apply(self, points_m: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points (n, 3) from this pose's frame to the frame that it is in."""
        cosine, sine = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        turned = np.empty(points_m.shape, np.float32)
        turned[:, 0] = self.x_m + cosine * points_m[:, 0] - sine * points_m[:, 1]
        turned[:, 1] = self.y_m + sine * points_m[:, 0] + cosine * points_m[:, 1]
        turned[:, 2] = points_m[:, 2]
        return turned
