import json

import numpy as np
import pytest
import torch
from fake_scenes import scenes, write_scenes

from mmanomaly_ros.comparison import Comparer, Fusion
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.learning.augmentation import clean_context
from mmanomaly_ros.learning.export import (
    export_comparator,
    export_context,
    export_decoder,
    export_denoiser,
    looked,
)
from mmanomaly_ros.learning.runs import make_network
from mmanomaly_ros.learning.schedule import schedule_with
from mmanomaly_ros.learning.settings import AnomalyTraining
from mmanomaly_ros.spectrum import dequantised
from mmwave.inference import OnnxModel, read_card
from panoradar_ros.cli import main

SAMPLES = scenes(count=1)
STAGES = ("vae", "baseline", "context", "denoiser", "comparator")


def made(name):
    torch.manual_seed(0)
    return make_network(AnomalyTraining(f"mmanomaly-{name}", "tiny")).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    context = made("context")
    frame = SAMPLES[0]
    told = clean_context(frame, SAMPLES)
    paths = {name: folder / f"m_{name}.onnx" for name in ("context", "decoder", "denoiser")}
    card = {"name": "m", "simulated": True}
    errors = {"context": export_context(context, told, paths["context"], card)}
    errors["decoder"] = export_decoder(made("vae"), frame.unit[None], paths["decoder"], card)
    belongs = {f"{name}_sha256": read_card(paths[name]).sha256 for name in ("context", "decoder")}
    schedule = schedule_with(np.full(8, 0.1), np.full(8, 0.5))
    errors["denoiser"] = export_denoiser(
        made("denoiser"), schedule, paths["denoiser"], card | belongs, looked(context, told)
    )
    return paths, errors


def test_models_say_what_the_networks_say(exported):
    _, errors = exported
    assert set(errors["context"]) == {
        "tokens", "latent_map", "mean", "log_variance", "clothing", "wall", "pose"
    }  # fmt: skip
    for parts in errors.values():
        assert max(parts.values()) < 0.2


def test_the_live_system_takes_the_models(exported, tmp_path):
    paths, _ = exported
    parts = [OnnxModel(paths[name], threads=1) for name in ("context", "denoiser", "decoder")]
    expecter = Expecter(*parts, samples=3, steps=2)
    assert expecter.schedule.alphas_cumulative[-1] == 0
    frame = SAMPLES[0]
    expectation = expecter(clean_context(frame, SAMPLES), np.random.default_rng(0))
    assert expectation.samples_db.shape == (3, 3, 128, 64)
    path = tmp_path / "m_comparator.onnx"
    export_comparator(made("comparator"), (frame.unit, frame.unit, frame.unit), path, {"name": "m"})
    comparer = Comparer(OnnxModel(path, threads=1))
    measured_db = dequantised(frame.spectrum)
    found = comparer(measured_db, expectation, frame.task, Fusion(), SAMPLES.range_bin_m)
    assert np.isfinite(found.score)


def test_stages_are_trained_one_after_the_other_and_exported(tmp_path, capsys, monkeypatch):
    # threads that wait for each other take long where cores are shared
    monkeypatch.setattr("mmwave.learning.training.use_all_cores", lambda processes: None)
    data = write_scenes(tmp_path / "data", count=2, frames=2)
    validation = write_scenes(tmp_path / "validation", count=1, seed=9, frames=2)
    runs = tmp_path / "runs"
    before = {name: f"--{name}={runs / name}" for name in ("context", "vae", "denoiser")}
    needs = {"denoiser": ("context", "vae"), "comparator": ("context", "vae", "denoiser")}
    for name in STAGES:
        command = [
            "train", f"mmanomaly-{name}", "--data", str(data), "--validation", str(validation),
            "--output", str(runs / name), "--size", "tiny", "--steps", "1", "--held-out", "0.5",
            "--json",
        ]  # fmt: skip
        assert main(command + [before[other] for other in needs.get(name, ())]) == 0
    models = tmp_path / "models"
    command = [
        "export", "mmanomaly", "--trained", str(runs), "--data", str(validation),
        "--frames", "6", "--output", str(models / "mmanomaly.onnx"),
    ]  # fmt: skip
    capsys.readouterr()
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    parts = ("context", "decoder", "denoiser", "comparator", "baseline")
    assert {path.stem for path in models.glob("*.onnx")} == {f"mmanomaly_{one}" for one in parts}
    cards = {one: read_card(models / f"mmanomaly_{one}.onnx").about for one in parts}
    assert cards["context"]["classes"]["clothing"][1] == "shirt"
    assert "wall_looks" not in cards["context"]
    assert said["context"]["wall_looks"].startswith("fewer than 5 sequences a wall: {")
    assert cards["denoiser"]["decoder_sha256"] == cards["decoder"]["sha256"]
    comparator = cards["comparator"]["training"]["data"]
    assert cards["denoiser"]["spread_scale"] == comparator["spread_scale"]
    for one in parts:
        assert cards[one]["simulated"] is True
        assert cards[one]["scores"]["learned"]["frames"] == said[one]["frames"]


def test_what_a_stage_builds_on_must_be_named(tmp_path, capsys):
    command = ["train", "mmanomaly-denoiser", "--data", str(tmp_path), "--output", str(tmp_path)]
    assert main(command) != 0
    assert "--context is needed" in capsys.readouterr().err
