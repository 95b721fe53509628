"""Frames that are changed before they are learned from."""

from dataclasses import replace

import numpy as np
import pytest
from rooms import sequence

from rexo_ros.camera import MOUNTED_CAMERA, camera_pose
from rexo_ros.learning.augmentation import mirrored, symmetric, together
from rexo_ros.learning.samples import Sample, SimulatedSet
from rexo_ros.space import MMVR, SPACES, THREE, Space


@pytest.mark.parametrize("pose", [0, 5])
def test_twice_mirrored_is_as_before_and_the_bright_spot_moves_with_the_box(pose):
    space = SPACES["room"]
    sample = SimulatedSet([sequence(people=2, pose=pose)])[0]
    there = mirrored(sample, space)
    back = mirrored(there, space)
    assert back.camera == sample.camera
    assert (there.camera == sample.camera) == (pose == 0)  # the mount's is the same on both sides
    np.testing.assert_array_equal(back.power, sample.power)
    np.testing.assert_allclose(back.image_px, sample.image_px, atol=1e-4)
    np.testing.assert_allclose(there.boxes_m[:, 0], -sample.boxes_m[:, 0])
    np.testing.assert_allclose(there.image_px, there.camera.around(there.boxes_m).clip(
        0, [640, 480, 640, 480]), atol=1e-2)  # fmt: skip
    lateral = space.lateral_m("horizontal")
    column = np.nanmax(there.power[0, -1], axis=0).argmax()
    assert np.abs(there.boxes_m[:, 0] - lateral[column]).min() < 0.1


def test_only_what_is_the_same_on_both_sides_is_mirrored():
    assert symmetric(Space())
    assert not symmetric(MMVR)
    assert not symmetric(THREE)


def test_frames_without_a_camera_are_mirrored_in_space_alone():
    sample = replace(SimulatedSet([sequence()])[0], camera=None)
    there = mirrored(sample, SPACES["room"])
    assert there.camera is None
    np.testing.assert_allclose(there.boxes_m[:, 0], -sample.boxes_m[:, 0])


def frame(*places_m, unseen=()):
    """People on the floor, each a bright cell of both heatmaps in a column of their own."""

    def boxes(places):
        rows = [[x_m, -0.15, z_m, 0.5, 1.7, 0.5] for x_m, z_m in places]
        return np.array(rows, np.float32).reshape(-1, 6)

    power = np.full((2, 4, 8, 8), 1.0, np.float32)
    for x_m, z_m in places_m:
        power[:, :, int(z_m), int(x_m) + 4] = 100.0
    own, others = boxes(places_m), boxes(unseen)
    about = {"room": 1, "people": len(own)}
    return Sample(
        power, own, MOUNTED_CAMERA.around(own), about, others, MOUNTED_CAMERA.around(others)
    )


def test_people_of_two_frames_are_in_one_and_the_noise_stays():
    one, other = frame((-2, 3), unseen=[(3, 7)]), frame((1, 5), (2, 2))
    both = together(one, other)
    np.testing.assert_array_equal(both.boxes_m, np.concatenate([one.boxes_m, other.boxes_m]))
    np.testing.assert_array_equal(both.image_px, np.concatenate([one.image_px, other.image_px]))
    np.testing.assert_array_equal(both.unseen_m, one.unseen_m)
    assert both.about["people"] == 3
    assert (both.power == 100).sum() == 3 * 2 * 4
    assert (both.power == 1).sum() == both.power.size - 3 * 2 * 4


def test_people_are_added_to_images_of_the_same_camera_alone():
    one, other = (replace(frame(place), camera=camera_pose(3)) for place in ((-2, 3), (1, 5)))
    assert together(one, other).camera == camera_pose(3)
    assert together(one, replace(other, camera=camera_pose(4))) is None


def test_what_is_not_known_in_one_frame_is_not_known_of_both():
    one, other = frame((-2, 3)), frame((1, 5))
    one.power[1] = np.nan
    both = together(one, other)
    assert np.isnan(both.power[1]).all()
    assert np.isfinite(both.power[0]).all()


def test_nobody_stands_in_another_and_no_frame_is_crowded():
    assert together(frame((0, 3)), frame((0.5, 3.5))) is None
    assert together(frame((0, 3)), frame((2, 6), unseen=[(0.5, 3)])) is None
    assert together(frame((0, 3)), frame((0.8, 3))) is not None
    three, two = frame((-3, 2), (-2, 4), (-1, 6)), frame((1, 2), (2, 4))
    assert len(together(three, two).boxes_m) == 5
    assert together(three, frame((1, 2), (2, 4), (3, 6))) is None
