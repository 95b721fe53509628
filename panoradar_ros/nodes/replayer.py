"""Play a bag back to topics where there is no ``ros2 bag play``: the same bytes, paced or not."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rclpy.duration import Duration
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from panoradar_ros.bags import BagMessage, BagReader, BagTopic, header_time_ns
from panoradar_ros.nodes.recorder import message_class
from panoradar_ros.playback import PlaybackSchedule

RCLError = rclpy_implementation.RCLError

CLOCK_PERIOD_S = 0.01
PUBLISH_DEPTH = 32
UNACKNOWLEDGED_LIMIT = 16
ACKNOWLEDGE_TIMEOUT_S = 10.0


class Replayer(Node):
    """Publishes the serialised messages of a bag.

    Publishers are reliable, which also serves best-effort subscribers, and keep their last messages
    for late subscribers where the recorded topic did.

    Args:
        bag: Open bag.
        topics: Full names in the bag to play, or None for all.
        rate: Bag seconds per second; None for as fast as reliable subscribers take delivery.
        clock: Publish ``/clock`` with the bag's time.
        renamed: Topic names to use instead of those in the bag.
        options: Of :class:`rclpy.node.Node`.

    Raises:
        BagError: If a topic is missing or its message type is not installed.
        ValueError: If ``rate`` is not positive.
    """

    def __init__(
        self,
        bag: BagReader,
        topics: Iterable[str] | None = None,
        *,
        rate: float | None = 1.0,
        clock: bool = False,
        renamed: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        PlaybackSchedule(rate)
        super().__init__("replayer", **options)
        self._bag = bag
        self._rate = rate
        self._latest_header_ns: dict[str, int] = {}
        self._unacknowledged: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.backward_count = 0
        try:
            names = list(topics) if topics is not None else _played_by_default(bag)
            bag.require(names)
            self._publishers_by_topic = {
                name: self._advertise(bag.topics[name], (renamed or {}).get(name, name))
                for name in names
            }
        except BaseException:
            self.destroy_node()
            raise
        self._clock_publisher = self.create_publisher(Clock, "/clock", 10) if clock else None

    def _advertise(self, topic: BagTopic, name: str) -> Any:
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=max(PUBLISH_DEPTH, topic.quality.depth),
            reliability=ReliabilityPolicy.RELIABLE,
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL
                if topic.quality.transient_local
                else DurabilityPolicy.VOLATILE
            ),
        )
        return self.create_publisher(message_class(topic.message_type), name, profile)

    def wait_for_subscribers(
        self, topics: Iterable[str], timeout_s: float, stop: threading.Event
    ) -> tuple[str, ...]:
        """Wait until topics have a subscriber.

        Args:
            topics: Names in the bag.
            timeout_s: Longest wait.
            stop: Ends the wait when set.

        Returns:
            Topics that nobody reads yet.
        """
        deadline_s = time.monotonic() + timeout_s
        wanted = list(topics)
        while True:
            lonely = tuple(
                topic
                for topic in wanted
                if self._publishers_by_topic[topic].get_subscription_count() == 0
            )
            if not lonely or stop.is_set() or time.monotonic() >= deadline_s:
                return lonely
            stop.wait(0.02)

    def play(
        self,
        stop: threading.Event,
        *,
        may_send: Callable[[], bool] = lambda: True,
        progress: Callable[[float], None] = lambda elapsed_s: None,
    ) -> bool:
        """Play the bag once.

        Args:
            stop: Ends the playing when set.
            may_send: Asked before every message; while it is False playing waits. Lets a consumer
                in this process set the pace.
            progress: Called with the seconds of the bag that have been played.

        Returns:
            Whether the end was reached.

        Raises:
            BagError: If the bag is damaged.
        """
        schedule = PlaybackSchedule(self._rate)
        self._latest_header_ns.clear()
        for message in self._bag.messages(self._publishers_by_topic):
            self._wait(schedule.wait_s(message.time_ns), schedule, stop)
            while not may_send() and not stop.is_set():
                stop.wait(0.001)
            if stop.is_set():
                return False
            self._tell_clock(schedule)
            self._publish(message)
            progress((schedule.clock_ns() - self._bag.start_ns) * 1e-9)
        if schedule.backward_count:
            self.backward_count += schedule.backward_count
            self.get_logger().warning(
                f"time goes back in {self._bag.path}: {schedule.backward_count} messages lie up to "
                f"{schedule.largest_step_back_s:.3f} s before an earlier one; they were played at "
                "once and the clock was not set back"
            )
        for topic in self._publishers_by_topic:
            self._acknowledge(topic)
        return not stop.is_set()

    def _wait(self, wait_s: float, schedule: PlaybackSchedule, stop: threading.Event) -> None:
        while wait_s > 0 and not stop.is_set():
            stop.wait(wait_s if self._clock_publisher is None else min(wait_s, CLOCK_PERIOD_S))
            self._tell_clock(schedule)
            wait_s = schedule.remaining_s()

    def _tell_clock(self, schedule: PlaybackSchedule) -> None:
        if self._clock_publisher is None:
            return
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(schedule.clock_ns(), 1_000_000_000)
        self._clock_publisher.publish(message)

    def _publish(self, message: BagMessage) -> None:
        self._notice_header(message)
        publisher = self._publishers_by_topic[message.topic]
        try:
            publisher.publish(message.data)
        except RCLError:  # a full reliable publisher: let the subscribers catch up, then once more
            self._acknowledge(message.topic)
            publisher.publish(message.data)
        self.counts[message.topic] += 1
        self._unacknowledged[message.topic] += 1
        if self._rate is None and self._unacknowledged[message.topic] >= UNACKNOWLEDGED_LIMIT:
            self._acknowledge(message.topic)

    def _notice_header(self, message: BagMessage) -> None:
        stamp_ns = header_time_ns(message.data, message.message_type)
        if not stamp_ns:
            return
        latest_ns = self._latest_header_ns.get(message.topic, stamp_ns)
        if stamp_ns < latest_ns:
            self.backward_count += 1
            self.get_logger().warning(
                f"the time stamps on {message.topic} in {self._bag.path} go back by "
                f"{(latest_ns - stamp_ns) * 1e-9:.3f} s",
                throttle_duration_sec=5.0,
            )
        self._latest_header_ns[message.topic] = stamp_ns

    def _acknowledge(self, topic: str) -> None:
        self._unacknowledged[topic] = 0
        self._publishers_by_topic[topic].wait_for_all_acked(
            Duration(nanoseconds=int(ACKNOWLEDGE_TIMEOUT_S * 1e9))
        )


def _played_by_default(bag: BagReader) -> list[str]:
    """Every topic with messages except the clock, which a replay makes itself."""
    return [topic.name for topic in bag.topics.values() if topic.count and topic.name != "/clock"]
