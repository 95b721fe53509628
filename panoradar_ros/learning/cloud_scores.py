"""Range images as point clouds against the truth (Lai et al. 2024, section 8, table 3)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmwave.metrics import chamfer_distance, modified_hausdorff_distance
from mmwave.simulation.building import RADAR_HEIGHT_M
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M

LEVEL_RAD = float(np.arctan(RADAR_HEIGHT_M / FARTHEST_M))
"""5.4 degrees: steeper rays would meet the floor within reach."""


@dataclass
class CloudScores:
    """Distances of point clouds, of every image; ``add`` collects them.

    In two dimensions: the rays of at most LEVEL_RAD of elevation up or down, those that cannot meet
    the floor within reach, are projected onto it (their height is left out), found and true ones
    alike; of the 64 rows these are eight, up to 5 degrees. The paper does not say how it does it.

    Attributes:
        chamfer_m: see :func:`mmwave.metrics.chamfer_distance`.
        hausdorff_m: see :func:`mmwave.metrics.modified_hausdorff_distance`.
        chamfer_2d_m: of the level rays' points on the floor plan.
        hausdorff_2d_m: likewise.
    """

    chamfer_m: list[float] = field(default_factory=list)
    hausdorff_m: list[float] = field(default_factory=list)
    chamfer_2d_m: list[float] = field(default_factory=list)
    hausdorff_2d_m: list[float] = field(default_factory=list)

    def add(self, range_m: NDArray[np.floating], frame: Frame) -> None:
        """Points of a range image beside those of the truth, glass left out in both.

        Args:
            range_m: (row, column).
            frame: the truth.
        """
        range_m = np.where(np.isnan(frame.range), np.nan, range_m)  # nothing to be held against
        found, true = cloud_m(range_m, frame), cloud_m(frame.range, frame)
        if len(found) and len(true):
            self.chamfer_m.append(chamfer_distance(found, true))
            self.hausdorff_m.append(modified_hausdorff_distance(found, true))
        found, true = plan_m(range_m, frame), plan_m(frame.range, frame)
        if len(found) and len(true):
            self.chamfer_2d_m.append(chamfer_distance(found, true))
            self.hausdorff_2d_m.append(modified_hausdorff_distance(found, true))

    def as_json(self) -> dict[str, float | None]:
        """Means over the images; None where no image had points."""
        names = ("chamfer_m", "hausdorff_m", "chamfer_2d_m", "hausdorff_2d_m")
        values = {name: getattr(self, name) for name in names}
        return {name: float(np.mean(one)) if one else None for name, one in values.items()}


def cloud_m(range_m: NDArray[np.floating], frame: Frame) -> NDArray[np.float64]:
    """(point, 3) of the rays that have a range within reach and do not end on glass."""
    counted = np.isfinite(range_m) & (range_m <= FARTHEST_M) & ~frame.glass
    rows, columns = range_m.shape
    return range_m[counted, None] * PanoramaGrid(columns, rows).directions[counted]


def plan_m(range_m: NDArray[np.floating], frame: Frame) -> NDArray[np.float64]:
    """(point, 2) of those of them that are level, on the floor; see :class:`CloudScores`."""
    rows, columns = range_m.shape
    level = np.abs(PanoramaGrid(columns, rows).elevation_rad) <= LEVEL_RAD
    return cloud_m(np.where(level[:, None], range_m, np.nan), frame)[:, :2]
