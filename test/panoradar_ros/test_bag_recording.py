import threading
import time

import pytest

from panoradar_ros.bags import BagError, BagReader, BagWriter
from panoradar_ros.recording import BackgroundBagWriter, ReceiveClock

JOINTS = "/joint_states"
JOINT_STATE = "sensor_msgs/msg/JointState"


def test_receive_times_follow_the_monotonic_clock_and_never_repeat() -> None:
    wall = iter([1_000])
    monotonic = iter([50, 60, 60, 59, 90])
    clock = ReceiveClock(lambda: next(wall), lambda: next(monotonic))
    assert [clock() for _ in range(4)] == [1_010, 1_011, 1_012, 1_040]


def test_everything_queued_is_written_in_order(tmp_path) -> None:
    writer = BackgroundBagWriter(tmp_path / "drive")
    writer.add_topic(JOINTS, JOINT_STATE)
    for index in range(500):
        assert writer.put(JOINTS, 1_000_000_000 + index * 1_000_000, bytes([index % 256]) * 50)
    report = writer.close()
    assert report.path == tmp_path / "drive"
    assert report.counts == {JOINTS: 500}
    assert report.dropped == {}
    assert report.size_bytes == 25_000
    assert report.duration_s == pytest.approx(0.499)
    with BagReader(tmp_path / "drive") as bag:
        assert [message.data[0] for message in bag.messages()] == [i % 256 for i in range(500)]


def test_a_slow_disk_drops_what_does_not_fit_and_counts_it(tmp_path, monkeypatch) -> None:
    disk_is_free = threading.Event()
    write = BagWriter.write

    def slow_write(self, topic, time_ns, data) -> None:
        disk_is_free.wait(10)
        write(self, topic, time_ns, data)

    monkeypatch.setattr(BagWriter, "write", slow_write)
    writer = BackgroundBagWriter(tmp_path / "drive", queue_bytes=1000)
    writer.add_topic(JOINTS, JOINT_STATE)
    kept = [writer.put(JOINTS, index, bytes([index]) * 300) for index in range(8)]
    assert kept == [True] * 3 + [False] * 5
    disk_is_free.set()
    report = writer.close()
    assert report.counts == {JOINTS: 3}
    assert report.dropped == {JOINTS: 5}
    with BagReader(tmp_path / "drive") as bag:
        assert [message.data[0] for message in bag.messages()] == [0, 1, 2]


def test_a_message_larger_than_the_queue_passes_alone(tmp_path) -> None:
    writer = BackgroundBagWriter(tmp_path / "drive", queue_bytes=10)
    writer.add_topic(JOINTS, JOINT_STATE)
    assert writer.put(JOINTS, 1, bytes(1000))
    assert writer.close().counts == {JOINTS: 1}


def test_a_full_disk_ends_the_writing_and_keeps_what_was_written(tmp_path, monkeypatch) -> None:
    write = BagWriter.write

    def failing_write(self, topic, time_ns, data) -> None:
        if time_ns == 3:
            raise BagError("cannot write: No space left on device")
        write(self, topic, time_ns, data)

    monkeypatch.setattr(BagWriter, "write", failing_write)
    writer = BackgroundBagWriter(tmp_path / "drive")
    writer.add_topic(JOINTS, JOINT_STATE)
    for index in range(3 + 1):
        writer.put(JOINTS, index, b"\0\1\0\0")
    deadline_s = time.monotonic() + 10
    while writer.error is None and time.monotonic() < deadline_s:
        threading.Event().wait(0.01)
    assert not writer.put(JOINTS, 9, b"\0\1\0\0")
    with pytest.raises(BagError, match="No space left"):
        writer.close()
    with BagReader(tmp_path / "drive") as bag:
        assert bag.message_count == 3


def test_nothing_received_makes_no_bag(tmp_path) -> None:
    report = BackgroundBagWriter(tmp_path / "drive").close()
    assert report.path is None
    assert list(tmp_path.iterdir()) == []


def test_a_queue_without_room_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="queue_bytes must be positive, got 0"):
        BackgroundBagWriter(tmp_path / "drive", queue_bytes=0)
