"""Images and calibration of cameras, their place by transforms, faults of the emulated one."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from vision_stub import vision_module

from mmanomaly_ros.nodes import camera_pose
from mmanomaly_ros.nodes.anomaly import AnomalyNode
from mmanomaly_ros.nodes.anomaly_vision import detections
from mmanomaly_ros.nodes.camera_messages import calibrated, camera_info, colour_of, depth_of
from mmanomaly_ros.nodes.camera_pose import CameraPose, mounted_camera
from mmanomaly_ros.nodes.emulated_scene import CameraFaults, EmulatedCamera
from mmwave.camera import RGBD_CAMERA, Camera
from mmwave.ros.messages import to_header

HEADER = to_header(1_700_000_000_000_000_000, "camera")
PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def picture(data, encoding, padding=0, **changed):
    """An Image of lines with some bytes after each."""
    lines = np.ascontiguousarray(data).view(np.uint8).reshape(len(data), -1)
    padded = np.pad(lines, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        **{
            "header": HEADER, "height": data.shape[0], "width": data.shape[1],
            "encoding": encoding, "step": padded.shape[1], "data": padded.tobytes(), **changed,
        }
    )  # fmt: skip


@pytest.mark.parametrize("padding", [0, 5])
def test_colours_are_red_green_blue_however_they_come(padding):
    alpha = np.concatenate([PIXELS, np.full((2, 3, 1), 9, np.uint8)], axis=2)
    kinds = {
        "rgb8": PIXELS,
        "bgr8": PIXELS[..., ::-1],
        "rgba8": alpha,
        "bgra8": alpha[..., [2, 1, 0, 3]],
    }
    for encoding, data in kinds.items():
        np.testing.assert_array_equal(colour_of(picture(data, encoding, padding)), PIXELS)


@pytest.mark.parametrize("padding", [0, 4])
def test_depths_are_metres_however_they_come_and_holes_not_a_number(padding):
    metres = np.array([[1.5, 0.25], [3.0, 0.0]])
    expected = np.where(metres > 0, metres, np.nan)
    little, big = (1e3 * metres).astype("<u2"), (1e3 * metres).astype(">u2")
    np.testing.assert_allclose(depth_of(picture(little, "16UC1", padding)), expected)
    swapped = picture(big, "mono16", padding, is_bigendian=1)
    np.testing.assert_allclose(depth_of(swapped), expected)
    floats = np.array([[1.5, 0.25], [3.0, np.inf]], np.float32)
    found = depth_of(picture(floats, "32FC1", padding))
    np.testing.assert_allclose(found, expected)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"encoding": "yuv422"}, "must be rgb8"),
        ({"step": 2}, "lines of 2 bytes"),
        ({"height": 7}, "7 lines of 9 are expected"),
        ({"height": 0}, "3 x 0 pixels"),
    ],
)
def test_images_that_are_none_are_refused(changed, words):
    with pytest.raises(ValueError, match=words):
        colour_of(picture(PIXELS, **{"encoding": "rgb8", **changed}))


def test_calibration_comes_back_and_what_is_none_is_refused():
    assert calibrated(camera_info(RGBD_CAMERA, HEADER), RGBD_CAMERA) == RGBD_CAMERA
    with pytest.raises(ValueError, match="not calibrated"):
        calibrated(CameraInfo(width=640, height=480), RGBD_CAMERA)
    bent = camera_info(RGBD_CAMERA, HEADER)
    bent.d = [0.1, 0.0, 0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="lens distortion"):
        calibrated(bent, RGBD_CAMERA)
    # as image_proc leaves it: the lens as it was, and the matrix of what it made of the images
    bent.p[0] = bent.p[5] = 2 * bent.k[0]
    rectified = calibrated(bent, RGBD_CAMERA, rectified=True)
    assert rectified.focal_px == (2 * RGBD_CAMERA.focal_px[0],) * 2
    assert replace(rectified, focal_px=RGBD_CAMERA.focal_px) == RGBD_CAMERA


def test_a_rotation_between_right_handed_axes_is_refused():
    turned = [0.0, -1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="determinant is -1, not 1"):
        mounted_camera({"camera_rotation": turned, "camera_translation_m": [0.0, 0.1, 0.0]})


def test_the_cameras_place_may_come_from_transforms(graph, monkeypatch):
    transform = TransformStamped()
    # an optical frame that looks along the radar's x, ten centimetres above it (REP 103)
    rotation, offset = transform.transform.rotation, transform.transform.translation
    rotation.x, rotation.y, rotation.z, rotation.w = 0.5, -0.5, 0.5, 0.5
    offset.y = 0.1

    class TransformError(Exception):
        pass

    class Buffer:
        there = False

        def lookup_transform(self, target, source, time):
            if not self.there:
                raise TransformError("unconnected trees")
            assert (target, source) == ("camera", "watch")
            return transform

    module = SimpleNamespace(
        Buffer=Buffer, TransformListener=lambda *_: None, TransformException=TransformError
    )
    monkeypatch.setattr(camera_pose, "optional_module", lambda *_: module)
    overrides = [Parameter("extrinsics", value="tf")]
    pose = CameraPose(graph.add(AnomalyNode, parameter_overrides=overrides))
    with pytest.raises(ValueError, match="from watch to camera: unconnected trees"):
        pose("camera")
    Buffer.there = True
    found = pose("camera")
    np.testing.assert_allclose(found.rotation, Camera().rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation_m, RGBD_CAMERA.translation_m)


def test_a_dark_or_holed_camera_shows_it():
    rgb = np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None] * 2, (1, 96, 128, 3))
    depth_mm = np.full((1, 96, 128), 2500, np.uint16)
    depth_mm[0, :, 0] = 0
    recording = SimpleNamespace(rgb=rgb, depth_mm=depth_mm)
    usual = EmulatedCamera(recording, CameraFaults())
    np.testing.assert_array_equal(usual.colour(0), rgb[0])
    depth_m = usual.depth_m(0)
    assert np.isnan(depth_m[:, 0]).all()
    assert (depth_m[:, 1:] == 2.5).all()
    dark = EmulatedCamera(recording, CameraFaults(dark=True)).colour(0)
    assert dark.mean() < 0.05 * rgb.mean()
    holes = EmulatedCamera(recording, CameraFaults(holes=0.6)).depth_m(0)
    assert np.isnan(holes).mean() == pytest.approx(0.6, abs=0.12)
    with pytest.raises(ValueError, match="holes must be from 0 to 1"):
        CameraFaults(holes=1.5)


def test_a_turned_camera_sees_a_wall_at_an_angle():
    """A wall straight ahead is seen along rays of the turned camera; the middle looks aside."""
    depth_mm = np.full((1, 96, 128), 2000, np.uint16)
    columns = np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None], (1, 96, 128, 3))
    recording = SimpleNamespace(rgb=columns, depth_mm=depth_mm)
    turn_rad = np.deg2rad(10)
    turned = EmulatedCamera(recording, CameraFaults(turn_rad=turn_rad))
    found = calibrated_points(turned.depth_m(0))
    # back in the axes from before, the wall is where it was
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    ahead = cos * found[..., 2] - sin * found[..., 0]
    known = np.isfinite(ahead)
    np.testing.assert_allclose(ahead[known], 2.0, atol=1e-5)
    assert 0.6 < known.mean() < 0.95
    middle = turned.colour(0)[48, 63, 0]
    assert middle == pytest.approx(63.5 + 110 * np.tan(turn_rad), abs=1.1)
    with pytest.raises(ValueError, match="turn_rad"):
        CameraFaults(turn_rad=1.0)


def calibrated_points(depth_m):
    """(row, column, 3) right, up, ahead of the camera."""
    return depth_m[..., None] * RGBD_CAMERA.rays()


def test_places_as_vision_messages():
    module = vision_module()
    places_m = np.array([[0.5, 2.0]])
    message = detections(module, "weapon", places_m, np.array([0.75]), HEADER)
    (one,) = message.detections
    assert (one.results[0].hypothesis.class_id, one.results[0].hypothesis.score) == ("weapon", 0.75)
    for pose in (one.bbox.center, one.results[0].pose.pose):
        assert (pose.position.x, pose.position.y) == (2.0, -0.5)
    assert 0 < one.bbox.size.y < 1
    wide = detections(module, "fall", places_m, np.ones(1), HEADER).detections[0].bbox
    assert wide.size.y > 3  # of an upright line of antennas: somewhere at that range
    assert detections(module, "fall", places_m[:0], np.zeros(0), HEADER).detections == []
