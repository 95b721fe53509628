"""Does the rotor follow its controller? Pure logic on step counts and the index switch.

A stepper has no encoder: the controller counts the steps that it commands. Once a turn the vane
passes the index switch, and the trailing edge of the vane is the turntable's zero (homing put the
count to zero there), so each passage compares the count with the real rotor.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class IndexState:
    """What the index says.

    Attributes:
        slip_microsteps: how far the rotor lags behind its count, as far as the last passage proves
            it: the true lag is at least this; 0 while the count can be right.
        slipped: the lag exceeds the tolerance.
        stalled: no passage in more than 1.5 turns.
        passages: edges seen since the last reset.
    """

    slip_microsteps: float = 0.0
    slipped: bool = False
    stalled: bool = False
    passages: int = 0


class IndexMonitor:
    """Watches the index switch while the turntable turns.

    Between two polls the switch changes somewhere between the two counts; if the expected place is
    not between them, the difference is slip.

    Args:
        microsteps_per_turn: of the turntable.
        tolerance_microsteps: slip beyond this is reported.
        sector_microsteps: width of the vane. A passage between two polls that are further apart can
            go unseen, so it is not missed.

    Raises:
        ValueError: a width is not positive, or not less than half a turn.
    """

    _MISSING_TURNS = 1.5

    def __init__(
        self, microsteps_per_turn: float, tolerance_microsteps: float, sector_microsteps: float
    ) -> None:
        if not microsteps_per_turn > 0:
            raise ValueError(f"microsteps_per_turn must be positive, got {microsteps_per_turn}")
        for name, value in (
            ("tolerance_microsteps", tolerance_microsteps),
            ("sector_microsteps", sector_microsteps),
        ):
            if not 0 < value < microsteps_per_turn / 2:
                raise ValueError(
                    f"{name} must be positive and less than half a turn "
                    f"({microsteps_per_turn / 2:g}), got {value}"
                )
        self._turn = microsteps_per_turn
        self._tolerance = tolerance_microsteps
        self._sector = sector_microsteps
        self.reset()

    def reset(self) -> None:
        """Start anew, after homing."""
        self._previous: tuple[float, float, bool] | None = None
        self._since_edge = 0.0
        self._state = IndexState()

    @property
    def state(self) -> IndexState:
        """The last result."""
        return self._state

    def update(
        self, position_microsteps: float, index_active: bool, uncertainty_microsteps: float = 0.0
    ) -> IndexState:
        """Take one poll.

        Args:
            position_microsteps: unwrapped count since homing.
            index_active: the switch at the same time.
            uncertainty_microsteps: how far the count at the time of the switch can be off, because
                the two came in answers whose time is only known to a window.
        """
        previous = self._previous
        self._previous = (position_microsteps, uncertainty_microsteps, index_active)
        if previous is None:
            return self._state
        before, before_uncertainty, was_active = previous
        step = position_microsteps - before
        slip, passages = self._state.slip_microsteps, self._state.passages
        if step > 0 and was_active and not index_active:
            slip = self._lag(
                before - before_uncertainty, position_microsteps + uncertainty_microsteps
            )
            passages += 1
            self._since_edge = 0.0
        elif abs(step) >= self._sector:
            self._since_edge = 0.0
        else:
            self._since_edge += abs(step)
        self._state = IndexState(
            slip_microsteps=slip,
            slipped=abs(slip) > self._tolerance,
            stalled=self._since_edge > self._MISSING_TURNS * self._turn,
            passages=passages,
        )
        return self._state

    def _lag(self, before: float, after: float) -> float:
        turns = round((before + after) / 2 / self._turn)
        low, high = before - turns * self._turn, after - turns * self._turn
        if low > 0:
            return low
        return high if high < 0 else 0.0
