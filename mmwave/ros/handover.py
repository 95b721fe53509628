"""Arrays handed from node to node by reference inside one process.

A topic that carries arrays has two roads. Readers in the same process (and ROS context) get the
object itself through a bounded queue; readers elsewhere get a message, which is made only when
there are any. A reader never takes both: as long as there is a publisher in its process it has no
DDS subscription.

Objects are shared, so a reader must not write into their arrays.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import rclpy.node
from rclpy.context import Context
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from mmwave.ros.publishing import LazyPublisher

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A bounded queue between threads: when it is full the oldest item is dropped and counted.

    Args:
        depth: items kept.

    Raises:
        ValueError: the depth is not positive.
    """

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        self._items: deque[Item] = deque()
        self._depth = depth
        self._condition = threading.Condition()
        self._dropped = 0
        self._closed = False

    def __len__(self) -> int:
        with self._condition:
            return len(self._items)

    @property
    def dropped(self) -> int:
        """Items lost because the reader was slower than the writer."""
        with self._condition:
            return self._dropped

    def put(self, item: Item, *, timeout_s: float = 0.0) -> None:
        """Add an item; a full box is waited for, then loses its oldest item.

        Args:
            item: what to add.
            timeout_s: how long to wait for room; 0 for a live stream, longer for a replay.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._condition:
            # Every wait lets go of the lock, so the box is looked at anew after each of them.
            while len(self._items) >= self._depth and not self._closed:
                patience_s = deadline_s - time.monotonic()
                if patience_s > 0.0:
                    self._condition.wait(patience_s)
                else:
                    self._items.popleft()
                    self._dropped += 1
            if not self._closed:
                self._items.append(item)
                self._condition.notify_all()

    def get(self, *, timeout_s: float) -> Item | None:
        """The oldest item, or None when none came in time or the box was closed."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._condition.notify_all()
            return item

    def close(self) -> None:
        """Wake and refuse everyone; what is still inside is forgotten."""
        with self._condition:
            self._closed = True
            self._items.clear()
            self._condition.notify_all()


class Channel:
    """Everyone in one process and ROS context who publishes or reads one topic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._publishers = 0
        self._readers: dict[Mailbox[Any], Callable[[], None]] = {}

    @property
    def has_publishers(self) -> bool:
        """Whether someone in this process publishes."""
        with self._lock:
            return self._publishers > 0

    @property
    def has_readers(self) -> bool:
        """Whether someone in this process reads."""
        with self._lock:
            return bool(self._readers)

    def add_publisher(self) -> None:
        """Count a publisher in."""
        self._change_publishers(+1)

    def remove_publisher(self) -> None:
        """Count a publisher out."""
        self._change_publishers(-1)

    def _change_publishers(self, difference: int) -> None:
        with self._lock:
            self._publishers += difference
            listeners = list(self._readers.values())
        for publishers_changed in listeners:
            publishers_changed()

    def add_reader(self, mailbox: Mailbox[Any], publishers_changed: Callable[[], None]) -> None:
        """Deliver to ``mailbox`` from now on.

        Args:
            mailbox: where items go.
            publishers_changed: called when a publisher comes or goes.
        """
        with self._lock:
            self._readers[mailbox] = publishers_changed

    def remove_reader(self, mailbox: Mailbox[Any]) -> None:
        """Deliver to ``mailbox`` no more."""
        with self._lock:
            self._readers.pop(mailbox, None)

    def publish(self, item: Any, *, timeout_s: float = 0.0) -> int:
        """Put ``item`` into every reader's box and return how many there are."""
        with self._lock:
            mailboxes = list(self._readers)
        for mailbox in mailboxes:
            mailbox.put(item, timeout_s=timeout_s)
        return len(mailboxes)


_channels: "weakref.WeakKeyDictionary[Context, dict[str, Channel]]" = weakref.WeakKeyDictionary()
_channels_lock = threading.Lock()


def channel(context: Context, resolved_topic: str) -> Channel:
    """The channel of a topic; the same object for everyone in this process and ROS context."""
    with _channels_lock:
        return _channels.setdefault(context, {}).setdefault(resolved_topic, Channel())


class HandoverPublisher(Generic[Item]):
    """Publishes objects by reference in this process and as messages to everyone else.

    Args:
        node: the lifecycle node; nothing goes out unless it is active.
        message_type: class of the messages.
        topic: relative to the node's namespace.
        to_message: makes a message of an item; called only when someone reads it outside.
        qos: quality of service of the messages.
    """

    def __init__(
        self,
        node: Any,
        message_type: type,
        topic: str,
        to_message: Callable[[Item], Any],
        qos: QoSProfile,
    ) -> None:
        self._to_message = to_message
        self._messages: LazyPublisher[Any] = LazyPublisher(node, message_type, topic, qos)
        self._node = node
        self._channel = channel(node.context, self._messages.topic)
        self._channel.add_publisher()
        self._open = True

    @property
    def has_subscribers(self) -> bool:
        """Whether anyone, in this process or elsewhere, would get an item published now."""
        return self._open and (
            (self._channel.has_readers and bool(self._node.is_active))
            or self._messages.has_subscribers
        )

    def publish(self, item: Item, *, timeout_s: float = 0.0) -> int:
        """Hand an item over.

        Args:
            item: shared with the readers; it must not be written to any more.
            timeout_s: how long a full reader in this process may hold the publisher up.

        Returns:
            How many readers in this process got it, plus one when a message went out.
        """
        if not (self._open and self._node.is_active):
            return 0
        handed_over = self._channel.publish(item, timeout_s=timeout_s)
        return handed_over + self._messages.publish(lambda: self._to_message(item))

    def close(self) -> None:
        """Leave the channel and the graph."""
        if self._open:
            self._open = False
            self._messages.close()
            self._channel.remove_publisher()


class HandoverSubscriber(Generic[Item]):
    """Reads objects from a publisher in this process, or from messages when there is none.

    Args:
        node: the node that reads.
        message_type: class of the messages.
        topic: relative to the node's namespace.
        from_message: makes an item of a message; a ValueError is logged and the message left out.
        qos: quality of service of the messages.
        depth: items kept for a slow reader.
    """

    def __init__(
        self,
        node: rclpy.node.Node,
        message_type: type,
        topic: str,
        from_message: Callable[[Any], Item],
        qos: QoSProfile,
        *,
        depth: int = 2,
    ) -> None:
        self._node = node
        self._message_type = message_type
        self._topic = node.resolve_topic_name(topic)
        self._from_message = from_message
        self._qos = qos
        self._mailbox: Mailbox[Item] = Mailbox(depth)
        self._lock = threading.Lock()
        self._subscription: Any = None
        self._open = True
        self._channel = channel(node.context, self._topic)
        self._channel.add_reader(self._mailbox, self._choose_road)
        self._choose_road()

    @property
    def dropped(self) -> int:
        """Items lost because this reader was too slow."""
        return self._mailbox.dropped

    @property
    def waiting(self) -> int:
        """Items that came and were not taken yet."""
        return len(self._mailbox)

    @property
    def in_process(self) -> bool:
        """Whether items come by reference."""
        return self._subscription is None

    def get(self, *, timeout_s: float) -> Item | None:
        """The oldest item, or None when none came within ``timeout_s``."""
        return self._mailbox.get(timeout_s=timeout_s)

    def close(self) -> None:
        """Leave the channel and the graph, and wake a waiting reader."""
        self._channel.remove_reader(self._mailbox)
        with self._lock:
            self._open = False
            subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)
        self._mailbox.close()

    def _choose_road(self) -> None:
        with self._lock:
            by_message = self._open and not self._channel.has_publishers
            if by_message and self._subscription is None:
                self._subscription = self._node.create_subscription(
                    self._message_type,
                    self._topic,
                    self._receive,
                    self._qos,
                    qos_overriding_options=QoSOverridingOptions.with_default_policies(),
                )
            elif not by_message and self._subscription is not None:
                self._node.destroy_subscription(self._subscription)
                self._subscription = None

    def _receive(self, message: Any) -> None:
        if self._channel.has_publishers:
            return  # one was still on its way when the road changed
        try:
            item = self._from_message(message)
        except ValueError as error:
            self._node.get_logger().error(
                f"a message on {self._topic} was left out: {error}", throttle_duration_sec=5.0
            )
            return
        self._mailbox.put(item)
