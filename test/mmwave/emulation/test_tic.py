"""The emulated controller: variables, errors, safe start, homing, and bytes on its terminal."""

import os
import select
import time
from pathlib import Path

import numpy as np
import pytest

from mmwave.emulation.rotor import Mechanics, RotorFaults
from mmwave.emulation.tic import TicEmulator
from mmwave.emulation.tic_device import TicDevice, TicSettings
from mmwave.tic import (
    FLAG_ENERGIZED,
    FLAG_HOMING_ACTIVE,
    FLAG_POSITION_UNCERTAIN,
    FLAG_REVERSE_LIMIT_ACTIVE,
    VARIABLES,
    Command,
    InputState,
    OperationState,
    PlanningMode,
    ProtocolError,
    Request,
    crc7,
    error_names,
)

SECOND = 1_000_000_000
TWO_TURNS_PER_S = 128_000_000


class Bench:
    """A device with a clock that the test moves."""

    def __init__(self, faults=None, mechanics=None, **settings):
        self.now_ns = 0
        self.device = TicDevice(
            TicSettings(**settings), mechanics or Mechanics(), faults or RotorFaults(), 0
        )

    def do(self, command, argument=0):
        assert self.device.execute(Request(command, argument), self.now_ns) == b""

    def get(self, name):
        variable = VARIABLES[name]
        request = Request(Command.GET_VARIABLE, variable.offset, variable.size)
        answer = self.device.execute(request, self.now_ns)
        assert answer[-1] == crc7(answer[:-1])
        return variable.decode(answer[:-1], variable.offset)

    @property
    def errors(self):
        return error_names(self.get("error_status"))

    @property
    def flags(self):
        return self.get("misc_flags_1")

    def wait(self, seconds, alive=True):
        for _ in range(round(seconds / 0.1)):
            self.now_ns += SECOND // 10
            if alive:
                self.do(Command.RESET_COMMAND_TIMEOUT)
            self.device.update(self.now_ns)

    def start(self):
        self.do(Command.ENERGIZE)
        self.do(Command.EXIT_SAFE_START)
        assert self.get("operation_state") == OperationState.NORMAL
        return self

    def home(self):
        self.start()
        self.do(Command.GO_HOME, 0)
        self.wait(4)
        assert not self.flags & FLAG_HOMING_ACTIVE
        return self


def test_power_up_waits_for_safe_start():
    bench = Bench()
    assert bench.errors == {"safe_start_violation"}
    assert bench.get("operation_state") == OperationState.SOFT_ERROR
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(0.5)
    assert bench.get("current_velocity") == 0


def test_exit_safe_start_lasts_200_ms_if_something_else_is_wrong():
    bench = Bench(command_timeout_ms=0)
    bench.do(Command.DEENERGIZE)
    bench.do(Command.EXIT_SAFE_START)
    assert bench.errors == {"intentionally_deenergized"}
    bench.wait(0.3)
    bench.do(Command.ENERGIZE)
    assert bench.errors == {"safe_start_violation"}


def test_enter_safe_start_brings_the_motor_to_a_stop():
    bench = Bench().start()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(2)
    bench.do(Command.ENTER_SAFE_START)
    assert bench.get("operation_state") == OperationState.SOFT_ERROR
    assert bench.get("current_velocity") == TWO_TURNS_PER_S  # decelerates, not abruptly
    bench.wait(2)
    assert bench.get("current_velocity") == 0


def test_homing_ends_with_zero_at_the_trailing_edge_of_the_index():
    bench = Bench(mechanics=Mechanics(start_angle_rad=2.0)).start()
    assert bench.flags & FLAG_POSITION_UNCERTAIN
    bench.do(Command.GO_HOME, 0)
    assert bench.flags & FLAG_HOMING_ACTIVE
    assert bench.get("current_velocity") == 0
    bench.wait(0.5)
    assert bench.get("current_velocity") < 0
    bench.wait(3)
    assert bench.flags & (FLAG_HOMING_ACTIVE | FLAG_POSITION_UNCERTAIN) == 0
    assert bench.get("current_position") == 0
    angle = float(bench.device.rotor.angle_rad(bench.now_ns))
    assert np.remainder(angle + 0.001, 2 * np.pi) == pytest.approx(0.001, abs=1e-5)


def test_homing_from_inside_the_sector_moves_forward_off_it():
    bench = Bench(mechanics=Mechanics(start_angle_rad=-0.2)).start()
    assert bench.flags & FLAG_REVERSE_LIMIT_ACTIVE
    bench.do(Command.GO_HOME, 0)
    bench.wait(2)
    assert bench.get("current_position") == 0
    assert float(bench.device.rotor.angle_rad(bench.now_ns)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("faults", [RotorFaults(blocked=True), RotorFaults(index_broken=True)])
def test_homing_without_index_runs_on(faults):
    bench = Bench(faults).start()
    bench.do(Command.GO_HOME, 0)
    bench.wait(10)
    assert bench.flags & FLAG_HOMING_ACTIVE
    assert bench.flags & FLAG_POSITION_UNCERTAIN
    bench.do(Command.HALT_AND_HOLD)
    assert not bench.flags & FLAG_HOMING_ACTIVE
    assert bench.get("current_velocity") == 0


def test_velocity_ramps_and_position_counts():
    bench = Bench().home()
    bench.do(Command.SET_MAX_ACCELERATION, 1_280_000)  # 12800 microsteps/s^2
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(0.5)
    assert bench.get("current_velocity") == TWO_TURNS_PER_S // 2
    bench.wait(1.5)
    assert bench.get("current_velocity") == TWO_TURNS_PER_S
    assert bench.get("current_position") == 6400 + 12800
    assert bench.get("planning_mode") == PlanningMode.TARGET_VELOCITY
    assert bench.get("input_state") == InputState.VELOCITY


def test_speed_is_held_to_its_limit():
    bench = Bench().home()
    bench.do(Command.SET_MAX_SPEED, 64_000_000)
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(2)
    assert bench.get("current_velocity") == 64_000_000
    assert bench.get("target_velocity") == TWO_TURNS_PER_S


def test_forward_motion_passes_the_index_and_reverse_motion_stops_there():
    bench = Bench().home()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S // 4)
    bench.wait(5)
    assert bench.get("current_position") > 2 * 6400
    bench.do(Command.SET_TARGET_VELOCITY, -TWO_TURNS_PER_S // 4)
    bench.wait(5)
    assert bench.get("current_velocity") == 0
    assert bench.flags & FLAG_REVERSE_LIMIT_ACTIVE
    assert bench.get("digital_readings") & 1 == 0


def test_position_wraps_at_32_bits():
    bench = Bench().home()
    bench.do(Command.HALT_AND_SET_POSITION, 2**31 - 1)
    assert bench.get("current_position") == 2**31 - 1
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(1)
    assert bench.get("current_position") < 0


def test_silence_of_the_computer_stops_the_motor():
    bench = Bench().home()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(2)
    bench.wait(1.2, alive=False)
    assert bench.errors == {"command_timeout", "safe_start_violation"}
    bench.wait(3)  # the timeout is over, safe start remains
    assert bench.errors == {"safe_start_violation"}
    assert bench.get("current_velocity") == 0
    assert not bench.flags & FLAG_POSITION_UNCERTAIN


def test_deenergize_stops_at_once_and_loses_the_position():
    bench = Bench().home()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(2)
    bench.do(Command.DEENERGIZE)
    assert bench.flags & FLAG_ENERGIZED == 0
    assert bench.flags & FLAG_POSITION_UNCERTAIN
    assert bench.get("current_velocity") == 0
    assert bench.get("operation_state") == OperationState.DEENERGIZED


@pytest.mark.parametrize(
    ("fault", "error", "state"),
    [
        ("kill_at_s", "kill_switch_active", OperationState.SOFT_ERROR),
        ("low_vin_at_s", "low_vin", OperationState.RESET),
        ("driver_error_at_s", "motor_driver_error", OperationState.RESET),
    ],
)
def test_injected_errors_come_at_their_time(fault, error, state):
    bench = Bench(RotorFaults(**{fault: 2.0})).home()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(1.9)
    assert bench.errors == set()
    bench.wait(0.2)
    assert error in bench.errors
    assert bench.get("operation_state") == state


def test_driver_error_is_latched_until_cleared():
    bench = Bench(RotorFaults(driver_error_at_s=0.5)).home()
    bench.do(Command.SET_TARGET_VELOCITY, TWO_TURNS_PER_S)
    bench.wait(1)
    assert "motor_driver_error" in bench.errors
    bench.do(Command.CLEAR_DRIVER_ERROR)
    assert bench.errors == {"safe_start_violation"}


def test_damaged_bytes_stop_the_motor_and_leave_a_trace():
    bench = Bench().home()
    bench.device.protocol_error(ProtocolError("serial_crc"), bench.now_ns)
    assert "serial_error" in bench.errors
    bench.start()
    assert bench.errors == set()
    assert "serial_crc" in error_names(bench.get("errors_occurred"))
    bench.device.execute(
        Request(Command.GET_VARIABLE_AND_CLEAR_ERRORS_OCCURRED, 4, 4), bench.now_ns
    )
    assert bench.get("errors_occurred") == 0


def test_up_time_and_supply():
    bench = Bench(supply_mv=23_500)
    bench.now_ns = 90 * SECOND
    assert bench.get("up_time") == 90_000
    assert bench.get("vin_voltage") == 23_500


def test_long_answers_carry_no_crc():
    answer = Bench().device.execute(Request(Command.GET_VARIABLE, 0, 15), 0)
    assert len(answer) == 15


def exchange(port: str, packet: bytes, count: int, timeout_s: float = 5.0) -> bytes:
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(descriptor, packet)
        answer, deadline_s = b"", time.monotonic() + timeout_s
        while len(answer) < count and time.monotonic() < deadline_s:
            if select.select([descriptor], [], [], 0.05)[0]:
                answer += os.read(descriptor, 64)
        return answer
    finally:
        os.close(descriptor)


def test_bytes_on_the_terminal():
    with TicEmulator() as tic:
        # get variable 0x49 (step mode), one byte; 1/32 step is 5; both CRCs with the guide's C code
        answer = exchange(tic.port, bytes([0xA1, 0x49, 0x01, 0x23]), 2)
        assert answer == bytes([0x05, 0x67])


def test_bytes_without_crc_in_the_pololu_protocol():
    settings = TicSettings(crc_for_commands=False, crc_for_responses=False, device_number=5)
    with TicEmulator(settings) as tic:
        assert exchange(tic.port, bytes([0xAA, 5, 0x21, 0x00, 0x04]), 4) == b"\x04\x03\x80\x00"


def test_a_silent_controller_sends_nothing():
    with TicEmulator(TicSettings(crc_for_commands=False), faults=RotorFaults(silent=True)) as tic:
        assert exchange(tic.port, bytes([0xA1, 0x49, 0x01]), 1, timeout_s=0.2) == b""


def test_unknown_error_is_refused():
    tic = TicEmulator()
    with pytest.raises(ValueError, match="flat_tyre"):
        tic.force_error("flat_tyre")
    tic.stop()
    tic.stop()


def test_the_settings_file_for_the_real_controller_agrees_with_the_emulated_one():
    text = (Path(__file__).parents[3] / "config" / "tic_36v4.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    stored = dict(line.split(": ", 1) for line in lines)
    settings, mechanics = TicSettings(), Mechanics()
    for name, rate_hz in (
        ("max_speed", settings.max_speed_hz),
        ("homing_speed_towards", settings.homing_speed_towards_hz),
        ("homing_speed_away", settings.homing_speed_away_hz),
    ):
        assert int(stored[name]) == rate_hz * 10_000
    assert int(stored["max_accel"]) == settings.max_acceleration_hz2 * 100
    assert int(stored["max_decel"]) == settings.max_deceleration_hz2 * 100
    assert int(stored["serial_baud_rate"]) == pytest.approx(settings.baud_rate, rel=0.01)
    assert int(stored["serial_device_number"]) == settings.device_number
    assert int(stored["command_timeout"]) == settings.command_timeout_ms
    assert stored["serial_crc_for_commands"] == stored["serial_crc_for_responses"] == "true"
    assert int(stored["step_mode"]) == mechanics.microsteps_per_step
    assert stored["scl_config"].startswith("limit_switch_reverse")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"baud_rate": 300_000}, "baud_rate"),
        ({"device_number": 200}, "device_number"),
        ({"command_timeout_ms": -1}, "command_timeout_ms"),
        ({"max_speed_hz": 0.0}, "max_speed_hz"),
        ({"max_acceleration_hz2": 0.0}, "max_acceleration_hz2"),
    ],
)
def test_bad_settings_are_named(values, name):
    with pytest.raises(ValueError, match=name):
        TicSettings(**values)
