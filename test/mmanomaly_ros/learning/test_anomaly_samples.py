import dataclasses
import json
from dataclasses import asdict

import numpy as np
import pytest
from fake_scenes import scene, scenes, write_scene, write_scenes

from mmanomaly_ros.learning.augmentation import (
    Misalignment,
    changed_colours,
    changed_context,
    clean_context,
    flipped_context,
    flipped_spectrum,
    symmetric,
    with_holes,
)
from mmanomaly_ros.learning.frame_store import FrameStore
from mmanomaly_ros.learning.samples import (
    SceneSet,
    read_scene,
    refuse_common_seeds,
    unit_of,
)
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, dequantised, to_unit
from mmwave.camera import RGBD_CAMERA


def quiet(one, **_):
    return one


def test_what_was_written_is_read(tmp_path):
    one = scene(task=1, seed=3)
    write_scene(tmp_path, one)
    again = read_scene(tmp_path / one.name)
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(one, field.name))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"spectra": np.zeros((2, 3, 128, 32), np.uint8)},
            r"spectra must be uint8 \(2, 3, 128, 64",
        ),
        ({"rgb": np.zeros((3, 96, 128, 3), np.uint8)}, r"rgb must be .*got uint8 \(3, 96"),
        ({"depth_mm": np.zeros((2, 96, 128), np.float32)}, "depth_mm must be uint16"),
        ({"task": np.array(3)}, "task must be from 0 to 2, got 3"),
        ({"clothing": np.array(99)}, "clothing must be from -1 to 6, got 99"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, wrong, told):
    one = scene()
    write_scene(tmp_path, one, **wrong)
    with pytest.raises(ValueError, match=told):
        read_scene(tmp_path / one.name)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "weapon_000001.npz"
    path.write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"weapon_000001.npz is no sequence"):
        SceneSet.under(tmp_path, quiet)


def test_an_empty_folder_says_how_to_fill_it(tmp_path):
    with pytest.raises(ValueError, match="panoradar simulate scenes"):
        SceneSet.under(tmp_path, quiet)


def test_sensors_are_told_by_the_folder_or_the_usual_ones(tmp_path):
    write_scenes(tmp_path, count=1)
    assert SceneSet.under(tmp_path, quiet).camera == RGBD_CAMERA
    moved = RGBD_CAMERA.moved((0.0, 0.05, 0.0))
    told = {"camera": asdict(moved), "waveform": asdict(WATCH_WAVEFORM)}
    (tmp_path / "scenes.json").write_text(json.dumps(told))
    assert SceneSet.under(tmp_path, quiet).camera == moved
    (tmp_path / "scenes.json").write_text("{}")
    with pytest.raises(ValueError, match="does not tell camera and waveform"):
        SceneSet.under(tmp_path, quiet)


def test_normal_frames_only():
    samples = scenes(count=1)
    samples.sequences[1].anomalous[1] = True
    normal = samples.normal()
    assert len(normal) == len(samples) - 1
    assert not any(normal[number].anomalous for number in range(len(normal)))


def test_parts_share_no_sequence_and_have_every_watch():
    samples = scenes(count=10)
    parts = samples.parted(0.2)
    used = [{which for which, _ in part.places} for part in parts]
    assert not used[0] & used[1]
    assert used[0] | used[1] == set(range(30))
    assert len(used[1]) == 6
    for part in parts:
        assert min(part.describe()["sequences"].values()) > 0


def test_common_seeds_are_refused():
    refuse_common_seeds(scenes(seed=0), scenes(seed=5), "the validation")
    with pytest.raises(ValueError, match="weapon with seed 1 among them"):
        refuse_common_seeds(scenes(seed=0), scenes(seed=1), "the validation")


def test_unit_scale_is_that_of_the_spectra():
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(unit_of(levels), to_unit(dequantised(levels)), atol=1e-6)


def test_a_mirrored_camera_sees_what_the_flip_makes():
    samples = scenes(count=1)
    frame = samples[0]
    mirrored = dataclasses.replace(
        frame, rgb=frame.rgb[:, ::-1].copy(), depth_mm=frame.depth_mm[:, ::-1].copy()
    )
    flipped = flipped_context(clean_context(frame, samples))
    seen = clean_context(mirrored, samples)
    np.testing.assert_array_equal(flipped.image, seen.image)
    # a point midway between two cells is rounded to the even one, which mirroring changes
    other = np.abs(flipped.polar - seen.polar) > 1e-5
    assert other.mean() < 0.002
    assert seen.polar[0].sum() > 0


def test_a_flip_leaves_speeds_and_comes_back():
    spectrum = scenes(count=1)[0].spectrum
    flipped = flipped_spectrum(spectrum, 0)
    np.testing.assert_array_equal(flipped[2], spectrum[2])
    np.testing.assert_array_equal(flipped[:2], spectrum[:2, :, ::-1])
    np.testing.assert_array_equal(flipped_spectrum(flipped, 0), spectrum)
    # an upright line of antennas sees the same of a mirrored scene
    np.testing.assert_array_equal(flipped_spectrum(spectrum, 2), spectrum)


def test_only_a_camera_in_the_middle_is_mirrored():
    assert symmetric(RGBD_CAMERA)
    assert not symmetric(RGBD_CAMERA.moved((0.02, 0.0, 0.0)))
    assert not symmetric(RGBD_CAMERA.moved(rotation_rad=(0.0, 0.02, 0.0)))
    assert symmetric(RGBD_CAMERA.moved(rotation_rad=(0.02, 0.0, 0.0)))


def test_a_moved_camera_moves_the_map_but_not_the_image():
    samples = scenes(count=1)
    frame = samples[0]
    straight = changed_context(frame, samples, Misalignment(0, 0), False, np.random.default_rng(0))
    moved = Misalignment(0.02, 2.0).draw(RGBD_CAMERA, np.random.default_rng(0))
    assert np.abs(moved.position_m - RGBD_CAMERA.position_m).max() <= 0.02
    assert moved != RGBD_CAMERA
    nominal = clean_context(frame, samples)
    np.testing.assert_array_equal(straight.polar.shape, nominal.polar.shape)
    seen = SceneSet(samples.sequences, moved, WATCH_WAVEFORM)
    other = clean_context(frame, seen)
    np.testing.assert_array_equal(other.image, nominal.image)
    assert np.abs(other.polar - nominal.polar).max() > 0.1


def test_changes_stay_within_colours_and_only_take_depth_away():
    rng = np.random.default_rng(1)
    frame = scenes(count=1)[0]
    colours = changed_colours(frame.rgb, rng)
    assert colours.dtype == np.uint8
    assert 0 < np.abs(colours.astype(int) - frame.rgb).mean() < 80
    depth = with_holes(frame.depth_m, np.random.default_rng(3))
    there = np.isfinite(depth)
    assert there.sum() < np.isfinite(frame.depth_m).sum()
    np.testing.assert_array_equal(depth[there], frame.depth_m[there])


def test_a_store_goes_on_where_it_was(tmp_path):
    asked = []

    def compute(numbers):
        asked.append(numbers)
        if numbers.start >= 64 and len(asked) == 3:
            raise KeyboardInterrupt
        return {"squares": np.array([number**2 for number in numbers])}

    def store():
        return FrameStore(tmp_path, "squares", ["net"], 100, {"squares": (np.int64, ())})

    with pytest.raises(KeyboardInterrupt):
        store().fill(compute, quiet)
    store().fill(compute, quiet)
    np.testing.assert_array_equal(store()["squares"], np.arange(100) ** 2)
    before = len(asked)
    store().fill(compute, quiet)
    assert len(asked) == before
    other = FrameStore(tmp_path, "squares", ["another net"], 100, {"squares": (np.int64, ())})
    assert other.done == 0
