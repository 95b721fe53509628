"""The capture node against emulated devices' bytes."""

import contextlib
import dataclasses
import socket
import threading
import time
import types

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import PointCloud2

from mmwave.dca1000 import RecentLoss, encode_iiqq
from mmwave.emulation.awr1843 import AWR1843Emulator
from mmwave.emulation.dca1000 import DCA1000Emulator
from mmwave.emulation.link import LinkFaults
from mmwave.ros import raw
from mmwave.ros.diagnostics import Level
from mmwave.ros.node import LifecycleNode, bring_up
from mmwave.ros.publishing import sensor_qos
from mmwave.waveform import Waveform
from panoradar_ros.nodes.capture import CaptureNode

WAVEFORM = Waveform()
PATTERNS = np.random.default_rng(4).integers(-(2**15), 2**15, (4, 64, 8, 256, 2)).astype(np.int16)
DEADLINE_S = 10.0
QOS = sensor_qos(1_000_000, depth=40)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


class Devices:
    """Radar and card that send the patterns round and round at the true rate."""

    def __init__(self, faults=None, **radar):
        self.paused = threading.Event()
        self.running = threading.Event()
        self.closing = threading.Event()
        self.card = DCA1000Emulator(
            WAVEFORM,
            control_port=free_port(),
            data_port=free_port(),
            faults=faults,
            on_reset_radar=lambda: self.radar.reset(),
        )
        self.radar = AWR1843Emulator(
            on_start=lambda _: self.running.set(), on_stop=self.running.clear, **radar
        )

    def parameters(self):
        return {
            "serial_port": self.radar.port,
            "host_address": "127.0.0.1",
            "device_address": "127.0.0.2",
            "control_port": self.card.control_port,
            "data_port": self.card.data_port,
        }

    def play(self):
        words = [encode_iiqq(pattern).reshape(-1) for pattern in PATTERNS]
        while not self.closing.is_set():
            if not self.running.wait(0.05):
                continue
            start_ns, frame = time.time_ns(), 0
            while self.running.is_set() and not self.closing.is_set():
                if self.paused.is_set():
                    self.closing.wait(0.01)
                    continue
                at_ns = start_ns + round(frame * WAVEFORM.frame_period_s * 1e9)
                self.card.send_frame(words[frame % 4], at_ns)
                frame += 1

    def __enter__(self):
        self.radar.start()
        self.card.start()
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join(5)
        self.card.close()
        self.radar.close()


@pytest.fixture
def start(graph):
    with contextlib.ExitStack() as stack:

        def start(faults=None, radar=(), **parameters):
            devices = stack.enter_context(Devices(faults, **dict(radar)))
            values = devices.parameters() | parameters
            overrides = [Parameter(name, value=value) for name, value in values.items()]
            return devices, graph.add(CaptureNode, parameter_overrides=overrides)

        yield start
        graph.stop_nodes()


class Consumer(LifecycleNode):
    """Takes blocks by reference."""

    def __init__(self, **options):
        super().__init__("consumer", **options)

    def activate(self):
        self.raw = self.handover_subscriber(PointCloud2, "radar/raw", raw.from_cloud, QOS, depth=40)


def diagnostics(graph):
    heard = []
    listener = graph.add(Node, "listener")

    def take(message):
        heard.extend(one for one in message.status if one.name == "capture: radar")

    listener.create_subscription(DiagnosticArray, "/diagnostics", take, 10)
    return heard


def values(status):
    return {one.key: one.value for one in status.values}


def test_blocks_reach_process_and_graph_exactly(graph, start):
    _, node = start()
    consumer, outside = graph.add(Consumer), graph.add(Node, "outside")
    messages = []
    outside.create_subscription(PointCloud2, "radar/raw", messages.append, QOS)
    assert bring_up(consumer)
    before_ns = time.time_ns()
    assert bring_up(node)
    blocks = [consumer.raw.get(timeout_s=10.0) for _ in range(8)]
    for block in blocks:
        np.testing.assert_array_equal(block.samples, PATTERNS[block.frame_index % 4])
        assert block.valid.all()
        assert before_ns < block.time_ns[0] < time.time_ns()
    assert [block.frame_index for block in blocks] == list(range(8))
    graph.wait_for(lambda: len(messages) >= 4, "messages")
    block = raw.from_cloud(messages[3])
    np.testing.assert_array_equal(block.samples, PATTERNS[block.frame_index % 4])
    assert messages[3].header.frame_id == "radar"
    times_ns = np.concatenate([block.time_ns for block in blocks])
    assert (np.diff(times_ns) > 0).all()


def test_loss_is_masked_and_told(graph, start):
    _, node = start(LinkFaults(loss=0.05, seed=1), loss_warning_fraction=0.001)
    heard, consumer = diagnostics(graph), graph.add(Consumer)
    assert bring_up(consumer)
    assert bring_up(node)
    blocks = [consumer.raw.get(timeout_s=10.0) for _ in range(12)]
    valid = np.concatenate([block.valid for block in blocks])
    assert 0.5 < valid.mean() < 0.99
    for block in blocks:
        expected = np.where(block.valid[..., None, None], PATTERNS[block.frame_index % 4], 0)
        np.testing.assert_array_equal(block.samples, expected)
    graph.wait_for(lambda: [one for one in heard if "lost" in one.message], "a warning")
    status = next(one for one in heard if "lost" in one.message)
    assert status.level == DiagnosticStatus.WARN
    assert 0.01 < float(values(status)["lost fraction"]) < 0.15
    assert 0.01 < float(values(status)["lost fraction, last 5 s"]) < 0.15


def test_warning_ends_when_nothing_is_lost_any_more(graph, start):
    _, node = start(LinkFaults(loss=0.05, seed=1))
    consumer = graph.add(Consumer)
    assert bring_up(consumer)
    assert bring_up(node)
    graph.wait_for(lambda: node._status().level is Level.WARN, "a warning")
    statistics = node._radar.statistics
    good = dataclasses.replace(
        statistics, received_bytes=statistics.received_bytes + 10 * WAVEFORM.bytes_per_frame
    )
    node._radar = types.SimpleNamespace(statistics=good, reconnects=0, problem="")
    now_s = [0.0]
    node._loss = RecentLoss(clock=lambda: now_s[0])
    node._loss.update(statistics)
    now_s[0] = 7.0
    status = node._status()
    assert status.level is Level.OK
    assert status.values["lost fraction"] == good.lost_fraction > 0
    assert status.values["lost fraction, last 5 s"] == 0.0


def test_age_is_told_by_the_nodes_clock_and_silence_is_not(graph, start):
    _, node = start(use_sim_time=True)
    consumer = graph.add(Consumer)
    assert bring_up(consumer)
    assert bring_up(node)
    block = consumer.raw.get(timeout_s=10.0)
    graph.wait_for(lambda: node._last_ns >= block.time_ns[-1], "a block")
    later_ns = int(block.time_ns[-1]) + 1000 * 10**9
    node.get_clock().set_ros_time_override(
        Time(nanoseconds=later_ns, clock_type=ClockType.ROS_TIME)
    )
    status = node._status()
    assert status.level is Level.OK
    assert status.values["timestamp age (s)"] == pytest.approx(1000, abs=DEADLINE_S)


def test_diagnostics_tell_rate_and_age_and_silence(graph, start):
    devices, node = start()
    heard = diagnostics(graph)
    assert bring_up(node)

    def good():
        return [
            one for one in heard if one.level == DiagnosticStatus.OK and one.message != "not active"
        ]

    graph.wait_for(good, "good diagnostics")
    told = values(good()[-1])
    assert float(told["frames (Hz)"]) > 10
    assert float(told["timestamp age (s)"]) < 1
    assert told["IP Address"] == "127.0.0.2"
    devices.paused.set()
    graph.wait_for(lambda: heard[-1].level == DiagnosticStatus.ERROR, "an error")
    devices.paused.clear()
    graph.wait_for(lambda: heard[-1].level == DiagnosticStatus.OK, "recovery")


def test_node_can_be_stopped_and_started_again(graph, start):
    devices, node = start()
    consumer = graph.add(Consumer)
    assert bring_up(consumer)
    assert bring_up(node)
    assert consumer.raw.get(timeout_s=10.0) is not None
    node.trigger_deactivate()
    assert not devices.running.is_set()
    assert not [one for one in threading.enumerate() if one.name == "capture-capture"]
    node.trigger_cleanup()
    assert bring_up(node)
    graph.wait_for(lambda: consumer.raw.get(timeout_s=1.0), "blocks again")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ({"serial_port": "/dev/no-such-radar"}, "/dev/no-such-radar"),
        ({"device_address": "127.0.0.9"}, "127.0.0.9"),
        ({"host_address": "192.0.2.1"}, "192.0.2.1"),
    ],
)
def test_missing_device_fails_with_one_clear_line(graph, start, monkeypatch, problem, told):
    _, node = start(**problem)
    lines = []
    logger = type(node.get_logger())
    monkeypatch.setattr(logger, "error", lambda self, text, **_: lines.append(text))
    assert not bring_up(node)
    assert node.state == "unconfigured"
    assert len(lines) == 1
    assert told in lines[0]
    assert "Traceback" not in lines[0]


def test_radar_that_refuses_is_named(graph, start, monkeypatch):
    _, node = start(radar={"answer_error_to": "profileCfg"})
    lines = []
    logger = type(node.get_logger())
    monkeypatch.setattr(logger, "error", lambda self, text, **_: lines.append(text))
    assert not bring_up(node)
    assert node.state == "inactive"
    assert "profileCfg" in lines[0]


def test_waveform_that_does_not_fit_is_refused_at_once(start):
    with pytest.raises(ValueError, match="frame_period_s"):
        start(loops_per_frame=200)


def test_waveform_does_not_change_while_the_node_lives(graph, start):
    _, node = start()
    answer = node.set_parameters([Parameter("loops_per_frame", value=32)])[0]
    assert not answer.successful
    assert node.parameters["loops_per_frame"] == 64
    assert node.set_parameters([Parameter("loss_warning_fraction", value=0.5)])[0].successful
