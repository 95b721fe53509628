"""How the robot moves while the radar turns once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlanarMotion:
    """Constant acceleration in base_link over one rotation.

    Attributes:
        x_mps: forward velocity at the reference time.
        y_mps: velocity to the left at the reference time.
        x_mps2: forward acceleration.
        y_mps2: acceleration to the left.
        reference_s: when the velocity holds, in the rotation's time.

    Raises:
        ValueError: a value is not finite.
    """

    x_mps: float = 0.0
    y_mps: float = 0.0
    x_mps2: float = 0.0
    y_mps2: float = 0.0
    reference_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x_mps", "y_mps", "x_mps2", "y_mps2", "reference_s"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")

    @property
    def speed_mps(self) -> float:
        """Magnitude of the velocity at the reference time."""
        return float(np.hypot(self.x_mps, self.y_mps))

    @property
    def heading_rad(self) -> float:
        """Direction of the velocity at the reference time, in base_link."""
        return float(np.arctan2(self.y_mps, self.x_mps))

    def at(self, reference_s: float) -> "PlanarMotion":
        """The same motion with the velocity given at another time."""
        later_s = reference_s - self.reference_s
        return PlanarMotion(
            self.x_mps + self.x_mps2 * later_s,
            self.y_mps + self.y_mps2 * later_s,
            self.x_mps2,
            self.y_mps2,
            reference_s,
        )

    def radial_mps(
        self, azimuth_rad: NDArray[np.float64], time_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Speed towards azimuths at times, element by element."""
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
            azimuth_rad: (ray,).
            time_s: (ray,) boresight times.
            delay_s: (ray, position) time after the ray's boresight time.

        Returns:
            (ray, position).
        """
        speed = self.radial_mps(azimuth_rad, time_s)[:, None]
        acceleration = self.x_mps2 * np.cos(azimuth_rad) + self.y_mps2 * np.sin(azimuth_rad)
        return (speed + 0.5 * acceleration[:, None] * delay_s) * delay_s

    def displacement_m(
        self, start_s: float, times_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Way (x, y) from a start to each of the times."""
        start = self.at(start_s)
        later_s = times_s - start_s
        return (
            (start.x_mps + 0.5 * self.x_mps2 * later_s) * later_s,
            (start.y_mps + 0.5 * self.y_mps2 * later_s) * later_s,
        )
