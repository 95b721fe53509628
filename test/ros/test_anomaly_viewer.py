"""The anomaly viewer on real messages, into a file; what its topics hold."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from visualization_msgs.msg import Marker, MarkerArray

from mmanomaly_ros.nodes.anomaly_markers import LABEL, place_markers, places_of
from mmanomaly_ros.nodes.anomaly_viewer import AnomalyViewerNode
from mmanomaly_ros.viewer import PICTURES
from mmwave.ros.messages import image, to_header
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos

HEADER = to_header(1_700_000_000_000_000_000, "watch")
PLACES_M = np.array([[0.5, 2.0], [-1.0, 3.5]])
"""Right and ahead of the radar."""


def test_places_are_ahead_and_to_the_left_and_come_back():
    message = place_markers(PLACES_M, np.array([0.9, 0.4]), HEADER)
    assert message.markers[0].action == Marker.DELETEALL
    first = message.markers[1]
    assert (first.pose.position.x, first.pose.position.y) == (2.0, -0.5)
    assert [one.text for one in message.markers if one.ns == LABEL] == ["90 %", "40 %"]
    np.testing.assert_allclose(places_of(message), PLACES_M)
    assert places_of(place_markers(PLACES_M[:0], np.zeros(0), HEADER)).shape == (0, 2)


def test_where_ranges_alone_are_known_arcs_are_drawn():
    message = place_markers(np.array([[0.0, 3.0]]), np.ones(1), HEADER, arcs=True)
    arc = message.markers[1]
    assert arc.type == Marker.LINE_STRIP
    ends = [(arc.pose.position.x + one.x, one.y) for one in arc.points]
    np.testing.assert_allclose(np.hypot(*np.transpose(ends)), 3.0)
    assert ends[0][1] < -2 < 2 < ends[-1][1]
    np.testing.assert_allclose(places_of(message), [[0.0, 3.0]])


@pytest.mark.timeout(60)
def test_spectra_depth_places_state_and_truth_are_shown(graph, tmp_path):
    path = tmp_path / "watch.rrd"
    parameters = [Parameter("mode", value="file"), Parameter("path", value=str(path))]
    viewer = graph.add(AnomalyViewerNode, parameter_overrides=parameters)
    source = graph.add(Node, "source")
    shown = [name for name in PICTURES if name != "image"]
    pictures = {
        name: source.create_publisher(Image, f"anomaly/{name}", sensor_qos(0)) for name in PICTURES
    }
    found = source.create_publisher(MarkerArray, "anomaly/markers", reliable_qos())
    truth = source.create_publisher(MarkerArray, "sim/anomaly", reliable_qos())
    state = source.create_publisher(DiagnosticArray, "anomaly/state", static_qos())
    assert bring_up(viewer)
    every = (found, truth, state, *pictures.values())
    graph.wait_for(lambda: all(one.get_subscription_count() for one in every), "it listens")
    assert not [one for one, _ in viewer.get_topic_names_and_types() if "camera" in one]
    values = np.linspace(-10, 70, 128 * 192, dtype=np.float32).reshape(128, 192)
    values[5:9] = np.nan
    for name in shown:
        pictures[name].publish(image(values, "32FC1", HEADER))
    pictures["image"].publish(image(np.full((96, 128, 3), 90, np.uint8), "rgb8", HEADER))
    found.publish(place_markers(PLACES_M, np.ones(2), HEADER))
    truth.publish(place_markers(PLACES_M, np.ones(2), HEADER))
    status = DiagnosticStatus(message="unknown: too dark", level=DiagnosticStatus.WARN)
    state.publish(DiagnosticArray(header=HEADER, status=[status]))
    graph.wait_for(lambda: viewer.shown >= len(PICTURES) + 3, "all is shown")
    graph.stop_nodes()
    content = path.read_bytes()
    names = [f"pictures/{name}" for name in PICTURES]
    # the file is compressed: words that stand in it before may be cut
    for name in ("scene/found", "scene/truth", "too dark", *names):
        assert name.encode() in content, name


@pytest.mark.timeout(60)
def test_a_file_that_cannot_be_written_is_named(graph):
    parameters = [Parameter("mode", value="file"), Parameter("path", value="/nowhere/x.rrd")]
    viewer = graph.add(AnomalyViewerNode, parameter_overrides=parameters)
    assert not bring_up(viewer)
