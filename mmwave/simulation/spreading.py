"""Numba kernel of the simulator: scatterers onto a fine range grid (type-1 non-uniform FFT).

A chirp is linear in frequency, so the sum over scatterers of exp(j 4 pi d f_n / c) is a type-1
non-uniform FFT over d. Each scatterer is spread over :data:`TAPS` cells of a grid that is twice as
fine as the range bins; one inverse FFT and a division by the kernel's transform then give the
samples. The kernel is the "exponential of semicircle" of Barnett, Magland and af Klinteberg (2019,
"A parallel nonuniform fast Fourier transform library based on an exponential of semicircle kernel",
equation 1.8), evaluated by one polynomial a tap.

Most loops run over (scatterer, antenna) lanes without branches so that the compiler vectorises
them; antennas come as tuples so that their number is known when it compiles.
Every position is summed by one thread in a fixed order: the result does not depend on the number of
threads.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

OVERSAMPLING = 2
TAPS = 6
PADDING = 8
SLACK_CELLS = 0.2
"""How far an antenna's range may lie from the array centre's, in grid cells."""
HALF_WIDTH_CELLS = TAPS / 2 - SLACK_CELLS
SHAPE = 2.3 * 2 * HALF_WIDTH_CELLS
GAIN_STEPS = 4096
BATCH = 32
POSITIONS_PER_BLOCK = 16
POINT, PLANE, EDGE = 0, 1, 2
"""Kinds of scatterers: a point in the world, a mirror, two mirrors at a right angle."""


def kernel(offset_cells: NDArray[np.floating]) -> NDArray[np.floating]:
    """Spreading kernel, zero outside :data:`HALF_WIDTH_CELLS`."""
    inside = np.clip(1 - (np.asarray(offset_cells) / HALF_WIDTH_CELLS) ** 2, 0, None)
    return np.where(inside > 0, np.exp(SHAPE * (np.sqrt(inside) - 1)), 0)


@lru_cache
def tap_polynomials() -> NDArray[np.float32]:
    """Coefficients (tap, power), highest power first, in the fraction of a cell minus 1/2."""
    fraction = np.linspace(-SLACK_CELLS, 1 + SLACK_CELLS, 701)
    values = [kernel(tap - (TAPS // 2 - 1) - fraction) for tap in range(TAPS)]
    fits = [np.polyfit(fraction - 0.5, value, 9) for value in values]
    return np.array(fits, np.float32)


@lru_cache
def deapodisation(samples: int) -> NDArray[np.float64]:
    """Factor (sample,) after the inverse FFT, for sample numbers counted from the middle one."""
    offset = np.linspace(-HALF_WIDTH_CELLS, HALF_WIDTH_CELLS, 20001)
    number = np.arange(samples) - samples // 2
    phase = 2 * np.pi * np.outer(number, offset) / (OVERSAMPLING * samples)
    return 1 / np.trapezoid(kernel(offset) * np.cos(phase), offset, axis=1)


def _turn_polynomials() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Even polynomials in turns squared for sin(2 pi t) / t and cos(2 pi t), |t| <= 1/2."""
    turns = np.cos(np.pi * (np.arange(400) + 0.5) / 400) / 2
    squared = turns**2
    sine = np.polyfit(squared, np.sin(2 * np.pi * turns) / turns, 6)
    cosine = np.polyfit(squared, np.cos(2 * np.pi * turns), 6)
    return tuple(map(float, sine)), tuple(map(float, cosine))


_SINE, _COSINE = (
    tuple(np.float32(value) for value in polynomial) for polynomial in _turn_polynomials()
)
_S0, _S1, _S2, _S3, _S4, _S5, _S6 = _SINE
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = _COSINE


@njit(inline="always", fastmath=True)
def _lookup(table: Any, sine: float) -> float:
    """Linear interpolation in a table over sines -1..1."""
    place = (sine + 1.0) * (0.5 * GAIN_STEPS)
    index = min(max(int(place), 0), GAIN_STEPS - 1)
    fraction = place - index
    return table[index] + fraction * (table[index + 1] - table[index])


@njit(inline="always", fastmath=True)
def _offset(kind: int, px: float, py: float, pz: float, axis: Any, s: int) -> Any:
    """Vector from the antenna to where scatterer ``s`` reflects; p: its point less the antenna."""
    if kind != POINT:
        along = px * axis[s, 0] + py * axis[s, 1] + pz * axis[s, 2]
        if kind == PLANE:
            return along * axis[s, 0], along * axis[s, 1], along * axis[s, 2]
        return px - along * axis[s, 0], py - along * axis[s, 1], pz - along * axis[s, 2]
    return px, py, pz


@njit(cache=True, fastmath=True, nogil=True)
def _select(
    point: Any, velocity: Any, axis: Any, kind: Any, antenna: Any, boresight: Any, time_s: Any,
    first: int, last: int, cosine_limit: float, chosen: Any,
) -> int:  # fmt: skip
    """Scatterers that a block of positions can see; returns how many were written to ``chosen``."""
    middle = (first + last) // 2
    ax, ay, az = antenna[middle, 0, 0], antenna[middle, 0, 1], antenna[middle, 0, 2]
    bx, by = boresight[middle, 0, 0], boresight[middle, 0, 1]
    t = time_s[middle, 0]
    count = 0
    for s in range(point.shape[0]):
        dx, dy, _ = _offset(
            kind[s],
            point[s, 0] + velocity[s, 0] * t - ax,
            point[s, 1] + velocity[s, 1] * t - ay,
            point[s, 2] + velocity[s, 2] * t - az,
            axis, s,
        )  # fmt: skip
        rho_squared = dx * dx + dy * dy
        ahead = dx * bx + dy * by
        near = rho_squared < 0.25
        if near or (ahead > 0 and ahead * ahead > cosine_limit * cosine_limit * rho_squared):
            chosen[count] = s
            count += 1
    return count


@njit(cache=True, fastmath=True, nogil=True)
def _geometry(
    chosen: Any, start: int, stop: int, p: int, point: Any, velocity: Any, axis: Any, kind: Any,
    strength: Any, phase_turns: Any, antenna: Any, boresight: Any, time_s: Any, blend: float,
    azimuth_gain: Any, elevation_gain: Any, scale: float, gain_limit: float,
    cells_per_m: float, turns_per_m: float, cells: int,
    base: Any, place: Any, turns: Any, sine: Any, amplitude: Any,
) -> None:  # fmt: skip
    """A batch of scatterers at position ``p``, for the array's centre: (scatterer, transmitter).

    Receives the first grid cell (scatterer,), the place in the grid from there, the phase, the sine
    of the elevation and the amplitude.
    """
    for j in range(stop - start):
        s = chosen[start + j]
        root_rcs = scale * (strength[s, 0] + blend * (strength[s, 1] - strength[s, 0]))
        for k in range(time_s.shape[1]):
            t = time_s[p, k]
            dx, dy, dz = _offset(
                kind[s],
                point[s, 0] + velocity[s, 0] * t - antenna[p, k, 0],
                point[s, 1] + velocity[s, 1] * t - antenna[p, k, 1],
                point[s, 2] + velocity[s, 2] * t - antenna[p, k, 2],
                axis, s,
            )  # fmt: skip
            squared = dx * dx + dy * dy + 1e-18
            distance = np.sqrt(squared + dz * dz)
            per_m = 1.0 / distance
            bx, by = boresight[p, k, 0], boresight[p, k, 1]
            up = dz * per_m
            gain = _lookup(azimuth_gain, (dy * bx - dx * by) / np.sqrt(squared))
            gain *= _lookup(elevation_gain, up)
            cell_place = distance * cells_per_m
            heard = dx * bx + dy * by >= 0.0 and gain >= gain_limit and cell_place < cells
            voltage = root_rcs * gain * per_m * per_m
            if kind[s] != POINT:
                voltage *= np.sqrt(np.pi) * distance
            if k == 0:
                base[j] = min(int(cell_place), cells - 1)
            cycles = distance * turns_per_m + phase_turns[s]
            i = j * time_s.shape[1] + k
            turns[i] = cycles - np.floor(cycles)
            place[i] = cell_place - base[j] - 0.5
            sine[i] = up
            amplitude[i] = voltage if heard else 0.0


@njit(cache=True, fastmath=True, nogil=True)
def _lanes(
    count: int, height_turns: Any, height_cells: Any, receiver: Any,
    place: Any, turns: Any, sine: Any, amplitude: Any,
    fraction: Any, cycle: Any, level: Any,
) -> None:  # fmt: skip
    """From the array's centre to every antenna: lanes (scatterer, antenna)."""
    transmitters = len(height_turns) // len(receiver)
    for j in range(count):
        for k in range(transmitters):
            i = j * transmitters + k
            t0, u, f0 = turns[i], sine[i], place[i]
            for r in range(len(receiver)):
                a = k * len(receiver) + r
                lane = j * len(height_turns) + a
                fraction[lane] = f0 - height_cells[a] * u
                cycle[lane] = t0 - height_turns[a] * u
                level[lane] = amplitude[i]


@njit(cache=True, fastmath=True, nogil=True)
def _phasors(count: int, cycle: Any, level: Any, real: Any, imaginary: Any) -> None:
    """Level times exp(2 pi j cycle) of every lane."""
    for i in range(count):
        t = cycle[i] - np.floor(cycle[i]) - np.float32(0.5)
        q = t * t
        odd = (((((_S0 * q + _S1) * q + _S2) * q + _S3) * q + _S4) * q + _S5) * q + _S6
        even = (((((_C0 * q + _C1) * q + _C2) * q + _C3) * q + _C4) * q + _C5) * q + _C6
        real[i] = -level[i] * even
        imaginary[i] = -level[i] * odd * t


@njit(cache=True, fastmath=True, nogil=True)
def _weights(count: int, fraction: Any, coefficients: Any, weight: Any) -> None:
    """Kernel weights of every tap and lane."""
    for k in range(TAPS):
        c0, c1, c2 = coefficients[k, 0], coefficients[k, 1], coefficients[k, 2]
        c3, c4, c5 = coefficients[k, 3], coefficients[k, 4], coefficients[k, 5]
        c6, c7, c8 = coefficients[k, 6], coefficients[k, 7], coefficients[k, 8]
        c9 = coefficients[k, 9]
        for i in range(count):
            y = fraction[i]
            low = (((c0 * y + c1) * y + c2) * y + c3) * y + c4
            weight[k, i] = ((((low * y + c5) * y + c6) * y + c7) * y + c8) * y + c9


@njit(cache=True, fastmath=True, nogil=True)
def _accumulate(
    count: int, antenna: Any, base: Any, weight: Any, real: Any, imaginary: Any,
    weighted_real: Any, weighted_imaginary: Any, grid: Any,
) -> None:  # fmt: skip
    """Add a batch to the grid (cell, 2 * antenna): real parts, then imaginary parts."""
    antennas = len(antenna)
    for k in range(TAPS):
        for i in range(count * antennas):
            weighted_real[k, i] = weight[k, i] * real[i]
            weighted_imaginary[k, i] = weight[k, i] * imaginary[i]
    for j in range(count):
        lane = j * antennas
        for k in range(TAPS):
            cell = base[j] + k
            for a in range(antennas):
                grid[cell, a] += weighted_real[k, lane + a]
            for a in range(antennas):
                grid[cell, antennas + a] += weighted_imaginary[k, lane + a]


@njit(cache=True, fastmath=True, nogil=True, parallel=True)
def spread(
    point: Any, velocity: Any, axis: Any, kind: Any, root_rcs: Any, phase_turns: Any,
    antenna: Any, boresight: Any, time_s: Any, blend: Any,
    height_turns: Any, height_cells: Any, receiver: Any,
    azimuth_gain: Any, elevation_gain: Any, coefficients: Any,
    cells_per_m: float, turns_per_m: float, scale: float, gain_limit: float,
    cosine_limit: float, cells: int, output: Any,
) -> None:  # fmt: skip
    """Spread scatterers of every position into ``output`` (position, antenna, cell) complex64.

    The arguments are those of :func:`mmwave.simulation.fmcw.synthesize` as plain arrays.
    """
    positions, transmitters = time_s.shape
    antennas = len(height_turns)
    blocks = (positions + POSITIONS_PER_BLOCK - 1) // POSITIONS_PER_BLOCK
    for block in prange(blocks):
        first = block * POSITIONS_PER_BLOCK
        last = min(first + POSITIONS_PER_BLOCK, positions)
        chosen = np.empty(point.shape[0], np.int32)
        found = _select(
            point, velocity, axis, kind, antenna, boresight, time_s, first, last,
            cosine_limit, chosen,
        )  # fmt: skip
        grid = np.empty((cells + PADDING, 2 * antennas), np.float32)
        base = np.empty(BATCH, np.int32)
        pairs, lanes = BATCH * transmitters, BATCH * antennas
        place, turns = np.empty(pairs, np.float32), np.empty(pairs, np.float32)
        sine, amplitude = np.empty(pairs, np.float32), np.empty(pairs, np.float32)
        fraction, real = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
        weighted = np.empty((2, TAPS, lanes), np.float32)
        cycle, level = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
        imaginary, weight = np.empty(lanes, np.float32), np.empty((TAPS, lanes), np.float32)
        for p in range(first, last):
            grid[:] = 0
            for start in range(0, found, BATCH):
                stop = min(start + BATCH, found)
                count = stop - start
                _geometry(
                    chosen, start, stop, p, point, velocity, axis, kind, root_rcs, phase_turns,
                    antenna, boresight, time_s, blend[p], azimuth_gain, elevation_gain, scale,
                    gain_limit, cells_per_m, turns_per_m, cells,
                    base, place, turns, sine, amplitude,
                )  # fmt: skip
                _lanes(
                    count, height_turns, height_cells, receiver, place, turns, sine, amplitude,
                    fraction, cycle, level,
                )  # fmt: skip
                _phasors(count * antennas, cycle, level, real, imaginary)
                _weights(count * antennas, fraction, coefficients, weight)
                _accumulate(
                    count, height_turns, base, weight, real, imaginary,
                    weighted[0], weighted[1], grid,
                )  # fmt: skip
            before = TAPS // 2 - 1
            for a in range(antennas):
                for cell in range(cells):
                    output[p, a, cell] = 0
                for cell in range(cells + PADDING):
                    wrapped = (cell - before) % cells
                    output[p, a, wrapped] += grid[cell, a] + 1j * grid[cell, antennas + a]
