"""Bags made from and played to real topics, byte for byte."""

import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState, PointCloud2
from visualization_msgs.msg import Marker

from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos
from panoradar_ros.bag_comparison import compare_bags
from panoradar_ros.bags import BagError, BagReader, BagWriter
from panoradar_ros.nodes.bag_sessions import record, replay
from panoradar_ros.nodes.recorder import Recorder

RAW, JOINTS, BUILDING = "/radar/raw", "/joint_states", "/sim/building"
TYPES = {RAW: PointCloud2, JOINTS: JointState, BUILDING: Marker}


def raw_cloud(index: int) -> PointCloud2:
    random = np.random.default_rng(index)
    message = PointCloud2(height=1, width=4, point_step=8192, row_step=4 * 8192)
    message.header.frame_id = "radar"
    message.header.stamp.sec, message.header.stamp.nanosec = 1_700_000_000, index * 26_250_000
    message.data = random.bytes(4 * 8192)
    return message


def joint_state(index: int) -> JointState:
    message = JointState(name=["turntable_joint"], position=[0.1 * index], velocity=[12.566])
    message.header.stamp.sec, message.header.stamp.nanosec = 1_700_000_000, index * 20_000_000
    return message


class Robot(Node):
    """Publishes as the real nodes do: raw reliable, joints best effort, the building kept."""

    def __init__(self, **options):
        super().__init__("robot", **options)
        self.raw = self.create_publisher(PointCloud2, "radar/raw", reliable_qos(depth=60))
        self.joints = self.create_publisher(JointState, "joint_states", sensor_qos(200, depth=60))
        self.building = self.create_publisher(Marker, "sim/building", static_qos())


class Listener(Node):
    """Keeps the bytes that come."""

    def __init__(self, topics=(RAW, JOINTS), **options):
        super().__init__("listener", **options)
        self.received = defaultdict(list)
        self.subscriptions_by_topic = {}
        for topic in topics:
            quality = sensor_qos(200, depth=100) if topic == JOINTS else reliable_qos(depth=100)
            self.subscriptions_by_topic[topic] = self.create_subscription(
                TYPES[topic], topic, self.received[topic].append, quality, raw=True
            )

    @property
    def count(self):
        return sum(len(messages) for messages in self.received.values())


class Recording:
    """A recording in a thread, as a user would run it beside the robot."""

    def __init__(self, graph, path, topics, **options):
        self._stop = threading.Event()
        self._recorders = []
        self.result = None
        self._thread = threading.Thread(
            target=self._run, args=(path, topics), kwargs=options, daemon=True
        )
        self._thread.start()
        graph.wait_for(lambda: self._recorders, "the recorder starts")
        self.recorder = self._recorders[0]

    def _run(self, path, topics, **options):
        try:
            self.result = record(
                path,
                topics,
                stop=self._stop,
                progress=False,
                started=self._recorders.append,
                **options,
            )
        except BagError as error:
            self.result = error

    def finish(self):
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.result


def write_bag(path, messages, start_ns=1_700_000_000_000_000_000, step_ns=1_000_000):
    with BagWriter(path) as bag:
        bag.add_topic(RAW, "sensor_msgs/msg/PointCloud2")
        bag.add_topic(JOINTS, "sensor_msgs/msg/JointState")
        for index, message in enumerate(messages):
            topic = RAW if isinstance(message, PointCloud2) else JOINTS
            bag.write(topic, start_ns + index * step_ns, serialize_message(message))
    return path


def test_recorded_and_replayed_bytes_are_those_that_were_published(graph, tmp_path):
    robot = graph.add(Robot)
    robot.building.publish(Marker(ns="building"))  # before anyone records
    live = graph.add(Listener)
    recording = Recording(graph, tmp_path / "drive", ["radar/raw", "joint_states", "sim/building"])
    recorder = recording.recorder
    graph.wait_for(
        lambda: (
            not recorder.waiting_for
            and robot.raw.get_subscription_count() == 2
            and robot.joints.get_subscription_count() == 2
        ),
        "the recorder subscribes",
    )
    for index in range(50):
        robot.raw.publish(raw_cloud(index))
        robot.joints.publish(joint_state(index))
        expected = 2 * (index + 1)
        graph.wait_for(lambda: recorder.written >= expected, "messages are written")  # noqa: B023
    graph.wait_for(lambda: recorder.written == 101, "the building is written")
    report = recording.finish()
    assert report.counts == {RAW: 50, JOINTS: 50, BUILDING: 1}
    assert report.dropped == {}

    stored = defaultdict(list)
    with BagReader(tmp_path / "drive") as bag:
        for message in bag.messages():
            stored[message.topic].append(message.data)
        assert bag.topics[RAW].quality.reliable
        assert not bag.topics[JOINTS].quality.reliable
        assert bag.topics[BUILDING].quality.transient_local
    graph.wait_for(lambda: live.count == 100, "the live messages arrive")
    assert stored[RAW] == live.received[RAW]
    assert stored[JOINTS] == live.received[JOINTS]
    clouds = [deserialize_message(data, PointCloud2) for data in stored[RAW]]
    assert clouds == [raw_cloud(index) for index in range(50)]

    replayed = graph.add(Listener)
    played = replay(
        tmp_path / "drive", topics=[RAW, JOINTS], needed=[RAW, JOINTS], rate=None, progress=False
    )
    graph.wait_for(lambda: replayed.count == 100, "all messages arrive")
    assert replayed.received[RAW] == stored[RAW]
    assert replayed.received[JOINTS] == stored[JOINTS]
    assert played.counts == {RAW: 50, JOINTS: 50}
    assert (played.passes, played.backward_count) == (1, 0)


def test_a_recorded_replay_is_the_same_bag(graph, tmp_path):
    messages = [raw_cloud(i // 2) if i % 2 else joint_state(i // 2) for i in range(20)]
    first = write_bag(tmp_path / "first", messages, step_ns=2_000_000)
    recording = Recording(graph, tmp_path / "second", [RAW, JOINTS])
    # the recorder subscribes when the player's topics appear, so the player waits for it
    replay(first, needed=[RAW, JOINTS], rate=1.0, progress=False)
    graph.wait_for(lambda: recording.recorder.written == 20, "the replay is recorded")
    recording.finish()
    comparison = compare_bags(first, tmp_path / "second")
    assert {topic: one.count_b for topic, one in comparison.items()} == {RAW: 10, JOINTS: 10}
    assert all(one.identical and one.bytes_identical for one in comparison.values())


def test_recorder_asks_no_more_than_a_later_publisher_offers(graph, tmp_path):
    strict = graph.add(Node, "strict")
    strict.create_publisher(JointState, "joint_states", reliable_qos())
    recorder = graph.add(Recorder, tmp_path / "drive", ["joint_states"])
    graph.wait_for(lambda: not recorder.waiting_for, "the recorder subscribes")
    loose = graph.add(Node, "loose")
    publisher = loose.create_publisher(JointState, "joint_states", sensor_qos(200))
    graph.wait_for(publisher.get_subscription_count, "the recorder follows")
    publisher.publish(joint_state(1))
    graph.wait_for(lambda: recorder.written == 1, "the message is written")
    assert recorder.finish().counts == {JOINTS: 1}


def test_recorder_follows_the_namespace(graph, tmp_path):
    robot = graph.add(Node, "robot", namespace="/first")
    publisher = robot.create_publisher(JointState, "joint_states", reliable_qos())
    recorder = graph.add(Recorder, tmp_path / "drive", ["joint_states"], namespace="/first")
    assert recorder.topics == ("/first/joint_states",)
    graph.wait_for(publisher.get_subscription_count, "the recorder subscribes")
    publisher.publish(joint_state(1))
    graph.wait_for(lambda: recorder.written == 1, "the message is written")
    assert recorder.finish().path == tmp_path / "drive"


def test_an_interrupt_leaves_a_whole_bag(graph, tmp_path):
    robot = graph.add(Robot)
    path = tmp_path / "drive"
    code = (
        "from panoradar_ros.nodes.bag_sessions import record\n"
        "def say(recorder):\n"
        "    recorder.create_timer(0.02, lambda: print(recorder.written, flush=True))\n"
        f"report = record({str(path)!r}, ['joint_states'], progress=False, started=say)\n"
        "print(report.counts)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(10, process.kill)
    watchdog.start()
    try:
        graph.wait_for(robot.joints.get_subscription_count, "the recorder subscribes")
        robot.joints.publish(joint_state(1))
        assert "1\n" in iter(process.stdout.readline, "")
        assert os.listdir(tmp_path) == [f".drive.{process.pid}.partial"]
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert output.splitlines()[-1] == "{'/joint_states': 1}"
    assert os.listdir(tmp_path) == ["drive"]
    with BagReader(path) as bag:
        (message,) = bag.messages()
    assert deserialize_message(message.data, JointState) == joint_state(1)


def test_nothing_on_the_topics_makes_no_bag(graph, tmp_path):
    recording = Recording(graph, tmp_path / "drive", ["joint_states"])
    assert recording.recorder.waiting_for == (JOINTS,)
    assert recording.finish().path is None
    assert os.listdir(tmp_path) == []


def test_a_bag_without_the_topics_is_refused(tmp_path):
    path = write_bag(tmp_path / "drive", [joint_state(1)])
    with pytest.raises(BagError, match=r"no messages on /radar/raw; it has /joint_states \(1 of"):
        replay(path, needed=[RAW, JOINTS], progress=False)


def test_time_going_back_is_reported_and_the_clock_goes_on(graph, tmp_path):
    path = tmp_path / "drive"
    start_ns = 1_700_000_000_000_000_000
    headers = [0, 1, 2, 3, 1, 4]  # the stamps go back once
    with BagWriter(path) as bag:
        bag.add_topic(JOINTS, "sensor_msgs/msg/JointState")
        for index, header in enumerate(headers):
            data = serialize_message(joint_state(header))
            bag.write(JOINTS, start_ns + index * 40_000_000, data)
    clock = graph.add(Node, "clock_listener")
    told = []
    clock.create_subscription(Clock, "/clock", told.append, reliable_qos(depth=1000))
    listener = graph.add(Listener, [JOINTS])
    report = replay(path, needed=[JOINTS], clock=True, progress=False)
    graph.wait_for(lambda: listener.count == 6, "all messages arrive")
    assert report.backward_count == 1
    graph.wait_for(lambda: len(told) > 10, "the clock is told between messages too")
    times_ns = [one.clock.sec * 1_000_000_000 + one.clock.nanosec for one in list(told)]
    assert times_ns == sorted(times_ns)
    assert start_ns <= times_ns[0]
    assert times_ns[-1] <= start_ns + 200_000_000


def test_a_loop_plays_until_it_is_stopped_at_the_consumers_pace(graph, tmp_path):
    path = write_bag(tmp_path / "drive", [joint_state(i) for i in range(5)])
    listener = graph.add(Listener, [JOINTS])
    stop = threading.Event()

    def may_send(replayer):
        sent = sum(replayer.counts.values())
        if sent > listener.count:
            return False  # the consumer still works on the last one
        if sent == 12:
            stop.set()
        return True

    report = replay(
        path, needed=[JOINTS], rate=None, loop=True, stop=stop, may_send=may_send, progress=False
    )
    assert report.counts == {JOINTS: 12}
    assert report.passes == 2
    graph.wait_for(lambda: listener.count == 12, "all messages arrive")


def test_topics_can_be_renamed(graph, tmp_path):
    path = write_bag(tmp_path / "drive", [joint_state(1)])
    node = graph.add(Node, "elsewhere")
    received = []
    node.create_subscription(JointState, "/robot/joints", received.append, reliable_qos(), raw=True)
    replay(path, needed=[JOINTS], renamed={JOINTS: "/robot/joints"}, progress=False)
    graph.wait_for(lambda: received, "it arrives renamed")
    with BagReader(path) as bag:
        assert received == [message.data for message in bag.messages()]


def test_senseless_numbers_are_refused(tmp_path):
    path = write_bag(tmp_path / "drive", [joint_state(1)])
    with pytest.raises(ValueError, match="rate must be a positive number, got -1"):
        replay(path, rate=-1.0, progress=False)
    with pytest.raises(ValueError, match="duration_s must be positive, got 0"):
        record(tmp_path / "other", duration_s=0, progress=False)
