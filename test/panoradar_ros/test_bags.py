import math
import struct
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panoradar_ros.bag_comparison import compare_bags
from panoradar_ros.bags import (
    BagError,
    BagReader,
    BagWriter,
    TopicQuality,
    header_time_ns,
    jazzy_types,
)

RAW = "/radar/raw"
JOINTS = "/joint_states"
JOINT_STATE = "sensor_msgs/msg/JointState"
POINT_CLOUD = "sensor_msgs/msg/PointCloud2"


def joint_state(time_ns: int, angle_rad: float) -> bytes:
    types = jazzy_types().types
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    message = types[JOINT_STATE](
        header=types["std_msgs/msg/Header"](
            stamp=types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds),
            frame_id="base_link",
        ),
        name=["turntable_joint"],
        position=np.array([angle_rad]),
        velocity=np.array([12.5]),
        effort=np.array([]),
    )
    return bytes(jazzy_types().serialize_cdr(message, JOINT_STATE))


def write_bag(path: Path, messages: list[tuple[str, int, bytes]]) -> Path:
    with BagWriter(path) as bag:
        bag.add_topic(RAW, POINT_CLOUD, TopicQuality(reliable=True, depth=8))
        bag.add_topic(JOINTS, JOINT_STATE, TopicQuality(reliable=False))
        for topic, time_ns, data in messages:
            bag.write(topic, time_ns, data)
    return path


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payloads=st.lists(st.binary(max_size=300), min_size=1, max_size=30))
def test_bytes_and_times_come_back_unchanged_in_order(tmp_path_factory, payloads) -> None:
    path = tmp_path_factory.mktemp("bag") / "drive"
    topics = [RAW if index % 3 else JOINTS for index in range(len(payloads))]
    write_bag(path, [(t, 10 + i, p) for i, (t, p) in enumerate(zip(topics, payloads, strict=True))])
    with BagReader(path) as bag:
        read = list(bag.messages())
    assert [message.data for message in read] == payloads
    assert [message.time_ns for message in read] == [10 + i for i in range(len(payloads))]
    assert [message.topic for message in read] == topics


def test_large_messages_span_many_chunks(tmp_path) -> None:
    random = np.random.default_rng(3)
    payloads = [random.bytes(600_000) for _ in range(8)]
    path = write_bag(tmp_path / "drive", [(RAW, i, data) for i, data in enumerate(payloads)])
    with BagReader(path) as bag:
        assert [message.data for message in bag.messages([RAW])] == payloads


def test_bag_tells_its_topics_types_counts_and_quality(tmp_path) -> None:
    start_ns = 1_700_000_000_000_000_000
    messages = [(RAW, start_ns + i * 500_000_000, b"\0\1\0\0") for i in range(5)]
    with BagReader(write_bag(tmp_path / "drive", messages)) as bag:
        assert bag.topics[RAW].message_type == POINT_CLOUD
        assert bag.topics[RAW].count == 5
        assert bag.topics[RAW].quality == TopicQuality(reliable=True, depth=8)
        assert bag.topics[JOINTS].quality.reliable is False
        assert bag.topics[JOINTS].count == 0
        assert bag.start_ns == start_ns
        assert bag.duration_s == pytest.approx(2.0)


def test_folder_is_a_rosbag2_with_definitions_inside(tmp_path) -> None:
    path = write_bag(tmp_path / "drive", [(JOINTS, 7, joint_state(7, 0.25))])
    assert sorted(entry.name for entry in path.iterdir()) == ["drive.mcap", "metadata.yaml"]
    metadata = yaml.safe_load((path / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert metadata["storage_identifier"] == "mcap"
    assert metadata["relative_file_paths"] == ["drive.mcap"]
    topics = {
        topic["topic_metadata"]["name"]: topic for topic in metadata["topics_with_message_count"]
    }
    assert topics[JOINTS]["message_count"] == 1
    assert topics[JOINTS]["topic_metadata"]["type_description_hash"].startswith("RIHS01_")
    # without metadata.yaml the file alone must still explain itself
    content = (path / "drive.mcap").read_bytes()
    assert b"float64[] position" in content
    with BagReader(path / "drive.mcap") as bag:
        (message,) = bag.messages()
        assert bag.decode(message).position == pytest.approx([0.25])


def test_header_stamp_is_read_from_the_bytes() -> None:
    time_ns = 1_700_000_123_456_789_012
    data = joint_state(time_ns, 0.0)
    assert header_time_ns(data, JOINT_STATE) == time_ns
    assert header_time_ns(data, "std_msgs/msg/String") is None
    assert header_time_ns(data, "unknown_msgs/msg/Thing") is None
    assert header_time_ns(data[:8], JOINT_STATE) is None
    big_endian = b"\0\0\0\0" + struct.pack(">iI", 12, 34)
    assert header_time_ns(big_endian, JOINT_STATE) == 12_000_000_034


def test_missing_topics_are_named_beside_those_present(tmp_path) -> None:
    with BagReader(write_bag(tmp_path / "drive", [(JOINTS, 7, b"\0\1\0\0")])) as bag:
        bag.require([JOINTS])
        with pytest.raises(BagError, match=r"no messages on /radar/raw, /scan; it has /joint_st"):
            bag.require([RAW, "/scan", JOINTS])


def test_bag_is_not_there_under_its_name_until_it_is_whole(tmp_path) -> None:
    path = tmp_path / "drive"
    bag = BagWriter(path)
    bag.add_topic(JOINTS, JOINT_STATE)
    bag.write(JOINTS, 1, b"\0\1\0\0")
    assert not path.exists()
    bag.close()
    bag.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["drive"]
    with BagReader(path) as read:
        assert read.message_count == 1


def test_bag_is_finished_when_its_writer_is_interrupted(tmp_path) -> None:
    def interrupted() -> None:
        with BagWriter(tmp_path / "drive") as bag:
            bag.add_topic(JOINTS, JOINT_STATE)
            bag.write(JOINTS, 1, b"\0\1\0\0")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with BagReader(tmp_path / "drive") as bag:
        assert bag.message_count == 1


def test_an_empty_bag_leaves_nothing_behind(tmp_path) -> None:
    write_bag(tmp_path / "drive", [])
    assert list(tmp_path.iterdir()) == []


def test_bags_are_never_overwritten(tmp_path) -> None:
    write_bag(tmp_path / "drive", [(JOINTS, 7, b"\0\1\0\0")])
    with pytest.raises(BagError, match="exists already"):
        BagWriter(tmp_path / "drive")


def test_a_place_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BagError, match=r"cannot write a bag at .*file/drive"):
        BagWriter(tmp_path / "file" / "drive")


def test_writing_mistakes_are_named(tmp_path) -> None:
    with BagWriter(tmp_path / "drive") as bag:
        bag.add_topic(JOINTS, JOINT_STATE)
        bag.add_topic(JOINTS, JOINT_STATE)
        with pytest.raises(BagError, match="changed its type"):
            bag.add_topic(JOINTS, POINT_CLOUD)
        with pytest.raises(BagError, match="definition is not at hand"):
            bag.add_topic("/boxes", "my_msgs/msg/Boxes")
        with pytest.raises(BagError, match="not declared"):
            bag.write(RAW, 1, b"")
        with pytest.raises(BagError, match="must not be negative, got -1"):
            bag.write(JOINTS, -1, b"")
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        TopicQuality(depth=0)


def test_what_is_no_bag_is_said(tmp_path) -> None:
    with pytest.raises(BagError, match="there is no bag"):
        BagReader(tmp_path / "nowhere")
    with pytest.raises(BagError, match=r"no metadata\.yaml"):
        BagReader(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BagError, match="cannot be read as a bag"):
        BagReader(tmp_path / "notes.txt")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_off_file_is_said(tmp_path, kept) -> None:
    path = write_bag(tmp_path / "drive", [(RAW, i, bytes(40_000)) for i in range(60)])
    content = (path / "drive.mcap").read_bytes()
    (path / "drive.mcap").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(BagError, match="cannot be read as a bag"):
        BagReader(path)


def test_damage_inside_a_file_is_said(tmp_path) -> None:
    path = write_bag(tmp_path / "drive", [(RAW, i, bytes(400_000)) for i in range(10)])
    content = bytearray((path / "drive.mcap").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000_000] = b"\xff" * 2_000_000
    (path / "drive.mcap").write_bytes(bytes(content))
    with BagReader(path) as bag, pytest.raises(BagError, match="is damaged"):
        list(bag.messages())


def test_a_gap_after_the_last_value_is_allowed(tmp_path) -> None:
    data = joint_state(5, 0.5) + b"\xaa" * 4
    with BagReader(write_bag(tmp_path / "drive", [(JOINTS, 1, data)])) as bag:
        (message,) = bag.messages()
        assert bag.decode(message).position == pytest.approx([0.5])


def test_a_message_of_another_type_is_said(tmp_path) -> None:
    with BagReader(write_bag(tmp_path / "drive", [(RAW, 1, b"\0\1\0\0\7")])) as bag:
        (message,) = bag.messages()
        with pytest.raises(BagError, match="is no sensor_msgs/msg/PointCloud2"):
            bag.decode(message)


def joint_bag(path: Path, angles_rad: list[float], start_ns: int = 0) -> Path:
    return write_bag(
        path,
        [(JOINTS, start_ns + i, joint_state(i, angle)) for i, angle in enumerate(angles_rad)],
    )


def test_comparison_finds_the_first_difference(tmp_path) -> None:
    first = joint_bag(tmp_path / "a", [0.0, 0.1, 0.2, math.nan, 0.4])
    same = joint_bag(tmp_path / "b", [0.0, 0.1, 0.2, math.nan, 0.4], start_ns=77)
    other = joint_bag(tmp_path / "c", [0.0, 0.1, 0.2, math.nan, np.nextafter(0.4, 1.0)])
    short = joint_bag(tmp_path / "d", [0.0, 0.1])
    assert compare_bags(first, same)[JOINTS].identical
    assert compare_bags(first, same)[JOINTS].bytes_identical
    assert compare_bags(first, other)[JOINTS].first_difference == 4
    assert compare_bags(first, short)[JOINTS].first_difference == 2
    comparison = compare_bags(first, same, ["/nothing"])["/nothing"]
    assert (comparison.count_a, comparison.count_b, comparison.identical) == (0, 0, False)


def test_comparison_looks_through_the_gaps_between_values(tmp_path) -> None:
    data = joint_state(1_000_000_007, 0.25)
    name_ends = data.index(b"turntable_joint\0") + len(b"turntable_joint\0")
    position_count = data.index(b"\1\0\0\0", name_ends)
    gap = slice(position_count + 4, position_count + 8)  # before the float64 of the position
    assert data[gap] == bytes(4)
    gap_filled = data[: gap.start] + b"junk" + data[gap.stop :]
    first = write_bag(tmp_path / "a", [(JOINTS, 1, data)])
    second = write_bag(tmp_path / "b", [(JOINTS, 1, gap_filled)])
    comparison = compare_bags(first, second)[JOINTS]
    assert comparison.identical
    assert not comparison.bytes_identical
