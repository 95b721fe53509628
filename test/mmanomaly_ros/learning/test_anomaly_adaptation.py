from dataclasses import replace

import numpy as np
import pytest

from mmanomaly_ros.adaptation import (
    LEVELS_DB,
    Adaptation,
    AdaptedExpecter,
    read_adaptation,
    write_adaptations,
)
from mmanomaly_ros.alarm import AlarmSettings
from mmanomaly_ros.decision import WatchDecision
from mmanomaly_ros.expectation import LEAST_SPREAD_DB, Expectation
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.learning.adaptation import (
    Expected,
    Trained,
    adapt,
    fit_adaptation,
    fit_thresholds,
    halved,
    independent_share,
    shrunk,
)
from mmanomaly_ros.learning.adaptation_curve import (
    first_frames,
    first_part,
    frames_in,
    rows_of,
    site_of,
    wanted_of,
)
from mmanomaly_ros.learning.scores import Outcome
from mmanomaly_ros.spectrum import CEILING_DB
from mmwave.inference import ModelError

SHAPE = (3, 128, 64)
NONE = Adaptation.none()


def expectation(mean_db=5.0, spread_db=2.0):
    mean = np.broadcast_to(np.float32(mean_db), SHAPE).copy()
    some = np.ones(1)
    return Expectation(
        mean, np.full(SHAPE, spread_db, np.float32), mean[None], mean, some, some, some
    )


def run_of(bias_db, frames=40, noise_db=1.0, seed=0, mean_db=5.0):
    rng = np.random.default_rng(seed)
    expected = expectation(mean_db)
    return [
        Expected(
            (expected.mean_db + bias_db + rng.normal(0, noise_db, SHAPE)).astype(np.float32),
            expected,
        )
        for _ in range(frames)
    ]


def bias():
    """A cupboard behind the wall that the camera does not see."""
    result = np.zeros(SHAPE, np.float32)
    result[0, 60:70, 20:40] = 12.0
    return result


def root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_without_adaptation_nothing_changes():
    before = expectation(30.0)
    after = NONE(before)
    np.testing.assert_array_equal(after.mean_db, before.mean_db)
    np.testing.assert_array_equal(after.spread_db, before.spread_db)


def test_expectations_move_within_the_scale_and_spreads_stay_above_the_least():
    far = replace(NONE, cell_shift_db=np.full(SHAPE, 90, np.float32))
    assert far(expectation()).mean_db.max() == CEILING_DB
    narrow = replace(NONE, spread_scale=np.full(SHAPE, 1e-3, np.float32))
    assert narrow(expectation()).spread_db.min() == np.float32(LEAST_SPREAD_DB)


def test_shifts_by_level_go_with_the_level():
    level = np.zeros_like(NONE.level_shift_db)
    level[1, 3] = 4.0
    adaptation = replace(NONE, level_shift_db=level)
    half = (LEVELS_DB[2] + LEVELS_DB[3]) / 2
    for mean_db, shift_db in ((LEVELS_DB[3], 4.0), (half, 2.0), (LEVELS_DB[4], 0.0)):
        after = adaptation(expectation(mean_db)).mean_db
        assert np.allclose(after[1], mean_db + shift_db)
        assert np.allclose(after[0], mean_db)


@pytest.mark.parametrize(
    ("name", "value"),
    [("spread_scale", np.zeros(SHAPE)), ("cell_shift_db", np.zeros((3, 2, 2)))],
)
def test_an_impossible_adaptation_is_none(name, value):
    with pytest.raises(ValueError, match=name):
        replace(NONE, **{name: value.astype(np.float32)})


def test_a_card_is_of_a_watch_and_of_networks(tmp_path):
    path = tmp_path / "place.npz"
    own = replace(NONE, cell_shift_db=bias(), frames=7)
    write_adaptations(path, {"intruder": own}, "abc")
    found = read_adaptation(path, "intruder", "abc")
    np.testing.assert_array_equal(found.cell_shift_db, own.cell_shift_db)
    assert found.frames == 7
    assert read_adaptation(path, "fall", "abc") is None
    with pytest.raises(ModelError, match="other networks"):
        read_adaptation(path, "intruder", "abd")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ModelError, match="adapt to the place anew"):
        read_adaptation(path, "intruder", "abc")


def test_an_adaptation_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "place.npz"
    write_adaptations(path, {"intruder": NONE}, "abc")

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        write_adaptations(path, {"fall": NONE}, "abc")
    assert list(tmp_path.iterdir()) == [path]
    assert read_adaptation(path, "intruder", "abc") is not None


def test_an_adapted_expecter_draws_what_is_there():
    class Everywhere:
        samples, steps, schedule, spread_scale = 4, 4, None, 1.0

        def __call__(self, context, generator):
            return expectation(generator.random())

    adapted = AdaptedExpecter(Everywhere(), replace(NONE, cell_shift_db=bias()))
    plain = Everywhere()(None, np.random.default_rng(3))
    found = adapted(None, np.random.default_rng(3))
    np.testing.assert_allclose(found.mean_db - plain.mean_db, bias(), atol=1e-5)


def test_means_that_are_all_error_are_not_believed():
    rng = np.random.default_rng(0)
    error = np.full((1, 5000), 0.25)
    noise = rng.normal(0, 0.5, (1, 5000))
    assert root_mean_square(shrunk(noise, error)) < 0.05
    true = rng.normal(0, 1.0, (1, 5000))
    found = shrunk(true + noise, error)
    # the best linear estimate keeps 1 / (1 + 0.25) and errs by sqrt(0.25 * that)
    assert root_mean_square(found - true) == pytest.approx(np.sqrt(0.25 / 1.25), rel=0.03)


def test_neighbours_that_are_alike_count_less():
    rng = np.random.default_rng(1)
    correlation, rows = 0.8, [rng.normal(size=(1, 4000))]
    for _ in range(400):
        fresh = rng.normal(size=(1, 4000)) * np.sqrt(1 - correlation**2)
        rows.append(correlation * rows[-1] + fresh)
    share = independent_share([np.array(rows)])[0]
    assert share == pytest.approx((1 - correlation) / (1 + correlation), rel=0.02)
    assert independent_share([rng.normal(size=(2000, 1, 50))])[0] == pytest.approx(1, abs=0.03)


def test_what_a_place_has_of_its_own_is_found_and_the_better_the_longer():
    errors = []
    for frames in (2, 8, 32):
        found = fit_adaptation([run_of(bias(), frames, noise_db=4.0)])
        assert found.frames == frames
        errors.append(root_mean_square(found(expectation()).mean_db - 5.0 - bias()))
    assert errors[0] > 1.5 * errors[1] > 2 * errors[2]
    assert errors[2] < 0.3 * root_mean_square(bias())


def test_one_frame_is_hardly_believed():
    found = fit_adaptation([run_of(0.0, 1, noise_db=2.0)])
    assert root_mean_square(found.cell_shift_db) < 0.5
    with pytest.raises(ValueError, match="no frame"):
        fit_adaptation([[]])


def test_what_goes_with_the_level_is_not_left_in_the_cells():
    """Clothes that return 3 dB more than they look like, wherever somebody stands."""
    rng = np.random.default_rng(0)
    runs = []
    for _ in range(30):
        mean = np.zeros(SHAPE, np.float32)
        row, column = rng.integers(10, 100), rng.integers(4, 44)
        body = np.s_[:, row : row + 12, column : column + 16]
        mean[body] = 32.0
        measured = mean + rng.normal(0, 1, SHAPE).astype(np.float32)
        measured[body] += 3.0
        runs.append([Expected(measured.astype(np.float32), expectation(mean))])
    found = fit_adaptation(runs)
    np.testing.assert_allclose(found.level_shift_db[:, 4], 3.0, atol=0.3)
    np.testing.assert_allclose(found.level_shift_db[:, 0], 0.0, atol=0.1)
    assert root_mean_square(found.cell_shift_db) < 0.3


def test_spreads_follow_what_is_left():
    quiet = fit_adaptation([run_of(bias(), 60, noise_db=1.0)])  # half of the spread of 2 dB
    assert np.median(quiet.spread_scale) == pytest.approx(0.66, abs=0.08)
    loud = fit_adaptation([run_of(0.0, 60, noise_db=4.0)])
    assert np.median(loud.spread_scale) == pytest.approx(1.8, abs=0.2)


def decision(on=3.0, off=2.0, rate=0.005):
    return WatchDecision(1, AlarmSettings(on, off), false_alarm_rate=rate)


def features(scores):
    return [FrameFeatures(float(one)) for one in scores]


def normal_scores(mean, deviation, frames=2000, seed=0):
    return [features(np.random.default_rng(seed).normal(mean, deviation, frames))]


SPREAD = {"mean": 0.0, "within": 0.6, "between": 0.8, "frames": 10.0}


def test_a_place_that_scores_higher_than_others_has_a_higher_threshold():
    at = {mean: fit_thresholds(decision(), normal_scores(mean, 0.6), SPREAD) for mean in (0, 1.5)}
    assert at[1.5].alarm.on_threshold - at[0].alarm.on_threshold == pytest.approx(1.5, abs=0.05)
    # 3 were three deviations of all places, sqrt(0.6^2 + 0.8^2): of one place's 0.6 it is less
    assert at[0].alarm.on_threshold == pytest.approx(1.8, abs=0.15)
    assert at[0].alarm.off_threshold == pytest.approx(1.2, abs=0.1)


def test_people_who_come_and_go_are_different_at_one_place_too():
    """What visits differ by does not vanish with their number, the place's own mean is known."""
    rng = np.random.default_rng(0)
    visits = [features(rng.normal(1.0 + rng.normal(0, 0.8), 0.6, 10)) for _ in range(300)]
    found = fit_thresholds(decision(rate=0.5), visits, SPREAD)
    assert found.alarm.on_threshold == pytest.approx(1.0 + 3.0, abs=0.3)
    few = fit_thresholds(decision(rate=0.5), visits[:2], SPREAD)
    assert 2.5 < few.alarm.on_threshold < 4.5


def test_few_scores_hardly_move_a_threshold_of_places_that_are_alike():
    alike = {**SPREAD, "between": 0.01}
    found = fit_thresholds(decision(1.8, 1.2), normal_scores(0.5, 0.6, 3), alike)
    assert found.alarm.on_threshold == pytest.approx(1.8, abs=0.25)
    assert fit_thresholds(decision(), [], SPREAD) == decision()


def test_a_places_own_normal_frames_stay_below_its_threshold():
    rng = np.random.default_rng(2)
    heavy = rng.standard_t(2, 3000)  # far more outliers than a normal distribution has
    found = fit_thresholds(decision(), [features(heavy)], SPREAD)
    assert (heavy > found.alarm.on_threshold).mean() <= 0.005


def test_frames_are_judged_by_what_the_others_tell():
    """Thresholds of frames that were learned from themselves would be too low."""
    runs = [run_of(bias(), 6, seed=one) for one in range(2)]
    seen = []

    class Compares:
        def __call__(self, measured_db, expected, watch, fusion, range_bin_m):
            error = root_mean_square(measured_db - expected.mean_db)
            seen.append(error)
            return type("Comparison", (), {"features": features([error])[0]})

    trained = Trained(None, Compares(), decision(), SPREAD)
    adaptation, _ = adapt(runs, trained, 1)
    own = [root_mean_square(one.measured_db - adaptation(one.expectation).mean_db)
           for run in runs for one in run]  # fmt: skip
    assert len(seen) == 12
    assert np.mean(seen) > np.mean(own)
    assert np.mean(seen) < 1.2  # the cupboard is known all the same


def test_halves_of_a_single_run_both_know_all_of_its_time():
    assert halved([list("abcd")]) == ([list("ab")], [list("cd")])
    assert halved([["a"], ["b"], ["c"]]) == ([["a"], ["c"]], [["b"]])
    first, second = (np.concatenate(half) for half in halved([range(600)]))
    assert sorted([*first, *second]) == list(range(600))
    assert abs(first.mean() - second.mean()) < 110


def test_the_first_minutes_are_those_of_the_first_runs():
    runs = [list("abc"), list("de"), list("f")]
    assert first_frames(runs, 4) == [list("abc"), ["d"]]
    assert first_frames(runs, 0) == []
    assert first_frames(runs, 99) == runs
    assert frames_in(0.5) == 300


def test_people_who_are_judged_are_not_those_adapted_to():
    wanted = wanted_of("weapon", 3, 0.1)
    adapted, judged = wanted[:4], wanted[4:]  # 60 frames are four sequences
    assert all(not one.anomalous and one.conditions == "new_clothes" for one in adapted)
    assert not {one.seed for one in adapted} & {one.seed for one in judged}
    assert sum(one.anomalous for one in judged) == len(judged) / 2


@pytest.mark.parametrize("watch", [1, 2])
def test_a_place_is_judged_after_it_was_adapted_to(watch):
    from fake_scenes import scene

    name = ("weapon", "intruder", "fall")[watch]
    frames = wanted_of(name, 9, 0.1)[0].frames
    normal = replace(scene(watch, 9, frames), time_s=np.arange(frames) * 0.1)
    bad = np.arange(frames) >= 70 if watch == 2 else np.ones(frames, bool)
    other = replace(normal, anomalous=bad, position_m=np.ones((frames, 2), np.float32))
    site = site_of(name, [normal, other], 0.1)
    assert sum(len(one) for one in site.normal) == 60
    tests = [one for one in site.judged if not one.anomalous.any()]
    assert all(one.time_s[0] > site.normal[0].time_s[-1] for one in tests)
    assert len(tests) == 4
    bad_ones = [one for one in site.judged if one.anomalous.any()]
    if watch == 2:
        assert len(bad_ones) == 1
        assert not bad_ones[0].anomalous[0]  # the fall itself is in it
    else:
        assert len(bad_ones) == 4
    assert sum(len(one) for one in first_part(site.judged, 20)) == 20


def test_rows_join_the_places():
    def told(false, hits):
        normal = [Outcome(False, one < false, 0.0, 5) for one in range(4)]
        return normal + [Outcome(True, one < hits, 1.0, 5) for one in range(2)]

    rows = rows_of([{(0.0, "both"): told(1, 1), (1.0, "both"): told(0, 2)},
                    {(0.0, "both"): told(3, 2), (1.0, "both"): told(0, 1)}])  # fmt: skip
    assert [row["minutes"] for row in rows] == [0, 1]
    assert rows[0]["adapted"] == "nothing"
    assert rows[0]["recall"] == rows[1]["recall"] == 0.75
    assert (rows[0]["false_alarms"], rows[0]["normal"]) == (4, 8)
    assert rows[0]["f1"] == pytest.approx(2 * 0.75 / (1 + 0.75 + 0.5), abs=1e-4)
