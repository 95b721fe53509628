"""``panoradar replay --image``: a recorded drive through the real imaging node again."""

import json

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from replaying import replay

from mmwave.dca1000 import PositionBlock
from mmwave.ros.messages import joint_state, to_header
from mmwave.ros.raw import to_cloud
from mmwave.waveform import Waveform
from panoradar_ros.bag_contents import radar_topics
from panoradar_ros.bags import BagReader, BagWriter
from panoradar_ros.commands.replay import wait_until_quiet

START_NS = 1_700_000_000_000_000_000
WAVEFORM = Waveform()


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """1.8 turns of noise as a robot in a namespace recorded them."""
    path = tmp_path_factory.mktemp("bags") / "drive"
    rng = np.random.default_rng(2)
    with BagWriter(path) as writer:
        writer.add_topic("/first/radar/raw", "sensor_msgs/msg/PointCloud2")
        writer.add_topic("/first/joint_states", "sensor_msgs/msg/JointState")
        for index in range(34):
            time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
            for step in range(3):  # angles of the past frame and of this one
                angle_ns = START_NS + round((index + step / 3) * WAVEFORM.frame_period_s * 1e9)
                angle = 4 * np.pi * (angle_ns - START_NS) * 1e-9 - 0.7  # a turn starts at zero
                message = joint_state(to_header(angle_ns, ""), "turntable_joint", angle, 4 * np.pi)
                writer.write("/first/joint_states", angle_ns, serialize_message(message))
            block = PositionBlock(
                index,
                rng.integers(-2000, 2000, (64, 8, 256, 2), dtype=np.int16),
                START_NS + np.rint(time_s * 1e9).astype(np.int64),
                np.ones((64, 8), bool),
                WAVEFORM,
            )
            message = serialize_message(to_cloud(block, "radar"))
            writer.write("/first/radar/raw", int(block.time_ns[-1]), message)
    return path


def test_a_drive_in_a_namespace_is_imaged_with_its_own_parameters(bag, tmp_path):
    parameters = tmp_path / "drive.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    frame_id: mast\n    decimation: 3\n")
    out = tmp_path / "again"
    done = replay(bag, "--image", out, "--params-file", parameters, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["counts"] == {
        "/first/radar/raw": 34,
        "/first/joint_states": 102,
    }
    with BagReader(out) as images:
        assert {topic: one.count for topic, one in images.topics.items()} == {
            "/velocity": 1,
            "/odom": 1,
            "/scan": 1,
            "/points": 1,
        }
        (scan,) = images.messages(["/scan"])
        assert images.decode(scan).header.frame_id == "mast"


def test_mistakes_are_said_at_once(bag, tmp_path):
    nothing = tmp_path / "nothing.yaml"
    done = replay(bag, "--image", tmp_path / "out", "--params-file", nothing)
    assert done.returncode == 1
    assert f"there is no parameter file {nothing}" in done.stderr
    done = replay(bag, "--params-file", nothing)
    assert done.returncode == 1
    assert "give --image too" in done.stderr
    done = replay(bag, "--image", bag)
    assert done.returncode == 1
    assert "exist" in done.stderr.splitlines()[-1]
    assert "find each other" not in done.stderr


def test_angles_of_the_same_robot_are_taken(tmp_path):
    path = tmp_path / "two"
    message = serialize_message(joint_state(to_header(START_NS, ""), "turntable_joint", 0.0, 1.0))
    with BagWriter(path) as writer:
        writer.add_topic("/arm/joint_states", "sensor_msgs/msg/JointState")
        writer.add_topic("/second/radar/raw", "sensor_msgs/msg/PointCloud2")
        writer.add_topic("/second/joint_states", "sensor_msgs/msg/JointState")
        for topic in ("/arm/joint_states", "/second/joint_states"):
            writer.write(topic, START_NS, message)
    with BagReader(path) as bag:
        assert radar_topics(bag) == ("/second/radar/raw", "/second/joint_states")


def test_waiting_ends_when_nothing_comes_any_more():
    asked = []

    def count():
        asked.append(None)
        return min(len(asked), 8)

    assert wait_until_quiet(count, quiet_s=0.1, timeout_s=10.0) == 8
    with pytest.raises(RuntimeError, match="messages still arrive"):
        wait_until_quiet(iter(range(10**6)).__next__, quiet_s=0.1, timeout_s=0.2)
