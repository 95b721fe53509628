"""The panorama as it comes: a sector with every frame of the radar.

A whole turn's image shows some directions 0.6 s late. Here each frame (38 a second) completes a
sector of about 19 degrees, imaged at once with the motion that the sectors before it gave
(:mod:`panoradar_ros.imaging.rolling_motion`). Whole turns go on to be imaged beside it, in a thread
of its own, with the motion of all of each turn (:class:`panoradar_ros.imaging.pipeline.Imager`).

What comes out depends on the stamps in the data alone. What a turn says about the frames after it
(the rate of turn, the leakage) is used from the first frame on that ends ``motion_delay_s`` after
the turn's last sample, not when it happens to be ready; where it is late the sector waits for it,
which a replay at full speed does and a live stack with time to spare does not.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.motion_solver import YawRatePrior
from panoradar_ros.imaging.pipeline import LONGEST_MEMORY_S, Imager, Panorama
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.points import planar_scan, points_from_range, range_image
from panoradar_ros.imaging.profiles import range_profiles
from panoradar_ros.imaging.rolling_beams import RunningMedian, SectorBeamformer, SectorPower
from panoradar_ros.imaging.rolling_motion import MotionTracker
from panoradar_ros.imaging.rolling_sectors import (
    RollingSettings,
    RollingStatistics,
    SectorUpdate,
    in_groups,
)
from panoradar_ros.imaging.rotation import Positions, Rotation
from panoradar_ros.imaging.sector_kernels import strongest_of
from panoradar_ros.imaging.turntable import (
    AssemblySettings,
    AssemblyStatistics,
    LocatedBlock,
    PositionLocator,
    TurnCutter,
    smooth_azimuth,
)

TURNS_WAITING = 3
"""So many complete turns may be unfinished before frames have to wait."""

DIVERGED_MPS = 0.2
"""Where sectors and a turn differ by more about its middle, the sectors follow something that moves
or a mirror image, and begin anew with what the turn says."""

TRACKED_KEPT = 60
"""So many sectors' motions are remembered, 1.5 s: longer than a turn takes to be known."""


@dataclass(frozen=True)
class _TurnResult:
    """What a turn says about the frames after it."""

    motion: PlanarMotion | None
    reference_ns: int
    leakage: NDArray[np.complex64] | None
    waveform: Waveform


class RollingImager:
    """Radar frames and turntable angles in; sectors, and beside them whole turns, out.

    Use as a context manager or :meth:`close` it: it has threads.

    Args:
        imager: images whole turns; its settings are those of the sectors too.
        on_panorama: called with every whole turn, in another thread than the caller's. The turn's
            power is valid during the call.
        assembly: how positions become turns.
        settings: how sectors are formed.
        sectors: asked with every frame whether sectors are wanted; they begin anew when they are
            wanted again.
        turn_images: asked with every turn whether its image is wanted, or its motion alone.
        yaw_rate_of: what an IMU says of the rate of turn in a rotation; asked when it is complete.

    Attributes:
        statistics: of the turns.
        rolling_statistics: of the sectors.
        range_m: (row, column) newest range of every ray; NaN where none was formed yet.
    """

    def __init__(
        self,
        imager: Imager,
        on_panorama: Callable[[Panorama], None],
        assembly: AssemblySettings | None = None,
        settings: RollingSettings | None = None,
        *,
        sectors: Callable[[], bool] = lambda: True,
        turn_images: Callable[[], bool] = lambda: True,
        yaw_rate_of: Callable[[Rotation], YawRatePrior | None] | None = None,
    ) -> None:
        self.settings = settings if settings is not None else RollingSettings()
        assembly = assembly if assembly is not None else AssemblySettings()
        self.statistics = AssemblyStatistics()
        self.rolling_statistics = RollingStatistics()
        self._imager, self._on_panorama = imager, on_panorama
        self._sectors_wanted, self._turn_images_wanted = sectors, turn_images
        self._in_sectors = False
        self._yaw_rate_of = yaw_rate_of
        self._array = imager.array
        self._grid = self.settings.grid(imager.settings.grid)
        self.range_m = np.full((self._grid.rows, self._grid.columns), np.nan, np.float32)
        self._locator = PositionLocator(assembly, self.statistics)
        self._cutter = TurnCutter(assembly, self.statistics)
        self._sectors = SectorBeamformer(
            Beamformer(
                self._array,
                imager.settings.window_rad,
                workers=1,
                decimation=imager.settings.decimation,
            ),
            self._grid,
        )
        self._smoothing_limit_rad = assembly.smoothing_limit_rad
        self._recent: deque[LocatedBlock] = deque()
        self._last_rad = -np.inf
        self._reference_ns = 0
        self._noise = RunningMedian(self._grid.columns)
        self._tracker = MotionTracker(self.settings.tracker)
        self._tracked: deque[PlanarMotion] = deque(maxlen=TRACKED_KEPT)
        self._pending: deque[tuple[int, Future[_TurnResult]]] = deque()
        self._newest: _TurnResult | None = None
        self._worker = ThreadPoolExecutor(1, "turn")
        self._unfinished: deque[Future[None]] = deque()
        # two pools that each set the number of BLAS threads and put it back would undo each other
        self._blas = ThreadpoolController().limit(limits=1, user_api="blas")

    def __enter__(self) -> "RollingImager":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the turns that are being imaged and end the threads."""
        self._worker.shutdown(wait=True)
        self._blas.restore_original_limits()

    def add_angle(self, time_ns: int, angle_rad: float) -> None:
        """Add a turntable angle (wrapped or not) measured at a time."""
        self._locator.add_angle(time_ns, angle_rad)

    def add_block(self, block: PositionBlock) -> None:
        """Add the positions of one radar frame."""
        self._locator.add_block(block)

    def updates(self, most_frames: int = 1) -> Iterator[SectorUpdate]:
        """Sectors that became complete since the last call, in order.

        Args:
            most_frames: so many frames that are there at once share a sector. What a sector costs
                beside its rays is then paid once; which frames share one depends on when they came.

        Raises:
            Exception: what imaging a whole turn, or ``on_panorama``, raised.
        """
        for frames in in_groups(self._locator.located(), most_frames):
            update = None
            if self._sectors_wanted():
                update = self._sector(frames)
            else:
                self._pause()
            for located in frames:
                for turn in self._cutter.add(located):
                    self._start_turn(turn.rotation)
            if update is not None:
                self.rolling_statistics.sectors += 1
                yield update
        self._forget_finished_turns()

    @property
    def waits_for_angles(self) -> bool:
        """Whether a frame is there that no turntable angle covers yet."""
        return self._locator.waiting > 0

    @property
    def turns_unfinished(self) -> int:
        """Turns that are complete but not imaged yet; may be asked in any thread."""
        return sum(not one.done() for one in tuple(self._unfinished))

    def _forget_finished_turns(self) -> None:
        """Pass on the error that a turn ended with."""
        while self._unfinished and self._unfinished[0].done():
            self._unfinished.popleft().result()

    def _start_turn(self, rotation: Rotation) -> None:
        """Image a turn in the other thread."""
        while self.turns_unfinished >= TURNS_WAITING:
            self._unfinished.popleft().result()
        motion: Future[_TurnResult] = Future()
        yaw_rate = self._yaw_rate_of(rotation) if self._yaw_rate_of is not None else None

        def told(estimate: MotionEstimate) -> None:
            known = estimate.motion if estimate.reliable else None
            motion.set_result(
                _TurnResult(known, rotation.reference_ns, self._imager.leakage, rotation.waveform)
            )

        def work() -> None:
            try:
                self._on_panorama(
                    self._imager.image(rotation, told, yaw_rate, self._turn_images_wanted)
                )
            except BaseException as error:
                if not motion.done():
                    motion.set_exception(error)
                raise

        last_ns = rotation.reference_ns + round(rotation.time_s[-1] * 1e9)
        ready_ns = last_ns + round(self.settings.motion_delay_s * 1e9)
        self._pending.append((ready_ns, motion))
        self._unfinished.append(self._worker.submit(work))

    def _adopt_motions(self, until_ns: int, everything: bool) -> None:
        """Use what turns said whose time has come, waiting for it if need be."""
        while self._pending and (everything or self._pending[0][0] <= until_ns):
            _, future = self._pending.popleft()
            if not future.done():
                begin_s = time.monotonic()
                future.exception()
                self.rolling_statistics.late_motions += 1
                self.rolling_statistics.waited_s += time.monotonic() - begin_s
            result = future.result()
            self._hold_tracker(result)
            if result.motion is None and self._newest is not None:
                result = replace(
                    result, motion=self._newest.motion, reference_ns=self._newest.reference_ns
                )
            self._newest = result

    def _hold_tracker(self, turn: _TurnResult) -> None:
        """Let the tracker forget where a turn contradicts what it said in the turn's middle."""
        if turn.motion is None:
            return
        middle_s = (turn.reference_ns - self._reference_ns) * 1e-9 + turn.motion.reference_s
        before = [one for one in self._tracked if one.reference_s <= middle_s]
        if not before or self._tracker.motion is None:
            return
        then = before[-1].at(middle_s)
        of_turn = turn.motion
        if np.hypot(then.x_mps - of_turn.x_mps, then.y_mps - of_turn.y_mps) > DIVERGED_MPS:
            self._tracker.clear()
            self._tracked.clear()
            self.rolling_statistics.diverged += 1

    def _sector(self, frames: list[LocatedBlock]) -> SectorUpdate | None:
        """Add frames; the sector that they complete."""
        block = frames[-1].block
        begins = frames[0].starts_anew or not self._in_sectors
        if begins:
            self._in_sectors = True
            self._restart(frames[0].block)
        self._adopt_motions(int(block.time_ns[-1]), begins)
        azimuths, directions = zip(*map(self._azimuth, frames), strict=True)
        direction = directions[-1]
        positions = Positions(
            np.concatenate([one.block.samples for one in frames]),
            np.concatenate([one.block.valid for one in frames]),
            (np.concatenate([one.block.time_ns for one in frames]) - self._reference_ns) * 1e-9,
            np.concatenate(azimuths),
            block.waveform,
        )
        leakage = None
        if self._newest is not None and self._newest.waveform == block.waveform:
            leakage = self._newest.leakage
        profiles = range_profiles(positions, leakage)
        motion, known = self._motion_now(int(block.time_ns[-1]))
        settled = self._motion_of_turn(int(block.time_ns[-1])) is not None
        power = self._sectors.add(profiles, motion, block.waveform, direction, settled)
        if power is None:
            return None
        noise_power = self._noise.update(power.ray, power.power)
        if self._imager.settings.estimate_motion and len(power.ray) > 1:
            self._track(power, motion, direction, noise_power)
        return self._detect(power, motion, known, direction, block, noise_power)

    def _pause(self) -> None:
        self._in_sectors = False
        while len(self._pending) > 1:  # the newest turn is enough to begin with
            self._pending.popleft()

    def _restart(self, block: PositionBlock) -> None:
        """Begin a new sequence of frames."""
        self._sectors.beamformer.array = self._array.at_wavelength(block.waveform.wavelength_m)
        self._sectors.restart()
        self._recent.clear()
        self._last_rad = -np.inf
        self._reference_ns = int(block.time_ns[0])
        self._noise.clear()
        self._tracker.clear()
        self._tracked.clear()
        self.range_m[:] = np.nan

    def _azimuth(self, located: LocatedBlock) -> tuple[NDArray[np.float64], int]:
        """Azimuths of a frame's positions, smoothed with the past only, and the turntable's sense.

        The measured angles jitter by the serial line's latency; a quadratic through those of the
        last quarter of a second takes most of it away, where one fits.
        """
        block, recent = located.block, self._recent
        recent.append(located)
        oldest_ns = block.time_ns[-1] - round(self.settings.smoothing_s * 1e9)
        while recent[0].block.time_ns[-1] < oldest_ns:
            recent.popleft()
        azimuth_rad = smooth_azimuth(recent, block.time_ns, self._smoothing_limit_rad)
        if azimuth_rad is None:
            azimuth_rad = located.azimuth_rad
        direction = 1 if recent[-1].azimuth_rad[-1] > recent[0].azimuth_rad[0] else -1
        # two frames are smoothed by two curves: never let the second begin before the first ends
        turned = np.maximum(direction * azimuth_rad, self._last_rad)
        turned = np.maximum.accumulate(turned) + 1e-9 * np.arange(1, len(turned) + 1)
        self._last_rad = float(turned[-1])
        return np.asarray(direction * turned, np.float64), direction

    def _motion_now(self, now_ns: int) -> tuple[PlanarMotion, bool]:
        """The motion as the sectors before say it, else the newest turn; False if neither does.

        The rate of turn does not move a beam's moment: it is always the newest turn's.
        """
        of_turn, tracked = self._motion_of_turn(now_ns), self._tracker.motion
        now_s = (now_ns - self._reference_ns) * 1e-9
        if tracked is not None:
            yaw_rate = of_turn.yaw_rate_radps if of_turn is not None else 0.0
            return replace(tracked.at(now_s), yaw_rate_radps=yaw_rate), True
        if of_turn is not None:
            return of_turn, True
        return PlanarMotion(reference_s=now_s), False

    def _motion_of_turn(self, now_ns: int) -> PlanarMotion | None:
        """What the newest turn says of now; None where it says nothing or is too old."""
        newest = self._newest
        if newest is None or newest.motion is None:
            return None
        now_s = (now_ns - self._reference_ns) * 1e-9
        later_s = (newest.reference_ns - self._reference_ns) * 1e-9
        moved = replace(newest.motion, reference_s=newest.motion.reference_s + later_s)
        return moved.at(now_s) if 0 <= now_s - moved.reference_s < LONGEST_MEMORY_S else None

    def _track(
        self, sector: SectorPower, motion: PlanarMotion, direction: int, noise_power: float
    ) -> None:
        """Let the reflectors of a sector say how the robot moves."""
        power = np.empty(sector.power.shape[1:], np.float32)
        moment_s = np.empty_like(power)
        first = max(self.settings.tracker.first_bin - 3, 0)  # nearer ones neither vote nor dominate
        rows = np.array(self._sectors.voting_rows)
        strongest_of(sector.power, sector.moment_s, rows, first, power, moment_s)
        azimuth_rad = direction * sector.ray * 2 * np.pi / self._grid.columns
        rate = abs(azimuth_rad[-1] - azimuth_rad[0]) / (sector.time_s[-1] - sector.time_s[0])
        boresight_mps = self._array.radius_m * rate
        focused_mps2 = boresight_mps * rate / self._sectors.centre_follows
        error_mps = -focused_mps2 * moment_s / np.maximum(power, 1e-30)
        self._tracker.add(
            azimuth_rad, sector.time_s, power, error_mps, noise_power, motion, boresight_mps
        )
        if self._tracker.motion is not None:
            self._tracked.append(self._tracker.motion)

    def _detect(
        self,
        sector: SectorPower,
        motion: PlanarMotion,
        known: bool,
        direction: int,
        block: PositionBlock,
        noise_power: float,
    ) -> SectorUpdate:
        grid, detection = self._grid, self._imager.settings.detection
        radius_m, bin_m = self._array.radius_m, block.waveform.range_bin_m
        image = range_image(
            sector.power,
            sector.coverage,
            grid.elevation_rad,
            bin_m,
            radius_m,
            detection,
            noise_power,
            workers=1,
        )
        scan = planar_scan(
            sector.power, sector.coverage, grid, bin_m, radius_m, detection, noise_power
        )
        columns = (-direction * sector.ray) % grid.columns
        self.range_m[:, columns] = image.range_m
        first_s = float(sector.time_s[0])
        poses = motion.poses_from(first_s, sector.time_s)
        ray_ns = self._reference_ns + np.rint(sector.time_s * 1e9).astype(np.int64)
        return SectorUpdate(
            columns,
            ray_ns,
            direction,
            sector.coverage,
            image,
            points_from_range(image.range_m, grid, poses, columns),
            scan,
            motion.at(first_s),
            known,
            int(block.time_ns[-1]),
        )
