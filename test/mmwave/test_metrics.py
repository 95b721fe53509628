import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.boxes import box_overlap, circular_overlap
from mmwave.metrics import (
    ImageBoxes,
    angle_between_deg,
    average_precision,
    azimuth_difference_rad,
    chamfer_distance,
    confusion_matrix,
    intersection_over_union,
    mean_azimuth_rad,
    mean_excess,
    modified_hausdorff_distance,
    nearest_distances,
    pixel_accuracy,
    recall_of,
)

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "average_precision.json").read_text(encoding="utf-8")
)
COLUMNS = 64


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


def plane_overlap(one, others):
    return box_overlap(np.array(one, float), np.array(others, float).reshape(-1, 4))


def panorama_overlap(one, others):
    return circular_overlap(np.array(one), np.array(others).reshape(-1, 4), COLUMNS)


@pytest.mark.parametrize("kind", range(len(RECORDED["kinds"])))
def test_agrees_with_pycocotools(kind):
    """Random boxes with ties and ignored ones; see test/data/make_average_precision.py."""
    images = [
        ImageBoxes(one["found"], one["scores"], one["true"], one["ignored"])
        for one in RECORDED["kinds"][kind]
    ]
    expected = RECORDED["average_precision"][kind]
    assert 0.05 < np.mean(expected) < 0.5
    np.testing.assert_allclose(average_precision(images, plane_overlap), expected, atol=1e-12)
    for most, recall in zip(RECORDED["most"], RECORDED["recall"][kind], strict=True):
        np.testing.assert_allclose(recall_of(images, plane_overlap, most=most), recall, atol=1e-12)


def test_an_ignored_box_counts_neither_way():
    true, found = [(0, 1), (5, 6)], [(5, 6), (0, 1)]
    image = ImageBoxes(found, [0.9, 0.8], true, [False, True])
    assert average_precision([image], interval_overlap, [0.5])[0] == 1
    without = ImageBoxes(found[1:], [0.8], true, [False, True])
    assert average_precision([without], interval_overlap, [0.5])[0] == 1
    twice = ImageBoxes([(5, 6), *found], [0.9, 0.8, 0.7], true, [False, True])
    # the second detection of the ignored box finds it taken: one wrong before one right
    assert average_precision([twice], interval_overlap, [0.5])[0] == pytest.approx(1 / 2)


def test_a_box_that_counts_comes_before_an_ignored_one_that_overlaps_more():
    image = ImageBoxes([(0, 1)], [0.9], [(0, 1), (0, 1.5)], [True, False])
    assert recall_of([image], interval_overlap, [0.5])[0] == 1


def test_of_equal_overlaps_the_last_true_box_is_taken_as_in_pycocotools():
    true = [(0, 1), (1, 2)]
    found, scores = [(0, 2), (0, 1)], [0.9, 0.8]
    assert recall_of([ImageBoxes(found, scores, true)], interval_overlap, [0.5])[0] == 1
    assert recall_of([ImageBoxes(found, scores, true[::-1])], interval_overlap, [0.5])[0] == 0.5


def test_recall_is_the_share_found_by_so_many_detections():
    true = [(10 * n, 10 * n + 1) for n in range(4)]
    image = ImageBoxes([(91, 92), true[0], true[1]], [0.9, 0.8, 0.7], true)
    shares = [recall_of([image], interval_overlap, [0.5], most)[0] for most in (1, 2, 3, 9)]
    assert shares == [0, 0.25, 0.5, 0.5]
    assert average_precision([image], interval_overlap, [0.5], most=1)[0] == 0
    assert np.isnan(recall_of([ImageBoxes([(0, 1)], [1], [])], interval_overlap)).all()
    assert np.isnan(recall_of([], interval_overlap)).all()


def test_mean_excess_is_the_integral_of_recall_over_all_overlaps():
    true = [(0, 10), (20, 30), (40, 50), (60, 70)]
    found = [(0, 8), (20, 26), (40, 44), (90, 91)]  # overlaps of 0.8, 0.6, 0.4 and none
    image = ImageBoxes(found, [0.9, 0.8, 0.7, 0.6], true)
    assert mean_excess([image], interval_overlap) == pytest.approx(2 * (0.3 + 0.1) / 4)
    over = np.linspace(0.5, 1, 2001)
    recall = recall_of([image], interval_overlap, over)
    integral = 2 * np.trapezoid(recall, over)
    assert mean_excess([image], interval_overlap) == pytest.approx(integral, abs=1e-3)
    assert mean_excess([image], interval_overlap, 1) == pytest.approx(2 * 0.3 / 4)


def test_mean_excess_leaves_out_what_need_not_be_found():
    image = ImageBoxes([(0, 10)], [0.9], [(0, 10), (20, 30)], [False, True])
    assert mean_excess([image], interval_overlap) == 1
    assert mean_excess([ImageBoxes([], [], [(0, 1)])], interval_overlap) == 0
    assert np.isnan(mean_excess([ImageBoxes([(0, 1)], [1], [])], interval_overlap))
    with pytest.raises(ValueError, match="most must be positive"):
        mean_excess([image], interval_overlap, 0)


boxes_on_a_panorama = st.lists(
    st.tuples(st.integers(0, 63), st.integers(0, 9), st.integers(1, 40), st.integers(1, 9)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=5,
)
panoramas = st.lists(
    st.tuples(boxes_on_a_panorama, boxes_on_a_panorama, st.integers(0, 2**32 - 1)),
    min_size=1,
    max_size=4,
)


def imaged(scenes):
    """Detections beside every true box and elsewhere, no two of the same score."""
    images = []
    for number, (true, stray, seed) in enumerate(scenes):
        rng = np.random.default_rng(seed)
        near = [(left + rng.integers(2), top, right, bottom) for left, top, right, bottom in true]
        found = near + stray
        scores = rng.permutation(len(found)) + number / len(scenes)  # equal ones have an order
        images.append(ImageBoxes(found, scores, true))
    return images


@given(panoramas, st.integers(1, 63))
def test_precision_does_not_depend_on_where_the_seam_is(scenes, columns):
    images = imaged(scenes)

    def turned(boxes):
        return [
            ((b[0] + columns) % COLUMNS, b[1], (b[0] + columns) % COLUMNS + b[2] - b[0], b[3])
            for b in boxes
        ]

    other = [ImageBoxes(turned(one.found), one.scores, turned(one.true)) for one in images]
    np.testing.assert_array_equal(
        average_precision(other, panorama_overlap), average_precision(images, panorama_overlap)
    )


@given(panoramas, st.randoms())
def test_precision_does_not_depend_on_the_order_of_images_and_detections(scenes, random):
    images = imaged(scenes)
    mixed = []
    for one in images:
        order = random.sample(range(len(one.found)), len(one.found))
        found, scores = [one.found[n] for n in order], [one.scores[n] for n in order]
        mixed.append(ImageBoxes(found, scores, one.true))
    random.shuffle(mixed)
    expected = average_precision(images, panorama_overlap)
    np.testing.assert_allclose(average_precision(mixed, panorama_overlap), expected, atol=1e-12)


@given(panoramas)
def test_the_truth_is_found_whole(scenes):
    images = [ImageBoxes(true, np.ones(len(true)), true) for true, _, _ in scenes]
    expected = 1.0 if any(true for true, _, _ in scenes) else np.nan
    for score in (average_precision, recall_of):
        np.testing.assert_array_equal(score(images, panorama_overlap), np.full(10, expected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([(0, 1)], [np.nan], []), "scores must be numbers"),
        (([], [], [(0, 1)], [True, False]), "1 true boxes have 2 flags"),
    ],
)
def test_images_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageBoxes(*arguments)


def test_no_detections_at_all_are_refused():
    with pytest.raises(ValueError, match="most must be positive"):
        average_precision([], interval_overlap, most=0)


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


labels = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).choice([0, 1, 2, 3, 255], (2, 30))
)


@given(labels, st.permutations(range(4)), st.randoms())
def test_segmentation_depends_neither_on_the_order_of_pixels_nor_of_classes(pair, names, random):
    true, found = pair[0], pair[1] % 255
    confusion = confusion_matrix(found, true, 4)
    order = random.sample(range(len(true)), len(true))
    np.testing.assert_array_equal(confusion_matrix(found[order], true[order], 4), confusion)
    renamed = np.append(names, np.full(252, 255))
    other = confusion_matrix(renamed[found], renamed[true], 4)
    assert pixel_accuracy(other) == pytest.approx(pixel_accuracy(confusion), nan_ok=True)
    before, after = intersection_over_union(confusion), intersection_over_union(other)
    np.testing.assert_allclose(after[names], before)


@given(labels)
def test_the_true_classes_are_right_everywhere(pair):
    true = pair[0]
    confusion = confusion_matrix(true % 255, true, 4)
    assert confusion.sum() == np.sum(true != 255)
    overlap = intersection_over_union(confusion)
    there = np.isin(np.arange(4), true)
    np.testing.assert_array_equal(overlap, np.where(there, 1, np.nan))


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


@pytest.mark.parametrize("dimension", [2, 3])
def test_distances_are_those_of_every_pair(dimension):
    rng = np.random.default_rng(dimension)
    one, other = rng.normal(size=(30, dimension)), rng.normal(size=(20, dimension))
    pairs = np.linalg.norm(one[:, None] - other, axis=-1)
    there, back = nearest_distances(one, other)
    np.testing.assert_allclose(there, pairs.min(axis=1))
    np.testing.assert_allclose(back, pairs.min(axis=0))
    means = pairs.min(axis=1).mean(), pairs.min(axis=0).mean()
    assert chamfer_distance(one, other) == pytest.approx(sum(means))
    assert modified_hausdorff_distance(one, other) == pytest.approx(max(means))


def test_a_stray_point_counts_by_its_share():
    cloud = np.zeros((4, 2))
    stray = np.vstack([cloud[:3], [[0, 8.0]]])
    assert modified_hausdorff_distance(cloud, stray) == 2
    assert chamfer_distance(cloud, stray) == 2


@given(clouds, clouds, st.floats(-np.pi, np.pi))
def test_distances_do_not_depend_on_the_axes(one, other, angle):
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    for distance in (chamfer_distance, modified_hausdorff_distance):
        moved = distance(one @ turned.T + [1, 2, 3], other @ turned.T + [1, 2, 3])
        assert moved == pytest.approx(distance(one, other))


@pytest.mark.parametrize("angle_deg", [0, 1e-6, 0.5, 60, 90, 135, 180 - 1e-6, 180])
def test_angles_are_exact_however_small(angle_deg):
    angle = np.deg2rad(angle_deg)
    one, other = np.array([3.0, 0, 0]), 0.1 * np.array([np.cos(angle), 0, np.sin(angle)])
    assert angle_between_deg(one, other) == pytest.approx(angle_deg, rel=1e-7, abs=1e-13)


@given(clouds, st.integers(0, 2**32 - 1))
def test_angles_are_mutual_and_nothing_with_itself(vectors, seed):
    others = np.random.default_rng(seed).normal(size=vectors.shape)
    angle = angle_between_deg(vectors, others)
    np.testing.assert_array_equal(angle_between_deg(others, vectors), angle)
    np.testing.assert_allclose(angle_between_deg(vectors, -others), 180 - angle, atol=1e-9)
    np.testing.assert_allclose(angle_between_deg(vectors, 2 * vectors), 0, atol=1e-9)


def test_without_a_direction_there_is_no_angle():
    found = angle_between_deg(np.array([[0, 0, 0], [1, 0, 0]]), np.array([[1, 0, 0], [0, 1, 0]]))
    np.testing.assert_allclose(found, [np.nan, 90])
    with pytest.raises(ValueError, match="dimensions differ"):
        angle_between_deg(np.ones(2), np.ones(3))


degrees = st.integers(-720, 720)


@given(degrees, degrees)
def test_azimuths_differ_the_short_way_round(one, other):
    found = np.rad2deg(azimuth_difference_rad(np.deg2rad(one), np.deg2rad(other)))
    short = (one - other + 180) % 360 - 180
    assert -180 <= found < 180
    # at half a turn rounding decides which way
    assert found == pytest.approx(short, abs=1e-9) or (short == -180 and found > 180 - 1e-9)


@given(st.lists(st.integers(-60, 60), min_size=1, max_size=9), degrees)
def test_the_mean_azimuth_turns_with_the_azimuths(spread, turn):
    before = mean_azimuth_rad(np.deg2rad(spread))
    after = mean_azimuth_rad(np.deg2rad(np.add(spread, turn)))
    assert azimuth_difference_rad(after, before + np.deg2rad(turn)) == pytest.approx(0, abs=1e-9)


def test_the_mean_azimuth_knows_the_seam():
    found = np.rad2deg(mean_azimuth_rad(np.deg2rad([350, 20])))
    assert found == pytest.approx(5)
    assert abs(np.rad2deg(mean_azimuth_rad(np.deg2rad([-179, 179])))) == pytest.approx(180)


@pytest.mark.parametrize("wrong", [[], [np.nan], [0, np.pi]])
def test_azimuths_without_a_mean_are_refused(wrong):
    with pytest.raises(ValueError, match="azimuths"):
        mean_azimuth_rad(np.array(wrong))
