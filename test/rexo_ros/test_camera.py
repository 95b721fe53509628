"""From boxes in space to boxes in an image."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rexo_ros.camera import (
    MMVR_CAMERA,
    MOUNTED_CAMERA,
    NEAREST_M,
    POSE_ANGLE_DEG,
    POSE_OFFSET_M,
    Camera,
    camera_pose,
)
from rexo_ros.space import corners_m

POINTS = arrays(np.float64, (4, 3), elements=st.floats(-3, 3))


def test_a_point_ahead_is_in_the_middle_and_up_is_up():
    camera = Camera()
    assert camera.project(np.array([0.0, 0.0, 4.0])).tolist() == [320, 240]
    right, up = camera.project(np.array([[1.0, 0.0, 4.0], [0.0, 1.0, 4.0]]))
    assert right.tolist() == [320 + 95, 240]
    assert up.tolist() == [320, 240 - 95]


@given(POINTS)
def test_the_inverse_extrinsics_undo_the_others(points):
    there = MMVR_CAMERA.to_camera_m(points)
    back = Camera(
        rotation=MMVR_CAMERA.rotation, translation_m=MMVR_CAMERA.translation_m, inverse=True
    ).to_camera_m(there)
    np.testing.assert_allclose(back, points, atol=1e-3)  # R is given to five digits


@given(arrays(np.float64, 6, elements=st.floats(0.2, 2.0)))
def test_the_box_around_holds_every_corner_and_touches_four(box):
    box[2] += 2
    left, top, right, bottom = Camera().around(box)
    pixels = Camera().project(corners_m(box))
    assert pixels[:, 0].min() == left
    assert pixels[:, 0].max() == right
    assert pixels[:, 1].min() == top
    assert pixels[:, 1].max() == bottom


def test_nothing_behind_the_camera_turns_around():
    """Without a limit a corner behind would appear on the other side."""
    pixels = Camera().project(np.array([[1.0, 0.0, -2.0], [1.0, 0.0, NEAREST_M]]))
    np.testing.assert_array_equal(pixels[0], pixels[1])
    assert pixels[0, 0] > 320


def test_the_refinement_moves_and_shrinks_and_stays_in_the_image():
    camera, box = Camera(), np.array([0.0, 0.0, 4.0, 1.0, 1.0, 0.0])
    around = camera.around(box)
    np.testing.assert_allclose(camera.refined(box, np.zeros(4)), around)
    found = camera.refined(box, np.array([0.1, -0.2, np.log(0.5), np.log(0.25)]))
    size = around[2:] - around[:2]
    np.testing.assert_allclose(found[2:] - found[:2], size * [0.5, 0.25])
    np.testing.assert_allclose((found[:2] + found[2:]) / 2, [320, 240] + size * [0.1, -0.2])
    wide = camera.refined(box, np.array([0.0, 0.0, 9.0, 9.0]))
    assert wide.tolist() == [0, 0, 640, 480]


@given(POINTS, st.integers(1, 50), st.booleans())
def test_a_mirrored_camera_sees_a_mirrored_room_mirrored(points, pose, other):
    camera = MMVR_CAMERA if other else replace(camera_pose(pose), lens=(0.1, 0, 0.01, 0.02, 0))
    points[:, 2] = np.abs(points[:, 2]) + 1
    column, row = camera.project(points).T
    flipped = replace(camera, inverse=False).mirrored().project(points * [-1, 1, 1])
    np.testing.assert_allclose(flipped, np.stack([640 - column, row], axis=-1), atol=1e-9)
    inverse = replace(camera, inverse=True)
    flipped = inverse.mirrored().project(points * [-1, 1, 1])
    column, row = inverse.project(points).T
    np.testing.assert_allclose(flipped, np.stack([640 - column, row], axis=-1), atol=1e-9)


def test_poses_are_about_the_mounts_and_differ():
    assert camera_pose(0) == MOUNTED_CAMERA
    poses = [camera_pose(number) for number in range(1, 200)]
    assert len(set(poses)) == len(poses)
    offset_m = np.array([pose.position_m for pose in poses]) - MOUNTED_CAMERA.position_m
    assert (np.abs(offset_m).max(axis=0) <= POSE_OFFSET_M).all()
    assert (np.abs(offset_m).max(axis=0) > 0.8 * np.array(POSE_OFFSET_M)).all()
    turned = [np.asarray(pose.rotation) @ np.asarray(MOUNTED_CAMERA.rotation).T for pose in poses]
    angle_deg = np.degrees([np.arccos((np.trace(one) - 1) / 2) for one in turned])
    assert angle_deg.max() <= np.linalg.norm(POSE_ANGLE_DEG)
    assert angle_deg.max() > POSE_ANGLE_DEG[0]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"rotation": ((1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0))}, "orthogonal"),
        ({"focal_px": (0.0, 1.0)}, "must be positive"),
    ],
)
def test_cameras_that_cannot_be_are_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        Camera(**values)
