"""When did the turntable stand where the controller says? Pure logic on the exchanges' times."""

from panoradar_ros.hardware.tic_line import Exchange


class ExchangeClock:
    """Times a count more finely than the exchange that brought it.

    The controller took the count at some time between the command's end and the answer's begin;
    a late operating system widens that window. While the step rate is constant the counts
    themselves say how much time passed between two readings, so the time predicted from the last
    reading is kept inside the window and drawn to its middle, the less the wider the window is.

    Args:
        gain: share of the distance to the middle that is taken when the window is as narrow as
            the narrowest one so far, in (0, 1].

    Raises:
        ValueError: the gain is outside its range.
    """

    def __init__(self, gain: float = 0.1) -> None:
        if not 0 < gain <= 1:
            raise ValueError(f"gain must be within (0, 1], got {gain}")
        self._gain = gain
        self.reset()

    def reset(self) -> None:
        """Forget the last reading (the count was set anew)."""
        self._last: tuple[int, int, float] | None = None
        self._narrowest_ns: int | None = None

    def time_ns(self, exchange: Exchange, position: int, velocity_hz: float) -> int:
        """Time of a count.

        Args:
            exchange: that brought it.
            position: unwrapped count in microsteps.
            velocity_hz: step rate in microsteps/s that came with it.
        """
        middle_ns = exchange.middle_ns
        width_ns = max(1, exchange.latest_ns - exchange.earliest_ns)
        self._narrowest_ns = min(width_ns, self._narrowest_ns or width_ns)
        estimate_ns = middle_ns
        if self._last is not None and velocity_hz != 0 and velocity_hz == self._last[2]:
            last_ns, last_position, _ = self._last
            predicted_ns = last_ns + round((position - last_position) / velocity_hz * 1e9)
            gain = self._gain * self._narrowest_ns / width_ns
            estimate_ns = predicted_ns + round(gain * (middle_ns - predicted_ns))
            estimate_ns = max(exchange.earliest_ns, min(exchange.latest_ns, estimate_ns))
        self._last = (estimate_ns, position, velocity_hz)
        return estimate_ns
