"""The banded product as array expressions: CuPy on a GPU; NumPy runs the same lines in the tests.

Chirps come to the grid of azimuth by one matrix product a transmitter. Then, for every block of
rays, the kernels of all elevation pairs are made on the fly, (pair, ray, width), and multiply the
block's band, which is a slice of the planes: nothing is gathered, the largest arrays are the planes
and the beams (80 to 160 MB each at 512 x 64 x 256).
"""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.backend import to_numpy
from panoradar_ros.imaging.aperture import EDGE_SHARE, build_aperture
from panoradar_ros.imaging.beam_plan import BeamPlan
from panoradar_ros.imaging.resampling import spreading_matrix


def array_power(
    xp: ModuleType,
    plan: BeamPlan,
    spectrum: NDArray[np.complex64],
    block: int,
    power: NDArray[np.float32],
) -> None:
    """Power of a panorama.

    Args:
        xp: NumPy or CuPy.
        plan: of the beams.
        spectrum: (position, antenna, range).
        block: rays that share one band of the grid.
        power: (row, column, range) to be filled, in NumPy's memory.
    """
    planes = elevation_planes(xp, plan, gridded(xp, plan, xp.asarray(spectrum)))
    beams = banded_beams(xp, plan, planes, block)
    pairs, rays, columns = beams.shape
    halves = (xp.abs(beams) ** 2).reshape(pairs, rays, 2, columns // 2)
    by_column = xp.empty((2 * pairs, rays, columns // 2), xp.float32)
    where = xp.asarray(plan.column_of_ray)
    by_column[:pairs, where] = halves[:, :, 0]
    by_column[pairs:, where] = halves[::-1, :, 1]
    power[...] = to_numpy(by_column)


def gridded(xp: ModuleType, plan: BeamPlan, spectrum: Any) -> Any:
    """Chirps brought to the grid of azimuth, (antenna, point, range) complex64."""
    positions, antennas, bins = spectrum.shape
    transmitters = plan.spreading.first.shape[1]
    each = antennas // transmitters
    points = len(plan.spreading.time_s)
    out = xp.empty((antennas, points, bins), xp.complex64)
    for transmitter in range(transmitters):
        own = slice(transmitter * each, (transmitter + 1) * each)
        matrix = xp.asarray(spreading_matrix(plan.spreading, transmitter))
        product = matrix @ spectrum[:, own].reshape(positions, each * bins)
        out[own] = product.reshape(points, each, bins).transpose(1, 0, 2)
    return out


def elevation_planes(xp: ModuleType, plan: BeamPlan, spectrum: Any) -> Any:
    """Antennas combined, (pair, point, 2 * range) complex64: +phi left, -phi right."""
    antennas, points, bins = spectrum.shape
    phase = plan.array.wavenumber_rad_per_m * np.outer(
        np.sin(plan.pair_elevations_rad), plan.array.heights_m
    )
    upwards = np.exp(1j * phase) / antennas
    steering = xp.asarray(np.stack([upwards, upwards.conj()], axis=1).astype(np.complex64))
    pairs = len(upwards)
    combined = steering.reshape(2 * pairs, antennas) @ spectrum.reshape(antennas, points * bins)
    combined = combined.reshape(pairs, 2, points, bins).transpose(0, 2, 1, 3)
    return xp.ascontiguousarray(combined).reshape(pairs, points, 2 * bins)


def banded_beams(xp: ModuleType, plan: BeamPlan, planes: Any, block: int) -> Any:
    """Beams of all rays, (pair, ray, 2 * range) complex64.

    Args:
        xp: array module of the planes.
        plan: of the beams.
        planes: (pair, point, 2 * range).
        block: rays that share one band.
    """
    aperture = build_aperture(
        plan.grid_positions(),
        plan.ray_azimuth_rad,
        plan.motion,
        plan.array,
        plan.window_rad,
        block,
        EDGE_SHARE,
        normalised=False,
    )
    phase = xp.asarray(aperture.path_m * np.float32(plan.array.wavenumber_rad_per_m))
    taper = xp.asarray(aperture.taper * plan.gain[:, None])
    cosines = xp.asarray(np.cos(plan.pair_elevations_rad).astype(np.float32))[:, None, None]
    beams = xp.empty((len(planes), len(plan.ray_azimuth_rad), planes.shape[2]), xp.complex64)
    for index, first in enumerate(aperture.first):
        rays = slice(index * block, (index + 1) * block)
        band = planes[:, int(first) : int(first) + aperture.width]
        beams[:, rays] = (taper[rays] * xp.exp(1j * (cosines * phase[rays]))) @ band
    return beams
