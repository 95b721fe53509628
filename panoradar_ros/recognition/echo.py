"""A power cube as the networks see it: decibels over the panorama's own noise, one byte a cell.

A quarter of a decibel a step is finer than the speckle by far, and a frame of 512 x 64 x 256 cells
takes 8.4 MB. The reference is the median of the cube, most of which is empty: it does not depend on
gain, on the number of samples or on whose radar it was.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.noise import median_power

STEP_DB = 0.25
LOWEST_DB = -10.0
HIGHEST_DB = LOWEST_DB + 255 * STEP_DB
"""Values are clipped to these: 20 dB of noise below, and stronger than the echo of a wall above."""


def noise_power(power: NDArray[np.float32], received: NDArray[np.bool_] | None = None) -> float:
    """Power that is 0 dB, see :func:`panoradar_ros.imaging.noise.median_power`.

    Args:
        power: (row, column, range).
        received: (column,) bool: columns whose echoes arrived; None: all.

    Raises:
        ValueError: the cube is empty or its median is not a positive number.
    """
    median = median_power(power, received)
    if not (np.isfinite(median) and median > 0):
        raise ValueError(
            f"the median power of a cube of shape {power.shape} is {median}: it holds no echoes; "
            "were all its positions lost?"
        )
    return median


def encode_echo(
    power: NDArray[np.float32],
    noise: float | None = None,
    out: NDArray[np.uint8] | None = None,
    workers: int = 2,
) -> NDArray[np.uint8]:
    """Power to steps of a quarter decibel over the noise.

    Args:
        power: (row, column, range) in any linear unit; what is not finite becomes 0.
        noise: power of 0 dB; None takes :func:`noise_power` of the cube.
        out: of the same shape, to be filled; made if absent.
        workers: threads.

    Returns:
        (row, column, range) uint8: ``round((dB - LOWEST_DB) / STEP_DB)`` from 0 to 255.

    Raises:
        ValueError: the noise is not a positive number or ``out`` has another shape.
    """
    noise = noise_power(power) if noise is None else noise
    if not (np.isfinite(noise) and noise > 0):
        raise ValueError(f"noise must be a positive power, got {noise}")
    if out is None:
        out = np.empty(power.shape, np.uint8)
    elif out.shape != power.shape:
        raise ValueError(f"out must be {power.shape}, got {out.shape}")
    rows, scale = len(power), np.float32(1 / noise)
    edges = np.linspace(0, rows, min(workers, max(rows, 1)) + 1).astype(int)
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        parts = [slice(*part) for part in pairwise(edges)]
        list(pool.map(lambda part: _encode(power[part], scale, out[part]), parts))
    return out


@numba.njit(nogil=True, cache=True)
def _encode(power, scale, out):  # pragma: no cover - compiled
    step = np.float32(10 / STEP_DB)
    zero = np.float32(-LOWEST_DB / STEP_DB + 0.5)
    rows, columns, bins = power.shape
    for row in range(rows):
        for column in range(columns):
            for index in range(bins):
                ratio = power[row, column, index] * scale
                # false where it is not a number; infinite echoes are no echoes either
                if ratio > np.float32(0.05) and ratio < np.float32(np.inf):
                    value = step * np.log10(ratio) + zero
                    out[row, column, index] = np.uint8(min(max(value, 0.0), np.float32(255.0)))
                else:
                    out[row, column, index] = 0


def decode_db(echo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Steps to decibels over the noise, same shape."""
    return LOWEST_DB + STEP_DB * echo.astype(np.float32)
