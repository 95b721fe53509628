"""Hysteresis, the unknown that is never normal, thresholds that hold, and falls unlike the rest."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from mmanomaly_ros.alarm import Alarm, AlarmSettings, AlarmState
from mmanomaly_ros.comparison import Fusion
from mmanomaly_ros.decision import (
    Decision,
    SequenceDecider,
    WatchDecision,
    decide,
)
from mmanomaly_ros.falls import WINDOW_FEATURES, FallNovelty, Normals, window_features
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.lasting import LEAST, lasting_cells
from mmanomaly_ros.learning.thresholds import alarm_share, fit_decision, threshold_for
from mmanomaly_ros.watch import TASKS
from mmwave.inference import ModelError

LETTERS = {AlarmState.NORMAL: "n", AlarmState.ANOMALY: "a", AlarmState.UNKNOWN: "u"}
LOW, MIDDLE, HIGH, BAD = 0.0, 1.5, 3.0, None


def states(scores, **settings):
    alarm = Alarm(AlarmSettings(2.0, 1.0, **settings))
    told = (alarm.update(np.nan, "dark") if one is BAD else alarm.update(one) for one in scores)
    return "".join(LETTERS[one] for one in told)


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        # two above switch it on, three below off; between the thresholds it stays what it is
        ([LOW] * 3 + [HIGH] * 2 + [LOW] * 3, "uunnaaan"),
        ([LOW] * 3 + [HIGH, LOW, HIGH, HIGH], "uunnnna"),
        ([HIGH] * 2 + [MIDDLE] * 5 + [LOW] * 3, "uaaaaaaaan"),
        ([HIGH] * 2 + [LOW, LOW, MIDDLE, LOW, LOW, LOW], "uaaaaaan"),
        ([MIDDLE] * 4, "uunn"),
        # exactly at a threshold is not beyond it
        ([LOW] * 3 + [2.0] * 3, "uunnnn"),
        ([HIGH] * 2 + [1.0] * 4, "uaaaaa"),
        # nothing known: the alarm outlives it, and calm has to come anew
        ([LOW] * 3 + [BAD] + [LOW] * 3, "uunuuun"),
        ([HIGH] * 2 + [BAD] * 5 + [MIDDLE, LOW, LOW, LOW], "uauuuuuaaan"),
        ([HIGH, BAD, HIGH, HIGH], "uuua"),
        ([np.nan, LOW, LOW, LOW, np.nan, np.inf], "uuunuu"),
    ],
)
def test_the_alarm_switches_as_the_table_says(scores, wanted):
    assert states(scores, rise_frames=2, fall_frames=3) == wanted


@given(st.lists(st.sampled_from([LOW, MIDDLE, HIGH, BAD])), st.integers(1, 3), st.integers(1, 3))
def test_what_is_not_known_is_never_normal(scores, rise_frames, fall_frames):
    told = states(scores, rise_frames=rise_frames, fall_frames=fall_frames)
    for index, (score, state) in enumerate(zip(scores, told, strict=True)):
        if BAD in scores[max(0, index + 1 - fall_frames) : index + 1] or index + 1 < fall_frames:
            assert state != "n"
        assert (score is not BAD) or state == "u"


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"off_threshold 2.0 must be at most on_threshold 1.0"):
        AlarmSettings(1.0, 2.0)
    with pytest.raises(ValueError, match="finite"):
        AlarmSettings(np.inf, 2.0)
    with pytest.raises(ValueError, match="at least 1"):
        AlarmSettings(1.0, 0.0, rise_frames=0)


@pytest.mark.parametrize("law", ["standard_normal", "standard_exponential", "standard_cauchy"])
def test_the_rate_of_false_alarms_holds_on_fresh_scores_as_often_as_stated(law):
    """Of many thresholds a share of 95 % keeps to the rate, whatever the scores' distribution."""
    generator = np.random.default_rng(6)
    fresh = np.sort(getattr(generator, law)(400_000))
    kept, trials, rates = 0, 400, []
    for _ in range(trials):
        found = threshold_for(getattr(generator, law)(1000), 0.02, 0.95)
        assert found.rate == 0.02
        rates.append(1 - np.searchsorted(fresh, found.value, "right") / fresh.size)
        kept += rates[-1] <= 0.02 * 1.03  # the fresh ones are a sample too
    assert kept >= binom.ppf(1e-4, trials, 0.95)
    assert np.mean(rates) > 0.008  # and it is not bought with a threshold far too high


def test_too_few_scores_state_the_rate_that_they_can():
    found = threshold_for(np.arange(100), 1 / 200)
    assert found.value == 99
    assert found.rate == pytest.approx(1 - 0.05 ** (1 / 100))
    assert threshold_for(np.arange(597), 1 / 200).rate > 1 / 200
    assert threshold_for(np.arange(598), 1 / 200).rate == 1 / 200
    with pytest.raises(ValueError, match="finite"):
        threshold_for(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="at least one"):
        threshold_for(np.zeros(0))


def frames(scores, **others):
    return [FrameFeatures(score=float(one), **others) for one in scores]


def test_a_decider_takes_the_mean_of_its_window_and_says_nothing_before():
    decider = SequenceDecider(WatchDecision(3, AlarmSettings(2.0, 1.0)))
    scores = [decider.update(one) for one in frames([1, 2, 6, 4])]
    assert np.isnan(scores[:2]).all()
    assert scores[2:] == [3.0, 4.0]
    decider.reset()
    assert np.isnan(decider.update(frames([9])[0]))


def test_a_window_is_a_time_however_many_frames_came():
    decider = SequenceDecider(WatchDecision(20, AlarmSettings(2.0, 1.0)))
    scores = [8.0] * 10 + [0.0] * 20
    told = [decider.update(replace(one, time_s=0.2 * number))
            for number, one in enumerate(frames(scores))]  # fmt: skip
    assert np.isnan(told[:10]).all()
    assert told[10] > 7.0
    assert told[18] > 0.0
    assert told[19:] == [0.0] * 11  # two seconds after the last of the others


def test_a_short_window_waits_for_all_of_its_frames():
    decider = SequenceDecider(WatchDecision(4, AlarmSettings(2.0, 1.0)))
    told = [decider.update(replace(one, time_s=0.25 * number))
            for number, one in enumerate(frames([1.0, 2.0, 3.0, 6.0, 3.0]))]  # fmt: skip
    assert np.isnan(told[:3]).all()
    assert told[3:] == [3.0, 3.5]


def test_a_window_with_hardly_any_frames_tells_nothing():
    decider = SequenceDecider(WatchDecision(20, AlarmSettings(2.0, 1.0)))
    told = [decider.update(replace(one, time_s=0.3 * number))
            for number, one in enumerate(frames([1.0] * 16))]  # fmt: skip
    assert np.isnan(told).all()


@pytest.mark.parametrize("window", [1, 3, 4, 20, 30])
def test_stamps_that_jitter_are_frames_in_a_row(window):
    generator = np.random.default_rng(window)
    scores = generator.standard_normal(60)
    steady = SequenceDecider(WatchDecision(window, AlarmSettings(2.0, 1.0)))
    jittered = SequenceDecider(WatchDecision(window, AlarmSettings(2.0, 1.0)))
    for number, one in enumerate(frames(scores)):
        late_s = float(generator.uniform(-0.02, 0.02))
        late = replace(one, time_s=7.0 + 0.1 * number + late_s)
        expected, found = steady.update(one), jittered.update(late)
        np.testing.assert_allclose(found, expected)


def test_a_sequence_is_anomalous_if_the_alarm_was_ever_on():
    decision = WatchDecision(2, AlarmSettings(2.0, 1.0, rise_frames=2, fall_frames=1))
    found = decide(frames([0, 0, 5, 5, 5, 0, 0, 0]), decision)
    assert found.anomalous
    assert found.states[-1] is AlarmState.NORMAL
    assert found.score == 5.0
    assert not decide(frames([0, 0, 3, 0, 0, 0]), decision).anomalous
    short = decide(frames([9]), decision)
    assert np.isnan(short.score)
    assert short.states == [AlarmState.UNKNOWN]


def test_a_fitted_decision_keeps_its_rate_on_fresh_sequences():
    generator = np.random.default_rng(7)

    def runs():
        return [frames(generator.standard_normal(8) + generator.normal()) for _ in range(400)]

    decision = fit_decision(0, runs(), rate=0.05, fall_frames=3)
    assert decision.normal_frames == 400 * 5
    assert decision.alarm.fall_frames == 3
    assert decision.alarm.off_threshold < decision.alarm.on_threshold
    scores = np.concatenate([decide(run, decision).scores[3:] for run in runs()])
    # frames of a sequence are not independent: 400 sequences tell the rate
    assert np.mean(scores > decision.alarm.on_threshold) < binom.ppf(0.999, 400, 0.05) / 400
    with pytest.raises(ValueError, match="as long as 4 frames"):
        fit_decision(0, [frames([1, 2])])


def test_no_more_normal_frames_are_in_alarm_than_the_rate_though_alarms_last():
    generator = np.random.default_rng(11)
    runs = [frames(generator.standard_normal(40)) for _ in range(60)]
    decision = fit_decision(0, runs, rate=0.02, fall_frames=5)
    assert 0 < alarm_share(runs, decision) <= 0.02
    scores = np.concatenate([decide(run, decision).scores[3:] for run in runs])
    above = np.mean(scores > decision.alarm.on_threshold)
    assert 0 < above < alarm_share(runs, decision)


def test_an_intruder_is_told_by_the_place_where_evidence_adds_up():
    def seen(place):
        logits = np.full((128, 64), -10.0)
        logits[place] = 3.0
        return FrameFeatures(0.0, cells=lasting_cells(logits))

    decider = SequenceDecider(WatchDecision(4, AlarmSettings(2.0, 1.0)))
    told = [decider.update(seen((60, 30))) for _ in range(4)]
    assert told[-1] == pytest.approx(3.0)
    told = [decider.update(seen((10 + 25 * number, 30))) for number in range(4)]
    assert told[-1] == pytest.approx((3.0 + 3 * LEAST) / 4)


def test_who_stirs_before_the_wall_raises_what_is_normal_while_they_do():
    generator = np.random.default_rng(17)

    def runs(count, stirred):
        return [
            frames(generator.normal(4.0 * stirred, 1.0, 30), before_db=30.0 if stirred else 2.0)
            for _ in range(count)
        ]

    calm = runs(60, False)
    decision = fit_decision(1, calm + runs(40, True), rate=0.01, window=4)
    # of the calm a little more than the highest score counts, of the stirred one in 40 is above
    assert 1.5 < decision.stirred_excess < 4.2
    highest = max(decide(one, decision).score for one in calm)
    assert highest < decision.alarm.on_threshold < highest + 1.5
    assert decision.alarm.off_threshold < decision.alarm.on_threshold
    for stirred in (False, True):
        scores = np.concatenate([decide(one, decision).scores[3:] for one in runs(200, stirred)])
        # 40 % of the windows were stirred, and may have all the false alarms
        assert np.mean(scores > decision.alarm.on_threshold) < (0.025 if stirred else 0.005)
        found = frames([4.0 * stirred + 5.0] * 12, before_db=30.0 if stirred else 2.0)
        assert decide(found, decision).anomalous
    # one frame of a window is enough, and it is forgotten with it
    once = frames([3.0] * 12)
    once[5] = frames([3.0], before_db=30.0)[0]
    scores = decide(once, decision).scores
    assert scores[4] == 3.0
    np.testing.assert_allclose(scores[5:9], 3.0 - decision.stirred_excess)
    assert scores[9] == 3.0
    alone = fit_decision(1, runs(60, True), rate=0.01, window=4)
    assert alone.stirred_excess == 0
    assert alone.alarm.on_threshold > 4


def run(generator, falls=False, length=44):
    """Somebody walks about, or falls and lies."""
    low = np.clip(0.15 + generator.normal(0, 0.05, length), 0, 1)
    if falls:
        low[16:24], low[24:] = 0.5, 0.9
    return [FrameFeatures(0.0, low_share=float(one)) for one in low]


def test_falls_stand_out_of_what_is_normal():
    generator = np.random.default_rng(8)
    normal = [run(generator) for _ in range(120)]
    decision = fit_decision(TASKS.index("fall"), normal, rate=0.02)
    assert decision.novelty is not None
    verdicts = [decide(run(generator, falls=True), decision).anomalous for _ in range(40)]
    assert np.mean(verdicts) == 1
    verdicts = [decide(run(generator), decision).anomalous for _ in range(100)]
    assert np.mean(verdicts) < 0.15  # nine windows a sequence at one in fifty, which overlap


def test_a_window_tells_who_is_low_and_was_not():
    upright, falling, lying = (FrameFeatures(0.0, low_share=one) for one in (0.1, 0.4, 0.9))
    found = dict(
        zip(WINDOW_FEATURES, window_features([upright] * 4 + [falling] * 4 + [lying] * 4),
            strict=True)
    )  # fmt: skip
    assert found["low_half_gain"] == pytest.approx((2 * 0.4 + 4 * 0.9) / 6 - 0.1)
    assert found["low_half"] == pytest.approx((2 * 0.4 + 4 * 0.9) / 6)
    nothing = [FrameFeatures(0.0)] * 12
    assert np.isnan(window_features(nothing)).all()
    late = window_features([*nothing[:8], *[lying] * 4])
    assert np.isnan(late[0])
    assert late[1] == pytest.approx(0.9)
    with pytest.raises(ValueError, match="at least 3 frames, got 2"):
        window_features(nothing[:2])


def test_who_is_low_for_a_moment_does_not_lie():
    upright, low = (FrameFeatures(0.0, low_share=one) for one in (0.1, 0.9))
    bent = window_features([*[upright] * 24, *[low] * 6])
    fallen = window_features([*[upright] * 15, *[low] * 15])
    np.testing.assert_allclose(fallen, [0.8, 0.9])
    np.testing.assert_allclose(bent, [0.32, 0.42])


def test_who_gets_up_or_is_not_seen_does_not_fall():
    generator = np.random.default_rng(10)
    novelty = FallNovelty.fitted([run(generator)[:30] for _ in range(60)])
    falls = run(generator, falls=True)[8:38]
    assert novelty(falls) == 8  # both numbers as far off as counts
    assert novelty(falls[::-1]) < 4  # it ends higher than it began
    assert novelty([FrameFeatures(0.0)] * 30) == -2
    assert max(novelty(run(generator)[:30]) for _ in range(40)) < 6


def test_excess_does_not_depend_on_units_and_one_number_does_not_decide():
    generator = np.random.default_rng(9)
    samples, values = generator.standard_normal((300, 3)), 3 * generator.standard_normal((20, 3))
    scale, shift = np.array([1e3, 1.0, 1e-4]), np.array([5.0, -2.0, 3.0])
    one = Normals.fitted(samples).excess(values)
    other = Normals.fitted(samples * scale + shift).excess(values * scale + shift)
    np.testing.assert_allclose(one, other, rtol=1e-9)
    far = Normals(np.zeros(3), np.ones(3)).excess(np.array([[1e6, 0, 0], [-1e6, 0, 0], [2, 2, 2]]))
    np.testing.assert_allclose(far, [4, -1, 6])
    unknown = Normals(np.zeros(2), np.ones(2)).excess(np.array([np.nan, 2.0]))
    assert unknown == 1


def test_normals_that_cannot_be_fitted_are_refused():
    generator = np.random.default_rng(10)
    with pytest.raises(ValueError, match="at least 15 normal windows, got 14"):
        Normals.fitted(generator.standard_normal((14, 3)))
    samples = generator.standard_normal((50, 3))
    with pytest.raises(ValueError, match=r"numbers \[1\] never change"):
        Normals.fitted(samples * [1, 0, 1])
    with pytest.raises(ValueError, match="must be positive"):
        Normals(np.zeros(2), np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"must be \(d,\), got \(2,\) and \(3,\)"):
        Normals(np.zeros(2), np.ones(3))


def test_a_card_comes_back_as_it_was_written(tmp_path):
    generator = np.random.default_rng(11)
    fall = fit_decision(2, [run(generator) for _ in range(40)], Fusion(bias=-2.0))
    weapon = WatchDecision(4, AlarmSettings(2.0, 1.0), normal_frames=7)
    path = tmp_path / "decision.json"
    written = Decision({"weapon": weapon, "fall": fall}, {"comparator_sha256": "abc"})
    written.write(path)
    found = Decision.read(path)
    assert found.about == {"comparator_sha256": "abc"}
    assert found.of_watch(0) == weapon
    back = found.of_watch(2)
    assert (back.alarm, back.fusion, back.window) == (fall.alarm, fall.fusion, fall.window)
    fresh = run(generator, falls=True)
    np.testing.assert_array_equal(decide(fresh, back).scores, decide(fresh, fall).scores)
    with pytest.raises(ModelError, match="not intruder"):
        found.of_watch(1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.pop("watches"),
        lambda told: told["watches"].update(kitchen=told["watches"]["weapon"]),
        lambda told: told["watches"]["weapon"].pop("alarm"),
        lambda told: told["watches"]["weapon"]["alarm"].update(off_threshold=9.0),
        lambda told: told["watches"]["weapon"].update(window="many"),
    ],
)
def test_a_spoilt_card_is_refused(tmp_path, spoil):
    path = tmp_path / "decision.json"
    Decision({"weapon": WatchDecision(4, AlarmSettings(2.0, 1.0))}, {}).write(path)
    told = json.loads(path.read_text())
    spoil(told)
    path.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"decision.json is no decision's card"):
        Decision.read(path)


def test_a_fall_of_other_features_is_refused():
    told = FallNovelty(Normals(np.zeros(1), np.ones(1))).as_json()
    with pytest.raises(ValueError, match="features must be"):
        FallNovelty.of({**told, "features": ["speed"]})
