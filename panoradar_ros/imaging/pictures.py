"""Pictures of what was imaged, for people."""

import cv2
import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.grid import PanoramaGrid


def _colour(level: NDArray[np.floating], colours: int = cv2.COLORMAP_TURBO) -> NDArray[np.uint8]:
    """Colours (rgb8) of levels in 0..1."""
    bytes_ = np.clip(level * 255, 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(bytes_, colours), cv2.COLOR_BGR2RGB)


def _centred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Columns turned so that straight ahead is in the middle and left on the left."""
    return np.roll(picture, picture.shape[1] // 2, axis=1)


def heatmap(
    power: NDArray[np.float32],
    grid: PanoramaGrid,
    elevation_limit_rad: float = np.deg2rad(15.0),
    span_db: float = 45.0,
) -> NDArray[np.uint8]:
    """Range over azimuth, the strongest elevation near the horizon, far at the top.

    Args:
        power: (row, column, range).
        grid: rows of the cube.
        elevation_limit_rad: rows up to this elevation are taken together.
        span_db: from dark to bright, ending at the 99.9 % quantile.

    Returns:
        (range, column, 3) rgb8; straight ahead in the middle, left on the left.
    """
    rows = np.abs(grid.elevation_rad) <= elevation_limit_rad
    strongest = power[rows].max(axis=0).T[::-1]
    level_db = 10 * np.log10(strongest + 1e-12)
    top_db = float(np.quantile(level_db, 0.999))
    return _centred(_colour((level_db - top_db) / span_db + 1))


def range_profile(
    power: NDArray[np.floating], span_db: float = 60.0, pixels: int = 512
) -> NDArray[np.uint8]:
    """Range over positions in the order of time, far at the top, lost positions black.

    Args:
        power: (position, range), NaN where a position was lost.
        span_db: from dark to bright, ending at the 99.9 % quantile.
        pixels: positions and ranges are repeated to about this size if they are fewer.

    Returns:
        (range * repetition, position * repetition, 3) rgb8.

    Raises:
        ValueError: every position was lost.
    """
    present = np.isfinite(power)
    if not present.any():
        raise ValueError("power must hold at least one position that was received")
    level_db = 10 * np.log10(np.where(present, power, 0) + 1e-12)
    top_db = float(np.quantile(level_db[present], 0.999))
    picture = _colour((level_db - top_db) / span_db + 1)
    picture[~present] = 0
    upright = picture.transpose(1, 0, 2)[::-1]
    for axis in (0, 1):
        upright = np.repeat(upright, max(1, pixels // upright.shape[axis]), axis=axis)
    return upright


def panorama(
    range_m: NDArray[np.float32], maximum_m: float, rows_per_row: int = 4
) -> NDArray[np.uint8]:
    """Range image in colour, near bright and far dark, no return black.

    Args:
        range_m: (row, column).
        maximum_m: darkest range.
        rows_per_row: repetition of rows, since elevation has few.

    Returns:
        (row * rows_per_row, column, 3) rgb8; straight ahead in the middle, left on the left.
    """
    finite = np.isfinite(range_m)
    level = np.where(finite, 1 - np.where(finite, range_m, 0) / maximum_m, 0)
    picture = _colour(0.1 + 0.9 * level, cv2.COLORMAP_INFERNO)
    picture[~finite] = 0
    return np.repeat(_centred(picture), rows_per_row, axis=0)


def bird_eye(
    power: NDArray[np.float32],
    grid: PanoramaGrid,
    range_bin_m: float,
    radius_m: float,
    pixels: int = 600,
    span_db: float = 40.0,
) -> NDArray[np.uint8]:
    """The floor plan that the radar sees: power near the horizon, from above, x up and y left.

    Args:
        power: (row, column, range).
        grid: rows and columns.
        range_bin_m: bin spacing.
        radius_m: arm of the antenna.
        pixels: width and height.
        span_db: from dark to bright.

    Returns:
        (pixels, pixels, 3) rgb8.
    """
    rows = np.abs(grid.elevation_rad) <= np.deg2rad(10)
    flat = power[rows].max(axis=0)
    limit_m = range_bin_m * flat.shape[1]
    axis = np.linspace(limit_m, -limit_m, pixels)
    x, y = axis[:, None], axis[None, :]
    distance = np.hypot(x, y)
    column = np.rint(-np.arctan2(y, x) / (2 * np.pi) * grid.columns).astype(int) % grid.columns
    cell = np.rint((distance - radius_m) / range_bin_m).astype(int)
    inside = (cell >= 0) & (cell < flat.shape[1])
    level_db = 10 * np.log10(flat[column, np.clip(cell, 0, flat.shape[1] - 1)] + 1e-12)
    top_db = float(np.quantile(level_db[inside], 0.999))
    picture = _colour((level_db - top_db) / span_db + 1)
    picture[~inside] = 0
    return picture


def repeated(picture: NDArray[np.uint8], rows_per_row: int = 4) -> NDArray[np.uint8]:
    """A picture of the panorama with straight ahead in the middle and its rows repeated.

    Args:
        picture: (row, column, 3), columns as in the panorama.
        rows_per_row: repetition of rows, since elevation has few.

    Returns:
        (row * rows_per_row, column, 3).
    """
    return np.repeat(_centred(picture), rows_per_row, axis=0)


def normals(normal: NDArray[np.floating], rows_per_row: int = 4) -> NDArray[np.uint8]:
    """Unit normals as colours: forward red, left green, up blue, each from -1 to 1; none black.

    Args:
        normal: (row, column, 3); zero where there is none.
        rows_per_row: repetition of rows, since elevation has few.

    Returns:
        (row * rows_per_row, column, 3) rgb8; straight ahead in the middle, left on the left.
    """
    picture = np.clip(np.rint(127.5 * (normal + 1)), 0, 255).astype(np.uint8)
    picture[~normal.any(axis=-1)] = 0
    return np.repeat(_centred(picture), rows_per_row, axis=0)
