"""Sequences of simulated places: what they hold, and that they are made once."""

import json

import numpy as np
import pytest

from mmanomaly_ros.learning.simulated import Wanted, simulate_into, simulate_sequence
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, dequantised
from mmanomaly_ros.watch import CLOTHINGS, POSES, WALLS, cell_of, watch_id
from panoradar_ros.cli import main


@pytest.fixture(scope="module")
def pair():
    """The same place without and with an intruder."""
    return [simulate_sequence(Wanted("intruder", 701, bad, frames=3)) for bad in (False, True)]


def test_arrays_and_truth(pair):
    normal, anomaly = pair
    for one in pair:
        assert one["spectra"].shape == (3, 3, 128, 64)
        assert one["rgb"].shape == (3, 96, 128, 3)
        assert one["depth_mm"].shape == (3, 96, 128)
        assert int(one["task"]) == watch_id("intruder")
        assert -1 <= int(one["clothing"]) < len(CLOTHINGS)
        assert 0 < int(one["wall"]) < len(WALLS)
        assert np.all((one["pose"] >= 0) & (one["pose"] < len(POSES)))
        np.testing.assert_allclose(np.diff(one["time_s"]), WATCH_WAVEFORM.frame_period_s)
    assert not normal["anomalous"].any()
    assert anomaly["anomalous"].all()
    assert np.isnan(normal["position_m"]).all()


def test_the_camera_sees_the_wall_where_it_is_and_nothing_of_what_is_behind(pair):
    normal, anomaly = pair
    about = json.loads(str(normal["meta"]))
    depth_m = normal["depth_mm"][0] / 1e3
    seen = depth_m[depth_m > 0]
    assert np.percentile(seen, 99) < about["wall_m"] + 0.05
    np.testing.assert_array_equal(normal["rgb"], anomaly["rgb"])


def test_the_radar_sees_who_is_behind_where_they_are(pair):
    normal, anomaly = (dequantised(one["spectra"])[-1, 1] for one in pair)
    more = np.where(anomaly > 6, anomaly - normal, 0.0)
    row, column = np.unravel_index(more.argmax(), more.shape)
    true_row, true_column = cell_of(pair[1]["position_m"][-1], WATCH_WAVEFORM.range_bin_m)
    assert more.max() > 10
    assert abs(row - true_row) < 9  # a body is half a metre deep, and higher or lower parts farther
    assert abs(column - true_column) < 8


def test_a_sequence_is_made_once_and_whole(tmp_path):
    wanted = Wanted("weapon", 702, True, "new", 1)
    path = simulate_into(tmp_path, wanted)
    before = path.stat().st_mtime_ns
    assert simulate_into(tmp_path, wanted) == path
    assert path.stat().st_mtime_ns == before
    assert [one.name for one in tmp_path.iterdir()] == ["weapon_anomaly_new_000702_1.npz"]
    with np.load(path) as there:
        again = simulate_sequence(wanted)
        assert set(there.files) == set(again)
        for name, array in again.items():
            np.testing.assert_array_equal(there[name], array)


def test_what_cannot_be_is_named(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"conditions must be one of seen, new, .* got 'old'"):
        Wanted("fall", 1, False, "old")
    with pytest.raises(ValueError, match="frames must be at least 1, got 0"):
        Wanted("fall", 1, False, frames=0)
    assert main(["simulate", "scenes", str(tmp_path), "--sequences", "0"]) != 0
    assert "--sequences must be at least 1, got 0" in capsys.readouterr().err


def test_the_command_goes_on_with_what_is_missing(tmp_path, capsys):
    options = ["simulate", "scenes", str(tmp_path), "--watches", "weapon", "--seed", "703"]
    assert main([*options, "--sequences", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is True
    assert told["sequences"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["weapon_normal_seen_000703_16.npz"]
