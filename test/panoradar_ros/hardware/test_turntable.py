"""The turntable's supervision against an emulated controller's bytes."""

import dataclasses
import threading
import time

import pytest

from mmwave.emulation.tic import Mechanics, RotorFaults, TicEmulator, TicSettings
from mmwave.tic import Command
from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.stepper import StepperConfiguration, TicStepper
from panoradar_ros.hardware.turntable import Turntable, TurntableState

FAST = TicSettings(
    homing_speed_towards_hz=12_800.0, homing_speed_away_hz=6_400.0, command_timeout_ms=0
)
DEADLINE_S = 10.0


class Running:
    """An emulated controller and a turntable that works in a thread."""

    def __init__(self, faults=None):
        self.emulator = TicEmulator(FAST, Mechanics(), faults).start()
        configuration = StepperConfiguration(
            acceleration_revolutions_per_s2=10.0, home_timeout_s=2.0
        )
        self.stepper = TicStepper(self.emulator.port, configuration)
        self.stepper.connect()
        self.readings, self.told, self.errors = [], [], []
        self.turntable = Turntable(
            self.stepper,
            2.0,
            on_reading=self.readings.append,
            on_change=lambda what, bad: self.told.append((what, bad)),
        )
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.turntable.run(self.stop, 0.01)
        except Exception as error:
            self.errors.append(error)

    def record_commands(self):
        """The commands sent from now on."""
        sent, send = [], self.stepper._line.send

        def record(command, argument=0):
            sent.append(command)
            send(command, argument)

        self.stepper._line.send = record
        return sent

    def wait_for_polls(self, count):
        """Wait until the worker has nothing left to do but to poll."""
        for _ in range(count):
            before = self.turntable.reading
            self.wait_for(lambda before=before: self.turntable.reading is not before)

    def wait_for(self, condition):
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, self.told
            self.stop.wait(0.01)

    def close(self):
        self.stop.set()
        self.thread.join(DEADLINE_S)
        self.stepper.disconnect()
        self.emulator.stop()


@pytest.fixture
def start():
    running = []

    def start(faults=None):
        running.append(Running(faults))
        return running[-1]

    yield start
    for one in running:
        one.close()


def test_spin_homes_first_and_readings_are_only_of_known_angles(start):
    one = start()
    assert "2 revolutions/s" in one.turntable.spin().result(DEADLINE_S)
    one.wait_for(lambda: len(one.readings) > 20)
    assert one.turntable.state is TurntableState.SPINNING
    assert all(reading.homed for reading in one.readings)


def test_stall_switches_the_motor_off_until_the_next_order(start):
    one = start(RotorFaults(stall_at_s=0.2))
    one.turntable.spin()
    one.wait_for(lambda: one.turntable.state is TurntableState.FAULT)
    assert "rotor stall" in one.turntable.problem
    one.wait_for(lambda: not one.turntable.reading.energized)
    assert [bad for _, bad in one.told] == [True]


def test_order_that_fails_tells_who_gave_it(start):
    one = start(RotorFaults(index_broken=True))
    with pytest.raises(HardwareError, match="index switch"):
        one.turntable.home().result(DEADLINE_S)
    assert one.turntable.state is TurntableState.FAULT


def test_rate_is_changed_while_spinning_and_a_wrong_one_refused(start):
    one = start()
    one.turntable.spin().result(DEADLINE_S)
    one.turntable.set_rate(1.0).result(DEADLINE_S)
    one.wait_for(lambda: one.readings[-1].velocity_rad_s == pytest.approx(6.283, rel=0.01))
    with pytest.raises(ValueError, match="9"):
        one.turntable.set_rate(9.0).result(DEADLINE_S)


def test_lost_controller_is_found_again_and_spins_on(start, monkeypatch):
    monkeypatch.setattr("panoradar_ros.hardware.turntable.RECONNECT_S", 0.05)
    one = start()
    one.turntable.spin().result(DEADLINE_S)
    one.stepper._line.close()
    one.wait_for(lambda: any("answers again" in what for what, _ in one.told))
    one.wait_for(lambda: one.turntable.state is TurntableState.SPINNING)
    assert one.told[0][1]


def test_bug_switches_the_motor_off(start, monkeypatch):
    one = start()
    one.turntable.spin().result(DEADLINE_S)

    def broken():
        raise KeyError("surprise")

    monkeypatch.setattr(one.turntable, "_on_reading", lambda _: broken())
    one.wait_for(lambda: one.errors)
    assert isinstance(one.errors[0], KeyError)
    assert one.turntable.state is TurntableState.FAULT
    assert not one.stepper.read().energized


def test_end_of_work_brings_the_turntable_to_a_stand(start):
    one = start()
    one.turntable.spin().result(DEADLINE_S)
    one.stop.set()
    one.thread.join(DEADLINE_S)
    assert one.stepper.read().velocity_rad_s == 0
    assert one.turntable.state is TurntableState.STOPPED


STARTING = {Command.ENERGIZE, Command.EXIT_SAFE_START, Command.GO_HOME}


def test_nothing_ordered_before_an_emergency_stop_starts_the_motor_again(start):
    one = start(RotorFaults(index_broken=True))
    before = [one.turntable.home(), one.turntable.spin()]
    one.wait_for(lambda: one.stepper.read().homing)
    assert "motor is off" in one.turntable.emergency_stop()
    sent = one.record_commands()
    problems = [future.exception(DEADLINE_S) for future in before]
    one.wait_for_polls(5)
    assert not STARTING & set(sent)
    assert all(isinstance(problem, HardwareError) for problem in problems)
    assert all("emergency stop" in str(problem) for problem in problems)
    assert one.turntable.state is TurntableState.FAULT
    assert "emergency stop" in one.turntable.problem
    assert not one.stepper.read().energized
    one.turntable.home()
    one.wait_for(lambda: one.stepper.read().homing)


def test_order_given_after_an_emergency_stop_during_homing_is_carried_out(start):
    one = start()
    homing = one.turntable.home()
    one.wait_for(lambda: one.stepper.read().homing or homing.done())
    one.turntable.emergency_stop()
    assert "2 revolutions/s" in one.turntable.spin().result(DEADLINE_S)
    assert one.turntable.state is TurntableState.SPINNING


def test_emergency_stop_wins_over_the_restart_after_lost_bytes(start, monkeypatch):
    one = start()
    one.turntable.spin().result(DEADLINE_S)
    sent, read = one.record_commands(), one.stepper.read
    stopped = threading.Event()

    def stop_in_between(what, bad):
        if "told to spin again" in what:
            one.turntable.emergency_stop()
            sent.clear()
            stopped.set()

    def read_error():
        reading = read()
        if threading.current_thread() is one.thread and not stopped.is_set():
            return dataclasses.replace(reading, errors=frozenset({"serial_error"}))
        return reading

    monkeypatch.setattr(one.turntable, "_on_change", stop_in_between)
    monkeypatch.setattr(one.stepper, "read", read_error)
    assert stopped.wait(DEADLINE_S)
    one.wait_for_polls(5)
    assert not STARTING & set(sent)
    assert one.turntable.state is TurntableState.FAULT
    assert not one.stepper.read().energized


def test_emergency_stop_that_is_not_confirmed_is_not_called_off(start):
    one = start()
    one.stop.set()
    one.thread.join(DEADLINE_S)
    one.stepper._line.close()
    with pytest.raises(HardwareError, match="cut the motor's supply"):
        one.turntable.emergency_stop()
    assert "cut the motor's supply" in one.turntable.problem


def test_bug_in_an_order_switches_the_motor_off_and_is_told(start, monkeypatch):
    one = start()
    one.turntable.spin().result(DEADLINE_S)
    taken = threading.Event()

    def broken():
        taken.wait(DEADLINE_S)
        raise KeyError("surprise")

    monkeypatch.setattr(one.stepper, "stop", broken)
    order, waiting = one.turntable.stop(), one.turntable.home()
    taken.set()
    with pytest.raises(KeyError):
        order.result(DEADLINE_S)
    with pytest.raises(HardwareError, match="no longer worked"):
        waiting.result(DEADLINE_S)
    one.thread.join(DEADLINE_S)
    assert isinstance(one.errors[0], KeyError)
    assert one.turntable.state is TurntableState.FAULT
    assert not one.stepper.read().energized


def test_orders_left_at_the_end_and_given_after_it_fail(start):
    one = start(RotorFaults(index_broken=True))
    one.turntable.home()
    one.wait_for(lambda: one.stepper.read().homing)
    left = one.turntable.spin()
    one.stop.set()
    with pytest.raises(HardwareError, match="no longer worked"):
        left.result(DEADLINE_S)
    one.thread.join(DEADLINE_S)
    with pytest.raises(HardwareError, match="no longer worked"):
        one.turntable.spin().result(DEADLINE_S)
