"""What sectors are: how they are formed, what they hold, and which frames share one."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.points import RangeImage
from panoradar_ros.imaging.rolling_motion import TrackerSettings
from panoradar_ros.imaging.turntable import LocatedBlock


@dataclass(frozen=True)
class RollingSettings:
    """How sectors are formed.

    Attributes:
        rows: sectors have at most so many elevations, between the same limits as a turn's. An eight
            antenna array tells 14 degrees apart; 32 rows are 3 degrees, half the work of 64.
        motion_delay_s: from a turn's last sample to the first frame that uses what it says; more
            than estimating its motion takes.
        smoothing_s: the turntable's angles of so long before are smoothed.
        tracker: how sectors say how the robot moves.

    Raises:
        ValueError: a value is out of its range.
    """

    rows: int = 32
    motion_delay_s: float = 0.4
    smoothing_s: float = 0.25
    tracker: TrackerSettings = field(default_factory=TrackerSettings)

    def __post_init__(self) -> None:
        if self.rows < 2 or self.rows % 2:
            raise ValueError(f"rows must be an even number of at least 2, got {self.rows}")
        for name in ("motion_delay_s", "smoothing_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    def grid(self, of_turns: PanoramaGrid) -> PanoramaGrid:
        """Rows and columns of sectors where turns have these."""
        return replace(of_turns, rows=min(self.rows, of_turns.rows))


@dataclass(frozen=True)
class SectorUpdate:
    """Consecutive rays of the panorama, in the order in which the boresight passed them.

    Attributes:
        columns: (ray,) column of each ray in the grid.
        ray_ns: (ray,) when the boresight passed.
        direction: +1 counter-clockwise, -1 clockwise.
        coverage: (ray,) share of each ray's window that was received.
        image: strongest echo of every ray, (row, ray).
        points_m: (row, ray, 3) in the radar's frame at the first ray's time.
        scan: horizontal scan, (ray,).
        motion: of the robot as it was assumed, referred to the first ray's time.
        motion_known: False while neither sectors nor turns have said how the robot moves.
        last_sample_ns: time of the last position that went into it.
    """

    columns: NDArray[np.int64]
    ray_ns: NDArray[np.int64]
    direction: int
    coverage: NDArray[np.float64]
    image: RangeImage
    points_m: NDArray[np.float32]
    scan: RangeImage
    motion: PlanarMotion
    motion_known: bool
    last_sample_ns: int


@dataclass
class RollingStatistics:
    """What happened so far.

    Attributes:
        sectors: updates made.
        diverged: how often a turn contradicted the motion that sectors had found.
        late_motions: turns whose motion was not ready in time.
        waited_s: how long sectors waited for them.
    """

    sectors: int = 0
    diverged: int = 0
    late_motions: int = 0
    waited_s: float = 0.0


def in_groups(located: list[LocatedBlock], most: int) -> Iterator[list[LocatedBlock]]:
    """Frames that follow each other, so many at a time."""
    group: list[LocatedBlock] = []
    for one in located:
        if group and (len(group) == most or one.starts_anew):
            yield group
            group = []
        group.append(one)
    if group:
        yield group
