"""The antennas' gains taken off raw samples: the one place where a calibration meets the data.

Everything that looks at the samples afterwards, leakage filter and motion estimator included, sees
an array of equal antennas. Rounding to whole counts again adds 1/12 square count to each component,
32 dB below the receiver's own noise.
"""

from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from panoradar_ros.calibration.file import Calibration


@numba.njit(nogil=True, cache=True)
def _multiply(samples, factor, out):
    positions, antennas, count, _ = samples.shape
    for p in range(positions):
        for a in range(antennas):
            real, imag = factor[a].real, factor[a].imag
            row, result = samples[p, a], out[p, a]
            for n in range(count):
                i, q = np.float32(row[n, 0]), np.float32(row[n, 1])
                result[n, 0] = np.int16(min(max(np.rint(real * i - imag * q), -32768.0), 32767.0))
                result[n, 1] = np.int16(min(max(np.rint(real * q + imag * i), -32768.0), 32767.0))


def corrected(samples: NDArray[np.int16], factor: NDArray[np.complex64]) -> NDArray[np.int16]:
    """Samples (position, antenna, sample, 2) times a factor (antenna,), rounded and saturated."""
    out = np.empty_like(samples)
    _multiply(samples, factor, out)
    return out


def calibrated(block: PositionBlock, calibration: Calibration) -> PositionBlock:
    """The same positions as an array of equal antennas would have received them.

    Raises:
        CalibrationError: it was measured with another number of antennas.
    """
    factor = calibration.correction(block.samples.shape[1])
    return block if factor is None else replace(block, samples=corrected(block.samples, factor))
