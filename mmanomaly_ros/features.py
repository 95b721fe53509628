"""Numbers of one frame that a decision over time looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.spectrum import speeds_mps
from mmanomaly_ros.watch import ANGLES, RANGES

_MOVING_AZIMUTH, _RANGE_DOPPLER = 1, 2
_LEAST_DB = 4.0
"""Over the noise, from which a cell counts."""
_WALL_M = 0.3
"""From the front of a wall to where a room begins: the wall, and the radar's point spread."""
_LAST_BIN = RANGES - 6
"""From here on leakage comes round the transform."""
LOW_SINE = -0.15
FAST_MPS = 0.4
_FAINT = 10.0
"""Power over the noise below which there is hardly any motion to tell a place or a speed of."""


@dataclass(frozen=True)
class FrameFeatures:
    """Of one frame.

    Attributes:
        score: of the frame, in logits.
        energy_db: moving power, behind the wall if there is one, 10 log10(1 + sum over the noise).
        extent_mps: root mean square radial speed of it; 0 where there is hardly any.
        range_m: its centroid; NaN where there is hardly any.
        sine: likewise.
        low_share: of it, at sines below LOW_SINE; NaN where there is hardly any. For an upright
            line of antennas that is near the floor.
        fast_db: of it, what is faster than FAST_MPS, as energy_db.
    """

    score: float
    energy_db: float
    extent_mps: float
    range_m: float
    sine: float
    low_share: float = float("nan")
    fast_db: float = 0.0


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
    power = np.where(measured >= _LEAST_DB, 10 ** (measured / 10) - 1, 0.0)
    power[:, : int((beyond_m + _WALL_M) / range_bin_m) if beyond_m > 0 else 0] = 0
    power[:, _LAST_BIN:] = 0
    doppler, azimuth = power[_RANGE_DOPPLER], power[_MOVING_AZIMUTH]
    total = float(doppler.sum())
    squared = float((doppler * speeds_mps() ** 2).sum())
    place = float(azimuth.sum())
    seen = place > _FAINT
    ranges = np.arange(RANGES)[:, None] * range_bin_m
    sines = np.linspace(-1, 1, ANGLES)
    fast = float(doppler[:, np.abs(speeds_mps()) > FAST_MPS].sum())
    return FrameFeatures(
        score=score,
        energy_db=10 * float(np.log10(1 + total)),
        extent_mps=float(np.sqrt(squared / (total + _FAINT))),
        range_m=float((azimuth * ranges).sum() / place) if seen else np.nan,
        sine=float((azimuth * sines).sum() / place) if seen else np.nan,
        low_share=float(azimuth[:, sines < LOW_SINE].sum() / place) if seen else np.nan,
        fast_db=10 * float(np.log10(1 + fast)),
    )
