"""The image grid: the Ouster OS0-64's rows and columns, which PanoRadar's data sets use."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PanoramaGrid:
    """Columns clockwise from straight ahead, rows from top to bottom.

    Column k looks at azimuth -2 pi k / columns; row 0 at +elevation_limit_rad, the last row at its
    negative (layout of the authors' data; Lai et al. 2024, section 4).

    Raises:
        ValueError: fewer than 8 columns, an odd number of rows, or a limit outside (0, pi/2).
    """

    columns: int = 512
    rows: int = 64
    elevation_limit_rad: float = np.deg2rad(45.0)

    def __post_init__(self) -> None:
        if self.columns < 8:
            raise ValueError(f"columns must be at least 8, got {self.columns}")
        if self.rows < 2 or self.rows % 2:
            raise ValueError(f"rows must be an even number of at least 2, got {self.rows}")
        if not 0 < self.elevation_limit_rad < np.pi / 2:
            raise ValueError(
                f"elevation_limit_rad must be in (0, pi/2), got {self.elevation_limit_rad}"
            )

    @cached_property
    def elevation_rad(self) -> NDArray[np.float64]:
        """Elevation of each row, shape (row,), from top to bottom."""
        return np.linspace(self.elevation_limit_rad, -self.elevation_limit_rad, self.rows)

    @cached_property
    def azimuth_rad(self) -> NDArray[np.float64]:
        """Azimuth of each column, shape (column,), in (-2 pi, 0]."""
        return -2 * np.pi * np.arange(self.columns) / self.columns

    @cached_property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors (row, column, 3): (cos phi cos theta, cos phi sin theta, sin phi)."""
        cosine = np.cos(self.elevation_rad)[:, None]
        return np.stack(
            [
                cosine * np.cos(self.azimuth_rad),
                cosine * np.sin(self.azimuth_rad),
                np.broadcast_to(np.sin(self.elevation_rad)[:, None], (self.rows, self.columns)),
            ],
            axis=-1,
        )
