"""What a pinhole camera in the turntable's axis would see of a range image: depth crops.

Programs that take depth cameras understand these; a panorama of 360 degrees has no CameraInfo.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.grid import PanoramaGrid


@dataclass(frozen=True)
class PinholeView:
    """A camera that looks horizontally, with square pixels and its centre in the middle.

    Attributes:
        azimuth_rad: where it looks, counter-clockwise from straight ahead.
        width: pixels.
        height: pixels.
        field_of_view_rad: horizontal, from edge to edge.

    Raises:
        ValueError: no pixels, or a field of view outside of (0, pi).
    """

    azimuth_rad: float = 0.0
    width: int = 128
    height: int = 96
    field_of_view_rad: float = np.pi / 2

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a view needs pixels, got {self.width} x {self.height}")
        if not 0 < self.field_of_view_rad < np.pi:
            raise ValueError(
                f"field_of_view_rad must be in (0, pi), got {self.field_of_view_rad:.3f}"
            )

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return float(self.width / 2 / np.tan(self.field_of_view_rad / 2))

    @property
    def centre_px(self) -> tuple[float, float]:
        """Column and row of the optical axis; whole numbers are middles of pixels."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @cached_property
    def _pixels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Right and down of every pixel's ray at depth 1, (height, width)."""
        middle_column, middle_row = self.centre_px
        right = (np.arange(self.width) - middle_column) / self.focal_px
        down = (np.arange(self.height) - middle_row) / self.focal_px
        return np.broadcast_arrays(right[None], down[:, None])  # type: ignore[return-value]

    def depth_m(
        self, range_m: NDArray[np.floating], grid: PanoramaGrid | None = None
    ) -> NDArray[np.float32]:
        """Depth along the optical axis, from the nearest ray of the panorama.

        Args:
            range_m: (row, column); +inf: nothing within reach, NaN: not known.
            grid: directions of its rays; of the image's size by default.

        Returns:
            (height, width) as REP-118 has it: metres, +inf beyond reach, NaN where not known,
            which pixels above and below the panorama are.

        Raises:
            ValueError: the image is not of the grid's size.
        """
        grid = grid if grid is not None else PanoramaGrid(range_m.shape[1], range_m.shape[0])
        if range_m.shape != (grid.rows, grid.columns):
            raise ValueError(f"range_m must be {(grid.rows, grid.columns)}, got {range_m.shape}")
        right, down = self._pixels
        length = np.sqrt(1 + right**2 + down**2)
        azimuth = self.azimuth_rad - np.arctan(right)
        elevation = np.arcsin(-down / length)
        column = np.rint(-azimuth / (2 * np.pi) * grid.columns).astype(int) % grid.columns
        step = 2 * grid.elevation_limit_rad / (grid.rows - 1)
        row = np.rint((grid.elevation_limit_rad - elevation) / step).astype(int)
        inside = (row >= 0) & (row < grid.rows)
        depth = range_m[np.clip(row, 0, grid.rows - 1), column] / length
        return np.where(inside, depth, np.nan).astype(np.float32)

    def column(self, columns: int) -> int:
        """Column of a panorama that the optical axis lies in."""
        return round(-self.azimuth_rad / (2 * np.pi) * columns) % columns


def views_around(count: int, field_of_view_rad: float = np.pi / 2) -> list[PinholeView]:
    """So many views at equal angles, the first straight ahead, counter-clockwise."""
    return [
        PinholeView(2 * np.pi * number / count, field_of_view_rad=field_of_view_rad)
        for number in range(count)
    ]
