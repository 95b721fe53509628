"""The people viewer on real messages, into a file."""

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from mmwave.ros.messages import image, to_header
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos, sensor_qos
from rexo_ros.detections import Detections
from rexo_ros.nodes.people_markers import box_markers, track_markers
from rexo_ros.nodes.people_viewer import PeopleViewerNode, cubes
from rexo_ros.tracking import Tracker

BOX = np.array([[-0.6, -0.15, 3.0, 0.5, 1.7, 0.4]])
"""Right, up, ahead of the radars; width, height, depth."""

HEADER = to_header(1_700_000_000_000_000_000, "radars")


def tracks():
    tracker = Tracker()
    for number in range(4):
        told = tracker.update(BOX, np.ones(1), 0.05 * number)
    return track_markers(told, HEADER)


def test_cubes_are_ahead_to_the_left_and_up():
    numbers, boxes = cubes(tracks())
    assert numbers == [1]
    np.testing.assert_allclose(boxes[0], [3.0, 0.6, -0.15, 0.4, 0.5, 1.7], atol=1e-6)
    assert cubes(box_markers(Detections(BOX[:0], np.zeros(0), None), HEADER))[1].shape == (0, 6)


@pytest.mark.timeout(60)
def test_people_heatmaps_and_the_truth_are_shown(graph, tmp_path):
    path = tmp_path / "people.rrd"
    parameters = [Parameter("mode", value="file"), Parameter("path", value=str(path))]
    viewer = graph.add(PeopleViewerNode, parameter_overrides=parameters)
    source = graph.add(Node, "source")
    people = source.create_publisher(MarkerArray, "people/tracks", reliable_qos())
    truth = source.create_publisher(MarkerArray, "sim/people", reliable_qos())
    heatmap = source.create_publisher(Image, "people/heatmap_vertical", sensor_qos(131_072))
    assert bring_up(viewer)
    every = (people, truth, heatmap)
    graph.wait_for(lambda: all(one.get_subscription_count() for one in every), "it listens")
    decibel = np.full((256, 128), np.nan, np.float32)
    decibel[100:120] = 30.0
    people.publish(tracks())
    truth.publish(box_markers(Detections(BOX, np.ones(1), None), HEADER))
    heatmap.publish(image(decibel, "32FC1", HEADER))
    graph.wait_for(lambda: viewer.shown >= 3, "all is shown")
    graph.stop_nodes()
    content = path.read_bytes()
    for name in (b"room/people", b"room/truth", b"room/trails", b"heatmaps/vertical"):
        assert name in content


@pytest.mark.timeout(60)
def test_a_path_that_cannot_be_written_is_named(graph):
    parameters = [Parameter("mode", value="file"), Parameter("path", value="/nowhere/x.rrd")]
    viewer = graph.add(PeopleViewerNode, parameter_overrides=parameters)
    assert not bring_up(viewer)
