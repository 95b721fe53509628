"""The emulator node: ports under fixed names, the truth, the building."""

import os
import socket

import numpy as np
import pytest
import serial
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from mmwave.emulation.ports import link_port, unlink_port
from mmwave.ros.messages import quaternion_to_yaw
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import static_qos
from mmwave.simulation.materials import MATERIAL_ID
from mmwave.simulation.recording import Recording, simulate_drive
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.waveform import Waveform
from panoradar_ros.nodes.emulated_world import building_marker, truth
from panoradar_ros.nodes.emulator import EmulatorNode
from panoradar_ros.nodes.robot import NODES


def wall(x_m, class_id):
    vertices = np.array([[x_m, -2, 0], [x_m, 2, 0], [x_m, 2, 2.5], [x_m, -2, 2.5]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    labels = np.full(2, class_id)
    return Scene(
        vertices,
        faces,
        labels.astype(np.uint8),
        labels.astype(np.int32),
        np.full(2, MATERIAL_ID["plaster"], np.uint8),
    )


SCENE = Scene.merge([wall(3.0, SemanticClass.WALL), wall(4.0, SemanticClass.CEILING)])


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    drive = ConstantVelocity(x_m=0.5, y_m=-0.2, vx_mps=0.3, vy_mps=0.1, yaw_rad=0.4)
    return simulate_drive(
        SCENE,
        drive,
        4 * Waveform().frame_period_s,
        folder=tmp_path_factory.mktemp("drives"),
        progress=None,
        loop=False,
        prelude_positions=64,
    )


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@pytest.fixture
def start(graph, recording, tmp_path):
    def start(**parameters):
        values = {"recording": str(recording.folder), "port_folder": str(tmp_path / "ports")}
        values |= {"control_port": free_port(), "data_port": free_port()}
        overrides = [Parameter(name, value=value) for name, value in (values | parameters).items()]
        return graph.add(EmulatorNode, parameter_overrides=overrides)

    yield start
    graph.stop_nodes()


def test_ports_have_fixed_names_while_active(graph, start, tmp_path):
    node = start()
    assert bring_up(node)
    ports = tmp_path / "ports"
    with serial.Serial(str(ports / "radar"), 115200, timeout=5) as line:
        line.write(b"version\n")
        assert b"mmwDemo:/>" in line.read_until(b"mmwDemo:/>")
    assert os.readlink(ports / "stepper") == node.rig.stepper_port
    node.trigger_deactivate()
    assert not list(ports.iterdir())


def test_truth_and_building_come_in_the_map_frame(graph, start, recording):
    node, listener = start(), graph.add(Node, "listener")
    poses, buildings = [], []
    assert bring_up(node)
    listener.create_subscription(Odometry, "sim/odometry", poses.append, 10)
    listener.create_subscription(Marker, "sim/building", buildings.append, static_qos())
    graph.wait_for(lambda: len(poses) >= 5 and buildings, "truth and building")
    first, begin = poses[0], recording.trajectory.pose(0.0)
    assert (first.header.frame_id, first.child_frame_id) == ("map", "base_link")
    position = first.pose.pose.position
    assert (position.x, position.y) == pytest.approx((float(begin.x_m), float(begin.y_m)))
    assert buildings[0].header.frame_id == "map"
    assert len(buildings[0].points) == 6


def test_truth_moves_with_the_velocity_in_the_robots_frame(recording: Recording):
    time_s = 0.05
    message = truth(recording, time_s, Header(frame_id="map"), "base_link")
    pose, velocity = recording.trajectory.pose(time_s), recording.trajectory.velocity(time_s)
    yaw_rad = quaternion_to_yaw(message.pose.pose.orientation)
    assert yaw_rad == pytest.approx(float(pose.yaw_rad))
    linear = message.twist.twist.linear
    turn = np.array([[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]])
    np.testing.assert_allclose(
        turn @ [linear.x, linear.y], [float(velocity[0]), float(velocity[1])], atol=1e-9
    )
    still = truth(recording, None, Header(), "base_link")
    assert still.twist.twist.linear.x == 0


def test_ceiling_is_left_out_and_walls_keep_their_colour():
    marker = building_marker(SCENE, Header())
    assert {point.x for point in marker.points} == {3.0}
    assert len({(c.r, c.g, c.b) for c in marker.colors}) == 1


def test_missing_recording_fails_with_one_clear_line(graph, start, monkeypatch):
    node = start(recording="/none/drive")
    lines = []
    logger = type(node.get_logger())
    monkeypatch.setattr(logger, "error", lambda self, text, **_: lines.append(text))
    assert not bring_up(node)
    assert len(lines) == 1
    assert "/none/drive" in lines[0]


def test_folder_of_others_is_refused(tmp_path):
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    with pytest.raises(PermissionError, match="port_folder"):
        link_port(open_folder / "radar", "/dev/pts/1")


def test_link_is_replaced_and_removed_only_by_its_owner(tmp_path):
    link = tmp_path / "ports" / "radar"
    link_port(link, "/dev/pts/1")
    link_port(link, "/dev/pts/2")
    unlink_port(link, "/dev/pts/1")
    assert os.readlink(link) == "/dev/pts/2"
    unlink_port(link, "/dev/pts/2")
    assert not link.is_symlink()


def test_listeners_come_up_before_who_speaks():
    assert [one.__name__ for one in NODES] == ["ImagingNode", "MotorNode", "CaptureNode"]
