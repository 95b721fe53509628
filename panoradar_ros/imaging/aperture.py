"""Geometry of rays against positions, and the taper over azimuth."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles

EDGE_SHARE = 0.25
"""Outer share of the window on each side over which the taper goes to zero."""


def matched_taper(
    array: AntennaArray,
    offset_rad: NDArray[np.float64],
    window_rad: float,
    edge_share: float = EDGE_SHARE,
) -> NDArray[np.float64]:
    """Weight of a position by its azimuth from the beam, same shape.

    It is the antenna's own two-way pattern, the matched filter for a reflector that the beam sweeps
    over. At the window's edge the pattern is still 6 % of its top (60 degrees); a raised cosine
    takes it to zero there, without which a position that enters the window would count at once, and
    no interpolation between positions could follow.

    Args:
        array: antenna array (pattern).
        offset_rad: azimuth of the position minus the beam's.
        window_rad: full width of the window.
        edge_share: share of the half window that the raised cosine takes; 0 for none.
    """
    outwards = np.abs(offset_rad) / (window_rad / 2)
    if edge_share:
        edge = 0.5 + 0.5 * np.cos(np.pi * np.clip((outwards - 1) / edge_share + 1, 0, 1))
    else:
        edge = np.where(outwards <= 1, 1.0, 0.0)
    return edge * array.two_way_gain(offset_rad, np.zeros(1))


def received_weight(
    profiles: RangeProfiles,
    ray_azimuth_rad: NDArray[np.float64],
    motion: PlanarMotion,
    array: AntennaArray,
    window_rad: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the taper over what was received, and how much of the window that is.

    Args:
        profiles: positions (their spectra are not read).
        ray_azimuth_rad: (ray,) unwrapped azimuths in base_link, in the order of time.
        motion: the robot's motion in the rotation.
        array: antenna array (pattern).
        window_rad: full width of the azimuth window.

    Returns:
        Sum (ray,), each position times the azimuth it stands for, and share (ray,) 0..1 of the
        positions.
    """
    sign = profiles.direction
    ray_time_s = np.interp(sign * ray_azimuth_rad, sign * profiles.azimuth_rad, profiles.time_s)
    return windowed_weight(
        sign * (profiles.azimuth_rad + motion.yaw_rad(profiles.time_s)),
        profiles.weight,
        profiles.azimuth_share(),
        sign * (ray_azimuth_rad + motion.yaw_rad(ray_time_s)),
        taper_table(array, window_rad),
        window_rad,
    )


def taper_table(array: AntennaArray, window_rad: float) -> NDArray[np.float64]:
    """The taper at even steps from its middle to its edge."""
    return matched_taper(array, np.linspace(0, window_rad / 2, 4097), window_rad)


def centre_follows(array: AntennaArray, window_rad: float, edge_share: float = EDGE_SHARE) -> float:
    """By how much the centre of a reflector's energy in a window moves when the reflector does.

    A reflector is seen with the antenna's pattern about its own azimuth, the window weighs it about
    the beam's: the centre moves by a half for two equal Gaussians, less where an edge cuts them.

    Args:
        array: antenna array (pattern).
        window_rad: full width of the azimuth window.
        edge_share: of the taper, see :func:`matched_taper`.
    """
    offset_rad = np.linspace(-window_rad / 2, window_rad / 2, 4097)
    pattern = array.two_way_gain(offset_rad, np.zeros(1))
    seen = matched_taper(array, offset_rad, window_rad, edge_share) * pattern
    slope = np.gradient(np.log(pattern), offset_rad)
    return float(-(seen * offset_rad * slope).sum() / seen.sum())


def windowed_weight(
    turned_rad: NDArray[np.float64],
    weight: NDArray[np.float64],
    azimuth_share: NDArray[np.float64],
    ray_rad: NDArray[np.float64],
    table: NDArray[np.float64],
    window_rad: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """:func:`received_weight` of positions and rays whose azimuths rise, in fixed axes.

    Args:
        turned_rad: (position,) azimuths in the sense of the turntable.
        weight: (position,) share of valid antennas.
        azimuth_share: (position,) azimuth that each stands for.
        ray_rad: (ray,) azimuths in the sense of the turntable.
        table: of :func:`taper_table`.
        window_rad: full width of the azimuth window.
    """
    total, share = _windowed_sums(
        turned_rad, weight, weight * azimuth_share, ray_rad, window_rad / 2, table
    )
    return total, share


@numba.njit(nogil=True, cache=True)
def _windowed_sums(position, weight, stands_for, ray, half_window, table):
    """Sums over the positions of each ray's window; ``table`` is the taper from 0 to its edge."""
    total = np.zeros(len(ray))
    share = np.zeros(len(ray))
    per_rad = (len(table) - 1) / half_window
    first = 0
    for i in range(len(ray)):
        while first < len(position) and position[first] < ray[i] - half_window:
            first += 1
        whole = 0.0
        received = 0.0
        p = first
        while p < len(position) and position[p] < ray[i] + half_window:
            place = abs(position[p] - ray[i]) * per_rad
            left = min(int(place), len(table) - 2)
            value = table[left] + (place - left) * (table[left + 1] - table[left])
            total[i] += value * stands_for[p]
            received += value * weight[p]
            whole += value
            p += 1
        if whole > 0:
            share[i] = received / whole
    return total, share


@dataclass(frozen=True)
class Aperture:
    """Which positions serve which rays, and how far they are from the ray's reference.

    Attributes:
        first: (block,) first position of each block's band.
        width: positions of a band, the same for all blocks.
        path_m: (ray, width) float32, g of :mod:`panoradar_ros.imaging.beamforming`.
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
    edge_share: float = 0.0,
    normalised: bool = True,
) -> Aperture:
    """Geometry of all rays against all positions of their bands.

    Unless told otherwise, the taper over the positions that were received has the sum 1.

    Args:
        profiles: positions, their azimuths and times.
        ray_azimuth_rad: (ray,) unwrapped azimuths in base_link at the time the boresight passes
            them, in the order of time; a multiple of ``block`` of them.
        motion: the robot's motion in the rotation.
        array: antenna array (radius and pattern).
        window_rad: full width of the azimuth window.
        block: rays that share one band.
        edge_share: of the taper, see :func:`matched_taper`; 0 cuts the pattern off.
        normalised: False leaves the taper 1 at the boresight.

    Raises:
        ValueError: the number of rays is not a multiple of the block, or there are fewer positions
            than a block of rays needs.
    """
    rays = len(ray_azimuth_rad)
    if rays % block:
        raise ValueError(f"{rays} rays are not a multiple of the block of {block}")
    sign = profiles.direction
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
    taper = matched_taper(array, offset_rad, window_rad, edge_share)
    received = taper * profiles.weight[index]
    total = received.sum(axis=1)
    coverage = total / np.maximum(taper.sum(axis=1), 1e-12)
    taper = np.where(profiles.weight[index] > 0, taper, 0.0)
    if normalised:
        taper /= np.maximum(total, 1e-12)[:, None]
    return Aperture(
        starts,
        width,
        path_m.astype(np.float32),
        taper.astype(np.float32),
        delay_s.astype(np.float32),
        coverage,
    )
