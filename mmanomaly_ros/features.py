"""Numbers of one frame that a decision over time looks at, and which cells hold a moving body.

Behind a wall somebody moves, if only by breathing: in their cells nearly all of the power moves. A
wall or a cupboard that is now hidden and now not, because somebody walks before it, changes too;
but most of its power stands still, and of a mirror that is uncovered only one or two ranges answer.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.watch import ANGLES, RANGES, depths_m

_WHOLE, _MOVING = 0, 1
_LEAST_DB = 4.0
"""Over the noise, from which a cell counts."""
_MOVES_DB = -4.0
"""Of the moving power over the whole one, from which a cell is one of a moving body."""
_WALL_M = 0.3
"""From the front of a wall to where a room begins: the wall, and the radar's point spread."""
BEFORE_M = 0.15
"""Before the wall, to where somebody in front of it is looked for."""
NEAREST_BIN = 8
"""The transmitters' leakage is nearer."""
_LAST_BIN = RANGES - 6
"""From here on leakage comes round the transform."""
_HEIGHTS_M = (-1.1, 0.8)
"""Of people, over a radar a metre above the floor; what is outside is a mirror image."""
STIRRED_DB = 15.0
"""Moving power before a wall, over the noise, from which somebody is there."""
LOW_M = -0.5
"""Who stands or sits has half of their body above, who lies has nothing there."""
_FAINT_DB, _CLEAR_DB = 6.0, 14.0
"""A range counts by its decibels above the first, and not more than up to the second: what is
strong is often a mirror, and a body is long."""
_BODY_M = 0.5
"""Half of the ranges that belong to one body."""
_LEAST_MASS = 20.0


@dataclass(frozen=True)
class FrameFeatures:
    """Of one frame.

    Attributes:
        score: of the frame, in logits.
        before_db: highest moving power before the wall, over the noise; -inf without a wall.
        low_share: of the power of the body that moves most behind it, which is below LOW_M, for an
            upright line of antennas; NaN where there is hardly any motion.
        time_s: of the frame; NaN: one period after the last.
        cells: of an intruder watch, see :func:`mmanomaly_ros.lasting.lasting_cells`; else None.
    """

    score: float
    before_db: float = -np.inf
    low_share: float = np.nan
    time_s: float = np.nan
    cells: NDArray[np.float16] | None = field(default=None, compare=False, repr=False)


def moving_bodies(
    measured_db: NDArray[np.floating], range_bin_m: float, beyond_m: float = 0.0
) -> NDArray[np.bool_]:
    """(range, column) cells behind a wall whose power moves.

    Args:
        measured_db: (channel, range, column).
        range_bin_m: of the radar.
        beyond_m: where the wall is; 0 without one.
    """
    moving = measured_db[_MOVING]
    there = (moving >= _LEAST_DB) & (moving - measured_db[_WHOLE] >= _MOVES_DB)
    if beyond_m > 0:
        there &= depths_m(range_bin_m) >= beyond_m + _WALL_M
    there[_LAST_BIN:] = False
    return np.asarray(there)


def frame_features(
    measured_db: NDArray[np.floating], score: float, range_bin_m: float, beyond_m: float = 0.0
) -> FrameFeatures:
    """Features of a frame.

    Args:
        measured_db: (channel, range, column).
        score: of the frame.
        range_bin_m: of the radar.
        beyond_m: what is nearer does not count; the wall, of a room behind one.
    """
    measured = np.asarray(measured_db, np.float64)
    before = depths_m(range_bin_m) < beyond_m - BEFORE_M
    before[:NEAREST_BIN] = False
    return FrameFeatures(
        score=score,
        before_db=float(measured[_MOVING][before].max(initial=-np.inf)),
        low_share=upright_body(measured, range_bin_m, beyond_m).low_share,
    )


@dataclass(frozen=True)
class UprightBody:
    """The body that moves most, for an upright line of antennas.

    Attributes:
        cells: (range, column) where it moves.
        low_share: of its power, below LOW_M; NaN where there is hardly any motion.
    """

    cells: NDArray[np.bool_]
    low_share: float


def upright_body(
    measured_db: NDArray[np.floating], range_bin_m: float, beyond_m: float = 0.0
) -> UprightBody:
    """The body that moves most behind a wall.

    Args:
        measured_db: (channel, range, column).
        range_bin_m: of the radar.
        beyond_m: where the wall is; 0 without one.
    """
    measured = np.asarray(measured_db, np.float64)
    height_m = np.arange(RANGES)[:, None] * range_bin_m * np.linspace(-1, 1, ANGLES)
    there = moving_bodies(measured, range_bin_m, beyond_m)
    there &= (height_m >= _HEIGHTS_M[0]) & (height_m <= _HEIGHTS_M[1])
    power = np.where(there, 10 ** (measured[_MOVING] / 10) - 1, 0.0)
    in_range = power.sum(axis=1)
    weight = np.clip(10 * np.log10(1 + in_range), _FAINT_DB, _CLEAR_DB) - _FAINT_DB
    half = round(_BODY_M / range_bin_m)
    middle = int(np.convolve(weight, np.ones(2 * half + 1), "same").argmax())
    rows = slice(max(middle - half, 0), middle + half + 1)
    mass = float(weight[rows].sum())
    share = weight[rows, None] * power[rows] / np.maximum(in_range[rows, None], 1e-9)
    cells = np.zeros_like(there)
    cells[rows] = there[rows]
    low = float(share[height_m[rows] < LOW_M].sum() / mass) if mass >= _LEAST_MASS else np.nan
    return UprightBody(cells, low)
