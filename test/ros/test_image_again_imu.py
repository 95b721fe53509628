"""``panoradar replay --image`` of a drive with an IMU: it counts, and gives the same each time."""

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from replaying import replay
from sensor_msgs.msg import Imu

from mmwave.dca1000 import PositionBlock
from mmwave.ros.messages import joint_state, to_header
from mmwave.ros.raw import to_cloud
from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import DriveSimulator
from mmwave.waveform import Waveform
from panoradar_ros.bags import BagReader, BagWriter

START_NS = 1_700_000_000_000_000_000
WAVEFORM = Waveform()
FRAMES = 48
START_RAD = -0.7  # a turn starts at zero, after its margin
AZIMUTHS = 512
RATE_RADPS = 2 * np.pi / (20 * WAVEFORM.frame_period_s)
YAW_RATE_RADPS = 0.03
"""What the IMU says of a robot that stands still; more exactly than the radar knows itself."""


def frames(turn):
    """Frames of a turntable that turns evenly; every position shows the nearest azimuth."""
    for index in range(FRAMES):
        time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
        nearest = (
            np.rint((START_RAD + RATE_RADPS * time_s) / (2 * np.pi) * AZIMUTHS).astype(int)
            % AZIMUTHS
        )
        time_ns = START_NS + np.rint(time_s * 1e9).astype(np.int64)
        yield PositionBlock(index, turn[nearest], time_ns, np.ones((64, 8), bool), WAVEFORM)


def reading(stamp_ns: int, rate_radps: float) -> Imu:
    message = Imu(header=to_header(stamp_ns, "imu"))
    message.angular_velocity.z = rate_radps
    message.angular_velocity_covariance = [0.0] * 8 + [1e-8]
    return message


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """Two turns in a building, in a namespace, angles and readings of 100 Hz between the frames."""
    path = tmp_path_factory.mktemp("bags") / "drive"
    building = generate_building(1)
    turn = DriveSimulator(building, building.drive_loop(), seed=1).still_turn(AZIMUTHS)
    messages = []
    for block in frames(turn):
        message = serialize_message(to_cloud(block, "radar"))
        messages.append((int(block.time_ns[-1]), "/first/radar/raw", message))
    for step in range(int(FRAMES * WAVEFORM.frame_period_s * 100) + 2):
        stamp_ns = START_NS + step * 10_000_000
        angle = START_RAD + RATE_RADPS * step * 0.01
        message = joint_state(to_header(stamp_ns, ""), "turntable_joint", angle, RATE_RADPS)
        messages.append((stamp_ns, "/first/joint_states", serialize_message(message)))
        message = reading(stamp_ns, YAW_RATE_RADPS)
        messages.append((stamp_ns, "/first/imu", serialize_message(message)))
    with BagWriter(path) as writer:
        writer.add_topic("/first/radar/raw", "sensor_msgs/msg/PointCloud2")
        writer.add_topic("/first/joint_states", "sensor_msgs/msg/JointState")
        writer.add_topic("/first/imu", "sensor_msgs/msg/Imu")
        for time_ns, topic, message in sorted(messages, key=lambda one: one[0]):
            writer.write(topic, time_ns, message)
    return path


def velocities(drive, out, *words):
    done = replay(drive, "--image", out, *words, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    with BagReader(out) as images:
        found = list(images.messages(["/velocity"]))
        twists = [images.decode(one).twist.twist for one in found]
    return [one.data for one in found], np.array([twist.angular.z for twist in twists])


@pytest.mark.timeout(180)
def test_readings_count_and_give_the_same_velocities_each_time(drive, tmp_path):
    parameters = tmp_path / "imu.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    use_imu: true\n")
    once, turned = velocities(drive, tmp_path / "once", "--params-file", parameters)
    again, _ = velocities(drive, tmp_path / "again", "--params-file", parameters)
    _, alone = velocities(drive, tmp_path / "alone")
    assert len(once) == 2
    assert once == again
    assert (turned - alone).min() > 0.3 * YAW_RATE_RADPS, (turned, alone)
