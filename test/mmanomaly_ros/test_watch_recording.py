"""Recordings of watched places: made once, whole, and said to be damaged when they are."""

import os

import numpy as np
import pytest

from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmwave.simulation.kept_folder import forget_old, new_folder
from mmwave.simulation.recording import RecordingError
from mmwave.simulation.watch_recording import record_watch


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("watches")


def record(root, line="horizontal", progress=None):
    return record_watch("intruder", 811, True, 0.4, WATCH_WAVEFORM, line, root, progress)


def test_the_anomaly_comes_in_the_middle_and_the_recording_is_made_once(root):
    one = record(root)
    assert one.samples.shape == (4, 64, 8, 128, 2)
    assert one.rgb.shape == (4, 96, 128, 3)
    assert one.anomalous.tolist() == [False, False, True, True]
    assert np.isnan(one.position_m[:2]).all()
    assert np.isfinite(one.position_m[2:]).all()
    assert one.duration_s == pytest.approx(0.4)

    def refuse(numbers):
        raise AssertionError("simulated again")

    again = record(root, progress=refuse)
    np.testing.assert_array_equal(again.samples, one.samples)


def test_another_line_of_antennas_is_another_recording(root):
    level, upright = np.array(record(root).samples), record(root, "vertical")
    assert (level != upright.samples).mean() > 0.5
    np.testing.assert_array_equal(record(root).samples, level)


def test_a_damaged_recording_is_named(root):
    folder = record(root).folder
    (folder / "rgb.npy").write_bytes(b"no array")
    with pytest.raises(RecordingError, match="cannot be read"):
        record(root)


def test_what_fails_half_way_leaves_nothing(tmp_path):
    def fill():
        with new_folder(tmp_path / "one", {}) as folder:
            (folder / "part").write_text("half")
            raise OSError("no space left")

    with pytest.raises(RecordingError, match="is the disk full"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_those_used_last_are_kept(tmp_path):
    for number in range(4):
        with new_folder(tmp_path / str(number), {"number": number}):
            pass
        os.utime(tmp_path / str(number), (number, number))
    (tmp_path / "other").mkdir()
    forget_old(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3", "other"]
