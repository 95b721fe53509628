"""Networks in 8 bits: near those in single precision, with a card that tells what they were."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from mmwave.inference import OnnxModel, read_card
from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.export import export_range_net, export_semantic_net
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.networks.range_net import SIZES, RadarGrid, RangeNet
from panoradar_ros.learning.networks.semantic_net import SIZES as SEMANTIC_SIZES
from panoradar_ros.learning.networks.semantic_net import SemanticNet
from panoradar_ros.learning.quantised import (
    class_changes,
    quantise_range_net,
    quantise_semantic_net,
    range_changes,
)
from panoradar_ros.learning.semantic_task import SeenFrame
from panoradar_ros.recognition.features import CHANNELS
from panoradar_ros.recognition.models import mismatch

SHAPE = (16, 64)
RADAR = RadarGrid(rows=SHAPE[0], columns=SHAPE[1])


def frame(seed):
    """A round room of noise and walls."""
    rng = np.random.default_rng(seed)
    echo = rng.integers(20, 60, (*SHAPE, 256), dtype=np.uint8)
    echo[:, :, 90 + 10 * seed] = 160
    range_m = np.full(SHAPE, 4.0, np.float32)
    normal = np.zeros((*SHAPE, 3), np.int8)
    label = np.full(SHAPE, SemanticClass.WALL, np.uint8)
    nobody = np.zeros(SHAPE, np.int32)
    return Frame(echo, range_m, range_m, normal, label, nobody, np.zeros(SHAPE, bool))


def seen(seed):
    features = np.random.default_rng(seed).normal(size=(len(CHANNELS), *SHAPE))
    one = frame(0)
    return SeenFrame(features.astype(np.float16), one, one.range)


@pytest.fixture(scope="module")
def range_model(tmp_path_factory):
    torch.manual_seed(1)
    net = RangeNet(SIZES["tiny"], RADAR).eval()
    torch.nn.init.normal_(net.answer.weight, std=0.1)  # zero at first: nothing would be heard
    path = tmp_path_factory.mktemp("model") / "range.onnx"
    export_range_net(net, path, frame(0).echo, {"name": "range", "licence": "Apache-2.0"})
    return path


@pytest.fixture(scope="module")
def semantic_model(range_model, tmp_path_factory):
    torch.manual_seed(2)
    path = tmp_path_factory.mktemp("model") / "semantic.onnx"
    card = {"name": "semantic", "range_model_sha256": read_card(range_model).sha256}
    features = seen(0).features.astype(np.float32)
    export_semantic_net(SemanticNet(SEMANTIC_SIZES["tiny"]).eval(), path, features, card)
    return path


def test_the_range_network_in_8_bits_says_nearly_the_same(range_model, tmp_path):
    before = range_model.read_bytes()
    output = tmp_path / "small.onnx"
    errors = quantise_range_net(range_model, output, [frame(1), frame(2)])
    assert 0 < errors["range_p90_m"] < 0.05
    card, single = read_card(output), read_card(range_model)
    assert card.about["quantised"]["sha256"] == single.sha256
    assert card.about["quantised"]["against_single"] == errors
    assert (card.name, card.about["licence"]) == ("small", "Apache-2.0")
    assert not {"scores", "onnx_against_pytorch"} & card.about.keys()  # they were the other's
    with pytest.raises(ValueError, match="is in 8 bits already"):
        quantise_range_net(output, tmp_path / "smaller.onnx", [frame(1)])
    assert range_model.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["small.json", "small.onnx"]
    found, expected = (
        OnnxModel(path).run(echo=frame(3).echo[None]) for path in (output, range_model)
    )
    assert range_changes(expected, found)["range_median_m"] < 0.02
    # what makes metres of odds is exact: they are of the same distribution
    assert np.abs(found["confidence"] - expected["confidence"]).max() < 0.2


def test_the_semantic_network_in_8_bits_belongs_to_the_same_range_network(
    range_model, semantic_model, tmp_path
):
    output, ranges = tmp_path / "small.onnx", tmp_path / "ranges.onnx"
    errors = quantise_semantic_net(semantic_model, output, [seen(1), seen(2)])
    assert errors["other_class"] < 0.05
    features = seen(3).features.astype(np.float32)[None]
    single, small = (
        OnnxModel(p).run(features=features)["logits"] for p in (semantic_model, output)
    )
    assert 0 < np.abs(single - small).mean() < 0.1
    quantise_range_net(range_model, ranges, [frame(1)])
    assert mismatch(read_card(range_model), read_card(output)) == ""
    assert mismatch(read_card(ranges), read_card(output)) == ""


def test_two_products_never_overflow_sixteen_bits(range_model, tmp_path):
    """AVX2 adds two products of an unsigned and a signed byte in sixteen bits."""
    output = tmp_path / "small.onnx"
    quantise_range_net(range_model, output, [frame(1)])
    weights = [
        numpy_helper.to_array(one)
        for one in onnx.load(str(output)).graph.initializer
        if one.data_type == TensorProto.INT8 and len(one.dims) == 4
    ]
    assert weights
    assert all(2 * 255 * int(np.abs(one.astype(int)).max()) < 2**15 for one in weights)


def test_a_model_that_became_another_is_not_written(range_model, tmp_path):
    with pytest.raises(ValueError, match="no input"):
        quantise_range_net(range_model, tmp_path / "small.onnx", [])
    with pytest.raises(ValueError, match="is the model itself"):
        quantise_range_net(range_model, range_model, [frame(1)])
    spoilt = [frame(1), frame(2)]
    spoilt[1].echo[...] = 0  # nothing to compare
    with pytest.raises(ValueError, match="more or other frames"):
        quantise_range_net(range_model, tmp_path / "small.onnx", spoilt)
    assert not list(tmp_path.iterdir())


def test_classes_that_change_are_counted():
    logits = np.zeros((11, 2, 2), np.float32)
    logits[3] = 1.0
    objects = np.zeros((2, 1, 1), np.float32)
    same = {"logits": logits, "objects": objects}
    assert class_changes(same, same) == {"other_class": 0.0, "objects_mean": 0.0}
    other = {"logits": np.roll(logits, 1, axis=0), "objects": objects}
    with pytest.raises(ValueError, match="100 % of the pixels"):
        class_changes(same, other)
