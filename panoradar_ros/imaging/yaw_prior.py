"""The mean rate of turn over a rotation from a gyroscope's stamped readings."""

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class YawRatePrior:
    """What is known of the rate of turn from elsewhere, for example from an IMU.

    Attributes:
        rate_radps: mean over the turn.
        variance: in (rad/s)^2.

    Raises:
        ValueError: the rate is not finite or the variance not positive.
    """

    rate_radps: float
    variance: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.rate_radps):
            raise ValueError(f"rate_radps must be finite, got {self.rate_radps}")
        if not (np.isfinite(self.variance) and self.variance > 0):
            raise ValueError(f"variance must be positive, got {self.variance}")


@dataclass(frozen=True)
class YawRateSettings:
    """How readings become a mean.

    Attributes:
        noise_radps: standard deviation of one reading that does not say its own.
        bias_radps: standard deviation of what is wrong in all readings alike; no number of readings
            averages it out. The default, 0.3 deg/s, is a MEMS gyroscope's after it was zeroed.
        longest_gap_s: a turn with a longer hole between readings has no mean.
        memory_s: readings are kept so long.

    Raises:
        ValueError: a value is not positive.
    """

    noise_radps: float = 0.005
    bias_radps: float = 0.005
    longest_gap_s: float = 0.05
    memory_s: float = 5.0

    def __post_init__(self) -> None:
        for name in ("noise_radps", "bias_radps", "longest_gap_s", "memory_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


class YawRateHistory:
    """Readings of the last seconds; one thread may add while another asks.

    Only stamps count, never when a reading arrived: a replay gives the same means.
    """

    def __init__(self, settings: YawRateSettings | None = None) -> None:
        self.settings = settings if settings is not None else YawRateSettings()
        self._readings: deque[tuple[int, float, float]] = deque()
        self._lock = threading.Lock()

    def add(self, stamp_ns: int, rate_radps: float, variance: float | None = None) -> None:
        """Take in one reading.

        A reading that is not finite is left out, so that it counts as a gap. Where time goes
        backwards (a recording starts again), what came before is forgotten.

        Args:
            stamp_ns: UNIX epoch time.
            rate_radps: rate of turn, counter-clockwise.
            variance: of this reading, (rad/s)^2; None or zero if it is not known.
        """
        if not np.isfinite(rate_radps):
            return
        known = variance is not None and np.isfinite(variance) and variance > 0
        own = float(variance) if known and variance is not None else self.settings.noise_radps**2
        with self._lock:
            if self._readings and stamp_ns == self._readings[-1][0]:
                return
            if self._readings and stamp_ns < self._readings[-1][0]:
                self._readings.clear()
            self._readings.append((stamp_ns, float(rate_radps), own))
            oldest_ns = stamp_ns - round(self.settings.memory_s * 1e9)
            while self._readings[0][0] < oldest_ns:
                self._readings.popleft()

    def mean(self, start_ns: int, end_ns: int) -> YawRatePrior | None:
        """Mean rate of turn between two times.

        The readings are joined by straight lines. The variance is that of independent readings,
        each weighted as it enters the mean, plus the bias that they share.

        Returns:
            None where the readings do not reach from start to end without a long gap.

        Raises:
            ValueError: the end is not after the start.
        """
        if not end_ns > start_ns:
            raise ValueError(f"end_ns = {end_ns} must be after start_ns = {start_ns}")
        with self._lock:
            readings = list(self._readings)
        if len(readings) < 2:
            return None
        stamp_ns = np.array([reading[0] for reading in readings], np.int64)
        first = int(np.searchsorted(stamp_ns, start_ns, side="right")) - 1
        last = int(np.searchsorted(stamp_ns, end_ns, side="left"))
        if first < 0 or last >= len(readings):
            return None
        time_s = np.asarray((stamp_ns[first : last + 1] - start_ns) * 1e-9, np.float64)
        if np.diff(time_s).max() > self.settings.longest_gap_s:
            return None
        weight = _mean_weights(time_s, (end_ns - start_ns) * 1e-9)
        rate, own = np.array(readings[first : last + 1])[:, 1:].T
        variance = float(weight**2 @ own) + self.settings.bias_radps**2
        return YawRatePrior(float(weight @ rate), variance)


def _mean_weights(time_s: NDArray[np.float64], duration_s: float) -> NDArray[np.float64]:
    """Weight of each reading in the mean over [0, duration] of the straight lines between them."""
    begin, end = time_s[:-1], time_s[1:]
    low, high = np.maximum(begin, 0.0), np.minimum(end, duration_s)
    later = ((low + high) / 2 - begin) / (end - begin)  # where the middle of the used piece lies
    weight = np.zeros(len(time_s))
    weight[:-1] += (1 - later) * (high - low)
    weight[1:] += later * (high - low)
    return weight / duration_s
