"""Cylindrical beamforming with motion compensation: elevation first, then a banded product over
azimuth.

Notation (Lai et al. 2024, equations 1-3, 11 and 12; K = 4 pi / lambda in the middle of the sweep):

- antenna i of position p: (r cos psi_p, r sin psi_p, h_i), moved by the robot by x(t_p)
- look direction: azimuth theta, elevation phi, n = (cos theta, sin theta)
- elevation:  z_phi[p] = sum_i s_i[p] exp(j K h_i sin phi)
- azimuth:    B[theta, phi] = sum_p w(psi_p - theta) z_phi[p] exp(j K cos phi g[theta, p]),
  g = r (cos(psi_p - theta) - 1) + (x(t_p) - x(t_theta)) . n

Each azimuth is referenced to its own boresight time t_theta, as a spinning LiDAR's column is. The
two elevations +phi and -phi share cos phi and so the azimuth kernel: 32 kernels serve 64 rows. A
block of azimuths needs a band of positions; kernel and band multiply as real single-precision
matrices.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from mmwave.spectrum import as_complex, range_spectrum
from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation

LEAKAGE_BINS = 16
"""Range bins that the leakage's main and side lobes reach, about 60 cm."""


@dataclass(frozen=True)
class RangeProfiles:
    """Range spectra of the positions that are used for beams.

    Attributes:
        spectrum: (position, antenna, range) complex64; zero where not valid.
        weight: (position,) share of valid antennas, 0..1.
        time_s: (position,) float64, the middle of the transmitters' turns.
        azimuth_rad: (position,) float64, unwrapped boresight azimuth in base_link at that time.
    """

    spectrum: NDArray[np.complex64]
    weight: NDArray[np.float64]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]


def range_profiles(
    rotation: Rotation, leakage: NDArray[np.complex64] | None = None, decimation: int = 1
) -> RangeProfiles:
    """Range FFT of every ``decimation``-th position, the leakage taken off the bins it is in.

    Only the bins near zero range (on both sides of it) are corrected: farther out the mean chirp
    holds no leakage, but a trace of every strong reflector, which would come back as a ring.

    Args:
        rotation: one turn.
        leakage: (antenna, sample) complex mean chirp, in ADC counts.
        decimation: 1 keeps all positions.

    Raises:
        ValueError: decimation is not positive.
    """
    if decimation < 1:
        raise ValueError(f"decimation must be at least 1, got {decimation}")
    used = slice(None, None, decimation)
    spectrum = range_spectrum(as_complex(rotation.samples[used]))
    valid = rotation.valid[used]
    if leakage is not None:
        mean = range_spectrum(leakage)
        for near in (slice(None, LEAKAGE_BINS), slice(-LEAKAGE_BINS // 4, None)):
            spectrum[..., near] -= mean[:, near]
    if not valid.all():
        spectrum[~valid] = 0
    late_s = float(np.mean(rotation.waveform.transmitter_offsets_s))
    speed_rad_s = np.gradient(rotation.azimuth_rad, rotation.time_s)
    return RangeProfiles(
        spectrum,
        valid.mean(axis=1),
        rotation.time_s[used] + late_s,
        (rotation.azimuth_rad + speed_rad_s * late_s)[used],
    )


@dataclass(frozen=True)
class Aperture:
    """Which positions serve which rays, and how far they are from the ray's reference.

    Attributes:
        first: (block,) first position of each block's band.
        width: positions of a band, the same for all blocks.
        path_m: (ray, width) float32, g of the module's equations.
        taper: (ray, width) float32; zero outside the window or where positions were lost.
        delay_s: (ray, width) float32, position time minus the ray's boresight time.
        coverage: (ray,) share of the window's weight that was received, 0..1.
    """

    first: NDArray[np.int64]
    width: int
    path_m: NDArray[np.float32]
    taper: NDArray[np.float32]
    delay_s: NDArray[np.float32]
    coverage: NDArray[np.float64]


def build_aperture(
    profiles: RangeProfiles,
    ray_azimuth_rad: NDArray[np.float64],
    motion: PlanarMotion,
    array: AntennaArray,
    window_rad: float,
    block: int,
) -> Aperture:
    """Geometry of all rays against all positions of their bands.

    The taper is the antenna's own two-way pattern, the matched filter for a reflector that the beam
    sweeps over; its sum over the received positions is 1.

    Args:
        profiles: positions, their azimuths and times.
        ray_azimuth_rad: (ray,) unwrapped azimuths in base_link at the time the boresight passes
            them, in the order of time; a multiple of ``block`` of them.
        motion: the robot's motion in the rotation.
        array: antenna array (radius and pattern).
        window_rad: full width of the azimuth window.
        block: rays that share one band.

    Raises:
        ValueError: the number of rays is not a multiple of the block, or positions are missing at
            the ends.
    """
    rays = len(ray_azimuth_rad)
    if rays % block:
        raise ValueError(f"{rays} rays are not a multiple of the block of {block}")
    sign = 1.0 if profiles.azimuth_rad[-1] > profiles.azimuth_rad[0] else -1.0
    ray_time_s = np.interp(sign * ray_azimuth_rad, sign * profiles.azimuth_rad, profiles.time_s)
    ray_fixed_rad = ray_azimuth_rad + motion.yaw_rad(ray_time_s)
    position_angle = sign * (profiles.azimuth_rad + motion.yaw_rad(profiles.time_s))
    ray_angle = sign * ray_fixed_rad
    starts = np.searchsorted(position_angle, ray_angle[::block] - window_rad / 2)
    stops = np.searchsorted(position_angle, ray_angle[block - 1 :: block] + window_rad / 2)
    width = int((stops - starts).max())
    if width > len(position_angle):
        raise ValueError("the rotation is shorter than the window of one block of rays")
    starts = np.clip(starts, 0, len(position_angle) - width)
    index = np.repeat(starts, block)[:, None] + np.arange(width)
    offset_rad = position_angle[index] - ray_angle[:, None]
    delay_s = profiles.time_s[index] - ray_time_s[:, None]
    moved_m = motion.radial_path_m(ray_fixed_rad, ray_time_s, delay_s)
    path_m = array.radius_m * (np.cos(offset_rad) - 1) + moved_m
    inside = np.abs(offset_rad) <= window_rad / 2
    taper = np.where(inside, array.two_way_gain(offset_rad, np.zeros(1)), 0.0)
    received = taper * profiles.weight[index]
    total = received.sum(axis=1)
    coverage = total / np.maximum(taper.sum(axis=1), 1e-12)
    taper = np.where(profiles.weight[index] > 0, taper, 0.0) / np.maximum(total, 1e-12)[:, None]
    return Aperture(
        starts,
        width,
        path_m.astype(np.float32),
        taper.astype(np.float32),
        delay_s.astype(np.float32),
        coverage,
    )


@numba.njit(nogil=True, cache=True, fastmath=True)
def _combine_elevation(spectrum, steering, tdm_rad_per_offset, transmitter_of, column, out):
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
def _fill_kernel(path_m, taper, wavenumber, kernel):
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
def _store_power(beams, columns, row_upper, row_lower, power):
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


class Beamformer:
    """Beams of a rotation on a grid of rays and elevations.

    One worker thread an elevation pair, one BLAS thread inside each worker: two workers that never
    wait for each other beat a two-thread BLAS that does.

    Args:
        array: antenna array.
        window_rad: full width of the azimuth window of a beam. With the matched taper 60 degrees
        lose
            nothing to 90.
        block: rays that share one band of positions.
        workers: threads.
    """

    def __init__(
        self,
        array: AntennaArray,
        window_rad: float = np.deg2rad(60.0),
        block: int = 32,
        workers: int = 2,
    ) -> None:
        if not 0 < window_rad <= np.pi:
            raise ValueError(f"window_rad must be in (0, pi], got {window_rad}")
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.array = array
        self.window_rad = window_rad
        self.block = block
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="beamformer")
        self._libraries = ThreadpoolController()  # looks for them once: it takes milliseconds

    def elevation_planes(
        self,
        profiles: RangeProfiles,
        elevations_rad: NDArray[np.float64],
        motion: PlanarMotion,
        transmitter_offset_s: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Antennas combined towards elevations that share cos phi.

        The robot moves between the turns of the transmitters; that phase is taken off towards the
        boresight of each position. What the rotor moves in that time is odd about the boresight and
        cancels under an even taper.

        Returns:
            (2 * position, elevation * range) float32: real planes above imaginary planes.
        """
        positions, antennas, bins = profiles.spectrum.shape
        planes = np.empty((2 * positions, len(elevations_rad) * bins), np.float32)
        wavenumber = self.array.wavenumber_rad_per_m
        offsets = np.repeat(
            transmitter_offset_s - transmitter_offset_s.mean(),
            antennas // len(transmitter_offset_s),
        )
        fixed_rad = profiles.azimuth_rad + motion.yaw_rad(profiles.time_s)
        radial = motion.radial_mps(fixed_rad, profiles.time_s)
        for index, elevation_rad in enumerate(elevations_rad):
            steering = np.exp(1j * wavenumber * self.array.heights_m * np.sin(elevation_rad))
            _combine_elevation(
                profiles.spectrum,
                (steering / antennas).astype(np.complex64),
                wavenumber * np.cos(elevation_rad) * radial,
                offsets,
                index * bins,
                planes,
            )
        return planes

    def beam_block(
        self,
        planes: NDArray[np.float32],
        aperture: Aperture,
        block_index: int,
        wavenumber: float,
        taper: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Beams of one block of rays: (2 * block, elevation * range), real above imaginary."""
        rows = slice(block_index * self.block, (block_index + 1) * self.block)
        width = aperture.width
        kernel = np.empty((2 * self.block, 2 * width), np.float32)
        _fill_kernel(aperture.path_m[rows], taper[rows], np.float32(wavenumber), kernel)
        first = aperture.first[block_index]
        positions = len(planes) // 2
        real = planes[first : first + width]
        imag = planes[positions + first : positions + first + width]
        return kernel[:, :width] @ real + kernel[:, width:] @ imag

    def run(self, task: Callable[[int], None], count: int) -> None:
        """Run ``task(0) ... task(count - 1)`` on the workers with one BLAS thread each."""
        with self._libraries.limit(limits=1, user_api="blas"):
            list(self._pool.map(task, range(count)))

    def power(
        self,
        rotation: Rotation,
        profiles: RangeProfiles,
        motion: PlanarMotion,
        grid: PanoramaGrid,
        out: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Power of the whole panorama.

        Args:
            rotation: the turn (its start, direction and timing).
            profiles: range spectra of its positions.
            motion: the robot's velocity.
            grid: rows and columns.
            out: (row, column, range) float32 to be filled; made if absent.

        Returns:
            Power (row, column, range) in squared ADC counts, and the share of each column's window
            that was received, (column,).
        """
        rays = grid.columns
        bins = profiles.spectrum.shape[-1]
        column_of_ray = (-rotation.direction * np.arange(rays)) % rays
        aperture = build_aperture(
            profiles,
            rotation.ray_azimuth_rad(rays),
            motion,
            self.array,
            self.window_rad,
            self.block,
        )
        power = np.empty((grid.rows, rays, bins), np.float32) if out is None else out
        offsets_s = rotation.waveform.transmitter_offsets_s

        def one_pair(row: int) -> None:
            elevation_rad = grid.elevation_rad[row]
            pair = np.array([elevation_rad, -elevation_rad])
            planes = self.elevation_planes(profiles, pair, motion, offsets_s)
            wavenumber = self.array.wavenumber_rad_per_m * np.cos(elevation_rad)
            for index in range(rays // self.block):
                beams = self.beam_block(planes, aperture, index, wavenumber, aperture.taper)
                columns = column_of_ray[index * self.block : (index + 1) * self.block]
                _store_power(beams, columns, row, grid.rows - 1 - row, power)

        self.run(one_pair, grid.rows // 2)
        coverage = np.empty(rays)
        coverage[column_of_ray] = aperture.coverage
        return power, coverage


def phase_steering(
    rotation: Rotation,
    profiles: RangeProfiles,
    motion: PlanarMotion,
    array: AntennaArray,
    azimuth_rad: float,
    elevation_rad: float,
    window_rad: float,
) -> NDArray[np.complex128]:
    """One beam by direct summation in double precision: the reference the fast path is held
    against.

    Unlike the fast path it places every transmitter at its own time and angle.

    Args:
        rotation: the turn.
        profiles: range spectra.
        motion: the robot's velocity.
        array: antenna array.
        azimuth_rad: unwrapped azimuth inside the turn.
        elevation_rad: elevation.
        window_rad: full width of the window.

    Returns:
        (range,) complex128.
    """
    sign = rotation.direction
    ray_time_s = np.interp(sign * azimuth_rad, sign * profiles.azimuth_rad, profiles.time_s)
    fixed_rad = profiles.azimuth_rad + motion.yaw_rad(profiles.time_s)
    ray_fixed_rad = azimuth_rad + float(motion.yaw_rad(ray_time_s))
    offset_rad = fixed_rad - ray_fixed_rad
    taper = np.where(
        np.abs(offset_rad) <= window_rad / 2, array.two_way_gain(offset_rad, np.zeros(1)), 0.0
    )
    per_transmitter = array.antennas // rotation.waveform.transmitters
    offsets_s = rotation.waveform.transmitter_offsets_s
    late_s = np.repeat(offsets_s - offsets_s.mean(), per_transmitter)
    speed_rad_s = np.gradient(fixed_rad, profiles.time_s)
    angle = offset_rad[:, None] + speed_rad_s[:, None] * late_s
    delay_s = profiles.time_s[:, None] + late_s - ray_time_s
    moved_m = motion.radial_path_m(
        np.array([ray_fixed_rad]), np.array([ray_time_s]), delay_s.reshape(1, -1)
    ).reshape(delay_s.shape)
    path_m = np.cos(elevation_rad) * (array.radius_m * (np.cos(angle) - 1) + moved_m)
    path_m = path_m + array.heights_m * np.sin(elevation_rad)
    weight = taper[:, None] * np.exp(1j * array.wavenumber_rad_per_m * path_m)
    total = (taper * profiles.weight).sum() * array.antennas
    return np.einsum("pa,par->r", weight, profiles.spectrum.astype(np.complex128)) / total
