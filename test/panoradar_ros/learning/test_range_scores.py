import numpy as np
import pytest

from mmwave.waveform import Waveform
from panoradar_ros.learning.frames import NAMES, Frame
from panoradar_ros.learning.range_scores import RangeScores, score_strongest_echo, strongest_echo_m

SHAPE = (4, 100)


def frame(range_m, glass=None, normal=(-127, 0, 0)):
    return Frame(
        np.zeros((*SHAPE, 2), np.uint8),
        np.broadcast_to(np.float32(range_m), SHAPE).copy(),
        np.full(SHAPE, np.inf, np.float32),
        np.broadcast_to(np.int8(normal), (*SHAPE, 3)).copy(),
        np.zeros(SHAPE, np.uint8),
        np.zeros(SHAPE, np.int32),
        np.zeros(SHAPE, bool) if glass is None else glass,
    )


def scored(range_m, truth, normal=None):
    scores = RangeScores()
    scores.add(np.broadcast_to(np.float32(range_m), SHAPE), truth, normal)
    return scores.as_json()


def test_errors_are_those_of_every_pixel():
    error = np.linspace(0, 1, SHAPE[1], dtype=np.float32)
    found = scored(2 + error, frame(2.0))
    assert found["range_mae_m"] == pytest.approx(0.5)
    assert found["range_median_m"] == pytest.approx(0.5)
    assert found["range_p90_m"] == pytest.approx(0.9, abs=0.01)
    assert found["range_mae_by_distance_m"] == [pytest.approx(0.5), None, None]


def test_a_pixel_without_an_answer_counts_as_the_farthest():
    range_m = np.full(SHAPE, 2.0, np.float32)
    range_m[0, :50], range_m[0, 50:] = np.nan, np.inf
    found = scored(range_m, frame(2.0))
    assert found["range_mae_m"] == pytest.approx(7.6 / 4)
    assert found["missing"] == pytest.approx(0.25)


def test_glass_and_what_is_out_of_reach_do_not_count():
    glass = np.zeros(SHAPE, bool)
    glass[0] = True
    truth = frame(2.0, glass)
    range_m = np.array(truth.range)
    range_m[1] = np.inf
    truth = Frame(**{**{name: getattr(truth, name) for name in NAMES}, "range": range_m})
    answer = np.full(SHAPE, 2.0, np.float32)
    answer[:2] = 9.0
    assert scored(answer, truth)["range_mae_m"] == 0


def test_images_count_alike():
    scores = RangeScores()
    scores.add(np.full(SHAPE, 3.0), frame(2.0))
    scores.add(np.full(SHAPE, 2.0), frame(2.0))
    assert scores.as_json()["range_mae_m"] == pytest.approx(0.5)
    assert scores.as_json()["images"] == 2


def test_angles_of_normals():
    normal = np.zeros((*SHAPE, 3))
    normal[..., 0], normal[..., 1] = -np.cos(np.deg2rad(30)), np.sin(np.deg2rad(30))
    found = scored(2.0, frame(2.0), normal)
    assert found["normal_mean_deg"] == pytest.approx(30, abs=0.1)


def test_the_strongest_echo_is_found_behind_the_leakage():
    echo = np.full((*SHAPE, 256), 40, np.uint8)
    echo[..., 3], echo[..., 50] = 255, 120
    row_m = 50 * Waveform().range_bin_m + 0.08 * np.cos(np.deg2rad([45, 15, -15, -45]))
    np.testing.assert_allclose(strongest_echo_m(echo), np.repeat(row_m[:, None], 100, 1), atol=1e-3)
    one = frame(2.0)
    one = Frame(**{**{name: getattr(one, name) for name in NAMES}, "echo": echo})
    assert score_strongest_echo([one]).as_json()["range_mae_m"] == pytest.approx(
        np.abs(row_m - 2).mean(), abs=1e-3
    )


def test_nothing_to_score_is_refused():
    scores = RangeScores()
    scores.add(np.full(SHAPE, 2.0), frame(np.inf))
    with pytest.raises(ValueError, match="no image"):
        scores.as_json()
