"""What detections are worth: perfect ones, none, and those of one place wrong."""

from dataclasses import replace

import numpy as np
import pytest
from rooms import sequence

from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.detections import Detections
from rexo_ros.learning.samples import SimulatedSet
from rexo_ros.learning.scores import DetectionScores, nearest_depth_m


def found(sample, shift_m=0.0, image=True):
    boxes = sample.boxes_m.astype(float)
    boxes[:, 0] += shift_m
    pixels = np.clip(MOUNTED_CAMERA.around(boxes), 0, [640, 480, 640, 480])
    return Detections(boxes, np.linspace(0.9, 0.8, len(boxes)), pixels if image else None)


@pytest.fixture
def samples():
    return [SimulatedSet([sequence(room, people=2)])[0] for room in range(4)]


def test_the_truth_itself_is_all_right(samples):
    scores = DetectionScores()
    for sample in samples:
        scores.add(found(sample), sample)
    told = scores.as_json()
    for name in ("ap", "ap50", "ap75", "ar10", "ap_3d", "ar10_3d", "ar10_integral"):
        assert told[name] == pytest.approx(100, abs=0.01)
    assert told["ar1"] == pytest.approx(50, abs=0.01)  # one detection of two people
    assert told["ar1_integral"] == pytest.approx(50, abs=8)  # and a little where they overlap
    assert told["place_median_m"] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(scores.overlaps, 1, atol=1e-4)
    assert (told["frames"], told["people"]) == (4, 8)
    assert (told["missed_share"], told["false_per_frame"]) == (0, 0)


def test_boxes_beside_people_are_wrong_in_space_by_how_far(samples):
    scores = DetectionScores()
    for sample in samples:
        scores.add(found(sample, 0.1), sample)  # 0.4 of 0.6 of bodies that are 0.5 m wide
    told = scores.as_json()
    assert told["ap50_3d"] == pytest.approx(100, abs=0.01)
    assert told["ap75_3d"] == pytest.approx(0, abs=0.01)
    assert told["place_median_m"] == pytest.approx(0.1, abs=1e-3)


def test_who_is_missed_does_not_count_as_found_far_away(samples):
    scores = DetectionScores()
    scores.add(found(samples[0]).surer_than(0.85), samples[0])  # one of two
    far = found(samples[1], 0.7)
    scores.add(far, samples[1])
    told = scores.as_json()
    assert told["place_median_m"] == pytest.approx(0, abs=1e-6)
    assert told["missed_share"] == pytest.approx(3 / 4)
    assert told["false_per_frame"] == pytest.approx(1)


def test_who_need_not_be_found_is_neither_missed_nor_false(samples):
    sample = samples[0]
    beside = replace(
        sample,
        boxes_m=sample.boxes_m[:1],
        image_px=sample.image_px[:1],
        unseen_m=sample.boxes_m[1:],
        unseen_px=sample.image_px[1:],
    )
    for detections in (found(sample), found(beside)):
        scores = DetectionScores()
        scores.add(detections, beside)
        told = scores.as_json()
        assert (told["missed_share"], told["false_per_frame"]) == (0, 0)


def test_nothing_found_is_nothing_worth_and_no_truth_is_no_figure(samples):
    scores = DetectionScores()
    nothing = Detections(np.zeros((0, 6)), np.zeros(0), np.zeros((0, 4)))
    scores.add(nothing, samples[0])
    assert scores.as_json()["ap"] == 0
    assert scores.as_json()["place_median_m"] is None
    assert scores.overlaps.tolist() == [0, 0]
    assert DetectionScores().as_json()["ap"] is None


def test_without_a_camera_space_alone_is_judged(samples):
    scores = DetectionScores()
    scores.add(found(samples[0], image=False), samples[0])
    assert scores.as_json()["ap"] is None
    assert scores.as_json()["ap_3d"] == pytest.approx(100, abs=0.01)
    for sample in samples:
        scores.add(found(sample, image=False), sample)
    rows = scores.by_depth_difference()
    assert sum(row["frames"] for row in rows) > 0
    assert all(row["ap_3d"] == pytest.approx(100, abs=0.01) for row in rows if row["frames"])


def test_frames_are_told_by_how_near_in_depth_people_are(samples):
    scores = DetectionScores()
    for sample in samples:
        scores.add(found(sample), sample)
    rows = scores.by_depth_difference()
    assert sum(row["frames"] for row in rows) == 4
    for row in rows:
        assert (row["ap"] is None) == (row["frames"] == 0)
    boxes = np.ones((3, 6))
    boxes[:, 2] = 3.0, 5.0, 4.5
    assert nearest_depth_m(boxes) == 0.5
    assert np.isnan(nearest_depth_m(np.zeros((1, 6))))


def test_who_need_not_be_found_is_neither_right_nor_wrong(samples):
    """People beside the heatmaps or the image: finding them is no mistake."""
    whole = samples[0]
    lone = replace(
        whole,
        boxes_m=whole.boxes_m[:1],
        image_px=whole.image_px[:1],
        unseen_m=whole.boxes_m[1:],
        unseen_px=whole.image_px[1:],
    )
    scores = DetectionScores()
    everybody = found(whole)
    scores.add(replace(everybody, scores=everybody.scores[::-1].copy()), lone)
    told = scores.as_json()
    assert told["ap"] == pytest.approx(100, abs=0.01)
    assert told["ap_3d"] == pytest.approx(100, abs=0.01)
    assert told["people"] == 1


def test_boxes_beside_the_image_do_not_count_in_it(samples):
    scores = DetectionScores()
    right = found(samples[0])
    far = right.boxes_m[:1].copy()
    far[:, 0] += 9
    beside = Detections(
        np.concatenate([right.boxes_m, far]),
        np.array([0.5, 0.5, 0.9]),
        np.concatenate([right.image_px, [[640.0, 10, 640, 90]]]),
    )
    scores.add(beside, samples[0])
    assert scores.as_json()["ap"] == pytest.approx(100, abs=0.01)
    assert scores.as_json()["ap_3d"] < 90
