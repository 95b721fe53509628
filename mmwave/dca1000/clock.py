"""When each position was measured, from when its packets arrived.

Packets can only be late: the network and the kernel add delay, never take any away. Let ``n`` be
the nominal time, counted by the radar's crystal from the stream's start, at which the last byte of
a packet had been sampled, and ``y = arrival - n``. All points ``(n, y)`` lie on or above a line
whose height is the stream's start and whose slope is the drift of the radar's crystal against this
computer's clock::

    y |      .   .
      |  .  .  .    . .   .       each point: the least delayed packet of a short time
      |  . .__._.___.__.--'---    the line: supports the lower convex hull mid-window
      +----------------------- n

The line is the edge of the lower convex hull above the mean of ``n``, which minimises the summed
distance to the points (Moon, Skelly, Towsley, "Estimation and removal of clock skew from network
delay measurements", INFOCOM 1999; Zhang, Liu, Xia, "Clock synchronization algorithms for network
measurements", INFOCOM 2002).
"""

import logging
from collections import deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

_NS = 1e9


def byte_ready_s(waveform: Waveform, packet_end: NDArray[np.int64]) -> NDArray[np.float64]:
    """Time after the frame's start at which a byte of it has been sampled.

    The radar hands a chirp's samples to the card when the chirp is sampled: a byte is ready when
    the sampling of its chirp ends.

    Args:
        waveform: the radar's settings.
        packet_end: bytes from the frame's start to the end of the packet, at least 1, any shape.

    Returns:
        Seconds, same shape.
    """
    chirp_bytes = waveform.receivers * waveform.samples_per_chirp * 4
    chirp = (packet_end - 1) // chirp_bytes
    sampled_s = waveform.idle_s + waveform.adc_start_s + waveform.sampling_s
    return np.asarray(chirp * waveform.chirp_interval_s + sampled_s, np.float64)


class AcquisitionClock:
    """Maps frames to the computer's clock by the lower envelope of the packets' delays.

    Args:
        waveform: the radar's settings.
        latency_s: constant time between sampling and arrival of the least delayed packet.
        window_s: how much of the past the line is fitted to.
        max_drift: largest believable drift of the crystals against each other.
        jump_s: a packet this much too early, or all packets this much too late for a while, mean
            that the device or the clock jumped.
    """

    _BIN_S = 0.1
    _LATE_S = 1.0
    _FIRST_POINTS = 4

    def __init__(
        self,
        waveform: Waveform,
        *,
        latency_s: float = 0.0,
        window_s: float = 10.0,
        max_drift: float = 200e-6,
        jump_s: float = 0.02,
    ) -> None:
        self.waveform = waveform
        self.jumps = 0
        self._latency_s = latency_s
        self._window_s = window_s
        self._max_drift = max_drift
        self._jump_s = jump_s
        self._offsets_s = waveform.position_offsets_s
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next packets belong to a new stream."""
        self._reference_ns: int | None = None
        self._points: deque[tuple[float, float]] = deque()
        self._offset_s = 0.0
        self._drift = 0.0
        self._last_ns: int | None = None
        self._late: deque[tuple[float, float]] = deque()

    @property
    def drift_ppm(self) -> float:
        """How much longer the device's second is than the computer's, in parts per million."""
        return self._drift * 1e6

    def observe(
        self, frame_index: int, packet_end: NDArray[np.int64], arrival_ns: NDArray[np.int64]
    ) -> bool:
        """Take in when the packets of a frame arrived.

        Args:
            frame_index: number of the frame in its stream.
            packet_end: bytes from the frame's start to the end of each packet, shape (packet,).
            arrival_ns: when each arrived, shape (packet,); 0 where unknown.

        Returns:
            Whether the device's time jumped against the computer's; the estimate then starts anew.
        """
        known = arrival_ns > 0
        if not known.any():
            return False
        if self._reference_ns is None:
            self._reference_ns = int(arrival_ns[known].min())
        nominal_s = frame_index * self.waveform.frame_period_s + byte_ready_s(
            self.waveform, packet_end[known]
        )
        delay_s = (arrival_ns[known] - self._reference_ns) / _NS - nominal_s - self._latency_s
        least = int(np.argmin(delay_s))
        point = float(nominal_s[least]), float(delay_s[least])
        if not self._points:
            self._points.append(point)
            self._fit()
            return False
        if len(self._points) < self._FIRST_POINTS and point[1] < self._points[-1][1] - self._jump_s:
            # the very first packets were held up: not a jump, a bad beginning
            self._points.clear()
            self._late.clear()
        elif self._jumped(point):
            self._start_anew(point)
            return True
        if not self._late:  # what was held up says nothing about the line
            self._add(point)
            self._fit()
        return False

    def position_times_ns(self, frame_index: int) -> NDArray[np.int64]:
        """Times of a frame's positions on the clock of the arrivals, strictly increasing over
        calls.

        Args:
            frame_index: number of the frame in its stream.

        Returns:
            int64, shape (position,). Before the first observation the stream starts at 0.
        """
        nominal_s = frame_index * self.waveform.frame_period_s + self._offsets_s
        elapsed_s = nominal_s + self._offset_s + self._drift * nominal_s
        times = (self._reference_ns or 0) + np.round(elapsed_s * _NS).astype(np.int64)
        if self._last_ns is not None and times[0] <= self._last_ns:
            # a better estimate may lie before what was said already: never go back
            floor = self._last_ns + 1 + np.arange(len(times))
            times = np.maximum(times, floor)
        self._last_ns = int(times[-1])
        return times

    def _expected_s(self, nominal_s: float) -> float:
        return self._offset_s + self._drift * nominal_s

    def _jumped(self, point: tuple[float, float]) -> bool:
        excess_s = point[1] - self._expected_s(point[0])
        if excess_s < -self._jump_s:
            return True
        if excess_s < self._jump_s:
            self._late.clear()
            return False
        # A sender that was held up catches up, so that its delay falls; a device that paused leaves
        # the delay where it is.
        self._late.append((point[0], excess_s))
        while point[0] - self._late[0][0] > self._LATE_S:
            self._late.popleft()
        span_s = point[0] - self._late[0][0]
        excesses_s = [excess for _, excess in self._late]
        steady = max(excesses_s) - min(excesses_s) < self._jump_s / 10
        return steady and span_s > self._LATE_S - 2 * self.waveform.frame_period_s

    def _start_anew(self, point: tuple[float, float]) -> None:
        jump_s = point[1] - self._expected_s(point[0])
        logger.warning(
            "The radar's time jumped by %+.3f s against this computer's clock: the clock was set "
            "or the radar paused. Position times start anew.",
            jump_s,
        )
        self.jumps += 1
        drift = self._drift
        self._late.clear()
        self._points.clear()
        self._points.append(point)
        self._last_ns = None
        self._fit()
        self._drift = drift
        self._offset_s = point[1] - drift * point[0]

    def _add(self, point: tuple[float, float]) -> None:
        last = self._points[-1] if self._points else (-np.inf, np.inf)
        if last[0] // self._BIN_S == point[0] // self._BIN_S:
            if point[1] < last[1]:
                self._points[-1] = point
        else:
            self._points.append(point)
        while point[0] - self._points[0][0] > self._window_s:
            self._points.popleft()

    def _fit(self) -> None:
        nominal_s, delay_s = np.array(self._points).T
        middle_s = nominal_s.mean()
        hull = _lower_hull(list(self._points))
        drift = 0.0
        for (left_s, low_s), (right_s, high_s) in pairwise(hull):
            if left_s <= middle_s <= right_s:
                drift = (high_s - low_s) / (right_s - left_s)
        # a short window says little about the slope: let it grow into it
        span_s = nominal_s[-1] - nominal_s[0]
        limit = self._max_drift * min(1.0, span_s / (self._window_s / 5))
        self._drift = float(np.clip(drift, -limit, limit))
        self._offset_s = float(np.min(delay_s - self._drift * nominal_s))


def _lower_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Lower convex hull of points sorted by their first coordinate (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for point in points:
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2], hull[-1]
            if (x1 - x0) * (point[1] - y0) > (y1 - y0) * (point[0] - x0):
                break
            hull.pop()
        hull.append(point)
    return hull
