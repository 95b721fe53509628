"""What the second network sees of a panorama: the first one's answer, and the echoes about it."""

import numba
import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.recognition.echo import decode_db

FARTHEST_M = 9.6
SCALE_DB = 20.0
CLASSES = 11
PROFILE_BINS = ((-9, -5), (-5, -1), (-1, 2), (2, 6), (6, 10))
"""From and to, in range bins about the learned range, of the echoes that are told."""

CHANNELS = (
    "range",
    "nothing",
    "spread",
    "confidence",
    "outward",
    "left",
    "up",
    *(f"echo_{first}" for first, _ in PROFILE_BINS),
    "row",
    *(f"hint_{number}" for number in range(CLASSES)),
)
"""In this order."""

_FIRST_ECHO, _ROW = CHANNELS.index(f"echo_{PROFILE_BINS[0][0]}"), CHANNELS.index("row")
_HINT_SCALE = 5.0


def semantic_features(
    echo: NDArray[np.uint8],
    range_m: NDArray[np.floating],
    spread_m: NDArray[np.floating],
    confidence: NDArray[np.floating],
    normal: NDArray[np.floating],
    hint: NDArray[np.floating],
    bin_m: float = Waveform().range_bin_m,
    radius_m: float = AntennaArray().radius_m,
) -> NDArray[np.float32]:
    """Features of every ray.

    Args:
        echo: (row, column, range).
        range_m: (row, column); inf: nothing within reach, NaN: not received.
        spread_m: (row, column).
        confidence: (row, column).
        normal: (row, column, 3) outward, left, up of the ray.
        hint: (class, row, column) logarithms of what the ray may be of.
        bin_m: from one range bin to the next.
        radius_m: of the antenna's circle; bins count from the antenna, ranges from the axis.

    Returns:
        (channel, row, column): range over its farthest, whether there is none, spread, confidence,
        normal, strongest echoes before, at and behind the range over 20 dB, row from -1 to 1,
        hints. What is not known is 0.
    """
    rows, columns = range_m.shape
    there = np.isfinite(range_m)
    known_m = np.where(there, range_m, 0.0)
    bins = _bins(known_m, bin_m, radius_m)
    out = np.empty((len(CHANNELS), rows, columns), np.float32)
    out[0] = known_m / FARTHEST_M
    out[1] = np.isinf(range_m)
    out[2] = np.nan_to_num(spread_m)
    out[3] = np.nan_to_num(confidence)
    out[4:7] = np.where(there[..., None], normal, 0.0).transpose(2, 0, 1)
    for channel, (first, last) in enumerate(PROFILE_BINS, _FIRST_ECHO):
        out[channel] = np.where(there, decode_db(_strongest(echo, bins, first, last)) / SCALE_DB, 0)
    out[_ROW] = np.linspace(-1, 1, rows)[:, None]
    out[_ROW + 1 :] = hint / _HINT_SCALE
    return out


def echo_at(
    echo: NDArray[np.uint8],
    range_m: NDArray[np.floating],
    bin_m: float = Waveform().range_bin_m,
    radius_m: float = AntennaArray().radius_m,
) -> NDArray[np.float32]:
    """How strong the echo of every ray is at its range.

    Args:
        echo: (row, column, range).
        range_m: (row, column); inf or NaN: none.
        bin_m: from one range bin to the next.
        radius_m: of the antenna's circle.

    Returns:
        (row, column) decibels over the noise; NaN where there is no range.
    """
    there = np.isfinite(range_m)
    bins = _bins(np.where(there, range_m, 0.0), bin_m, radius_m)
    return np.where(there, decode_db(_strongest(echo, bins, 0, 1)), np.float32(np.nan))


@numba.njit(nogil=True, cache=True)
def _strongest(echo, bins, first, last):  # pragma: no cover - compiled
    """Of the bins about each ray's own, from ``first`` to before ``last``; (row, column) uint8."""
    rows, columns, count = echo.shape
    out = np.empty((rows, columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            best = np.uint8(0)
            for off in range(first, last):
                index = min(max(bins[row, column] + off, 0), count - 1)
                best = max(best, echo[row, column, index])
            out[row, column] = best
    return out


def _bins(range_m: NDArray[np.floating], bin_m: float, radius_m: float) -> NDArray[np.int64]:
    """Bins count from the antenna, ranges from the turntable's axis."""
    rows, columns = range_m.shape
    first_m = radius_m * np.cos(PanoramaGrid(columns, rows).elevation_rad)
    return np.rint((range_m - first_m[:, None]) / bin_m).astype(np.int64)
