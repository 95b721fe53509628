"""Recordings of rooms: made once, kept, complete or not there."""

import numpy as np
import pytest

from mmwave.simulation import room_recording
from mmwave.simulation.fixed_radar import fixed_radar
from mmwave.simulation.recording import RecordingError
from mmwave.simulation.room import RADAR_HEIGHT_M
from mmwave.simulation.room_recording import ROOMS_KEPT, record_room
from mmwave.waveform import Waveform

WAVE = Waveform(samples_per_chirp=64, loops_per_frame=8, frame_period_s=20e-3)


def record(folder, seed=3, duration_s=0.06, **other):
    return record_room(seed, 0, 1, duration_s, WAVE, folder, **other)


def test_samples_are_the_simulators(tmp_path):
    made = record(tmp_path)
    assert made.duration_s == pytest.approx(0.06)
    radar = fixed_radar(made.room, made.room.radar, RADAR_HEIGHT_M, "vertical", WAVE, 2 * 3 + 1)
    np.testing.assert_array_equal(made.samples["vertical"], list(radar.frames(3)))
    assert made.samples["horizontal"].shape == (3, 8, 8, 64, 2)
    assert not np.array_equal(made.samples["horizontal"], made.samples["vertical"])


def test_it_is_not_made_twice(tmp_path, monkeypatch):
    first = record(tmp_path)
    monkeypatch.setattr(room_recording, "_simulate", lambda *_: pytest.fail("made twice"))
    again = record(tmp_path)
    np.testing.assert_array_equal(first.samples["vertical"], again.samples["vertical"])
    with pytest.raises(pytest.fail.Exception, match="made twice"):
        record(tmp_path, duration_s=0.08)
    assert [path.name for path in tmp_path.iterdir()] == [first.folder.name]


def test_progress_counts_the_frames(tmp_path):
    counted = []

    def progress(numbers):
        for number in numbers:
            counted.append(number)
            yield number

    record(tmp_path, progress=progress)
    assert counted == [0, 1, 2]


def test_old_recordings_are_forgotten(tmp_path, monkeypatch):
    def nothing(room, waveform, files, progress):
        for array in files.values():
            array[:] = 0

    monkeypatch.setattr(room_recording, "_simulate", nothing)
    for seed in range(ROOMS_KEPT + 2):
        made = record(tmp_path, seed)
    assert len(list(tmp_path.iterdir())) == ROOMS_KEPT
    assert made.folder.exists()


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match="duration_s must hold a frame"):
        record(tmp_path, duration_s=0.001)
    made = record(tmp_path)
    (made.folder / "vertical.npy").write_bytes(b"nothing")
    with pytest.raises(RecordingError, match=r"vertical\.npy cannot be read .* delete"):
        record(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        record(blocked)
