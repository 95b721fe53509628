"""Beams under motion on the processor: a banded real matrix product for each elevation pair."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.aperture import EDGE_SHARE, build_aperture
from panoradar_ros.imaging.beam_plan import BeamPlan
from panoradar_ros.imaging.pair_kernels import (
    antenna_pairs,
    elevation_pairs,
    form_rows,
)
from panoradar_ros.imaging.resampling import spread_antenna

Run = Callable[[Callable[[int], None], int], None]
"""Runs ``task(0) ... task(count - 1)`` on workers."""

POINTS_PER_TASK = 64

PAIRS_PER_TASK = 4
"""Elevation pairs that are formed together."""


def on_grid(
    plan: BeamPlan, spectrum: NDArray[np.complex64], points: int, run: Run
) -> NDArray[np.complex64]:
    """Chirps brought to the grid of azimuth, (antenna, point, range); zero behind the grid.

    Args:
        plan: of the beams.
        spectrum: (position, antenna, range).
        points: at least the grid's.
        run: workers.
    """
    spreading, antennas = plan.spreading, spectrum.shape[1]
    per_transmitter = antennas // spreading.first.shape[1]
    grid_points = len(spreading.time_s)
    gridded = np.zeros((antennas, points, spectrum.shape[2]), np.complex64)

    def one_antenna(antenna: int) -> None:
        transmitter = antenna // per_transmitter
        spread_antenna(
            spectrum,
            spreading.first[:, transmitter],
            spreading.weight[:, transmitter],
            antenna,
            gridded[antenna, :grid_points],
        )

    run(one_antenna, antennas)
    return gridded


def banded_power(
    plan: BeamPlan,
    spectrum: NDArray[np.complex64],
    block: int,
    run: Run,
    power: NDArray[np.float32],
) -> None:
    """Power of a panorama.

    Args:
        plan: of the beams.
        spectrum: (position, antenna, range).
        block: rays that share one band of the grid.
        run: workers.
        power: (row, column, range) to be filled.
    """
    points, bins = len(plan.spreading.time_s), spectrum.shape[2]
    gridded = on_grid(plan, spectrum, points, run)
    pairs = np.empty((points, 2, plan.half, 2, bins), np.float32)

    def some_pairs(index: int) -> None:
        first = index * POINTS_PER_TASK
        antenna_pairs(gridded, first, min(first + POINTS_PER_TASK, points), pairs)

    run(some_pairs, -(-points // POINTS_PER_TASK))
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
    turns = aperture.path_m * np.float32(plan.array.wavenumber_rad_per_m / (2 * np.pi))
    cosines, sines = plan.steering()
    width, rows = aperture.width, plan.grid.rows
    cosine_of_row = np.cos(plan.pair_elevations_rad).astype(np.float32)

    idle: list[NDArray[np.float32]] = []  # used again: fresh memory costs as much as the sums in it

    def some_elevations(index: int) -> None:
        some = slice(index * PAIRS_PER_TASK, (index + 1) * PAIRS_PER_TASK)
        shape = (PAIRS_PER_TASK, 2 * points, 2 * bins)
        planes = idle.pop() if idle else np.empty(shape, np.float32)
        elevation_pairs(pairs, cosines[some], sines[some], planes)
        for row, plane in zip(range(rows // 2)[some], planes, strict=False):
            form_rows(
                turns, aperture.taper, aperture.first, width, cosine_of_row[row], plane,
                plan.gain, plan.column_of_ray, row, rows - 1 - row, power,
            )  # fmt: skip
        idle.append(planes)

    run(some_elevations, -(-(rows // 2) // PAIRS_PER_TASK))
