"""The viewer node between real topics and a recording's content."""

from collections import Counter

import pytest
from rclpy.parameter import Parameter
from rerun.chunk import RrdReader
from sensor_msgs.msg import PointCloud2
from viewer_scene import SceneRobot

from mmwave.ros import messages
from mmwave.ros.node import bring_up, take_down
from mmwave.ros.parameters import ParameterError
from panoradar_ros.nodes.viewer import ViewerNode


def parameters(**values):
    return {"parameter_overrides": [Parameter(name, value=one) for name, one in values.items()]}


def entities(path):
    rows = Counter()
    for chunk in RrdReader(path).stream():
        rows[str(chunk.entity_path)] += chunk.num_rows
    return rows


def test_everything_the_robot_publishes_is_in_the_file(graph, tmp_path):
    path = tmp_path / "drive.rrd"
    node = graph.add(ViewerNode, **parameters(mode="file", path=str(path), rate_hz=30.0))
    assert bring_up(node)
    robot = graph.add(SceneRobot)
    graph.wait_for(lambda: robot.all_subscribed, "the viewer subscribes")
    graph.wait_for(lambda: node.shown == 1, "the building is shown")
    robot.step()
    graph.wait_for(lambda: node.shown == 7, "the rotation is shown")
    take_down(node)
    rows = entities(path)
    for name in (
        "world/building",
        "world/points",
        "world/scan",
        "world/robot",
        "pictures/heatmap",
        "pictures/panorama",
        "speed/measured",
        "speed/truth",
    ):
        assert rows[f"/{name}"] >= 1, name


def test_a_busy_topic_is_thinned_out(graph, tmp_path):
    path = tmp_path / "drive.rrd"
    node = graph.add(ViewerNode, **parameters(mode="file", path=str(path), rate_hz=0.1))
    assert bring_up(node)
    robot = graph.add(SceneRobot)
    graph.wait_for(lambda: robot.all_subscribed, "the viewer subscribes")
    for _ in range(5):
        robot.step()
    graph.wait_for(lambda: node.shown == 7, "the first of each topic is shown")
    take_down(node)
    assert entities(path)["/world/points"] == 1


def test_a_cloud_without_positions_is_left_out(graph, tmp_path):
    path = tmp_path / "drive.rrd"
    node = graph.add(ViewerNode, **parameters(mode="file", path=str(path), rate_hz=30.0))
    assert bring_up(node)
    robot = graph.add(SceneRobot)
    graph.wait_for(lambda: robot.all_subscribed, "the viewer subscribes")
    empty = PointCloud2(header=messages.to_header(1, "radar_base"))
    robot.points.publish(empty)
    graph.wait_for(lambda: node.skipped == 1, "the cloud is refused")
    assert node.state == "active"


def test_off_reads_nothing(graph):
    node = graph.add(ViewerNode, **parameters(mode="off"))
    assert bring_up(node)
    assert not node.count_subscribers("points")


def test_a_file_that_cannot_be_written_is_a_failed_transition(graph, tmp_path):
    path = tmp_path / "nowhere" / "drive.rrd"
    node = graph.add(ViewerNode, **parameters(mode="file", path=str(path)))
    assert not bring_up(node)
    assert node.state == "unconfigured"


def test_a_window_without_a_display_is_a_failed_transition(graph, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    node = graph.add(ViewerNode, **parameters(mode="native"))
    assert not bring_up(node)
    assert node.state == "unconfigured"


def test_parameters_are_checked(graph):
    with pytest.raises(ParameterError, match="mode must be one of"):
        graph.add(ViewerNode, **parameters(mode="hologram"))
    with pytest.raises(ParameterError, match="sensor_position_m must be three numbers"):
        graph.add(ViewerNode, **parameters(mode="off", sensor_position_m=[0.0, 1.0]))
