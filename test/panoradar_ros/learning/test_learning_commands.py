"""The commands from frames to an exported model, on frames that were made here."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mmwave.inference import OnnxModel, read_card
from mmwave.waveform import Waveform
from panoradar_ros.cli import main
from panoradar_ros.learning.frames import Frame, write_building
from panoradar_ros.recognition.models import mismatch

NOWHERE = ("--data", "none", "--validation", "none", "--output", "x")


@pytest.fixture
def data(tmp_path):
    """Two buildings of two frames: walls all around and somebody in front of them; two others to
    validate on beside them.
    """
    for number in range(4):
        frames = []
        for seed in range(2):
            rng = np.random.default_rng([number, seed])
            bins = np.repeat(rng.integers(60, 200, (1, 32)), 64, axis=0)
            label = np.full((64, 32), 9, np.uint8)
            instance = np.zeros((64, 32), np.int32)
            bins[20:50, 4:10], label[20:50, 4:10], instance[20:50, 4:10] = 40, 0, 5
            echo = rng.integers(20, 60, (64, 32, 256), dtype=np.uint8)
            np.put_along_axis(echo, bins[..., None], 160, axis=-1)
            normal = np.zeros((64, 32, 3), np.int8)
            normal[..., 0] = -127
            range_m = (bins * Waveform().range_bin_m + 0.08).astype(np.float32)
            glass = np.zeros((64, 32), bool)
            frames.append(Frame(echo, range_m, range_m, normal, label, instance, glass))
        meta = {"style": "made up", "seed": number, "simulated": True}
        folder = tmp_path / ("data" if number < 2 else "validation")
        write_building(folder / f"b_{number}", frames, meta)
    return tmp_path / "data"


def train(network, data, folder, *more):
    validation = data.with_name("validation")
    words = ["train", network, "--data", data, "--validation", validation, "--output", folder]
    return main([*map(str, words), "--size", "tiny", "--steps", "4", "--json", *map(str, more)])


def test_from_frames_to_both_models(data, tmp_path, capsys):
    ranges, semantic = tmp_path / "range.onnx", tmp_path / "semantic.onnx"
    assert train("range", data, tmp_path / "run") == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["steps"] == 4
    assert trained["range_mae_m"] < 1
    words = ["export", "range", "--trained", tmp_path / "run", "--data", data, "--output", ranges]
    assert main([*map(str, words)]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported["onnx_against_pytorch"]["range_median_m"] < 1e-3
    card = OnnxModel(ranges).card.about
    assert card["training"]["data"]["frames"] == 4
    assert card["scores"]["learned"]["images"] == 4
    assert card["simulated"] is True
    model = ("--range-model", ranges)
    assert train("semantic", data, tmp_path / "run2", *model, "--precision", "bfloat16") == 0
    assert "miou" in json.loads(capsys.readouterr().out)
    words = ["export", "semantic", "--trained", tmp_path / "run2", "--data", data]
    assert main([*map(str, words), "--output", str(semantic), *map(str, model)]) == 0
    assert json.loads(capsys.readouterr().out)["onnx_against_pytorch"]["other_class"] < 0.01
    card = OnnxModel(semantic).card.about
    assert card["range_model_sha256"] == OnnxModel(ranges).card.sha256
    assert card["training"]["settings"]["precision"] == "bfloat16"
    for network, one in (("range", ranges), ("semantic", semantic)):
        words = ["quantise", network, "--model", one, "--data", data]
        words += model if network == "semantic" else ()
        assert main([*map(str, words), "--output", str(tmp_path / f"{network}8.onnx")]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["file"] == str(tmp_path / f"{network}8.onnx")
        assert read_card(tmp_path / f"{network}8.onnx").about["quantised"]["of"] == network
    words = ["quantise", "semantic", "--model", semantic, "--data", data, "--output", "x.onnx"]
    assert main([*map(str, words)]) == 1  # the installed range network is another
    assert "answers of another range model" in capsys.readouterr().err
    words = ["quantise", "range", *model, "--data", data, "--output", "x.onnx"]
    assert main([*map(str, words)]) == 1
    assert "--range-model is of the semantic network" in capsys.readouterr().err
    report = tmp_path / "report.html"
    words = ["evaluate", "panoradar", "--data", data.with_name("validation"), "--limit", 2, *model]
    words += ["--semantic-model", semantic, "--report", report, "--json"]
    assert main([*map(str, words)]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 2
    page = report.read_text(encoding="utf-8")
    assert "on disk" in page
    assert "Nothing here was measured" in page  # the frames say that they are simulated


def test_what_was_learned_from_is_nothing_to_validate_on(data, tmp_path, capsys):
    words = ["train", "range", "--data", data, "--validation", data, "--output", tmp_path / "run"]
    assert main([*map(str, words)]) == 1
    assert "made up 0 and 1 more buildings are learned from and in" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_network_is_not_exported(data, tmp_path, capsys):
    assert train("range", data, tmp_path / "run") == 0
    words = ["export", "semantic", "--trained", tmp_path / "run", "--data", data]
    words += ["--output", tmp_path / "x.onnx", "--range-model", tmp_path / "none.onnx"]
    assert main([*map(str, words)]) == 1
    assert "there is no model" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()


def test_a_semantic_network_is_exported_with_the_range_model_it_learned_from(
    data, tmp_path, capsys
):
    for number in (1, 2):
        folder, model = tmp_path / f"run{number}", tmp_path / f"range{number}.onnx"
        assert train("range", data, folder, "--seed", number) == 0
        words = ["export", "range", "--trained", folder, "--data", data, "--output", model]
        assert main([*map(str, words)]) == 0
    first, second = tmp_path / "range1.onnx", tmp_path / "range2.onnx"
    assert train("semantic", data, tmp_path / "run3", "--range-model", first) == 0
    words = ["export", "semantic", "--trained", tmp_path / "run3", "--data", data]
    words += ["--output", tmp_path / "x.onnx", "--range-model", second]
    capsys.readouterr()
    assert main([*map(str, words)]) == 1
    assert "answers of another range model" in capsys.readouterr().err


def test_a_model_is_exported_anew_with_the_weights_that_it_has(data, tmp_path, capsys):
    first, second = tmp_path / "first" / "range.onnx", tmp_path / "second" / "range.onnx"
    assert train("range", data, tmp_path / "run") == 0
    export = ["export", "range", "--data", data, "--trained"]
    assert main([*map(str, [*export, tmp_path / "run", "--output", first])]) == 0
    assert main([*map(str, [*export, first, "--output", second])]) == 0
    echo = np.load(next(data.glob("*/echo.npy")))[:1]
    for one, other in zip(
        *(OnnxModel(m).run(echo=echo).values() for m in (first, second)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    old, new = read_card(first), read_card(second)
    assert new.about["same_weights_as"] == [old.sha256]
    assert new.about["training"] == old.about["training"]
    assert train("semantic", data, tmp_path / "run2", "--range-model", first) == 0
    words = ["export", "semantic", "--trained", tmp_path / "run2", "--data", data]
    words += ["--output", tmp_path / "semantic.onnx", "--range-model", second]
    assert main([*map(str, words)]) == 0
    assert mismatch(new, read_card(tmp_path / "semantic.onnx")) == ""
    capsys.readouterr()
    words = ["export", "semantic", "--data", data, "--trained", first, "--output", "x.onnx"]
    assert main([*map(str, [*words, "--range-model", second])]) == 1
    assert "is not this network but a range one" in capsys.readouterr().err
    words = ["quantise", "range", "--data", data, "--output", "x.onnx", "--model"]
    assert main([*map(str, [*words, tmp_path / "semantic.onnx"])]) == 1
    assert "is no range network of PanoRadar, it takes features" in capsys.readouterr().err
    assert main([*map(str, [*words, tmp_path])]) == 1
    assert "is a folder: give a model in it" in capsys.readouterr().err
    assert main([*map(str, [*export, first, "--output", first])]) == 1
    assert "is the model itself" in capsys.readouterr().err
    words = ["quantise", "range", "--model", first, "--data", data, "--output", tmp_path / "8.onnx"]
    assert main([*map(str, words)]) == 0
    assert main([*map(str, [*export, tmp_path / "8.onnx", "--output", tmp_path / "x.onnx"])]) == 1
    assert "is in 8 bits: give the model it was made of, range" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()


def test_training_is_told_where_there_is_nothing_to_score(data, tmp_path, capsys):
    """Frames without people or things have no average precision."""
    validation = data.with_name("validation")
    for path in (*data.glob("*/label.npy"), *validation.glob("*/label.npy")):
        np.save(path, np.full_like(np.load(path), 9))
    assert train("range", data, tmp_path / "run") == 0
    model = tmp_path / "range.onnx"
    words = ["export", "range", "--trained", tmp_path / "run", "--data", data, "--output", model]
    assert main([*map(str, words)]) == 0
    words = ["train", "semantic", "--data", data, "--validation", validation, "--steps", "2"]
    words += ["--size", "tiny", "--output", tmp_path / "run2", "--range-model", model]
    assert main([*map(str, words)]) == 0
    assert "validation: miou" in capsys.readouterr().out


def test_training_and_evaluation_need_no_ros(tmp_path):
    program = (
        "import sys\n"
        "for name in ('rclpy', 'sensor_msgs', 'std_msgs'): sys.modules[name] = None\n"
        "from panoradar_ros.cli import main\n"
        "words = ['--range-model', 'none.onnx']\n"
        "assert main(['evaluate', 'panoradar', '--limit', '1', *words]) == 1\n"
        "data = ['--data', 'none', '--validation', 'none', '--output', 'x']\n"
        "assert main(['train', 'range', *data]) == 1\n"
        "assert main(['train', 'semantic', *data]) == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "there is no model none.onnx" in done.stderr
    assert "none is no folder" in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["train", "range", "--data", "none", "--validation", "none", "--output", "x"],
            "none is no folder",
        ),
        (["simulate", "dataset", "x", "--styles", "castle"], "no style castle"),
        (["simulate", "dataset", "x", "--buildings", "0"], "--buildings must be at least 1"),
        (["evaluate", "panoradar", "--limit", "0"], "--limit must be at least 1"),
        (["evaluate", "panoradar", "--seed", "100000"], "was trained or chosen on what has"),
        (["evaluate", "panoradar", "--seed", "-1"], "--seed must not be negative"),
        (
            ["export", "range", "--trained", "x", "--data", "x", "--output", "x.pt"],
            "must be NAME.onnx",
        ),
        (["evaluate", "panoradar", "--report", "x.png"], "must be the name of an HTML file"),
        (["evaluate", "panoradar", "--report", "/dev/null/x.html"], "cannot be written"),
    ],
)
def test_wrong_arguments_are_refused(words, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    assert problem in capsys.readouterr().err
