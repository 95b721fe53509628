import json
import time
from argparse import ArgumentParser
from types import SimpleNamespace

import numpy as np
import pytest

from panoradar_ros.benchmarking import motion
from panoradar_ros.benchmarking.trials import TrialSettings
from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.yaw_prior import YawRatePrior


def record(number, true, found, reliable=True, squared=1.0):
    answer = {
        "motion": found,
        "reliable": reliable,
        "normalised_error_squared": squared,
        "dimensions": 3,
        "cpu_ms": 10.0 * number,
        "wall_ms": 5.0 * number,
    }
    return {"trial": number, "true": true, motion.ESTIMATOR: answer, motion.BASELINE: answer}


RECORDS = [
    record(0, [0.3, 0.0, 0.0], [0.31, 0.0, 0.0], squared=9.0),
    record(1, [0.0, 0.4, 0.0], [0.0, 0.37, 0.0]),
    record(2, [0.5, 0.0, 0.1], [0.5 * np.cos(0.02), 0.5 * np.sin(0.02), 0.2]),
    record(3, [0.05, 0.0, 0.2], [-0.05, 0.0, 0.2]),
    record(4, [0.2, 0.0, 0.0], [0.9, 0.0, 0.0], reliable=False),
]


def test_figures_are_what_their_names_say():
    result = motion.figures(RECORDS, motion.ESTIMATOR)
    assert result["trials"] == 5
    assert result["unreliable_fraction"] == pytest.approx(0.2)
    assert result["speed_mae_mps"] == pytest.approx(0.01)
    assert result["speed_mae_all_mps"] == pytest.approx((0.04 + 0.7) / 5)
    assert result["heading_mae_deg"] == pytest.approx(np.rad2deg(0.02) / 3)  # the slow one has none
    assert result["yaw_rate_mae_dps"] == pytest.approx(np.rad2deg(0.1) / 4)
    assert result["nees"] == pytest.approx(3.0)
    assert result["inside_95"] == pytest.approx(0.75)  # 9 is over chi-square's 7.8
    assert result["cpu_ms"] == 20.0
    assert result["wall_ms"] == 10.0


def test_subsets_are_by_the_true_rate_of_turn():
    subsets = motion.with_subsets(RECORDS, motion.ESTIMATOR)["subsets"]
    assert subsets["still_yaw"]["trials"] == 3
    assert subsets["still_yaw"]["speed_mae_mps"] == pytest.approx(0.02)
    assert subsets["yawing"]["trials"] == 2
    assert subsets["yawing"]["yaw_rate_mae_dps"] == pytest.approx(np.rad2deg(0.05))


def test_what_there_is_none_of_is_not_a_number_that_json_lacks():
    slow = [record(0, [0.01, 0.0, 0.0], [0.02, 0.0, 0.0])]
    result = motion.with_subsets(slow, motion.ESTIMATOR)
    assert result["heading_mae_deg"] is None
    json.dumps(result, allow_nan=False)
    nobody = motion.figures([record(0, [0.1, 0, 0], [0, 0, 0], reliable=False)], motion.ESTIMATOR)
    assert nobody == {"trials": 1, "unreliable_fraction": 1.0}


def estimate_of(x_mps, variances, yaw_rate_radps=0.0, reference_s=0.2, reliable=True):
    found = PlanarMotion(x_mps, 0, 0, 0, reference_s, yaw_rate_radps)
    return MotionEstimate(found, np.diag(variances), 100, 1, reliable)


def test_answers_are_held_against_the_truth_in_the_middle_of_the_turn():
    trial = SimpleNamespace(
        middle_s=0.3, velocity_mps=np.array([0.3 * np.cos(0.05), -0.3 * np.sin(0.05)]),
        yaw_rate_radps=0.4,
    )  # fmt: skip
    # 0.1 s later, at 0.5 rad/s, the same velocity is seen 0.05 rad to the right
    kept = motion.answer_record(estimate_of(0.3, [1e-4, 1e-4, 0.04], 0.5), trial)
    assert kept["motion"] == pytest.approx([*trial.velocity_mps, 0.5])
    assert kept["normalised_error_squared"] == pytest.approx(0.1**2 / 0.04)
    assert kept["dimensions"] == 3
    unknown = motion.answer_record(estimate_of(0.3, [1e-4, 1e-4, np.inf], 0.5), trial)
    assert unknown["dimensions"] == 2
    assert unknown["normalised_error_squared"] == pytest.approx(0, abs=1e-12)


@pytest.fixture
def turns(monkeypatch):
    monkeypatch.setattr(
        motion, "turn_times_ns", lambda turn: (turn.reference_ns, turn.reference_ns + 500_000_000)
    )
    monkeypatch.setattr(motion.LeakageFilter, "update", lambda self, rotation: "leakage")
    return [SimpleNamespace(reference_ns=0), SimpleNamespace(reference_ns=500_000_000)]


def estimator_of(estimate):
    return SimpleNamespace(
        profiles=lambda rotation, leakage: f"spectra without {leakage}", estimate=estimate
    )


def test_the_last_answer_is_the_next_first_guess(turns):
    seen = []

    def estimate(rotation, profiles, initial, yaw_rate):
        seen.append((rotation, profiles, initial))
        return estimate_of(0.1 * len(seen), [1, 1, 1])

    answer, cpu_s, wall_s = motion.follow(estimator_of(estimate), turns)
    assert [one[2] and one[2].reference_s for one in seen] == [None, pytest.approx(-0.3)]
    assert [one[1] for one in seen] == ["spectra without leakage"] * 2
    assert answer.motion.x_mps == pytest.approx(0.2)
    assert min(cpu_s, wall_s) >= 0


def test_the_time_includes_the_spectra(turns):
    def profiles(rotation, leakage):
        time.sleep(0.05)

    estimator = SimpleNamespace(
        profiles=profiles, estimate=lambda *given: estimate_of(0.1, [1, 1, 1])
    )
    _, _, wall_s = motion.follow(estimator, turns)
    assert wall_s >= 0.05


def test_a_first_guess_that_leads_nowhere_is_dropped(turns):
    seen = []

    def estimate(rotation, profiles, initial, yaw_rate):
        seen.append(initial)
        return estimate_of(0.1 * len(seen), [1, 1, 1], reliable=len(seen) != 2)

    answer, _, _ = motion.follow(estimator_of(estimate), turns)
    assert [guess is None for guess in seen] == [True, False, True]
    assert answer.reliable


@pytest.fixture
def played(monkeypatch):
    """Trials that take no time; their numbers in the order in which they ran."""
    ran = []

    def run_trial(number, settings):
        ran.append(number)
        return record(number, [0.3, 0.0, 0.0], [0.3 + 0.01 * number, 0.0, 0.0])

    monkeypatch.setattr(motion, "run_trial", run_trial)
    return ran


def test_an_interrupted_run_goes_on_where_it_stopped(played, tmp_path):
    keep = tmp_path / "trials.jsonl"
    settings = TrialSettings(seed=5)
    motion.measure_motion(3, settings, keep=keep)
    with keep.open("a") as file:
        file.write('{"trial": 3, "true": [0.')  # where the power failed
    result = motion.measure_motion(5, settings, keep=keep)
    assert played == [0, 1, 2, 3, 4]
    whole = motion.measure_motion(5, settings)
    assert result["speed_mae_mps"] == whole["speed_mae_mps"] == pytest.approx(0.02)
    assert len(keep.read_text().splitlines()) == 6
    assert motion.measure_motion(2, settings, keep=keep)["trials"] == 2
    with pytest.raises(ValueError, match="trials of other settings"):
        motion.measure_motion(5, TrialSettings(seed=6), keep=keep)


def arguments(*given):
    parser = ArgumentParser()
    motion.add_arguments(parser)
    return parser.parse_args(given)


def test_options_reach_the_trials(played):
    given = "--trials 2 --seed 9 --loss 0.1 --jitter 0.05 --people --no-growth"
    result = motion.run(arguments(*given.split()))
    json.dumps(result, allow_nan=False)
    assert result["simulated"]
    assert (result["seed"], result["lost_share"], result["speed_jitter"]) == (9, 0.1, 0.05)
    assert result["people"]
    assert result["baseline"]["trials"] == result["trials"] == 2
    with pytest.raises(ValueError, match="--trials must be at least 1, got 0"):
        motion.run(arguments("--trials", "0"))


def test_what_the_imu_says_reaches_the_estimators(monkeypatch, turns):
    seen = []

    def estimate(rotation, profiles, initial, yaw_rate):
        seen.append(yaw_rate)
        return estimate_of(0.1, [1, 1, 1])

    prior = YawRatePrior(0.3, 1e-4)
    for imu in (prior, None):
        trial = SimpleNamespace(
            before=turns[0], scored=turns[1], middle_s=0.2, velocity_mps=np.zeros(2),
            yaw_rate_radps=0.3, imu=imu,
        )  # fmt: skip
        monkeypatch.setattr(motion, "simulate_trial", lambda number, settings, t=trial: t)
        monkeypatch.setattr(motion, "_estimators", lambda: {"one": estimator_of(estimate)})
        motion.run_trial(0, TrialSettings())
    assert seen == [prior, prior, None, None]


def test_both_estimators_find_the_motion_of_a_real_trial():
    result = motion.run_trial(0, TrialSettings(seed=5))
    json.dumps(result, allow_nan=False)
    for name, worst_mps in ((motion.ESTIMATOR, 0.02), (motion.BASELINE, 0.06)):
        assert result[name]["reliable"]
        assert result[name]["motion"][:2] == pytest.approx(result["true"][:2], abs=worst_mps)
        assert result[name]["cpu_ms"] > 0
