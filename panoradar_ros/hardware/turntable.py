r"""Keeps the turntable turning, and safe when it does not turn as it should.

::

    stopped --spin--> spinning --stop--> stopped
       ^  \               |
       |   \--------------+-- error --> fault (motor off) --home or spin--> ...
       +-- home                |
                 bytes lost   -+--> told to spin again (the controller stops by itself)
                    no answer -+--> lost (reopens the port, then goes on as before)
"""

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import NamedTuple

from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.stepper import (
    ERROR_REMEDIES,
    StepperCommunicationError,
    StepperFaultError,
    StepperReading,
    TicStepper,
)

RECONNECT_S = 1.0

_EMERGENCY_STOPPED = "emergency stop: the motor is off; home it to go on"

_EXPECTED_WHEN_STOPPED = frozenset({"safe_start_violation", "intentionally_deenergized"})
_STOPPED_BY_THE_LINE = frozenset({"serial_error", "command_timeout", "safe_start_violation"})


class TurntableState(Enum):
    """What the turntable is doing."""

    STOPPED = "stopped"
    HOMING = "homing"
    SPINNING = "spinning"
    FAULT = "fault"
    LOST = "no answer"


class _Order(NamedTuple):
    """What to do, whom to tell, and how many emergency stops there had been when it was given."""

    action: Callable[[], str]
    future: "Future[str]"
    emergency_stops: int


class Turntable:
    """Runs a stepper from one thread: takes orders, polls, and reacts to errors.

    Orders are given from any thread and return a future. An error while it spins (stall, slip,
    missing index, a controller's error) takes the current off the motor and stays a fault until
    the next order. After bytes lost on the line, at which the controller stops by itself, it is
    told to spin again and ``restarts`` counts it. A controller that stops answering is looked for
    until it is back. After an emergency stop the motor stays off until an order given later:
    nothing that was ordered or decided before it is carried out.

    Args:
        stepper: connected driver.
        revolutions_per_s: rate of :meth:`spin`.
        on_reading: called with every reading whose angle can be trusted.
        on_change: called with what happened, and whether it is bad.
    """

    def __init__(
        self,
        stepper: TicStepper,
        revolutions_per_s: float,
        *,
        on_reading: Callable[[StepperReading], None],
        on_change: Callable[[str, bool], None],
    ) -> None:
        self._stepper = stepper
        self._revolutions_per_s = revolutions_per_s
        self._on_reading = on_reading
        self._on_change = on_change
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._lock = threading.RLock()  # an emergency stop falls before or after a change of state
        self._given = stepper.emergency_stops  # when what the worker is doing was decided
        self._ended = False
        self._lost_s = 0.0
        self._resume = False
        self._homed = False
        self.state = TurntableState.STOPPED
        self.problem = ""
        self.restarts = 0
        self.reading: StepperReading | None = None

    def spin(self) -> "Future[str]":
        """Home if the angle is not known, then spin; the future holds a line for the user."""
        return self._order(self._spin)

    def stop(self) -> "Future[str]":
        """Slow down and hold."""
        return self._order(self._stop)

    def home(self) -> "Future[str]":
        """Find the index again and hold."""
        return self._order(self._home)

    def set_rate(self, revolutions_per_s: float) -> "Future[str]":
        """Change the rate of :meth:`spin`, at once when it spins."""
        self._revolutions_per_s = revolutions_per_s

        def change() -> str:
            if self.state is TurntableState.SPINNING:
                self._stepper.set_velocity(revolutions_per_s, self._given)
            return f"the rate is {revolutions_per_s:g} revolutions/s"

        return self._order(change)

    def emergency_stop(self) -> str:
        """Take the current off the motor at once, from the caller's thread.

        Orders that are not carried out yet fail; one that is under way ends with an error.

        Raises:
            StepperCommunicationError: not confirmed; cut the motor's supply.
        """
        with self._lock:
            self._resume = False
            self._become(TurntableState.FAULT, _EMERGENCY_STOPPED)
            self._refuse_orders("cancelled by the emergency stop: the motor is off; order it again")
            try:
                self._stepper.emergency_stop()
            except HardwareError as error:
                self.problem = str(error)
                raise
            return _EMERGENCY_STOPPED

    def abandon_homing(self) -> None:
        """End a homing run early, with the motor off; nothing happens when none is under way."""
        if self.state is TurntableState.HOMING:
            with contextlib.suppress(HardwareError):  # the run itself reports what is wrong
                self.emergency_stop()

    def run(self, stop: threading.Event, poll_period_s: float) -> None:
        """Work until ``stop`` is set, then bring the turntable to a stand and refuse all orders.

        Args:
            stop: ends the work.
            poll_period_s: time between readings.
        """
        try:
            self._work(stop, poll_period_s)
        finally:
            with self._lock:
                self._ended = True
                self._refuse_orders("the turntable is no longer worked: activate its node again")
        if self.state is TurntableState.SPINNING:
            self._become(TurntableState.STOPPED)
            try:
                self._stepper.stop()
            except HardwareError as error:
                self._on_change(f"the turntable was not stopped: {error}", True)

    def _work(self, stop: threading.Event, poll_period_s: float) -> None:
        due_s = time.monotonic()
        while not stop.is_set():
            self._take_orders(stop)
            self._given = self._stepper.emergency_stops
            try:
                self._poll()
            except Exception as error:  # a bug must not leave the motor spinning unwatched
                self._react(error, (HardwareError,))
            due_s = max(due_s + poll_period_s, time.monotonic())
            stop.wait(due_s - time.monotonic())

    def _order(
        self, action: Callable[[], str], emergency_stops: int | None = None
    ) -> "Future[str]":
        given = self._stepper.emergency_stops if emergency_stops is None else emergency_stops
        order = _Order(action, Future(), given)
        with self._lock:
            self._orders.put(order)
            if self._ended:
                self._refuse_orders("the turntable is no longer worked: activate its node again")
        return order.future

    def _next_order(self) -> _Order | None:
        try:
            return self._orders.get_nowait()
        except queue.Empty:  # nothing was ordered, or an emergency stop took it away
            return None

    def _refuse_orders(self, why: str) -> None:
        while order := self._next_order():
            order.future.set_exception(HardwareError(why))

    def _take_orders(self, stop: threading.Event) -> None:
        while not stop.is_set() and (order := self._next_order()):
            self._given = order.emergency_stops
            try:
                self._refuse_after_emergency_stop()
                answer = order.action()
            except Exception as error:  # whoever gave the order must hear of it, whatever it is
                try:
                    self._react(error, (HardwareError, ValueError))
                finally:
                    order.future.set_exception(error)
            else:
                order.future.set_result(answer)

    def _react(self, error: Exception, foreseen: tuple[type[Exception], ...]) -> None:
        """Leave the motor safe after an error; one that is not foreseen is raised again."""
        if isinstance(error, StepperCommunicationError):
            self._lose(error)
        elif isinstance(error, foreseen):
            self._fail(str(error))
        else:
            self._fail(f"unexpected error: {error!r}")
            raise error

    def _spin(self) -> str:
        certain = self.reading is not None and self.reading.homed
        if not (self._homed and certain):
            self._home()
        self._stepper.set_velocity(self._revolutions_per_s, self._given)
        self._go_on(TurntableState.SPINNING, resume=True)
        return f"the turntable turns at {self._revolutions_per_s:g} revolutions/s"

    def _stop(self) -> str:
        self._resume = False
        self._stepper.stop()
        self._go_on(TurntableState.STOPPED)
        return "the turntable stands"

    def _home(self) -> str:
        self._resume = False
        if self.state is TurntableState.LOST:
            self._reconnect()
        self._homed = False
        self._go_on(TurntableState.HOMING)
        self._stepper.home(self._given)
        self.reading = self._stepper.read()
        self._homed = self.reading.homed
        self._go_on(TurntableState.STOPPED)
        return "the turntable stands at its index"

    def _poll(self) -> None:
        if self.state is TurntableState.LOST:
            if time.monotonic() - self._lost_s < RECONNECT_S:
                return
            self._reconnect()
        reading = self._stepper.read()
        self.reading = reading
        errors = reading.errors
        if self.state is not TurntableState.SPINNING:
            errors -= _EXPECTED_WHEN_STOPPED
        if errors and self.state is TurntableState.SPINNING and errors <= _STOPPED_BY_THE_LINE:
            self._restart(errors)
        elif errors and self.state is not TurntableState.FAULT:
            self._fail(
                "; ".join(
                    f"{name.replace('_', ' ')}: {ERROR_REMEDIES[name]}" for name in sorted(errors)
                )
            )
        elif self._homed and reading.homed:
            self._on_reading(reading)

    def _restart(self, errors: frozenset[str]) -> None:
        self.restarts += 1
        names = ", ".join(sorted(errors)).replace("_", " ")
        self._on_change(f"the controller stopped ({names}); it is told to spin again", False)
        self._spin()

    def _fail(self, problem: str) -> None:
        self._resume = False
        if self._given != self._stepper.emergency_stops:
            problem = _EMERGENCY_STOPPED
        self._become(TurntableState.FAULT, problem)
        try:
            self._stepper.switch_off()
        except HardwareError as error:
            self.problem = f"{problem}; {error}"
        self._on_change(f"the turntable was stopped: {self.problem}", True)

    def _lose(self, error: HardwareError) -> None:
        self._lost_s = time.monotonic()
        if self.state is not TurntableState.LOST:
            self._become(TurntableState.LOST, str(error))
            self._on_change(f"{error}; trying again every {RECONNECT_S:g} s", True)

    def _reconnect(self) -> None:
        self._homed = False
        self._stepper.disconnect()
        self._stepper.connect()
        self._go_on(TurntableState.STOPPED)
        self._on_change(f"the stepper controller on {self._stepper.port} answers again", False)
        if self._resume:
            self._order(self._spin, self._given)

    def _refuse_after_emergency_stop(self) -> None:
        if self._given != self._stepper.emergency_stops:
            raise StepperFaultError(_EMERGENCY_STOPPED)

    def _go_on(self, state: TurntableState, *, resume: bool | None = None) -> None:
        """Be in the next state of an order, unless an emergency stop came since it was given."""
        with self._lock:
            self._refuse_after_emergency_stop()
            self._become(state)
            if resume is not None:
                self._resume = resume

    def _become(self, state: TurntableState, problem: str = "") -> None:
        self._homed = self._homed and state is not TurntableState.FAULT
        self.state = state
        self.problem = problem


def revolutions_per_s(reading: StepperReading) -> float:
    """Rate of a reading."""
    return reading.velocity_rad_s / (2 * math.pi)
