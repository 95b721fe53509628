"""From a power cube to ranges: range image, points and a planar scan."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmwave.cfar import CellAveragingCfar, Cfar, strongest_detection
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.noise import median_power


@dataclass(frozen=True)
class DetectionSettings:
    """What counts as a detection.

    Attributes:
        cfar: detector.
        minimum_range_m: nearer echoes are the radar's own leakage.
        noise_factor: detections must exceed the median power of the cube by this factor.
        minimum_coverage: rays that received less of their window are invalid.

    Raises:
        ValueError: a value is out of its range.
    """

    cfar: Cfar = field(default_factory=CellAveragingCfar)
    minimum_range_m: float = 0.4
    noise_factor: float = 8.0
    minimum_coverage: float = 0.5

    def __post_init__(self) -> None:
        for name in ("minimum_range_m", "noise_factor"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not 0 <= self.minimum_coverage <= 1:
            raise ValueError(f"minimum_coverage must be in [0, 1], got {self.minimum_coverage}")


@dataclass(frozen=True)
class RangeImage:
    """Strongest echo of every ray.

    Attributes:
        range_m: (row, column) from the turntable's axis; +inf where nothing was detected, NaN where
            the ray was not received (REP-117).
        intensity_db: (row, column) power over one squared ADC count; NaN without a detection.
    """

    range_m: NDArray[np.float32]
    intensity_db: NDArray[np.float32]


def range_image(
    power: NDArray[np.float32],
    coverage: NDArray[np.float64],
    elevation_rad: NDArray[np.float64],
    range_bin_m: float,
    radius_m: float,
    settings: DetectionSettings,
    noise_power: float | None = None,
    workers: int = 2,
) -> RangeImage:
    """Strongest CFAR detection of every ray, referred to the turntable's axis.

    A range bin measures from the antenna, which at boresight is r cos phi nearer than the axis.

    Args:
        power: (row, column, range).
        coverage: (column,) share of the window received.
        elevation_rad: (row,).
        range_bin_m: bin spacing.
        radius_m: arm of the antenna.
        settings: detector.
        noise_power: median power of a whole cube where ``power`` is only a sector of one; None
            takes the median of the received columns of ``power``, a whole turn.
        workers: threads.
    """
    received = coverage >= settings.minimum_coverage
    whole_turn = noise_power is None
    noise = median_power(power, received) if noise_power is None else noise_power
    floor = settings.noise_factor * noise
    first_bin = int(np.ceil(settings.minimum_range_m / range_bin_m))
    bins, peak = strongest_detection(
        power, settings.cfar, first_bin, floor, azimuth_wraps=whole_turn, workers=workers
    )
    axis_m = (radius_m * np.cos(elevation_rad))[:, None]
    range_m = (bins * range_bin_m + axis_m).astype(np.float32)
    range_m[np.isnan(bins)] = np.inf
    range_m[:, ~received] = np.nan
    with np.errstate(invalid="ignore"):
        intensity_db = (10 * np.log10(peak)).astype(np.float32)
    intensity_db[~np.isfinite(range_m)] = np.nan
    return RangeImage(range_m, intensity_db)


def points_from_range(
    range_m: NDArray[np.float32],
    grid: PanoramaGrid,
    poses: NDArray[np.float64] | None = None,
    columns: NDArray[np.integer] | None = None,
) -> NDArray[np.float32]:
    """Cartesian points of a range image, (row, column, 3); NaN where there is no range.

    Args:
        range_m: (row, column).
        grid: directions of the rays.
        poses: (column, 3): x, y and yaw of the robot when each column was measured, as seen from
            where the points are wanted; None if it stood still.
        columns: which columns of the grid ``range_m`` holds; None for all of them.
    """
    finite = np.where(np.isfinite(range_m), range_m, np.nan)
    directions = grid.directions if columns is None else grid.directions[:, columns]
    points = finite[..., None] * directions
    if poses is not None:
        x_m, y_m, yaw_rad = poses.T
        cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
        forward = x_m + cosine * points[..., 0] - sine * points[..., 1]
        points[..., 1] = y_m + sine * points[..., 0] + cosine * points[..., 1]
        points[..., 0] = forward
    return points.astype(np.float32)


def planar_scan(
    power: NDArray[np.float32],
    coverage: NDArray[np.float64],
    grid: PanoramaGrid,
    range_bin_m: float,
    radius_m: float,
    settings: DetectionSettings,
    noise_power: float | None = None,
) -> RangeImage:
    """Horizontal scan: the two rows next to the horizon taken together, (column,) arrays."""
    middle = grid.rows // 2
    together = power[middle - 1 : middle + 1].mean(axis=0, keepdims=True)
    elevation_rad = grid.elevation_rad[middle - 1 : middle]
    image = range_image(
        together, coverage, elevation_rad, range_bin_m, radius_m, settings, noise_power, workers=1
    )
    flat = (image.range_m[0] * np.cos(elevation_rad[0])).astype(np.float32)
    return RangeImage(flat, image.intensity_db[0])
