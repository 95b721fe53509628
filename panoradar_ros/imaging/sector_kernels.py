"""Compiled loops of the rolling panorama: one call a worker and frame.

They are those of whole turns (:mod:`panoradar_ros.imaging.pair_kernels`), put together so that the
interpreter is not asked for in between: beside other busy threads every return to it waits.
"""

import numba
import numpy as np

from panoradar_ros.imaging.pair_kernels import azimuth_kernel, elevation_pairs, store_scaled_power
from panoradar_ros.imaging.resampling import spread_antenna


@numba.njit(nogil=True, cache=True)
def spread_antennas(spectrum, first, weight, gridded):
    """Add the chirps of all antennas to the grid.

    Args:
        spectrum: (position, antenna, range) complex64; antennas in the order of transmitters.
        first: (position, transmitter) first grid point.
        weight: (position, transmitter, tap) complex64.
        gridded: (antenna, grid, range) complex64 to add to.
    """
    antennas = spectrum.shape[1]
    for antenna in range(antennas):
        transmitter = antenna * first.shape[1] // antennas
        spread_antenna(
            spectrum, first[:, transmitter], weight[:, transmitter], antenna, gridded[antenna]
        )


@numba.njit(nogil=True, cache=True)
def form_pairs(
    first_pair, last_pair, pairs, cosine, sine, planes, stored,
    turns, taper, delayed, block, first, width, row_cosine, gain, voting, power, moment,
):  # fmt: skip
    """Combine the antennas of new grid points and form the rays that they complete.

    Args:
        first_pair: first elevation pair.
        last_pair: elevation pair to stop before.
        pairs: (grid, 2, half, 2, range) of the new points.
        cosine: (pair, half) float32, see :func:`~.pair_kernels.elevation_pairs`.
        sine: (pair, half) float32.
        planes: (pair, 2 * kept, 2 * range) float32: new points go to the rows from 2 * stored on.
        stored: place of the first new point.
        turns: (ray, width) float32 of :func:`~.pair_kernels.azimuth_kernel`.
        taper: (ray, width) float32.
        delayed: (ray, width) float32, taper times the time after the boresight.
        block: rays that share one band.
        first: (block,) first point of each block's band among those kept.
        width: points of a band.
        row_cosine: (pair,) float32, cos phi.
        gain: (ray,) float32.
        voting: (pair,) where the moments of +phi go, those of -phi behind them; -1 for none.
        power: (row, ray, range) to be filled.
        moment: (voting row, ray, range) to be filled with Re(B1 conj B0).
    """
    rows, _, _ = power.shape
    columns = planes.shape[2]
    kernel = np.empty((2 * block, 2 * width), np.float32)
    beams = np.empty((2 * block, columns), np.float32)
    weighted = np.empty((2 * block, columns), np.float32)
    numbers = np.arange(len(gain))
    for pair in range(first_pair, last_pair):
        plane = planes[pair]
        new = plane[2 * stored : 2 * (stored + len(pairs))]
        elevation_pairs(
            pairs, cosine[pair : pair + 1], sine[pair : pair + 1],
            new.reshape((1, new.shape[0], columns)),
        )  # fmt: skip
        for number in range(len(first)):
            begin, end = number * block, (number + 1) * block
            band = plane[2 * first[number] : 2 * (first[number] + width)]
            azimuth_kernel(turns[begin:end], taper[begin:end], row_cosine[pair], kernel)
            np.dot(kernel, band, beams)
            some = numbers[begin:end]
            store_scaled_power(beams, gain[begin:end], some, pair, rows - 1 - pair, power)
            if voting[pair] >= 0:
                azimuth_kernel(turns[begin:end], delayed[begin:end], row_cosine[pair], kernel)
                np.dot(kernel, band, weighted)
                store_moment(beams, weighted, gain[begin:end], some, voting[pair], moment)


@numba.njit(nogil=True, cache=True, fastmath=True)
def store_moment(beams, weighted, gain, rays, row, moment):
    """Re(B1 conj B0) of a block, times the squared gain, into (row, ray, range) and the next row.

    Args:
        beams: (2 * ray, 2 * range) float32, B0: real rows above imaginary ones; left half +phi.
        weighted: (2 * ray, 2 * range) float32, B1.
        gain: (ray,) float32.
        rays: (ray,) where each ray goes.
        row: of +phi.
        moment: to be filled.
    """
    count, bins = beams.shape[0] // 2, moment.shape[2]
    for i in range(count):
        square = gain[i] * gain[i]
        upper, lower = moment[row, rays[i]], moment[row + 1, rays[i]]
        real, imag = beams[i], beams[count + i]
        real_1, imag_1 = weighted[i], weighted[count + i]
        for k in range(bins):
            upper[k] = square * (real[k] * real_1[k] + imag[k] * imag_1[k])
            lower[k] = square * (
                real[bins + k] * real_1[bins + k] + imag[bins + k] * imag_1[bins + k]
            )


@numba.njit(nogil=True, cache=True)
def strongest_of(power, moment, rows, first, out_power, out_moment):
    """The strongest of some rows at every ray and range, and its moment.

    Args:
        power: (row, ray, range).
        moment: (chosen row, ray, range).
        rows: (chosen row,) which rows of ``power`` these are.
        first: first range bin that is looked at; nearer ones become zero.
        out_power: (ray, range) to be filled.
        out_moment: (ray, range) to be filled.
    """
    out_power[:, :first] = 0
    out_moment[:, :first] = 0
    for ray in range(power.shape[1]):
        best, at = out_power[ray, first:], out_moment[ray, first:]
        best[:] = -1
        for number in range(len(rows)):
            here, there = power[rows[number], ray, first:], moment[number, ray, first:]
            for k in range(len(best)):
                more = here[k] > best[k]
                best[k] = here[k] if more else best[k]
                at[k] = there[k] if more else at[k]


@numba.njit(nogil=True, cache=True)
def robust_velocity(azimuth_rad, ago_s, radial_mps, base, prior, centre, start, outlier_mps):
    """Velocity and acceleration by iterated least squares with Cauchy's weights.

    Args:
        azimuth_rad: (vote,) in the fixed axes.
        ago_s: (vote,) time against that at which the velocity is wanted.
        radial_mps: (vote,) speed towards each azimuth.
        base: (vote,) weight.
        prior: (4,) weights of ``centre``.
        centre: (4,) of x_mps, y_mps, x_mps2 and y_mps2, as expected.
        start: (4,) first guess.
        outlier_mps: least scale of the weights; twice the median residual if that is more.

    Returns:
        (4,).
    """
    cosine, sine = np.cos(azimuth_rad), np.sin(azimuth_rad)
    state = start.copy()
    row = np.empty(4)
    residual = np.empty(len(base))
    for _ in range(5):
        for vote in range(len(base)):
            x_mps = state[0] + ago_s[vote] * state[2]
            y_mps = state[1] + ago_s[vote] * state[3]
            residual[vote] = radial_mps[vote] - cosine[vote] * x_mps - sine[vote] * y_mps
        scale = max(outlier_mps, 2 * np.median(np.abs(residual)))
        information = np.diag(prior)
        right = prior * centre
        for vote in range(len(base)):
            weight = base[vote] / (1 + (residual[vote] / scale) ** 2)
            row[0], row[1] = cosine[vote], sine[vote]
            row[2], row[3] = ago_s[vote] * cosine[vote], ago_s[vote] * sine[vote]
            for i in range(4):
                right[i] += weight * radial_mps[vote] * row[i]
                for j in range(4):
                    information[i, j] += weight * row[i] * row[j]
        state = np.linalg.solve(information, right)
    return state
