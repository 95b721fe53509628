"""Joining radar positions and turntable angles by time into rotations.

Everything here depends only on the stamps in the data, never on when it arrived: replaying the same
positions and angles gives the same rotations, bit for bit.
"""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform
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


@dataclass
class _Chunk:
    """Positions of one block whose angles are known."""

    block: PositionBlock
    azimuth_rad: NDArray[np.float64]


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
        self._joint_ns: deque[int] = deque()
        self._joint_rad: deque[float] = deque()
        self._waiting: deque[PositionBlock] = deque()
        self._chunks: deque[_Chunk] = deque()
        self._next_turn: int | None = None

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
        while not self._chunks and self._later_than_wait(self._joint_ns[0], int(time_ns)):
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

    def rotations(self) -> list[Rotation]:
        """Turns that became complete since the last call, in order."""
        self._locate()
        complete = []
        while (rotation := self._take()) is not None:
            complete.append(rotation)
        return complete

    def _restart(self, reason: str) -> None:
        """Forget the positions of a turn that cannot become complete any more."""
        if self._chunks:
            self.statistics.restarts += 1
        self.statistics.last_restart_reason = reason
        self._chunks.clear()
        self._next_turn = None

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
            if self._chunks:
                before = self._chunks[-1].block
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
        self._forget_angles_before(int(block.time_ns[0]))
        problem = self._angles_problem(block)
        if problem:
            self._restart(problem)
            return
        azimuth_rad = self._interpolate(block.time_ns)
        if self._reversed(azimuth_rad):
            self._restart("the turntable reversed")
        self._chunks.append(_Chunk(block, azimuth_rad))

    def _forget_angles_before(self, time_ns: int) -> None:
        """Keep the angles that the buffered positions and this time still need, and one before."""
        oldest = int(self._chunks[0].block.time_ns[0]) if self._chunks else time_ns
        while len(self._joint_ns) > 2 and self._joint_ns[1] <= min(oldest, time_ns):
            self._joint_ns.popleft()
            self._joint_rad.popleft()

    def _angles_problem(self, block: PositionBlock) -> str:
        if self._joint_ns[0] > block.time_ns[0]:
            return "radar positions before the first turntable angle"
        times = np.array(self._joint_ns)
        first = np.searchsorted(times, block.time_ns[0], side="right") - 1
        last = np.searchsorted(times, block.time_ns[-1], side="left")
        gap_s = np.diff(times[first : last + 1]).max(initial=0) * 1e-9
        if gap_s > self.settings.longest_gap_s:
            return f"no turntable angles for {gap_s:.2f} s"
        turned = abs(self._joint_rad[last] - self._joint_rad[first])
        if turned < self.settings.slowest_rad_s * (times[last] - times[first]) * 1e-9:
            return "the turntable does not turn"
        return ""

    def _interpolate(self, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        origin = self._joint_ns[0]
        joint_s = (np.array(self._joint_ns) - origin) * 1e-9
        angle = np.interp((time_ns - origin) * 1e-9, joint_s, np.array(self._joint_rad))
        return angle + self.settings.mounting_offset_rad

    def _reversed(self, azimuth_rad: NDArray[np.float64]) -> bool:
        if not self._chunks:
            return False
        previous = self._chunks[-1].azimuth_rad
        before = previous[-1] - self._chunks[0].azimuth_rad[0]
        now = azimuth_rad[-1] - previous[-1]
        return before * now < 0

    def _take(self) -> Rotation | None:
        if not self._chunks:
            return None
        first, last = self._chunks[0].azimuth_rad[0], self._chunks[-1].azimuth_rad[-1]
        if first == last:
            return None
        direction = 1 if last > first else -1
        turn = 2 * np.pi
        margin = self.settings.margin_rad
        if self._next_turn is None:
            self._next_turn = int(np.ceil((direction * first + margin) / turn))
        start = self._next_turn * turn
        if direction * last < start + turn + margin:
            return None
        rotation = self._build(direction, start - margin, start + turn + margin, start)
        self._next_turn += 1
        keep_from = start + turn - margin
        while direction * self._chunks[0].azimuth_rad[-1] < keep_from - np.deg2rad(5):
            self._chunks.popleft()
        if rotation is not None:
            self.statistics.rotations += 1
        return rotation

    def _build(self, direction: int, low: float, high: float, start: float) -> Rotation | None:
        chunks = [
            c
            for c in self._chunks
            if direction * c.azimuth_rad[-1] >= low and direction * c.azimuth_rad[0] <= high
        ]
        time_ns = np.concatenate([c.block.time_ns for c in chunks])
        azimuth_rad = self._smooth(time_ns, np.concatenate([c.azimuth_rad for c in chunks]))
        waveform: Waveform = chunks[0].block.waveform
        reference_ns = int(time_ns[0])
        try:
            return Rotation(
                np.concatenate([c.block.samples for c in chunks]),
                np.concatenate([c.block.valid for c in chunks]),
                (time_ns - reference_ns) * 1e-9,
                azimuth_rad,
                reference_ns,
                direction * start,
                waveform,
            )
        except ValueError as error:
            self.statistics.restarts += 1
            self.statistics.last_restart_reason = str(error)
            return None

    def _smooth(
        self, time_ns: NDArray[np.int64], azimuth_rad: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """A quadratic through the turn's measured angles if it fits, else the interpolated ones."""
        joint_ns = np.array(self._joint_ns)
        first = max(np.searchsorted(joint_ns, time_ns[0], side="right") - 1, 0)
        last = np.searchsorted(joint_ns, time_ns[-1], side="left") + 1
        measured = np.array(self._joint_rad)[first:last] + self.settings.mounting_offset_rad
        joint_s = (joint_ns[first:last] - time_ns[0]) * 1e-9
        if len(measured) < 6:
            return azimuth_rad
        curve = np.polynomial.Polynomial.fit(joint_s, measured, 2)
        if np.abs(curve(joint_s) - measured).max() > self.settings.smoothing_limit_rad:
            return azimuth_rad
        return curve((time_ns - time_ns[0]) * 1e-9)


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
