"""Adapting to a place, watch by watch, as a user runs it, with tiny graphs."""

import json
import shutil
from dataclasses import replace

import pytest
from anomaly_commands import FRAMES, WATCHES, anomalous, evaluated, panoradar
from fake_scenes import scene, write_scene

from mmanomaly_ros.adaptation import read_adaptation
from mmanomaly_ros.decision import Decision
from mmanomaly_ros.learning.adaptation_curve import wanted_of
from mmanomaly_ros.models import load_detector
from mmwave.inference import OnnxModel
from panoradar_ros.cli import main
from panoradar_ros.commands.adapt import SEED
from panoradar_ros.commands.mmanomaly_models import scenes_folder

pytestmark = pytest.mark.usefixtures("short_windows")


def test_a_place_is_adapted_to(decided, normal, mixed, tmp_path, capsys):
    place = tmp_path / "adapted"
    words = ["adapt", "mmanomaly", "--models", decided, "--output", place, "--watches", "intruder"]
    words += ["--threads", 1, "--json"]
    told = panoradar(capsys, *words, "--data", normal)
    assert told["intruder"]["frames"] == 3 * FRAMES
    assert told["intruder"]["shift_db"] > 1  # the tiny graphs expect one level everywhere
    before, after = (Decision.read(one / "mmanomaly_decision.json") for one in (decided, place))
    assert after.watches["weapon"] == before.watches["weapon"]
    assert after.watches["intruder"].alarm != before.watches["intruder"].alarm
    assert (place / "mmanomaly_adaptation.npz").exists()
    assert OnnxModel(place / "mmanomaly_denoiser.onnx").card.sha256 == told_sha(decided)
    compared = evaluated(capsys, place, mixed, "--limit", 1)["intruder"]["baselines"]
    assert set(compared) == {"autoencoder", "level"}
    assert main([str(one) for one in [*words, "--data", mixed]]) == 1
    assert "has an anomaly in it" in capsys.readouterr().err
    words[3] = place
    assert main([str(one) for one in [*words, "--data", normal]]) == 1
    assert "were adapted to a place" in capsys.readouterr().err


def test_a_place_is_adapted_to_watch_by_watch(decided, normal, tmp_path, capsys):
    place = tmp_path / "adapted"
    words = ["adapt", "mmanomaly", "--data", normal, "--output", place, "--threads", 1, "--json"]
    alone = {}
    for name in ("intruder", "weapon"):
        told = panoradar(capsys, *words, "--models", decided, "--watches", name)
        alone[name] = Decision.read(place / "mmanomaly_decision.json").watches[name]
    assert told["stayed"] == ["intruder"]
    sha256 = told_sha(decided)
    after = Decision.read(place / "mmanomaly_decision.json")
    assert after.watches == alone
    assert set(after.about["adapted"]) == set(WATCHES)
    for name in WATCHES:
        assert after.about["adapted"][name]["to"]["sequences"][name] == 3
        assert read_adaptation(place / "mmanomaly_adaptation.npz", name, sha256).frames == 18
        load_detector(name, {one: str(place / f"mmanomaly_{one}.{suffix}") for one, suffix in (
            ("context", "onnx"), ("denoiser", "onnx"), ("decoder", "onnx"),
            ("comparator", "onnx"), ("decision", "json"))})  # fmt: skip
    files = {path: path.read_bytes() for path in place.iterdir()}
    other = tmp_path / "other"
    shutil.copytree(decided, other)
    card = other / "mmanomaly_decision.json"
    decision = Decision.read(card)
    Decision(decision.watches, {**decision.about, "rate": 0.1}).write(card)
    words += ["--models", other, "--watches", "weapon"]
    assert main([str(one) for one in words]) == 1
    assert "adapted cannot be added to: it was made of other networks" in capsys.readouterr().err
    (place / "mmanomaly_adaptation.npz").unlink()
    words[words.index(other)] = decided
    assert main([str(one) for one in words]) == 1
    assert "give another folder, or delete this one" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in place.iterdir()}.items() < files.items()


@pytest.mark.parametrize("command", ["evaluate", "adapt", "decide"])
def test_networks_of_two_exports_are_refused(command, decided, normal, tmp_path, capsys):
    models = tmp_path / "models"
    shutil.copytree(decided, models)
    name = "comparator" if command == "decide" else "decision"
    card = models / f"mmanomaly_{name}.json"
    # of the autoencoder only an evaluation makes use
    other = "baseline" if command == "evaluate" else "denoiser"
    told = json.loads(card.read_text()) | {f"{other}_sha256": "another"}
    card.write_text(json.dumps(told))
    words = [command, "mmanomaly", "--data", normal, "--models", models, "--threads", 1]
    words += ["--watches", "weapon"]
    words += [] if command == "evaluate" else ["--output", tmp_path / "output"]
    assert main([str(one) for one in words]) == 1
    assert "give those of one export" in capsys.readouterr().err


def test_the_gain_of_minutes_is_told(decided, tmp_path, monkeypatch, capsys):
    """On places that lie in the cache; simulating some is what other tests do."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    minutes = 0.05
    wanted = wanted_of("intruder", SEED, minutes)
    for one in wanted:
        frames = scene(1, 7, one.frames)
        frames = replace(anomalous(frames) if one.anomalous else frames, name=one.file_name)
        write_scene(scenes_folder() / f"intruder_{SEED}_{minutes:g}_minutes", frames)
    chart = tmp_path / "curve.png"
    words = ["adapt", "mmanomaly", "--models", decided, "--curve", "--minutes", 0, minutes]
    words += ["--places", 1, "--watches", "intruder", "--threads", 1, "--chart", chart, "--json"]
    told = panoradar(capsys, *words)
    assert told["simulated"] is True
    rows = {(row["minutes"], row["adapted"]): row for row in told["curve"]["intruder"]}
    assert set(rows) == {(0, "nothing"), *((minutes, name) for name in (
        "both", "expectation", "thresholds"))}  # fmt: skip
    assert all(row["normal"] == row["anomalous"] == 4 for row in rows.values())
    # the same wall and the same person at every time: what is known of them is told less often
    assert rows[minutes, "both"]["recall"] == 1
    assert rows[0, "nothing"]["false_alarms"] == 4
    assert rows[minutes, "both"]["false_alarms"] < 4
    assert chart.stat().st_size > 1000


def told_sha(models):
    return json.loads((models / "mmanomaly_denoiser.json").read_text())["sha256"]
