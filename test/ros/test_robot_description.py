"""The robot description expands, is one tree, and has the frames where the nodes expect them."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import xacro

from mmwave.resources import share_path
from mmwave.simulation.building import RADAR_HEIGHT_M

LINKS = {
    "base_link",
    "mast",
    "radar_base",
    "turntable",
    "radar",
    "radar_optical",
    "camera",
    "camera_optical",
    "second_radar",
    "second_radar_optical",
}


def expand(**arguments):
    mappings = {name: str(value) for name, value in arguments.items()}
    path = str(share_path("urdf/panoradar.urdf.xacro"))
    return ElementTree.fromstring(xacro.process_file(path, mappings=mappings).toxml())


def numbers(text):
    return np.array([float(one) for one in text.split()])


def rotation(rpy):
    (sr, sp, sy), (cr, cp, cy) = np.sin(rpy), np.cos(rpy)
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def poses(robot):
    """Rotation and translation of every link in base_link at joint angle zero."""
    found = {"base_link": (np.eye(3), np.zeros(3))}
    joints = robot.findall("joint")
    while joints:
        ready = [j for j in joints if j.find("parent").get("link") in found]
        assert ready, "the joints are not one tree"
        for joint in ready:
            turn, place = found[joint.find("parent").get("link")]
            origin = joint.find("origin")
            xyz = numbers(origin.get("xyz")) if origin is not None else np.zeros(3)
            rpy = numbers(origin.get("rpy")) if origin is not None else np.zeros(3)
            child = joint.find("child").get("link")
            assert child not in found
            found[child] = (turn @ rotation(rpy), place + turn @ xyz)
            joints.remove(joint)
    return found


def test_links_are_one_tree():
    robot = expand()
    assert {link.get("name") for link in robot.findall("link")} == LINKS
    assert set(poses(robot)) == LINKS


def test_turntable_turns_counter_clockwise_about_up_for_ever():
    joint = next(j for j in expand().findall("joint") if j.get("name") == "turntable_joint")
    assert joint.get("type") == "continuous"
    np.testing.assert_array_equal(numbers(joint.find("axis").get("xyz")), [0, 0, 1])
    assert (joint.find("parent").get("link"), joint.find("child").get("link")) == (
        "radar_base",
        "turntable",
    )


@pytest.mark.parametrize(("height", "radius"), [(0.6, 0.08), (1.1, 0.12)])
def test_radar_sits_on_the_arm_at_its_height_and_looks_outward(height, radius):
    turn, place = poses(expand(radar_height=height, radar_radius=radius))["radar"]
    np.testing.assert_allclose(place, [radius, 0, height], atol=1e-12)
    np.testing.assert_allclose(turn, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("name", ["radar", "camera", "second_radar"])
def test_optical_frames_follow_rep_103(name):
    found = poses(expand())
    turn, place = found[f"{name}_optical"]
    body_turn, body_place = found[name]
    np.testing.assert_allclose(place, body_place)
    in_body = body_turn.T @ turn
    np.testing.assert_allclose(in_body @ [0, 0, 1], [1, 0, 0], atol=1e-9)  # z forward
    np.testing.assert_allclose(in_body @ [1, 0, 0], [0, -1, 0], atol=1e-9)  # x right
    np.testing.assert_allclose(in_body @ [0, 1, 0], [0, 0, -1], atol=1e-9)  # y down


def test_radar_is_as_high_as_in_the_simulation():
    assert poses(expand())["radar"][1][2] == pytest.approx(RADAR_HEIGHT_M)


def test_prefix_reaches_every_link():
    names = {link.get("name") for link in expand(prefix="one_").findall("link")}
    assert names == {f"one_{name}" for name in LINKS}


def test_frames_that_nodes_use_are_in_the_description():
    from panoradar_ros.nodes.imaging_parameters import PARAMETERS

    frames = {one.default for one in PARAMETERS if one.name in ("frame_id", "base_frame_id")}
    assert frames <= LINKS
