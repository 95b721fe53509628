"""The parameter files say what the nodes declare, and RViz shows what they publish."""

import ast
import re

import pytest
import yaml

from mmanomaly_ros.nodes.anomaly import AnomalyNode
from mmanomaly_ros.nodes.anomaly_viewer import AnomalyViewerNode
from mmanomaly_ros.nodes.emulator import EmulatorNode as SceneEmulatorNode
from mmwave.resources import share_path
from mmwave.ros.node import AUTOSTART
from panoradar_ros.nodes.capture import CaptureNode
from panoradar_ros.nodes.emulator import EmulatorNode
from panoradar_ros.nodes.imaging import ImagingNode
from panoradar_ros.nodes.motor import MotorNode
from panoradar_ros.nodes.recognition import RecognitionNode
from panoradar_ros.nodes.viewer import ViewerNode
from rexo_ros.nodes.emulator import EmulatorNode as RoomEmulatorNode
from rexo_ros.nodes.people import PeopleNode
from rexo_ros.nodes.people_viewer import PeopleViewerNode

NODES = {
    "capture": CaptureNode,
    "motor": MotorNode,
    "imaging": ImagingNode,
    "recognition": RecognitionNode,
    "people": PeopleNode,
    "people_viewer": PeopleViewerNode,
    "room_emulator": RoomEmulatorNode,
    "emulator": EmulatorNode,
    "viewer": ViewerNode,
    "anomaly": AnomalyNode,
    "anomaly_viewer": AnomalyViewerNode,
    "scene_emulator": SceneEmulatorNode,
}

LIVE = {
    "capture": {"loss_warning_fraction"},
    "motor": {"revolutions_per_s"},
    "emulator": set(),
    "room_emulator": set(),
    "anomaly": set(),
    "scene_emulator": set(),
}
"""What nodes that own devices take over while they run."""


def declared(node):
    return {one.name: one for one in (AUTOSTART, *node.PARAMETERS)}


@pytest.mark.parametrize("name", NODES)
def test_file_holds_every_parameter_with_its_default(name):
    content = yaml.safe_load(share_path(f"config/{name}.yaml").read_text())
    values = content[f"/**/{name}"]["ros__parameters"]
    expected = {one.name: one.default for one in declared(NODES[name]).values()}
    assert values == expected
    assert {key: type(value) for key, value in values.items()} == {
        key: type(value) for key, value in expected.items()
    }


@pytest.mark.parametrize("name", NODES)
def test_comment_above_each_value_says_what_it_is_its_range_and_default(name):
    text = share_path(f"config/{name}.yaml").read_text()
    for parameter in declared(NODES[name]).values():
        found = re.search(rf"((?: *#.*\n)+)    {parameter.name}: ", text)
        assert found, f"{parameter.name} has no comment"
        comment = " ".join(line.strip(" #") for line in found[1].splitlines())
        assert parameter.description.rstrip(".") in comment
        assert "Default " in comment
        for limit in (parameter.minimum, parameter.maximum):
            assert limit is None or f"{limit:.10g}" in comment
        for choice in parameter.choices:
            assert str(choice) in comment
        assert ("fixed" in comment) == parameter.read_only


@pytest.mark.parametrize("name", LIVE)
def test_only_what_is_taken_over_at_once_may_change(name):
    changeable = {one.name for one in declared(NODES[name]).values() if not one.read_only}
    assert changeable == LIVE[name]


@pytest.mark.parametrize("name", NODES)
def test_node_starts_from_its_file_in_any_namespace(graph, name):
    path = str(share_path(f"config/{name}.yaml"))
    arguments = ["--ros-args", "--params-file", path]
    for namespace in ("", "/fleet/one"):
        node = graph.add(NODES[name], namespace=namespace, cli_args=arguments)
        assert node.get_name() == name
        assert node.parameters.values() == {
            one.name: one.default for one in declared(NODES[name]).values()
        }


@pytest.mark.parametrize("namespace", ["", "/fleet/one"])
def test_each_of_two_radars_takes_its_own_section(graph, namespace):
    path = str(share_path("config/rexo_radars.yaml"))
    arguments = ["--ros-args", "--params-file", path]
    found = {
        view: graph.add(CaptureNode, namespace=f"{namespace}/{view}", cli_args=arguments)
        for view in ("horizontal", "vertical")
    }
    ports = {view: node.parameters["serial_port"] for view, node in found.items()}
    assert ports == {"horizontal": "/dev/ttyACM0", "vertical": "/dev/ttyACM2"}
    assert found["vertical"].parameters["samples_per_chirp"] == 128


def topic_of(argument):
    """A topic's name, the first one where they are numbered."""
    if isinstance(argument, ast.Constant):
        return argument.value
    return "".join(
        part.value if isinstance(part, ast.Constant) else "0" for part in argument.values
    )


def test_rviz_shows_topics_that_nodes_publish():
    published = set()
    for module in ("imaging_topics", "recognition_topics", "recognition_depth", "emulator"):
        tree = ast.parse(share_path(f"panoradar_ros/nodes/{module}.py").read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "publisher":
                published.add(topic_of(call.args[1]))
    layout = yaml.safe_load(share_path("config/panoradar.rviz").read_text())
    manager = layout["Visualization Manager"]
    shown = {one["Topic"]["Value"] for one in manager["Displays"] if "Topic" in one}
    assert shown <= published
    assert {"points", "scan", "heatmap", "odom", "sim/building", "learned/points"} <= shown
    assert manager["Global Options"]["Fixed Frame"] == "odom"


def test_rviz_of_the_fixed_radars_shows_topics_that_nodes_publish():
    published = set()
    for module in ("people_topics", "emulator"):
        tree = ast.parse(share_path(f"rexo_ros/nodes/{module}.py").read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "publisher":
                published.add(topic_of(call.args[1]))
    heatmaps = {"people/heatmap_horizontal", "people/heatmap_vertical"}
    assert "people/heatmap_0" in published  # one for each view
    layout = yaml.safe_load(share_path("config/rexo.rviz").read_text())
    manager = layout["Visualization Manager"]
    shown = {one["Topic"]["Value"] for one in manager["Displays"] if "Topic" in one}
    assert shown - heatmaps <= published
    assert shown >= {"people/tracks", "people/poses", "sim/people", *heatmaps}
    assert manager["Global Options"]["Fixed Frame"] == "radars"


def test_rviz_of_a_watch_shows_topics_that_nodes_publish():
    published = set()
    for module in ("anomaly_topics", "emulator"):
        tree = ast.parse(share_path(f"mmanomaly_ros/nodes/{module}.py").read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "publisher":
                published.add(topic_of(call.args[1]))
    layout = yaml.safe_load(share_path("config/mmanomaly.rviz").read_text())
    manager = layout["Visualization Manager"]
    shown = {one["Topic"]["Value"] for one in manager["Displays"] if "Topic" in one}
    assert shown <= published
    assert shown >= {"anomaly/markers", "anomaly/grid", "anomaly/depth", "sim/anomaly"}
    assert not {one for one in shown if "color" in one or one == "anomaly/image"}
    assert manager["Global Options"]["Fixed Frame"] == "watch"
