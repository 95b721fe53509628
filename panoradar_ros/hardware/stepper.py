"""Driver of the turntable's stepper: a Pololu Tic on a serial port.

The registers it reads and writes are a table in :mod:`mmwave.tic`; sections cited are those of the
Pololu "Tic Stepper Motor Controller User's Guide" (document 0J71). The index switch is wired as the
Tic's reverse limit switch: homing runs against it, and since it stops reverse motion once a turn,
the turntable spins in the controller's forward direction only.

Example:
    >>> with TicStepper("/dev/ttyUSB0") as stepper:   # doctest: +SKIP
    ...     stepper.home()
    ...     stepper.set_velocity(2.0)
    ...     print(stepper.read().angle_rad)
"""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from mmwave.tic import (
    ACCELERATION_UNITS_PER_HZ2,
    FLAG_ENERGIZED,
    FLAG_HOMING_ACTIVE,
    FLAG_POSITION_UNCERTAIN,
    FLAG_REVERSE_LIMIT_ACTIVE,
    GO_HOME_REVERSE,
    STEP_MODES,
    VARIABLES,
    VELOCITY_UNITS_PER_HZ,
    Command,
    OperationState,
    error_names,
)
from panoradar_ros.hardware.exchange_clock import ExchangeClock
from panoradar_ros.hardware.index_monitor import IndexMonitor
from panoradar_ros.hardware.stepper_configuration import (
    ERROR_REMEDIES,
    ROTOR_SLIP,
    ROTOR_STALL,
    StepperConfiguration,
    StepperReading,
)
from panoradar_ros.hardware.tic_line import (
    LineStatistics,
    StepperCommunicationError,
    StepperError,
    TicLine,
)

__all__ = [
    "ERROR_REMEDIES",
    "StepperCommunicationError",
    "StepperConfiguration",
    "StepperError",
    "StepperFaultError",
    "StepperReading",
    "TicStepper",
]

_MOTION_OFFSET: Final = VARIABLES["current_position"].offset
_MOTION_BYTES: Final = 8
_STATUS_BYTES: Final = 9  # not as many as of the motion: neither answer can pass for the other
_KEEP_ALIVE_S: Final = 0.2
_POLL_S: Final = 0.01
_STATE_TIMEOUT_S: Final = 0.5


class StepperFaultError(StepperError):
    """The controller reports errors, or the rotor does not do what it was told."""


class TicStepper:
    """The turntable's motor. Methods may be called from several threads.

    Args:
        port: serial device, for example ``/dev/ttyUSB0``.
        configuration: build and settings.
    """

    def __init__(self, port: str, configuration: StepperConfiguration | None = None) -> None:
        self.configuration = config = configuration or StepperConfiguration()
        self._line = TicLine(
            port,
            baud_rate=config.baud_rate,
            device_number=config.device_number,
            crc_for_commands=config.crc_for_commands,
            crc_for_responses=config.crc_for_responses,
            timeout_s=config.response_timeout_s,
            retries=config.retries,
        )
        turn = config.microsteps_per_turn
        self._monitor = IndexMonitor(
            turn,
            config.slip_tolerance_rad / (2 * math.pi) * turn,
            config.index_sector_rad / (2 * math.pi) * turn,
        )
        self._clock = ExchangeClock()
        self._lock = threading.RLock()
        self._count: int | None = None
        self._homed = False
        self._emergency_stops = 0
        self._kept_alive_s = 0.0

    @property
    def port(self) -> str:
        """The serial device."""
        return self._line.port

    @property
    def statistics(self) -> LineStatistics:
        """Exchanges, timeouts and CRC errors since connecting."""
        return self._line.statistics

    @property
    def connected(self) -> bool:
        """Whether the port is open."""
        return self._line.is_open

    def connect(self) -> None:
        """Open the port, check the controller's settings and set the limits of its motion.

        Raises:
            StepperCommunicationError: the port cannot be opened or nobody answers there.
            StepperFaultError: the controller's step mode is not the configured one.
        """
        config = self.configuration
        self._line.open()
        try:
            mode = self._variable("step_mode")
            if mode != STEP_MODES[config.microsteps_per_step]:
                actual = {number: name for name, number in STEP_MODES.items()}.get(mode, "unknown")
                raise StepperFaultError(
                    f"the controller on {self.port} is set to {actual} microsteps per step, not "
                    f"{config.microsteps_per_step}: change the step mode in the Tic Control Center "
                    "or microsteps_per_step in the configuration"
                )
            turn = config.microsteps_per_turn
            speed = round(config.maximum_revolutions_per_s * turn * VELOCITY_UNITS_PER_HZ)
            ramp = round(config.acceleration_revolutions_per_s2 * turn * ACCELERATION_UNITS_PER_HZ2)
            self._write(Command.SET_MAX_SPEED, "max_speed", speed)
            self._write(Command.SET_MAX_ACCELERATION, "max_acceleration", ramp)
            self._write(Command.SET_MAX_DECELERATION, "max_deceleration", ramp)
        except StepperError:
            self._line.close()
            raise
        self._forget_position()

    def disconnect(self) -> None:
        """Switch the motor off and close the port. Never raises: the motor may be gone."""
        if self._line.is_open:
            try:
                self._line.send(Command.DEENERGIZE)
            except StepperCommunicationError:
                pass
            finally:
                self._line.close()
        self._homed = False

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    @property
    def emergency_stops(self) -> int:
        """Emergency stops so far; given to :meth:`home` or :meth:`set_velocity`, see there."""
        return self._emergency_stops

    def home(self, emergency_stops: int | None = None) -> None:
        """Find the index; afterwards the angle is known. Stops the turntable first.

        Args:
            emergency_stops: their number when this was ordered: one since then forbids it. None
                for now.

        Raises:
            StepperFaultError: errors of the controller, or the index did not come in time.
            StepperCommunicationError: no answer.
        """
        order = self._emergency_stops if emergency_stops is None else emergency_stops
        self._forget_position()
        self._start(order)
        self.stop()
        self._try(
            lambda: self._move(order, Command.GO_HOME, GO_HOME_REVERSE),
            lambda: self.read().homing or self.read().homed,
            "homing did not start",
        )
        deadline_s = time.monotonic() + self.configuration.home_timeout_s
        while (reading := self.read()).homing:
            if time.monotonic() > deadline_s:
                self._line.send(Command.HALT_AND_HOLD)
                raise StepperFaultError(
                    f"the index switch was not found in {self.configuration.home_timeout_s:g} s: "
                    "check that the turntable turns freely, that the motor is connected, and that "
                    "the index switch is wired to the pin set as reverse limit switch"
                )
            time.sleep(_POLL_S)
        self._refuse_if_stopped_since(order)
        self._raise_faults(reading)
        if not reading.homed:
            raise StepperFaultError("homing was interrupted: home again")
        self._forget_position()
        with self._lock:
            self._homed = order == self._emergency_stops

    def set_velocity(self, revolutions_per_s: float, emergency_stops: int | None = None) -> None:
        """Spin at a constant rate, reached on a ramp.

        Args:
            revolutions_per_s: from 0 to the configured maximum; the sense is the configured one.
            emergency_stops: as in :meth:`home`.

        Raises:
            ValueError: the rate is outside its range.
            StepperFaultError: not homed, or errors of the controller.
            StepperCommunicationError: no answer.
        """
        limit = self.configuration.maximum_revolutions_per_s
        if not 0 <= revolutions_per_s <= limit:
            raise ValueError(
                f"revolutions_per_s must be from 0 to {limit:g} (the index switch stops reverse "
                f"motion), got {revolutions_per_s}"
            )
        order = self._emergency_stops if emergency_stops is None else emergency_stops
        if not self._homed:
            raise StepperFaultError("the turntable's angle is not known: home it first")
        self._start(order)
        rate_hz = revolutions_per_s * self.configuration.microsteps_per_turn
        velocity = round(rate_hz * VELOCITY_UNITS_PER_HZ)
        self._try(
            lambda: self._move(order, Command.SET_TARGET_VELOCITY, velocity),
            lambda: self._variable("target_velocity") == velocity,
            f"target_velocity {velocity} is not taken over",
        )

    def stop(self) -> None:
        """Slow down and wait until the turntable stands; the motor keeps holding.

        Raises:
            StepperFaultError: it does not come to a stop in the time that the ramp takes.
            StepperCommunicationError: no answer.
        """
        self._write(Command.SET_TARGET_VELOCITY, "target_velocity", 0)
        config = self.configuration
        ramp_s = config.maximum_revolutions_per_s / config.acceleration_revolutions_per_s2
        self._wait(
            lambda: self.read().velocity_rad_s == 0,
            2 * ramp_s + _STATE_TIMEOUT_S,
            "the turntable does not stop: use the emergency stop and check the controller",
        )

    def emergency_stop(self) -> None:
        """Take the current off the motor at once. The angle is lost: home again afterwards.

        A :meth:`home` or :meth:`set_velocity` that another thread is in ends with an error.

        Raises:
            StepperCommunicationError: the controller does not confirm it: cut the supply.
        """
        with self._lock:
            self._emergency_stops += 1
        self.switch_off()

    def switch_off(self) -> None:
        """Take the current off the motor, without forbidding what was ordered before.

        Raises:
            StepperCommunicationError: as :meth:`emergency_stop`.
        """
        with self._lock:
            self._homed = False
        try:
            self._try(
                lambda: self._line.send(Command.DEENERGIZE),
                lambda: not self.read().energized,
                "the controller does not switch the motor off",
            )
        except StepperError as error:
            raise StepperCommunicationError(
                f"the emergency stop is not confirmed; cut the motor's supply by hand ({error})"
            ) from error

    def read(self) -> StepperReading:
        """Poll position, velocity, switch and errors; also keeps the command timeout away.

        Raises:
            StepperCommunicationError: no correct answer after the configured retries.
        """
        with self._lock:
            now_s = time.monotonic()
            alive = Command.RESET_COMMAND_TIMEOUT if self._alive_due(now_s) else None
            motion = self._line.read(_MOTION_OFFSET, _MOTION_BYTES, first=alive)
            status = self._line.read(0, _STATUS_BYTES)
            count = self._unwrap(VARIABLES["current_position"].decode(motion.data, _MOTION_OFFSET))
            velocity = VARIABLES["current_velocity"].decode(motion.data, _MOTION_OFFSET)
            rate_hz = velocity / VELOCITY_UNITS_PER_HZ
            time_ns = self._clock.time_ns(motion, count, rate_hz)
            flags = VARIABLES["misc_flags_1"].decode(status.data)
            state = self._state(VARIABLES["operation_state"].decode(status.data))
            certain = not flags & FLAG_POSITION_UNCERTAIN
            self._homed = self._homed and certain
            index_active = bool(flags & FLAG_REVERSE_LIMIT_ACTIVE)
            errors = error_names(VARIABLES["error_status"].decode(status.data))
            if self._homed:
                count_then = count + rate_hz * (status.middle_ns - time_ns) / 1e9
                windows_ns = (status.latest_ns - status.earliest_ns) + (
                    motion.latest_ns - motion.earliest_ns
                )
                uncertainty = abs(rate_hz) * windows_ns / 2e9
                errors |= self._watch(count_then, uncertainty, index_active)
            scale = self.configuration.radians_per_microstep
            return StepperReading(
                time_ns=time_ns,
                angle_rad=count * scale + self.configuration.index_offset_rad,
                velocity_rad_s=rate_hz * scale,
                index_active=index_active,
                errors=errors,
                state=state,
                homed=certain,
                homing=bool(flags & FLAG_HOMING_ACTIVE),
                energized=bool(flags & FLAG_ENERGIZED),
                slip_rad=self._monitor.state.slip_microsteps * abs(scale),
                time_uncertainty_s=(motion.latest_ns - motion.earliest_ns) / 2e9,
            )

    def _state(self, value: int) -> OperationState:
        try:
            return OperationState(value)
        except ValueError as error:
            raise StepperCommunicationError(
                f"the device on {self.port} reports the unknown operation state {value}: check "
                "that it is a Tic"
            ) from error

    def _watch(self, count: float, uncertainty: float, index_active: bool) -> frozenset[str]:
        state = self._monitor.update(count, index_active, uncertainty)
        faults = {ROTOR_SLIP: state.slipped, ROTOR_STALL: state.stalled}
        return frozenset(name for name, present in faults.items() if present)

    def _alive_due(self, now_s: float) -> bool:
        due = now_s - self._kept_alive_s >= _KEEP_ALIVE_S
        if due:
            self._kept_alive_s = now_s
        return due

    def _unwrap(self, raw: int) -> int:
        """Continue the 32-bit count beyond its range."""
        if self._count is None:
            self._count = raw
        else:
            self._count += (raw - self._count + (1 << 31)) % (1 << 32) - (1 << 31)
        return self._count

    def _forget_position(self) -> None:
        with self._lock:
            self._homed = False
            self._count = None
            self._clock.reset()
            self._monitor.reset()

    def _move(self, order: int, command: Command, argument: int = 0) -> None:
        """Send a command that can set the motor going, unless an emergency stop came since."""
        with self._lock:
            self._refuse_if_stopped_since(order)
            self._line.send(command, argument)

    def _refuse_if_stopped_since(self, order: int) -> None:
        if order != self._emergency_stops:
            raise StepperFaultError(
                "the turntable was switched off by the emergency stop: home it again"
            )

    def _start(self, order: int) -> None:
        """Bring the controller to its normal state with a standing target (section 5.4)."""
        reading = self.read()
        if reading.state is OperationState.NORMAL:
            return
        self._write(Command.SET_TARGET_VELOCITY, "target_velocity", 0)
        self._line.send(Command.CLEAR_DRIVER_ERROR)
        self._move(order, Command.ENERGIZE)

        def is_normal() -> bool:
            self._move(order, Command.EXIT_SAFE_START)
            return self.read().state is OperationState.NORMAL

        deadline_s = time.monotonic() + _STATE_TIMEOUT_S
        while not is_normal():
            if time.monotonic() > deadline_s:
                self._raise_faults(self.read(), ignore=frozenset({"safe_start_violation"}))
                raise StepperFaultError("the controller does not start: switch it off and on")
            time.sleep(_POLL_S)

    def _raise_faults(self, reading: StepperReading, ignore: frozenset[str] = frozenset()) -> None:
        errors = sorted(reading.errors - ignore)
        if errors:
            text = "; ".join(f"{name.replace('_', ' ')}: {ERROR_REMEDIES[name]}" for name in errors)
            raise StepperFaultError(f"the stepper controller on {self.port} reports {text}")

    def _variable(self, name: str) -> int:
        variable = VARIABLES[name]
        return variable.decode(
            self._line.read(variable.offset, variable.size).data, variable.offset
        )

    def _write(self, command: Command, variable: str, value: int) -> None:
        """Write a value and read it back: a command has no answer."""
        self._try(
            lambda: self._line.send(command, value),
            lambda: self._variable(variable) == value,
            f"{variable} {value} is not taken over",
        )

    def _try(self, action: Callable[[], None], confirmed: Callable[[], bool], failure: str) -> None:
        for _ in range(self.configuration.retries + 1):
            action()
            if confirmed():
                return
        raise StepperCommunicationError(
            f"the stepper controller on {self.port}: {failure}; check the serial wires and that "
            "the control mode is Serial / I2C / USB"
        )

    def _wait(self, condition: Callable[[], bool], timeout_s: float, failure: str) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise StepperFaultError(failure)
            time.sleep(_POLL_S)
