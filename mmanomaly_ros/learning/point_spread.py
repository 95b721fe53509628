"""What one reflector looks like in the spectra, in closed form: the radar's windows alone."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmanomaly_ros.spectrum import speeds_mps
from mmanomaly_ros.watch import ANGLES, RANGES, SPEEDS
from mmwave.fixed_array import doppler_window, steering
from mmwave.spectrum import range_window

ANTENNAS = 8


def range_response(bins: ArrayLike) -> NDArray[np.complex128]:
    """(reflector, range) amplitude of reflectors at ranges in bins, 1 at their middle."""
    window, sample = range_window(RANGES), np.arange(RANGES)
    tone = np.exp(2j * np.pi * np.outer(np.atleast_1d(bins), sample) / RANGES)
    return np.asarray(np.fft.fft(tone * window, axis=1))


def beam_response(sines: ArrayLike) -> NDArray[np.complex128]:
    """(reflector, column) amplitude of reflectors at lateral sines, 1 at their middle."""
    seen = np.exp(-1j * np.pi * np.outer(np.atleast_1d(sines), np.arange(ANTENNAS)))
    return np.asarray(seen @ steering(ANTENNAS, ANGLES).T)


@cache
def speed_step_mps() -> float:
    """From one column of range_doppler to the next."""
    speeds = speeds_mps()
    return float(speeds[1] - speeds[0])


def doppler_response(speeds: ArrayLike) -> NDArray[np.float64]:
    """(reflector, speed) power of reflectors with radial speeds in m/s, 1 at their middle; speeds
    beyond the last column come round on the other side.
    """
    window, loop = doppler_window(SPEEDS).astype(np.float64), np.arange(SPEEDS)
    turns = np.atleast_1d(speeds) / (speed_step_mps() * SPEEDS)
    tone = np.exp(2j * np.pi * np.outer(turns, loop))
    amplitude = np.fft.fft(tone * window / window.sum(), axis=1)
    return np.fft.fftshift(np.abs(amplitude) ** 2, axes=1)


@cache
def doppler_gain() -> float:
    """How much more a reflector of one speed stands out of the noise in range_doppler than in a
    beam: the windows' noise bandwidths, see :func:`mmanomaly_ros.spectrum.floor_db`.
    """
    window = doppler_window(SPEEDS).astype(np.float64)
    in_speed = np.sum(window**2) / np.sum(window) ** 2
    in_beam = np.sum(np.abs(steering(ANTENNAS, ANGLES)[0]) ** 2)
    return float(in_beam / in_speed)
