"""Images become context: points in the right cells, holes nothing, darkness told."""

import time

import numpy as np
import pytest

from mmanomaly_ros.context import (
    COLUMNS,
    ROWS,
    Context,
    check_image,
    context_of,
    farthest_surface_m,
    polar_map,
)
from mmanomaly_ros.registration import RegistrationCheck
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import cell_of
from mmwave.camera import RGBD_CAMERA

BIN_M = WATCH_WAVEFORM.range_bin_m


def picture(seed=0, rows=ROWS, columns=COLUMNS):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def flat(depth_m, rows=ROWS, columns=COLUMNS):
    return np.full((rows, columns), depth_m, np.float32)


@pytest.mark.parametrize("place", [(0.6, 0.0, 1.5), (-1.1, 0.0, 2.0), (0.05, 0.0, 4.0)])
def test_a_point_lies_in_the_radars_cell_of_its_place(place):
    drawn = polar_map(np.array([place]), np.array([[1.0, 0.5, 0.0]]), BIN_M)
    row, column = (round(float(one)) for one in cell_of((place[0], place[2]), BIN_M))
    assert np.argwhere(drawn[0]).tolist() == [[row, column]]
    cell = drawn[:, row, column]
    np.testing.assert_allclose(cell, [np.log(2), 0.0, 0.5, 0.0, -0.5, 1.0], atol=1e-6)


def test_height_makes_a_range_longer_and_is_told():
    drawn = polar_map(np.array([[0.02, 1.0, 2.0]]), np.zeros((1, 3)), BIN_M)
    ((row, column),) = np.argwhere(drawn[0]).tolist()
    assert row == round(np.sqrt(5.0004) / BIN_M)
    assert drawn[1, row, column] == pytest.approx(1.0)


def test_a_cell_has_the_mean_of_its_points_and_a_column_its_nearest_surface():
    near, far = 47, 71
    points = np.array([[0.0, 0.1, near], [0.0, -0.04, near], [0.0, 0.0, far], [0.0, 0.0, -20]])
    points[:, 2] *= BIN_M
    colours = np.array([[1.0, 0, 0], [0, 1.0, 0], [1, 1, 1], [1, 1, 1]])
    drawn = polar_map(points, colours, BIN_M)
    column = int(np.argwhere(drawn[0])[0, 1])
    expected = [np.log(3), 0.03, 0.0, 0.0, -0.5, 1.0]
    np.testing.assert_allclose(drawn[:, near, column], expected, atol=1e-6)
    assert drawn[5].sum() == 1
    assert drawn[0, far, column] == pytest.approx(np.log(2))
    assert np.count_nonzero(drawn[0]) == 2  # what is behind the radar is nowhere


def test_a_mirrored_scene_is_a_mirrored_context():
    generator = np.random.default_rng(1)
    rgb, depth = picture(), generator.uniform(1, 5, (ROWS, COLUMNS)).astype(np.float32)
    one = context_of(rgb, depth, RGBD_CAMERA, 1)
    other = context_of(rgb[:, ::-1], depth[:, ::-1], RGBD_CAMERA, 1)
    np.testing.assert_array_equal(other.image, one.image[..., ::-1])
    np.testing.assert_allclose(other.polar, one.polar[..., ::-1], atol=1e-6)
    assert not np.array_equal(other.polar, one.polar)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf, 0.0])
def test_holes_give_zeros(hole):
    depth = flat(2.0)
    depth[:, : COLUMNS // 2] = hole
    found = context_of(picture(), depth, RGBD_CAMERA, 0)
    assert np.isfinite(found.image).all()
    assert np.isfinite(found.polar).all()
    assert (found.image[3:, :, : COLUMNS // 2] == 0).all()
    np.testing.assert_allclose(found.image[3, :, COLUMNS // 2 :], 0.5)
    assert (found.image[4, :, COLUMNS // 2 :] == 1).all()
    assert (found.polar[:, :, :32] == 0).all()
    assert found.polar[0, :, 32:].any()
    every_hole = context_of(picture(), flat(hole), RGBD_CAMERA, 0)
    assert not every_hole.polar.any()


def test_a_larger_image_gives_the_same_context_and_never_a_depth_between_two():
    small, depth = picture(), flat(4.0)
    depth[:, 40:60] = 1.5
    rgb, large = (one.repeat(5, axis=0).repeat(5, axis=1) for one in (small, depth))
    large[1::2, ::2] = np.nan
    camera = RGBD_CAMERA.resized(640, 480)
    found = context_of(rgb, large, camera, 2)
    wanted = context_of(small, depth, RGBD_CAMERA, 2)
    np.testing.assert_allclose(found.image, wanted.image, atol=1e-6)
    np.testing.assert_allclose(found.polar, wanted.polar, atol=1e-6)


def test_a_context_is_made_in_time():
    depth = flat(2.5)
    took = []
    for _ in range(5):
        start = time.thread_time()
        context_of(picture(), depth, RGBD_CAMERA, 0)
        took.append(time.thread_time() - start)
    assert min(took) < 8e-3


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="128 x 96"):
        context_of(picture(), flat(2.0)[1:], RGBD_CAMERA, 0)
    with pytest.raises(ValueError, match="at least 128 x 96"):
        context_of(picture(rows=48, columns=64), flat(2, 48, 64), RGBD_CAMERA.resized(64, 48), 0)
    with pytest.raises(ValueError, match=r"watch must be from 0 to 2, got 3"):
        context_of(picture(), flat(2.0), RGBD_CAMERA, 3)
    with pytest.raises(ValueError, match="image and polar"):
        Context(np.zeros((4, 96, 128), np.float32), np.zeros((6, 128, 64), np.float32), 0)


@pytest.mark.parametrize(
    ("rgb", "depth", "told"),
    [
        (picture(), flat(2.0), ""),
        (None, flat(2.0), "no image"),
        (picture(), None, "no depth"),
        (picture(), flat(np.nan), "nothing but holes"),
        (picture(), np.where(np.arange(COLUMNS) < 80, np.nan, flat(2.0)), "62% of the depth"),
        (picture(), np.where(np.arange(COLUMNS) < 60, np.inf, flat(2.0)), ""),
        (picture() // 20, flat(2.0), "dark"),
        (np.full((ROWS, COLUMNS, 3), 120, np.uint8), flat(2.0), "lens"),
    ],
)
def test_conditions_of_the_world_are_told(rgb, depth, told):
    problem = check_image(rgb, depth)
    assert (told in problem) if told else not problem


def test_the_farthest_surface_is_the_wall_behind_people_and_holes():
    depth = flat(2.3)
    depth[30:, 40:70] = 1.4
    depth[5:9] = np.nan
    assert farthest_surface_m(context_of(picture(), depth, RGBD_CAMERA, 2)) == pytest.approx(2.3)
    assert farthest_surface_m(context_of(picture(), flat(np.nan), RGBD_CAMERA, 2)) == 0


def test_what_is_no_image_is_an_error():
    with pytest.raises(ValueError, match="uint8"):
        check_image(picture().astype(float), flat(2.0))
    with pytest.raises(ValueError, match="depth_m must be"):
        check_image(picture(), flat(2.0)[:, 1:])


def room(camera, person_m=None):
    """Depth of a room with two walls, floor and a table, and somebody at (right, depth)."""
    origin, rays = camera.position_m, camera.rays()
    depth = np.full(rays.shape[:2], np.inf)
    for axis, place in ((2, 3.0), (1, -1.0), (0, -1.5), (0, 2.5)):
        with np.errstate(divide="ignore"):
            away = (place - origin[axis]) / rays[..., axis]
        depth = np.where((away > 0) & (away < depth), away, depth)
    boards = [(2.0, 0.3, 0.9, -0.2)]
    if person_m is not None:
        boards.append((person_m[1], person_m[0] - 0.25, person_m[0] + 0.25, 0.7))
    for away, left, right, top in boards:
        points = origin + away * rays
        hit = (points[..., 0] > left) & (points[..., 0] < right) & (points[..., 1] < top)
        depth = np.where(hit & (away < depth), away, depth)
    return depth


def watched(before, after, walks=False):
    """What a check says, frame by frame, when the camera moves from one place to another."""
    generator, check, told = np.random.default_rng(5), RegistrationCheck(before), []
    for frame in range(30):
        person = (-0.8 + 0.05 * frame, 1.4) if walks else None
        depth = room(before if frame < 15 else after, person)
        depth *= 1 + 0.005 * generator.standard_normal(depth.shape)
        depth[generator.random(depth.shape) < 0.05] = np.nan
        told.append(check.update(depth))
    return told, check.motion


@pytest.mark.parametrize("walks", [False, True])
def test_a_camera_that_stays_is_not_told_to_have_moved(walks):
    told, motion = watched(RGBD_CAMERA, RGBD_CAMERA, walks)
    assert set(told) == {""}
    assert np.abs(motion.rotation_deg).max() < 0.3
    assert np.abs(motion.translation_m).max() < 0.02


# rolling while somebody covers half of what would show it is not seen, as the module says
@pytest.mark.parametrize(
    ("axis", "walks"), [(0, False), (0, True), (1, False), (1, True), (2, False)]
)
def test_a_camera_that_turned_is_told_with_its_angle(axis, walks):
    turn = np.radians(5) * np.eye(3)[axis]
    told, motion = watched(RGBD_CAMERA, RGBD_CAMERA.moved(rotation_rad=turn), walks)
    assert not any(told[:15])
    assert "camera moved" in told[-1]
    assert np.linalg.norm(motion.rotation_deg) == pytest.approx(5, abs=0.7)


def test_who_walks_before_a_single_wall_is_no_motion_of_the_camera():
    """The wall forbids no sliding and no rolling, and somebody who moves looks like either."""
    generator, check = np.random.default_rng(6), RegistrationCheck(RGBD_CAMERA)
    rays = RGBD_CAMERA.rays()
    for frame in range(40):
        depth = np.full(rays.shape[:2], 1.9)
        middle = 0.4 * np.sin(frame / 5)
        points = 1.5 * rays
        depth[(np.abs(points[..., 0] - middle) < 0.17) & (points[..., 1] < 0.4)] = 1.5
        depth *= 1 + 0.003 * generator.standard_normal(depth.shape)
        assert check.update(depth) == ""


def test_a_camera_that_was_pushed_is_told_and_a_centimetre_is_not():
    told, motion = watched(RGBD_CAMERA, RGBD_CAMERA.moved(translation_m=(0, 0, 0.12)))
    assert "camera moved" in told[-1]
    assert motion.translation_m[2] == pytest.approx(0.12, abs=0.01)
    assert not any(watched(RGBD_CAMERA, RGBD_CAMERA.moved(translation_m=(0, 0, 0.01)))[0])


def test_another_place_altogether_is_told_until_the_reference_is_new():
    check = RegistrationCheck(RGBD_CAMERA)
    for _ in range(10):
        assert not check.update(room(RGBD_CAMERA))
    for _ in range(10):
        told = check.update(np.full((96, 128), 0.5))
    assert "camera moved" in told
    check.reset()
    assert not any(check.update(np.full((96, 128), 0.5)) for _ in range(30))
