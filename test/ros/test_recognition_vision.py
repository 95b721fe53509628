"""Detections as vision_msgs, whose messages stand here as they are defined."""

import pytest
from std_msgs.msg import Header
from vision_stub import Hypothesis, vision_module
from visualization_msgs.msg import Marker, MarkerArray

from panoradar_ros.nodes.recognition_vision import flat_detections, solid_detections
from panoradar_ros.recognition.detections import Detection


@pytest.fixture
def vision():
    return vision_module()


FOUND = [Detection(0, 0.9, 500.0, 20.0, 520.0, 50.0), Detection(1, 0.5, 10.0, 30.0, 14.0, 40.0)]


def test_boxes_on_the_panorama(vision):
    header = Header(frame_id="radar_base")
    message = flat_detections(vision, FOUND, header)
    assert message.header.frame_id == "radar_base"
    person, other = message.detections
    assert (person.bbox.center.position.x, person.bbox.center.position.y) == (510.0, 35.0)
    assert (person.bbox.size_x, person.bbox.size_y) == (20.0, 30.0)
    assert person.results[0].hypothesis == Hypothesis("person", 0.9)
    assert other.results[0].hypothesis == Hypothesis("other", 0.5)


def test_boxes_in_space_keep_their_detections(vision):
    """The first detection had no range: only the second has a marker."""
    clear, box = Marker(), Marker()
    clear.action = Marker.DELETEALL
    box.action, box.id = Marker.ADD, 1
    box.pose.position.x, box.scale.z = 2.0, 1.7
    message = solid_detections(vision, FOUND, MarkerArray(markers=[clear, box]), Header())
    (one,) = message.detections
    assert one.results[0].hypothesis.class_id == "other"
    assert one.bbox.center.position.x == one.results[0].pose.pose.position.x == 2.0
    assert one.bbox.size.z == 1.7
