"""Evaluations: what is told apart, what a roll changes, and the page that shows it all."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmwave.inference import ModelError, OnnxModel
from mmwave.simulation.scene import SemanticClass
from panoradar_ros.cli import main
from panoradar_ros.learning.breakdown import Breakdown
from panoradar_ros.learning.cloud_scores import CloudScores, plan_m
from panoradar_ros.learning.error_distribution import ErrorDistribution
from panoradar_ros.learning.evaluation import Answer, Evaluation, FreshFrame
from panoradar_ros.learning.evaluation_gallery import Gallery
from panoradar_ros.learning.evaluation_pictures import save_sheet
from panoradar_ros.learning.evaluation_report import write_report
from panoradar_ros.learning.export import export_range_net, export_semantic_net
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.networks.range_net import SIZES, RadarGrid, RangeNet
from panoradar_ros.learning.networks.semantic_net import SIZES as SEMANTIC_SIZES
from panoradar_ros.learning.networks.semantic_net import SemanticNet
from panoradar_ros.learning.seam_scores import SeamScores, half_turn, places_of
from panoradar_ros.recognition.features import CHANNELS

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
ROWS, COLUMNS = 64, 128


def frame(range_m=3.0, rows=ROWS, columns=COLUMNS, bins=2):
    shape = (rows, columns)
    return Frame(
        np.zeros((*shape, bins), np.uint8),
        np.broadcast_to(np.float32(range_m), shape).copy(),
        np.full(shape, np.float32(2.0)),
        np.broadcast_to(np.int8((-127, 0, 0)), (*shape, 3)).copy(),
        np.full(shape, SemanticClass.WALL, np.uint8),
        np.full(shape, -1, np.int32),
        np.zeros(shape, bool),
    )


def test_quantiles_of_uniform_errors_are_their_shares():
    errors = ErrorDistribution()
    errors.add(np.linspace(0, 2, 20_001))
    for share in (0.02, 0.1, 0.5, 0.9, 1.0):
        assert errors.quantile_m(share) == pytest.approx(2 * share, rel=0.025)
    below = errors.cumulative()
    assert below[0] == 0
    assert below[-1] == pytest.approx(1)
    assert (np.diff(below) >= 0).all()
    assert list(errors.as_json())[::10] == ["10", "99"]


def test_images_of_many_pixels_do_not_count_more_and_unknown_ones_not_at_all():
    errors = ErrorDistribution()
    errors.add(np.array([1.0, np.nan, np.nan]))
    errors.add(np.full((50, 20), 0.01))
    errors.add(np.full(7, np.nan))
    assert errors.quantile_m(0.49) == pytest.approx(0.01, rel=0.03)
    assert errors.quantile_m(0.51) == pytest.approx(1.0, rel=0.03)


def test_errors_beyond_the_histogram_are_its_last_and_nonsense_is_refused():
    errors = ErrorDistribution()
    with pytest.raises(ValueError, match="no image"):
        errors.quantile_m(0.5)
    errors.add(np.array([25.0]))
    assert errors.quantile_m(0.5) == pytest.approx(10, rel=0.03)
    with pytest.raises(ValueError, match="a share must be above 0"):
        errors.quantile_m(0.0)


def test_clouds_in_two_dimensions_are_those_of_the_level_rays():
    truth = frame(3.0)
    assert plan_m(truth.range, truth).shape == (8 * COLUMNS, 2)
    steep, level = np.array(truth.range), np.array(truth.range)
    steep[:28] = 5.0
    level[28:36] = 3.1
    scores = CloudScores()
    scores.add(steep, truth)
    assert scores.as_json()["chamfer_2d_m"] == 0
    assert scores.as_json()["chamfer_m"] > 0.5
    scores = CloudScores()
    scores.add(level, truth)
    # rings of eight heights within 0.4 % of each other, 10 cm apart
    assert scores.as_json()["hausdorff_2d_m"] == pytest.approx(0.1, abs=0.012)
    assert scores.as_json()["chamfer_2d_m"] == pytest.approx(0.2, abs=0.024)


def test_no_points_no_distance():
    assert set(CloudScores().as_json().values()) == {None}


def test_errors_are_told_apart_by_elevation_distance_and_speed():
    truth = frame(3.5)
    truth.range[:, 64:] = 7.0
    truth.label[:10] = SemanticClass.CEILING
    range_m = np.array(truth.range)
    range_m[:10] += 0.5  # above 30 degrees
    label = np.array(truth.label)
    label[:10] = SemanticClass.WALL
    parts = Breakdown()
    parts.add(range_m, truth, 0.004, label)
    parts.add(truth.range, truth, 0.004)
    parts.add(truth.range, truth, 3.0)
    parts.add(truth.range, truth, float("nan"))
    found = parts.as_json()
    errors = [one["range_mae_m"] for one in found["by_elevation"]]
    assert errors[:4] == [0, 0, 0, 0]
    assert errors[4] == pytest.approx(0.5 / 4 * 10 / 11)  # 11 rows above 30 degrees
    assert [one["range_mae_m"] > 0 for one in found["by_field_of_view"]] == [False, False, True]
    assert [one["range_mae_m"] is None for one in found["by_distance"]] == [True, False, False]
    assert found["by_elevation"][0]["miou"] == 100
    assert found["by_elevation"][4]["miou"] < 50
    unnamed = Breakdown()
    unnamed.add(range_m, truth, 0.0, np.where(label == SemanticClass.WALL, 255, label))
    json.dumps(unnamed.as_json(), allow_nan=False)
    assert unnamed.as_json()["by_elevation"][0]["miou"] == 0  # pixels without a class are wrong
    assert [one["frames"] for one in found["by_speed_error"]] == [0, 2, 0, 0, 0, 1]
    assert found["by_speed_error"][5]["to_mps"] is None
    assert found["by_speed_error"][0]["range_mae_m"] is None
    json.dumps(found, allow_nan=False)


def test_every_column_is_in_one_place():
    places = places_of(512)
    assert (np.sum(list(places.values()), axis=0) == 1).all()
    assert np.flatnonzero(places["former_seam"]).tolist() == [*range(8), *range(504, 512)]
    assert np.flatnonzero(places["new_seam"]).tolist() == list(range(248, 264))


def test_a_change_at_the_seam_is_seen_there_alone():
    truth = frame(3.0)
    range_m = np.array(truth.range)
    range_m[:, :8] = 3.25
    range_m[:, 120:] = np.nan
    scores = SeamScores()
    scores.add(range_m, truth.range, truth, (truth.label, truth.label))
    found = scores.as_json()
    change = found["seam_range_change_m"]
    assert change["former_seam"]["mean"] == pytest.approx((0.25 + 6.6) / 2)
    assert change["new_seam"] == change["elsewhere"] == {"mean": 0, "median": 0}
    assert found["seam_range_mae_m"]["former_seam"]["rolled"] == 0
    assert found["seam_range_mae_m"]["former_seam"]["as_it_is"] > 3
    assert set(found["seam_other_class"].values()) == {0}


def test_rolls_that_are_no_multiple_of_a_patch_are_refused():
    assert half_turn(512) == 256
    with pytest.raises(ValueError, match="use panoramas of a multiple of 128 columns"):
        half_turn(192)


def scene(seed, rows=8):
    """Echoes of one reflector a ray, in noise, and its truth."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(30, 200, (rows, COLUMNS))
    echo = rng.integers(20, 60, (rows, COLUMNS, 256), dtype=np.uint8)
    np.put_along_axis(echo, bins[..., None], 120, axis=-1)
    truth = frame((0.03747 * bins + 0.08).astype(np.float32), rows)
    return FreshFrame(replace(truth, echo=echo), f"style<{seed}>", seed, 0.001 * seed)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A range network that wraps, one that does not, a semantic network."""
    folder = tmp_path_factory.mktemp("models")
    paths = []
    for wraps in (True, False):
        torch.manual_seed(3)
        net = RangeNet(SIZES["tiny"], RadarGrid(rows=8, columns=COLUMNS), wraps).eval()
        torch.nn.init.normal_(net.answer.weight, 0, 0.5)
        torch.nn.init.zeros_(net.answer.bias)  # there is something wherever it looks
        paths.append(folder / f"range_{wraps}.onnx")
        card = {"name": "range", "training": {"settings": {"wraps": wraps}}}
        export_range_net(net, paths[-1], scene(9).frame.echo, card)
    torch.manual_seed(3)
    features = np.random.default_rng(0).normal(0, 1, (len(CHANNELS), 8, COLUMNS))
    net = SemanticNet(SEMANTIC_SIZES["tiny"]).eval()
    paths.append(folder / "semantic.onnx")
    export_semantic_net(net, paths[-1], features.astype(np.float32), {"name": "semantic"})
    return [OnnxModel(path, threads=1) for path in paths]


def evaluated(models, wraps=True, count=3, gallery=None):
    evaluation = Evaluation(models[0 if wraps else 1], models[2], rotates=True)
    for seed in range(count):
        one = scene(seed)
        answer = evaluation.add(one)
        if gallery is not None:
            gallery.add(one, answer)
    return evaluation


def test_only_without_wrapping_a_roll_changes_answers_and_only_at_the_seams(models):
    circle = evaluated(models).as_json()
    assert circle["range_model_wraps"] is True
    for change in circle["seam_range_change_m"].values():
        assert change["mean"] < 1e-5
    strip = evaluated(models, wraps=False).as_json()
    assert strip["range_model_wraps"] is False
    change = strip["seam_range_change_m"]
    assert min(change[place]["mean"] for place in ("former_seam", "new_seam")) > 1e-4
    assert change["elsewhere"]["mean"] < 0.02 * change["former_seam"]["mean"]


def test_scores_of_all_frames_are_those_of_the_buildings_together(models):
    found = evaluated(models).as_json()
    rows = found["by_building"]
    assert sum(row["frames"] for row in rows) == found["frames"]
    weighted = sum(row["frames"] * row["range_mae_m"] for row in rows) / found["frames"]
    assert weighted == pytest.approx(found["range_mae_m"])
    for name in ("range_mae_m", "miou"):
        low, high = found["intervals_90"][name]
        values = [row[name] for row in rows if row[name] is not None]
        assert low <= high
        if name == "range_mae_m":
            assert min(values) <= low
            assert high <= max(values)
            assert low <= found[name] <= high


PROMISED = {
    "frames", "range_mae_m", "range_median_m", "range_p90_m", "baseline_range_mae_m",
    "normal_mean_deg", "miou", "pixel_accuracy", "ap50", "ap", "person_range_m",
    "person_azimuth_deg", "chamfer_m", "hausdorff_m", "range_net_ms", "semantic_net_ms",
}  # fmt: skip


def test_an_evaluation_has_the_figures_that_are_promised_or_were_ever_published(models):
    found = evaluated(models).as_json()
    assert found.keys() >= PROMISED
    files = [*RESULTS.glob("evaluate_panoradar_*.json")]
    assert files
    for path in files:
        published = json.loads(path.read_text()).keys() - {"seed", "styles"}
        assert published <= found.keys()
    json.dumps(found, allow_nan=False)
    assert found["frames"] == 3
    quantiles = list(found["range_error_quantiles_m"].values())
    assert quantiles == sorted(quantiles)


class OldModel:
    """A range network of before there were hints."""

    path = Path("old.onnx")

    def run(self, echo):
        return {"range_m": echo[0, :, :, 0] * 1.0, "normal": np.zeros((*echo.shape[1:3], 3))}


def test_a_range_network_of_another_version_is_named(models):
    with pytest.raises(ModelError, match=r"old.onnx gives no confidence, hint, spread_m.*export"):
        Evaluation(OldModel(), models[2]).add(scene(0))


def test_the_page_needs_nothing_else_and_says_that_it_is_simulated(models, tmp_path):
    gallery = Gallery()
    evaluation = evaluated(models, gallery=gallery)
    result = {"seed": 4711, "styles": ["style<0>"], **evaluation.as_json()}
    path = tmp_path / "report.html"
    write_report(path, result, evaluation.learned_errors, evaluation.strongest_errors, gallery)
    text = path.read_text(encoding="utf-8")
    assert text.index("Simulated.") < text.index("<table>")
    for word in ("4711", models[0].card.sha256, models[2].card.sha256, "15.76", "style&lt;0&gt;"):
        assert word in text
    assert "style<0>" not in text
    assert not re.search(r"https?://|<script|<link", text)
    sources = re.findall(r'<img src="([^"]*)"', text)
    assert len(sources) == 1 + 3
    for source in sources:
        data = base64.b64decode(re.fullmatch(r"data:image/(?:png|jpeg);base64,(.*)", source)[1])
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).size
    for open_, close in (("<table>", "</table>"), ("<tr>", "</tr>"), ("<figure>", "</figure>")):
        assert text.count(open_) == text.count(close)


def test_a_page_without_semantics_rolls_and_answers_is_a_page_too(models, tmp_path):
    evaluation = Evaluation(models[0])
    one = scene(1)
    evaluation.add(one)
    result = {"seed": 1, "styles": [one.style], **evaluation.as_json()}
    path = tmp_path / "report.html"
    errors = evaluation.learned_errors, evaluation.strongest_errors
    write_report(path, result, *errors, Gallery())
    assert "No semantic network was evaluated" in path.read_text(encoding="utf-8")


def shown(one):
    return FreshFrame(one, "lobby", 1, 0.0)


def test_the_gallery_shows_extremes_and_what_is_asked_for_once(object_scene):
    plain = object_scene()
    across = object_scene((0, 7, 2, 61, 8, 6))
    within = object_scene((0, 7, 2, 20, 8, 6), (0, 8, 2, 40, 8, 6))
    far = replace(plain, range=plain.range + 3)
    gallery = Gallery()
    for error_m, one in ((0.3, plain), (0.1, across), (0.2, within), (0.4, far)):
        range_m = one.range - np.float32(error_m)
        gallery.add(shown(one), Answer(range_m, np.zeros((*range_m.shape, 3)), None))
    reasons = {sheet.range_mae_m: names for names, sheet in gallery.chosen()}
    assert {round(error, 3): names for error, names in reasons.items()} == {
        0.1: ["best", "a person or thing across the seam, in the middle of the picture"],
        0.3: ["middle"],
        0.4: ["worst", "most beyond 7 m"],
        0.2: ["most people"],
    }


def test_a_sheet_is_written_and_a_folder_made_for_it(object_scene, tmp_path):
    one = shown(object_scene((0, 7, 2, 61, 8, 6)))
    label = np.array(one.frame.label)
    answer = Answer(one.frame.range, np.zeros((*label.shape, 3)), label)
    save_sheet(tmp_path / "a" / "b", 3, one, answer)
    picture = cv2.imread(str(tmp_path / "a" / "b" / "003_lobby_1.png"))
    assert picture.shape == (9 * 3 * 16 + 8 * 6, 64, 3)
    learned, true = picture[-2 * 48 - 6 : -48 - 6], picture[-48:]
    np.testing.assert_array_equal(learned, true)


def test_the_command_writes_page_pictures_and_figures(models, tmp_path, monkeypatch, capsys):
    def frames(seed, count, styles):
        return (replace(scene(seed + n), style=styles[0]) for n in range(count))

    monkeypatch.setattr("panoradar_ros.learning.evaluation.fresh_frames", frames)
    words = ["evaluate", "panoradar", "--limit", "2", "--seed", "5", "--styles", "lobby"]
    words += ["--range-model", models[1].path, "--semantic-model", models[2].path, "--rotate"]
    words += ["--report", tmp_path / "new" / "report.html", "--pictures", tmp_path / "pictures"]
    assert main([*map(str, words), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["seed"], found["frames"]) == (5, 2)
    assert found["range_model_wraps"] is False
    page = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "rolled by half a turn" in page
    assert len(list((tmp_path / "pictures").glob("*_lobby_*.png"))) == 2
    assert main([*map(str, words)]) == 0
    assert "former_seam range changes by" in capsys.readouterr().out
