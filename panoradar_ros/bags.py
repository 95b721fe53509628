"""Bags without a ROS distribution: the same rosbag2 MCAP folders that ``ros2 bag`` reads.

A bag is a folder with ``metadata.yaml`` and one ``.mcap`` file that holds the serialised messages
as they came, their receive times and the definitions of their types (ROS 2 Jazzy). This module
imports no ROS: the bytes go in and out unchanged, so a replay is bit for bit what was recorded.

Sources: rosbag2 storage format version 9 (metadata.yaml), MCAP format specification 1.0,
OMG DDSI-RTPS 2.5, section 10 (the CDR encapsulation in front of every serialised message).
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos, QosDurability, QosTime
from rosbags.interfaces import QosHistory as History
from rosbags.interfaces import QosLiveliness as Liveliness
from rosbags.interfaces import QosReliability as Reliability
from rosbags.rosbag2 import Reader, ReaderError, StoragePlugin, Writer
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

_NO_DEADLINE = QosTime(9223372036, 854775807)  # rmw's "infinite": 2**63 - 1 ns
_CDR_LITTLE_ENDIAN = 1  # second byte of the encapsulation header


class BagError(RuntimeError):
    """A bag cannot be written or read; the message names the bag, what is wrong and the remedy."""


@cache
def jazzy_types() -> Typestore:
    """The message types of ROS 2 Jazzy, with their definitions and hashes."""
    return get_typestore(Stores.ROS2_JAZZY)


@dataclass(frozen=True)
class TopicQuality:
    """The quality of service that matters for a recorded topic.

    Attributes:
        reliable: The publisher repeats what a subscriber missed.
        transient_local: The publisher keeps its last messages for late subscribers.
        depth: Messages kept.

    Raises:
        ValueError: If ``depth`` is below 1.
    """

    reliable: bool = True
    transient_local: bool = False
    depth: int = 10

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, got {self.depth}")


@dataclass(frozen=True)
class BagTopic:
    """One topic of a bag.

    Attributes:
        name: Full name, e.g. ``/radar/raw``.
        message_type: e.g. ``sensor_msgs/msg/PointCloud2``.
        count: Messages in the bag.
        quality: What the publisher offered when the bag was made.
    """

    name: str
    message_type: str
    count: int
    quality: TopicQuality


@dataclass(frozen=True)
class BagMessage:
    """One serialised message.

    Attributes:
        topic: Full topic name.
        message_type: e.g. ``sensor_msgs/msg/PointCloud2``.
        time_ns: When it was received, UNIX epoch nanoseconds.
        data: The CDR bytes with their encapsulation header, as they came.
    """

    topic: str
    message_type: str
    time_ns: int
    data: bytes


def header_time_ns(data: bytes, message_type: str) -> int | None:
    """Time stamp in the ``std_msgs/Header`` that a serialised message starts with.

    Args:
        data: CDR bytes with their encapsulation header.
        message_type: e.g. ``sensor_msgs/msg/JointState``.

    Returns:
        UNIX epoch nanoseconds, or None where the type has no header or the bytes are too short.
    """
    if not _starts_with_header(message_type) or len(data) < 12:
        return None
    order = "<" if data[1] == _CDR_LITTLE_ENDIAN else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


@cache
def _starts_with_header(message_type: str) -> bool:
    definition: Any = jazzy_types().fielddefs.get(message_type)
    if definition is None or not definition[1]:
        return False
    _, (_, content) = definition[1][0]
    return bool(content == "std_msgs/msg/Header")


def _offered(quality: TopicQuality) -> Qos:
    return Qos(
        history=History.KEEP_LAST,
        depth=quality.depth,
        reliability=Reliability.RELIABLE if quality.reliable else Reliability.BEST_EFFORT,
        durability=(
            QosDurability.TRANSIENT_LOCAL if quality.transient_local else QosDurability.VOLATILE
        ),
        deadline=_NO_DEADLINE,
        lifespan=_NO_DEADLINE,
        liveliness=Liveliness.AUTOMATIC,
        liveliness_lease_duration=_NO_DEADLINE,
        avoid_ros_namespace_conventions=False,
    )


def _quality(connections: Iterable[Connection]) -> TopicQuality:
    profiles = [
        profile
        for connection in connections
        if isinstance(connection.ext, ConnectionExtRosbag2)
        for profile in connection.ext.offered_qos_profiles
    ]
    if not profiles:
        return TopicQuality()
    return TopicQuality(
        reliable=all(profile.reliability != Reliability.BEST_EFFORT for profile in profiles),
        transient_local=all(
            profile.durability == QosDurability.TRANSIENT_LOCAL for profile in profiles
        ),
        depth=max(1, *(profile.depth for profile in profiles)),
    )


class BagWriter:
    """Writes a bag under a temporary name and gives it its own name when it is complete.

    What exists under ``path`` is therefore always a whole bag. As a context manager it closes the
    bag on a normal exit and on an exception alike: what was received until then is worth keeping.

    Args:
        path: Folder to make; it must not exist.

    Raises:
        BagError: If ``path`` exists or cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise BagError(
                f"{self.path} exists already: bags are never overwritten. "
                "Choose another name or remove it."
            )
        self._partial = self.path.parent / f".{self.path.name}.{os.getpid()}.partial"
        self._connections: dict[str, Connection] = {}
        self._closed = False
        self.message_count = 0
        try:
            self._partial.mkdir(parents=True)
            self._writer = Writer(
                self._partial / self.path.name, version=9, storage_plugin=StoragePlugin.MCAP
            )
            self._writer.open()
        except OSError as error:
            raise BagError(f"cannot write a bag at {self.path}: {error.strerror}") from error

    def add_topic(self, topic: str, message_type: str, quality: TopicQuality | None = None) -> None:
        """Declare a topic before its first message.

        Args:
            topic: Full topic name.
            message_type: A type of ROS 2 Jazzy's common interfaces.
            quality: What the publisher offers; reliable and volatile by default.

        Raises:
            BagError: If the type is unknown or the topic was declared with another type.
        """
        known = self._connections.get(topic)
        if known is not None:
            if known.msgtype == message_type:
                return
            raise BagError(
                f"topic {topic} changed its type from {known.msgtype} to {message_type}; "
                "record it into another bag"
            )
        if message_type not in jazzy_types().fielddefs:
            raise BagError(
                f"topic {topic} has the type {message_type}, whose definition is not at hand; "
                "record it with `ros2 bag record -s mcap` of a ROS distribution"
            )
        self._connections[topic] = self._writer.add_connection(
            topic,
            message_type,
            typestore=jazzy_types(),
            offered_qos_profiles=[_offered(quality or TopicQuality())],
        )

    def write(self, topic: str, time_ns: int, data: bytes) -> None:
        """Append one serialised message.

        Args:
            topic: A topic that :meth:`add_topic` has declared.
            time_ns: Receive time, UNIX epoch nanoseconds.
            data: CDR bytes, stored unchanged.

        Raises:
            BagError: If the topic is not declared, the time is negative or the disk is full.
        """
        connection = self._connections.get(topic)
        if connection is None:
            raise BagError(f"topic {topic} is not declared in {self.path}; call add_topic first")
        if time_ns < 0:
            raise BagError(f"time of a message on {topic} must not be negative, got {time_ns} ns")
        try:
            self._writer.write(connection, time_ns, data)
        except OSError as error:
            raise BagError(f"cannot write to {self.path}: {error.strerror}") from error
        self.message_count += 1

    def close(self) -> None:
        """Finish the bag and give it its name; an empty one is removed. Safe to call again.

        Raises:
            BagError: If the rest cannot be written; what there is stays under the hidden
                temporary name that the message tells.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self.message_count == 0:
                self._writer.abort()
                shutil.rmtree(self._partial)
                return
            self._writer.close()
            os.rename(self._partial / self.path.name, self.path)
            self._partial.rmdir()
        except OSError as error:
            raise BagError(
                f"cannot finish {self.path}: {error.strerror}; what was written is in "
                f"{self._partial}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class BagReader:
    """Reads a bag: a rosbag2 folder (MCAP or SQLite) or a single ``.mcap`` or ``.db3`` file.

    Args:
        path: The bag.

    Raises:
        BagError: If there is no readable bag at ``path``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise BagError(f"there is no bag at {self.path}")
        if self.path.is_dir() and not (self.path / "metadata.yaml").exists():
            raise BagError(
                f"{self.path} is not a bag: it has no metadata.yaml. Give the folder that "
                "`panoradar record` or `ros2 bag record` made."
            )
        try:
            self._reader = Reader(self.path)
            self._reader.open()
        except (ReaderError, OSError, struct.error, ValueError, IndexError, TypeError) as error:
            raise BagError(
                f"{self.path} cannot be read as a bag ({error}). If its recording was cut off, "
                "`mcap recover` or `ros2 bag reindex` may save what it holds."
            ) from error
        self.topics: Mapping[str, BagTopic] = {
            name: BagTopic(
                name=name,
                message_type=info.msgtype or "",
                count=info.msgcount,
                quality=_quality(info.connections),
            )
            for name, info in self._reader.topics.items()
        }

    @property
    def message_count(self) -> int:
        """Messages on all topics."""
        return self._reader.message_count

    @property
    def start_ns(self) -> int:
        """Receive time of the first message, UNIX epoch nanoseconds; 0 in an empty bag."""
        return self._reader.start_time if self.message_count else 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last message."""
        return max(0, self._reader.duration - 1) * 1e-9

    def require(self, topics: Iterable[str]) -> None:
        """Check that the bag has messages on topics.

        Args:
            topics: Full names.

        Raises:
            BagError: Naming what is missing and what is there.
        """
        missing = sorted(
            name for name in topics if name not in self.topics or self.topics[name].count == 0
        )
        if not missing:
            return
        present = ", ".join(
            f"{topic.name} ({topic.count} of {topic.message_type})"
            for topic in self.topics.values()
            if topic.count
        )
        raise BagError(
            f"{self.path} has no messages on {', '.join(missing)}; it has {present or 'none'}. "
            "Record these topics too, or map other names to them."
        )

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[BagMessage]:
        """Messages in the order of the bag's files, by receive time within each file.

        Args:
            topics: Full names to read, or None for all.

        Yields:
            Serialised messages. Where the recorder's clock was set back, times go back too.

        Raises:
            BagError: If the file is damaged.
        """
        wanted = None if topics is None else set(topics)
        connections = [
            connection
            for connection in self._reader.connections
            if wanted is None or connection.topic in wanted
        ]
        if not connections:
            return
        try:
            for connection, time_ns, data in self._reader.messages(connections):
                yield BagMessage(connection.topic, connection.msgtype, time_ns, bytes(data))
        except (ReaderError, OSError, struct.error) as error:
            raise BagError(f"{self.path} is damaged: {error}") from error

    def decode(self, message: BagMessage) -> Any:
        """A message as an object with the fields of its type, arrays as NumPy arrays.

        Args:
            message: From :meth:`messages`.

        Raises:
            BagError: If the type is unknown or the bytes do not fit it.
        """
        kind = message.message_type
        try:
            try:
                return jazzy_types().deserialize_cdr(message.data, kind)
            except SerdeError:
                # rclpy's serialize_message may leave a gap of four bytes after the last value
                return jazzy_types().deserialize_cdr(message.data[:-4], kind)
        except (SerdeError, KeyError, ValueError) as error:
            raise BagError(
                f"a message on {message.topic} in {self.path} is no {kind}: {error}"
            ) from error

    def close(self) -> None:
        """Close the file. Safe to call again."""
        if self._reader.is_open:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
