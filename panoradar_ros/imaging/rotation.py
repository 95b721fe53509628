"""One turn of the radar: samples, loss mask, time and azimuth of every position."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform


@dataclass(frozen=True)
class Positions:
    """Consecutive positions that need not make a turn; attributes as those of :class:`Rotation`."""

    samples: NDArray[np.int16]
    valid: NDArray[np.bool_]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]
    waveform: Waveform


@dataclass(frozen=True)
class Rotation:
    """A turn with a margin on both sides, so that every azimuth has its whole window.

    The turn is cut open at ``start_azimuth_rad``: the margins hold the contiguous positions before
    and after it, which a circular wrap would get wrong under motion.

    Attributes:
        samples: (position, antenna, sample, 2) int16, (I, Q) last; zero where not valid.
        valid: (position, antenna) bool.
        time_s: (position,) float64 after ``reference_ns``, increasing.
        azimuth_rad: (position,) float64, unwrapped boresight azimuth in base_link, monotonic.
        reference_ns: UNIX epoch time of ``time_s == 0``.
        start_azimuth_rad: unwrapped azimuth at which the turn starts.
        waveform: the chirps.

    Raises:
        ValueError: shapes disagree, time does not increase, or the turn is not covered.
    """

    samples: NDArray[np.int16]
    valid: NDArray[np.bool_]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]
    reference_ns: int
    start_azimuth_rad: float
    waveform: Waveform

    def __post_init__(self) -> None:
        positions = len(self.time_s)
        shape = (positions, self.waveform.virtual_antennas, self.waveform.samples_per_chirp, 2)
        if self.samples.shape != shape:
            raise ValueError(f"samples must be {shape}, got {self.samples.shape}")
        if self.valid.shape != shape[:2]:
            raise ValueError(f"valid must be {shape[:2]}, got {self.valid.shape}")
        if self.azimuth_rad.shape != (positions,):
            raise ValueError(f"azimuth_rad must be ({positions},), got {self.azimuth_rad.shape}")
        if positions < 2:
            raise ValueError(f"a rotation needs at least 2 positions, got {positions}")
        if not np.all(np.isfinite(self.time_s)) or not np.all(np.isfinite(self.azimuth_rad)):
            raise ValueError("time_s and azimuth_rad must be finite")
        if np.any(np.diff(self.time_s) <= 0):
            raise ValueError("time_s must increase; time went backwards between positions")
        steps = np.diff(self.azimuth_rad) * self.direction
        if np.any(steps <= 0):
            raise ValueError("azimuth_rad must be monotonic; the turntable reversed or stood still")
        covered = (self.azimuth_rad[[0, -1]] - self.start_azimuth_rad) * self.direction
        if covered[0] > 0 or covered[1] < 2 * np.pi * (1 - 1e-9):
            raise ValueError(
                f"positions cover {np.rad2deg(covered[0]):.1f} to {np.rad2deg(covered[1]):.1f} deg "
                "of the turn, 0 to 360 are needed"
            )

    @property
    def direction(self) -> int:
        """+1 for a counter-clockwise turntable, -1 for clockwise."""
        return 1 if self.azimuth_rad[-1] > self.azimuth_rad[0] else -1

    @property
    def angular_speed_rad_s(self) -> float:
        """Mean speed of the turntable, positive whichever way it turns."""
        return abs(self.azimuth_rad[-1] - self.azimuth_rad[0]) / (self.time_s[-1] - self.time_s[0])

    def ray_azimuth_rad(self, rays: int) -> NDArray[np.float64]:
        """Unwrapped azimuths of the turn's rays in the order of time, shape (ray,)."""
        return self.start_azimuth_rad + self.direction * 2 * np.pi * np.arange(rays) / rays

    def ray_time_s(self, rays: int) -> NDArray[np.float64]:
        """When the boresight passed each ray, shape (ray,), after ``reference_ns``."""
        return np.interp(
            self.direction * self.ray_azimuth_rad(rays),
            self.direction * self.azimuth_rad,
            self.time_s,
        )
