"""Simulated pictures and depths against closed forms and statistics."""

from dataclasses import replace

import numpy as np
import pytest
from box_room import box_room, rectangle
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.camera import RGBD_CAMERA
from mmwave.simulation.albedo import Outfit, albedo, part_colours, texture_contrast
from mmwave.simulation.rgbd import NO_DEPTH_NOISE, DepthNoise, render
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.trajectory import Pose
from mmwave.simulation.truth import RayCaster

HEIGHT_M = 1.0
AHEAD = Pose(np.asarray(0.0), np.asarray(0.0), np.asarray(0.0))


def wall(x_m, half_m=20.0, material="plaster", y_m=0.0, instance=0):
    """Square to the radar at the origin, which looks along x."""
    corner = (x_m, y_m - half_m, HEIGHT_M - half_m)
    sides = ((0, 0, 2 * half_m), (0, 2 * half_m, 0))
    return rectangle(corner, *sides, material, instance=instance)


def image(scene, noise=NO_DEPTH_NOISE, seed=0, colour=0.5, pose=AHEAD, **more):
    colours = np.full((len(scene.faces), 3), colour) if np.ndim(colour) < 2 else colour
    generator = np.random.default_rng(seed)
    return render(scene, RGBD_CAMERA, pose, HEIGHT_M, colours, generator, noise=noise, **more)


def test_depth_of_a_wall_square_to_the_camera_is_its_distance_everywhere():
    found = image(wall(2.345))
    assert found.depth_m.shape == (96, 128)
    assert found.depth_m.dtype == np.float32
    np.testing.assert_allclose(found.depth_m, 2.345, rtol=1e-6)
    assert found.rgb.shape == (96, 128, 3)
    assert found.rgb.dtype == np.uint8


@settings(max_examples=10, deadline=None)
@given(st.floats(-0.7, 0.7), st.floats(1.0, 4.0), st.floats(-3, 3))
def test_depth_of_a_wall_at_an_angle(turn_rad, distance_m, yaw_rad):
    """cos(turn) z + sin(turn) x = d along pixel x = z (column - centre) / focal."""
    normal = np.array([np.cos(yaw_rad + turn_rad), np.sin(yaw_rad + turn_rad), 0.0])
    along = np.array([-normal[1], normal[0], 0.0])
    middle = np.array([1.0, -2.0, HEIGHT_M]) + distance_m * normal
    up = np.array([0.0, 0.0, 40.0])
    plane = rectangle(middle - 20 * along - up / 2, up, 40 * along)
    pose = Pose(np.asarray(1.0), np.asarray(-2.0), np.asarray(yaw_rad))
    slope = (np.arange(128) - 63.5) / 110  # to the right; the turn is to the left
    expected = distance_m / (np.cos(turn_rad) - np.sin(turn_rad) * slope)
    found = image(plane, pose=pose).depth_m
    np.testing.assert_allclose(found, np.broadcast_to(expected, (96, 128)), rtol=1e-5)


def test_back_projected_depth_lies_on_the_floor_and_the_walls():
    found = image(box_room(low=(-1.0, -2.0, 0.0), high=(4.0, 2.0, 2.5))).depth_m
    right, up, depth = np.moveaxis(RGBD_CAMERA.back_projected_m(found), -1, 0)
    gaps = [up + HEIGHT_M, up + HEIGHT_M - 2.5, depth - 4.0, right - 2.0, right + 2.0]
    np.testing.assert_allclose(np.abs(gaps).min(axis=0), 0, atol=1e-5)
    assert (np.abs(gaps).min(axis=(1, 2)) < 1e-5).all()


def test_noise_of_depth_grows_with_its_square():
    noise = replace(NO_DEPTH_NOISE, quadratic_m=0.002)
    for depth_m in (1.0, 2.0, 4.0):
        off = image(wall(depth_m), noise).depth_m - depth_m
        assert off.std() == pytest.approx(0.002 * depth_m**2, rel=0.03)  # 12288 pixels: 0.6 %
        assert abs(off.mean()) < 0.002 * depth_m**2 / 20


def test_depth_comes_in_millimetres():
    depth = image(wall(2.0), replace(NO_DEPTH_NOISE, quadratic_m=0.002, step_m=0.001)).depth_m
    thousandths = depth.astype(float) * 1000
    np.testing.assert_allclose(thousandths, np.rint(thousandths), atol=1e-3)
    assert len(np.unique(depth)) > 10


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_holes_are_at_edges_in_depth(reach):
    """A board of 0.5 m at 2 m before a wall at 3 m."""
    board = Scene.merge([wall(2.0, half_m=0.25), wall(3.0)])
    depth = image(board, replace(NO_DEPTH_NOISE, edge_holes_px=reach)).depth_m
    near = image(board).depth_m < 2.5
    if not reach:
        assert np.isfinite(depth).all()
        return
    row = np.isnan(depth[48])
    changes = np.flatnonzero(np.diff(near[48].astype(int)))
    assert len(changes) == 2
    expected = np.zeros(128, bool)
    for edge in changes:
        expected[edge + 1 - reach : edge + 1 + reach] = True
    np.testing.assert_array_equal(row, expected)


def test_a_floor_at_a_low_angle_and_its_corner_with_a_wall_are_no_edges():
    room = box_room(low=(-1.0, -2.0, 0.0), high=(5.5, 2.0, 2.5))
    depth = image(room).depth_m
    assert np.abs(np.diff(depth, axis=0)).max() > 0.1
    noise = replace(NO_DEPTH_NOISE, edge_holes_px=1)
    assert np.isfinite(image(room, noise).depth_m).all()


def test_neighbours_within_ten_centimetres_are_no_edge():
    noise = replace(NO_DEPTH_NOISE, edge_holes_px=1)
    for gap_m, holes in ((0.09, False), (0.11, True)):
        scene = Scene.merge([wall(2.0, half_m=0.25), wall(2.0 + gap_m)])
        assert np.isnan(image(scene, noise).depth_m).any() == holes


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_random_holes_take_their_share(share):
    noise = replace(NO_DEPTH_NOISE, hole_share=share)
    found = [np.isnan(image(wall(2.0), noise, seed).depth_m).mean() for seed in range(15)]
    assert np.mean(found) == pytest.approx(share, rel=0.25)


def test_no_depth_too_near_too_far_and_along_a_surface():
    assert np.isnan(image(wall(0.25), DepthNoise()).depth_m).all()
    assert np.isnan(image(wall(6.5), DepthNoise()).depth_m).all()
    assert np.isnan(image(wall(2.0), DepthNoise()).depth_m).mean() < 0.1
    floor = rectangle((-50, -50, 0), (100, 0, 0), (0, 100, 0))
    depth = image(floor, replace(NO_DEPTH_NOISE, grazing_rad=np.deg2rad(80))).depth_m
    right, down = np.meshgrid((np.arange(128) - 63.5) / 110, (np.arange(96) - 47.5) / 110)
    off_normal = np.arccos(np.maximum(down, 0) / np.sqrt(1 + right**2 + down**2))
    np.testing.assert_array_equal(np.isfinite(depth), off_normal < np.deg2rad(80))


def test_dark_and_metal_surfaces_are_missed_in_their_share():
    noise = replace(NO_DEPTH_NOISE, dark_chance=0.4, shiny_chance=0.2)
    for colour, material, share in (
        (0.03, "plaster", 0.4), (0.5, "metal", 0.2), (0.5, "plaster", 0.0),
    ):  # fmt: skip
        holes = np.isnan(image(wall(2.0, material=material), noise, colour=colour).depth_m)
        assert holes.mean() == pytest.approx(share, abs=0.05)


def test_darkness_takes_the_picture_but_not_the_depth():
    scene = wall(2.0)
    found = {light: image(scene, light=light) for light in (1.0, 0.2, 0.02)}
    means = [one.rgb.mean() for one in found.values()]
    snr = [one.rgb[40:56, 56:72].mean() / one.rgb[40:56, 56:72].std() for one in found.values()]
    assert means[0] > 2 * means[1] > 4 * means[2]
    assert means[2] < 13  # of 255
    assert snr[0] > 2 * snr[1] > 4 * snr[2]
    np.testing.assert_allclose(found[0.02].depth_m, 2.0, rtol=1e-6)
    with_lamp = replace(NO_DEPTH_NOISE, least_light=0.08)
    assert np.isnan(image(scene, with_lamp, light=0.02).depth_m).mean() == pytest.approx(
        0.75, abs=0.05
    )
    assert np.isfinite(image(scene, with_lamp, light=0.08).depth_m).all()


def test_glass_shows_what_is_behind_and_depth_goes_through():
    pane, behind = wall(1.5, material="glass"), wall(3.0)
    scene = Scene.merge([pane, behind])
    colour = np.array([[0.0, 0.0, 0.8]] * 2 + [[0.8, 0.0, 0.0]] * 2)
    found = image(scene, colour=colour)
    np.testing.assert_allclose(found.depth_m, 3.0, rtol=1e-6)
    red, _, blue = found.rgb.reshape(-1, 3).mean(axis=0)
    assert red > 2 * blue > 20
    only = image(behind, colour=colour[2:]).rgb.reshape(-1, 3).mean(axis=0)
    assert red == pytest.approx(0.8 * only[0], rel=0.03)


def test_glass_before_nothing_is_a_hole():
    found = image(wall(1.5, material="glass"))
    assert np.isnan(found.depth_m).all()


def test_surfaces_are_brighter_towards_the_lamp_and_have_their_colour():
    scene = wall(2.0)
    colour = np.tile([0.8, 0.4, 0.2], (2, 1))
    rgb = image(scene, colour=colour, lamp_m=(0.5, 0.1, 1.5)).rgb.astype(float)
    red, green, blue = rgb.reshape(-1, 3).mean(axis=0)
    assert red / green == pytest.approx(2, rel=0.03)
    assert green / blue == pytest.approx(2, rel=0.05)
    column, row = RGBD_CAMERA.project(np.array([0.5, 0.1, 2.0]))
    bright = np.unravel_index(_smoothed(rgb[..., 0]).argmax(), (96, 128))
    np.testing.assert_allclose(bright, [row, column], atol=6)


def _smoothed(picture, half=4):
    padded = np.pad(picture, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * half + 1,) * 2)
    return windows.mean(axis=(2, 3))


def test_a_pattern_has_its_contrast_and_stays_on_what_moves():
    scene = wall(2.0)
    texture = np.ones(2)
    even = {"lamp_m": (0.0, 0.1, -50.0)}

    def grey(place, **more):
        return image(place, **even, **more).rgb.mean(axis=2)

    plain, before = grey(scene), grey(scene, texture=texture)
    assert before.std() > 4 * plain.std()
    assert before.mean() == pytest.approx(plain.mean(), rel=0.05)
    # five pixels to the right at 2 m: the same wall, gone to the side
    gone = replace(scene, vertices_m=scene.vertices_m - [0, 5 * 2.0 / 110, 0])
    after = grey(gone, texture=texture, reference_m=scene.vertices_m)
    left = grey(gone, texture=texture)
    assert _alike(after[:, 5:], before[:, :-5]) > 0.95
    assert _alike(left[:, 5:], before[:, :-5]) < 0.7
    assert _alike(left, before) > 0.95


def _alike(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def test_the_same_seed_gives_the_same_image_and_a_caster_changes_nothing():
    scene = box_room()
    one = image(scene, DepthNoise(), seed=3)
    two = image(scene, DepthNoise(), seed=3, caster=RayCaster(scene))
    np.testing.assert_array_equal(one.rgb, two.rgb)
    np.testing.assert_array_equal(one.depth_m, two.depth_m)
    other = image(scene, DepthNoise(), seed=4)
    assert (one.rgb != other.rgb).any()
    assert not np.array_equal(one.depth_m, other.depth_m, equal_nan=True)


def test_an_object_keeps_its_colour_whatever_comes_into_the_room():
    table = wall(2.0, material="wood", instance=4)
    alone = albedo(table, np.random.default_rng(1))
    both = albedo(Scene.merge([wall(3.0), table]), np.random.default_rng(1))
    np.testing.assert_array_equal(alone, both[2:])
    assert ((both >= 0) & (both <= 1)).all()
    assert (alone != albedo(table, np.random.default_rng(2))).any()
    assert (both[0] != both[2]).any()


def test_a_person_is_coloured_by_parts():
    person = wall(2.0, material="skin", instance=7)
    person = replace(person, class_id=np.full(2, SemanticClass.PERSON, np.uint8))
    scene = Scene.merge([wall(3.0), person])
    colours = part_colours(np.random.default_rng(0), upper=(0.1, 0.2, 0.3))
    found = albedo(scene, np.random.default_rng(0), {7: Outfit(np.array([0, 1]), colours)})
    np.testing.assert_array_equal(found[2:], colours[:2])
    np.testing.assert_array_equal(found[3], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(colours[0], colours[3])  # head and hands
    with pytest.raises(ValueError, match="instance 7 has 2 faces, its outfit 3"):
        albedo(scene, np.random.default_rng(0), {7: Outfit(np.zeros(3, int), colours)})


def test_textures_follow_materials():
    scene = Scene.merge([wall(1, material=one) for one in ("glass", "plaster", "brick")])
    glass, plaster, brick = texture_contrast(scene)[::2]
    assert glass == 0 < plaster < brick


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"quadratic_m": -0.1}, "quadratic_m must not be negative"),
        ({"hole_share": 1.5}, "hole_share must be at most 1"),
        ({"near_m": 7.0}, "near_m 7.0 must be below far_m 6.0"),
    ],
)
def test_noise_that_cannot_be_is_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        DepthNoise(**values)


def test_what_does_not_fit_is_refused():
    scene = wall(2.0)
    with pytest.raises(ValueError, match=r"face_colour must be \(2, 3\), got \(5, 3\)"):
        image(scene, colour=np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"texture must be \(2,\), got \(3,\)"):
        image(scene, texture=np.zeros(3))
    with pytest.raises(ValueError, match="reference_m"):
        image(scene, reference_m=np.zeros((1, 3)))
    with pytest.raises(ValueError, match="light must not be negative, got -1"):
        image(scene, light=-1.0)
    with pytest.raises(ValueError, match="colours must be"):
        Outfit(np.zeros(2, int), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="parts must be in"):
        Outfit(np.array([6]), np.zeros((6, 3)))
