import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.metrics import (
    ImageBoxes,
    average_precision,
    chamfer_distance,
    confusion_matrix,
    intersection_over_union,
    modified_hausdorff_distance,
    pixel_accuracy,
)


def interval_overlap(one, others):
    """Intersection over union of intervals (low, high)."""
    others = np.array(others, float).reshape(-1, 2)
    common = np.clip(np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0]), 0, None)
    return common / (one[1] - one[0] + others[:, 1] - others[:, 0] - common)


def test_all_found_and_nothing_else_is_one():
    image = ImageBoxes([(0, 1), (5, 6)], [0.9, 0.8], [(5, 6), (0, 1)])
    np.testing.assert_allclose(average_precision([image], interval_overlap), 1)


def test_half_found_is_half_of_the_recalls():
    image = ImageBoxes([(0, 1)], [0.9], [(5, 6), (0, 1)])
    assert average_precision([image], interval_overlap, [0.5])[0] == pytest.approx(51 / 101)


def test_a_wrong_detection_that_is_surer_costs_precision():
    image = ImageBoxes([(8, 9), (0, 1)], [0.9, 0.8], [(0, 1)])
    assert average_precision([image], interval_overlap, [0.5])[0] == pytest.approx(0.5)
    less = ImageBoxes([(8, 9), (0, 1)], [0.7, 0.8], [(0, 1)])
    assert average_precision([less], interval_overlap, [0.5])[0] == 1


def test_a_true_box_is_taken_once():
    image = ImageBoxes([(0, 1), (0, 1)], [0.9, 0.8], [(0, 1), (5, 6)])
    # precision 1 at recall 0.5, then nothing more
    assert average_precision([image], interval_overlap, [0.5])[0] == pytest.approx(51 / 101)


def test_overlap_decides_by_threshold():
    image = ImageBoxes([(0, 0.72)], [0.9], [(0, 1)])
    found = average_precision([image], interval_overlap)
    np.testing.assert_array_equal(found, [1] * 5 + [0] * 5)  # 0.50 to 0.70, then not


def test_scores_are_compared_between_images():
    right = ImageBoxes([(0, 1)], [0.5], [(0, 1)])
    wrong = ImageBoxes([(3, 4)], [0.9], [])
    assert average_precision([right, wrong], interval_overlap, [0.5])[0] == pytest.approx(0.5)


def test_without_true_boxes_there_is_no_precision():
    assert np.isnan(average_precision([ImageBoxes([(0, 1)], [0.5], [])], interval_overlap)).all()
    assert average_precision([ImageBoxes([], [], [(0, 1)])], interval_overlap, [0.5])[0] == 0


def test_scores_must_fit():
    with pytest.raises(ValueError, match="1 detections have 2 scores"):
        ImageBoxes([(0, 1)], [0.5, 0.4], [])


def test_agrees_with_a_hand_made_curve():
    """Five true boxes; hits and misses in the order of the scores: + - + + - +."""
    true = [(10 * n, 10 * n + 1) for n in range(5)]
    found = [true[0], (91, 92), true[1], true[2], (93, 94), true[3]]
    image = ImageBoxes(found, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], true)
    # highest precision at or beyond recalls 0.2, 0.4, 0.6, 0.8: 1, 3/4, 3/4, 4/6
    expected = (21 * 1 + 40 * 0.75 + 20 * 4 / 6) / 101
    assert average_precision([image], interval_overlap, [0.5])[0] == pytest.approx(expected)


def test_confusion_counts_rows_of_truth_and_leaves_out_what_is_ignored():
    true = np.array([[0, 0, 1], [2, 255, 1]])
    found = np.array([[0, 1, 1], [2, 0, 0]])
    confusion = confusion_matrix(found, true, 3)
    np.testing.assert_array_equal(confusion, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(intersection_over_union(confusion), [1 / 3, 1 / 3, 1])
    assert pixel_accuracy(confusion) == pytest.approx(0.6)


def test_a_class_that_is_nowhere_has_no_overlap_and_no_pixels_no_accuracy():
    confusion = confusion_matrix(np.array([0]), np.array([0]), 2)
    np.testing.assert_array_equal(intersection_over_union(confusion), [1, np.nan])
    assert np.isnan(pixel_accuracy(np.zeros((2, 2), int)))


@pytest.mark.parametrize(("found", "true"), [([0], [7]), ([9], [0]), ([-1], [0])])
def test_classes_out_of_range_are_refused(found, true):
    with pytest.raises(ValueError, match="classes must be 0 to 2"):
        confusion_matrix(np.array(found), np.array(true), 3)


clouds = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).normal(size=(1 + seed % 20, 3))
)


@given(clouds, clouds)
def test_distances_are_symmetric_and_bounded_by_each_other(one, other):
    chamfer = chamfer_distance(one, other)
    hausdorff = modified_hausdorff_distance(one, other)
    assert chamfer == pytest.approx(chamfer_distance(other, one))
    assert hausdorff == pytest.approx(modified_hausdorff_distance(other, one))
    assert hausdorff <= chamfer + 1e-12 <= 2 * hausdorff + 2e-12


@given(clouds)
def test_a_cloud_is_nowhere_from_itself_in_any_order(cloud):
    assert chamfer_distance(cloud, cloud[::-1]) == 0
    assert modified_hausdorff_distance(cloud, cloud[::-1]) == 0


def test_a_plane_moved_by_two_centimetres_is_two_centimetres_away():
    x, y = np.meshgrid(np.arange(20.0), np.arange(20.0))
    plane = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3)
    moved = plane + np.array([0, 0, 0.02])
    assert chamfer_distance(plane, moved) == pytest.approx(0.04)
    assert modified_hausdorff_distance(plane, moved) == pytest.approx(0.02)


@pytest.mark.parametrize("wrong", [np.empty((0, 3)), np.array([[np.nan, 0, 0]]), np.zeros((2, 2))])
def test_clouds_that_cannot_be_compared_are_refused(wrong):
    with pytest.raises(ValueError, match=r"cloud|dimensions"):
        chamfer_distance(wrong, np.zeros((4, 3)))
