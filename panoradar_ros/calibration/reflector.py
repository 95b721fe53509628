"""A corner reflector in the panorama, and the antennas' complex gains from it.

A matched filter over a reflector at a known place: with d the distance of antenna a at position p
(the arm, the reflector's finite distance and each transmitter's own time included), the model is
m = v(psi - theta) exp(j 4 pi d f_n / c), v being the antenna's two-way pattern, and the gain is the
least-squares one, g_a = sum w m* s / sum w |m|^2 over the positions of a window and the samples.
Whatever else is in the scene adds up out of phase and is left as the error.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from mmwave.spectrum import as_complex, range_window
from mmwave.waveform import SPEED_OF_LIGHT_MPS, AntennaArray
from panoradar_ros.calibration.file import CalibrationError
from panoradar_ros.calibration.panorama import WINDOW_RAD, Panorama
from panoradar_ros.imaging.rotation import Rotation

SEARCH_RANGE_M = 0.3
SEARCH_AZIMUTH_RAD = np.deg2rad(8.0)
LEAST_OVER_MEDIAN_DB = 20.0
"""So much stronger than the panorama's median a reflector must be."""


@dataclass(frozen=True)
class Reflector:
    """Where a reflector is.

    Attributes:
        range_m: distance from the turntable's axis, at the antennas' height.
        azimuth_rad: unwrapped, as the turntable's angles say.
        elevation_rad: above the antennas' middle; None if it is not known.
        over_median_db: its power over the panorama's median.

    Raises:
        CalibrationError: a value is not finite or out of its range.
    """

    range_m: float
    azimuth_rad: float
    elevation_rad: float | None = None
    over_median_db: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.range_m) and self.range_m > 0):
            raise CalibrationError(f"the reflector's range must be positive, got {self.range_m}")
        if not np.isfinite(self.azimuth_rad):
            raise CalibrationError(
                f"the reflector's azimuth must be finite, got {self.azimuth_rad}"
            )
        if self.elevation_rad is not None and not abs(self.elevation_rad) <= np.deg2rad(45):
            raise CalibrationError(
                "the reflector's elevation must be within 45 deg, "
                f"got {np.rad2deg(self.elevation_rad):g}"
            )


def find_reflector(
    panorama: Panorama,
    range_m: float | None = None,
    azimuth_rad: float | None = None,
    elevation_rad: float | None = None,
) -> Reflector:
    """The strongest reflector, or the strongest one near a given range and azimuth.

    Args:
        panorama: of a standing robot.
        range_m: from the turntable's axis; 0.3 m around it are searched.
        azimuth_rad: 8 degrees around it are searched.
        elevation_rad: of the reflector, passed on.

    Raises:
        CalibrationError: nothing strong enough is there.
    """
    power, rays = panorama.power, len(panorama.power)
    axis_m = panorama.radius_m * np.cos(elevation_rad or 0.0)
    bin_range_m = np.arange(power.shape[1]) * panorama.range_bin_m + axis_m
    ray_azimuth = panorama.start_azimuth_rad + panorama.ray_rad * np.arange(rays)
    searched = np.ones_like(power, bool)
    searched[:, [0, -1]] = False
    if range_m is not None:
        searched &= np.abs(bin_range_m - range_m) <= SEARCH_RANGE_M
    if azimuth_rad is not None:
        away = np.abs((ray_azimuth - azimuth_rad + np.pi) % (2 * np.pi) - np.pi)
        searched &= (away <= SEARCH_AZIMUTH_RAD)[:, None]
    where = f"{_place(range_m, azimuth_rad)} "
    if not searched.any():
        raise CalibrationError(f"there is no range bin {where}to search")
    ray, cell = np.unravel_index(np.argmax(np.where(searched, power, -1)), power.shape)
    median = float(np.median(power[:, power.any(axis=0)]))
    over_db = 10 * np.log10(max(float(power[ray, cell]), 1e-30) / max(median, 1e-30))
    if over_db < LEAST_OVER_MEDIAN_DB:
        raise CalibrationError(
            f"no reflector {where}stands out: the strongest echo is {over_db:.1f} dB over the "
            f"panorama's median, {LEAST_OVER_MEDIAN_DB:.0f} dB are needed"
        )
    along_ray = _parabola(*(power[(ray + step) % rays, cell] for step in (-1, 0, 1)))
    along_range = _parabola(*power[ray, cell - 1 : cell + 2])
    return Reflector(
        float((cell + along_range) * panorama.range_bin_m + axis_m),
        float(ray_azimuth[ray] + along_ray * panorama.ray_rad),
        elevation_rad,
        float(over_db),
    )


def _place(range_m: float | None, azimuth_rad: float | None) -> str:
    parts = []
    if range_m is not None:
        parts.append(f"at {range_m:g} m")
    if azimuth_rad is not None:
        parts.append(f"at azimuth {np.rad2deg(azimuth_rad):.1f} deg")
    return " ".join(parts) or "anywhere"


def _parabola(before: float, at: float, after: float) -> float:
    """Where a lobe has its top, -0.5 to 0.5, by a parabola through the logarithms."""
    low, middle, high = (np.log(max(float(one), 1e-30)) for one in (before, at, after))
    return float(np.clip(0.5 * (low - high) / min(low - 2 * middle + high, -1e-9), -0.5, 0.5))


def antenna_gains(
    rotation: Rotation, reflector: Reflector, array: AntennaArray
) -> NDArray[np.complex128]:
    """Complex gain of every virtual antenna, (antenna,), mean power 1 and mean phase 0.

    Without the reflector's elevation a phase that grows evenly from antenna to antenna cannot be
    told from a reflector that is higher or lower, and is left out.

    Raises:
        CalibrationError: positions around the reflector were lost, or it is not there.
    """
    waveform = rotation.waveform
    near = np.abs(rotation.azimuth_rad - reflector.azimuth_rad) <= WINDOW_RAD / 2
    near &= rotation.valid.all(axis=1)
    if near.sum() < 16:
        raise CalibrationError(
            f"only {int(near.sum())} whole positions look at the reflector, 16 are needed"
        )
    samples = as_complex(rotation.samples[near])
    speed_rad_s = np.gradient(rotation.azimuth_rad, rotation.time_s)[near]
    elevation_rad = reflector.elevation_rad or 0.0
    height_m = reflector.range_m * np.sin(elevation_rad)
    window = range_window(waveform.samples_per_chirp)
    wavenumber = 4 * np.pi * waveform.sample_hz / SPEED_OF_LIGHT_MPS
    gains = np.empty(waveform.virtual_antennas, np.complex128)
    for transmitter, late_s in enumerate(waveform.transmitter_offsets_s):
        boresight_rad = rotation.azimuth_rad[near] + speed_rad_s * late_s
        off_rad = boresight_rad - reflector.azimuth_rad
        centre_m = _distance_m(reflector.range_m, elevation_rad, off_rad, array.radius_m)
        pattern = array.two_way_gain(off_rad, np.zeros(1))
        for receiver in range(waveform.receivers):
            antenna = transmitter * waveform.receivers + receiver
            # the reflector's elevation as the antenna sees it, r nearer than the axis
            path_m = centre_m - array.heights_m[antenna] * height_m / centre_m
            model = pattern[:, None] * np.exp(1j * path_m[:, None] * wavenumber)
            matched = (window * np.conj(model) * samples[:, antenna]).sum()
            gains[antenna] = matched / (window * np.abs(model) ** 2).sum()
    if not np.all(np.abs(gains) > 0):
        raise CalibrationError("an antenna received nothing from the reflector")
    if reflector.elevation_rad is None:
        gains = _level(gains, array)
    gains /= np.sqrt(np.mean(np.abs(gains) ** 2))
    return gains * np.exp(-1j * np.angle(gains.sum()))


def _distance_m(
    range_m: float, elevation_rad: float, off_rad: NDArray[np.float64], radius_m: float
) -> NDArray[np.float64]:
    """From the array's middle to the reflector, whose range is measured from the axis."""
    flat_m = range_m * np.cos(elevation_rad)
    squared = flat_m**2 + radius_m**2 - 2 * flat_m * radius_m * np.cos(off_rad)
    return np.sqrt(squared + (range_m * np.sin(elevation_rad)) ** 2)


def _level(gains: NDArray[np.complex128], array: AntennaArray) -> NDArray[np.complex128]:
    """The even growth of phase from antenna to antenna taken off."""
    unit = gains / np.abs(gains)
    height = array.wavenumber_rad_per_m * array.heights_m

    def against(sine: float) -> float:
        return -float(np.abs((unit * np.exp(1j * height * sine)).sum()))

    grid = np.linspace(-0.75, 0.75, 61)
    start = grid[np.argmin([against(sine) for sine in grid])]
    step = grid[1] - grid[0]
    best = minimize_scalar(against, bounds=(start - step, start + step), method="bounded").x
    return gains * np.exp(1j * height * best)
