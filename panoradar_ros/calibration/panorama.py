"""Range over azimuth of a standing radar, antenna by antenna: what calibration looks at.

The antennas are not combined coherently, because their phases are what is not known yet.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import build_aperture, range_profiles
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation

RAYS = 512
WINDOW_RAD = np.deg2rad(60.0)
BLOCK = 32
NEAREST_BIN = 20
"""Nearer bins hold what leaks from the transmitters."""


@dataclass(frozen=True)
class Panorama:
    """Power of one turn, summed over the antennas.

    Attributes:
        power: (ray, range), the rays in the order of time; zero up to :data:`NEAREST_BIN`.
        start_azimuth_rad: of the first ray, unwrapped.
        direction: +1 counter-clockwise, -1 clockwise.
        angular_speed_rad_s: mean, as the turntable's angles say.
        range_bin_m: spacing of the bins, from the antenna.
        radius_m: of the antenna's circle.
    """

    power: NDArray[np.float32]
    start_azimuth_rad: float
    direction: int
    angular_speed_rad_s: float
    range_bin_m: float
    radius_m: float

    @property
    def ray_rad(self) -> float:
        """Signed azimuth from one ray to the next."""
        return self.direction * 2 * np.pi / len(self.power)

    def at_true_rate(self, ratio: float) -> "Panorama":
        """The same turn with every angle times a ratio, on rays of the same spacing.

        Of a slower turntable's turn the last rays are not there; they repeat the last one that is.

        Args:
            ratio: true turn over the turn that the turntable's angles say.
        """
        if ratio == 1:
            return self
        rays = len(self.power)
        place = np.minimum(np.arange(rays) / ratio, rays - 1)
        before = np.minimum(place.astype(int), rays - 2)
        share = (place - before).astype(np.float32)[:, None]
        power = (1 - share) * self.power[before] + share * self.power[before + 1]
        return replace(
            self,
            power=power,
            start_azimuth_rad=ratio * self.start_azimuth_rad,
            angular_speed_rad_s=ratio * self.angular_speed_rad_s,
        )


def panorama_of(rotation: Rotation, array: AntennaArray) -> Panorama:
    """Beams towards the horizon of every antenna, the robot taken as standing still."""
    profiles = range_profiles(rotation)
    at_waveform = array.at_wavelength(rotation.waveform.wavelength_m)
    rays_rad = rotation.ray_azimuth_rad(RAYS)
    aperture = build_aperture(profiles, rays_rad, PlanarMotion(), at_waveform, WINDOW_RAD, BLOCK)
    positions, antennas, bins = profiles.spectrum.shape
    flat = profiles.spectrum.reshape(positions, antennas * bins)
    power = np.empty((RAYS, bins), np.float32)
    for number, first in enumerate(aperture.first):
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        phase = at_waveform.wavenumber_rad_per_m * aperture.path_m[rows]
        kernel = (aperture.taper[rows] * np.exp(1j * phase)).astype(np.complex64)
        beams = (kernel @ flat[first : first + aperture.width]).reshape(BLOCK, antennas, bins)
        power[rows] = (beams.real**2 + beams.imag**2).sum(axis=1)
    power[:, :NEAREST_BIN] = 0
    power[:, -NEAREST_BIN // 4 :] = 0  # the leakage's skirt wraps round
    return Panorama(
        power,
        float(rays_rad[0]),
        rotation.direction,
        rotation.angular_speed_rad_s,
        rotation.waveform.range_bin_m,
        array.radius_m,
    )
