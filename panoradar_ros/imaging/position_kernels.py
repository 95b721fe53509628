"""Compiled loops over positions as they are, for motion estimation."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def combine_elevation(spectrum, steering, tdm_rad_per_offset, transmitter_of, column, out):
    """Sum the antennas of every position for one elevation; real and imaginary planes stacked.

    out is (2 * position, columns): rows [0, P) hold the real part, rows [P, 2P) the imaginary part,
    columns [column, column + range) this elevation.
    """
    positions, antennas, bins = spectrum.shape
    for p in range(positions):
        real = out[p, column : column + bins]
        imag = out[positions + p, column : column + bins]
        real[:] = 0.0
        imag[:] = 0.0
        for a in range(antennas):
            phase = tdm_rad_per_offset[p] * transmitter_of[a]
            turn = np.complex64(complex(np.cos(phase), np.sin(phase)))
            factor = steering[a] * turn
            fr = factor.real
            fi = factor.imag
            row = spectrum[p, a]
            for k in range(bins):
                sr = row[k].real
                si = row[k].imag
                real[k] += fr * sr - fi * si
                imag[k] += fr * si + fi * sr
