"""What the second network sees of a panorama: the first one's answer, and the echo's strength."""

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.recognition.echo import decode_db

FARTHEST_M = 9.6
SCALE_DB = 20.0
CHANNELS = ("range", "nothing", "spread", "confidence", "outward", "left", "up", "echo", "row")
"""In this order."""

BIN_M = 0.03747
"""Of the default waveform."""

RADIUS_M = 0.08


def semantic_features(
    echo: NDArray[np.uint8],
    range_m: NDArray[np.floating],
    spread_m: NDArray[np.floating],
    confidence: NDArray[np.floating],
    normal: NDArray[np.floating],
    bin_m: float = BIN_M,
    radius_m: float = RADIUS_M,
) -> NDArray[np.float32]:
    """Features of every ray.

    Args:
        echo: (row, column, range).
        range_m: (row, column); inf or NaN: none.
        spread_m: (row, column).
        confidence: (row, column).
        normal: (row, column, 3) outward, left, up of the ray.
        bin_m: from one range bin to the next.
        radius_m: of the antenna's circle; bins count from the antenna, ranges from the axis.

    Returns:
        (channel, row, column): range over its farthest, whether there is none, spread, confidence,
        normal, echo at the range over 20 dB, row from -1 to 1. What is not known is 0.
    """
    rows, columns = range_m.shape
    there = np.isfinite(range_m)
    known_m = np.where(there, range_m, 0.0)
    first_m = radius_m * np.cos(PanoramaGrid(columns, rows).elevation_rad)
    bins = np.rint((known_m - first_m[:, None]) / bin_m).astype(np.int64)
    at_range = np.take_along_axis(echo, np.clip(bins, 0, echo.shape[2] - 1)[..., None], axis=2)
    out = np.empty((len(CHANNELS), rows, columns), np.float32)
    out[0] = known_m / FARTHEST_M
    out[1] = ~there
    out[2] = np.nan_to_num(spread_m)
    out[3] = np.nan_to_num(confidence)
    out[4:7] = np.where(there[..., None], normal, 0.0).transpose(2, 0, 1)
    out[7] = np.where(there, decode_db(at_range[..., 0]) / SCALE_DB, 0.0)
    out[8] = np.linspace(-1, 1, rows)[:, None]
    return out
