"""What every pixel of a rotation says about the robot's motion.

Lai et al. 2024 (section 5, equations 6-10) separate angle of arrival and Doppler by where on its
slow-time line a reflector is strongest: when the antenna faces it. The moments here use the same
fact without detecting lines. With the compensated samples s of a beam's window, its taper w and
the time t after the beam's own boresight,

    B_n = sum w t^n s,    E = sum w |s|^2

- an error du of the assumed radial speed focuses a reflector at an azimuth du / (r w + v_t) beside
  where the antenna faced it (v_t is the robot's speed across the ray), so its energy is not centred
  on the boresight: du ~ Re(B1 / B0);
- an error of the path's curvature (rate of turn, radial acceleration) leaves a quadratic phase:
  kappa ~ Im(B2 / B0);
- the semblance S = |B0|^2 / E is largest for one reflector alone and small where several interfere
  or where there is only noise: it says how much du and kappa are worth.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from mmwave.spectrum import narrow_window
from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import EDGE_SHARE
from panoradar_ros.imaging.beamforming import (
    Aperture,
    Beamformer,
    RangeProfiles,
    build_aperture,
    range_profiles,
)
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.vote_kernels import collect_votes, form_moments

MOMENTS = 3

DECIMATION = 3
"""Every third position is enough: inside the window the Doppler shift of 265 Hz stays below half of
their rate."""

WEAKEST_BEAM = 0.1
"""A beam votes with at least this share of the power of the strongest one at its azimuth and range:
weaker, it shows the side lobe of something at another elevation."""

BLOCK = 16
"""Rays that share one band of positions: fewer waste less of the product, more of the overhead."""

LEAST_SWING = 0.2
"""Least speed of the antenna across a ray, over that of the turntable: where robot and turntable
cancel, the aperture collapses."""


@dataclass(frozen=True)
class Votes:
    """One entry per pixel (azimuth, range, elevation) that has something to say.

    Attributes:
        azimuth_rad: (vote,) in the fixed axes of the assumed motion.
        time_s: (vote,) boresight time.
        range_m: (vote,) from the antenna.
        speed_error_mps: (vote,) true minus assumed radial speed, as the beam's elevation scales it.
        curvature_error_mps2: (vote,) assumed minus true second derivative of the path.
        elevation_gain: (vote,) cosine of the reflector's elevation over that of the beam.
        elevation_cosine: (vote,) cosine of the reflector's elevation.
        speed_spread_mps: (vote,) scale of the error of ``speed_error_mps``.
        curvature_spread_mps2: (vote,) scale of the error of ``curvature_error_mps2``; infinite
            where it says nothing.
        semblance: (vote,) over that of a reflector alone.
    """

    azimuth_rad: NDArray[np.float64]
    time_s: NDArray[np.float64]
    range_m: NDArray[np.float64]
    speed_error_mps: NDArray[np.float64]
    curvature_error_mps2: NDArray[np.float64]
    elevation_gain: NDArray[np.float64]
    elevation_cosine: NDArray[np.float64]
    speed_spread_mps: NDArray[np.float64]
    curvature_spread_mps2: NDArray[np.float64]
    semblance: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.azimuth_rad)

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        """(vote, 2) direction of each vote in the horizontal plane."""
        normal: NDArray[np.float64] = np.empty((len(self), 2))
        normal[:, 0], normal[:, 1] = np.cos(self.azimuth_rad), np.sin(self.azimuth_rad)
        return normal


@dataclass(frozen=True)
class VoteSettings:
    """Which pixels vote.

    Attributes:
        rays: azimuths per turn; a multiple of 16.
        elevations_rad: non-negative, evenly spaced from 0; each is used with both signs.
        nearest_m: nearer reflectors do not vote: leakage, and wave fronts that are not plane.
        least_semblance: pixels below it do not vote.
        least_curvature_semblance: pixels below it do not vote about the curvature, which
            interference between reflectors hides first.
        least_coverage: rays that received less of their window do not vote.
        dominance: pixels below this share of the strongest power around them do not vote: they show
            the side lobe of something at another azimuth or range.
        neighbourhood: (rays, bins) that count as around.
        scatter: spread of the vote of a pixel full of interfering reflectors, in units of what the
            window could show at all.
        taper_width: of the taper over azimuth, in widths of the antenna's own pattern. The matched
            one (1) is best for power; but where the energy's centre lies is told by the flanks of
            the pattern, which it presses down once more.

    Raises:
        ValueError: a value is out of its range.
    """

    rays: int = 192
    elevations_rad: tuple[float, ...] = (0.0, np.deg2rad(12), np.deg2rad(24), np.deg2rad(36))
    nearest_m: float = 1.0
    least_semblance: float = 0.15
    least_curvature_semblance: float = 0.5
    least_coverage: float = 0.5
    dominance: float = 0.01
    neighbourhood: tuple[int, int] = (9, 7)
    scatter: float = 0.3
    taper_width: float = 2**0.5

    def __post_init__(self) -> None:
        if self.rays < 64:
            raise ValueError(f"rays must be at least 64, got {self.rays}")
        steps = np.diff(self.elevations_rad)
        if (
            len(self.elevations_rad) < 2
            or self.elevations_rad[0] != 0
            or not np.allclose(steps, steps[0])
            or not 0 < steps[0] * len(steps) < np.pi / 2
        ):
            raise ValueError(
                "elevations_rad must rise from 0 in even steps to below pi/2, got "
                f"{self.elevations_rad}"
            )
        for name in ("least_semblance", "least_curvature_semblance", "least_coverage"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be in (0, 1), got {getattr(self, name)}")
        for name in ("nearest_m", "scatter", "taper_width"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True)
class _Lobe:
    """How the moments of one reflector at boresight look, per ray: (ray,) each.

    Attributes:
        offset_s: centre of its energy; not 0 where positions were lost on one side.
        speed_factor: radial speed error over the shift of that centre.
        curvature_factor: curvature error over Im(B2 / B0), times the cosine of the elevation.
        semblance: of the reflector alone.
        speed_unit_mps: shift of the centre by the window's own width, as a speed.
        curvature_unit_mps2: curvature of one radian at the window's own width.
    """

    offset_s: NDArray[np.float64]
    speed_factor: NDArray[np.float64]
    curvature_factor: NDArray[np.float64]
    semblance: NDArray[np.float64]
    speed_unit_mps: NDArray[np.float64]
    curvature_unit_mps2: NDArray[np.float64]


def _lobe(
    aperture: Aperture,
    array: AntennaArray,
    speed_rad_s: float,
    across_mps: NDArray[np.float64],
) -> _Lobe:
    """Moments of a reflector that is seen with the antenna's own pattern.

    The antenna moves across a ray with what the turntable and the robot give it together; an error
    du focuses a reflector at an azimuth du over that speed.

    Args:
        aperture: rays against positions.
        array: the pattern and the arm.
        speed_rad_s: of the boresight in the fixed axes, positive.
        across_mps: (ray,) speed of the robot across each ray, in the direction of the turn.
    """
    delay_s = aperture.delay_s.astype(np.float64)
    taper = aperture.taper.astype(np.float64)
    step = 1e-4

    def gain(shift_rad: float) -> NDArray[np.floating]:
        return array.two_way_gain(speed_rad_s * delay_s - shift_rad, np.zeros(1))

    seen = taper * gain(0.0)
    total = np.maximum(seen.sum(axis=1), 1e-12)

    def mean(values: NDArray[np.float64]) -> NDArray[Any]:
        return (seen * values).sum(axis=1) / total

    centre = mean(delay_s)
    second = mean(delay_s**2)
    # how the energy's centre follows a reflector that the antenna faces later
    slope = (taper * (gain(step) - gain(-step)) / (2 * step)) * (delay_s - centre[:, None])
    follows = slope.sum(axis=1) / total * speed_rad_s
    wavenumber = array.wavenumber_rad_per_m
    width_s = np.sqrt(np.maximum(second, 1e-12))
    swing_mps = np.maximum(
        array.radius_m * speed_rad_s + across_mps, LEAST_SWING * array.radius_m * speed_rad_s
    )
    return _Lobe(
        offset_s=centre,
        speed_factor=swing_mps * speed_rad_s / np.maximum(follows, 1e-3),
        curvature_factor=2 / (wavenumber * np.maximum(mean(delay_s**4) - second**2, 1e-18)),
        semblance=total**2 / np.maximum((taper * gain(0.0) ** 2).sum(axis=1), 1e-12),
        speed_unit_mps=swing_mps * speed_rad_s * width_s,
        curvature_unit_mps2=1 / (wavenumber * width_s**2),
    )


def vote_profiles(
    rotation: Rotation, leakage: NDArray[np.complex64] | None = None, workers: int = 1
) -> RangeProfiles:
    """Range spectra as votes are best counted from.

    Interference between reflectors limits the motion, not noise: :data:`DECIMATION` leaves
    positions out, and a window with narrower cells than Hann's leaves fewer reflectors in each.

    Args:
        rotation: the turn.
        leakage: (antenna, sample) complex mean chirp, in ADC counts.
        workers: threads of the FFT.
    """
    window = narrow_window(rotation.samples.shape[2])
    return range_profiles(rotation, leakage, DECIMATION, workers, window)


class VoteCounter:
    """Collects the votes of rotations on a beamformer's workers.

    Args:
        beamformer: gives window, antenna array and threads.
        settings: which pixels vote.

    Raises:
        ValueError: the rays are not a multiple of 16.
    """

    def __init__(self, beamformer: Beamformer, settings: VoteSettings) -> None:
        if settings.rays % BLOCK:
            raise ValueError(f"rays = {settings.rays} is not a multiple of {BLOCK}")
        self._beamformer = beamformer
        self.settings = settings

    def votes(self, rotation: Rotation, profiles: RangeProfiles, motion: PlanarMotion) -> Votes:
        """What the pixels of a rotation say about an assumed motion.

        Args:
            rotation: the turn.
            profiles: range spectra of its positions.
            motion: the assumed motion.
        """
        former, settings = self._beamformer, self.settings
        ray_rad = rotation.ray_azimuth_rad(settings.rays)
        ray_s = rotation.ray_time_s(settings.rays)
        fixed_rad = ray_rad + motion.yaw_rad(ray_s)
        beamwidth_rad = settings.taper_width * former.array.azimuth_beamwidth_rad
        wider = replace(former.array, azimuth_beamwidth_rad=beamwidth_rad)
        aperture = build_aperture(
            profiles, ray_rad, motion, wider, former.window_rad, BLOCK, EDGE_SHARE
        )
        speed_rad_s = rotation.angular_speed_rad_s + rotation.direction * motion.yaw_rate_radps
        across_mps = rotation.direction * motion.radial_mps(fixed_rad + np.pi / 2, ray_s)
        lobe = _lobe(aperture, former.array, speed_rad_s, across_mps)
        bin_m = rotation.waveform.range_bin_m
        per_bin = motion.radial_mps(fixed_rad, ray_s) / bin_m
        planes = self._planes(rotation, profiles, motion)
        found: list[NDArray[np.float64]] = [np.empty(0)] * (settings.rays // BLOCK)
        strongest = np.zeros((settings.rays, profiles.spectrum.shape[-1]), np.float32)

        def one_block(index: int) -> None:
            rows = slice(index * BLOCK, (index + 1) * BLOCK)
            found[index] = self._block(
                index, planes, aperture, lobe, per_bin, bin_m, strongest[rows]
            )

        former.run(one_block, len(found))
        table = np.concatenate(found)
        ray, cell = table[:, 0].astype(np.intp), table[:, 1].astype(np.intp)
        around = maximum_filter(strongest, settings.neighbourhood, mode=("wrap", "nearest"))
        kept = table[:, 7] >= settings.dominance * around[ray, cell]
        table = table[kept & (aperture.coverage[ray] >= settings.least_coverage)]
        ray = table[:, 0].astype(np.intp)
        # by how much the pixel falls short of a reflector alone; a little is left to everyone
        spread = settings.scatter * np.sqrt(np.maximum(1.05 - table[:, 5], 0.04) / table[:, 5])
        clear = table[:, 5] * lobe.semblance[ray] >= settings.least_curvature_semblance
        return Votes(
            fixed_rad[ray],
            ray_s[ray],
            table[:, 1] * bin_m,
            table[:, 2],
            table[:, 3],
            table[:, 4],
            table[:, 6],
            spread * lobe.speed_unit_mps[ray],
            np.where(clear, spread, np.inf) * lobe.curvature_unit_mps2[ray],
            table[:, 5],
        )

    def _planes(
        self, rotation: Rotation, profiles: RangeProfiles, motion: PlanarMotion
    ) -> NDArray[np.float32]:
        """Antennas combined towards every beam: (beam, 2 * position, bin)."""
        elevations, middle = self.settings.elevations_rad, len(self.settings.elevations_rad) - 1
        positions, _, bins = profiles.spectrum.shape
        planes = np.empty((2 * middle + 1, 2 * positions, bins), np.float32)
        offsets_s = rotation.waveform.transmitter_offsets_s

        def one_elevation(index: int) -> None:
            elevation = elevations[index]
            pair = np.array([elevation, -elevation]) if elevation else np.array([0.0])
            formed = self._beamformer.elevation_planes(profiles, pair, motion, offsets_s)
            planes[middle + index] = formed[:, :bins]
            planes[middle - index] = formed[:, -bins:]

        self._beamformer.run(one_elevation, len(elevations))
        return planes

    def _block(
        self,
        index: int,
        planes: NDArray[np.float32],
        aperture: Aperture,
        lobe: _Lobe,
        per_bin: NDArray[np.float64],
        bin_m: float,
        strongest: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """Votes of one block of rays as :func:`collect_votes` writes them."""
        elevations = np.array(self.settings.elevations_rad)
        rows = slice(index * BLOCK, (index + 1) * BLOCK)
        beams, _, bins = planes.shape
        moments = np.empty((beams, 2 * MOMENTS * BLOCK, bins), np.float32)
        energy = np.empty((beams, BLOCK, bins), np.float32)
        cosine = np.cos(np.concatenate([elevations[:0:-1], elevations]))
        wavenumber = self._beamformer.array.wavenumber_rad_per_m
        form_moments(
            planes, aperture.first[index], aperture.path_m[rows], aperture.taper[rows],
            aperture.delay_s[rows], (wavenumber * cosine).astype(np.float32), moments, energy,
        )  # fmt: skip
        out = np.empty((BLOCK * beams * bins, 8))
        angle = np.pi * (bins - 1) / bins
        count = collect_votes(
            moments, energy, per_bin[rows], lobe.offset_s[rows], lobe.speed_factor[rows],
            lobe.curvature_factor[rows], lobe.semblance[rows], cosine,
            elevations[1], max(1, int(np.ceil(self.settings.nearest_m / bin_m))),
            self.settings.least_semblance, WEAKEST_BEAM,
            complex(np.cos(angle), np.sin(angle)), rows.start, strongest, out,
        )  # fmt: skip
        return out[:count].copy()
