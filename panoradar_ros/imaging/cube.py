"""The power cube of a turn with what is needed to understand it, for whoever images on from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.pipeline import Panorama


@dataclass(frozen=True)
class Cube:
    """Power of a whole turn, rays and range bins.

    Attributes:
        power: (row, column, range) squared ADC counts; of the imager, and overwritten by a later
            turn (:attr:`~panoradar_ros.imaging.pipeline.ImagingSettings.cubes_kept`).
        coverage: (column,) share of each column's window that was received.
        ray_s: (column,) when the boresight passed it, after ``start_ns``.
        ray_poses: (column, 3) x, y and yaw of the robot then, as seen from its pose at ``end_ns``.
        start_ns: when the boresight passed the start of the turn.
        end_ns: when it came round again.
        range_bin_m: from one range bin to the next.

    Raises:
        ValueError: shapes disagree, or the bins have no size.
    """

    power: NDArray[np.float32]
    coverage: NDArray[np.floating]
    ray_s: NDArray[np.floating]
    ray_poses: NDArray[np.floating]
    start_ns: int
    end_ns: int
    range_bin_m: float

    def __post_init__(self) -> None:
        if not self.range_bin_m > 0:
            raise ValueError(f"range_bin_m must be positive, got {self.range_bin_m}")
        if self.power.ndim != 3:
            raise ValueError(f"power must be (row, column, range), got {self.power.shape}")
        columns = self.power.shape[1]
        for name, shape in (
            ("coverage", (columns,)),
            ("ray_s", (columns,)),
            ("ray_poses", (columns, 3)),
        ):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must be {shape}, got {found}")

    @property
    def direction(self) -> int:
        """+1 for a counter-clockwise turntable, -1 for clockwise; columns go clockwise."""
        return -1 if self.ray_s[2] > self.ray_s[1] else 1


def cube_of(panorama: Panorama) -> Cube:
    """The cube of a panorama that has an image."""
    motion = panorama.motion.motion

    def in_motion_s(time_ns: float) -> float:
        return motion.reference_s + (time_ns - panorama.middle_ns) * 1e-9

    ray_s = in_motion_s(panorama.start_ns) + panorama.ray_time_s
    return Cube(
        panorama.power,
        panorama.coverage,
        panorama.ray_time_s,
        motion.poses_from(in_motion_s(panorama.end_ns), ray_s),
        panorama.start_ns,
        panorama.end_ns,
        panorama.range_bin_m,
    )
