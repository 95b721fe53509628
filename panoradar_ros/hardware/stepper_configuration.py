"""How the turntable is built, what a reading of it says and what to do about its errors."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mmwave.tic import MAXIMUM_BAUD_RATE, MAXIMUM_STEP_RATE_HZ, STEP_MODES, OperationState

ROTOR_SLIP: Final = "rotor_slip"
ROTOR_STALL: Final = "rotor_stall"

ERROR_REMEDIES: Final[dict[str, str]] = {
    "intentionally_deenergized": "the motor was switched off: home it again",
    "motor_driver_error": "short circuit, open coil or overheating: check the motor's wires and "
    "the current limit, then home again",
    "low_vin": "the motor supply is too low or off: check the 24 V supply and its fuse",
    "kill_switch_active": "the emergency stop is pressed: release it, then home again",
    "required_input_invalid": "set the control mode to Serial / I2C / USB in the Tic "
    "Control Center",
    "serial_error": "bytes were lost or damaged on the serial line: check wires, ground, baud rate "
    'and that "Enable CRC for commands" is set as here, then start again',
    "command_timeout": "the computer was silent for longer than the command timeout: start again",
    "safe_start_violation": "the controller waits for a start",
    "err_line_high": "another device on the ERR line reports an error",
    ROTOR_SLIP: "the rotor lost steps: check for friction, a loose coupling or too high an "
    "acceleration, then home again",
    ROTOR_STALL: "no index passage in 1.5 turns: the rotor is blocked or the index switch is "
    "broken or unplugged; free the rotor, check the switch, then home again",
}
"""What to do about each error that a reading can name."""


@dataclass(frozen=True)
class StepperConfiguration:
    """How the turntable is built and how the controller is set.

    Attributes:
        baud_rate: bits/s of the serial line.
        steps_per_turn: full steps per motor turn.
        microsteps_per_step: step mode set in the controller.
        gear_ratio: motor turns per turntable turn.
        direction: +1 if the turntable turns counter-clockwise seen from above as the controller
            counts up, -1 if clockwise.
        index_offset_rad: turntable angle at the index.
        device_number: for the Pololu protocol; None for the compact protocol.
        crc_for_commands: as set in the controller.
        crc_for_responses: as set in the controller.
        maximum_revolutions_per_s: limit of :meth:`TicStepper.set_velocity`.
        acceleration_revolutions_per_s2: ramp up and down.
        response_timeout_s: longest wait for an answer.
        retries: attempts after a failed exchange.
        home_timeout_s: longest homing run.
        slip_tolerance_rad: lag of the rotor that is reported.
        index_sector_rad: width of the index vane.

    Raises:
        ValueError: a value is outside its range.
    """

    baud_rate: int = 115_200
    steps_per_turn: int = 200
    microsteps_per_step: int = 32
    gear_ratio: float = 1.0
    direction: int = 1
    index_offset_rad: float = 0.0
    device_number: int | None = None
    crc_for_commands: bool = True
    crc_for_responses: bool = True
    maximum_revolutions_per_s: float = 3.0
    acceleration_revolutions_per_s2: float = 2.0
    response_timeout_s: float = 0.1
    retries: int = 3
    home_timeout_s: float = 20.0
    slip_tolerance_rad: float = float(np.deg2rad(3.0))
    index_sector_rad: float = float(np.deg2rad(30.0))

    def __post_init__(self) -> None:
        if not 200 <= self.baud_rate <= MAXIMUM_BAUD_RATE:
            raise ValueError(
                f"baud_rate must be from 200 to {MAXIMUM_BAUD_RATE}, got {self.baud_rate}"
            )
        if self.microsteps_per_step not in STEP_MODES:
            raise ValueError(
                f"microsteps_per_step must be one of {sorted(STEP_MODES)}, "
                f"got {self.microsteps_per_step}"
            )
        if self.direction not in (1, -1):
            raise ValueError(f"direction must be 1 or -1, got {self.direction}")
        if self.retries < 0:
            raise ValueError(f"retries must not be negative, got {self.retries}")
        for name in (
            "steps_per_turn",
            "gear_ratio",
            "maximum_revolutions_per_s",
            "acceleration_revolutions_per_s2",
            "response_timeout_s",
            "home_timeout_s",
            "slip_tolerance_rad",
            "index_sector_rad",
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive, got {value}")
        rate_hz = self.maximum_revolutions_per_s * self.microsteps_per_turn
        if rate_hz > MAXIMUM_STEP_RATE_HZ:
            raise ValueError(
                f"maximum_revolutions_per_s {self.maximum_revolutions_per_s} needs {rate_hz:g} "
                f"microsteps/s; the controller gives at most {MAXIMUM_STEP_RATE_HZ}"
            )

    @property
    def microsteps_per_turn(self) -> float:
        """Microsteps per turn of the turntable."""
        return self.steps_per_turn * self.microsteps_per_step * self.gear_ratio

    @property
    def radians_per_microstep(self) -> float:
        """Signed turntable angle of one count."""
        return self.direction * 2 * np.pi / self.microsteps_per_turn


@dataclass(frozen=True)
class StepperReading:
    """State of the turntable at one time.

    Attributes:
        time_ns: UNIX time at which the controller took the count.
        angle_rad: unwrapped turntable angle, counter-clockwise; since homing 0 is the index.
        velocity_rad_s: commanded velocity at that time.
        index_active: the vane is at the index switch.
        errors: names of what is wrong now: the controller's error status, ``rotor_slip`` and
            ``rotor_stall``; see :data:`ERROR_REMEDIES`.
        state: the controller's operation state.
        homed: the angle is known.
        homing: homing is under way.
        energized: the motor's coils carry current.
        slip_rad: lag of the rotor proved by the last index passage.
        time_uncertainty_s: half the window in which the count can have been taken.
    """

    time_ns: int
    angle_rad: float
    velocity_rad_s: float
    index_active: bool
    errors: frozenset[str]
    state: OperationState
    homed: bool
    homing: bool
    energized: bool
    slip_rad: float
    time_uncertainty_s: float
