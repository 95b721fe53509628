"""One beam by direct summation in double precision: the reference of every faster path."""

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import matched_taper
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles
from panoradar_ros.imaging.rotation import Rotation


def phase_steering(
    rotation: Rotation,
    profiles: RangeProfiles,
    motion: PlanarMotion,
    array: AntennaArray,
    azimuth_rad: float,
    elevation_rad: float,
    window_rad: float,
) -> NDArray[np.complex128]:
    """Steer one beam: every chirp at its own time and angle (Lai et al. 2024, equations 3 and 11).

    Args:
        rotation: the turn.
        profiles: range spectra.
        motion: the robot's motion.
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
    per_transmitter = array.antennas // rotation.waveform.transmitters
    offsets_s = rotation.waveform.transmitter_offsets_s
    late_s = np.repeat(offsets_s - offsets_s.mean(), per_transmitter)
    speed_rad_s = np.gradient(fixed_rad, profiles.time_s)
    share = profiles.azimuth_share()
    received = share * profiles.weight
    total = (matched_taper(array, fixed_rad - ray_fixed_rad, window_rad) * received).sum()
    near = np.abs(fixed_rad - ray_fixed_rad) < window_rad / 2 + np.abs(speed_rad_s * late_s.max())
    offset_rad = (fixed_rad - ray_fixed_rad)[near]
    angle = offset_rad[:, None] + speed_rad_s[near, None] * late_s
    delay_s = profiles.time_s[near, None] + late_s - ray_time_s
    moved_m = motion.radial_path_m(
        np.array([ray_fixed_rad]), np.array([ray_time_s]), delay_s.reshape(1, -1)
    ).reshape(delay_s.shape)
    path_m = np.cos(elevation_rad) * (array.radius_m * (np.cos(angle) - 1) + moved_m)
    path_m = path_m + array.heights_m * np.sin(elevation_rad)
    taper = share[near, None] * matched_taper(array, angle, window_rad)
    weight = taper * np.exp(1j * array.wavenumber_rad_per_m * path_m)
    spectrum = profiles.spectrum[near].astype(np.complex128)
    return np.einsum("pa,par->r", weight, spectrum) / (total * array.antennas)
