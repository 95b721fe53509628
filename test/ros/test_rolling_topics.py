"""Sectors on their topics: made where someone listens, in the layout that the docs promise."""

from itertools import pairwise

import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState, LaserScan, PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.ros.messages import cloud_points, joint_state, to_header, to_time_ns
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.ros.raw import to_cloud
from mmwave.waveform import Waveform
from panoradar_ros.nodes.imaging import ImagingNode

START_NS = 1_700_000_000_000_000_000
WAVEFORM = Waveform()
RATE = 4 * np.pi


def frame(index: int) -> PositionBlock:
    rng = np.random.default_rng(index)
    time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
    return PositionBlock(
        index,
        rng.integers(-2000, 2000, (64, 8, 256, 2), dtype=np.int16),
        START_NS + np.rint(time_s * 1e9).astype(np.int64),
        np.ones((64, 8), bool),
        WAVEFORM,
    )


@pytest.mark.timeout(120)
def test_sectors_come_on_their_topics(graph):
    robot, viewer = graph.add(Node, "robot"), graph.add(Node, "viewer")
    raw = robot.create_publisher(PointCloud2, "radar/raw", reliable_qos(depth=40))
    joints = robot.create_publisher(JointState, "joint_states", reliable_qos(depth=200))
    received = {LaserScan: [], PointCloud2: [], Image: []}
    topics = {LaserScan: "rolling/scan", PointCloud2: "rolling/points", Image: "rolling/panorama"}
    for kind, topic in topics.items():
        viewer.create_subscription(kind, topic, received[kind].append, sensor_qos(1_000, depth=50))
    imaging = graph.add(ImagingNode)
    assert bring_up(imaging)
    graph.wait_for(
        lambda: raw.get_subscription_count() and joints.get_subscription_count(), "it listens"
    )
    for index in range(16):
        for step in range(4):
            time_ns = START_NS + round((index + step / 3) * WAVEFORM.frame_period_s * 1e9)
            angle = RATE * (time_ns - START_NS) * 1e-9
            joints.publish(joint_state(to_header(time_ns, ""), "turntable_joint", angle, RATE))
        raw.publish(to_cloud(frame(index), "radar"))
        graph.wait_for(lambda: imaging.blocks_taken > index, "the frame is taken")  # noqa: B023
    graph.wait_for(lambda: len(received[LaserScan]) >= 8, "scans come")
    graph.wait_for(lambda: len(received[PointCloud2]) >= 8, "points come")
    graph.wait_for(lambda: received[Image], "pictures come")
    scans = received[LaserScan]
    for before, scan in pairwise(scans):
        first_s = (to_time_ns(scan.header.stamp) - START_NS) * 1e-9
        off = RATE * first_s - scan.angle_min
        assert abs(np.angle(np.exp(1j * off))) < 1e-3  # the boresight was there at that time
        assert scan.angle_increment == pytest.approx(2 * np.pi / 512)
        assert scan.time_increment == pytest.approx(scan.angle_increment / RATE, rel=1e-3)
        step = scan.angle_min - before.angle_max - before.angle_increment
        assert abs(np.angle(np.exp(1j * step))) < 1e-4  # no ray is left out
        assert scan.header.frame_id == "radar_base"
    stamps = {to_time_ns(scan.header.stamp): scan for scan in scans}
    for cloud in received[PointCloud2]:
        scan = stamps[to_time_ns(cloud.header.stamp)]
        assert (cloud.height, cloud.width) == (32, len(scan.ranges))
        assert set(cloud_points(cloud).dtype.names) == {"x", "y", "z", "range", "intensity"}
    assert received[Image][0].encoding == "rgb8"
