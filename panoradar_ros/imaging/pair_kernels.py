"""Compiled inner loops of the beamformer: antennas, azimuth kernels, power.

The antennas stand symmetrically about the array's middle, so the beams at +phi and -phi are

    z(+-phi) = C +- j E,   C = sum_i cos(K h_i sin phi) (s_i + s_i'),
                           E = sum_i sin(K h_i sin phi) (s_i - s_i')

over pairs (i, i') at heights (h_i, -h_i): half the products, real coefficients, two beams at once.
"""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def antenna_pairs(spectrum, first, last, pairs):
    """Sums and differences of antenna i and its mirror image, real and imaginary parts apart.

    Args:
        spectrum: (antenna, grid, range) complex64.
        first: first grid point.
        last: grid point to stop before.
        pairs: (grid, 2, half, 2, range) float32: sums and differences, pair, real and imaginary.
            The middle antenna of an odd number is a pair of its own with half the sum.
    """
    antennas, _, bins = spectrum.shape
    half = pairs.shape[2]
    for g in range(first, last):
        for i in range(half):
            a = spectrum[i, g]
            b = spectrum[antennas - 1 - i, g]
            share = np.float32(0.5 if i == antennas - 1 - i else 1.0)
            for k in range(bins):
                pairs[g, 0, i, 0, k] = share * (a[k].real + b[k].real)
                pairs[g, 0, i, 1, k] = share * (a[k].imag + b[k].imag)
                pairs[g, 1, i, 0, k] = a[k].real - b[k].real
                pairs[g, 1, i, 1, k] = a[k].imag - b[k].imag


@numba.njit(nogil=True, cache=True, fastmath=True)
def elevation_pairs(pairs, cosine, sine, out):
    """Beams at +phi (left half of the columns) and -phi (right half) for a few phi.

    A few at a time, because fetching the antennas from memory takes longer than adding them.

    Args:
        pairs: (grid, 2, half, 2, range) of :func:`antenna_pairs`.
        cosine: (phi, half) float32, cos(K h_i sin phi) / antennas.
        sine: (phi, half) float32, sin(K h_i sin phi) / antennas.
        out: (phi, 2 * grid, 2 * range) float32: row 2 g the real part, row 2 g + 1 the imaginary.
    """
    bins = pairs.shape[4]
    half = pairs.shape[2]
    even = np.empty((2, bins), np.float32)
    odd = np.empty((2, bins), np.float32)
    for g in range(pairs.shape[0]):
        for elevation in range(cosine.shape[0]):
            for part in range(2):
                c = even[part]
                e = odd[part]
                c[:] = 0
                e[:] = 0
                for i in range(half):
                    in_phase = cosine[elevation, i]
                    in_quadrature = sine[elevation, i]
                    row_sum = pairs[g, 0, i, part]
                    row_difference = pairs[g, 1, i, part]
                    for k in range(bins):
                        c[k] += in_phase * row_sum[k]
                        e[k] += in_quadrature * row_difference[k]
            real = out[elevation, 2 * g]
            imag = out[elevation, 2 * g + 1]
            for k in range(bins):
                real[k] = even[0, k] - odd[1, k]
                imag[k] = even[1, k] + odd[0, k]
                real[bins + k] = even[0, k] + odd[1, k]
                imag[bins + k] = even[1, k] - odd[0, k]


@numba.njit(nogil=True, cache=True, fastmath=True)
def azimuth_kernel(turns, taper, cosine, kernel):
    """Real block matrix of taper * exp(2 pi j cosine turns), columns as the rows of the planes.

    Sine and cosine are polynomials in the fraction of a turn, exact to 1e-7: the compiler makes
    them vector instructions, which it cannot with calls into the mathematics library.

    Args:
        turns: (ray, width) float32, path over half the wavelength.
        taper: (ray, width) float32.
        cosine: float32, cos phi.
        kernel: (2 * ray, 2 * width) float32 to be filled: rows of real parts, then imaginary.
    """
    rays, width = turns.shape
    for i in range(rays):
        real = kernel[i]
        imag = kernel[rays + i]
        for k in range(width):
            t = cosine * turns[i, k]
            t -= np.floor(t + np.float32(0.5))  # -1/2 .. 1/2
            # about the nearest quarter: sin and cos of 2 pi t from those of half the angle
            x = np.float32(np.pi) * t
            y = x * x
            s = x * (
                np.float32(1)
                + y
                * (
                    np.float32(-1 / 6)
                    + y
                    * (
                        np.float32(1 / 120)
                        + y
                        * (
                            np.float32(-1 / 5040)
                            + y * (np.float32(1 / 362880) + y * np.float32(-1 / 39916800))
                        )
                    )
                )
            )
            c = np.float32(1) + y * (
                np.float32(-1 / 2)
                + y
                * (
                    np.float32(1 / 24)
                    + y
                    * (
                        np.float32(-1 / 720)
                        + y
                        * (
                            np.float32(1 / 40320)
                            + y * (np.float32(-1 / 3628800) + y * np.float32(1 / 479001600))
                        )
                    )
                )
            )
            w = taper[i, k]
            re = w * (np.float32(1) - np.float32(2) * s * s)
            im = w * np.float32(2) * s * c
            real[2 * k] = re
            real[2 * k + 1] = -im
            imag[2 * k] = im
            imag[2 * k + 1] = re


@numba.njit(nogil=True, cache=True, fastmath=True)
def store_scaled_power(beams, gain, columns, row_upper, row_lower, power):
    """Squared magnitude of a block, times a gain per ray, into (row, column, range).

    Args:
        beams: (2 * ray, 2 * range) float32, real rows above imaginary ones; left half +phi.
        gain: (ray,) float32, factor of the amplitude.
        columns: (ray,) column of each ray.
        row_upper: row of +phi.
        row_lower: row of -phi.
        power: cube to be filled.
    """
    rays = beams.shape[0] // 2
    bins = power.shape[2]
    for i in range(rays):
        square = gain[i] * gain[i]
        upper = power[row_upper, columns[i]]
        lower = power[row_lower, columns[i]]
        real = beams[i]
        imag = beams[rays + i]
        for k in range(bins):
            upper[k] = square * (real[k] * real[k] + imag[k] * imag[k])
            a = real[bins + k]
            b = imag[bins + k]
            lower[k] = square * (a * a + b * b)


@numba.njit(nogil=True, cache=True, fastmath=True)
def harmonic_pairs(harmonics, cosine, sine, transfer, low, high, out):
    """Beams at +phi and -phi for a few phi, in harmonics, times the azimuth kernel.

    Args:
        harmonics: (harmonic, 2, half, range) complex64: transforms of sums and differences.
        cosine: (phi, half) float32.
        sine: (phi, half) float32.
        transfer: (phi, harmonic) complex64, transform of the azimuth kernel.
        low: first harmonic that is let through, negative or zero; counted cyclically.
        high: harmonic to stop before.
        out: (phi, harmonic, 2 * range) complex64; other harmonics become zero.
    """
    count, _, half, bins = harmonics.shape
    even = np.empty(bins, np.complex64)
    odd = np.empty(bins, np.complex64)
    out[:, high : count + low] = 0
    for number in range(low, high):
        m = number % count
        for elevation in range(cosine.shape[0]):
            even[:] = 0
            odd[:] = 0
            for i in range(half):
                in_phase = cosine[elevation, i]
                in_quadrature = sine[elevation, i]
                row_sum = harmonics[m, 0, i]
                row_difference = harmonics[m, 1, i]
                for k in range(bins):
                    even[k] += in_phase * row_sum[k]
                    odd[k] += in_quadrature * row_difference[k]
            row = out[elevation, m]
            gain = transfer[elevation, m]
            turned = np.complex64(1j) * gain
            for k in range(bins):
                row[k] = gain * even[k] + turned * odd[k]
                row[bins + k] = gain * even[k] - turned * odd[k]


@numba.njit(nogil=True, cache=True, fastmath=True)
def store_ring_power(beams, first, step, gain, columns, row_upper, row_lower, power):
    """Like :func:`store_scaled_power` for (grid, 2 * range) complex64, ray i at first + i step."""
    bins = power.shape[2]
    for i in range(len(columns)):
        square = gain[i] * gain[i]
        beam = beams[first + i * step]
        upper = power[row_upper, columns[i]]
        lower = power[row_lower, columns[i]]
        for k in range(bins):
            upper[k] = square * (beam[k].real ** 2 + beam[k].imag ** 2)
            lower[k] = square * (beam[bins + k].real ** 2 + beam[bins + k].imag ** 2)


@numba.njit(nogil=True, cache=True)
def form_rows(turns, taper, first, width, cosine, plane, gain, columns, upper, lower, power):
    """All rays of one elevation pair, block after block, without asking for the interpreter.

    Beside other busy threads every return to Python waits for it: a thousand products a rotation
    would wait a thousand times.

    Args:
        turns: (ray, width) float32 of :func:`azimuth_kernel`.
        taper: (ray, width) float32.
        first: (block,) first grid point of each block's band.
        width: grid points of a band.
        cosine: float32, cos phi.
        plane: (2 * grid, 2 * range) float32 of :func:`elevation_pairs`.
        gain: (ray,) float32.
        columns: (ray,) column of each ray.
        upper: row of +phi.
        lower: row of -phi.
        power: cube to be filled.
    """
    block = len(turns) // len(first)
    kernel = np.empty((2 * block, 2 * width), np.float32)
    beams = np.empty((2 * block, plane.shape[1]), np.float32)
    for number in range(len(first)):
        begin, end = number * block, (number + 1) * block
        azimuth_kernel(turns[begin:end], taper[begin:end], cosine, kernel)
        np.dot(kernel, plane[2 * first[number] : 2 * (first[number] + width)], beams)
        store_scaled_power(beams, gain[begin:end], columns[begin:end], upper, lower, power)
