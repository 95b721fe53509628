"""Between pixels, depths and points in space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmwave.camera import RGBD_CAMERA, Camera

SMALL = st.floats(-0.5, 0.5)
THREE = st.tuples(SMALL, SMALL, SMALL)
SKEWED = Camera(  # calibrations come rounded, and with a reflection inside
    focal_px=(110.0, 90.0),
    centre_px=(6.2, 4.1),
    size_px=(12, 8),
    rotation=((0.997, -0.061, -0.043), (-0.063, -0.997, -0.053), (0.040, -0.055, 0.998)),
    translation_m=(-0.1, 0.3, 0.1),
)


@given(arrays(np.float64, (8, 12), elements=st.floats(0.3, 8.0)), THREE, THREE, st.booleans())
def test_points_of_a_depth_image_are_seen_where_they_came_from(depth, shift, turn, inverse):
    camera = Camera(**{**vars(SKEWED), "inverse": inverse}).moved(shift, turn)
    points = camera.back_projected_m(depth)
    np.testing.assert_allclose(camera.to_camera_m(points)[..., 2], depth, atol=1e-9)
    columns, rows = np.meshgrid(np.arange(12), np.arange(8))
    np.testing.assert_allclose(camera.project(points), np.stack([columns, rows], -1), atol=1e-6)


def test_a_hole_in_depth_is_a_hole_in_space():
    depth = np.full((96, 128), 2.0)
    depth[10, 20] = np.nan
    points = RGBD_CAMERA.back_projected_m(depth)
    assert np.isnan(points[10, 20]).all()
    assert np.isnan(points).sum() == 3
    np.testing.assert_allclose(points[..., 2][np.isfinite(depth)], 2.0)


def test_the_camera_above_the_radar_sees_right_and_up_and_depth():
    np.testing.assert_allclose(RGBD_CAMERA.position_m, [0, 0.1, 0], atol=1e-12)
    rays = RGBD_CAMERA.rays()
    assert rays.shape == (96, 128, 3)
    np.testing.assert_allclose(rays[..., 2], 1)
    np.testing.assert_allclose(rays[47:49, 63:65].mean(axis=(0, 1)), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rays[0, 127], [63.5 / 110, 47.5 / 110, 1])


@given(THREE, THREE, st.booleans())
def test_the_position_is_the_point_at_the_camera_s_own_origin(shift, turn, inverse):
    camera = Camera(**{**vars(SKEWED), "inverse": inverse}).moved(shift, turn)
    np.testing.assert_allclose(camera.to_camera_m(camera.position_m), 0, atol=1e-12)
    before = Camera(**{**vars(SKEWED), "inverse": inverse}).position_m
    np.testing.assert_allclose(camera.position_m, before + shift, atol=1e-12)


def test_a_moved_camera_looks_up_to_the_right_and_rolls_clockwise():
    ahead = np.array([0.0, 0.1, 5.0])
    up = RGBD_CAMERA.moved(rotation_rad=(0.1, 0, 0)).project(ahead)
    np.testing.assert_allclose(up, [63.5, 47.5 + 110 * np.tan(0.1)])  # what was ahead is below
    right = RGBD_CAMERA.moved(rotation_rad=(0, 0.1, 0)).project(ahead)
    np.testing.assert_allclose(right, [63.5 - 110 * np.tan(0.1), 47.5])
    beside = np.array([5.0, 0.1, 5.0])  # on the right: turns against the clock
    rolled = RGBD_CAMERA.moved(rotation_rad=(0, 0, 0.1)).project(beside)
    np.testing.assert_allclose(rolled, [63.5 + 110 * np.cos(0.1), 47.5 - 110 * np.sin(0.1)])


def test_an_unmoved_camera_is_the_same():
    still = SKEWED.moved()
    np.testing.assert_allclose(still.rotation, SKEWED.rotation)
    np.testing.assert_allclose(still.translation_m, SKEWED.translation_m)


@given(st.integers(1, 400), st.integers(1, 400))
def test_a_resized_image_s_corners_look_the_same_way(columns, rows):
    """A corner of the image is half a pixel beyond the centre of its last pixel."""
    resized = RGBD_CAMERA.resized(columns, rows)
    assert resized.size_px == (columns, rows)
    for camera in (RGBD_CAMERA, resized):
        edges = np.array([[-0.5, -0.5], np.array(camera.size_px) - 0.5])
        slopes = (edges - camera.centre_px) / camera.focal_px
        np.testing.assert_allclose(slopes, [[-64 / 110, -48 / 110], [64 / 110, 48 / 110]])


def test_a_pixel_of_half_the_image_looks_between_the_four_that_it_took():
    half = RGBD_CAMERA.resized(64, 48).rays()
    np.testing.assert_allclose(half, RGBD_CAMERA.rays().reshape(48, 2, 64, 2, 3).mean((1, 3)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"must be \(96, 128\), got \(128, 96\)"):
        RGBD_CAMERA.back_projected_m(np.ones((128, 96)))
    with pytest.raises(ValueError, match="must be positive, got 0 and 3"):
        RGBD_CAMERA.resized(0, 3)
    with pytest.raises(ValueError, match="three metres and three angles"):
        RGBD_CAMERA.moved((0.0, 0.1), (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="orthogonal"):
        Camera(rotation=((1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0)))
    with pytest.raises(ValueError, match="must be positive"):
        Camera(size_px=(0, 4))
