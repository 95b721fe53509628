"""People as messages, and the camera that they are drawn in."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from vision_stub import Hypothesis, vision_module

from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.lens import STRAIGHT
from rexo_ros.nodes.people_camera import camera_of, mount_of
from rexo_ros.nodes.people_markers import image_box_marker
from rexo_ros.nodes.people_vision import flat_detections, solid_detections

BOX_M = np.array([1.0, -0.15, 4.0, 0.5, 1.7, 0.4])  # right, up, ahead; width, height, depth


def test_boxes_in_space_have_x_ahead_and_the_number_of_their_track():
    boxes, header = np.stack([BOX_M, BOX_M]), Header(frame_id="radars")
    message = solid_detections(vision_module(), boxes, np.array([0.9, 0.6]), ["7", ""], header)
    assert message.header.frame_id == "radars"
    track, lone = message.detections
    assert (track.id, lone.id) == ("7", "")
    place, size = track.bbox.center.position, track.bbox.size
    assert (place.x, place.y, place.z) == (4.0, -1.0, -0.15)
    assert (size.x, size.y, size.z) == (0.4, 0.5, 1.7)
    assert track.results[0].hypothesis == Hypothesis("person", 0.9)
    assert track.results[0].pose.pose == track.bbox.center


def test_boxes_in_the_image_are_the_cameras():
    (left, top, right, bottom) = around = MOUNTED_CAMERA.around(BOX_M)
    header = Header(frame_id="camera")
    message = flat_detections(vision_module(), around[None], np.array([0.8]), header)
    (one,) = message.detections
    assert one.header.frame_id == "camera"
    assert one.bbox.center.position.x == pytest.approx((left + right) / 2)
    assert one.bbox.center.position.y == pytest.approx((top + bottom) / 2)
    assert (one.bbox.size_x, one.bbox.size_y) == pytest.approx((right - left, bottom - top))
    marker = image_box_marker(around[None], header)
    drawn = np.array([(point.x, point.y) for point in marker.points])
    assert len(drawn) == 8
    np.testing.assert_allclose(drawn.min(axis=0), [left, top])
    np.testing.assert_allclose(drawn.max(axis=0), [right, bottom])
    for first, second in drawn.reshape(4, 2, 2):  # edges, not diagonals
        assert (first == second).sum() == 1


def info(**changes):
    message = CameraInfo(width=640, height=480, distortion_model="plumb_bob")
    message.k = [400.0, 0.0, 310.0, 0.0, 410.0, 250.0, 0.0, 0.0, 1.0]
    for name, value in changes.items():
        setattr(message, name, value)
    return message


MOUNT = mount_of(
    {
        "camera_rotation": [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
        "camera_translation_m": [0.0, 0.1, 0.0],
    }
)


def test_a_camera_is_what_its_message_says():
    camera, problem = camera_of(info(d=[0.1, -0.2, 0.001, 0.002, 0.05]), MOUNT)
    assert problem == ""
    assert (camera.focal_px, camera.centre_px) == ((400.0, 410.0), (310.0, 250.0))
    assert camera.lens == (0.1, -0.2, 0.001, 0.002, 0.05)
    assert camera.translation_m == MOUNTED_CAMERA.translation_m
    assert camera_of(info(), MOUNT)[0].lens == STRAIGHT


@pytest.mark.parametrize(
    "changes", [{"k": [0.0] * 9}, {"k": [float("nan")] * 9}, {"width": 0}, {"height": 0}]
)
def test_a_camera_that_is_not_calibrated_is_none(changes):
    camera, problem = camera_of(info(**changes), MOUNT)
    assert camera is None
    assert "not calibrated" in problem


def test_a_lens_of_another_model_is_told_and_left_out():
    fisheye = info(d=[0.1, 0.0, 0.0, 0.0], distortion_model="equidistant")
    camera, problem = camera_of(fisheye, MOUNT)
    assert camera.lens == STRAIGHT
    assert "lens of the model 'equidistant', which is not known: publish that of" in problem
    with pytest.raises(ValueError, match="nine and three numbers are needed, got 8 and 3"):
        mount_of({"camera_rotation": [0.0] * 8, "camera_translation_m": [0.0] * 3})
