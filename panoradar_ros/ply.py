"""Point clouds as PLY files, which every 3D viewer opens."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_ply(
    path: Path, points_m: NDArray[np.floating], intensity_db: NDArray[np.floating]
) -> int:
    """Write a binary PLY with x, y, z and intensity.

    Args:
        path: file to write.
        points_m: (..., 3); points that are not finite are left out.
        intensity_db: (...).

    Returns:
        Number of points written.

    Raises:
        ValueError: shapes disagree.
    """
    if points_m.shape[:-1] != intensity_db.shape or points_m.shape[-1] != 3:
        raise ValueError(f"points_m must be {(*intensity_db.shape, 3)}, got {points_m.shape}")
    values = np.concatenate([points_m, intensity_db[..., None]], axis=-1).reshape(-1, 4)
    values = values[np.isfinite(values[:, :3]).all(axis=1)].astype("<f4")
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment panoradar_ros\n"
        f"element vertex {len(values)}\n"
        + "".join(f"property float {name}\n" for name in ("x", "y", "z", "intensity"))
        + "end_header\n"
    )
    path.write_bytes(header.encode("ascii") + values.tobytes())
    return len(values)
