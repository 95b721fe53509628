"""REXO as two ONNX files: the same answers as PyTorch, any number of boxes and frames."""

import json

import numpy as np
import pytest
import torch
from rooms import sequence

from mmwave.inference import ModelError, OnnxModel, card_path
from mmwave.learning.training import begin_with
from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.detector import Detector, Trained
from rexo_ros.diffusion import Sampler
from rexo_ros.learning.export import export_rexo
from rexo_ros.learning.networks.base import SIZES
from rexo_ros.learning.networks.query_net import QueryNet
from rexo_ros.learning.networks.rexo_net import RexoNet
from rexo_ros.learning.samples import SimulatedSet
from rexo_ros.learning.task import denoiser
from rexo_ros.normalisation import Normalisation
from rexo_ros.space import AT_ORIGIN, SPACES, THREE

SPACE = SPACES["room"]
NORMALISATION = Normalisation((5.0, 5.0), (2.0, 2.0))
HEATMAPS = np.random.default_rng(0).normal(size=(2, 4, 256, 128)).astype(np.float32)


def exported(folder, net, stem="rexo"):
    card = {"training": {"data": {"seed_ranges": [[1, 2]]}}}
    errors = export_rexo(net, folder, stem, HEATMAPS, NORMALISATION, card)
    paths = folder / f"{stem}_backbone.onnx", folder / f"{stem}_step.onnx"
    return errors, *(OnnxModel(path) for path in paths)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(2)
    net = RexoNet(SIZES["tiny"], SPACE)
    with torch.no_grad():  # as training makes them: no two the same, which an exporter would join
        for value in net.state_dict().values():
            if value.is_floating_point():
                value *= 1 + 0.02 * torch.rand_like(value)
                value += 1e-3 * torch.rand_like(value)
    return net.eval()


@pytest.fixture(scope="module")
def models(net, tmp_path_factory):
    return exported(tmp_path_factory.mktemp("rexo"), net)


@pytest.mark.parametrize("count", [1, 7, 30])
def test_any_number_of_boxes_gives_what_pytorch_gives(net, models, count):
    errors, backbone, step = models
    assert max(errors["step"].values()) < 1e-2
    noisy = np.random.default_rng(count).uniform(0.1, 0.9, (count, 6))
    expected = denoiser(net, HEATMAPS)(noisy, 30)
    features = backbone.run(heatmaps=HEATMAPS[None])["features"]
    found = step.run(
        features=features, noisy=noisy[None].astype(np.float32), time=np.array([30], np.int64)
    )
    np.testing.assert_allclose(found["boxes"][0], expected.boxes, atol=2e-3)
    np.testing.assert_allclose(found["score"][0], expected.score, atol=2e-3)


def test_batches_of_any_size_are_their_frames_one_by_one(models):
    _, backbone, step = models
    many = np.random.default_rng(1).normal(size=(3, 2, 4, 256, 128)).astype(np.float32)
    together = backbone.run(heatmaps=many)["features"]
    noisy = np.random.default_rng(2).uniform(0.1, 0.9, (3, 6, 6)).astype(np.float32)
    time = np.array([5, 50, 95], np.int64)
    found = step.run(features=together, noisy=noisy, time=time)
    for number in range(3):
        own = slice(number, number + 1)
        alone = backbone.run(heatmaps=many[own])["features"]
        np.testing.assert_allclose(together[own], alone, atol=1e-4)
        one = step.run(features=alone, noisy=noisy[own], time=time[own])
        np.testing.assert_allclose(found["boxes"][own], one["boxes"], atol=1e-4)


def test_a_detector_finds_the_same_every_time_and_in_the_image(models):
    _, backbone, step = models
    detector = Detector(backbone, step, Sampler(boxes=12, steps=3))
    sample = SimulatedSet([sequence(people=2)])[0]
    first = detector(sample.power, np.random.default_rng(0), MOUNTED_CAMERA)
    again = detector(sample.power, np.random.default_rng(0), MOUNTED_CAMERA)
    np.testing.assert_array_equal(first.boxes_m, again.boxes_m)
    assert (np.diff(first.scores) <= 0).all()
    assert first.image_px.shape == (len(first.scores), 4)
    assert detector(sample.power, np.random.default_rng(0)).image_px is None


def test_frames_at_once_are_found_as_one_by_one(models):
    _, backbone, step = models
    detector = Detector(backbone, step, Sampler(boxes=12, steps=3))
    samples = SimulatedSet([sequence(room, people=2) for room in range(3)])
    power = np.stack([samples[0].power, samples[len(samples) // 2].power, samples[-1].power])
    together = detector.batch(power, [np.random.default_rng(seed) for seed in range(3)])
    for seed, found in enumerate(together):
        alone = detector(power[seed], np.random.default_rng(seed))
        np.testing.assert_allclose(found.boxes_m, alone.boxes_m, atol=1e-3)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)
    assert np.abs(together[0].boxes_m[0] - together[1].boxes_m[0]).max() > 0.01
    with pytest.raises(ValueError, match="3 frames need as many generators: 1"):
        detector.batch(power, [np.random.default_rng(0)])


def test_a_silent_radar_is_done_without_and_two_are_refused(models):
    _, backbone, step = models
    detector = Detector(backbone, step)
    power = SimulatedSet([sequence()])[0].power
    lone = power.copy()
    lone[1] = np.nan
    both = power.copy()
    both[1] = np.exp(NORMALISATION.mean[1])
    one = detector(lone, np.random.default_rng(0))
    other = detector(both, np.random.default_rng(0))
    np.testing.assert_allclose(one.boxes_m, other.boxes_m, atol=1e-3)
    with pytest.raises(ValueError, match="both radars are silent"):
        detector(np.full_like(power, np.nan), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"heatmaps must be \(2, 4, 256, 128\)"):
        detector(power[:1], np.random.default_rng(0))


def test_models_of_two_exports_are_refused(models, tmp_path):
    _, backbone, step = models
    torch.manual_seed(3)
    _, other, _ = exported(tmp_path, RexoNet(SIZES["tiny"], SPACE), "other")
    with pytest.raises(ModelError, match=r"was not exported with other_backbone\.onnx"):
        Detector(other, step)
    with pytest.raises(ModelError):
        Detector(step, backbone)


def test_a_card_that_does_not_say_what_it_is_for_is_refused(models, tmp_path, net):
    _, backbone, step = exported(tmp_path, net)
    card = json.loads(card_path(backbone.path).read_text())
    del card["trained_for"]["views"]
    card_path(backbone.path).write_text(json.dumps(card))
    with pytest.raises(ModelError, match="does not say what it was trained for"):
        Detector(OnnxModel(backbone.path), step)


def test_what_a_network_is_for_comes_back_from_its_card():
    trained = Trained(SPACES["mmvr"], 4, NORMALISATION, 100)

    class Card:
        name, about = "x", {"trained_for": json.loads(json.dumps(trained.as_json()))}

    assert Trained.of(Card) == trained
    bare = Trained(THREE.seen_by("vertical", "horizontal_right"), 4, Normalisation(), 100)
    Card.about = {"trained_for": json.loads(json.dumps(bare.as_json()))}
    assert Trained.of(Card) == bare
    del Card.about["trained_for"]["mounts"]  # of before there were any
    assert Trained.of(Card).space.mounts == (AT_ORIGIN, AT_ORIGIN)


def test_queries_and_single_views_are_exported_too(tmp_path):
    torch.manual_seed(0)
    query = QueryNet(SIZES["tiny"], SPACE, queries=8).eval()
    _, backbone, step = exported(tmp_path, query, "query")
    detector = Detector(backbone, step, Sampler(boxes=8))
    assert len(detector(np.exp(HEATMAPS), np.random.default_rng(0)).scores) <= 8
    assert Detector(backbone, step).sampler.boxes == 8
    with pytest.raises(ValueError, match=r"query_step\.onnx finds 8 boxes, not 20"):
        Detector(backbone, step, Sampler(boxes=20))(np.exp(HEATMAPS), np.random.default_rng(0))
    lone = RexoNet(SIZES["tiny"], SPACE.seen_by("horizontal")).eval()
    card = {"training": {}}
    export_rexo(lone, tmp_path, "lone", HEATMAPS[:1], Normalisation((5.0,), (2.0,)), card)
    models = (OnnxModel(tmp_path / f"lone_{part}.onnx") for part in ("backbone", "step"))
    assert Detector(*models).space.views == ("horizontal",)


def test_a_run_can_begin_with_both_files(models, net):
    _, _, step = models
    torch.manual_seed(9)
    other = RexoNet(SIZES["tiny"], SPACE)
    left = begin_with(other, step.path)
    parts = {name.rsplit(".", 1)[0] for name in left if "num_batches" not in name}
    # what training alone looks at: centres, and what heads but the last say of people
    assert parts == {"centres", "heads.0.named", "heads.0.refinement"}
    for name, value in other.state_dict().items():
        if name not in left:
            expected = net.state_dict()[name].float()
            torch.testing.assert_close(value.float(), expected, atol=2e-3, rtol=2e-3, msg=name)


def test_a_step_that_is_not_the_network_leaves_no_backbone(tmp_path, net, monkeypatch):
    def fails(*_):
        raise ValueError("the exported model is not the network")

    monkeypatch.setattr("rexo_ros.learning.export._export_step", fails)
    with pytest.raises(ValueError, match="is not the network"):
        export_rexo(net, tmp_path, "rexo", HEATMAPS, NORMALISATION, {})
    assert list(tmp_path.iterdir()) == []
