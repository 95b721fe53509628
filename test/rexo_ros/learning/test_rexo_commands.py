"""From simulated rooms to a report, each step as a user runs it, with tiny networks."""

import json

import pytest
import torch
from rooms import sequence

from mmwave.learning.export import exported_weights
from mmwave.learning.training import read_checkpoint
from panoradar_ros.cli import main
from rexo_ros.learning import evaluation
from rexo_ros.learning.ablation import SEARCHES
from rexo_ros.learning.sequences import write_sequence

TRAINED = (1, 2, 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("rexo")
    for name, rooms in {"train": TRAINED, "test": (50,)}.items():
        (root / name).mkdir()
        for room in rooms:
            one = sequence(room, people=1 + room % 2)
            write_sequence(root / name / f"room_{room:06d}_session_00.npz", one)
    return root


def panoradar(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    told = capsys.readouterr()
    assert status == 0, told.err
    return json.loads(told.out)


@pytest.fixture(scope="module")
def run(folders):
    words = ["train", "rexo", "--data", folders / "train", "--validation", folders / "test"]
    words += ["--output", folders / "run", "--size", "tiny", "--steps", 4, "--batch", 2, "--json"]
    assert main([str(word) for word in words]) == 0
    return folders / "run"


@pytest.fixture
def made_by_hand(monkeypatch):
    """Rooms are not simulated, but have what a simulated one has."""
    asked = []

    def simulate(room, session, frames, space_name, pose):
        asked.append((room, session))
        return sequence(room, session, people=1 + session % 2, frames=frames, pose=pose)

    monkeypatch.setattr(evaluation, "simulate_sequence", simulate)
    return asked


def exported(run, folders):
    words = ["export", "rexo", "--trained", run, "--data", folders / "test", "--frames", 2]
    assert main([str(one) for one in [*words, "--output", folders / "rexo.onnx"]]) == 0
    return [
        "--backbone-model", folders / "rexo_backbone.onnx",
        "--step-model", folders / "rexo_step.onnx",
    ]  # fmt: skip


def test_a_network_is_evaluated_in_rooms_and_on_days_that_it_never_saw(
    run, folders, made_by_hand, capsys
):
    models = exported(run, folders)
    report = folders / "report.html"
    words = ["evaluate", "rexo", "--json", "--limit", 24, "--seed", 900, "--report", report]
    told = panoradar(capsys, *words, *models)
    assert told["simulated"] is True
    assert told["frames"] == 24
    for kind in ("unseen", "seen"):
        assert set(told[kind]) >= {"frames", "ap", "ap50", "ap75", "ar1", "ar10", "ap_3d"}
        assert told[kind]["frames"] == 12
    assert set(told["by_split"]) == {"P1S1", "P1S2", "P2S1", "P2S2"}
    assert set(told["by_steps"]) == {"1", "3", "5", "10"}
    assert told["by_steps"]["1"]["ap"] == told["unseen"]["ap"]
    assert set(told["one_radar"]) == {"horizontal", "vertical"}
    assert set(told["latency_ms"]) == {"1", "5", "10"}
    assert "baselines" in told
    unseen = [one for one in made_by_hand if one[0] >= 900]
    seen = [one for one in made_by_hand if one[0] < 900]
    assert {room for room, _ in seen} <= set(TRAINED)
    assert all(session >= evaluation.FIRST_SESSION for _, session in seen)
    assert len(unseen) == len(set(seen)) == 3
    page = report.read_text()
    assert "Simulated rooms, seed 900" in page
    assert page.count("<figure>") == 8


def test_figures_are_the_same_for_the_same_seed(run, folders, made_by_hand, capsys):
    models = exported(run, folders)
    words = ["evaluate", "rexo", "--json", "--limit", 8, "--seed", 901, *models]
    one, other = (panoradar(capsys, *words) for _ in range(2))
    assert one["unseen"] == other["unseen"]
    assert one["by_steps"] == other["by_steps"]


def test_days_with_other_cameras_are_told_apart(run, folders, made_by_hand, capsys):
    models = exported(run, folders)
    report = folders / "poses.html"
    words = ["evaluate", "rexo", "--json", "--limit", 24, "--seed", 902, "--report", report]
    told = panoradar(capsys, *words, *models, "--camera-poses", 3)
    assert told["camera_poses"] == 3
    assert "seed 902, 3 camera poses" in report.read_text()
    rows = told["by_camera_pose"]
    assert len(rows) > 1
    assert set(rows) <= {"0", "1", "2"}
    assert sum(row["frames"] for row in rows.values()) == told["unseen"]["frames"] == 12
    assert "<h2>Camera&#x27;s pose, new rooms</h2>" in report.read_text()
    assert "by_camera_pose" not in panoradar(capsys, *words, *models)
    on_disk = [*map(str, models), "--data", str(folders / "test"), "--camera-poses", "2"]
    assert main(["evaluate", "rexo", "--limit", "2", *on_disk]) == 1
    assert "--camera-poses is of simulated rooms" in capsys.readouterr().err
    assert main(["evaluate", "rexo", "--limit", "2", "--camera-poses", "0"]) == 1
    assert "--camera-poses must be at least 1, got 0" in capsys.readouterr().err
    for system in ("panoradar", "mmanomaly"):
        assert main(["evaluate", system, "--limit", "2", "--camera-poses", "2"]) == 1
        assert "--camera-poses is of" in capsys.readouterr().err


def test_rooms_that_were_trained_in_are_not_new_ones(run, folders, made_by_hand, capsys):
    models = exported(run, folders)
    words = ["evaluate", "rexo", "--limit", 8, "--seed", 2, *models]
    assert main([str(word) for word in words]) == 1
    assert "was trained or chosen on" in capsys.readouterr().err
    assert not made_by_hand


def test_rows_of_an_ablation_begin_with_the_same_backbone_and_heads_of_their_own(
    run, folders, capsys
):
    step = exported(run, folders)[-1]
    words = ["ablate", "rexo", "--data", folders / "train", "--test", folders / "test"]
    words += ["--validation", folders / "test", "--output", folders / "begun"]
    words += ["--only", "one_match", "--seed", 7]
    words += ["--size", "tiny", "--steps", 1, "--batch", 2, "--limit", 2, "--backbone", step]
    told = panoradar(capsys, *words, "--learning-rate", 1e-9, "--json")
    assert told["settings"]["begin_only"] == "backbone."
    trained = read_checkpoint(folders / "begun" / "one_match")["net"]
    given = exported_weights(step)
    own = [name for name in trained if name.startswith("backbone.") and name in given]
    assert len(own) > 20
    for name in own:
        if "running" not in name:  # statistics move at any learning rate
            torch.testing.assert_close(trained[name], given[name], rtol=1e-3, atol=1e-4)
    heads = [name for name in trained if name.startswith("heads.") and name in given]
    assert any(not torch.allclose(trained[name], given[name], atol=1e-2) for name in heads)


def test_a_backbone_is_frozen_in_an_ablation_only_if_it_is_given(folders, tmp_path, capsys):
    words = ["ablate", "rexo", "--data", folders / "train", "--test", folders / "test"]
    words += ["--validation", folders / "test", "--output", tmp_path / "rows", "--freeze-backbone"]
    assert main([str(word) for word in words]) == 1
    assert "--freeze-backbone needs --backbone" in capsys.readouterr().err
    assert not (tmp_path / "rows").exists()


def test_the_ablation_trains_once_and_prints_a_table(folders, capsys):
    words = ["ablate", "rexo", "--data", folders / "train", "--test", folders / "test"]
    words += ["--validation", folders / "test", "--output", folders / "ablation"]
    words += ["--only", "rexo", "query", "flat"]
    words += ["--size", "tiny", "--steps", 2, "--batch", 2, "--limit", 2]
    told = panoradar(capsys, *words, "--json")
    assert told["simulated"] is True
    assert len(told["rows"]) == len(SEARCHES) + 1 + 1  # REXO in several ways of searching
    for row in told["rows"].values():
        assert set(row["test"]) >= {"ap", "ap50", "ap_3d"}
    before = (folders / "ablation" / "rexo" / "checkpoint.pt").stat().st_mtime_ns
    assert main([str(word) for word in words]) == 0
    assert (folders / "ablation" / "rexo" / "checkpoint.pt").stat().st_mtime_ns == before
    assert "| learned queries on both views (as RETR); 10 boxes, 1 step, test |" in (
        capsys.readouterr().out
    )
    assert main([*map(str, words), "--only", "yolo"]) == 1
    assert "no row yolo; there are rexo, horizontal" in capsys.readouterr().err
    (folders / "other" / "test").mkdir(parents=True)
    twice = [str(folders / "test"), str(folders / "other" / "test")]
    assert main([*map(str, words), "--test", *twice]) == 1
    assert "--test folders are told apart by their names, got test, test" in capsys.readouterr().err
    same = ["--test", str(folders / "train")]
    assert main([*map(str, words), *same]) == 1
    assert "room 1 session 0 among them, are learned from" in capsys.readouterr().err


def test_baselines_are_judged_on_the_same_frames(run, folders, made_by_hand, capsys):
    """One view or a fixed height: whatever is exported is evaluated by the same command."""
    models = exported(run, folders)
    made = folders / "baselines"
    for network, views in (("flat", "both"), ("rexo", "vertical")):
        words = ["train", network, "--views", views, "--data", folders / "train"]
        words += ["--validation", folders / "test", "--output", folders / f"run_{views}"]
        panoradar(capsys, *words, "--size", "tiny", "--steps", 2, "--batch", 2, "--json")
        words = ["export", "rexo", "--trained", folders / f"run_{views}", "--frames", 2]
        panoradar(capsys, *words, "--data", folders / "test", "--output", made / f"{views}.onnx")
    report = folders / "compared.html"
    words = ["evaluate", "rexo", "--json", "--limit", 8, "--seed", 907, "--baselines", made]
    told = panoradar(capsys, *words, *models, "--report", report)
    rows = {f"{name}, {kind}" for name in ("both", "vertical") for kind in ("unseen", "seen")}
    assert set(told["baselines"]) == rows
    assert told["baselines_of"] == "these frames"
    assert told["baselines_sha256"].keys() == {"both", "vertical"}
    assert all(row["frames"] == 4 for row in told["baselines"].values())
    assert '<td>both, seen</td><td class="number">4</td>' in report.read_text()
    alone = ["--backbone-model", made / "vertical_backbone.onnx",
             "--step-model", made / "vertical_step.onnx"]  # fmt: skip
    words = ["evaluate", "rexo", "--json", "--limit", 4, "--seed", 908]
    assert set(panoradar(capsys, *words, *alone)["one_radar"]) == {"vertical"}


def test_frames_on_disk_are_evaluated_without_simulating(run, folders, made_by_hand, capsys):
    models = exported(run, folders)
    words = ["evaluate", "rexo", "--json", "--data", folders / "test", "--limit", 2, *models]
    told = panoradar(capsys, *words)
    assert told["data"]["frames"] == told["frames"] == 2
    assert told["by_split"] == {}
    assert not made_by_hand


def test_what_was_learned_from_is_nothing_to_judge_by(run, folders, capsys):
    models = [*map(str, exported(run, folders))]
    words = ["evaluate", "rexo", *models, "--data", str(folders / "train"), "--limit", "2"]
    capsys.readouterr()
    assert main(words) == 1
    assert "3 sequences, room 1 session 0 among them, are what" in capsys.readouterr().err
    words = ["export", "rexo", "--trained", str(run), "--data", str(folders / "train")]
    assert main([*words, "--output", str(folders / "x.onnx")]) == 1
    assert "learned from: give others" in capsys.readouterr().err
    assert not list(folders.glob("x*"))


def test_options_of_the_other_system_are_refused(run, folders, capsys):
    assert main(["evaluate", "rexo", "--limit", "2", "--rotate"]) == 1
    assert "--rotate is of evaluate panoradar" in capsys.readouterr().err
    for words in (["--data-set", "mmvr"], ["--split", "P1S2"], ["--camera", "none.json"]):
        assert main(["evaluate", "rexo", "--limit", "2", *words]) == 1
        assert f"{words[0]} is of frames on disk: give --data too" in capsys.readouterr().err
    for words, limit in ((["--steps", "51"], "most 50"), (["--boxes", "0"], "least 1")):
        assert main(["demo", "--system", "rexo", *words]) == 1
        assert f"{words[0]}: parameter {words[0][2:]} must be at {limit}" in capsys.readouterr().err
    assert main(["demo", "--system", "rexo", "--semantic"]) == 1
    assert "--semantic is of --system panoradar" in capsys.readouterr().err
    words = ["train", "rexo", "--data", folders / "train", "--validation", folders / "train"]
    held = [*map(str, words), "--output", str(folders / "never"), "--hold-out", "office"]
    assert main(held) == 1
    assert "--hold-out is of range and semantic, not of rexo" in capsys.readouterr().err
    assert main([str(word) for word in [*words, "--output", folders / "never"]]) == 1
    assert "are learned from and in the validation too" in capsys.readouterr().err
    assert not (folders / "never").exists()


def test_the_cards_table_is_told_as_baselines(run, folders, made_by_hand, capsys, tmp_path):
    table = {"rows": {"REXO; 10 boxes": {"test": {"ap": 17.25}}}, "settings": {"steps": 2}}
    (tmp_path / "table.json").write_text(json.dumps(table))
    output = tmp_path / "with_table.onnx"
    export = ["export", "rexo", "--trained", run, "--data", folders / "test", "--frames", 2]
    export += ["--output", output]
    panoradar(capsys, *export, "--ablation", tmp_path / "table.json")
    models = ["--backbone-model", tmp_path / "with_table_backbone.onnx",
              "--step-model", tmp_path / "with_table_step.onnx"]  # fmt: skip
    report = tmp_path / "report.html"
    words = ["evaluate", "rexo", "--json", "--limit", 4, "--seed", 905, "--report", report]
    told = panoradar(capsys, *words, *models)
    assert told["baselines"] == {"REXO; 10 boxes, test": {"ap": 17.25}}
    assert told["baselines_of"] == {"the model's card, trained with": {"steps": 2}}
    assert '<td>REXO; 10 boxes, test</td><td class="number">17.25</td>' in report.read_text()
    assert main([*map(str, export), "--ablation", str(report)]) == 1
    assert "is not what panoradar ablate --json printed" in capsys.readouterr().err


def test_heatmaps_of_other_axes_are_no_validation(folders, tmp_path, capsys):
    write_sequence(tmp_path / "room_000900_session_00.npz", sequence(900, space_name="mmvr"))
    words = ["train", "rexo", "--data", str(folders / "train"), "--output", str(folders / "x")]
    assert main([*words, "--validation", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "learned from are heatmaps of 256 x 128 cells (-3 to 3 m right, -1.5 to 1.5 m up" in told
    assert "validated on 256 x 128 cells (-1 to 4 m right" in told


def test_a_run_that_is_complete_is_not_begun_anew(run, folders, capsys):
    settings = json.loads((run / "run.json").read_text())["settings"]
    words = ["train", "rexo", "--data", folders / "train", "--validation", folders / "test"]
    words += ["--output", run, "--size", "tiny", "--batch", settings["batch"]]
    done = settings["steps"]
    assert main([*map(str, words), "--steps", str(done + 1)]) == 1
    assert f"to train on with --begin-from {run}" in capsys.readouterr().err


def test_data_sets_that_need_something_say_so(folders, capsys):
    words = ["train", "rexo", "--data", str(folders / "train"), "--output", str(folders / "x")]
    assert main(words) == 1
    assert "--validation is needed" in capsys.readouterr().err
    assert main([*words, "--data-set", "mmvr"]) == 1
    assert "--data-set mmvr needs --split" in capsys.readouterr().err
    assert main([*words, "--data-set", "hiber", "--split", "P1S1"]) == 1
    assert "HIBER has its splits in folders" in capsys.readouterr().err
    assert main([*words, "--split", "P2S1"]) == 1
    assert "too few for split P2S1" in capsys.readouterr().err


def test_rooms_are_simulated_from_the_command_line(tmp_path, capsys):
    words = ["simulate", "rooms", tmp_path / "rooms", "--rooms", 1, "--sessions", 1, "--frames", 4]
    told = panoradar(capsys, *words, "--seed", 31, "--json")
    assert (told["sequences"], told["frames"]) == (1, 4)
    assert [path.name for path in (tmp_path / "rooms").iterdir()] == ["room_000031_session_00.npz"]
    assert main([str(word) for word in [*words, "--rooms", 0]]) == 1
    assert "--rooms must be at least 1, got 0" in capsys.readouterr().err
