"""Beams of the rays whose window has just passed.

A ray needs the positions within half a window on both sides of it, so with 60 degrees at 2 rev/s it
is complete 42 ms after the boresight passed it, and 4 ms later the grid of azimuth under it
(:mod:`panoradar_ros.imaging.azimuth_stream`). Every frame of the radar completes some rays; the
windows of consecutive frames overlap by four fifths. What depends on the point of the grid alone,
its eight antennas combined towards every elevation, is therefore done once, when the frame comes,
and kept in a :class:`PlaneRing`; only the product with the azimuth kernel is left for the rays. The
beams are those of the whole turn under the same motion.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform
from panoradar_ros.imaging.aperture import (
    EDGE_SHARE,
    build_aperture,
    centre_follows,
    taper_table,
    windowed_weight,
)
from panoradar_ros.imaging.azimuth_stream import AzimuthStream, GridPiece, StreamPositions
from panoradar_ros.imaging.beam_plan import LEAST_COVERAGE, pair_steering
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles
from panoradar_ros.imaging.resampling import COARSEST_SPREAD, FINEST_SPREAD, AzimuthGrid
from panoradar_ros.imaging.sector_kernels import form_pairs

KEPT_RAD = np.deg2rad(10.0)
"""Azimuth kept before the window of the next ray: a turning robot shifts the window a little."""

MOST_RAYS = 32
"""Rays that share one band of the grid: more in one matrix product are faster, until the band is
much wider than one ray's window."""

VOTING_RAD = (0.0, np.deg2rad(12), np.deg2rad(24), np.deg2rad(36))
"""Elevations whose beams say how the robot moves: three beamwidths on each side of the horizon."""


class PlaneRing:
    """The newest grid points with their antennas combined, each elevation pair in one piece.

    The array holds more points than are needed; when it is full, those still needed move to its
    start. So the beamformer always finds a band of consecutive rows, and a point is moved about
    once in ten frames.

    Args:
        pairs: elevation pairs.
        columns: both elevations of a pair by range bins.
        capacity: points there is room for at first; it grows.

    Attributes:
        planes: (pair, 2 * capacity, columns) float32: row 2 p the real part of point p, row 2 p + 1
            the imaginary part.
        start: the oldest point that is kept.
        stop: the point after the newest one.
    """

    def __init__(self, pairs: int, columns: int, capacity: int = 512) -> None:
        self.start = self.stop = 0
        self._time_s = np.empty(capacity)
        self._azimuth_rad = np.empty(capacity)
        self.planes = np.empty((pairs, 2 * capacity, columns), np.float32)

    @property
    def capacity(self) -> int:
        """Points there is room for."""
        return len(self._time_s)

    @property
    def points(self) -> RangeProfiles:
        """The points that are kept as positions that were all received; without spectra."""
        kept = slice(self.start, self.stop)
        count = self.stop - self.start
        return RangeProfiles(
            np.empty((count, 0, 0), np.complex64),
            np.ones(count),
            self._time_s[kept],
            self._azimuth_rad[kept],
        )

    def append(self, piece: GridPiece) -> int:
        """Make room for points, whose planes are to be filled in, and return where the first is."""
        count = len(piece.time_s)
        if self.stop + count > self.capacity:
            self._move(count)
        first = self.stop
        self._time_s[first : first + count] = piece.time_s
        self._azimuth_rad[first : first + count] = piece.azimuth_rad
        self.stop += count
        return first

    def forget_before(self, unwrapped_rad: float, direction: int) -> None:
        """Drop points before an azimuth, in the sense in which the turntable turns."""
        kept = direction * self._azimuth_rad[self.start : self.stop]
        self.start += int(np.searchsorted(kept, direction * unwrapped_rad))

    def clear(self) -> None:
        """Drop all points."""
        self.start = self.stop = 0

    def _move(self, count: int) -> None:
        """Bring the points that are kept to the start, into a larger array if it must be."""
        kept = self.stop - self.start
        capacity = self.capacity
        while 2 * (kept + count) > capacity:
            capacity *= 2
        planes = self.planes
        if capacity > self.capacity:
            planes = np.empty((len(planes), 2 * capacity, planes.shape[2]), np.float32)
        planes[:, : 2 * kept] = self.planes[:, 2 * self.start : 2 * self.stop]
        self.planes = planes
        for name in ("_time_s", "_azimuth_rad"):
            values = np.empty(capacity)
            values[:kept] = getattr(self, name)[self.start : self.stop]
            setattr(self, name, values)
        self.start, self.stop = 0, kept


@dataclass(frozen=True)
class SectorPower:
    """Beams of consecutive rays, in the order of time.

    Attributes:
        ray: number of each ray, counted in the sense of the turntable from azimuth zero.
        time_s: (ray,) when the boresight passed it, in the time of the profiles.
        power: (row, ray, range) in squared ADC counts.
        coverage: (ray,) share of the window that was received.
        moment_s: (voting row, ray, range) Re(B1 conj B0) of the rows that say how the robot moves,
            with B1 the beam weighted by the time after the boresight; in squared counts times s.
    """

    ray: NDArray[np.int64]
    time_s: NDArray[np.float64]
    power: NDArray[np.float32]
    coverage: NDArray[np.float64]
    moment_s: NDArray[np.float32]


class SectorBeamformer:
    """Forms the rays of a grid as their windows become complete, each exactly once a turn.

    Args:
        beamformer: with workers of its own (a whole turn's tasks must not queue before a
            sector's); its decimation says how fine a grid of azimuth the rays are formed from.
        grid: rows and columns.
        voting_rad: elevations of which the nearest rows also give moments, on both sides of the
            horizon.

    Attributes:
        voting_rows: these rows.
        centre_follows: of the array and the window, see :func:`~.aperture.centre_follows`.
    """

    def __init__(
        self,
        beamformer: Beamformer,
        grid: PanoramaGrid,
        voting_rad: tuple[float, ...] = VOTING_RAD,
    ) -> None:
        self.beamformer = beamformer
        self._grid = grid
        upper = grid.elevation_rad[: grid.rows // 2]
        pairs = sorted({int(np.argmin(np.abs(upper - one))) for one in voting_rad})
        self.voting_rows = [row for pair in pairs for row in (pair, grid.rows - 1 - pair)]
        self._voting = np.full(grid.rows // 2, -1)
        self._voting[pairs] = 2 * np.arange(len(pairs))
        self._ring: PlaneRing | None = None
        self._next_ray: int | None = None
        self.restart()

    def restart(self) -> None:
        """What comes next does not follow what came before; the array may be another."""
        former, grid = self.beamformer, self._grid
        array = former.array
        spread = FINEST_SPREAD if former.decimation == 1 else COARSEST_SPREAD
        middle_cosine = float(np.cos(grid.elevation_rad[[0, grid.rows // 2]]).mean())
        self._stream = AzimuthStream(AzimuthGrid.for_array(array, spread), middle_cosine)
        upper = grid.elevation_rad[: grid.rows // 2]
        self._steering = pair_steering(array, upper)
        self._row_cosine = np.cos(upper).astype(np.float32)
        self._taper = taper_table(array, former.window_rad)
        self.centre_follows = centre_follows(array, former.window_rad)
        self._next_ray = None
        if self._ring is not None:
            self._ring.clear()

    def add(
        self,
        profiles: RangeProfiles,
        motion: PlanarMotion,
        waveform: Waveform,
        direction: int,
        settled: bool = True,
    ) -> SectorPower | None:
        """Add the positions of one frame and form the rays that they complete.

        Chirps come to the grid with the motion that is known when they come; the grid holds the
        kernels of a newer motion a few frames later too.

        Args:
            profiles: all positions of a frame that follows the one before.
            motion: of the robot, in the time of the profiles.
            waveform: of the frame.
            direction: +1 counter-clockwise, -1 clockwise.
            settled: False where the robot's velocity may be quite another, see
                :meth:`AzimuthStream.add`.

        Returns:
            The rays, or None where none is complete.
        """
        rows, bins = self._grid.rows, profiles.spectrum.shape[-1]
        former, ring = self.beamformer, self._ring
        if ring is None or ring.planes.shape[2] != 2 * bins:
            ring = self._ring = PlaneRing(rows // 2, 2 * bins)
        piece = self._stream.add(profiles, motion, former.array, waveform, direction, settled)
        stored = ring.append(piece)
        ray, time_s, block = self._complete_rays(ring.points, motion, direction)
        ray_rad = np.asarray(direction * self._step_rad * ray, np.float64)
        gain, coverage = self._gain(ray_rad, time_s, motion, direction)
        power = np.empty((rows, len(ray), bins), np.float32)
        moment_s = np.empty((len(self.voting_rows), len(ray), bins), np.float32)
        bands = self._bands(ring, ray_rad, motion, block)
        shares = np.linspace(0, rows // 2, former.workers + 1).astype(int)

        def some_pairs(task: int) -> None:
            form_pairs(
                shares[task], shares[task + 1], piece.pairs, *self._steering, ring.planes, stored,
                *bands, self._row_cosine, gain, self._voting, power, moment_s,
            )  # fmt: skip

        former.run(some_pairs, former.workers)
        if not len(ray):
            return None
        self._next_ray = int(ray[-1]) + 1
        oldest = self._next_ray * self._step_rad - former.window_rad / 2 - KEPT_RAD
        ring.forget_before(direction * oldest, direction)
        self._stream.forget_before(oldest)
        return SectorPower(ray, time_s, power, coverage, moment_s)

    @property
    def _step_rad(self) -> float:
        return 2 * np.pi / self._grid.columns

    def _complete_rays(
        self, points: RangeProfiles, motion: PlanarMotion, direction: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
        """Rays not formed yet whose whole window is there by now: numbers, times, rays of a band.

        Windows are counted in axes that stand still: the turning robot carries the turntable with
        it.
        """
        if not len(points.time_s):
            return np.empty(0, np.int64), np.empty(0), 0
        turned = direction * points.azimuth_rad
        first = self._next_ray
        if first is None:
            first = int(np.ceil(turned[0] / self._step_rad))
        ray = np.arange(first, int(np.floor(turned[-1] / self._step_rad)) + 1)
        time_s = np.interp(ray * self._step_rad, turned, points.time_s)
        fixed = ray * self._step_rad + direction * motion.yaw_rad(time_s)
        ends = turned[[0, -1]] + direction * motion.yaw_rad(points.time_s[[0, -1]])
        half = self.beamformer.window_rad / 2
        complete = fixed + half <= ends[1]
        if self._next_ray is None:
            complete &= fixed - half >= ends[0]
        ray, time_s = ray[complete], time_s[complete]
        bands = max(-(-len(ray) // MOST_RAYS), 1)
        block = len(ray) // bands
        return ray[: block * bands], time_s[: block * bands], block  # what is left over waits

    def _gain(
        self,
        ray_rad: NDArray[np.float64],
        time_s: NDArray[np.float64],
        motion: PlanarMotion,
        direction: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """One over the taper's sum over what was received, and the share of the window that is."""
        positions: StreamPositions | None = self._stream.positions
        assert positions is not None  # for the type checker: a frame was added
        total, coverage = windowed_weight(
            positions.turned_rad + direction * motion.yaw_rad(positions.time_s),
            positions.weight,
            positions.azimuth_share,
            direction * (ray_rad + motion.yaw_rad(time_s)),
            self._taper,
            self.beamformer.window_rad,
        )
        gain = np.where(coverage > LEAST_COVERAGE, 1 / np.maximum(total, 1e-12), 0.0)
        return gain.astype(np.float32), coverage

    def _bands(
        self, ring: PlaneRing, ray_rad: NDArray[np.float64], motion: PlanarMotion, block: int
    ) -> tuple[NDArray, NDArray, NDArray, int, NDArray[np.int64], int]:
        """Kernels' paths in turns, tapers, tapers times delay, block, first points and width."""
        former = self.beamformer
        if not len(ray_rad):
            nothing = np.empty((0, 0), np.float32)
            return nothing, nothing, nothing, 0, np.empty(0, np.int64), 0
        aperture = build_aperture(
            ring.points,
            ray_rad,
            motion,
            former.array,
            former.window_rad,
            block,
            EDGE_SHARE,
            normalised=False,
        )
        per_metre = np.float32(former.array.wavenumber_rad_per_m / (2 * np.pi))
        return (
            aperture.path_m * per_metre,
            aperture.taper,
            aperture.taper * aperture.delay_s,
            block,
            aperture.first + ring.start,
            aperture.width,
        )


@dataclass
class RunningMedian:
    """Median power over the last turn, from a sample of it: the noise that detections exceed."""

    columns: int
    _sample: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def clear(self) -> None:
        """Begin anew."""
        self._sample = np.empty((0, 0), np.float32)

    def update(self, ray: NDArray[np.int64], power: NDArray[np.float32]) -> float:
        """Replace the sample of some rays (row, ray, range) and return the median."""
        chosen = ray % 8 == 0
        if not chosen.any() and not len(self._sample):
            chosen[0] = True  # something to begin with
        sample = power[::8, chosen, ::4].transpose(1, 0, 2)
        taken = sample.reshape(len(sample), sample.shape[1] * sample.shape[2])
        kept = len(self._sample) and self._sample.shape[1] == taken.shape[1]
        before = self._sample if kept else taken[:0]
        self._sample = np.concatenate([before, taken])[-(self.columns // 8) :]
        return float(np.median(self._sample))
