"""Joining radar positions and turntable angles by time into rotations.

Two steps: :class:`PositionLocator` gives azimuths to frames, :class:`TurnCutter` cuts what comes
out of it into turns. Everything here depends only on the stamps in the data, never on when it
arrived: replaying the same positions and angles gives the same rotations, bit for bit.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from panoradar_ros.imaging.rotation import Rotation


@dataclass(frozen=True)
class AssemblySettings:
    """How positions become rotations.

    Attributes:
        margin_rad: contiguous azimuth wanted before and after the turn (half the beam window).
        mounting_offset_rad: boresight azimuth in base_link where the turntable angle is zero.
        longest_gap_s: a longer hole in positions or angles starts again.
        longest_wait_s: positions wait so long for the angles that cover them, then are dropped;
            angles are kept so long without positions. Bounds the memory when one of the two stops.
        slowest_rad_s: below this the turntable counts as not turning.
        smoothing_limit_rad: the angles of a turn are replaced by a smooth curve (quadratic in time)
            if they stay within this distance of it; serial latency jitters more than a stepper
            does.

    Raises:
        ValueError: a value is out of its range.
    """

    margin_rad: float = np.deg2rad(31.0)
    mounting_offset_rad: float = 0.0
    longest_gap_s: float = 0.2
    longest_wait_s: float = 4.0
    slowest_rad_s: float = 2 * np.pi * 0.2
    smoothing_limit_rad: float = np.deg2rad(0.5)

    def __post_init__(self) -> None:
        if not 0 <= self.margin_rad <= np.pi / 2:
            raise ValueError(f"margin_rad must be in [0, pi/2], got {self.margin_rad}")
        for name in ("longest_gap_s", "longest_wait_s", "slowest_rad_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.smoothing_limit_rad < 0:
            raise ValueError(
                f"smoothing_limit_rad must not be negative, got {self.smoothing_limit_rad}"
            )


@dataclass
class AssemblyStatistics:
    """What happened to the data so far."""

    rotations: int = 0
    restarts: int = 0
    last_restart_reason: str = ""


@dataclass(frozen=True)
class LocatedBlock:
    """Positions of one frame and where the boresight pointed.

    Attributes:
        block: the positions.
        azimuth_rad: (position,) unwrapped boresight azimuth in base_link, interpolated between the
            measured angles.
        angle_ns: times of the measured angles from the last one before the block to the first one
            after it.
        angle_rad: these angles, unwrapped, as azimuths.
        starts_anew: whether it does not follow the block before (its azimuths may be turns apart).
    """

    block: PositionBlock
    azimuth_rad: NDArray[np.float64]
    angle_ns: NDArray[np.int64]
    angle_rad: NDArray[np.float64]
    starts_anew: bool


@dataclass
class PositionLocator:
    """Gives azimuths to radar frames as soon as the turntable angles that cover them are there.

    A frame waits for an angle at or after its last position, 10 ms at most at 100 Hz, instead of
    being placed by the rate of the angles before: so nothing is guessed, and what comes out does
    not depend on which of the two streams is ahead.

    Attributes:
        settings: limits.
        statistics: counters.
    """

    settings: AssemblySettings = field(default_factory=AssemblySettings)
    statistics: AssemblyStatistics = field(default_factory=AssemblyStatistics)

    def __post_init__(self) -> None:
        self._joint_ns: deque[int] = deque()
        self._joint_rad: deque[float] = deque()
        self._waiting: deque[PositionBlock] = deque()
        self._located: list[LocatedBlock] = []
        self._last: LocatedBlock | None = None
        self._direction = 0

    def add_angle(self, time_ns: int, angle_rad: float) -> None:
        """Add a turntable angle (wrapped or not) measured at a time."""
        if not np.isfinite(angle_rad):
            self.statistics.last_restart_reason = "a turntable angle is not finite"
            return
        if self._joint_ns:
            if time_ns == self._joint_ns[-1]:
                return
            if time_ns < self._joint_ns[-1]:
                self._angles_stepped_back(int(time_ns))
        if self._joint_ns:
            step = angle_rad - self._joint_rad[-1]
            if abs(step) > np.pi:
                step = (step + np.pi) % (2 * np.pi) - np.pi
            angle_rad = self._joint_rad[-1] + step
        self._joint_ns.append(int(time_ns))
        self._joint_rad.append(float(angle_rad))
        while self._later_than_wait(self._joint_ns[0], int(time_ns)):
            self._joint_ns.popleft()
            self._joint_rad.popleft()

    def add_block(self, block: PositionBlock) -> None:
        """Add the positions of one radar frame; they wait for the angles that cover them."""
        start_ns = int(block.time_ns[0])
        if self._waiting and start_ns < self._waiting[-1].time_ns[0]:
            # the clock stepped back: what still waits is of the time before, and so may the angles
            self._waiting.clear()
            if self._joint_ns and self._joint_ns[-1] - start_ns > 1e9 * self.settings.longest_gap_s:
                self._forget_angles()
            self._restart("radar time went backwards")
        self._waiting.append(block)
        while self._later_than_wait(int(self._waiting[0].time_ns[0]), start_ns):
            self._waiting.popleft()
            self._restart(f"no turntable angles for {self.settings.longest_wait_s:.0f} s")

    @property
    def waiting(self) -> int:
        """Frames that no angle covers yet."""
        return len(self._waiting)

    def located(self) -> list[LocatedBlock]:
        """Frames that got their azimuths since the last call, in order."""
        self._locate()
        located, self._located = self._located, []
        return located

    def _later_than_wait(self, earlier_ns: int, later_ns: int) -> bool:
        return later_ns - earlier_ns > 1e9 * self.settings.longest_wait_s

    def _angles_stepped_back(self, time_ns: int) -> None:
        """The clock of the angles stepped back: keep only positions that may be of the new time."""
        self._locate()
        self._restart("turntable time went backwards")
        self._forget_angles()
        latest_ns = time_ns + 1e9 * self.settings.longest_gap_s
        self._waiting = deque(b for b in self._waiting if b.time_ns[0] < latest_ns)

    def _forget_angles(self) -> None:
        self._joint_ns.clear()
        self._joint_rad.clear()

    def _restart(self, reason: str) -> None:
        """What comes next does not follow what was located before."""
        if self._last is not None:
            self.statistics.restarts += 1
        self.statistics.last_restart_reason = reason
        self._last = None
        self._direction = 0

    def _locate(self) -> None:
        """Give azimuths to the waiting blocks that the angles cover by now, in order.

        All checks happen here, not on arrival: what is found must not depend on which of the two
        streams came first.
        """
        while self._waiting and self._joint_ns:
            block = self._waiting[0]
            if block.time_ns[-1] > self._joint_ns[-1]:
                return
            self._waiting.popleft()
            blocks = [block]
            if self._last is not None:
                before = self._last.block
                problem = self._break_between(before, block)
                if problem:
                    self._restart(problem)
                else:
                    blocks = [*_lost_between(before, block), block]
            for one in blocks:
                self._place(one)

    def _break_between(self, before: PositionBlock, after: PositionBlock) -> str:
        """Why a block cannot follow another in one rotation; empty if it can."""
        gap_s = (int(after.time_ns[0]) - int(before.time_ns[-1])) * 1e-9
        if gap_s <= 0:
            return "radar time went backwards"
        if gap_s > self.settings.longest_gap_s:
            return f"no radar positions for {gap_s:.2f} s"
        if after.waveform != before.waveform:
            return "the waveform changed"
        if after.stream != before.stream:
            return "the capture device restarted"
        return ""

    def _place(self, block: PositionBlock) -> None:
        angle_ns, angle_rad, problem = self._angles_around(block)
        if problem:
            self._restart(problem)
            return
        azimuth_rad = np.interp(
            (block.time_ns - angle_ns[0]) * 1e-9, (angle_ns - angle_ns[0]) * 1e-9, angle_rad
        )
        if self._last is not None:
            direction = int(np.sign(azimuth_rad[-1] - self._last.azimuth_rad[-1]))
            if direction * self._direction < 0:
                self._restart("the turntable reversed")
            self._direction = direction or self._direction
        starts_anew = self._last is None
        self._last = LocatedBlock(block, azimuth_rad, angle_ns, angle_rad, starts_anew)
        self._located.append(self._last)

    def _angles_around(
        self, block: PositionBlock
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], str]:
        """Times and azimuths of the angles that enclose a block, and what is wrong with them."""
        times, angles = np.array(self._joint_ns), np.array(self._joint_rad)
        if times[0] > block.time_ns[0]:
            return times, angles, "radar positions before the first turntable angle"
        first = np.searchsorted(times, block.time_ns[0], side="right") - 1
        last = np.searchsorted(times, block.time_ns[-1], side="left")
        times, angles = times[first : last + 1], angles[first : last + 1]
        problem = ""
        gap_s = np.diff(times).max(initial=0) * 1e-9
        if gap_s > self.settings.longest_gap_s:
            problem = f"no turntable angles for {gap_s:.2f} s"
        elif abs(angles[-1] - angles[0]) < (
            self.settings.slowest_rad_s * (times[-1] - times[0]) * 1e-9
        ):
            problem = "the turntable does not turn"
        return times, angles + self.settings.mounting_offset_rad, problem


@dataclass(frozen=True)
class Turn:
    """A rotation and the frames that it was made of, in order."""

    rotation: Rotation
    blocks: tuple[LocatedBlock, ...]


@dataclass
class TurnCutter:
    """Cuts located frames into turns at azimuth zero, each with its margins on both sides.

    Attributes:
        settings: margins and smoothing.
        statistics: counters.
    """

    settings: AssemblySettings = field(default_factory=AssemblySettings)
    statistics: AssemblyStatistics = field(default_factory=AssemblyStatistics)

    def __post_init__(self) -> None:
        self._blocks: deque[LocatedBlock] = deque()
        self._next_turn: int | None = None

    def add(self, located: LocatedBlock) -> list[Turn]:
        """Add the next frame; return the turns that it completes, in order."""
        if located.starts_anew:
            self._blocks.clear()
            self._next_turn = None
        self._blocks.append(located)
        turns = []
        while self._is_complete():
            turn = self._take()
            if turn is not None:
                turns.append(turn)
        return turns

    def _direction(self) -> int:
        """+1 counter-clockwise, -1 clockwise, 0 where nothing turned yet."""
        return int(np.sign(self._blocks[-1].azimuth_rad[-1] - self._blocks[0].azimuth_rad[0]))

    def _is_complete(self) -> bool:
        direction, margin = self._direction(), self.settings.margin_rad
        if not direction:
            return False
        if self._next_turn is None:
            first = direction * self._blocks[0].azimuth_rad[0]
            self._next_turn = int(np.ceil((first + margin) / (2 * np.pi)))
        end = (self._next_turn + 1) * 2 * np.pi
        return bool(direction * self._blocks[-1].azimuth_rad[-1] >= end + margin)

    def _take(self) -> Turn | None:
        assert self._next_turn is not None  # for the type checker: a turn is complete
        direction, margin = self._direction(), self.settings.margin_rad
        start = self._next_turn * 2 * np.pi
        end = start + 2 * np.pi
        turn = self._build(direction, start - margin, end + margin, start)
        self._next_turn += 1
        keep_from = end - margin - np.deg2rad(5)
        while direction * self._blocks[0].azimuth_rad[-1] < keep_from:
            self._blocks.popleft()
        if turn is not None:
            self.statistics.rotations += 1
        return turn

    def _build(self, direction: int, low: float, high: float, start: float) -> Turn | None:
        blocks = tuple(
            one
            for one in self._blocks
            if direction * one.azimuth_rad[-1] >= low and direction * one.azimuth_rad[0] <= high
        )
        time_ns = np.concatenate([one.block.time_ns for one in blocks])
        azimuth_rad = smooth_azimuth(blocks, time_ns, self.settings.smoothing_limit_rad)
        if azimuth_rad is None:
            azimuth_rad = np.concatenate([one.azimuth_rad for one in blocks])
        reference_ns = int(time_ns[0])
        try:
            rotation = Rotation(
                np.concatenate([one.block.samples for one in blocks]),
                np.concatenate([one.block.valid for one in blocks]),
                (time_ns - reference_ns) * 1e-9,
                azimuth_rad,
                reference_ns,
                direction * start,
                blocks[0].block.waveform,
            )
        except ValueError as error:
            self.statistics.restarts += 1
            self.statistics.last_restart_reason = str(error)
            return None
        return Turn(rotation, blocks)


@dataclass
class RotationAssembler:
    """Collects positions and turntable angles; yields every complete turn once.

    Attributes:
        settings: margins and limits.
        statistics: counters.
    """

    settings: AssemblySettings = field(default_factory=AssemblySettings)
    statistics: AssemblyStatistics = field(default_factory=AssemblyStatistics)

    def __post_init__(self) -> None:
        self._locator = PositionLocator(self.settings, self.statistics)
        self._cutter = TurnCutter(self.settings, self.statistics)
        self.add_angle = self._locator.add_angle
        self.add_block = self._locator.add_block

    def rotations(self) -> list[Rotation]:
        """Turns that became complete since the last call, in order."""
        located = self._locator.located()
        return [turn.rotation for one in located for turn in self._cutter.add(one)]


def smooth_azimuth(
    blocks: Sequence[LocatedBlock], time_ns: NDArray[np.int64], limit_rad: float
) -> NDArray[np.float64] | None:
    """Azimuths at times by a quadratic through the measured angles around some frames.

    Args:
        blocks: frames that follow each other; their angles are used.
        time_ns: (position,) within or at the end of the frames.
        limit_rad: largest distance of an angle from the curve.

    Returns:
        (position,), or None where the angles are too few or no smooth curve fits them.
    """
    angle_ns, first = np.unique(np.concatenate([b.angle_ns for b in blocks]), return_index=True)
    measured = np.concatenate([b.angle_rad for b in blocks])[first]
    if len(measured) < 6:
        return None
    origin_ns = blocks[0].block.time_ns[0]
    angle_s = (angle_ns - origin_ns) * 1e-9
    middle_s = angle_s.mean()
    powers = np.vander((angle_s - middle_s) / np.ptp(angle_s), 3)
    curve = np.linalg.solve(powers.T @ powers, powers.T @ (measured - measured[0]))
    if np.abs(powers @ curve + measured[0] - measured).max() > limit_rad:
        return None
    wanted_s = (time_ns - origin_ns) * 1e-9
    at = np.vander((wanted_s - middle_s) / np.ptp(angle_s), 3)
    return np.asarray(at @ curve + measured[0], np.float64)


def _lost_between(before: PositionBlock, after: PositionBlock) -> list[PositionBlock]:
    """Frames that never came, as blocks of invalid positions at the times they must have had."""
    period_ns = round(before.waveform.frame_period_s * 1e9)
    missing = round((int(after.time_ns[0]) - int(before.time_ns[0])) / period_ns) - 1
    return [
        replace(
            before,
            frame_index=before.frame_index + step,
            samples=np.zeros_like(before.samples),
            valid=np.zeros_like(before.valid),
            time_ns=before.time_ns + step * period_ns,
        )
        for step in range(1, missing + 1)
    ]
