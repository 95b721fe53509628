"""When each message of a bag is due: pacing, times that go back, and the clock that is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class PlaybackSchedule:
    """Maps the times of a bag to the time to wait, at a rate.

    Messages are due in the order in which they come. One whose time lies before that of an earlier
    message (the recorder's clock was set back) is due at once and counted; the playback clock stays
    where it is until the bag's times have caught up.

    Args:
        rate: Bag seconds per second, or None to wait for nothing.
        now_s: Monotonic seconds.

    Raises:
        ValueError: If ``rate`` is not a positive finite number.
    """

    def __init__(self, rate: float | None, now_s: Callable[[], float] = time.monotonic) -> None:
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"rate must be a positive number, got {rate}")
        self._rate = rate
        self._now_s = now_s
        self._start_s: float | None = None
        self._start_ns = 0
        self._latest_ns = 0
        self._told_ns = 0
        self.backward_count = 0
        self.largest_step_back_s = 0.0

    def wait_s(self, time_ns: int) -> float:
        """Seconds until the next message is due; 0 when it is late. Call once per message.

        Args:
            time_ns: Its time in the bag.
        """
        if self._start_s is None:
            self._start_s, self._start_ns, self._latest_ns = self._now_s(), time_ns, time_ns
        if time_ns < self._latest_ns:
            self.backward_count += 1
            step_s = (self._latest_ns - time_ns) * 1e-9
            self.largest_step_back_s = max(self.largest_step_back_s, step_s)
        self._latest_ns = max(self._latest_ns, time_ns)
        return self.remaining_s()

    def remaining_s(self) -> float:
        """Seconds until the latest message given to :meth:`wait_s` is due."""
        if self._rate is None or self._start_s is None:
            return 0.0
        due_s = self._start_s + (self._latest_ns - self._start_ns) * 1e-9 / self._rate
        return max(0.0, due_s - self._now_s())

    def clock_ns(self) -> int:
        """Bag time now, for ``/clock``: never goes back, never passes the next message."""
        remaining_ns = round(self.remaining_s() * (self._rate or 1.0) * 1e9)
        self._told_ns = max(self._told_ns, self._latest_ns - remaining_ns)
        return self._told_ns
