"""Frames of a place on disk are what the node saw, whole or not there."""

from dataclasses import replace

import numpy as np
import pytest

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.learning.samples import SceneSet
from mmanomaly_ros.live import GAP_S, Judged
from mmanomaly_ros.place_recorder import (
    LEAST_FRAMES,
    PIECE_FRAMES,
    JudgedRecorder,
    PlaceRecorder,
)
from mmanomaly_ros.spectrum import CEILING_DB, FLOOR_DB, dequantised
from mmanomaly_ros.watch import watch_id
from mmwave.camera import RGBD_CAMERA

WATCH = watch_id("intruder")
CAMERA = RGBD_CAMERA.resized(128, 96)


def frame(number):
    generator = np.random.default_rng(number)
    spectrum_db = generator.uniform(FLOOR_DB, CEILING_DB, (3, 128, 64)).astype(np.float32)
    rgb = generator.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    depth_m = generator.uniform(0.5, 5, (96, 128)).astype(np.float32)
    depth_m[: number % 10] = np.nan
    return spectrum_db, rgb, depth_m


def record(recorder, times_s, camera=CAMERA):
    for number, time_s in enumerate(times_s):
        recorder.add(time_s, *frame(number), camera)


def test_frames_come_back_as_they_were(tmp_path):
    recorder = PlaceRecorder(tmp_path / "new" / "place", WATCH)
    record(recorder, 1e9 + 0.1 * np.arange(40))
    recorder.close()
    read = SceneSet.under(tmp_path / "new" / "place")
    assert (len(read), len(read.sequences), recorder.frames) == (40, 1, 40)
    assert read.camera == CAMERA
    sequence = read.sequences[0]
    np.testing.assert_allclose(sequence.time_s, 0.1 * np.arange(40), atol=1e-6)
    assert (sequence.task, sequence.clothing, sequence.wall) == (WATCH, -1, -1)
    for number in (0, 17, 39):
        spectrum_db, rgb, depth_m = frame(number)
        step_db = (CEILING_DB - FLOOR_DB) / 255
        found_db = dequantised(sequence.spectra[number])
        np.testing.assert_allclose(found_db, spectrum_db, atol=0.51 * step_db)
        np.testing.assert_array_equal(sequence.rgb[number], rgb)
        np.testing.assert_allclose(read[number].depth_m, depth_m, atol=6e-4)


def test_a_long_recording_is_in_pieces_and_a_gap_ends_one(tmp_path):
    recorder = PlaceRecorder(tmp_path, WATCH)
    times_s = 0.1 * np.arange(PIECE_FRAMES + 60)
    times_s[PIECE_FRAMES + 30 :] += 2 * GAP_S["intruder"]
    record(recorder, times_s)
    assert len(list(tmp_path.glob("*.npz"))) == 2  # before it is closed
    recorder.close()
    lengths = sorted(len(one) for one in SceneSet.under(tmp_path).sequences)
    assert lengths == [30, 30, PIECE_FRAMES]


def test_what_is_too_short_to_judge_is_not_kept(tmp_path):
    recorder = PlaceRecorder(tmp_path, WATCH)
    record(recorder, 0.1 * np.arange(LEAST_FRAMES - 1))
    recorder.close()
    assert (recorder.frames, recorder.thrown_away) == (0, LEAST_FRAMES - 1)
    assert not list(tmp_path.glob("*.npz"))


def test_frames_that_are_thrown_away_are_told(tmp_path):
    recorder = JudgedRecorder(tmp_path, WATCH)
    for start_s, count in ((0.0, LEAST_FRAMES), (100.0, 5)):  # a gap ends the first
        for number in range(count):
            spectrum_db, rgb, depth_m = frame(number)
            recorder.add(
                Judged(
                    start_s + 0.1 * number, AlarmState.NORMAL, "", object(), spectrum_db, depth_m,
                    rgb, 0.0, CAMERA,
                )
            )  # fmt: skip
    assert recorder.as_values() == {"frames_recorded": LEAST_FRAMES, "frames_thrown_away": 0}
    recorder.close()
    assert recorder.as_values() == {
        "frames_recorded": LEAST_FRAMES,
        "frames_thrown_away": 5,
        "recording_ended": "the node is not active",
    }


def test_a_camera_that_moved_does_not_go_into_the_same_folder(tmp_path):
    recorder = PlaceRecorder(tmp_path, WATCH)
    record(recorder, 0.1 * np.arange(LEAST_FRAMES))
    moved = replace(CAMERA, translation_m=(0.2, 0.0, 0.0))
    with pytest.raises(ValueError, match="record into a new folder"):
        recorder.add(100.0, *frame(0), moved)
    assert len(SceneSet.under(tmp_path)) == LEAST_FRAMES  # what came before is there


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    recorder = PlaceRecorder(tmp_path, WATCH)
    record(recorder, 0.1 * np.arange(LEAST_FRAMES))

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    for name in ("savez", "savez_compressed"):
        monkeypatch.setattr(np, name, full)
    with pytest.raises(OSError, match="No space left"):
        recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.json"]
    assert recorder.frames == 0


def test_a_bag_that_is_played_again_is_beside_what_was_recorded(tmp_path):
    for count in (40, 31):
        recorder = PlaceRecorder(tmp_path, WATCH)
        record(recorder, 1e9 + 0.1 * np.arange(count))
        recorder.close()
    assert sorted(len(one) for one in SceneSet.under(tmp_path).sequences) == [31, 40]


def test_sequences_of_other_sensors_are_not_relabelled(tmp_path):
    recorder = PlaceRecorder(tmp_path, WATCH)
    record(recorder, 0.1 * np.arange(LEAST_FRAMES))
    recorder.close()
    (tmp_path / "scenes.json").unlink()  # as panoradar simulate scenes leaves a folder
    with pytest.raises(ValueError, match="record into a new folder"):
        PlaceRecorder(tmp_path, WATCH).add(0.0, *frame(0), CAMERA)
    (tmp_path / "scenes.json").write_text("{")
    with pytest.raises(ValueError, match=r"scenes\.json is damaged"):
        PlaceRecorder(tmp_path, WATCH).add(0.0, *frame(0), CAMERA)


def test_the_last_digits_of_a_transform_are_the_same_place(tmp_path):
    recorder = PlaceRecorder(tmp_path, WATCH)
    jitter_m = 1e-9 * np.random.default_rng(0).standard_normal((PIECE_FRAMES, 3))
    first = tuple(np.add(CAMERA.translation_m, jitter_m[0]).tolist())
    for number, off_m in enumerate(jitter_m):
        moved = tuple(np.add(CAMERA.translation_m, off_m).tolist())
        recorder.add(0.1 * number, *frame(number), replace(CAMERA, translation_m=moved))
    read = SceneSet.under(tmp_path)
    assert [len(one) for one in read.sequences] == [PIECE_FRAMES]
    assert (recorder.frames, recorder.thrown_away) == (PIECE_FRAMES, 0)
    assert read.camera.translation_m == first
