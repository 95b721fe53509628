import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass
from mmwave.simulation.truth import (
    NO_INSTANCE,
    RayCaster,
    column_azimuth_rad,
    panorama_truth,
    row_elevation_rad,
    scan_truth,
)

WALL = Label(SemanticClass.WALL, "plaster", 0)
GLASS = Label(SemanticClass.WINDOW, "glass", 5)


def plane_x(x_m: float, label: Label = WALL) -> Scene:
    """A wall of 200 x 200 m at constant x that faces the origin."""
    corners = [(x_m, 100, -100), (x_m, 100, 100), (x_m, -100, 100), (x_m, -100, -100)]
    return meshes.quad(corners, label)


def hall(half_m=(4.0, 3.0, 2.0)) -> Scene:
    """A box to be inside of."""
    half = np.asarray(half_m)
    return meshes.box(-half, half, WALL)


def unit_directions() -> np.ndarray:
    azimuth = column_azimuth_rad()
    elevation = row_elevation_rad()[:, None]
    z = np.broadcast_to(np.sin(elevation), (64, 512))
    x, y = np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)
    return np.stack([x, y, z], axis=-1)


def test_grid_is_the_ouster_s():
    azimuth, elevation = column_azimuth_rad(), row_elevation_rad()
    assert azimuth.shape == (512,)
    assert azimuth[128] == pytest.approx(-np.pi / 2)  # a quarter in: to the right
    assert elevation.shape == (64,)
    assert np.rad2deg(elevation[[0, -1]]) == pytest.approx([45, -45])


def test_range_to_a_plane_is_distance_over_cosine_for_every_pixel():
    truth = panorama_truth(plane_x(3.0), (0, 0, 0), max_range_m=50.0)
    x = unit_directions()[..., 0]
    expected = np.where(x > 0, 3.0 / np.where(x > 0, x, 1.0), np.inf)
    expected[expected > 50.0] = np.inf
    np.testing.assert_allclose(truth.range_m, expected, rtol=1e-6)
    hit = np.isfinite(expected)
    np.testing.assert_allclose(truth.normal[hit], [[-1, 0, 0]] * hit.sum(), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-1, 1), st.floats(-3.1, 3.1))
def test_range_and_normal_inside_a_box_match_the_slab_method(x, y, z, yaw):
    half = np.array([4.0, 3.0, 2.0])
    origin = np.array([x, y, z])
    truth = panorama_truth(hall(half), origin, yaw, max_range_m=20.0)
    directions = unit_directions()
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    directions = directions @ turn.T
    with np.errstate(all="ignore"):
        slabs = (np.sign(directions) * half - origin) / directions
    slabs[directions == 0] = np.inf
    expected = slabs.min(axis=-1)
    np.testing.assert_allclose(truth.range_m, expected, rtol=1e-5)
    axis = slabs.argmin(axis=-1)
    clear = np.sort(slabs, axis=-1)[..., 1] - expected > 1e-4  # not on an edge of the box
    normal = -np.sign(directions) * (np.arange(3) == axis[..., None])
    np.testing.assert_allclose(truth.normal[clear], normal[clear], atol=1e-6)


def test_normal_faces_the_sensor_from_both_sides():
    for x in (-3.0, 3.0):
        truth = scan_truth(plane_x(0.0), (x, 0, 0))
        hit = np.isfinite(truth.range_m)
        assert hit.sum() > 100
        np.testing.assert_allclose(truth.normal[hit][:, 0], np.sign(x), atol=1e-6)


def test_nothing_in_reach_is_marked_in_every_layer():
    truth = panorama_truth(plane_x(5.0), (0, 0, 0), max_range_m=4.9)
    assert np.all(np.isinf(truth.range_m))
    assert np.all(truth.class_id == IGNORED_CLASS)
    assert np.all(truth.instance_id == NO_INSTANCE)
    assert not truth.glass.any()
    assert not truth.normal.any()


def test_glass_is_a_surface_for_radar_and_absent_for_lidar():
    scene = Scene.merge([plane_x(2.0, GLASS), plane_x(5.0)])
    radar = scan_truth(scene, (0, 0, 0), columns=512)
    assert radar.range_m[0] == pytest.approx(2.0)
    assert radar.glass[0]
    assert radar.class_id[0] == SemanticClass.WINDOW
    assert radar.instance_id[0] == 5
    lidar = scan_truth(scene, (0, 0, 0), through_glass=True)
    assert lidar.range_m[0] == pytest.approx(5.0)
    assert not lidar.glass.any()
    assert lidar.class_id[0] == SemanticClass.WALL
    only_glass = scan_truth(plane_x(2.0, GLASS), (0, 0, 0), through_glass=True)
    assert np.all(np.isinf(only_glass.range_m))


def test_every_column_is_seen_from_its_own_pose():
    positions = np.column_stack([np.linspace(-1, 1, 512), np.zeros(512), np.zeros(512)])
    yaw = -column_azimuth_rad()  # every column looks along world +x
    truth = scan_truth(plane_x(4.0), positions, yaw)
    np.testing.assert_allclose(truth.range_m, 4.0 - positions[:, 0], rtol=1e-6)


def test_scan_is_the_horizon_of_the_panorama():
    positions = np.random.default_rng(1).uniform(-1, 1, (512, 3))
    scan = scan_truth(hall(), positions, 0.3)
    panorama = panorama_truth(hall(), positions, 0.3, rows=65)
    np.testing.assert_allclose(panorama.range_m[32], scan.range_m, rtol=1e-6)


def test_poses_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="positions_m"):
        panorama_truth(hall(), np.zeros((511, 3)))
    with pytest.raises(ValueError, match="yaw_rad"):
        panorama_truth(hall(), np.zeros(3), np.zeros(7))


def test_first_hit_distances_are_double_precision():
    caster = RayCaster(meshes.moved(plane_x(7.123456789012), (10, 0, 0)))
    distance, face = caster.first_hit((10.0, 0, 0), [[1.0, 0, 0], [-1.0, 0, 0]])
    assert distance[0] == pytest.approx(7.123456789012, abs=1e-12)
    assert face[0] in (0, 1)
    assert np.isinf(distance[1])
    assert face[1] == -1


def test_a_ray_that_starts_on_a_face_leaves_it():
    caster = RayCaster(hall())
    distance, _ = caster.first_hit([[4.0, 0.1, 0.2]], [[-1.0, 0, 0]])
    assert distance[0] == pytest.approx(8.0)


def test_occlusion_between_points():
    caster = RayCaster(plane_x(2.0))
    targets = np.array([[3.0, 0.1, 0], [1.9, 0, 0], [2.0, 0.5, 0], [-5, 0, 0]])
    assert caster.occluded((0, 0, 0), targets).tolist() == [True, False, False, False]


def test_an_empty_scene_is_refused():
    with pytest.raises(ValueError, match="no faces"):
        RayCaster(meshes.empty())
