"""Positions on an even grid of azimuth, with all transmitters at the same place and time.

The radar's positions are not even: transmitters take turns, frames have gaps, the rotor's speed
swings, some positions are lost. A beam is a sum over chirps of F(psi_c) s_c, where the kernel F
(taper times phase, :mod:`panoradar_ros.imaging.beamforming`) is a smooth function of the azimuth
psi. So F at a chirp follows from F at a few points of an even grid around it,

    F(psi_c) = sum_g h(psi_c - psi_g) F(psi_g),

and the same weights h move the *data* to the grid instead, once for all beams:

    z_g = sum_c h(psi_c - psi_g) s_c,        sum_c F(psi_c) s_c = sum_g F(psi_g) z_g.

This is the spreading step of a non-uniform Fourier transform with the interpolation in the other
domain. Each chirp is spread from its own azimuth and time, so the phase between the transmitters'
turns is right for every beam, whatever the robot does.

The robot's own motion makes F turn fast. Most of that is the same for all beams that see a
position, exp(j K c0 D(psi)) with D the way towards the boresight and c0 a middle cos phi; it is
taken off F at the chirp and put back at the grid point. What is left has the spectrum of the taper
passing through r cos(psi - theta), nearly a Gaussian, for which h is the interpolation with the
smallest mean square error (Wiener).
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles

FINEST_SPREAD, COARSEST_SPREAD = 0.19, 0.38
"""Widths of the kernel's spectrum in radians per grid step, the robot standing still, at which TAPS
points hold a beam to 1e-5 and 1e-4 (moving at 0.6 m/s: 1e-5 and 2e-3), docs/beamforming.md."""

TAPS = 10

RIDGE = 1e-13
"""Keeps the equations of the interpolator solvable where the grid is much finer than needed."""


@dataclass(frozen=True)
class AzimuthGrid:
    """Even azimuths from before the first to behind the last ray of a turn.

    Attributes:
        points_per_turn: spacing is 2 pi / points_per_turn.
        taps: grid points that each chirp is spread to.

    Raises:
        ValueError: fewer than 64 points a turn, or an odd or non-positive number of taps.
    """

    points_per_turn: int
    taps: int

    def __post_init__(self) -> None:
        if self.points_per_turn < 64:
            raise ValueError(f"points_per_turn must be at least 64, got {self.points_per_turn}")
        if self.taps < 2 or self.taps % 2:
            raise ValueError(f"taps must be even and at least 2, got {self.taps}")

    @property
    def step_rad(self) -> float:
        """Spacing of the points."""
        return 2 * np.pi / self.points_per_turn

    @classmethod
    def for_array(cls, array: AntennaArray, spread: float, rays: int = 64) -> "AzimuthGrid":
        """Grid as coarse as a width of the kernel's spectrum allows.

        Args:
            array: antenna array (radius, wavelength, pattern).
            spread: radians per grid step, FINEST_SPREAD to COARSEST_SPREAD.
            rays: azimuths per turn that lie on the grid; a static frame needs its rays on it.
        """
        width = array.wavenumber_rad_per_m * array.radius_m * pattern_width_rad(array) / 2
        needed = max(64.0, 2 * np.pi * width / spread)
        return cls(rays * int(np.ceil(needed / rays)), TAPS)


@dataclass(frozen=True)
class Spreading:
    """Where every chirp goes.

    Attributes:
        first: (position, transmitter) first grid point; taps that fall off the grid have no weight.
        weight: (position, transmitter, tap) complex64.
        time_s: (grid,) time at the grid points.
        azimuth_rad: (grid,) unwrapped azimuth in base_link.
    """

    first: NDArray[np.int64]
    weight: NDArray[np.complex64]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]


def pattern_width_rad(array: AntennaArray) -> float:
    """Standard deviation over azimuth of the two-way pattern, a Gaussian."""
    return array.azimuth_beamwidth_rad / np.sqrt(8 * np.log(2))


def interpolation_weights(fraction: NDArray[np.float64], taps: int, spread: float) -> NDArray:
    """Weights of ``taps`` grid points for a value between the two in the middle.

    Args:
        fraction: (...) place after the left one of the two, 0..1.
        taps: even number of grid points.
        spread: standard deviation of the function's spectrum, in radians per grid step.

    Returns:
        (..., tap) float64.
    """
    point = np.arange(taps) - (taps / 2 - 1)
    among = np.exp(-0.5 * (spread * (point[:, None] - point)) ** 2)
    among[np.diag_indices(taps)] += RIDGE
    towards = np.exp(-0.5 * (spread * (point - np.asarray(fraction)[..., None])) ** 2)
    return np.linalg.solve(among, towards.reshape(-1, taps).T).T.reshape(towards.shape)


def plan_spreading(
    profiles: RangeProfiles,
    transmitter_offset_s: NDArray[np.float64],
    motion: PlanarMotion,
    array: AntennaArray,
    grid: AzimuthGrid,
    start_azimuth_rad: float,
    turn_margin_rad: float,
    middle_cosine: float,
) -> Spreading:
    """Grid and weights of one turn.

    Args:
        profiles: all positions, not decimated (their spectra are not read).
        transmitter_offset_s: (transmitter,) when each transmitter samples.
        motion: of the robot.
        array: antenna array (radius, wavelength, pattern).
        grid: spacing and taps.
        start_azimuth_rad: where the turn starts; a grid point lies on it.
        turn_margin_rad: the grid reaches so far beyond both ends of the turn.
        middle_cosine: of the elevations that beams are formed at.
    """
    step = grid.step_rad
    margin = int(np.ceil(turn_margin_rad / step))
    steps = np.arange(-margin, grid.points_per_turn + margin)
    grid_rad = start_azimuth_rad + profiles.direction * step * steps.astype(np.float64)
    grid_s = _times_at(profiles, grid_rad)
    first, weight = spreading_weights(
        profiles,
        profiles.azimuth_share(),
        transmitter_offset_s,
        motion,
        array,
        grid,
        grid_s,
        grid_rad,
        middle_cosine,
    )
    return Spreading(first, weight, grid_s, grid_rad)


def spreading_weights(
    profiles: RangeProfiles,
    azimuth_share: NDArray[np.float64],
    transmitter_offset_s: NDArray[np.float64],
    motion: PlanarMotion,
    array: AntennaArray,
    grid: AzimuthGrid,
    grid_s: NDArray[np.float64],
    grid_rad: NDArray[np.float64],
    middle_cosine: float,
    later_change_mps: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.complex64]]:
    """Where chirps go on a stretch of the grid, and with which weights.

    Args:
        profiles: positions in the order of time (their spectra are not read).
        azimuth_share: (position,) azimuth that each of them stands for.
        transmitter_offset_s: (transmitter,) when each transmitter samples.
        motion: of the robot.
        array: antenna array (radius, wavelength, pattern).
        grid: spacing and taps.
        grid_s: (grid,) when the boresight passes the points.
        grid_rad: (grid,) azimuths of the points, unwrapped, in the order of time.
        middle_cosine: of the elevations that beams are formed at.
        later_change_mps: beams may be formed for a velocity that differs by so much.

    Returns:
        First grid point (position, transmitter) and weights (position, transmitter, tap); taps that
        fall off the stretch have no weight.
    """
    sign, step = profiles.direction, grid.step_rad
    late_s = transmitter_offset_s - transmitter_offset_s.mean()
    speed_rad_s = np.gradient(profiles.azimuth_rad, profiles.time_s)
    chirp_s = profiles.time_s[:, None] + late_s
    chirp_rad = profiles.azimuth_rad[:, None] + speed_rad_s[:, None] * late_s
    wavenumber = array.wavenumber_rad_per_m
    way_m = _way_towards_boresight_m(
        motion, np.append(chirp_s, grid_s), np.append(chirp_rad, grid_rad)
    )
    turn = np.exp(1j * (wavenumber * middle_cosine) * way_m)
    spread = _spectral_width(profiles, motion, array, later_change_mps) * step
    place = sign * (chirp_rad - grid_rad[0]) / step
    left = np.floor(place)
    weight = interpolation_weights(place - left, grid.taps, spread).astype(complex)
    first = left.astype(np.int64) - (grid.taps // 2 - 1)
    index = first[..., None] + np.arange(grid.taps)
    outside = (index < 0) | (index >= len(grid_rad))
    chirp_turn, grid_turn = turn[: chirp_s.size].reshape(chirp_s.shape), turn[chirp_s.size :]
    weight *= azimuth_share[:, None, None]
    weight *= chirp_turn[..., None] * np.conj(grid_turn[np.where(outside, 0, index)])
    weight[outside] = 0
    return first, weight.astype(np.complex64)


def _times_at(profiles: RangeProfiles, azimuth_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """When the boresight passes azimuths; at the mean speed where there are no positions."""
    turned = profiles.direction * profiles.azimuth_rad
    wanted = profiles.direction * azimuth_rad
    inside = np.clip(wanted, turned[0], turned[-1])
    mean_rad_s = (turned[-1] - turned[0]) / (profiles.time_s[-1] - profiles.time_s[0])
    time_s: NDArray[np.float64] = PchipInterpolator(turned, profiles.time_s)(inside)
    return time_s + (wanted - inside) / mean_rad_s


def _way_towards_boresight_m(
    motion: PlanarMotion, time_s: NDArray[np.float64], azimuth_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The integral of velocity times boresight direction at points of a turn, from the first."""
    order = np.argsort(time_s)
    x_m, y_m = motion.position_m(time_s[order])
    fixed_rad = (azimuth_rad + motion.yaw_rad(time_s))[order]
    between = (fixed_rad[1:] + fixed_rad[:-1]) / 2
    moved_m = np.diff(x_m) * np.cos(between) + np.diff(y_m) * np.sin(between)
    way_m = np.empty(len(order))
    way_m[order] = np.append(0.0, np.cumsum(moved_m))
    return way_m


def _spectral_width(
    profiles: RangeProfiles,
    motion: PlanarMotion,
    array: AntennaArray,
    later_change_mps: float,
) -> float:
    """Standard deviation of the kernel's spectrum over azimuth, in radians per radian.

    At an azimuth ``off`` the boresight the kernel turns by K (r +- v / w) off, r and v / w in
    quadrature on average over a turn. What goes wrong there counts by the squared pattern of the
    beam and of the echo, a Gaussian over ``off``.
    """
    duration_s = profiles.time_s[-1] - profiles.time_s[0]
    speed_rad_s = abs(profiles.azimuth_rad[-1] - profiles.azimuth_rad[0]) / duration_s
    middle_s = float(profiles.time_s[0] + duration_s / 2)
    arm_m = np.hypot(array.radius_m, motion.at(middle_s).speed_mps / speed_rad_s)
    off_rad = pattern_width_rad(array) / 2
    taper = 1 / (2 * off_rad)  # the spectrum of the pattern itself
    # another velocity turns the kernel already at the boresight, where the way is taken off
    change_m = later_change_mps / speed_rad_s / np.sqrt(2)
    wavenumber = array.wavenumber_rad_per_m
    return float(np.linalg.norm([wavenumber * arm_m * off_rad, taper, wavenumber * change_m]))


@numba.njit(nogil=True, cache=True, fastmath=True)
def spread_antenna(spectrum, first, weight, antenna, out):
    """Add the chirps of one antenna to the grid.

    Args:
        spectrum: (position, antenna, range) complex64.
        first: (position,) first grid point of the antenna's transmitter.
        weight: (position, tap) complex64.
        antenna: which.
        out: (grid, range) complex64, zero before.
    """
    for p in range(spectrum.shape[0]):
        row = spectrum[p, antenna]
        for tap in range(weight.shape[1]):
            g = first[p] + tap
            if 0 <= g < out.shape[0]:
                factor = weight[p, tap]
                target = out[g]
                for k in range(out.shape[1]):
                    target[k] += factor * row[k]


def spreading_matrix(spreading: Spreading, transmitter: int) -> NDArray[np.complex64]:
    """The weights of one transmitter as a matrix (grid, position), for a device of many cores."""
    positions, _, taps = spreading.weight.shape
    index = spreading.first[:, transmitter, None] + np.arange(taps)
    inside = (index >= 0) & (index < len(spreading.time_s))
    matrix = np.zeros((len(spreading.time_s), positions), np.complex64)
    position = np.broadcast_to(np.arange(positions)[:, None], index.shape)
    matrix[index[inside], position[inside]] = spreading.weight[:, transmitter][inside]
    return matrix
