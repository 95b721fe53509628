"""Record topics into a bag where there is no ``ros2 bag record``: same files, no ROS distribution.

Messages are taken as serialised bytes and never decoded. The quality of service follows what the
publishers offer, so that best-effort, reliable and transient-local topics are all received.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from panoradar_ros.bags import BagError, TopicQuality
from panoradar_ros.recording import (
    DEFAULT_QUEUE_BYTES,
    BackgroundBagWriter,
    ReceiveClock,
    RecordingReport,
)

DEFAULT_TOPICS = (
    "radar/raw",
    "joint_states",
    "imu",
    "robot_description",
    "sim/odometry",
    "sim/building",
)
DISCOVERY_PERIOD_S = 0.2
RECEIVE_DEPTH = 64


def message_class(message_type: str) -> Any:
    """Python class of a message type such as ``sensor_msgs/msg/PointCloud2``.

    Raises:
        BagError: If its package is not installed.
    """
    package, _, name = message_type.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise BagError(
            f"the message type {message_type} is not installed; "
            f"install ros-jazzy-{package.replace('_', '-')}"
        ) from error


class Recorder(Node):
    """Subscribes to topics as they appear and writes what comes, as it comes, into a bag.

    Args:
        path: Bag to make; it has this name only once :meth:`finish` has completed it.
        topics: Names relative to the node's namespace.
        queue_bytes: Bytes that may wait for the disk before messages are dropped.
        options: Of :class:`rclpy.node.Node`, such as ``namespace`` and ``context``.

    Raises:
        BagError: If the bag cannot be made.
    """

    def __init__(
        self,
        path: Path | str,
        topics: Iterable[str] = DEFAULT_TOPICS,
        *,
        queue_bytes: int = DEFAULT_QUEUE_BYTES,
        **options: Any,
    ) -> None:
        super().__init__("recorder", **options)
        self._now_ns = ReceiveClock()
        self._held: dict[str, tuple[TopicQuality, Any]] = {}
        self._refused: set[str] = set()
        try:
            self.topics = tuple(dict.fromkeys(self.resolve_topic_name(name) for name in topics))
            self._writer = BackgroundBagWriter(path, queue_bytes)
        except BaseException:
            self.destroy_node()
            raise
        self.create_timer(DISCOVERY_PERIOD_S, self._discover)

    @property
    def written(self) -> int:
        """Messages written until now."""
        return self._writer.written

    @property
    def error(self) -> BagError | None:
        """What ended the writing early (a full disk), if anything did."""
        return self._writer.error

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Topics that nobody has published yet."""
        return tuple(topic for topic in self.topics if topic not in self._held)

    def finish(self) -> RecordingReport:
        """Unsubscribe, write what waits and complete the bag.

        Raises:
            BagError: If writing failed.
        """
        for _, subscription in self._held.values():
            self.destroy_subscription(subscription)
        return self._writer.close()

    def _discover(self) -> None:
        for topic in self.topics:
            publishers = self.get_publishers_info_by_topic(topic)
            if not publishers or topic in self._refused:
                continue
            quality = _weakest(publisher.qos_profile for publisher in publishers)
            held = self._held.get(topic)
            if held is None:
                self._subscribe(topic, publishers[0].topic_type, quality)
            elif _asks_more(held[0], quality):
                # a publisher has come that offers less: ask for no more than it gives
                self.destroy_subscription(held[1])
                self._subscribe(topic, publishers[0].topic_type, quality)

    def _subscribe(self, topic: str, message_type: str, quality: TopicQuality) -> None:
        def receive(data: bytes) -> None:
            time_ns = self._now_ns()
            if not self._writer.put(topic, time_ns, data) and self._writer.error is None:
                self.get_logger().warning(
                    f"the disk is too slow: messages on {topic} are dropped",
                    throttle_duration_sec=5.0,
                )

        try:
            kind = message_class(message_type)
            self._writer.add_topic(topic, message_type, quality)
        except BagError as error:
            self._refused.add(topic)
            self.get_logger().error(f"{topic} is not recorded: {error}")
            return
        subscription = self.create_subscription(kind, topic, receive, _profile(quality), raw=True)
        self._held[topic] = (quality, subscription)
        self.get_logger().info(f"recording {topic} ({message_type})")


def _weakest(profiles: Iterable[QoSProfile]) -> TopicQuality:
    profiles = list(profiles)
    return TopicQuality(
        reliable=all(one.reliability == ReliabilityPolicy.RELIABLE for one in profiles),
        transient_local=all(one.durability == DurabilityPolicy.TRANSIENT_LOCAL for one in profiles),
        depth=max(1, *(one.depth for one in profiles)),
    )


def _asks_more(held: TopicQuality, offered: TopicQuality) -> bool:
    return (held.reliable and not offered.reliable) or (
        held.transient_local and not offered.transient_local
    )


def _profile(quality: TopicQuality) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=RECEIVE_DEPTH,
        reliability=(
            ReliabilityPolicy.RELIABLE if quality.reliable else ReliabilityPolicy.BEST_EFFORT
        ),
        durability=(
            DurabilityPolicy.TRANSIENT_LOCAL
            if quality.transient_local
            else DurabilityPolicy.VOLATILE
        ),
    )
