"""All graphs together: a place where there is more than expected is found, the rest is said."""

import json

import numpy as np
import pytest
from tiny_graphs import written

from mmanomaly_ros.alarm import AlarmSettings, AlarmState
from mmanomaly_ros.comparison import Fusion
from mmanomaly_ros.context import Context
from mmanomaly_ros.decision import Decision, WatchDecision
from mmanomaly_ros.falls import FallNovelty, Normals
from mmanomaly_ros.models import COMPARATOR_MODEL, DECISION, load_detector, model_path
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, from_unit
from mmanomaly_ros.watch import TASKS, position_of
from mmwave.inference import ModelError, file_sha256, read_card

BIN_M = WATCH_WAVEFORM.range_bin_m
EXPECTED_DB = float(from_unit(-0.5))


def paths(folder, **about):
    found = written(folder, level=-0.5)
    decision = WatchDecision(
        2, AlarmSettings(0.0, -1.0, 1, 2), Fusion(-6.0, 0.5, 0.5, 0.0, 0.0, 0.0), peak_least=0.9
    )
    told = {"comparator_sha256": file_sha256(found["comparator"]), **about}
    found["decision"] = folder / "decision.json"
    Decision({"weapon": decision}, told).write(found["decision"])
    return {name: str(path) for name, path in found.items()}


@pytest.fixture
def detector(tmp_path):
    return load_detector("weapon", paths(tmp_path), samples=2, steps=2, threads=1)


def scene(watch=0):
    empty = np.zeros((5, 96, 128), np.float32), np.zeros((6, 128, 64), np.float32)
    return Context(*empty, watch)


def spectrum(more_db=0.0):
    result = np.full((3, 128, 64), EXPECTED_DB, np.float32)
    result[0, 49:52, 39:42] += more_db
    return result


def test_what_is_as_expected_is_normal_once_it_was_for_long_enough(detector):
    assert detector.state is AlarmState.UNKNOWN
    generator = np.random.default_rng(0)
    found = [detector(spectrum(), scene(), generator) for _ in range(3)]
    told = [one.state for one in found]
    assert told == [AlarmState.UNKNOWN, AlarmState.UNKNOWN, AlarmState.NORMAL]
    assert found[-1].score == pytest.approx(-6, abs=0.1)
    assert found[-1].peaks.position_m.shape == (0, 2)
    np.testing.assert_allclose(found[-1].comparison.z, 0, atol=0.05)
    assert found[-1].heatmap.max() < 0.01


def test_more_than_expected_is_an_anomaly_at_its_place(detector):
    generator = np.random.default_rng(0)
    for _ in range(2):
        found = detector(spectrum(30.0), scene(), generator)
    assert found.state is AlarmState.ANOMALY
    assert found.comparison.z[0, 50, 40] == pytest.approx(15, rel=0.02)
    assert found.heatmap.argmax() == 50 * 64 + 40
    np.testing.assert_allclose(found.peaks.position_m, [position_of(50, 40, BIN_M)], atol=0.02)


@pytest.fixture
def fall_detector(tmp_path):
    found = written(tmp_path, level=-0.5)
    low = Normals(np.array([0.0, 0.3]), np.array([0.1, 0.1]))
    decision = WatchDecision(
        3, AlarmSettings(2.0, 1.0, 1, 2), Fusion(-6.0, 0.5, 0.5, 0.0, 0.0, 0.0), FallNovelty(low)
    )
    found["decision"] = tmp_path / "decision.json"
    told = {"comparator_sha256": file_sha256(found["comparator"])}
    Decision({"fall": decision}, told).write(found["decision"])
    models = {name: str(path) for name, path in found.items()}
    return load_detector("fall", models, samples=2, steps=2, threads=1)


def bodies(*rows_and_columns):
    """Moving bodies of eight ranges behind no wall, over what is expected."""
    result = np.full((3, 128, 64), EXPECTED_DB, np.float32)
    result[1] = -20.0
    for row, column in rows_and_columns:
        result[:2, row : row + 8, column - 4 : column + 5] = EXPECTED_DB + 30.0
    return result


SITTING, LYING = (40, 33), (80, 22)  # 0.1 m over the radar, 1 m below it


def test_a_fall_watchs_heatmap_is_bright_on_who_lies_and_dark_on_who_sits(fall_detector):
    generator = np.random.default_rng(0)
    found = fall_detector(bodies(SITTING), scene(2), generator)
    assert found.comparison.heatmap[44, 33] > 0.9  # not expected either
    assert found.heatmap.max() == 0
    found = fall_detector(bodies(LYING), scene(2), generator)
    np.testing.assert_array_equal(found.heatmap[80:88, 23:27], 1)
    assert found.heatmap[80:88, :21].max() == 0  # below the floor
    assert found.heatmap[:, 27:].max() == 0
    assert np.hypot(*found.peaks.position_m[0]) == pytest.approx(84 * BIN_M, abs=4 * BIN_M)


def test_who_gets_up_in_an_alarm_is_told_of_until_it_ends(fall_detector):
    generator = np.random.default_rng(0)
    for body in (SITTING, LYING, LYING, LYING):
        found = fall_detector(bodies(body), scene(2), generator)
    assert found.state is AlarmState.ANOMALY
    found = fall_detector(bodies(SITTING), scene(2), generator)
    assert found.state is AlarmState.ANOMALY
    assert found.heatmap.max() == 0
    assert len(found.peaks.confidence) == 1


def test_an_alarm_names_a_place_even_if_none_is_sure(detector):
    generator = np.random.default_rng(0)
    for _ in range(2):
        detector(spectrum(30.0), scene(), generator)
    found = detector(spectrum(12.0), scene(), generator)
    assert found.state is AlarmState.ANOMALY
    assert len(found.peaks.confidence) == 1
    assert found.peaks.confidence[0] < 0.9


def test_what_cannot_be_judged_is_unknown_and_has_to_be_calm_anew(detector):
    generator = np.random.default_rng(0)
    for _ in range(3):
        detector(spectrum(), scene(), generator)
    assert detector.blind("no depth image") is AlarmState.UNKNOWN
    assert detector.alarm.problem == "no depth image"
    told = [detector(spectrum(), scene(), generator).state for _ in range(3)]
    assert told == [AlarmState.UNKNOWN, AlarmState.UNKNOWN, AlarmState.NORMAL]
    with pytest.raises(ValueError, match="say what"):
        detector.blind("")


@pytest.mark.parametrize(
    ("measured", "context", "message"),
    [
        (spectrum()[:2], scene(), r"spectrum_db must be \(3, 128, 64\)"),
        (np.where(np.arange(64) == 3, np.nan, spectrum()), scene(), "no numbers"),
        (spectrum(), scene(1), "watch intruder, this one is weapon"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing_normal(detector, measured, context, message):
    generator = np.random.default_rng(0)
    for _ in range(3):
        detector(spectrum(), scene(), generator)
    assert detector.state is AlarmState.NORMAL
    with pytest.raises(ValueError, match=message):
        detector(measured, context, generator)
    assert detector.state is AlarmState.UNKNOWN
    assert detector.alarm.problem


def test_the_same_generator_finds_the_same(detector):
    one, other = (
        detector(spectrum(5.0), scene(), np.random.default_rng(1)).heatmap for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["context", "denoiser", "decoder", "comparator"])
def test_files_that_do_not_belong_together_are_refused(tmp_path, name):
    given = paths(tmp_path, **{f"{name}_sha256": "another"})
    with pytest.raises(
        ModelError, match=rf"not chosen with {name}\.onnx: give those of one export"
    ):
        load_detector("weapon", given)


def test_a_comparator_of_another_denoiser_is_refused(tmp_path):
    given = paths(tmp_path)
    card = tmp_path / "comparator.json"
    told = json.loads(card.read_text())
    for sha256, fits in ((file_sha256(tmp_path / "denoiser.onnx"), True), ("another", False)):
        card.write_text(json.dumps({**told, "denoiser_sha256": sha256}))
        if fits:
            load_detector("weapon", given)
        else:
            with pytest.raises(ModelError, match=r"comparator\.onnx was not trained with denoiser"):
                load_detector("weapon", given)


def test_a_threshold_that_somebody_changed_is_refused(tmp_path):
    card = tmp_path / "decision.json"
    given = paths(tmp_path)
    told = json.loads(card.read_text())
    card.write_text(json.dumps(told))  # laid out otherwise, the same
    load_detector("weapon", given)
    told["watches"]["weapon"]["alarm"]["on_threshold"] = 5.0
    card.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"decision\.json decides was changed after it was chosen"):
        load_detector("weapon", given)
    del told["watches_sha256"]  # as cards were before there was a hash
    card.write_text(json.dumps(told))
    assert load_detector("weapon", given).decision.alarm.on_threshold == 5.0


def test_draws_that_thresholds_were_not_chosen_with_are_told(tmp_path, detector):
    assert not detector.caution  # the card does not tell
    (tmp_path / "told").mkdir()
    given = paths(tmp_path / "told", samples=4, steps=2)
    assert not load_detector("weapon", given, samples=4, steps=2).caution
    assert (
        "chosen with draws 4, draw_steps 2, not with draws 0, draw_steps 2"
        in load_detector("weapon", given, samples=0, steps=2).caution
    )


def test_a_card_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "decision.json"
    Decision({}, {}).write(path)

    def full(self, text, encoding):
        with self.open("w") as file:
            file.write(text[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        Decision({}, {"samples": 4}).write(path)
    assert list(tmp_path.iterdir()) == [path]
    assert not Decision.read(path).about


def test_the_decision_that_comes_with_the_package_is_the_one_that_was_chosen():
    card = model_path(DECISION)
    told = json.loads(card.read_text())
    assert told["watches_sha256"]
    found = Decision.read(card)
    assert set(found.watches) == set(TASKS)
    for name in ("context", "denoiser", "decoder", "comparator", "baseline"):
        model = card.with_name(f"mmanomaly_{name}.onnx")
        assert told[f"{name}_sha256"] == read_card(model).sha256


def test_a_damaged_model_and_an_unknown_name_are_told(tmp_path):
    given = paths(tmp_path)
    with pytest.raises(ModelError, match="not intruder"):
        load_detector("intruder", given)
    with pytest.raises(ValueError, match="files are named"):
        load_detector("weapon", {"card": "x"})
    with open(given["decoder"], "ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="damaged"):
        load_detector("weapon", given)
    with open(given["decision"], "w") as file:
        json.dump([], file)
    with pytest.raises(ModelError, match="no decision's card"):
        load_detector("weapon", given)


def test_files_of_the_users_are_taken_as_they_are(tmp_path, monkeypatch):
    given = {**paths(tmp_path), "comparator": COMPARATOR_MODEL}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"there is no model {COMPARATOR_MODEL}"):
        load_detector("weapon", given)  # not the installed one, which is called so too
