"""Beams of the rays whose window has just passed.

A ray needs the positions within half a window on both sides of it, so with 60 degrees at 2 rev/s it
is complete 41.7 ms after the boresight passed it. Every frame of the radar completes some rays; the
windows of consecutive frames overlap by four fifths. What depends on the position alone, its eight
antennas combined towards every elevation, is therefore done once, when the frame comes, and kept in
a :class:`PlaneRing`; only the product with the azimuth kernel is left for the rays.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.aperture import Aperture, build_aperture
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.position_kernels import store_power
from panoradar_ros.imaging.profiles import RangeProfiles

KEPT_RAD = np.deg2rad(10.0)
"""Azimuth kept before the window of the next ray: a turning robot shifts the window a little."""


PAIRS_PER_TASK = 4
"""Elevation pairs that a worker takes at once: what they share is worked out once."""

VOTING_RAD = (0.0, np.deg2rad(12), np.deg2rad(24), np.deg2rad(36))
"""Elevations whose beams say how the robot moves: three beamwidths on each side of the horizon."""


class PlaneRing:
    """The newest positions with their antennas combined, each elevation pair in one piece.

    The array holds more positions than are needed; when it is full, those still needed move to its
    start. So the beamformer always finds a band of consecutive rows, and a position is moved about
    once.

    Args:
        pairs: elevation pairs.
        columns: both elevations of a pair by range bins.
        capacity: positions there is room for at first; it grows.

    Attributes:
        planes: (pair, 2 * capacity, columns) float32: real rows of all positions, then imaginary.
        start: row of the oldest position that is kept.
        stop: row after the newest one.
    """

    def __init__(self, pairs: int, columns: int, capacity: int = 512) -> None:
        self.start = self.stop = 0
        self._time_s = np.empty(capacity)
        self._azimuth_rad = np.empty(capacity)
        self._weight = np.empty(capacity)
        self.planes = np.empty((pairs, 2 * capacity, columns), np.float32)

    @property
    def capacity(self) -> int:
        """Positions there is room for."""
        return len(self._time_s)

    @property
    def positions(self) -> RangeProfiles:
        """Times, azimuths and weights of the positions that are kept; their spectra are not."""
        kept = slice(self.start, self.stop)
        nothing = np.empty((self.stop - self.start, 0, 0), np.complex64)
        return RangeProfiles(
            nothing, self._weight[kept], self._time_s[kept], self._azimuth_rad[kept]
        )

    def append(self, profiles: RangeProfiles) -> None:
        """Make room for positions; :meth:`store` their planes afterwards, pair by pair."""
        count = len(profiles.time_s)
        if self.stop + count > self.capacity:
            self._move(count)
        added = slice(self.stop, self.stop + count)
        self._time_s[added] = profiles.time_s
        self._azimuth_rad[added] = profiles.azimuth_rad
        self._weight[added] = profiles.weight
        self.stop += count

    def store(self, pair: int, planes: NDArray[np.float32]) -> None:
        """Keep the planes (2 * position, columns) of the positions appended last."""
        count = len(planes) // 2
        imaginary = self.capacity + self.stop
        self.planes[pair, self.stop - count : self.stop] = planes[:count]
        self.planes[pair, imaginary - count : imaginary] = planes[count:]

    def forget_before(self, unwrapped_rad: float, direction: int) -> None:
        """Drop positions before an azimuth, in the sense in which the turntable turns."""
        kept = direction * self._azimuth_rad[self.start : self.stop]
        self.start += int(np.searchsorted(kept, direction * unwrapped_rad))

    def clear(self) -> None:
        """Drop all positions."""
        self.start = self.stop = 0

    def _move(self, count: int) -> None:
        """Bring the positions that are kept to the start, into a larger array if it must be."""
        kept = self.stop - self.start
        capacity = self.capacity
        while 2 * (kept + count) > capacity:
            capacity *= 2
        planes = self.planes
        if capacity > self.capacity:
            planes = np.empty((len(planes), 2 * capacity, planes.shape[2]), np.float32)
        for source, target in ((0, 0), (self.capacity, capacity)):
            planes[:, target : target + kept] = self.planes[
                :, source + self.start : source + self.stop
            ]
        self.planes = planes
        for name in ("_time_s", "_azimuth_rad", "_weight"):
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
            sector's); rays are formed in multiples of its block.
        grid: rows and columns.
        voting_rad: elevations of which the nearest rows also give moments, on both sides of the
            horizon.

    Attributes:
        voting_rows: these rows.
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
        self._ring: PlaneRing | None = None
        self._next_ray: int | None = None

    def restart(self) -> None:
        """What comes next does not follow what came before."""
        self._next_ray = None
        if self._ring is not None:
            self._ring.clear()

    def add(
        self,
        profiles: RangeProfiles,
        motion: PlanarMotion,
        transmitter_offset_s: NDArray[np.float64],
        direction: int,
    ) -> SectorPower | None:
        """Add the positions of one frame and form the rays that they complete.

        The planes of a position are made with the motion that is known when it comes. A newer
        motion a few frames later changes only the phase between the transmitters' turns in them,
        by 0.3 rad per m/s.

        Args:
            profiles: positions that follow the ones before.
            motion: of the robot, in the time of the profiles.
            transmitter_offset_s: when each transmitter samples.
            direction: +1 counter-clockwise, -1 clockwise.

        Returns:
            The rays, or None where no block of them is complete.
        """
        rows, bins = self._grid.rows, profiles.spectrum.shape[-1]
        ring = self._ring
        if ring is None or ring.planes.shape[2] != 2 * bins:
            ring = self._ring = PlaneRing(rows // 2, 2 * bins)
        ring.append(profiles)
        ray, time_s = self._complete_rays(motion, direction)
        aperture = None
        if len(ray):
            aperture = build_aperture(
                ring.positions,
                np.asarray(direction * self._step_rad * ray, np.float64),
                motion,
                self.beamformer.array,
                self.beamformer.window_rad,
                self.beamformer.block,
            )
            aperture = replace(aperture, first=aperture.first + ring.start)
        power = np.empty((rows, len(ray), bins), np.float32)
        moment_s = np.empty((len(self.voting_rows), len(ray), bins), np.float32)

        def some_pairs(task: int) -> None:
            chosen = np.arange(rows // 2)[task * PAIRS_PER_TASK : (task + 1) * PAIRS_PER_TASK]
            upper = self._grid.elevation_rad[chosen]
            elevations = np.stack([upper, -upper], axis=1).reshape(-1)
            planes = self.beamformer.elevation_planes(
                profiles, elevations, motion, transmitter_offset_s
            )
            for index, row in enumerate(chosen.tolist()):
                ring.store(row, planes[:, index * 2 * bins : (index + 1) * 2 * bins])
                if aperture is not None:
                    self._form(ring.planes[row], aperture, row, power, moment_s)

        self.beamformer.run(some_pairs, -(-rows // 2 // PAIRS_PER_TASK))
        if aperture is None:
            return None
        self._next_ray = int(ray[-1]) + 1
        oldest = self._next_ray * self._step_rad - self.beamformer.window_rad / 2 - KEPT_RAD
        ring.forget_before(direction * oldest, direction)
        return SectorPower(ray, time_s, power, aperture.coverage, moment_s)

    @property
    def _step_rad(self) -> float:
        return 2 * np.pi / self._grid.columns

    def _complete_rays(
        self, motion: PlanarMotion, direction: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers and times of the rays not formed yet whose whole window is there by now.

        Windows are counted in axes that stand still: the turning robot carries the turntable with
        it.
        """
        assert self._ring is not None  # for the type checker: positions were appended
        positions = self._ring.positions
        turned = direction * positions.azimuth_rad
        first = self._next_ray
        if first is None:
            first = int(np.ceil(turned[0] / self._step_rad))
        ray = np.arange(first, int(np.floor(turned[-1] / self._step_rad)) + 1)
        time_s = np.interp(ray * self._step_rad, turned, positions.time_s)
        fixed = ray * self._step_rad + direction * motion.yaw_rad(time_s)
        ends = turned[[0, -1]] + direction * motion.yaw_rad(positions.time_s[[0, -1]])
        half = self.beamformer.window_rad / 2
        complete = fixed + half <= ends[1]
        if self._next_ray is None:
            complete &= fixed - half >= ends[0]
        ray, time_s = ray[complete], time_s[complete]
        whole = len(ray) // self.beamformer.block * self.beamformer.block
        return ray[:whole], time_s[:whole]

    def _form(
        self,
        planes: NDArray[np.float32],
        aperture: Aperture,
        row: int,
        power: NDArray[np.float32],
        moment_s: NDArray[np.float32],
    ) -> None:
        """Power of one elevation pair, and its moment where the pair votes."""
        beamformer, rows, block = self.beamformer, self._grid.rows, self.beamformer.block
        wavenumber = beamformer.array.wavenumber_rad_per_m * np.cos(self._grid.elevation_rad[row])
        voting = self.voting_rows.index(row) if row in self.voting_rows else None
        delayed = aperture.taper * aperture.delay_s if voting is not None else None
        for index in range(len(aperture.first)):
            rays = np.arange(index * block, (index + 1) * block)
            zeroth = beamformer.beam_block(planes, aperture, index, wavenumber, aperture.taper)
            store_power(zeroth, rays, row, rows - 1 - row, power)
            if delayed is None or voting is None:
                continue
            first = beamformer.beam_block(planes, aperture, index, wavenumber, delayed)
            product = zeroth[:block] * first[:block] + zeroth[block:] * first[block:]
            both = product.reshape(block, 2, -1).transpose(1, 0, 2)
            moment_s[voting : voting + 2, rays[0] : rays[-1] + 1] = both


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
        taken = power[::8, ::8, ::4].transpose(1, 0, 2).reshape(len(ray[::8]), -1)
        kept = len(self._sample) and self._sample.shape[1] == taken.shape[1]
        before = self._sample if kept else taken[:0]
        self._sample = np.concatenate([before, taken])[-(self.columns // 8) :]
        return float(np.median(self._sample))
