"""One rotation in, everything the radar says about it out."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.beamforming import Beamformer, RangeProfiles, range_profiles
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.hough_motion import HoughMotionEstimator
from panoradar_ros.imaging.leakage import LeakageFilter
from panoradar_ros.imaging.motion import (
    MotionEstimate,
    MotionEstimator,
    MotionSettings,
    unknown_motion,
)
from panoradar_ros.imaging.odometry import DeadReckoning, Odometer
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.points import (
    DetectionSettings,
    RangeImage,
    planar_scan,
    points_from_range,
    range_image,
)
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.yaw_prior import YawRatePrior

WARM_UP_TURNS_PER_S = 2.0

MOTION_METHODS = ("moments", "hough")

LONGEST_MEMORY_S = 2.0
"""The last rotation's motion is a first guess for so long."""


@dataclass(frozen=True)
class ImagingSettings:
    """Settings of the whole chain.

    Attributes:
        grid: rows and columns of the panorama.
        window_rad: azimuth window of a beam.
        decimation: 1 forms the beams from a grid of azimuth as fine as the positions (error 1e-5 of
            the strongest beam), 2 or more from one half as fine (2e-3), in half the time.
        beamforming: ``banded``, ``static`` (as if the robot stood still), or ``auto``: static where
            that costs no accuracy.
        estimate_motion: False images as if the robot stood still.
        motion_method: ``moments`` (votes of all pixels) or ``hough`` (the published estimator:
            lines in spectrograms; no rate of turn of its own).
        motion: settings of the votes.
        detection: the detector's settings.
        leakage_rotations: memory of the leakage filter.
        workers: threads.
        cubes_kept: power cubes (33.5 MB each) that are used in turn: one more than readers beside
            the imager hold at the same time.
        device: that forms the beams of whole turns: ``cpu``, ``gpu`` or ``auto``, see
            :func:`mmwave.backend.array_module`. All else runs on the CPU.
        motion_error_mps: forward and to the left, put on top of every estimated velocity: to see
            what errors cost, and to learn from.

    Raises:
        ValueError: the method has another name, or fewer than one cube is kept.
    """

    grid: PanoramaGrid = field(default_factory=PanoramaGrid)
    window_rad: float = np.deg2rad(60.0)
    decimation: int = 2
    beamforming: str = "auto"
    estimate_motion: bool = True
    motion_method: str = "moments"
    motion: MotionSettings = field(default_factory=MotionSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    leakage_rotations: float = 6.0
    workers: int = 2
    cubes_kept: int = 1
    device: str = "cpu"
    motion_error_mps: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.motion_method not in MOTION_METHODS:
            raise ValueError(
                f"motion_method must be one of {MOTION_METHODS}, got {self.motion_method!r}"
            )
        if self.cubes_kept < 1:
            raise ValueError(f"cubes_kept must be at least 1, got {self.cubes_kept}")


@dataclass(frozen=True)
class Panorama:
    """Result of one rotation.

    Attributes:
        start_ns: when the boresight passed the start of the turn.
        end_ns: when it came round again.
        middle_ns: the middle between the two, when ``motion`` holds.
        last_sample_ns: time of the last position that went into it.
        direction: +1 counter-clockwise, -1 clockwise.
        ray_time_s: (column,) boresight time of each column after ``start_ns``.
        coverage: (column,) share of each column's window that was received.
        motion: velocity of the robot.
        odometry: integrated pose at ``end_ns``.
        image: strongest echo of every ray, (row, column).
        points_m: (row, column, 3) in the radar's frame at ``end_ns``.
        scan: horizontal scan, (column,).
        power: (row, column, range) in squared ADC counts; the imager's, valid until ``cubes_kept``
            more rotations are imaged.
        lost_fraction: share of (position, antenna) rows that were lost.
        stage_ms: wall time of each stage; ``motion`` includes its own range FFT.
        range_bin_m: from one range bin of ``power`` to the next.

    Where no image was wanted ``image``, ``points_m``, ``scan`` and ``power`` are empty.
    """

    start_ns: int
    end_ns: int
    middle_ns: int
    last_sample_ns: int
    direction: int
    ray_time_s: NDArray[np.float64]
    coverage: NDArray[np.float64]
    motion: MotionEstimate
    odometry: DeadReckoning
    image: RangeImage
    points_m: NDArray[np.float32]
    scan: RangeImage
    power: NDArray[np.float32]
    lost_fraction: float
    stage_ms: dict[str, float]
    range_bin_m: float

    @property
    def has_image(self) -> bool:
        """Whether beams were formed."""
        return self.power.size > 0


def turn_times_ns(rotation: Rotation) -> tuple[int, int]:
    """When the boresight passed the start of the turn and when it came round again."""
    start_ns = rotation.reference_ns + round(float(rotation.ray_time_s(1)[0]) * 1e9)
    return start_ns, start_ns + round(2e9 * np.pi / rotation.angular_speed_rad_s)


class Imager:
    """Images rotation after rotation; remembers leakage, the last velocity and the pose.

    Args:
        array: antenna array.
        settings: of the chain.
    """

    def __init__(
        self, array: AntennaArray | None = None, settings: ImagingSettings | None = None
    ) -> None:
        self.array = array if array is not None else AntennaArray()
        self.settings = settings if settings is not None else ImagingSettings()
        self._waveform: Waveform | None = None
        self._beamformer = Beamformer(
            self.array,
            self.settings.window_rad,
            workers=self.settings.workers,
            method=self.settings.beamforming,
            decimation=self.settings.decimation,
            device=self.settings.device,
        )
        self._estimator: MotionEstimator | HoughMotionEstimator
        if self.settings.motion_method == "hough":
            self._estimator = HoughMotionEstimator(self.array)
        else:
            self._estimator = MotionEstimator(self._beamformer, self.settings.motion)
        self._leakage = LeakageFilter(self.settings.leakage_rotations)
        self._mean_chirp: NDArray[np.complex64] | None = None
        self._odometer = Odometer()
        self._last_motion: PlanarMotion | None = None
        self._last_reference_ns = 0
        self._cubes: deque[NDArray[np.float32]] = deque(maxlen=self.settings.cubes_kept)

    @property
    def leakage(self) -> NDArray[np.complex64] | None:
        """Mean chirp (antenna, sample) that was taken off the last rotation."""
        return self._mean_chirp

    def image(
        self,
        rotation: Rotation,
        on_motion: Callable[[MotionEstimate], None] | None = None,
        yaw_rate: YawRatePrior | None = None,
        wanted: Callable[[], bool] | None = None,
    ) -> Panorama:
        """Image one rotation.

        Args:
            rotation: the turn.
            on_motion: called with the motion as soon as it is known, before the beams are formed.
            yaw_rate: what an IMU says of the rate of turn meanwhile.
            wanted: asked when the motion is known; False forms no beams, and the panorama holds the
                motion alone.
        """
        marks = {"start": time.perf_counter()}
        settings = self.settings
        if rotation.waveform != self._waveform:
            self._adopt(rotation.waveform)
        self._mean_chirp = self._leakage.update(rotation)
        reckoning = self._motion(rotation, yaw_rate)
        estimate = reckoning.estimate
        marks["motion"] = time.perf_counter()
        if on_motion is not None:
            on_motion(estimate)
        if wanted is not None and not wanted():
            return self._motion_alone(rotation, reckoning)
        profiles = range_profiles(rotation, self._mean_chirp, workers=settings.workers)
        marks["range_fft"] = time.perf_counter()
        power, coverage = self._beamformer.power(
            rotation, profiles, estimate.motion, settings.grid, self._buffer(profiles)
        )
        marks["beamforming"] = time.perf_counter()
        panorama = self._detect(rotation, reckoning, power, coverage)
        marks["detection"] = time.perf_counter()
        names = list(marks)
        panorama.stage_ms.update({b: 1e3 * (marks[b] - marks[a]) for a, b in pairwise(names)})
        return panorama

    def warm_up(self, waveform: Waveform) -> None:
        """Compile the inner loops on a rotation of noise; what this imager remembers stays as is.

        Takes seconds the first time on a machine and a fraction of one afterwards; without it the
        first rotations of a live radar would wait.
        """
        positions = round(1.5 * waveform.positions_per_s / WARM_UP_TURNS_PER_S)
        shape = (positions, waveform.virtual_antennas, waveform.samples_per_chirp, 2)
        noise = np.random.default_rng(0).integers(-50, 50, shape, dtype=np.int16)
        time_s = np.arange(positions) / waveform.positions_per_s
        azimuth_rad = 2 * np.pi * WARM_UP_TURNS_PER_S * time_s - np.pi / 2
        valid = np.ones(shape[:2], bool)
        rotation = Rotation(noise, valid, time_s, azimuth_rad, 0, 0.0, waveform)
        Imager(self.array, self.settings).image(rotation)

    def _adopt(self, waveform: Waveform) -> None:
        """Work at the wavelength of a waveform; what was learned with another one is forgotten."""
        self._waveform = waveform
        self.array = self.array.at_wavelength(waveform.wavelength_m)
        self._beamformer.array = self.array
        if isinstance(self._estimator, HoughMotionEstimator):
            self._estimator.array = self.array
        self._leakage.reset()
        self._last_motion = None

    def _buffer(self, profiles) -> NDArray[np.float32]:
        grid = self.settings.grid
        shape = (grid.rows, grid.columns, profiles.spectrum.shape[-1])
        if len(self._cubes) < self.settings.cubes_kept or self._cubes[0].shape != shape:
            self._cubes.append(np.empty(shape, np.float32))
        else:
            self._cubes.rotate(-1)
        return self._cubes[-1]

    def _motion(self, rotation: Rotation, yaw_rate: YawRatePrior | None) -> DeadReckoning:
        """Motion of a turn and where it led."""
        start_ns, end_ns = turn_times_ns(rotation)
        estimate = unknown_motion(PlanarMotion())
        if self.settings.estimate_motion:
            workers = self.settings.workers
            profiles = self._estimator.profiles(rotation, self._mean_chirp, workers)
            estimate = self._estimate(rotation, profiles, yaw_rate)
        if any(self.settings.motion_error_mps):
            estimate = replace(estimate, motion=self._wrong(estimate.motion))
        reckoning = self._odometer.update(estimate, start_ns, end_ns)
        motion = reckoning.estimate.motion
        self._last_motion = motion if estimate.reliable else None
        self._last_reference_ns = rotation.reference_ns
        return reckoning

    def _wrong(self, motion: PlanarMotion) -> PlanarMotion:
        ahead_mps, left_mps = self.settings.motion_error_mps
        return replace(motion, x_mps=motion.x_mps + ahead_mps, y_mps=motion.y_mps + left_mps)

    def _estimate(
        self, rotation: Rotation, profiles: RangeProfiles, yaw_rate: YawRatePrior | None
    ) -> MotionEstimate:
        first = self._last_motion
        earlier_s = (self._last_reference_ns - rotation.reference_ns) * 1e-9
        if first is not None and -LONGEST_MEMORY_S < earlier_s < 0:
            first = replace(first, reference_s=first.reference_s + earlier_s)
        else:
            first = None
        estimate = self._estimator.estimate(rotation, profiles, first, yaw_rate)
        if not estimate.reliable and first is not None:
            # a bad first guess can be why: start again from standing still
            estimate = self._estimator.estimate(rotation, profiles, None, yaw_rate)
        return estimate

    def _detect(
        self,
        rotation: Rotation,
        reckoning: DeadReckoning,
        power: NDArray[np.float32],
        coverage: NDArray[np.float64],
    ) -> Panorama:
        grid, detection = self.settings.grid, self.settings.detection
        bin_m = rotation.waveform.range_bin_m
        image = range_image(
            power, coverage, grid.elevation_rad, bin_m, self.array.radius_m, detection
        )
        scan = planar_scan(power, coverage, grid, bin_m, self.array.radius_m, detection)
        column_s, end_s = _column_times_s(rotation, grid.columns)
        poses = reckoning.estimate.motion.poses_from(end_s, column_s)
        points = points_from_range(image.range_m, grid, poses)
        return self._result(rotation, reckoning, coverage, image, points, scan, power)

    def _motion_alone(self, rotation: Rotation, reckoning: DeadReckoning) -> Panorama:
        nothing = np.empty((0, 0, 0), np.float32)
        no_image = RangeImage(nothing.reshape(0, 0), nothing.reshape(0, 0))
        coverage = np.zeros(self.settings.grid.columns)
        return self._result(rotation, reckoning, coverage, no_image, nothing, no_image, nothing)

    def _result(
        self,
        rotation: Rotation,
        reckoning: DeadReckoning,
        coverage: NDArray[np.float64],
        image: RangeImage,
        points_m: NDArray[np.float32],
        scan: RangeImage,
        power: NDArray[np.float32],
    ) -> Panorama:
        start_ns, end_ns = turn_times_ns(rotation)
        column_s, _ = _column_times_s(rotation, self.settings.grid.columns)
        return Panorama(
            start_ns,
            end_ns,
            (start_ns + end_ns) // 2,
            rotation.reference_ns + round(rotation.time_s[-1] * 1e9),
            rotation.direction,
            column_s - float(rotation.ray_time_s(1)[0]),
            coverage,
            reckoning.estimate,
            reckoning,
            image,
            points_m,
            scan,
            power,
            float(1 - rotation.valid.mean()),
            {},
            rotation.waveform.range_bin_m,
        )


def _column_times_s(rotation: Rotation, columns: int) -> tuple[NDArray[np.float64], float]:
    """When the boresight passed each column, and the end of the turn, in the rotation's time."""
    ray_s = rotation.ray_time_s(columns)
    column_s = np.empty(columns)
    column_s[(-rotation.direction * np.arange(columns)) % columns] = ray_s
    return column_s, float(ray_s[0] + 2 * np.pi / rotation.angular_speed_rad_s)
