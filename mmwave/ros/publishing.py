"""Quality of service for each kind of topic, and publishers that work only when someone listens."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import rclpy.lifecycle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

RCLError = rclpy_implementation.RCLError

LARGE_MESSAGE_BYTES = 150_000
"""Above this size a best-effort message may be lost without a word on default transports."""

Message = TypeVar("Message")


def sensor_qos(size_bytes: int, *, depth: int = 5) -> QoSProfile:
    """Quality of service of a sensor's topic (REP-2003).

    Small messages are best effort: the newest counts. Messages over :data:`LARGE_MESSAGE_BYTES` are
    reliable, because default transports drop large best-effort messages silently.

    Args:
        size_bytes: typical size of one message.
        depth: messages kept for a slow reader.
    """
    large = size_bytes > LARGE_MESSAGE_BYTES
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if large else ReliabilityPolicy.BEST_EFFORT,
    )


def reliable_qos(*, depth: int = 10) -> QoSProfile:
    """Quality of service of results and states that are small and should all arrive."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.RELIABLE
    )


def static_qos() -> QoSProfile:
    """Quality of service of what is published once and read by who comes later (REP-2003: maps)."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


class LazyPublisher(Generic[Message]):
    """Publishes messages that are made only when someone reads them and the node is active.

    The QoS can be overridden by parameters (``qos_overrides.<topic>.publisher.reliability`` ...).

    Args:
        node: the lifecycle node.
        message_type: class of the messages.
        topic: relative to the node's namespace.
        qos: quality of service.
    """

    def __init__(
        self,
        node: rclpy.lifecycle.LifecycleNode,
        message_type: type[Message],
        topic: str,
        qos: QoSProfile,
    ) -> None:
        self._node = node
        self._kept_for_later = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
        self._lock = threading.Lock()
        self._publisher: Any = node.create_lifecycle_publisher(
            message_type,
            topic,
            qos,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        if node.is_active:  # type: ignore[attr-defined]
            self._publisher.on_activate(None)

    @property
    def topic(self) -> str:
        """The resolved name."""
        return str(self._publisher.topic_name)

    @property
    def has_subscribers(self) -> bool:
        """Whether a message published now reaches, or is kept for, a reader."""
        with self._lock:
            publisher = self._publisher
            if publisher is None or not publisher.is_activated:
                return False
            if self._kept_for_later:
                return True
            try:
                return bool(publisher.get_subscription_count() > 0)
            except RCLError:  # the context was shut down under us
                return False

    def publish(self, make: Callable[[], Message]) -> bool:
        """Make and publish a message when someone reads it.

        Args:
            make: called only when needed.

        Returns:
            Whether a message went out.
        """
        if not self.has_subscribers:
            return False
        message = make()
        with self._lock:
            if self._publisher is None:
                return False
            try:
                self._publisher.publish(message)
            except RCLError as error:  # a flooded reliable writer; the next message may pass
                self._node.get_logger().warning(
                    f"a message on {self._publisher.topic_name} was not sent: {error}",
                    throttle_duration_sec=5.0,
                )
                return False
        return True

    def close(self) -> None:
        """Remove the publisher from the graph."""
        with self._lock:
            publisher, self._publisher = self._publisher, None
        if publisher is not None:
            self._node.destroy_lifecycle_publisher(publisher)
