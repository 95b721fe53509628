"""The emulated Tic's behaviour: commands in, variables out, errors, safe start, homing.

No line and no thread here: every call takes the time at which it happens. Sections cited are those
of the Pololu "Tic Stepper Motor Controller User's Guide" (document 0J71). The control mode is
"Serial / I2C / USB"; commands that turn no turntable (target position, step mode, current) are
ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mmwave.emulation.rotor import Leg, Mechanics, Rotor, RotorFaults, plan_velocity
from mmwave.tic import (
    ACCELERATION_UNITS_PER_HZ2,
    DEFAULT_DEVICE_NUMBER,
    ERROR_BITS,
    FLAG_ENERGIZED,
    FLAG_HOMING_ACTIVE,
    FLAG_POSITION_UNCERTAIN,
    FLAG_REVERSE_LIMIT_ACTIVE,
    GO_HOME_REVERSE,
    MAXIMUM_STEP_RATE_HZ,
    STEP_MODES,
    VARIABLES,
    VELOCITY_UNITS_PER_HZ,
    Command,
    Form,
    InputState,
    OperationState,
    PlanningMode,
    ProtocolError,
    Request,
    crc7,
)

_HOMING_PAUSE_NS = 20_000_000
_SAFE_START_GRACE_NS = 200_000_000
_MAXIMUM_VELOCITY = MAXIMUM_STEP_RATE_HZ * VELOCITY_UNITS_PER_HZ
_FOREVER_NS = 1 << 62
_LOW_SUPPLY_MV = 4_500

_CLEARS_SERIAL_ERROR = frozenset(
    {
        Command.SET_TARGET_POSITION,
        Command.SET_TARGET_VELOCITY,
        Command.HALT_AND_SET_POSITION,
        Command.HALT_AND_HOLD,
        Command.GO_HOME,
        Command.ENERGIZE,
        Command.EXIT_SAFE_START,
        Command.RESET,
    }
)
_RESETS_TIMEOUT = _CLEARS_SERIAL_ERROR | {Command.RESET_COMMAND_TIMEOUT}


@dataclass(frozen=True)
class TicSettings:
    """The settings in the controller's memory that matter here (section 6).

    Speeds in microsteps/s, accelerations in microsteps/s^2. ``command_timeout_ms`` 0 switches the
    timeout off.

    Raises:
        ValueError: a value is outside its range.
    """

    device_number: int = DEFAULT_DEVICE_NUMBER
    crc_for_commands: bool = True
    crc_for_responses: bool = True
    baud_rate: int = 115_200
    command_timeout_ms: int = 1000
    max_speed_hz: float = 19_200.0
    max_acceleration_hz2: float = 12_800.0
    max_deceleration_hz2: float = 12_800.0
    homing_speed_towards_hz: float = 3_200.0
    homing_speed_away_hz: float = 640.0
    supply_mv: int = 24_000

    def __post_init__(self) -> None:
        if not 0 <= self.device_number <= 127:
            raise ValueError(f"device_number must be from 0 to 127, got {self.device_number}")
        if not 200 <= self.baud_rate <= 115_385:
            raise ValueError(f"baud_rate must be from 200 to 115385, got {self.baud_rate}")
        if not 0 <= self.command_timeout_ms <= 60_000:
            raise ValueError(
                f"command_timeout_ms must be from 0 to 60000, got {self.command_timeout_ms}"
            )
        for name in ("max_speed_hz", "homing_speed_towards_hz", "homing_speed_away_hz"):
            value = getattr(self, name)
            if not 0 < value <= MAXIMUM_STEP_RATE_HZ:
                raise ValueError(
                    f"{name} must be positive and at most {MAXIMUM_STEP_RATE_HZ}, got {value}"
                )
        for name in ("max_acceleration_hz2", "max_deceleration_hz2"):
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class TicDevice:
    """A Tic 36v4 in serial mode with the turntable on its motor and the index as reverse limit.

    Args:
        settings: the controller's stored settings.
        mechanics: the turntable.
        faults: what goes wrong.
        start_ns: time of power-up.
    """

    def __init__(
        self, settings: TicSettings, mechanics: Mechanics, faults: RotorFaults, start_ns: int
    ) -> None:
        self.settings = settings
        self.rotor = Rotor(mechanics, faults, start_ns)
        self.state = OperationState.SOFT_ERROR
        self.forced_errors: set[str] = set()
        self._last_command_ns = start_ns
        self._deenergized = False
        self._serial_error = False
        self._safe_start_violation = True
        self._safe_start_grace_ns = 0
        self._driver_error_cleared = False
        self._errors_occurred = 0
        self._position_uncertain = True
        self._origin = 0.0
        self._input = InputState.NOT_READY
        self._target_velocity = 0
        self._planning = PlanningMode.OFF
        self._homing_end_ns: int | None = None
        self._max_speed = round(settings.max_speed_hz * VELOCITY_UNITS_PER_HZ)
        self._starting_speed = 0
        self._max_acceleration = round(settings.max_acceleration_hz2 * ACCELERATION_UNITS_PER_HZ2)
        self._max_deceleration = round(settings.max_deceleration_hz2 * ACCELERATION_UNITS_PER_HZ2)
        self._actions: dict[Command, Callable[[int, int], None]] = {
            Command.SET_TARGET_VELOCITY: self._set_target_velocity,
            Command.HALT_AND_SET_POSITION: self._halt_and_set_position,
            Command.HALT_AND_HOLD: self._halt_and_hold,
            Command.GO_HOME: self._go_home,
            Command.DEENERGIZE: self._deenergize,
            Command.ENERGIZE: self._energize,
            Command.EXIT_SAFE_START: self._exit_safe_start,
            Command.ENTER_SAFE_START: self._enter_safe_start,
            Command.CLEAR_DRIVER_ERROR: self._clear_driver_error,
            Command.SET_MAX_SPEED: self._set_max_speed,
            Command.SET_STARTING_SPEED: self._set_starting_speed,
            Command.SET_MAX_ACCELERATION: self._set_max_acceleration,
            Command.SET_MAX_DECELERATION: self._set_max_deceleration,
            Command.RESET: self._reset,
        }

        self._values: dict[str, Callable[[int], int]] = {
            "operation_state": lambda _: int(self.state),
            "misc_flags_1": self._misc_flags,
            "error_status": lambda now_ns: self._error_status(self._conditions(now_ns)),
            "errors_occurred": lambda _: self._errors_occurred,
            "planning_mode": lambda _: int(self._planning),
            "target_velocity": lambda _: self._target_velocity,
            "starting_speed": lambda _: self._starting_speed,
            "max_speed": lambda _: self._max_speed,
            "max_deceleration": lambda _: self._max_deceleration,
            "max_acceleration": lambda _: self._max_acceleration,
            "current_position": self._position,
            "current_velocity": self._velocity,
            "vin_voltage": self._supply_mv,
            "up_time": lambda now_ns: (now_ns - start_ns) // 1_000_000,
            "digital_readings": lambda now_ns: 0b11110 | (not self.rotor.index_active(now_ns)),
            "step_mode": lambda _: STEP_MODES[mechanics.microsteps_per_step],
            "input_state": lambda _: int(self._input),
            "input_after_scaling": lambda _: self._target_velocity,
        }

    # What the line brings -------------------------------------------------------------------------

    def execute(self, request: Request, now_ns: int) -> bytes:
        """Carry out a command; the answer's bytes for a read, none otherwise."""
        self.update(now_ns)
        if request.command in _RESETS_TIMEOUT:
            self._last_command_ns = now_ns
        if request.command in _CLEARS_SERIAL_ERROR:
            self._serial_error = False
        if request.command.form is Form.READ:
            return self._read(request, now_ns)
        action = self._actions.get(request.command)
        if action is not None:
            action(request.argument, now_ns)
        self.update(now_ns)
        return b""

    def protocol_error(self, error: ProtocolError, now_ns: int) -> None:
        """Take note of bytes that were no command (section 5.4: serial error)."""
        self._serial_error = True
        self._errors_occurred |= 1 << ERROR_BITS[error.name]
        self.update(now_ns)

    def update(self, now_ns: int) -> None:
        """Evaluate the error conditions and finish what is due (section 5.4)."""
        if self._homing_end_ns is not None and now_ns >= self._homing_end_ns:
            self._origin = float(self.rotor.commanded(self._homing_end_ns))
            self._position_uncertain = False
            self._stop_homing()
            self._input = InputState.HALT
        conditions = self._conditions(now_ns)
        if self.state is not OperationState.NORMAL or conditions:
            self._safe_start_violation = now_ns >= self._safe_start_grace_ns
        state = self._state_for(conditions)
        self._errors_occurred |= self._error_status(conditions)
        if state is not self.state:
            self._enter(state, now_ns)

    def _conditions(self, now_ns: int) -> set[str]:
        faults, due = self.rotor.faults, self.rotor.fault_due
        conditions = set(self.forced_errors)
        if self._deenergized:
            conditions.add("intentionally_deenergized")
        if due(faults.driver_error_at_s, now_ns) and not self._driver_error_cleared:
            conditions.add("motor_driver_error")
        if due(faults.low_vin_at_s, now_ns):
            conditions.add("low_vin")
        if due(faults.kill_at_s, now_ns):
            conditions.add("kill_switch_active")
        if self._serial_error:
            conditions.add("serial_error")
        timeout_ns = self.settings.command_timeout_ms * 1_000_000
        if timeout_ns and now_ns - self._last_command_ns > timeout_ns:
            conditions.add("command_timeout")
        return conditions

    def _state_for(self, conditions: set[str]) -> OperationState:
        if conditions & {"motor_driver_error", "low_vin"}:
            return OperationState.RESET
        if "intentionally_deenergized" in conditions:
            return OperationState.DEENERGIZED
        if conditions or self._safe_start_violation:
            return OperationState.SOFT_ERROR
        return OperationState.NORMAL

    def _error_status(self, conditions: set[str]) -> int:
        bits = sum(1 << ERROR_BITS[name] for name in conditions)
        return bits | self._safe_start_violation << ERROR_BITS["safe_start_violation"]

    def _enter(self, state: OperationState, now_ns: int) -> None:
        self.state = state
        if state is OperationState.NORMAL:
            if self._input is InputState.VELOCITY:
                self._drive(self._target_velocity, now_ns)
            return
        self._homing_abort(now_ns)
        self._planning = PlanningMode.OFF
        if state is OperationState.SOFT_ERROR:
            self._ramp(0.0, now_ns)
        else:
            self._halt(now_ns)
            self._position_uncertain = True

    # Motion ---------------------------------------------------------------------------------------

    def _ramp(self, target_hz: float, now_ns: int, *, spin: bool = False) -> None:
        leg = self.rotor.leg_at(now_ns)
        legs = plan_velocity(
            now_ns,
            leg.position_at(now_ns),
            leg.velocity_at(now_ns),
            target_hz,
            self._max_acceleration / ACCELERATION_UNITS_PER_HZ2,
            self._max_deceleration / ACCELERATION_UNITS_PER_HZ2,
        )
        self.rotor.follow(legs, spin=spin)

    def _halt(self, now_ns: int) -> None:
        position = self.rotor.leg_at(now_ns).position_at(now_ns)
        self.rotor.follow((Leg(now_ns, position, 0.0),))

    def _drive(self, velocity: int, now_ns: int) -> None:
        limited = max(-self._max_speed, min(self._max_speed, velocity))
        self._planning = PlanningMode.TARGET_VELOCITY
        self._ramp(limited / VELOCITY_UNITS_PER_HZ, now_ns, spin=limited != 0)
        if limited < 0:
            blocked_ns = self.rotor.next_index_change(now_ns, active=True)
            if blocked_ns is not None:
                self._halt(blocked_ns)

    def _stop_homing(self) -> None:
        self._homing_end_ns = None
        self._planning = PlanningMode.OFF

    def _homing_abort(self, now_ns: int) -> None:
        if self._homing_end_ns is not None:
            self._stop_homing()
            self._halt(now_ns)

    # Commands -------------------------------------------------------------------------------------

    def _set_target_velocity(self, velocity: int, now_ns: int) -> None:
        if self._homing_end_ns is not None:
            self._homing_abort(now_ns)
        self._target_velocity = max(-_MAXIMUM_VELOCITY, min(_MAXIMUM_VELOCITY, velocity))
        self._input = InputState.VELOCITY
        if self.state is OperationState.NORMAL:
            self._drive(self._target_velocity, now_ns)

    def _halt_and_hold(self, _: int, now_ns: int) -> None:
        self._homing_abort(now_ns)
        self._halt(now_ns)
        self._planning = PlanningMode.OFF
        self._position_uncertain = True
        self._input, self._target_velocity = InputState.HALT, 0

    def _halt_and_set_position(self, position: int, now_ns: int) -> None:
        self._halt_and_hold(0, now_ns)
        self._origin = float(self.rotor.commanded(now_ns)) - position
        self._position_uncertain = False

    def _go_home(self, direction: int, now_ns: int) -> None:
        """Section 5.6: back to the switch, pause 20 ms, forward off it, that is zero."""
        if self.state is not OperationState.NORMAL or direction != GO_HOME_REVERSE:
            return
        self._position_uncertain = True
        self._planning = PlanningMode.TARGET_VELOCITY
        self._homing_end_ns = _FOREVER_NS
        self._ramp(-self.settings.homing_speed_towards_hz, now_ns)
        reached_ns = self.rotor.next_index_change(now_ns, active=True)
        if reached_ns is None:
            return
        self._halt(reached_ns)
        away_ns = reached_ns + _HOMING_PAUSE_NS
        self._ramp(self.settings.homing_speed_away_hz, away_ns)
        end_ns = self.rotor.next_index_change(away_ns, active=False)
        if end_ns is not None:
            self._halt(end_ns)
            self._homing_end_ns = end_ns

    def _deenergize(self, _: int, __: int) -> None:
        self._deenergized = True

    def _energize(self, _: int, __: int) -> None:
        self._deenergized = False

    def _exit_safe_start(self, _: int, now_ns: int) -> None:
        self._safe_start_grace_ns = now_ns + _SAFE_START_GRACE_NS

    def _enter_safe_start(self, _: int, __: int) -> None:
        self._safe_start_grace_ns = 0
        self._safe_start_violation = True

    def _clear_driver_error(self, _: int, __: int) -> None:
        self._driver_error_cleared = True
        self.forced_errors.discard("motor_driver_error")

    def _set_max_speed(self, speed: int, now_ns: int) -> None:
        self._max_speed = min(speed & 0xFFFFFFFF, _MAXIMUM_VELOCITY)
        if self._planning is PlanningMode.TARGET_VELOCITY and self._homing_end_ns is None:
            self._drive(self._target_velocity, now_ns)

    def _set_starting_speed(self, speed: int, _: int) -> None:
        self._starting_speed = min(speed & 0xFFFFFFFF, _MAXIMUM_VELOCITY)

    def _set_max_acceleration(self, value: int, _: int) -> None:
        self._max_acceleration = max(100, value & 0x7FFFFFFF)

    def _set_max_deceleration(self, value: int, _: int) -> None:
        self._max_deceleration = max(100, value & 0x7FFFFFFF) if value else self._max_acceleration

    def _reset(self, _: int, now_ns: int) -> None:
        self._halt_and_hold(0, now_ns)
        self._input = InputState.NOT_READY
        self._deenergized = False
        self._safe_start_violation = True
        self._safe_start_grace_ns = 0

    # Variables ------------------------------------------------------------------------------------

    def _read(self, request: Request, now_ns: int) -> bytes:
        begin, end = request.argument, request.argument + request.length
        block = bytearray(end)
        for name, value in self._values.items():
            variable = VARIABLES[name]
            if variable.offset < end and variable.offset + variable.size > begin:
                encoded = variable.encode(value(now_ns))[: end - variable.offset]
                block[variable.offset : variable.offset + len(encoded)] = encoded
        data = bytes(block[begin:])
        if request.command is Command.GET_VARIABLE_AND_CLEAR_ERRORS_OCCURRED:
            self._errors_occurred = 0
        # The controller leaves the CRC out of answers that would not fit its buffer with it.
        if self.settings.crc_for_responses and request.length < 14:
            data += bytes([crc7(data)])
        return data

    def _misc_flags(self, now_ns: int) -> int:
        energized = self.state not in (OperationState.RESET, OperationState.DEENERGIZED)
        return (
            energized * FLAG_ENERGIZED
            | self._position_uncertain * FLAG_POSITION_UNCERTAIN
            | bool(self.rotor.index_active(now_ns)) * FLAG_REVERSE_LIMIT_ACTIVE
            | (self._homing_end_ns is not None) * FLAG_HOMING_ACTIVE
        )

    def _position(self, now_ns: int) -> int:
        return round(self.rotor.leg_at(now_ns).position_at(now_ns) - self._origin)

    def _velocity(self, now_ns: int) -> int:
        return round(self.rotor.leg_at(now_ns).velocity_at(now_ns) * VELOCITY_UNITS_PER_HZ)

    def _supply_mv(self, now_ns: int) -> int:
        return _LOW_SUPPLY_MV if "low_vin" in self._conditions(now_ns) else self.settings.supply_mv
