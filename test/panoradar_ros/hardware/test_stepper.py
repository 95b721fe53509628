"""The stepper driver against the emulated controller on a pseudo-terminal."""

import dataclasses
import os
import threading
import time

import numpy as np
import pytest

from mmwave.emulation.rotor import Mechanics, RotorFaults
from mmwave.emulation.tic import TicEmulator
from mmwave.emulation.tic_device import TicSettings
from mmwave.tic import OperationState
from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.stepper import (
    ERROR_REMEDIES,
    StepperCommunicationError,
    StepperConfiguration,
    StepperFaultError,
    TicStepper,
)
from panoradar_ros.hardware.tic_line import Exchange

TURN = 2 * np.pi
QUICK = StepperConfiguration(
    acceleration_revolutions_per_s2=40.0, response_timeout_s=0.2, retries=5
)
DEADLINE_S = 8.0


def poll(stepper, condition, deadline_s=DEADLINE_S):
    """Readings until one fulfils the condition."""
    end_s = time.monotonic() + deadline_s
    readings = []
    while time.monotonic() < end_s:
        readings.append(stepper.read())
        if condition(readings[-1]):
            return readings
        time.sleep(0.002)
    pytest.fail(f"not in {deadline_s} s; last reading {readings[-1]}")


@pytest.fixture
def rig():
    """Emulator and connected driver for given faults; the motor homes from near the index."""
    opened = []

    def build(faults=None, configuration=QUICK, settings=None, start_angle_rad=0.3):
        tic = TicEmulator(
            settings or TicSettings(homing_speed_towards_hz=6400.0),
            Mechanics(start_angle_rad=start_angle_rad),
            faults,
        )
        opened.append(tic.start())
        stepper = TicStepper(tic.port, configuration)
        opened.append(stepper)
        stepper.connect()
        return tic, stepper

    yield build
    for thing in reversed(opened):
        thing.disconnect() if isinstance(thing, TicStepper) else thing.stop()


def test_home_spin_stop(rig):
    tic, stepper = rig()
    assert not stepper.read().homed
    stepper.home()
    reading = stepper.read()
    assert reading.homed
    assert reading.angle_rad == 0.0
    stepper.set_velocity(2.0)
    reading = poll(stepper, lambda r: r.angle_rad > 3 * TURN)[-1]
    assert reading.velocity_rad_s == pytest.approx(2 * TURN)
    assert reading.errors == frozenset()
    assert reading.state is OperationState.NORMAL
    stepper.stop()
    reading = stepper.read()
    assert reading.velocity_rad_s == 0.0
    assert reading.energized
    real = float(tic.rotor.angle_rad(reading.time_ns))
    assert np.remainder(reading.angle_rad - real + np.pi, TURN) - np.pi == pytest.approx(
        0, abs=1e-3
    )


def test_angle_at_its_time_is_the_rotors(rig):
    tic, stepper = rig()
    stepper.home()
    stepper.set_velocity(2.0)
    poll(stepper, lambda r: r.angle_rad > 2 * TURN)
    readings = poll(stepper, lambda r: r.angle_rad > 4 * TURN)
    real = tic.rotor.angle_rad([r.time_ns for r in readings])
    error = np.remainder([r.angle_rad for r in readings] - real + np.pi, TURN) - np.pi
    assert np.median(np.abs(error)) < np.deg2rad(0.3)
    turns = np.diff([r.angle_rad for r in readings]) / np.diff([r.time_ns for r in readings]) * 1e9
    assert np.median(turns) == pytest.approx(2 * TURN, rel=0.05)


def test_direction_and_index_offset(rig):
    _, stepper = rig(configuration=dataclasses.replace(QUICK, direction=-1, index_offset_rad=1.0))
    stepper.home()
    assert stepper.read().angle_rad == 1.0
    stepper.set_velocity(1.0)
    reading = poll(stepper, lambda r: r.velocity_rad_s == pytest.approx(-TURN))[-1]
    assert reading.angle_rad < 1.0


def test_index_is_seen_every_turn(rig):
    _, stepper = rig()
    stepper.home()
    stepper.set_velocity(2.0)
    readings = poll(stepper, lambda r: r.angle_rad > 4 * TURN)
    active = np.array([r.index_active for r in readings])
    assert np.count_nonzero(np.diff(active.astype(int)) == 1) >= 3


def test_command_timeout_does_not_come_while_polled(rig):
    _, stepper = rig(settings=TicSettings(homing_speed_towards_hz=6400.0, command_timeout_ms=400))
    stepper.home()
    stepper.set_velocity(1.0)
    readings = poll(stepper, lambda r: r.angle_rad > TURN)
    assert all(r.errors == frozenset() for r in readings)


def test_silence_of_the_driver_is_reported_and_a_new_start_mends_it(rig):
    tic, stepper = rig(settings=TicSettings(homing_speed_towards_hz=6400.0, command_timeout_ms=400))
    stepper.home()
    stepper.set_velocity(1.0)
    tic.force_error("command_timeout")
    poll(stepper, lambda r: {"command_timeout", "safe_start_violation"} <= r.errors)
    poll(stepper, lambda r: r.velocity_rad_s == 0)
    tic.force_error("command_timeout", active=False)
    stepper.set_velocity(1.0)  # the angle is still known: it slowed down without losing steps
    poll(stepper, lambda r: r.velocity_rad_s > 0 and not r.errors)


def test_stall_is_found_through_the_index(rig):
    _, stepper = rig(RotorFaults(stall_at_s=1.0))
    stepper.home()
    stepper.set_velocity(2.0)
    readings = poll(stepper, lambda r: "rotor_stall" in r.errors)
    assert all("rotor_stall" not in r.errors for r in readings if r.angle_rad < 2 * TURN)
    assert readings[-1].angle_rad < 4.5 * TURN


def test_slip_is_found_through_the_index(rig):
    _, stepper = rig(RotorFaults(slip_at_s=0.5, slip_steps_per_turn=8.0))
    stepper.home()
    stepper.set_velocity(2.0)
    reading = poll(stepper, lambda r: "rotor_slip" in r.errors)[-1]
    assert reading.slip_rad > QUICK.slip_tolerance_rad
    assert reading.angle_rad < 6 * TURN


@pytest.mark.parametrize(
    "name", ["motor_driver_error", "low_vin", "kill_switch_active", "serial_error"]
)
def test_errors_of_the_controller_come_by_name(rig, name):
    tic, stepper = rig()
    stepper.home()
    tic.force_error(name)
    assert name in stepper.read().errors
    if name != "motor_driver_error":  # the start clears that one
        with pytest.raises(StepperFaultError, match=name.replace("_", " ")):
            stepper.home()


def test_every_error_has_a_remedy():
    for text in ERROR_REMEDIES.values():
        assert len(text) > 10


@pytest.mark.parametrize("faults", [RotorFaults(blocked=True), RotorFaults(index_broken=True)])
def test_homing_without_index_says_what_to_check(rig, faults):
    _, stepper = rig(faults, dataclasses.replace(QUICK, home_timeout_s=0.3))
    with pytest.raises(StepperFaultError, match=r"index switch was not found in 0\.3 s"):
        stepper.home()
    with pytest.raises(StepperFaultError, match="home it first"):
        stepper.set_velocity(1.0)


def test_emergency_stop_takes_the_current_off(rig):
    tic, stepper = rig()
    stepper.home()
    stepper.set_velocity(2.0)
    poll(stepper, lambda r: r.velocity_rad_s > 0)
    stepper.emergency_stop()
    reading = stepper.read()
    assert not reading.energized
    assert not reading.homed
    assert "intentionally_deenergized" in reading.errors
    assert tic.rotor.speed_rad_s(time.time_ns()) == 0.0
    with pytest.raises(StepperFaultError, match="home it first"):
        stepper.set_velocity(1.0)


def test_emergency_stop_during_homing_from_another_thread(rig):
    _, stepper = rig(RotorFaults(index_broken=True))
    failure = []

    def home():
        try:
            stepper.home()
        except StepperFaultError as error:
            failure.append(str(error))

    thread = threading.Thread(target=home)
    thread.start()
    poll(stepper, lambda r: r.homing)
    stepper.emergency_stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert "switched off" in failure[0]
    reading = stepper.read()
    assert not reading.energized
    assert not reading.homed


@pytest.mark.parametrize("moment", range(1, 9))
def test_emergency_stop_wins_at_every_moment_of_homing(rig, monkeypatch, moment):
    _, stepper = rig(RotorFaults(index_broken=True))
    read, reads = stepper.read, []

    def read_with_emergency():
        reads.append(None)
        if len(reads) == moment:
            stepper.emergency_stop()
        return read()

    monkeypatch.setattr(stepper, "read", read_with_emergency)
    with pytest.raises(StepperFaultError):
        stepper.home()
    assert len(reads) > moment
    reading = read()
    assert not reading.energized
    assert not reading.homed
    assert reading.velocity_rad_s == 0


@pytest.mark.parametrize("rate", [-0.1, 3.1, float("nan")])
def test_velocity_limits(rig, rate):
    _, stepper = rig()
    with pytest.raises(ValueError, match="from 0 to 3"):
        stepper.set_velocity(rate)


def test_a_silent_controller_is_an_error_that_names_port_and_remedy(rig):
    with pytest.raises(StepperCommunicationError) as caught:
        rig(
            RotorFaults(silent=True),
            dataclasses.replace(QUICK, response_timeout_s=0.02, retries=1),
        )
    message = str(caught.value)
    assert "/dev/" in message
    assert "does not answer at 115200 baud" in message
    assert isinstance(caught.value, HardwareError)


def test_a_controller_that_wants_a_crc_does_not_answer_without(rig):
    impatient = dataclasses.replace(
        QUICK, crc_for_commands=False, response_timeout_s=0.02, retries=1
    )
    with pytest.raises(StepperCommunicationError, match="CRC options match"):
        rig(configuration=impatient)


def test_a_crc_that_the_controller_does_not_want_is_a_serial_error(rig):
    _, stepper = rig(settings=TicSettings(crc_for_commands=False))
    with pytest.raises(StepperFaultError, match=r"serial error: .*CRC for commands"):
        stepper.home()


def test_damaged_answers_are_repeated_and_counted(rig):
    tic, stepper = rig(RotorFaults(corrupted_answers=0.2, seed=1))
    stepper.home()
    for _ in range(30):
        stepper.read()
    assert tic.answers_corrupted > 0
    assert stepper.statistics.crc_errors == tic.answers_corrupted
    assert stepper.statistics.timeouts == 0


def test_only_damaged_answers_name_the_crc(rig):
    with pytest.raises(StepperCommunicationError, match="wrong CRC bytes"):
        rig(RotorFaults(corrupted_answers=1.0), dataclasses.replace(QUICK, retries=2))


def test_lost_bytes_never_give_a_wrong_angle(rig):
    settings = TicSettings(homing_speed_towards_hz=6400.0)
    tic, stepper = rig(
        RotorFaults(lost_bytes=0.004, seed=3),
        dataclasses.replace(QUICK, response_timeout_s=0.02, retries=8),
        settings,
    )
    for _ in range(60):
        reading = stepper.read()
        assert reading.angle_rad == 0.0
    assert tic.bytes_lost > 0
    assert stepper.statistics.timeouts > 0


def test_late_answers_are_not_taken_for_the_next_ones(rig):
    tic, stepper = rig(
        RotorFaults(late_answers=0.15, lateness_s=0.03, seed=4),
        dataclasses.replace(QUICK, response_timeout_s=0.02, retries=8),
    )
    stepper.home()
    stepper.set_velocity(2.0)
    for _ in range(40):
        reading = stepper.read()
        error = reading.angle_rad - float(tic.rotor.angle_rad(reading.time_ns))
        allowed = 2 * TURN * (reading.time_uncertainty_s + 0.002)
        assert abs(np.remainder(error + np.pi, TURN) - np.pi) <= allowed
        assert not reading.errors
    assert tic.answers_late > 5
    assert stepper.statistics.timeouts >= tic.answers_late


def test_a_device_that_is_no_tic_is_recognised(rig, monkeypatch):
    _, stepper = rig()
    monkeypatch.setitem(
        stepper._line.__dict__, "read", lambda *_, **__: Exchange(b"\x07" * 13, 0, 1)
    )
    with pytest.raises(StepperCommunicationError, match="unknown operation state 7"):
        stepper.read()


def test_count_continues_beyond_32_bits(rig):
    _, stepper = rig()
    stepper.home()
    counts = [0, 2**30, 2**31 - 10, -(2**31) + 10, -1, 5]
    angles = [stepper._unwrap(count) for count in counts]
    assert angles == [0, 2**30, 2**31 - 10, 2**31 + 10, 2**32 - 1, 2**32 + 5]


def test_step_mode_must_agree(rig):
    with pytest.raises(StepperFaultError, match="32 microsteps per step, not 16"):
        rig(configuration=dataclasses.replace(QUICK, microsteps_per_step=16))


def test_missing_port_and_closed_port():
    stepper = TicStepper("/dev/does-not-exist")
    with pytest.raises(StepperCommunicationError, match="/dev/does-not-exist does not exist"):
        stepper.connect()
    with pytest.raises(StepperCommunicationError, match="not open"):
        stepper.read()


def test_a_port_that_is_no_serial_port(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StepperCommunicationError, match="cannot be opened"):
        TicStepper(str(path)).connect()


def test_a_port_that_vanishes(rig):
    tic, stepper = rig(configuration=dataclasses.replace(QUICK, response_timeout_s=0.02, retries=0))
    tic.stop()
    with pytest.raises(StepperCommunicationError, match="/dev/"):
        stepper.read()
    stepper.disconnect()
    assert not stepper.connected


def test_context_manager_switches_the_motor_off():
    with TicEmulator() as tic:
        with TicStepper(tic.port) as stepper:
            assert stepper.connected
        with TicStepper(tic.port) as again:
            assert "intentionally_deenergized" in again.read().errors
        assert os.path.exists(tic.port)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"baud_rate": 921_600}, "baud_rate"),
        ({"microsteps_per_step": 3}, "microsteps_per_step"),
        ({"direction": 0}, "direction"),
        ({"retries": -1}, "retries"),
        ({"gear_ratio": 0.0}, "gear_ratio"),
        ({"response_timeout_s": float("nan")}, "response_timeout_s"),
        ({"maximum_revolutions_per_s": 8.0}, "at most 50000"),
    ],
)
def test_bad_configuration_is_named(values, name):
    with pytest.raises(ValueError, match=name):
        StepperConfiguration(**values)
