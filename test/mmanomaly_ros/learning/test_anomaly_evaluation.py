"""From normal sequences to decisions, figures and a report, as a user runs it, with tiny graphs."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from anomaly_commands import FRAMES, WATCHES, anomalous, evaluated, panoradar
from fake_scenes import scene, write_scene

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.comparison import EVIDENCE, Comparer
from mmanomaly_ros.decision import WINDOWS, Decision, decide
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.learning.calibration import (
    Pair,
    fitted_fusion,
    joined,
    spread_of_scores,
    variants_of,
)
from mmanomaly_ros.learning.evaluation import (
    Evaluation,
    frames_of,
    groups_of,
    misaligned,
    outcome_of,
)
from mmanomaly_ros.learning.material_spread import compared, surface
from mmanomaly_ros.learning.sightings import VARIANTS, Sighting, Sources, Variant, sighting_of
from mmanomaly_ros.models import load_detector
from mmanomaly_ros.watch import ANGLES, CLOTHINGS, RANGES, WALLS
from mmwave.camera import RGBD_CAMERA
from mmwave.inference import OnnxModel, read_card
from panoradar_ros.cli import main

pytestmark = pytest.mark.usefixtures("short_windows")


def test_decisions_are_chosen_on_normal_frames(decided):
    found = Decision.read(decided / "mmanomaly_decision.json")
    assert set(found.watches) == set(WATCHES)
    for number, name in enumerate(WATCHES):
        one = found.watches[name]
        assert one.normal_frames == 3 * (FRAMES - one.window + 1)
        assert set(variants_of(found, number)) == set(VARIANTS)
        assert set(found.about["normal_scores"][name]) == {"mean", "within", "between", "frames"}
        assert len(found.about["restored_db"][name]) == 3
    for name in ("context", "denoiser", "decoder", "comparator", "baseline"):
        sha256 = read_card(decided / f"mmanomaly_{name}.onnx").sha256
        assert found.about[f"{name}_sha256"] == sha256
    assert all(found.about["data"][name]["anomalous_frames"] == 0 for name in WATCHES)
    load_detector("weapon", {name: str(decided / f"mmanomaly_{name}.{suffix}") for name, suffix in (
        ("context", "onnx"), ("denoiser", "onnx"), ("decoder", "onnx"), ("comparator", "onnx"),
        ("decision", "json"))})  # fmt: skip


def test_watches_that_are_decided_one_by_one_are_in_one_card(decided):
    card = Decision.read(decided / "mmanomaly_decision.json")
    by_watch = ("data", "restored_db", "normal_scores", "pasted_frame_auroc", "normal_sequences")

    def only(name):
        about = {
            key: {name: value[name]} if key in by_watch else value
            for key, value in card.about.items()
        }
        variants = {one: {name: watch[name]} for one, watch in card.about["variants"].items()}
        return Decision({name: card.watches[name]}, {**about, "variants": variants})

    both = joined(only("intruder"), only("weapon"))
    assert list(both.watches) == ["weapon", "intruder"]
    assert both.watches["weapon"] == card.watches["weapon"]
    assert set(both.about["restored_db"]) == {"weapon", "intruder"}
    assert all(set(one) == {"weapon", "intruder"} for one in both.about["variants"].values())
    other = only("weapon")
    assert joined(only("intruder"), Decision(other.watches, {**other.about, "steps": 9})) is None


def test_a_folder_called_models_is_not_what_is_installed(
    decided, mixed, tmp_path, monkeypatch, capsys
):
    shutil.copytree(decided, tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    words = ("--limit", 1, "--alone")
    found = evaluated(capsys, "models", mixed, *words)
    wanted = evaluated(capsys, decided, mixed, *words)
    for name in WATCHES:
        assert found[name]["above_threshold_frames"] == wanted[name]["above_threshold_frames"]
        assert found[name]["by"] == wanted[name]["by"]


def test_an_evaluation_tells_everything_and_writes_a_report(decided, mixed, tmp_path, capsys):
    report = tmp_path / "report.html"
    found = evaluated(
        capsys, decided, mixed, "--report", report, "--misaligned", "--draw-steps", 1, 4
    )
    assert found["simulated"] is True
    assert found["frames"] == 8 * FRAMES
    for name in WATCHES:
        one = found[name]
        # the stranger is 12 dB over everything: no system worth its name misses that; but three
        # normal sequences tell little of how high a fourth scores
        assert (one["auroc"], one["misses"]) == (1, 0)
        assert one["f1"] == pytest.approx(2 * 2 / (4 + one["false_alarms"]), abs=1e-4)
        assert one["range_median_m"] <= one["localisation_median_m"] < 0.3
        assert one["normal_frames"] == 2 * (FRAMES + 1 - WINDOWS[name])
        assert set(one["baselines"]) == {"autoencoder", "level"}
        assert one["baseline_f1"] == max(row["f1"] for row in one["baselines"].values())
        assert set(one["ablations"]) == {"regression", "learned", "z", "ssim"}
        assert found["by_steps"]["4"][name]["f1"] == one["f1"]
        assert found["misaligned"][name]["recall"] == 1
        errors_db = found["misaligned_error_db"][name]
        assert list(errors_db) == ["0", "0.5", "1", "2", "4"]
        assert all(one > 0 for one in errors_db.values())
    assert found["weapon"]["by"]["hidden"]["pistol"]["anomalous"] == 2
    assert found["intruder"]["by"]["wall"]["plasterboard"]["normal"] == 1
    assert 0 < found["frame_ms"] <= found["frame_ms_p95"]
    assert found["heads"]["pose"] == {"accuracy": 0.0, "frames": 8 * FRAMES, "unknown": 0}
    page = report.read_text()
    assert "Simulated" in page
    quiet = sum(found[name]["false_alarms"] < 2 for name in WATCHES)
    false = sum(found[name]["false_alarms"] for name in WATCHES)
    assert page.count("<figure>") == 2  # curves
    assert page.count("<figcaption>hit: ") == 4
    assert page.count("<figcaption>false alarm: ") == false
    assert page.count("<figcaption>quiet: ") == quiet
    assert "weapon by hidden" in page


def test_real_data_is_not_said_to_be_simulated(models, tmp_path, capsys):
    own, data, report = tmp_path / "models", tmp_path / "data", tmp_path / "report.html"
    shutil.copytree(models, own)
    for number in range(3):
        one = scene(0, 900 + number, FRAMES)
        write_scene(data, replace(one, meta={**one.meta, "simulated": False}))
    words = ["decide", "mmanomaly", "--data", data, "--models", own, "--watches", "weapon"]
    words += ["--pasted-frames", 6, "--threads", 1]
    assert panoradar(capsys, *words, "--json")["simulated"] is False
    assert Decision.read(own / "mmanomaly_decision.json").about["simulated"] is False
    assert main([str(one) for one in words]) == 0
    assert "Measured, chosen on normal frames" in capsys.readouterr().out
    words = ["evaluate", "mmanomaly", "--models", own, "--data", data, "--watches", "weapon"]
    told = panoradar(capsys, *words, "--threads", 1, "--report", report, "--json")
    assert told["simulated"] is False
    assert "simulated" not in report.read_text().lower().partition("</style>")[2]
    assert "<title>mmAnomaly evaluation, measured</title>" in report.read_text()


def test_what_a_card_says_of_other_watches_is_not_lost_in_silence(
    decided, normal, tmp_path, capsys
):
    own = tmp_path / "models"
    shutil.copytree(decided, own)
    card = own / "mmanomaly_decision.json"
    words = ["decide", "mmanomaly", "--data", normal, "--models", own, "--watches", "weapon"]
    words = [str(one) for one in [*words, "--pasted-frames", 6, "--threads", 1, "--draw-steps", 1]]
    assert main(words) == 0  # thresholds of four steps are of no use for one
    assert "intruder was of other networks or settings and is gone" in capsys.readouterr().err
    assert list(Decision.read(card).watches) == ["weapon"]
    card.write_text(card.read_text()[:-20])
    damaged = card.read_bytes()
    assert main(words) == 1
    assert "move it away, or give another --output" in capsys.readouterr().err
    assert card.read_bytes() == damaged


def test_figures_are_the_same_with_and_without_baselines(decided, mixed, capsys):
    words = ("--limit", 1, "--seed", 3)
    whole, alone = (evaluated(capsys, decided, mixed, *words, *more) for more in ((), ("--alone",)))
    for name in WATCHES:
        assert whole[name]["by"] == alone[name]["by"]
        assert whole[name]["f1"] == alone[name]["f1"]
        assert alone[name]["baseline_f1"] is None
    assert whole["frames"] == 4 * FRAMES


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate", "--limit", 0), "--limit must be at least 1"),
        (("evaluate", "--rotate"), "--rotate is of another system"),
        (("evaluate", "--draws", 1), "--draws must be at least 2"),
        (("evaluate", "--seed", 901, "--limit", 3), "was trained or chosen on what has the seeds"),
        (("evaluate", "--threads", 0), "--threads must be at least 1"),
        (("adapt",), "--data and --output are needed"),
        (("adapt", "--minutes", -1), "--minutes must be from 0 to 60"),
        (("decide", "--data", "/nowhere"), "/nowhere is no folder"),
    ],
)
def test_a_users_mistake_is_told(words, message, decided, capsys):
    command, *more = words
    told = [command, "mmanomaly", "--models", str(decided), *map(str, more)]
    if command == "evaluate":
        told += ["--watches", "weapon"]
    assert main(told) == 1
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def sources(models):
    graphs = {name: OnnxModel(models / f"mmanomaly_{name}.onnx", threads=1)
              for name in ("context", "denoiser", "decoder", "comparator", "baseline")}  # fmt: skip
    drawing = [graphs[name] for name in ("context", "denoiser", "decoder")]
    return Sources(
        Expecter(*drawing, 2, 1), Expecter(*drawing, 0, 1), Comparer(graphs["comparator"]),
        graphs["baseline"],
    )  # fmt: skip


def test_variants_decide_as_the_live_node_does(decided, mixed, sources):
    """What is told of features afterwards is what the detector's own alarm told."""
    files = {name: str(decided / f"mmanomaly_{name}") for name in ("context", "denoiser", "decoder",
             "comparator")}  # fmt: skip
    files = {name: f"{path}.onnx" for name, path in files.items()}
    files["decision"] = str(decided / "mmanomaly_decision.json")
    detector = load_detector("weapon", files, 2, 1, threads=1)
    one = anomalous(scene(0, 77, FRAMES))
    frames = list(frames_of(detector, one, RGBD_CAMERA, np.random.default_rng(0)))
    features = [frame.found.comparison.features for frame in frames]
    verdict = decide(features, detector.decision)
    assert [frame.found.state for frame in frames] == verdict.states
    np.testing.assert_array_equal([frame.found.score for frame in frames], verdict.scores)
    told = outcome_of(features, detector.decision, one.anomalous)
    whole = Evaluation({0: detector}).add(one, RGBD_CAMERA)
    assert (told.alarmed, told.frames) == (whole.alarmed, whole.frames)
    assert told.alarm_frames == whole.alarm_frames > 0
    assert verdict.states[0] is AlarmState.UNKNOWN
    # and a sighting holds all that a score is made of
    for frame in frames[:2]:
        comparison, fusion = frame.found.comparison, detector.decision.fusion
        assert sighting_of(comparison).scored(fusion).score == pytest.approx(
            comparison.score, abs=1e-4
        )


def sighting(evidence, frame=0.0):
    return Sighting(evidence, frame, FrameFeatures(0.0))


def pair(generator, witness, gain):
    """Only one witness sees the paste."""
    plain, changed = (generator.random((len(EVIDENCE), RANGES, ANGLES)) for _ in range(2))
    mask = np.zeros((RANGES, ANGLES), bool)
    mask[40:44, 20:24] = True
    changed[EVIDENCE.index(witness), mask] += gain
    return Pair({"camera": sighting(plain, generator.normal())},
                {"camera": sighting(changed, generator.normal() + 3)}, mask, True)  # fmt: skip


def test_the_witness_that_sees_something_is_heard():
    generator = np.random.default_rng(0)
    pairs = [pair(generator, "azimuth", 3.0) for _ in range(12)]
    found = fitted_fusion(Variant("camera"), pairs)
    assert found.azimuth > 3
    assert max(found.learned, found.doppler, found.dissimilarity) < 0.2 * found.azimuth
    deaf = fitted_fusion(Variant("camera", ("learned", "frame")), pairs)
    assert deaf.azimuth == 0
    assert deaf.frame > 0  # the only one left that tells anything
    assert fitted_fusion(Variant("camera", ("azimuth",)), pairs).frame == 0


def test_scores_spread_within_sequences_and_between_them(decided):
    decision = Decision.read(decided / "mmanomaly_decision.json").watches["weapon"]
    decision = replace(decision, window=1)
    rng = np.random.default_rng(0)
    runs = []
    for _ in range(400):
        middle = rng.normal(2, 1.5)
        runs.append([FrameFeatures(middle + rng.normal(0, 0.5)) for _ in range(20)])
    found = spread_of_scores(runs, decision)
    assert found["mean"] == pytest.approx(2, abs=0.2)
    assert found["within"] == pytest.approx(0.5, rel=0.05)
    assert found["between"] == pytest.approx(1.5, rel=0.1)
    assert found["frames"] == 20


def test_a_camera_is_off_by_as_much_as_told():
    for seed in range(3):
        moved = misaligned(RGBD_CAMERA, np.random.default_rng(seed))
        off = moved.position_m - RGBD_CAMERA.position_m
        assert np.linalg.norm(off) == pytest.approx(0.02)
        turn = np.asarray(moved.rotation) @ np.asarray(RGBD_CAMERA.rotation).T
        angle = np.rad2deg(np.arccos((np.trace(turn) - 1) / 2))
        assert angle == pytest.approx(2.0, rel=1e-6)


def test_sequences_are_grouped_by_what_is_in_them():
    one = anomalous(scene(1, 3, 4))
    one = replace(one, meta={**one.meta, "clutter": ["ladder"]})
    found = groups_of(one, "walk")
    assert found["wall"] == "double_plasterboard"
    assert found["clutter"] == found["clutter: ladder"] == found["person_in_front"] == "yes"
    assert (found["pose"], found["activity"]) == ("stand", "walk")
    assert found["distance"] == "2-3.5 m"
    normal = groups_of(scene(0, 3, 4))
    assert "distance" not in normal
    assert "wall" not in normal


def test_spread_is_told_over_surfaces(sources):
    seen = [scene(task, 5, 3) for task in range(2)]
    new = [scene(task, 6, 3) for task in range(2)]
    found = compared(
        sources._expecters["camera"], seen, [*new, anomalous(new[0])], RGBD_CAMERA, 0.0421
    )  # fmt: skip
    assert set(found) == set(WATCHES)
    for one in found.values():
        assert one["seen"]["spread_db"] > 0
        assert one["spread_ratio"] == pytest.approx(1)  # the tiny graphs know one spread
        assert one["by_material"] == {}  # no place was seen in known materials too
    same = compared(sources._expecters["camera"], seen, seen, RGBD_CAMERA, 0.0421)
    for task, one in enumerate(same.values()):
        material = CLOTHINGS[seen[task].clothing] if task == 0 else WALLS[seen[task].wall]
        assert one["by_material"] == {
            material: {"sequences": 1, "spread_ratio": 1.0, "error_ratio": 1.0}
        }
    cells = surface(_context(seen[0]))
    row = round(3.0 / 0.0421)
    assert cells[row, 32]
    assert cells.mean() < 0.2


def _context(one):
    from mmanomaly_ros.context import context_of

    return context_of(one.rgb[0], one.depth_mm[0] / 1000, RGBD_CAMERA, one.task)


@pytest.mark.parametrize("command", ["decide", "evaluate"])
def test_sequences_that_a_network_learned_from_are_refused(
    command, decided, mixed, tmp_path, capsys
):
    models = tmp_path / "models"
    shutil.copytree(decided, models)
    card = models / "mmanomaly_context.json"
    told = json.loads(card.read_text())
    told["training"] = {"data": {"seeds": [51, 99]}}
    card.write_text(json.dumps(told))
    words = [command, "mmanomaly", "--data", mixed, "--models", models, "--watches", *WATCHES]
    assert main([str(one) for one in words]) != 0
    said = capsys.readouterr().err
    assert "seeds like 51 are in --data, and context learned from seeds 51 to 99" in said
