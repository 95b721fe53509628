"""The robot's velocity from one rotation of its own radar.

Lai et al. 2024 (section 5, equations 6-10) separate angle of arrival and Doppler by where on its
slow-time line a reflector is strongest: when the antenna faces it. The estimator here uses the same
fact without detecting lines. If the assumed radial speed is wrong by du, a reflector is focused at
an azimuth du / (r w) away from where the antenna faced it, so the energy under the taper is not
centred on the beam's own boresight time: with B0 = sum w s and B1 = sum (t - t_theta) w s, the
compensated samples of the window, and a taper equal to the antenna's two-way pattern,

    du = -2 r w^2 Re(B1 / B0)

for every pixel that holds a reflector. All pixels share one velocity and one acceleration,
du(theta) = (dv + da (t_theta - t_middle)) . n(theta), which a robust weighted least squares solves;
the beams are formed again with the corrected motion until it stands still. A pixel votes only in
its strongest elevation beam, because cos phi scales the motion that the radar sees of a reflector
off the horizontal plane.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from panoradar_ros.imaging.beamforming import (
    Aperture,
    Beamformer,
    RangeProfiles,
    build_aperture,
)
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation


@dataclass(frozen=True)
class MotionSettings:
    """How the estimator works.

    Attributes:
        rays: azimuths per turn; a multiple of the beamformer's block.
        elevations_rad: non-negative elevations of the beams; each is used with both signs.
        first_bin: range bins before it do not vote: leakage, and reflectors so near that a plane
            wave no longer describes them.
        power_exponent: weight of a pixel = power ** exponent; 1 lets one near wall decide, 0 the
            clutter.
        floor_over_noise: pixels must exceed the noise power by this factor.
        dominance: pixels must exceed this share of the largest power around them, so that the side
            lobes of a strong reflector, which say nothing, do not vote.
        neighbourhood: (rays, bins) that count as around.
        side_lobe_share: pixels must exceed this share of the largest power within the window of a
            beam at their range, where the side lobes of a mirror reflection still are.
        outlier_mps: scale of the robust loss (Cauchy).
        tolerance_mps: stop when the velocity changes by less.
        unreliable_mps: a velocity that still changes by more at the end is not to be trusted.
        max_iterations: at most so many beamforming passes.
        max_speed_mps: larger results are refused.
        max_acceleration_mps2: larger results are cut.

    Raises:
        ValueError: a value is out of its range.
    """

    rays: int = 256
    elevations_rad: tuple[float, ...] = (0.0, np.deg2rad(12), np.deg2rad(24), np.deg2rad(36))
    first_bin: int = 30
    power_exponent: float = 0.4
    floor_over_noise: float = 12.0
    dominance: float = 0.1
    neighbourhood: tuple[int, int] = (17, 5)
    side_lobe_share: float = 0.001
    outlier_mps: float = 0.15
    tolerance_mps: float = 0.004
    unreliable_mps: float = 0.02
    max_iterations: int = 6
    max_speed_mps: float = 0.9
    max_acceleration_mps2: float = 2.0

    def __post_init__(self) -> None:
        if self.rays < 64:
            raise ValueError(f"rays must be at least 64, got {self.rays}")
        if any(not 0 <= e < np.pi / 2 for e in self.elevations_rad) or not self.elevations_rad:
            raise ValueError(f"elevations_rad must be in [0, pi/2), got {self.elevations_rad}")
        for name in ("floor_over_noise", "outlier_mps", "tolerance_mps", "unreliable_mps"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("max_speed_mps", "max_acceleration_mps2"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations must be at least 1, got {self.max_iterations}")


@dataclass(frozen=True)
class MotionEstimate:
    """Motion of the robot in a rotation.

    Attributes:
        motion: velocity in base_link in the middle of the turn, and acceleration.
        covariance: (3, 3) of x_mps, y_mps and yaw_rate_radps, from the residuals of the fit.
        pixels: how many pixels voted.
        iterations: beamforming passes.
        reliable: False where the scene did not say (too few pixels, no convergence, too fast).
    """

    motion: PlanarMotion
    covariance: NDArray[np.float64]
    pixels: int
    iterations: int
    reliable: bool


@numba.njit(nogil=True, cache=True)
def _keep_strongest(zeroth, first, gain, power, error_mps):
    """Per pixel: if this beam is the strongest so far, keep its power and radial speed error."""
    rays = zeroth.shape[0] // 2
    bins = power.shape[1]
    beams = zeroth.shape[1] // bins
    for i in range(rays):
        for beam in range(beams):
            for k in range(bins):
                r0 = zeroth[i, beam * bins + k]
                i0 = zeroth[rays + i, beam * bins + k]
                value = r0 * r0 + i0 * i0
                if value > power[i, k]:
                    r1 = first[i, beam * bins + k]
                    i1 = first[rays + i, beam * bins + k]
                    power[i, k] = value
                    error_mps[i, k] = gain * (r1 * r0 + i1 * i0) / value


class MotionEstimator:
    """Moment estimator on a beamformer's workers."""

    def __init__(self, beamformer: Beamformer, settings: MotionSettings | None = None) -> None:
        self._beamformer = beamformer
        self.settings = settings if settings is not None else MotionSettings()
        if self.settings.rays % beamformer.block:
            raise ValueError(
                f"rays = {self.settings.rays} is not a multiple of the block {beamformer.block}"
            )

    def radial_errors(
        self, rotation: Rotation, profiles: RangeProfiles, motion: PlanarMotion
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
        """Radial speed error of every pixel under an assumed velocity.

        Returns:
            Ray azimuths (ray,), power (ray, range), error in m/s (ray, range), coverage (ray,).
        """
        beamformer, settings = self._beamformer, self.settings
        azimuth_rad = rotation.ray_azimuth_rad(settings.rays)
        aperture = build_aperture(
            profiles, azimuth_rad, motion, beamformer.array, beamformer.window_rad, beamformer.block
        )
        planes = self._planes(rotation, profiles, motion)
        bins = profiles.spectrum.shape[-1]
        power = np.zeros((settings.rays, bins), np.float32)
        error_mps = np.zeros((settings.rays, bins), np.float32)
        moment_taper = aperture.taper * aperture.delay_s
        gain = np.float32(-2 * beamformer.array.radius_m * rotation.angular_speed_rad_s**2)

        def one_block(index: int) -> None:
            rows = slice(index * beamformer.block, (index + 1) * beamformer.block)
            self._vote(planes, aperture, moment_taper, index, gain, power[rows], error_mps[rows])

        beamformer.run(one_block, settings.rays // beamformer.block)
        return azimuth_rad, power, error_mps, aperture.coverage

    def _planes(
        self, rotation: Rotation, profiles: RangeProfiles, motion: PlanarMotion
    ) -> list[NDArray[np.float32]]:
        elevations = self.settings.elevations_rad
        planes: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(elevations)
        offsets_s = rotation.waveform.transmitter_offsets_s

        def one_elevation(index: int) -> None:
            elevation = elevations[index]
            pair = np.array([elevation, -elevation]) if elevation else np.array([0.0])
            planes[index] = self._beamformer.elevation_planes(profiles, pair, motion, offsets_s)

        self._beamformer.run(one_elevation, len(elevations))
        return planes

    def _vote(
        self,
        planes: list[NDArray[np.float32]],
        aperture: Aperture,
        moment_taper: NDArray[np.float32],
        index: int,
        gain: np.float32,
        power: NDArray[np.float32],
        error_mps: NDArray[np.float32],
    ) -> None:
        beamformer = self._beamformer
        for elevation_rad, plane in zip(self.settings.elevations_rad, planes, strict=True):
            wavenumber = beamformer.array.wavenumber_rad_per_m * np.cos(elevation_rad)
            zeroth = beamformer.beam_block(plane, aperture, index, wavenumber, aperture.taper)
            first = beamformer.beam_block(plane, aperture, index, wavenumber, moment_taper)
            _keep_strongest(zeroth, first, gain, power, error_mps)

    def estimate(
        self,
        rotation: Rotation,
        profiles: RangeProfiles,
        initial: PlanarMotion | None = None,
    ) -> MotionEstimate:
        """Motion of the robot in one rotation.

        Args:
            rotation: the turn.
            profiles: range spectra of its positions.
            initial: first guess in this rotation's time, for example from the last one.
        """
        settings = self.settings
        turn_s = 2 * np.pi / rotation.angular_speed_rad_s
        ray_s = rotation.ray_time_s(settings.rays)
        middle_s = float(ray_s[0] + turn_s / 2)
        motion = initial.at(middle_s) if initial else PlanarMotion(reference_s=middle_s)
        covariance = np.full((4, 4), np.inf)
        pixels, iterations, change_mps = 0, 0, np.inf
        while change_mps > settings.tolerance_mps and iterations < settings.max_iterations:
            iterations += 1
            azimuth_rad, power, error_mps, coverage = self.radial_errors(rotation, profiles, motion)
            step, covariance, pixels = solve_motion(
                azimuth_rad,
                ray_s - middle_s,
                power,
                error_mps,
                coverage,
                settings,
                self._beamformer.array.radius_m * 2 * np.pi / settings.rays / turn_s * 2 * np.pi,
            )
            if pixels < 5:
                break
            motion = self._corrected(motion, step)
            change_mps = float(np.hypot(*step[:2]))
        slow_enough = motion.speed_mps < 0.999 * settings.max_speed_mps
        reliable = change_mps < settings.unreliable_mps and slow_enough
        return MotionEstimate(motion, _with_unknown_yaw(covariance), pixels, iterations, reliable)

    def _corrected(self, motion: PlanarMotion, step: NDArray[np.float64]) -> PlanarMotion:
        """Add a correction, kept inside the limits of speed and acceleration."""
        velocity = np.array([motion.x_mps, motion.y_mps]) + step[:2]
        acceleration = np.array([motion.x_mps2, motion.y_mps2]) + step[2:]
        velocity /= max(1.0, np.hypot(*velocity) / self.settings.max_speed_mps)
        acceleration /= max(1.0, np.hypot(*acceleration) / self.settings.max_acceleration_mps2)
        return PlanarMotion(
            velocity[0], velocity[1], acceleration[0], acceleration[1], motion.reference_s
        )


def _with_unknown_yaw(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    full = np.diag([0.0, 0.0, 1.0])
    full[:2, :2] = covariance[:2, :2]
    return full


def solve_motion(
    azimuth_rad: NDArray[np.float64],
    time_s: NDArray[np.float64],
    power: NDArray[np.float32],
    error_mps: NDArray[np.float32],
    coverage: NDArray[np.float64],
    settings: MotionSettings,
    error_per_ray_mps: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Robust weighted least squares of du = (dv + da t) . n(theta).

    Args:
        azimuth_rad: (ray,).
        time_s: (ray,) after the middle of the turn.
        power: (ray, range).
        error_mps: (ray, range) radial speed errors.
        coverage: (ray,) share of the window received; rays under one half do not vote.
        settings: weights and thresholds.
        error_per_ray_mps: by how much the error of one reflector grows from ray to ray across its
            lobe, r w times the rays' spacing.

    Returns:
        Correction (dv_x, dv_y, da_x, da_y), its covariance (4, 4), and the number of pixels that
        voted (fewer than 5: no correction).
    """
    noise = max(float(np.median(power)), 1e-30)
    largest = maximum_filter(power, size=settings.neighbourhood, mode=("wrap", "nearest"))
    votes = (power > settings.floor_over_noise * noise) & (power > settings.dominance * largest)
    row = maximum_filter(power, size=(len(power) // 3, 5), mode=("wrap", "nearest"))
    votes &= power > settings.side_lobe_share * row
    votes[:, : settings.first_bin] = False
    votes[coverage < 0.5] = False
    # the ends of the turn see one side of a lobe only, and would mistake it for acceleration
    votes[[0, -1]] = False
    votes[1:-1] &= (power[1:-1] >= power[:-2]) & (power[1:-1] >= power[2:])
    ray, cell = np.nonzero(votes)
    if len(ray) < 5:
        return np.zeros(4), np.full((4, 4), np.inf), len(ray)
    error = error_mps[votes] + error_per_ray_mps * _peak_offset(power, ray, cell)
    base = (power[votes] / noise).astype(np.float64) ** settings.power_exponent
    normal = np.stack([np.cos(azimuth_rad), np.sin(azimuth_rad)], axis=1)
    design = np.concatenate([normal, time_s[:, None] * normal], axis=1)[ray]
    step = np.zeros(4)
    scale = max(settings.outlier_mps, 2 * float(np.median(np.abs(error))))
    for _ in range(6):
        residual = error - design @ step
        weight = base / (1 + (residual / scale) ** 2)
        information = design.T @ (weight[:, None] * design)
        step = np.linalg.lstsq(information, design.T @ (weight * error), rcond=1e-6)[0]
        scale = max(settings.outlier_mps, 2 * float(np.median(np.abs(residual))))
    weighted = (weight * (error - design @ step))[:, None] * design
    inverse = np.linalg.pinv(information)
    # pixels of one resolution cell are not independent: about 3 x 3 oversampling in this grid
    return step, 9.0 * inverse @ (weighted.T @ weighted) @ inverse, len(ray)


def _peak_offset(
    power: NDArray[np.float32], ray: NDArray[np.intp], cell: NDArray[np.intp]
) -> NDArray[np.float64]:
    """How many rays the peak of a lobe lies after its strongest ray, by a parabola in log power."""
    before, at, after = (np.log(power[ray + step, cell] + 1e-30) for step in (-1, 0, 1))
    curvature = np.minimum(before - 2 * at + after, -1e-6)
    return np.clip(0.5 * (before - after) / curvature, -0.5, 0.5).astype(np.float64)
