"""Alarms held against the truth, and the picture of a frame."""

import cv2
import numpy as np
import pytest

from mmanomaly_ros.live_score import Told, score_live
from mmanomaly_ros.pictures import FOUND, TRUE, Snapshot, channels_of, live_picture, side_by_side

PERIOD_NS = 100_000_000
NONE, PLACE = np.zeros((0, 2)), np.array([[0.5, 2.0]])


def told(states, place=(0.5, 2.3)):
    """By stamp, 10 ms after the truth's."""
    places = {"anomaly": np.array([place])}
    return {
        number * PERIOD_NS + 10_000_000: Told(state, places.get(state, NONE))
        for number, state in enumerate(states)
    }


def truth(flags):
    return {number * PERIOD_NS: PLACE if there else NONE for number, there in enumerate(flags)}


def test_alarms_places_and_delays():
    flags = [False] * 20 + [True] * 20 + [False] * 20
    states = ["normal"] * 19 + ["anomaly"] + ["normal"] * 3 + ["anomaly"] * 20 + ["normal"] * 17
    score = score_live(told(states), truth(flags), 60_000_000)
    assert score.frames == 60
    assert score.unknown == 0
    assert score.alarmed == 1.0  # a second after it began
    assert score.false_alarmed == pytest.approx(1 / 30)  # 20 before, 10 after a second of settling
    assert score.alarm_after_s == pytest.approx(0.31)
    assert score.place_median_m == pytest.approx(0.3)
    assert score.range_median_m == pytest.approx(np.hypot(0.5, 2.3) - np.hypot(0.5, 2.0))


def test_what_is_unknown_is_neither_right_nor_false():
    states = ["unknown"] * 10 + ["normal"] * 30
    score = score_live(told(states), truth([False] * 10 + [True] * 30), 60_000_000)
    assert score.unknown == 0.25
    assert score.alarmed == 0.0
    assert np.isnan(score.false_alarmed)
    assert np.isnan(score.alarm_after_s)
    assert np.isnan(score.place_median_m)


def test_frames_without_a_truth_of_their_time_are_not_judged():
    assert score_live(told(["normal"] * 9), truth([False]), 60_000_000).frames == 1
    assert score_live(told(["normal"] * 9), {}, 60_000_000).frames == 0


def test_channels_lie_side_by_side_and_come_back():
    spectrum = np.random.default_rng(0).normal(size=(3, 128, 64)).astype(np.float32)
    picture = side_by_side(spectrum)
    np.testing.assert_array_equal(picture[:, 64:128], spectrum[1])
    np.testing.assert_array_equal(channels_of(picture), spectrum)
    with pytest.raises(ValueError, match="3 channels"):
        channels_of(picture[:, :-1])


def middle_of(picture, colour):
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return np.array([rows.mean(), columns.mean()])


def test_a_picture_shows_places_where_they_are():
    right = Snapshot("anomaly", True, found_m=PLACE, true_m=PLACE)
    left = Snapshot("anomaly", True, found_m=PLACE * [-1, 1], true_m=PLACE * [-1, 1])
    near = Snapshot("anomaly", True, found_m=PLACE / 2, true_m=PLACE / 2)
    found = {name: middle_of(live_picture(one)[80:], FOUND) for name, one in
             {"right": right, "left": left, "near": near}.items()}  # fmt: skip
    np.testing.assert_allclose(found["right"], middle_of(live_picture(right)[80:], TRUE), atol=2)
    per_m = found["right"][1] - found["left"][1]  # they are a metre apart
    assert per_m > 40
    assert found["right"][0] == pytest.approx(found["left"][0], abs=1)
    assert found["near"][0] - found["right"][0] == pytest.approx(per_m, abs=4)


def test_a_picture_of_everything_is_as_wide_as_one_of_nothing_or_wider():
    random = np.random.default_rng(0)
    spectrum = random.uniform(-10, 70, (3, 128, 64)).astype(np.float32)
    depth_m = np.full((96, 128), 2.0, np.float32)
    depth_m[:10] = np.nan
    image = random.integers(0, 255, (96, 128, 3)).astype(np.uint8)
    heatmap = random.random((128, 64)).astype(np.float32)
    full = live_picture(Snapshot("normal", True, depth_m, image, spectrum, spectrum, heatmap))
    empty = live_picture(Snapshot("unknown: no depth image has come", True))
    assert full.dtype == np.uint8
    assert full.shape[0] == empty.shape[0] > 800
    assert full.shape[1] >= empty.shape[1] > 1200
    assert full.std() > empty.std() + 10


def test_a_picture_says_whether_it_is_simulated(monkeypatch):
    words = []
    monkeypatch.setattr(cv2, "putText", lambda _, text, *__: words.append(text))
    for simulated in (True, False):
        words.clear()
        live_picture(Snapshot("normal", simulated))
        assert any("simulated" in one for one in words) == simulated
        assert any(one.startswith("floor: O true") for one in words)
        assert any(one.endswith("; state: normal") for one in words)
