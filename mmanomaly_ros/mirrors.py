"""Mirror images behind a wall of those who move before it.

A wall, and more so a whiteboard on it, is a mirror: who moves before it moves behind it too, as far
behind as they are in front, as much to the side. The radar tells where they are by their echo, the
camera where the wall is, so that it is known where the image is, however strong it is. Who stands
just there cannot be told from it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.features import BEFORE_M, NEAREST_BIN, STIRRED_DB
from mmanomaly_ros.watch import ANGLES, RANGES, cell_of, depths_m

_MOVING = 1
_BODY_DB = 25.0
"""Below the strongest echo before the wall, to which cells are of a body."""
_LOBE_DB = 10.0
"""Below the strongest of the same range: what is less is the beam's side lobes."""
_AROUND = (17, 13)
"""Ranges and columns about such a cell that are its body's too: limbs that glint now and then."""


def mirror_images(
    measured_db: NDArray[np.floating], range_bin_m: float, wall_m: float
) -> NDArray[np.bool_]:
    """(range, column) cells behind a wall in which mirror images of those before it are.

    Args:
        measured_db: (channel, range, column) of a radar whose line of antennas is level.
        range_bin_m: of the radar.
        wall_m: how far ahead the wall is; 0 without one.
    """
    ahead_m = depths_m(range_bin_m)
    moving = np.where(ahead_m < wall_m - BEFORE_M, measured_db[_MOVING], -np.inf)
    moving[:NEAREST_BIN] = -np.inf
    highest = moving.max(initial=-np.inf)
    if highest <= STIRRED_DB:
        return np.zeros((RANGES, ANGLES), bool)
    in_range = moving.max(axis=1, keepdims=True) - _LOBE_DB
    body = moving >= np.maximum(in_range, max(highest - _BODY_DB, STIRRED_DB))
    around = cv2.dilate(body.astype(np.float32), np.ones(_AROUND, np.uint8))
    right_m = np.arange(RANGES)[:, None] * range_bin_m * np.linspace(-1, 1, ANGLES)
    source_m = np.stack([right_m, 2 * wall_m - ahead_m], axis=-1)  # of the image in each cell
    behind = (ahead_m > wall_m) & (source_m[..., 1] >= 0)
    row, column = cell_of(np.where(behind[..., None], source_m, 0.0), range_bin_m)
    found = cv2.remap(
        around, column.astype(np.float32), row.astype(np.float32), cv2.INTER_NEAREST, borderValue=0
    )
    return np.asarray(behind & (found > 0))
