"""Features of the second network: echoes about the range, and nothing that is not known."""

import numpy as np

from mmwave.waveform import Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.recognition.echo import LOWEST_DB, STEP_DB, decode_db
from panoradar_ros.recognition.features import (
    CHANNELS,
    CLASSES,
    PROFILE_BINS,
    SCALE_DB,
    echo_at,
    semantic_features,
)

ROWS, COLUMNS = 8, 16
BIN_M = Waveform().range_bin_m


def steps(db):
    return np.uint8((db - LOWEST_DB) / STEP_DB)


def scene(bin_number=100):
    """Everything at one bin; echoes of 10 dB before and 30 dB at and 20 dB behind it."""
    echo = np.full((ROWS, COLUMNS, 256), steps(-5), np.uint8)
    echo[..., bin_number - 7], echo[..., bin_number + 7] = steps(10), steps(20)
    echo[..., bin_number] = steps(30)
    axis_m = 0.08 * np.cos(PanoramaGrid(COLUMNS, ROWS).elevation_rad)[:, None]
    range_m = np.broadcast_to(bin_number * BIN_M + axis_m, (ROWS, COLUMNS)).astype(np.float32)
    return echo, range_m.copy()


def features(echo, range_m):
    hint = np.random.default_rng(0).normal(size=(CLASSES, ROWS, COLUMNS)).astype(np.float32)
    one = np.ones((ROWS, COLUMNS), np.float32)
    normal = np.tile(np.float32([-0.6, 0.8, 0]), (ROWS, COLUMNS, 1))
    found = semantic_features(echo, range_m, 0.1 * one, 0.9 * one, normal, hint)
    return dict(zip(CHANNELS, found, strict=True)), hint


def test_echoes_before_at_and_behind_the_range():
    found, hint = features(*scene())
    expected = dict.fromkeys(PROFILE_BINS, -5) | {
        PROFILE_BINS[0]: 10, PROFILE_BINS[2]: 30, PROFILE_BINS[4]: 20,
    }  # fmt: skip
    for part, db in expected.items():
        np.testing.assert_allclose(found[f"echo_{part[0]}"], db / SCALE_DB, atol=1e-6)
    np.testing.assert_allclose(found["left"], 0.8)
    np.testing.assert_allclose(found["hint_3"], hint[3] / 5)
    assert (found["nothing"] == 0).all()


def test_what_is_not_known_is_zero():
    echo, range_m = scene()
    range_m[2, 3], range_m[4, 5] = np.inf, np.nan
    found, _ = features(echo, range_m)
    for name, channel in found.items():
        assert np.isfinite(channel).all(), name
    assert found["nothing"][2, 3] == 1
    assert found["nothing"][4, 5] == 0  # not received is not nothing
    for place in ((2, 3), (4, 5)):
        for name in ("range", "outward", "left", "up", "echo_-1"):
            assert found[name][place] == 0


def test_echo_at_the_range_in_decibels():
    echo, range_m = scene()
    range_m[1, 1] = np.nan
    found = echo_at(echo, range_m)
    assert np.isnan(found[1, 1])
    np.testing.assert_allclose(found[0], 30, atol=STEP_DB)


def test_ranges_beyond_the_cube_take_its_last_bin():
    echo, range_m = scene()
    echo[..., 255] = steps(40)
    np.testing.assert_allclose(echo_at(echo, range_m + 50), decode_db(echo[..., 255]))
