"""Normals of a range image, for truth that was measured and has none of its own."""

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.grid import PanoramaGrid


def normals_from_range(
    range_m: NDArray[np.floating], grid: PanoramaGrid | None = None
) -> NDArray[np.float32]:
    """Normals from the slopes of a range image, in the frames of its rays.

    A surface r(theta, phi) has tangents dr/dtheta e_r + r cos(phi) e_theta and dr/dphi e_r +
    r e_phi; their product is along (-1, dr/dtheta / (r cos(phi)), dr/dphi / r) in (outward, left,
    up), as Lai et al. 2024 (section 6.2) have it, facing the radar. Slopes are those between the
    two neighbours; between a ray and one neighbour where the other is not known or there is none.
    Azimuth goes round. At the edge of an object the slope is the jump, as it is in the paper.

    Args:
        range_m: (row, column) from the turntable's axis; what is not finite and positive is not
            known.
        grid: directions of the rays; of the image's size by default.

    Returns:
        (row, column, 3) unit vectors outward (0 or less), left, up; zero where the range or both
        neighbours along an axis are not known.

    Raises:
        ValueError: the image is not of the grid's size.
    """
    grid = grid if grid is not None else PanoramaGrid(range_m.shape[1], range_m.shape[0])
    if range_m.shape != (grid.rows, grid.columns):
        raise ValueError(f"range_m must be {(grid.rows, grid.columns)}, got {range_m.shape}")
    known = np.isfinite(range_m) & (range_m > 0)
    r = np.where(known, range_m, np.nan).astype(np.float64)
    # rows go down and columns clockwise: both angles fall
    azimuth_step_rad = 2 * np.pi / grid.columns
    before, after = np.roll(r, 1, axis=1), np.roll(r, -1, axis=1)
    left = _slope(before - r, r - after) / azimuth_step_rad
    edge = np.full((1, grid.columns), np.nan)
    above, below = np.vstack([edge, r[:-1]]), np.vstack([r[1:], edge])
    elevation_step_rad = float(grid.elevation_rad[0] - grid.elevation_rad[1])
    up = _slope(above - r, r - below) / elevation_step_rad
    cosine = np.cos(grid.elevation_rad)[:, None]
    normal = np.stack([-np.ones_like(r), left / (r * cosine), up / r], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.nan_to_num(normal, nan=0.0).astype(np.float32)


def _slope(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of two differences, or the one that is known."""
    first, second = np.where(np.isnan(one), other, one), np.where(np.isnan(other), one, other)
    return (first + second) / 2
