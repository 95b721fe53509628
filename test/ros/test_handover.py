"""Arrays by reference inside a process, messages outside, never both."""

import sys
import threading

import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String

from mmwave.dca1000 import PositionBlock
from mmwave.ros import raw
from mmwave.ros.handover import Mailbox, channel
from mmwave.ros.node import LifecycleNode, bring_up
from mmwave.ros.publishing import sensor_qos
from mmwave.waveform import Waveform

QOS = sensor_qos(1_000_000)


def block(index=0):
    waveform = Waveform()
    draw = np.random.default_rng(index)
    return PositionBlock(
        frame_index=index,
        samples=draw.integers(-(2**15), 2**15, (64, 8, 256, 2)).astype(np.int16),
        time_ns=1_700_000_000_000_000_001 + np.arange(64) * 390_000,
        valid=draw.random((64, 8)) > 0.1,
        waveform=waveform,
    )


class Source(LifecycleNode):
    def __init__(self, **options):
        self.made = 0
        super().__init__("source", **options)

    def configure(self):
        self.raw = self.handover_publisher(PointCloud2, "radar/raw", self.to_message, QOS)

    def to_message(self, item):
        self.made += 1
        return raw.to_cloud(item, "radar")


class Sink(LifecycleNode):
    def __init__(self, name="sink", **options):
        super().__init__(name, **options)

    def activate(self):
        self.raw = self.handover_subscriber(PointCloud2, "radar/raw", raw.from_cloud, QOS, depth=2)


def test_same_process_gets_the_object_itself_and_no_message_is_made(graph):
    source, sink = graph.add(Source), graph.add(Sink)
    assert bring_up(sink)
    assert not sink.raw.in_process
    assert bring_up(source)
    assert sink.raw.in_process
    graph.wait_for(lambda: not source.raw._messages.has_subscribers, "the subscription to go")
    item = block()
    assert source.raw.has_subscribers
    assert source.raw.publish(item) == 1
    assert sink.raw.get(timeout_s=1.0) is item
    assert source.made == 0


def test_readers_inside_and_outside_get_it_once_each(graph):
    source, sink, outside = graph.add(Source), graph.add(Sink), graph.add(Node, "outside")
    heard = []
    assert bring_up(source)
    assert bring_up(sink)
    outside.create_subscription(PointCloud2, "radar/raw", heard.append, QOS)
    graph.wait_for(lambda: source.raw._messages.has_subscribers, "the outside reader")
    items = [block(0), block(1)]
    assert [source.raw.publish(item) for item in items] == [2, 2]
    graph.wait_for(lambda: len(heard) == 2, "messages")
    assert [sink.raw.get(timeout_s=1.0) for _ in items] == items
    assert sink.raw.get(timeout_s=0.05) is None
    assert source.made == 2


def test_block_is_bit_exact_from_another_context(graph):
    from conftest import Graph

    other = Graph()
    try:
        source, sink = graph.add(Source), other.add(Sink)
        assert bring_up(source)
        assert bring_up(sink)
        assert not sink.raw.in_process
        graph.wait_for(lambda: source.raw.has_subscribers, "the reader")
        sent = block(5)
        source.raw.publish(sent)
        received = sink.raw.get(timeout_s=10.0)
        assert received is not None
        assert received is not sent
        assert received.frame_index == 5
        assert received.waveform == sent.waveform
        for name in ("samples", "time_ns", "valid"):
            np.testing.assert_array_equal(getattr(received, name), getattr(sent, name))
    finally:
        other.close()


def test_reader_returns_to_messages_when_the_publisher_leaves(graph):
    source, sink = graph.add(Source), graph.add(Sink)
    assert bring_up(sink)
    assert bring_up(source)
    assert sink.raw.in_process
    source.trigger_deactivate()
    source.trigger_cleanup()
    assert not sink.raw.in_process


def test_inactive_publisher_hands_nothing_over(graph):
    source, sink = graph.add(Source), graph.add(Sink)
    assert bring_up(sink)
    assert bring_up(source)
    source.trigger_deactivate()
    assert not source.raw.has_subscribers
    assert source.raw.publish(block()) == 0


def test_message_of_another_kind_is_left_out(graph):
    source, sink = graph.add(Node, "source"), graph.add(Sink)
    assert bring_up(sink)
    publisher = source.create_publisher(PointCloud2, "radar/raw", QOS)
    graph.wait_for(lambda: publisher.get_subscription_count() == 1, "the reader")
    publisher.publish(PointCloud2())
    publisher.publish(raw.to_cloud(block(3), "radar"))
    assert sink.raw.get(timeout_s=10.0).frame_index == 3


def test_topics_and_contexts_have_channels_of_their_own(graph):
    one = channel(graph.context, "/a")
    assert channel(graph.context, "/a") is one
    assert channel(graph.context, "/b") is not one


def test_full_box_drops_the_oldest_and_counts():
    box = Mailbox(2)
    for item in range(5):
        box.put(item)
    assert [box.get(timeout_s=0), box.get(timeout_s=0), box.get(timeout_s=0)] == [3, 4, None]
    assert box.dropped == 3
    with pytest.raises(ValueError, match="depth"):
        Mailbox(0)


def test_patient_writer_loses_nothing():
    box, items = Mailbox(1), list(range(200))
    writer = threading.Thread(target=lambda: [box.put(item, timeout_s=10.0) for item in items])
    writer.start()
    assert [box.get(timeout_s=10.0) for _ in items] == items
    writer.join()
    assert box.dropped == 0


@pytest.fixture
def restless_threads():
    """Threads take turns as often as they can, so that races show."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.parametrize("timeout_s", [0.0, 1e-5])
def test_many_writers_lose_nothing_but_what_is_counted(restless_threads, timeout_s):
    box = Mailbox(3)

    def write():
        for _ in range(500):
            box.put(1, timeout_s=timeout_s)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    taken = 0
    while any(writer.is_alive() for writer in writers) or len(box):
        taken += box.get(timeout_s=0.01) is not None
    assert taken + box.dropped == 2000


def test_closing_wakes_a_waiting_reader():
    box = Mailbox(1)
    result = []
    reader = threading.Thread(target=lambda: result.append(box.get(timeout_s=30.0)))
    reader.start()
    box.close()
    reader.join(5.0)
    assert result == [None]
    box.put(1)
    assert len(box) == 0


def test_handed_over_text_is_any_object(graph):
    class Words(LifecycleNode):
        def configure(self):
            self.words = self.handover_publisher(
                String, "words", lambda text: String(data=text), QOS
            )

        def activate(self):
            self.heard = self.handover_subscriber(
                String, "words", lambda message: message.data, QOS
            )

    node = graph.add(Words, "words")
    assert bring_up(node)
    node.words.publish("hello")
    assert node.heard.get(timeout_s=1.0) == "hello"
