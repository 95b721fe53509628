"""Beams of a robot that stands still, by Fourier transforms over azimuth.

Without motion the azimuth kernel depends on the difference of the azimuths alone. On an even grid
the banded product is then a correlation,

    B_k = sum_n F(n step) z_(k + n)   <=>   B^(m) = z^(m) sum_n F(n step) exp(2 pi j m n / N),

with N points that hold the turn and half a window on both sides, so that nothing wraps: the
positions are those of the moving path, and those of the reference. Everything from the antennas on
happens to harmonics, and only to the few hundred that F lets through.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import matched_taper
from panoradar_ros.imaging.banded_beamforming import PAIRS_PER_TASK, Run, on_grid
from panoradar_ros.imaging.beam_plan import BeamPlan
from panoradar_ros.imaging.pair_kernels import harmonic_pairs, store_ring_power
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles
from panoradar_ros.imaging.resampling import AzimuthGrid, pattern_width_rad

NEGLIGIBLE = 1e-7
"""Harmonics that the kernel lets through by less, over its largest, are left out."""


@dataclass(frozen=True)
class RingKernel:
    """Transforms of the azimuth kernels of all elevations.

    Attributes:
        transfer: (elevation, harmonic) complex64.
        low: first harmonic that is let through, negative or zero.
        high: harmonic to stop before.
    """

    transfer: NDArray[np.complex64]
    low: int
    high: int


def ring_kernel(
    array: AntennaArray,
    elevations_rad: NDArray[np.float64],
    grid: AzimuthGrid,
    points: int,
    window_rad: float,
) -> RingKernel:
    """Transforms of taper * exp(j K r cos phi (cos psi - 1)), summed in double precision.

    Args:
        array: antenna array.
        elevations_rad: (elevation,).
        grid: spacing.
        points: length of the transforms.
        window_rad: full width of the window.
    """
    half = int(window_rad / 2 / grid.step_rad)
    number = np.arange(-half, half + 1)
    offset_rad = number.astype(np.float64) * grid.step_rad
    path_m = array.radius_m * (np.cos(offset_rad) - 1)
    phase = array.wavenumber_rad_per_m * np.cos(elevations_rad)[:, None] * path_m
    ring = np.zeros((len(elevations_rad), points), complex)
    ring[:, number % points] = matched_taper(array, offset_rad, window_rad) * np.exp(1j * phase)
    transfer = np.fft.ifft(ring, axis=1) * points
    strength = np.abs(transfer).max(axis=0)
    passed = np.flatnonzero(strength > NEGLIGIBLE * strength.max())
    signed = np.where(passed < points // 2, passed, passed - points)
    return RingKernel(transfer.astype(np.complex64), int(signed.min()), int(signed.max()) + 1)


def static_power(
    plan: BeamPlan, spectrum: NDArray[np.complex64], run: Run, power: NDArray[np.float32]
) -> None:
    """Power of a panorama.

    Args:
        plan: of the beams, without motion.
        spectrum: (position, antenna, range).
        run: workers.
        power: (row, column, range) to be filled.
    """
    bins, rows, half = spectrum.shape[2], plan.grid.rows, plan.half
    points = scipy.fft.next_fast_len(len(plan.spreading.time_s))
    gridded = on_grid(plan, spectrum, points, run)
    harmonics = np.empty((points, 2, half, bins), np.complex64)

    def one_antenna_pair(pair: int) -> None:
        below, above = gridded[pair], gridded[len(gridded) - 1 - pair]
        share = np.float32(0.5 if 2 * pair == len(gridded) - 1 else 1.0)
        harmonics[:, 0, pair] = scipy.fft.fft(share * (below + above), axis=0, overwrite_x=True)
        harmonics[:, 1, pair] = scipy.fft.fft(below - above, axis=0, overwrite_x=True)

    run(one_antenna_pair, half)
    kernel = ring_kernel(
        plan.array, plan.pair_elevations_rad, plan.azimuths, points, plan.window_rad
    )
    cosines, sines = plan.steering()
    step = plan.azimuths.points_per_turn // plan.grid.columns

    idle: list[NDArray[np.complex64]] = []  # used again: fresh memory costs as much as the sums

    def some_elevations(index: int) -> None:
        some = slice(index * PAIRS_PER_TASK, (index + 1) * PAIRS_PER_TASK)
        shape = (PAIRS_PER_TASK, points, 2 * bins)
        passed = idle.pop() if idle else np.empty(shape, np.complex64)
        transfer = kernel.transfer[some]
        harmonic_pairs(
            harmonics, cosines[some], sines[some], transfer, kernel.low, kernel.high, passed
        )
        for row, spectrum_of_pair in zip(range(rows // 2)[some], passed, strict=False):
            beams = scipy.fft.ifft(spectrum_of_pair, axis=0, overwrite_x=True)
            store_ring_power(
                beams,
                plan.first_ray_point,
                step,
                plan.gain,
                plan.column_of_ray,
                row,
                rows - 1 - row,
                power,
            )
        idle.append(passed)

    run(some_elevations, -(-(rows // 2) // PAIRS_PER_TASK))


def error_of_standing_still(
    profiles: RangeProfiles, motion: PlanarMotion, array: AntennaArray
) -> float:
    """Largest error, over the strongest beam, of imaging as if the robot stood still.

    A position at the time tau from the boresight's has a phase error of at most
    K (v tau + a tau^2 / 2) from driving and K r Omega / w psi^2 from turning at the azimuth psi = w
    tau. Averaged over the taper, a Gaussian of standard deviation sigma over azimuth,

        K (v sigma sqrt(2 / pi) / w + a sigma^2 / (2 w^2) + r |Omega| sigma^2 / w).

    Args:
        profiles: positions (their times and azimuths).
        motion: of the robot; v is its largest speed in the turn.
        array: antenna array.
    """
    ends_s = profiles.time_s[[0, -1]]
    turn_rad_s = abs(profiles.azimuth_rad[-1] - profiles.azimuth_rad[0]) / (ends_s[1] - ends_s[0])
    speed_mps = max(motion.at(float(time_s)).speed_mps for time_s in ends_s)
    acceleration = float(np.hypot(motion.x_mps2, motion.y_mps2))
    width = pattern_width_rad(array)
    delay_s = width / turn_rad_s
    way_m = (
        speed_mps * np.sqrt(2 / np.pi) * delay_s
        + acceleration * delay_s**2 / 2
        + array.radius_m * abs(motion.yaw_rate_radps) / turn_rad_s * width**2
    )
    return float(array.wavenumber_rad_per_m * way_m)
