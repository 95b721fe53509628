"""Compiled loops over positions as they are, for motion estimation and the rolling panorama."""

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


@numba.njit(nogil=True, cache=True, fastmath=True)
def fill_kernel(path_m, taper, wavenumber, kernel):
    """Real block matrix [[Re, -Im], [Im, Re]] of taper * exp(j wavenumber path)."""
    rays, width = path_m.shape
    for i in range(rays):
        for k in range(width):
            weight = taper[i, k]
            if weight == 0.0:
                real = np.float32(0.0)
                imag = np.float32(0.0)
            else:
                phase = wavenumber * path_m[i, k]
                real = weight * np.cos(phase)
                imag = weight * np.sin(phase)
            kernel[i, k] = real
            kernel[i, width + k] = -imag
            kernel[rays + i, k] = imag
            kernel[rays + i, width + k] = real


@numba.njit(nogil=True, cache=True, fastmath=True)
def store_power(beams, columns, row_upper, row_lower, power):
    """Squared magnitude of one block into the cube; the right half is the lower row."""
    rays = beams.shape[0] // 2
    bins = power.shape[2]
    for i in range(rays):
        column = columns[i]
        for k in range(bins):
            real = beams[i, k]
            imag = beams[rays + i, k]
            power[row_upper, column, k] = real * real + imag * imag
            real = beams[i, bins + k]
            imag = beams[rays + i, bins + k]
            power[row_lower, column, k] = real * real + imag * imag
