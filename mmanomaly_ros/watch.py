"""What is watched for, and where on the radar's spectra a place is.

Radar axes are right, up and depth (ahead) in metres, the origin is the radar's phase centre. A cell
is (range index, column): range over the spacing of range bins, and the lateral sine right / range
on a grid from -1 to 1. Both may be fractions. Of a radar whose line is upright columns are over up
/ range instead.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

TASKS = ("weapon", "intruder", "fall")
"""The watches: something hidden under clothes, somebody behind a wall, a fall behind a wall."""
LINES = {"weapon": "horizontal", "intruder": "horizontal", "fall": "vertical"}
"""How the radar's line of antennas lies: for falls upright, for who lies is told from who sits by
height. Columns over the lateral sine are then over the sine of the elevation."""
CLOTHINGS = ("none", "shirt", "fleece", "leather", "coat", "wool", "denim")
WALLS = (
    "none",
    "plasterboard",
    "double_plasterboard",
    "plywood",
    "wooden_door",
    "glass",
    "chipboard",
    "ceiling_board",
    "thick_plasterboard",
)
POSES = ("none", "stand", "walk", "sit", "turn")
"""Of the person whom the camera sees."""

RANGES = 128
ANGLES = 64
SPEEDS = 64


def watch_id(name: str) -> int:
    """Number of a watch by its name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in TASKS:
        raise ValueError(f"watch must be one of {', '.join(TASKS)}, got {name!r}")
    return TASKS.index(name)


def is_upright(watch: int) -> bool:
    """Whether the radar's line of antennas is upright for the watch with this number.

    Raises:
        ValueError: there is none.
    """
    return LINES[_known(watch)] == "vertical"


def _known(watch: int) -> str:
    if not 0 <= watch < len(TASKS):
        raise ValueError(f"watch must be from 0 to {len(TASKS) - 1}, got {watch}")
    return TASKS[watch]


def is_behind_a_wall(watch: int) -> bool:
    """Whether the watch with this number looks through a wall.

    Raises:
        ValueError: there is none.
    """
    return _known(watch) != "weapon"


def watch_one_hot(watch: ArrayLike) -> NDArray[np.float32]:
    """(..., watch) float32 with a 1 at each watch's place, of numbers of watches (...).

    Raises:
        ValueError: a number is no watch's.
    """
    number = np.asarray(watch)
    if not np.isin(number, np.arange(len(TASKS))).all():
        raise ValueError(f"watch must be from 0 to {len(TASKS) - 1}, got {number}")
    return np.eye(len(TASKS), dtype=np.float32)[number.astype(np.int64)]


def cell_of(
    position_m: ArrayLike, range_bin_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cell of a place at the radar's height.

    Args:
        position_m: (..., 2) right and depth; NaN where there is none.
        range_bin_m: from one range bin to the next.

    Returns:
        Range index and column, both (...), not rounded, NaN where the place is; beyond the farthest
        range the index is so too. The radar's own place is straight ahead at range 0.

    Raises:
        ValueError: the last axis is not 2 long, or a place is behind the radar.
    """
    position = np.asarray(position_m, np.float64)
    if position.ndim < 1 or position.shape[-1] != 2:
        raise ValueError(f"position_m must be (..., 2) right and depth, got {position.shape}")
    right_m, depth_m = position[..., 0], position[..., 1]
    if (depth_m < 0).any():
        raise ValueError(f"depth must not be behind the radar, got {np.nanmin(depth_m)} m")
    range_m = np.hypot(right_m, depth_m)
    sine = right_m / np.where(range_m > 0, range_m, 1.0)
    return range_m / range_bin_m, (sine + 1) / 2 * (ANGLES - 1)


def depths_m(range_bin_m: float) -> NDArray[np.float64]:
    """(range, column) how far ahead each cell is."""
    sine = np.linspace(-1, 1, ANGLES)
    ahead = np.sqrt(np.maximum(1 - sine**2, 0.0))
    return np.asarray(np.arange(RANGES)[:, None] * range_bin_m * ahead)


def position_of(
    range_index: ArrayLike, column: ArrayLike, range_bin_m: float
) -> NDArray[np.float64]:
    """The place of a cell, at the radar's height: :func:`cell_of` backwards.

    Args:
        range_index: (...) may be fractions.
        column: likewise, from 0 to ANGLES - 1.
        range_bin_m: from one range bin to the next.

    Returns:
        (..., 2) right and depth in metres.

    Raises:
        ValueError: a range is negative, or a column outside the grid.
    """
    index, place = np.asarray(range_index, np.float64), np.asarray(column, np.float64)
    if (index < 0).any():
        raise ValueError(f"range_index must not be negative, got {np.nanmin(index)}")
    if ((place < 0) | (place > ANGLES - 1)).any():
        raise ValueError(f"column must be from 0 to {ANGLES - 1}, got {place}")
    sine = 2 * place / (ANGLES - 1) - 1
    ahead = np.sqrt(np.maximum(1 - sine**2, 0.0))
    range_m = index * range_bin_m
    return np.stack([range_m * sine, range_m * ahead], axis=-1)
