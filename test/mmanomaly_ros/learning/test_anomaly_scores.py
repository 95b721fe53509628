import numpy as np
import pytest

from mmanomaly_ros.learning.scores import (
    Outcome,
    auroc,
    balanced_f1,
    by_group,
    counted,
    f1,
    f1_interval,
    figures,
    roc,
    wilson,
)


def outcome(anomalous, alarmed, score=0.0, frames=10, **more):
    return Outcome(anomalous, alarmed, score, frames, **more)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    precision, recall = 8 / 11, 8 / 10
    assert f1(8, 10, 3) == pytest.approx(2 * precision * recall / (precision + recall))
    assert np.isnan(f1(0, 0, 3))
    assert f1(0, 5, 0) == 0


def test_balanced_f1_is_f1_of_as_many_normal_as_anomalous_sequences():
    assert balanced_f1(0.8, 0.3) == pytest.approx(f1(8, 10, 3))


@pytest.mark.parametrize(
    ("count", "total", "interval"),
    # Newcombe 1998, Statistics in Medicine 17, table I: the score method
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0, 0.1611))],
)
def test_wilsons_interval_is_the_published_one(count, total, interval):
    assert wilson(count, total) == pytest.approx(interval, abs=6e-5)


def test_no_share_of_nothing():
    assert wilson(0, 0) is None
    assert f1_interval(0, 0, 0, 5) is None


def test_the_interval_of_f1_narrows_as_the_root_of_sequences():
    widths = [np.ptp(f1_interval(8 * n, 10 * n, 2 * n, 10 * n)) for n in (4, 64)]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.15)
    low, high = f1_interval(8, 10, 2, 10)
    assert low < f1(8, 10, 2) < high


def test_auroc_counts_pairs_and_halves_ties():
    rng = np.random.default_rng(0)
    normal, other = rng.integers(0, 6, 30), rng.integers(2, 9, 20)
    pairs = (other[:, None] > normal).mean() + 0.5 * (other[:, None] == normal).mean()
    assert auroc(normal, other) == pytest.approx(pairs)


def test_sequences_without_a_score_are_never_alarmed():
    assert auroc([np.nan], [1.0]) == 1
    assert auroc([-5.0], [np.nan]) == 0
    assert np.isnan(auroc([], [1.0]))


def test_the_area_under_the_curve_is_auroc():
    rng = np.random.default_rng(1)
    normal, other = rng.normal(0, 1, 40).round(1), rng.normal(1, 1, 30).round(1)
    false, right = roc(normal, other)
    assert (false[0], right[0]) == (0, 0)
    assert (false[-1], right[-1]) == (1, 1)
    assert np.trapezoid(right, false) == pytest.approx(auroc(normal, other))
    with pytest.raises(ValueError, match="normal and anomalous"):
        roc(normal, [])


def test_figures_of_a_few_sequences():
    every = [
        outcome(True, True, 3, place_error_m=0.1, range_error_m=0.05, alarm_frames=4),
        outcome(True, True, 2, place_error_m=0.5),
        outcome(True, False, 0.5, place_error_m=9.0),  # not found: has no place
        outcome(False, True, 1, alarm_frames=3, above_frames=2),
        outcome(False, False, 0),
    ]
    found = figures(every)
    assert found["recall"] == found["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert (found["misses"], found["false_alarms"]) == (1, 1)
    assert (found["false_alarm_frames"], found["normal_frames"]) == (3, 20)
    assert found["false_alarm_frame_share"] == 0.15
    assert found["above_threshold_frames"] == 2
    assert found["localisation_median_m"] == 0.3
    assert found["localised"] == 2
    assert found["range_median_m"] == 0.05
    assert found["auroc"] == pytest.approx(5 / 6, abs=1e-4)


def test_what_cannot_be_counted_is_none():
    found = figures([outcome(False, False)])
    for name in ("f1", "precision", "recall", "auroc", "localisation_median_m", "recall_95"):
        assert found[name] is None, name


def test_groups_are_told_apart():
    every = [
        outcome(True, True, groups={"wall": "glass"}),
        outcome(True, False, groups={"wall": "plywood", "clutter": "yes"}),
        outcome(False, True, groups={"wall": "plywood"}),
    ]
    found = by_group(every)
    assert found["wall"]["glass"]["recall"] == 1
    assert found["wall"]["plywood"]["recall"] == 0
    assert found["wall"]["plywood"]["false_alarms"] == 1
    assert found["clutter"]["yes"]["normal"] == 0


def test_a_classifier_is_judged_on_classes_that_it_knows():
    pairs = [(1, 1), (1, 2), (1, 3), (0, -1)]
    found = counted(pairs, [True, True, True, False])
    assert found == {"accuracy": 0.5, "frames": 2, "unknown": 1}
    assert counted([], [])["accuracy"] is None
