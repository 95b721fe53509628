"""An antenna that is dead, or two that are swapped, on the raw topic: /diagnostics say so."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from sensor_msgs.msg import JointState, PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.ros.messages import joint_state, to_header
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos
from mmwave.ros.raw import to_cloud
from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import DriveSimulator
from mmwave.waveform import Waveform
from panoradar_ros.nodes.imaging import ImagingNode

START_NS = 1_700_000_000_000_000_000
WAVEFORM = Waveform()
FRAMES_PER_TURN = 20
RATE_RADPS = 2 * np.pi / (FRAMES_PER_TURN * WAVEFORM.frame_period_s)
AZIMUTHS = 160
CHECKS = 50
"""Frames in which a fault is found twice, and a turn with its margins is complete."""

SWAPPED_RECEIVERS = [0, 3, 2, 1, 4, 7, 6, 5]


@pytest.fixture(scope="module")
def turn():
    """Samples at azimuths all around in a building, the robot standing."""
    building = generate_building(1)
    return DriveSimulator(building, building.drive_loop(), seed=1).still_turn(AZIMUTHS)


def healthy(samples):
    return samples


def dead(samples):
    """Antenna 5 gives the receiver's noise alone."""
    samples = samples.copy()
    noise = np.random.default_rng(3).normal(0, 12, samples[:, 5].shape)
    samples[:, 5] = np.rint(noise).astype(np.int16)
    return samples


def swapped(samples):
    """The cables of two receivers in each other's place."""
    return samples[:, SWAPPED_RECEIVERS]


def frames(turn, wrong):
    """Frames of a turntable that turns evenly; every position shows the nearest azimuth."""
    shown = wrong(turn)
    for index in range(CHECKS):
        time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
        nearest = np.rint(RATE_RADPS * time_s / (2 * np.pi) * AZIMUTHS).astype(int) % AZIMUTHS
        time_ns = START_NS + np.rint(time_s * 1e9).astype(np.int64)
        yield PositionBlock(index, shown[nearest], time_ns, np.ones((64, 8), bool), WAVEFORM)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("wrong", "level", "message"),
    [
        (healthy, DiagnosticStatus.OK, "imaging"),
        (dead, DiagnosticStatus.ERROR, "virtual antenna 5 is dead"),
        (swapped, DiagnosticStatus.ERROR, "receivers 1 and 3 are swapped"),
    ],
)
def test_diagnostics_name_the_antenna(graph, turn, wrong, level, message):
    robot, listener = graph.add(Node, "robot"), graph.add(Node, "listener")
    raw = robot.create_publisher(PointCloud2, "radar/raw", reliable_qos(depth=40))
    joints = robot.create_publisher(JointState, "joint_states", reliable_qos(depth=200))
    heard = []
    listener.create_subscription(
        DiagnosticArray, "/diagnostics", lambda array: heard.extend(array.status), 10
    )
    imaging = graph.add(ImagingNode)
    assert bring_up(imaging)
    graph.wait_for(
        lambda: raw.get_subscription_count() and joints.get_subscription_count(), "it listens"
    )
    for block in frames(turn, wrong):
        index = block.frame_index
        for step in range(4):
            time_ns = START_NS + round((index + step / 3) * WAVEFORM.frame_period_s * 1e9)
            angle = RATE_RADPS * (time_ns - START_NS) * 1e-9
            joints.publish(joint_state(to_header(time_ns, ""), "turntable_joint", angle, 0.0))
        raw.publish(to_cloud(block, "radar"))
        graph.wait_for(lambda: imaging.blocks_taken > index, "the frame is taken")  # noqa: B023
    told = level, message
    graph.wait_for(lambda: told in [(one.level, one.message) for one in heard], "it is told")
    assert {one.name for one in heard} == {"imaging: rotations"}
    errors = {one.message for one in heard if one.level == DiagnosticStatus.ERROR}
    errors -= {one for one in errors if one.startswith("no new rotations")}  # a slow machine
    assert errors == ({message} if level == DiagnosticStatus.ERROR else set())
