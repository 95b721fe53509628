import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.metrics import angle_between_deg
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.normals import normals_from_range
from panoradar_ros.learning.simulated import in_ray_frames

GRID = PanoramaGrid()


def plane(normal, distance_m):
    """Range image of a plane; NaN where it is not seen."""
    towards = GRID.directions @ np.asarray(normal, float)
    with np.errstate(divide="ignore"):
        range_m = np.where(towards > 0.05, distance_m / towards, np.nan)
    return range_m


unit = st.tuples(st.floats(-np.pi, np.pi), st.floats(-1.2, 1.2)).map(
    lambda a: (np.cos(a[1]) * np.cos(a[0]), np.cos(a[1]) * np.sin(a[0]), np.sin(a[1]))
)


@settings(deadline=None)
@given(unit, st.floats(0.5, 8))
def test_a_plane_has_its_normal_everywhere_and_it_faces_the_radar(normal, distance_m):
    range_m = plane(normal, distance_m)
    found = normals_from_range(range_m)
    near = range_m < 3 * distance_m  # farther along the plane a step is not small any more
    expected = in_ray_frames(np.broadcast_to(-np.array(normal), (64, 512, 3)), np.zeros(512))
    inside = near & np.roll(near, 1, axis=1) & np.roll(near, -1, axis=1)
    inside[1:-1] &= near[:-2] & near[2:]
    inside[[0, -1]] = False  # one neighbour only
    if inside.any():
        assert angle_between_deg(found[inside], expected[inside]).max() < 1.5
    assert (found[..., 0] <= 0).all()


def test_rows_at_the_ends_have_one_neighbour_and_a_normal():
    found = normals_from_range(plane((0, 0, 1), 1.0))  # a ceiling
    expected = in_ray_frames(np.broadcast_to([0.0, 0, -1], (64, 512, 3)), np.zeros(512))
    assert angle_between_deg(found[0], expected[0]).max() < 2


def test_a_ball_around_the_radar_looks_back():
    np.testing.assert_array_equal(
        normals_from_range(np.full((64, 512), 3.0)), np.broadcast_to([-1, 0, 0], (64, 512, 3))
    )


@settings(deadline=None)
@given(st.integers(1, 511))
def test_normals_turn_with_the_panorama(columns):
    range_m = plane((np.cos(0.3), np.sin(0.3), 0), 2.0)
    np.testing.assert_array_equal(
        normals_from_range(np.roll(range_m, columns, axis=1)),
        np.roll(normals_from_range(range_m), columns, axis=1),
    )


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -1.0, 0.0])
def test_what_is_not_known_has_no_normal_and_spoils_none(unknown):
    range_m = np.full((64, 512), 3.0)
    range_m[20, 0] = unknown  # its neighbours have another one
    range_m[40, 10:13] = unknown
    range_m[41, 11] = range_m[39, 11] = unknown
    range_m[40, 11] = 3.0  # alone
    found = normals_from_range(range_m)
    gone = ~np.isfinite(range_m) | (range_m <= 0)
    gone[40, 11] = True
    assert (found[gone] == 0).all()
    assert (found[~gone] == [-1, 0, 0]).all()


def test_another_grid_is_refused():
    with pytest.raises(ValueError, match=r"\(64, 512\)"):
        normals_from_range(np.ones((32, 512)), GRID)
