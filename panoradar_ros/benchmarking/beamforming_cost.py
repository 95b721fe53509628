"""Real multiplications and additions of one frame, counted from its size."""

import numpy as np
import scipy.fft

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.resampling import COARSEST_SPREAD, FINEST_SPREAD, AzimuthGrid

COMPLEX_PRODUCT = 8
"""Operations of a complex product and its addition to a sum."""

REAL_BY_COMPLEX = 4


def gflop_per_frame(
    array: AntennaArray,
    grid: PanoramaGrid,
    window_rad: float,
    method: str = "banded",
    decimation: int = 2,
    block: int = 32,
    turns_per_s: float = 2.0,
) -> float:
    """Operations in 1e9 of a frame after the range FFT, for ``banded`` and ``static`` beams.

    Products with zeros that fill up a band or a window count, as they are done.
    """
    waveform = Waveform()
    bins, half = waveform.samples_per_chirp, (array.antennas + 1) // 2
    fine = decimation == 1 and method == "banded"
    azimuths = AzimuthGrid.for_array(
        array,
        FINEST_SPREAD if fine else COARSEST_SPREAD,
        grid.columns if method == "static" else 64,
    )
    positions = waveform.positions_per_s / turns_per_s * (1 + window_rad / (2 * np.pi))
    points = int(np.ceil(azimuths.points_per_turn * (1 + window_rad / (2 * np.pi)))) + 2
    pairs = grid.rows // 2
    count = positions * array.antennas * bins * azimuths.taps * COMPLEX_PRODUCT
    count += 2 * array.antennas * points * bins  # sums and differences
    if method == "banded":
        count += pairs * points * bins * (2 * half * REAL_BY_COMPLEX + 4)
        band = window_rad / azimuths.step_rad + block * azimuths.points_per_turn / grid.columns
        count += pairs * grid.columns * np.ceil(band) * 2 * bins * COMPLEX_PRODUCT
        count += grid.rows * grid.columns * bins * 4
        return float(count) / 1e9
    length = scipy.fft.next_fast_len(points)
    transform = 5 * length * np.log2(length)
    count += 2 * half * bins * transform
    count += pairs * length * bins * (2 * half * REAL_BY_COMPLEX + 4 + 2 * COMPLEX_PRODUCT)
    count += grid.rows * bins * transform
    count += grid.rows * grid.columns * bins * 4
    return float(count) / 1e9
