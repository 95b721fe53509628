"""A heatmap over range and sine as cells of the floor, in metres."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from mmanomaly_ros.watch import RANGES, cell_of

UNSEEN = -1
"""Of a cell that the radar does not see, as nav_msgs/OccupancyGrid has it."""


@dataclass(frozen=True)
class FloorGrid:
    """Square cells before the radar. Columns go away from it, rows from its right to its left.

    Attributes:
        range_bin_m: of the heatmap.
        cell_m: side of a cell.
        view_rad: what is farther off the radar's axis is not seen.
        upright: the radar's line of antennas is: it tells ranges and heights, not how far to a
            side; what it finds at a range counts for the whole arc.

    Raises:
        ValueError: a length is not positive, or the view not between 0 and a right angle.
    """

    range_bin_m: float
    cell_m: float = 0.05
    view_rad: float = float(np.deg2rad(60.0))
    upright: bool = False

    def __post_init__(self) -> None:
        if not (self.range_bin_m > 0 and self.cell_m > 0):
            raise ValueError(
                f"range_bin_m and cell_m must be positive: {self.range_bin_m}, {self.cell_m}"
            )
        if not 0 < self.view_rad < np.pi / 2:
            raise ValueError(f"view_rad must be in (0, pi / 2), got {self.view_rad}")

    @property
    def reach_m(self) -> float:
        """Range of the heatmap's last row."""
        return (RANGES - 1) * self.range_bin_m

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ahead = int(np.ceil(self.reach_m / self.cell_m))
        across = int(np.ceil(self.reach_m * np.sin(self.view_rad) / self.cell_m))
        return 2 * across, ahead

    @property
    def corner_m(self) -> tuple[float, float]:
        """Left coordinate and depth of the first cell's outer corner, at the right of the radar."""
        return -self.shape[0] / 2 * self.cell_m, 0.0

    def cells(self, heatmap: NDArray[np.floating] | None) -> NDArray[np.int8]:
        """(row, column) 0..100, :data:`UNSEEN` where nothing is known.

        Args:
            heatmap: (range, sine) 0..1, NaN where nothing is known; None: nothing is known.
        """
        if heatmap is None:
            return np.full(self.shape, UNSEEN, np.int8)
        if self.upright:
            heatmap = np.broadcast_to(heatmap.max(axis=1, keepdims=True), heatmap.shape)
        found = map_coordinates(heatmap, self._places, order=1, mode="nearest").astype(np.float64)
        known = self._seen & np.isfinite(found)
        percent = np.rint(100 * np.clip(np.where(known, found, 0.0), 0, 1))
        return np.where(known, percent, UNSEEN).astype(np.int8)

    @cached_property
    def _middles_m(self) -> NDArray[np.float64]:
        """(row, column, 2) right and depth of the cells' middles."""
        rows, columns = self.shape
        left = self.corner_m[0] + (np.arange(rows) + 0.5) * self.cell_m
        ahead = (np.arange(columns) + 0.5) * self.cell_m
        across, depth = np.meshgrid(-left, ahead, indexing="ij")
        return np.stack([across, depth], axis=-1)

    @cached_property
    def _places(self) -> NDArray[np.float64]:
        """(2, row, column) where on the heatmap the cells are."""
        return np.stack(cell_of(self._middles_m, self.range_bin_m))

    @cached_property
    def _seen(self) -> NDArray[np.bool_]:
        right_m, depth_m = self._middles_m[..., 0], self._middles_m[..., 1]
        near = self._places[0] <= RANGES - 1
        return np.asarray(near & (np.abs(np.arctan2(right_m, depth_m)) <= self.view_rad))
