"""Depth crops: a wall has one depth, and what is not known stays so (REP-118)."""

import numpy as np
import pytest
from std_msgs.msg import Header

from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.nodes.recognition_depth import camera_info, view_transform
from panoradar_ros.recognition.pinhole import PinholeView, views_around

GRID = PanoramaGrid()


def room_m(half_m=3.0):
    """Ranges to the walls of a square room without floor and ceiling."""
    flat = np.abs(GRID.directions[..., :2]).max(axis=-1)
    return (half_m / flat).astype(np.float32)


@pytest.mark.parametrize("number", range(4))
def test_a_wall_ahead_has_one_depth(number):
    view = views_around(4, np.deg2rad(80))[number]
    depth = view.depth_m(room_m())
    seen = np.isfinite(depth)
    assert seen[48, :].all()
    assert np.median(np.abs(depth[seen] - 3.0)) < 0.02
    assert np.abs(depth[seen] - 3.0).max() < 0.1  # half a ray aside


def test_pixels_are_where_the_camera_matrix_says():
    """A post at 20 degrees to the left shows in the column that fx and cx give."""
    range_m = room_m(8.0)
    azimuth = np.deg2rad(20)
    column = round(-azimuth / (2 * np.pi) * 512) % 512
    range_m[:, column] = 1.0
    view = PinholeView()
    k = camera_info(Header(), view).k
    depth = view.depth_m(range_m)
    near = np.flatnonzero(depth[48] < 2)
    assert near.mean() == pytest.approx(k[2] - k[0] * np.tan(azimuth), abs=1.0)
    row = 10
    range_m = room_m(8.0)
    range_m[row] = 1.0
    rows = np.flatnonzero(view.depth_m(range_m)[:, 64] < 2)
    expected = k[5] - k[4] * np.tan(GRID.elevation_rad[row])
    assert rows.size == 0 or rows.mean() == pytest.approx(expected, abs=1.5)
    assert rows.size or not 0 <= expected < view.height


def test_nothing_and_unknown_are_kept_apart():
    range_m = room_m()
    range_m[:, :20], range_m[:, -20:] = np.inf, np.nan
    depth = PinholeView(height=256).depth_m(range_m)
    assert np.isposinf(depth[128, 66])  # right of the middle
    assert np.isnan(depth[128, 61])
    assert np.isnan(depth[[0, -1]]).all()  # beyond the panorama, above and below


def test_the_optical_frame_looks_where_the_view_does():
    from scipy.spatial.transform import Rotation

    left = views_around(4)[1]
    rotation = view_transform(Header(), "depth_1", left).transform.rotation
    turn = Rotation.from_quat([rotation.x, rotation.y, rotation.z, rotation.w])
    np.testing.assert_allclose(turn.apply([0, 0, 1]), [0, 1, 0], atol=1e-9)  # ahead of the camera
    np.testing.assert_allclose(turn.apply([1, 0, 0]), [1, 0, 0], atol=1e-9)  # its right
    np.testing.assert_allclose(turn.apply([0, 1, 0]), [0, 0, -1], atol=1e-9)  # down


def test_views_and_images_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="field_of_view_rad"):
        PinholeView(field_of_view_rad=4.0)
    with pytest.raises(ValueError, match="needs pixels"):
        PinholeView(width=0)
    with pytest.raises(ValueError, match="range_m must be"):
        PinholeView().depth_m(np.ones((4, 8)), GRID)
