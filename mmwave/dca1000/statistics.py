"""What a receiver counts."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReceiverStatistics:
    """Counts since the receiver was made.

    Attributes:
        packets: packets whose samples were used.
        received_bytes: payload bytes that were used, each once.
        frames: frames handed out, with or without gaps.
        incomplete_frames: frames handed out with at least one gap.
        lost_bytes: bytes of those frames that never came, or came too late.
        late: packets that came out of order and were put where they belong.
        too_late: packets whose frame had already been handed out without them.
        duplicate: packets that had already been received.
        malformed: packets of an impossible size.
        foreign: packets from an address that is not the device's.
        restarts: times the device began to count from the start again.
        time_jumps: steps of the system's clock, or of the device's against it.
        kernel_dropped: packets the kernel dropped because the socket's buffer was full.
        megabits_per_s: payload rate over the last second or so.
        drift_ppm: how much slower (+) or faster (-) the device's crystal runs than this computer's
            clock.
    """

    packets: int = 0
    received_bytes: int = 0
    frames: int = 0
    incomplete_frames: int = 0
    lost_bytes: int = 0
    late: int = 0
    too_late: int = 0
    duplicate: int = 0
    malformed: int = 0
    foreign: int = 0
    restarts: int = 0
    time_jumps: int = 0
    kernel_dropped: int = 0
    megabits_per_s: float = 0.0
    drift_ppm: float = 0.0

    @property
    def lost_fraction(self) -> float:
        """Lost bytes over all bytes of the frames handed out; 0 before the first."""
        total = self.received_bytes + self.lost_bytes
        return self.lost_bytes / total if total else 0.0


class RecentLoss:
    """Loss over the last few seconds: what is lost now, not what was lost since the start.

    Args:
        window_s: time it is counted over; up to one update's period more.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, window_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._past = deque([(clock(), ReceiverStatistics())])

    def update(self, statistics: ReceiverStatistics) -> float:
        """Lost bytes over all bytes since the window began; 0 when no frame was handed out.

        Args:
            statistics: counts as they are now; call it about once a second.
        """
        now_s = self._clock()
        self._past.append((now_s, statistics))
        while len(self._past) > 1 and self._past[1][0] <= now_s - self._window_s:
            self._past.popleft()
        before = self._past[0][1]
        return ReceiverStatistics(
            received_bytes=statistics.received_bytes - before.received_bytes,
            lost_bytes=statistics.lost_bytes - before.lost_bytes,
        ).lost_fraction
