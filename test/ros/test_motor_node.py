"""The motor node against an emulated controller's bytes."""

import math
import os
import threading
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from mmwave.emulation.tic import Mechanics, RotorFaults, TicEmulator, TicSettings
from mmwave.ros.messages import to_time_ns
from mmwave.ros.node import bring_up
from panoradar_ros.nodes.motor import MotorNode

FAST = TicSettings(
    homing_speed_towards_hz=12_800.0, homing_speed_away_hz=6_400.0, command_timeout_ms=0
)


class Listener:
    def __init__(self, graph):
        self.graph = graph
        self.node = graph.add(Node, "listener")
        self.states, self.diagnostics = [], []
        self.node.create_subscription(JointState, "joint_states", self.states.append, 100)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnose, 10)

    def _diagnose(self, message):
        self.diagnostics += [one for one in message.status if one.name == "motor: turntable"]

    def trigger(self, name):
        return self.graph.call(self.node, Trigger, f"/motor/{name}", Trigger.Request())

    def wait_for_states(self, count):
        self.states.clear()
        self.graph.wait_for(lambda: len(self.states) >= count, f"{count} joint states")
        return self.states[:count]

    def wait_for_error(self):
        def error():
            return [one for one in self.diagnostics if one.level == DiagnosticStatus.ERROR]

        self.graph.wait_for(error, "an error in the diagnostics")
        return error()[-1]


@pytest.fixture
def start(graph):
    emulators = []

    def start(faults=None, **parameters):
        emulator = TicEmulator(FAST, Mechanics(), faults).start()
        emulators.append(emulator)
        values = {"serial_port": emulator.port, "acceleration_revolutions_per_s2": 10.0}
        overrides = [Parameter(name, value=value) for name, value in (values | parameters).items()]
        node = graph.add(MotorNode, parameter_overrides=overrides)
        return emulator, node, Listener(graph)

    yield start
    graph.stop_nodes()
    for emulator in emulators:
        emulator.stop()


def test_spins_and_tells_the_rotors_angle_at_50_hz(graph, start):
    emulator, node, listener = start()
    assert bring_up(node)
    listener.wait_for_states(20)
    states = listener.wait_for_states(60)
    times_ns = np.array([to_time_ns(state.header.stamp) for state in states])
    angles_rad = np.array([state.position[0] for state in states])
    assert (np.diff(times_ns) > 0).all()
    assert 59e9 / (times_ns[-1] - times_ns[0]) >= 50
    error_rad = angles_rad - emulator.rotor.angle_rad(times_ns)
    error_rad = (error_rad + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(error_rad).max() < math.radians(1.5)
    assert states[0].name == ["turntable_joint"]
    assert states[-1].velocity[0] == pytest.approx(4 * np.pi, rel=0.01)


def test_index_offset_moves_the_angle(graph, start):
    emulator, node, listener = start(index_offset_rad=0.5)
    assert bring_up(node)
    state = listener.wait_for_states(1)[0]
    angle_rad = float(emulator.rotor.angle_rad(to_time_ns(state.header.stamp)))
    difference_rad = (state.position[0] - angle_rad + np.pi) % (2 * np.pi) - np.pi
    assert difference_rad == pytest.approx(0.5, abs=0.03)


def test_services_stop_start_home_and_cut_the_current(graph, start):
    _, node, listener = start(spin_at_start=False)
    assert not bool(listener.states)
    assert bring_up(node)
    answer = listener.trigger("start")
    assert (answer.success, "2 revolutions/s" in answer.message) == (True, True)
    listener.wait_for_states(5)
    assert listener.trigger("stop").success
    assert listener.wait_for_states(3)[-1].velocity[0] == 0
    assert listener.trigger("home").success
    assert listener.wait_for_states(3)[-1].position[0] == pytest.approx(0.0, abs=1e-3)
    assert listener.trigger("start").success
    answer = listener.trigger("emergency_stop")
    assert answer.success
    assert "motor is off" in answer.message
    assert listener.wait_for_error().message == answer.message
    assert listener.trigger("start").success
    listener.wait_for_states(5)


def test_rate_changes_live_and_not_beyond_its_limit(graph, start):
    _, node, listener = start(revolutions_per_s=1.0)
    assert bring_up(node)
    listener.wait_for_states(5)
    refused = node.set_parameters([Parameter("revolutions_per_s", value=3.5)])[0]
    assert not refused.successful
    assert "3.5" in refused.reason
    assert node.set_parameters([Parameter("revolutions_per_s", value=1.5)])[0].successful
    graph.wait_for(
        lambda: listener.states[-1].velocity[0] == pytest.approx(3 * np.pi, rel=0.01), "1.5 turns/s"
    )


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (RotorFaults(stall_at_s=0.3), "rotor stall"),
        (RotorFaults(slip_steps_per_turn=10.0), "rotor slip"),
        (RotorFaults(index_broken=True), "index switch"),
        (RotorFaults(low_vin_at_s=0.3), "24 V supply"),
    ],
)
def test_fault_becomes_a_diagnostic_and_takes_the_current_off(graph, start, faults, told):
    emulator, node, listener = start(faults, home_timeout_s=1.5)
    assert bring_up(node)
    status = listener.wait_for_error()
    assert told in status.message
    assert node.state == "active"
    after = emulator.rotor.leg_at(2**62).velocity_at(2**62)
    assert after == 0
    listener.states.clear()
    seen = len(listener.diagnostics)
    graph.wait_for(lambda: len(listener.diagnostics) > seen, "the next diagnostics")
    assert not listener.states


def test_age_is_told_by_the_nodes_clock(graph, start):
    _, node, listener = start(use_sim_time=True)
    assert bring_up(node)
    time_ns = to_time_ns(listener.wait_for_states(1)[0].header.stamp)
    node.get_clock().set_ros_time_override(
        Time(nanoseconds=time_ns + 1000 * 10**9, clock_type=ClockType.ROS_TIME)
    )
    assert node._status().values["timestamp age (s)"] == pytest.approx(1000, abs=10)


def test_missing_port_fails_with_one_clear_line(graph, monkeypatch):
    node = graph.add(
        MotorNode, parameter_overrides=[Parameter("serial_port", value="/dev/no-such-port")]
    )
    lines = []
    logger = node.get_logger()
    monkeypatch.setattr(type(logger), "error", lambda self, text, **_: lines.append(text))
    assert not bring_up(node)
    assert node.state == "unconfigured"
    assert len(lines) == 1
    assert "/dev/no-such-port" in lines[0]
    assert "\n" not in lines[0]


def test_silent_port_fails_with_one_clear_line(graph, start, monkeypatch):
    emulator, node, _ = start(RotorFaults(silent=True))
    lines = []
    monkeypatch.setattr(
        type(node.get_logger()), "error", lambda self, text, **_: lines.append(text)
    )
    assert not bring_up(node)
    assert len(lines) == 1
    assert emulator.port in lines[0]


def test_lossy_line_still_turns(graph, start):
    _, node, listener = start(RotorFaults(lost_bytes=0.001, seed=3))
    assert bring_up(node)
    assert len(listener.wait_for_states(100)) == 100


def test_services_say_that_the_node_is_not_active(graph, start):
    _, node, listener = start()
    node.trigger_configure()
    answer = listener.trigger("start")
    assert not answer.success
    assert "activate" in answer.message
    assert listener.trigger("emergency_stop").success


def test_deactivation_ends_a_homing_run(graph, start):
    emulator, node, listener = start(RotorFaults(index_broken=True))
    assert bring_up(node)
    graph.wait_for(lambda: emulator.rotor.speed_rad_s(time.time_ns()), "the homing run")
    node.trigger_deactivate()
    assert not [one for one in threading.enumerate() if one.name == "motor-turntable"]
    assert not listener.states


def test_deactivation_brings_the_turntable_to_a_stand(graph, start):
    emulator, node, listener = start()
    assert bring_up(node)
    listener.wait_for_states(5)
    node.trigger_deactivate()
    assert emulator.rotor.leg_at(2**62).velocity_at(2**62) == 0
    assert not [one for one in threading.enumerate() if one.name == "motor-turntable"]
    node.trigger_cleanup()
    assert os.path.exists(emulator.port)
