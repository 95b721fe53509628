"""What a bag of the stack holds, as arrays."""

from collections.abc import Iterator
from pathlib import Path

from mmwave.dca1000 import PositionBlock
from panoradar_ros.bags import BagReader

RAW, ANGLES, IMU = "/radar/raw", "/joint_states", "/imu"


def raw_and_angles(path: Path) -> Iterator[PositionBlock | tuple[int, float]]:
    """Positions and turntable angles (time_ns, rad) of a bag in the order of recording.

    Args:
        path: the bag; topics are found by the ends of their names.

    Raises:
        BagError: the bag is damaged or lacks one of the topics.
    """
    from mmwave.ros.raw import from_cloud

    with BagReader(path) as bag:
        raw, angles = radar_topics(bag)
        bag.require([raw, angles])
        for message in bag.messages([raw, angles]):
            content = bag.decode(message)
            if message.topic == raw:
                yield from_cloud(content)
            elif "turntable_joint" in content.name:
                stamp = content.header.stamp
                angle = content.position[list(content.name).index("turntable_joint")]
                yield stamp.sec * 1_000_000_000 + stamp.nanosec, float(angle)


def raw_blocks(path: Path) -> Iterator[PositionBlock]:
    """Positions of a bag in the order of recording, with or without turntable angles.

    Args:
        path: the bag.

    Raises:
        BagError: the bag is damaged or has no raw data.
    """
    from mmwave.ros.raw import from_cloud

    with BagReader(path) as bag:
        raw, _ = radar_topics(bag)
        bag.require([raw])
        for message in bag.messages([raw]):
            yield from_cloud(bag.decode(message))


def radar_topics(bag: BagReader) -> tuple[str, str]:
    """Full names of the raw data's and the turntable angles' topics, in whatever namespace.

    Args:
        bag: of several robots' topics the first with messages is taken.

    Returns:
        Raw data and angles, these of the same namespace where there are several; the plain names
        ``/radar/raw`` and ``/joint_states`` where the bag has none that end so.
    """
    raw = _ending(bag, RAW) or [RAW]
    angles = _ending(bag, ANGLES) or [ANGLES]
    beside = raw[0].removesuffix(RAW) + ANGLES
    return raw[0], beside if beside in angles else angles[0]


def imu_topic(bag: BagReader) -> str | None:
    """Full name of the IMU's topic beside the raw data; None if the bag has no such messages."""
    raw, _ = radar_topics(bag)
    name = raw.removesuffix(RAW) + IMU
    return name if name in bag.topics and bag.topics[name].count else None


def _ending(bag: BagReader, end: str) -> list[str]:
    """Topics whose names end so, those with messages first."""
    found = [topic for topic in bag.topics.values() if topic.name.endswith(end)]
    return [topic.name for topic in sorted(found, key=lambda topic: topic.count == 0)]
