"""Planes through ranges: exact on planes, blind to what lies behind an edge."""

import numpy as np
import pytest
import torch

from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.networks.surface import PlaneNormals

GRID = PanoramaGrid()


def in_ray_frames(normal):
    """(row, column, 3) outward, left, up of one vector of the room."""
    azimuth = GRID.azimuth_rad
    outward = GRID.directions
    left = np.stack([-np.sin(azimuth), np.cos(azimuth), np.zeros_like(azimuth)], axis=-1)
    left = np.broadcast_to(left, outward.shape)
    up = np.cross(outward, left)
    return np.stack([outward @ normal, left @ normal, up @ normal], axis=-1)


def fitted(range_m):
    normal, share = PlaneNormals(GRID.rows, GRID.columns)(torch.from_numpy(range_m)[None])
    return normal[0].permute(1, 2, 0).numpy(), share[0].numpy()


def plane_m(normal, distance_m):
    """Ranges to a plane that faces the radar; inf beyond 9.6 m and where it is not met."""
    with np.errstate(divide="ignore"):
        range_m = -distance_m / (GRID.directions @ normal)
    return np.where((range_m > 0) & (range_m < 9.6), range_m, np.inf).astype(np.float32)


@pytest.mark.parametrize(
    "normal", [(-1, 0, 0), (0.6, 0.8, 0), (0, 0, 1), (0, -0.28, -0.96), (-0.48, 0.6, 0.64)]
)
def test_normals_of_a_plane_are_the_planes(normal):
    normal = np.array(normal, float)
    range_m = plane_m(normal, 1.5)
    found, share = fitted(range_m)
    well = np.isfinite(range_m) & (share > 0.5)
    assert well.sum() > 500
    cosine = np.sum(found * in_ray_frames(normal), axis=-1)[well]
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 1.0


def test_without_a_circle_nothing_across_the_seam_counts():
    range_m = plane_m(np.array([-1.0, 0, 0]), 1.5)  # it is met ahead, across the seam
    both = []
    for wraps in (True, False):
        planes = PlaneNormals(GRID.rows, GRID.columns, wraps)
        both.append([part[0].numpy() for part in planes(torch.from_numpy(range_m)[None])])
    (normal, share), (open_normal, open_share) = both
    inside = slice(9, -9)
    np.testing.assert_allclose(open_normal[..., inside], normal[..., inside], atol=1e-6)
    assert (open_share[28:36, :3] < 0.7 * share[28:36, :3]).all()


def test_the_wall_behind_does_not_bend_what_is_before_it():
    wall, post = plane_m(np.array([-1.0, 0, 0]), 4.0), plane_m(np.array([-1.0, 0, 0]), 1.5)
    range_m = wall.copy()
    ahead = np.r_[0:20, 492:512]
    range_m[:, ahead] = post[:, ahead]
    found, _ = fitted(range_m)
    cosine = np.sum(found * in_ray_frames(np.array([-1.0, 0, 0])), axis=-1)
    near = np.isfinite(range_m)[20:44][:, np.r_[0:40, 472:512]]
    angle = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))[20:44][:, np.r_[0:40, 472:512]][near]
    assert np.median(angle) < 2.0
    assert angle.max() < 20.0


def test_a_single_ray_and_none_face_the_radar():
    range_m = np.full((64, 512), np.inf, np.float32)
    found, share = fitted(range_m)
    np.testing.assert_array_equal(found[..., 0], -1)
    assert share.max() == 0
    range_m[30, 100] = 2.0
    found, _ = fitted(range_m)
    assert found[30, 100, 0] == pytest.approx(-1, abs=1e-3)


def test_normals_go_round_with_the_panorama():
    rng = np.random.default_rng(0)
    range_m = rng.uniform(1, 9, (64, 512)).astype(np.float32)
    one, other = fitted(range_m)[0], fitted(np.roll(range_m, 77, axis=1))[0]
    np.testing.assert_allclose(np.roll(one, 77, axis=1), other, atol=1e-4)
