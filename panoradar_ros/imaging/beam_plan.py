"""What all ways to form a panorama's beams start from: its rays, their weight, the azimuth grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import received_weight
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles
from panoradar_ros.imaging.resampling import (
    COARSEST_SPREAD,
    FINEST_SPREAD,
    AzimuthGrid,
    Spreading,
    plan_spreading,
)
from panoradar_ros.imaging.rotation import Rotation

LEAST_COVERAGE = 0.05
"""A ray that received less of its window is zero: there is nothing to renormalise."""

LEAST_MARGIN = 0.85
"""Of half a window that the positions must reach beyond the turn; the taper is 4 % there."""


@dataclass(frozen=True)
class BeamPlan:
    """Rays of a turn in the order of time and the grid of azimuth that serves them.

    Attributes:
        array: antenna array.
        window_rad: full width of the azimuth window.
        grid: rows and columns of the panorama.
        motion: the robot's motion.
        ray_azimuth_rad: (ray,) unwrapped azimuth in base_link at the ray's boresight time.
        column_of_ray: (ray,) where it goes.
        coverage: (ray,) share of the window that was received.
        gain: (ray,) float32, one over the taper's sum over what was received.
        azimuths: the grid of azimuth.
        first_ray_point: the point on which the first ray lies.
        spreading: how the chirps come to the grid.
    """

    array: AntennaArray
    window_rad: float
    grid: PanoramaGrid
    motion: PlanarMotion
    ray_azimuth_rad: NDArray[np.float64]
    column_of_ray: NDArray[np.int64]
    coverage: NDArray[np.float64]
    gain: NDArray[np.float32]
    azimuths: AzimuthGrid
    first_ray_point: int
    spreading: Spreading

    @property
    def half(self) -> int:
        """Pairs of antennas at opposite heights."""
        return (self.array.antennas + 1) // 2

    @property
    def pair_elevations_rad(self) -> NDArray[np.float64]:
        """(pair,) elevations of the upper rows; row i and the i-th last have opposite ones."""
        return self.grid.elevation_rad[: self.grid.rows // 2]

    def steering(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cosine and sine of K h sin phi over the antennas' number, (pair, antenna pair) each."""
        return pair_steering(self.array, self.pair_elevations_rad)

    def grid_positions(self) -> RangeProfiles:
        """The grid's points as positions that were all received; without spectra."""
        points = len(self.spreading.time_s)
        return RangeProfiles(
            np.empty((points, 0, 0), np.complex64),
            np.ones(points),
            self.spreading.time_s,
            self.spreading.azimuth_rad,
        )


def pair_steering(
    array: AntennaArray, elevation_rad: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine and sine of K h sin phi over the antennas' number, (elevation, antenna pair) each."""
    half = (array.antennas + 1) // 2
    phase = array.wavenumber_rad_per_m * np.outer(np.sin(elevation_rad), array.heights_m[:half])
    scale = 1 / array.antennas
    return (scale * np.cos(phase)).astype(np.float32), (scale * np.sin(phase)).astype(np.float32)


def plan_beams(
    rotation: Rotation,
    profiles: RangeProfiles,
    motion: PlanarMotion,
    array: AntennaArray,
    grid: PanoramaGrid,
    window_rad: float,
    fine: bool,
    rays_on_grid: bool = False,
) -> BeamPlan:
    """Plan the beams of one rotation.

    Args:
        rotation: the turn (its start, direction and timing).
        profiles: range spectra of its positions.
        motion: the robot's motion.
        array: antenna array.
        grid: rows and columns.
        window_rad: full width of the azimuth window.
        fine: the finer grid of azimuth, see :mod:`panoradar_ros.imaging.resampling`.
        rays_on_grid: every ray lies on a point of the grid.

    Raises:
        ValueError: the spectra are not finite, their antennas are not the array's, or the turn's
            margins are shorter than a window needs.
    """
    refuse_bad_profiles(rotation, profiles, array)
    yaw_share = abs(motion.yaw_rate_radps) / rotation.angular_speed_rad_s
    if yaw_share > 0.5:
        raise ValueError(
            f"yaw_rate_radps must be at most half the turntable's speed, got "
            f"{motion.yaw_rate_radps} of {rotation.angular_speed_rad_s:.2f} rad/s"
        )
    refuse_short_margins(rotation, profiles, window_rad)
    rays = grid.columns
    ray_rad = rotation.ray_azimuth_rad(rays)
    total, coverage = received_weight(profiles, ray_rad, motion, array, window_rad)
    gain = np.where(coverage > LEAST_COVERAGE, 1 / np.maximum(total, 1e-12), 0.0)
    azimuths = AzimuthGrid.for_array(
        array, FINEST_SPREAD if fine else COARSEST_SPREAD, rays if rays_on_grid else 64
    )
    # turned against the turntable, the robot needs more of the turntable's azimuth for a window
    reach_rad = window_rad / 2 * (1 + 1.5 * yaw_share) + azimuths.step_rad
    cosines = np.cos(grid.elevation_rad[[0, grid.rows // 2]])
    spreading = plan_spreading(
        profiles,
        rotation.waveform.transmitter_offsets_s,
        motion,
        array,
        azimuths,
        rotation.start_azimuth_rad,
        reach_rad,
        float(cosines.mean()),
    )
    return BeamPlan(
        array,
        window_rad,
        grid,
        motion,
        ray_rad,
        (-rotation.direction * np.arange(rays)) % rays,
        coverage,
        gain.astype(np.float32),
        azimuths,
        (len(spreading.time_s) - azimuths.points_per_turn) // 2,
        spreading,
    )


def refuse_bad_profiles(rotation: Rotation, profiles: RangeProfiles, array: AntennaArray) -> None:
    """Check spectra before work goes into them.

    Args:
        rotation: the turn.
        profiles: range spectra of its positions.
        array: antenna array.

    Raises:
        ValueError: the spectra are not finite, or their antennas are not the array's.
    """
    positions, antennas, bins = profiles.spectrum.shape
    if antennas != array.antennas or antennas % rotation.waveform.transmitters:
        raise ValueError(
            f"spectra of {antennas} antennas do not fit an array of {array.antennas} and "
            f"{rotation.waveform.transmitters} transmitters"
        )
    flat = profiles.spectrum.reshape(positions, antennas * bins)
    energy = np.einsum("pk,pk->p", flat.conj(), flat).real
    if not np.isfinite(energy).all():
        first = int(np.flatnonzero(~np.isfinite(energy))[0])
        raise ValueError(
            f"range spectra must be finite, those of {np.sum(~np.isfinite(energy))} of {positions} "
            f"positions are not (the first is position {first})"
        )


def refuse_short_margins(rotation: Rotation, profiles: RangeProfiles, window_rad: float) -> None:
    """Check that the positions reach far enough beyond both ends of the turn.

    Args:
        rotation: the turn.
        profiles: range spectra of its positions.
        window_rad: full width of the azimuth window.

    Raises:
        ValueError: they reach less than LEAST_MARGIN of half a window.
    """
    turned = rotation.direction * (profiles.azimuth_rad[[0, -1]] - rotation.start_azimuth_rad)
    before, after = -turned[0], turned[1] - 2 * np.pi
    if min(before, after) < LEAST_MARGIN * window_rad / 2:
        raise ValueError(
            f"the rotation is shorter than a turn and its window: it has {np.rad2deg(before):.1f} "
            f"deg before and {np.rad2deg(after):.1f} deg after the turn, half the window of "
            f"{np.rad2deg(window_rad):.1f} deg is needed"
        )
