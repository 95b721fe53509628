"""Trained networks as ONNX files with half-precision weights, checked against PyTorch."""

import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mmwave.inference import OnnxModel, card_path, file_sha256, read_card
from panoradar_ros.learning.networks.range_net import RangeNet
from panoradar_ros.learning.networks.semantic_net import SemanticNet

OPSET = 17
_NET = "net."
_HALF = "_half"
SMALL = 256
"""Initialisers with fewer numbers stay in single precision: they cost nothing."""


class ExportedRangeNet(nn.Module):
    """The range network as the node runs it: one panorama in, images out.

    Args:
        net: trained.
    """

    OUTPUTS = ("range_m", "spread_m", "confidence", "normal", "hint")

    def __init__(self, net: RangeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, echo: Tensor) -> tuple[Tensor, ...]:
        """(1, row, column, range) uint8 to (row, column) images, (row, column, 3) normals and
        (class, row, column) hints.
        """
        found = self.net(echo)
        normal = found.normal[0].permute(1, 2, 0)
        return found.range_m[0], found.spread_m[0], found.confidence[0], normal, found.hint[0]


class ExportedSemanticNet(nn.Module):
    """The semantic network as the node runs it.

    Args:
        net: trained.
    """

    OUTPUTS = ("logits", "objects", "edges")

    def __init__(self, net: SemanticNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(1, channel, row, column) to the network's answers without the first axis."""
        output = self.net(features)
        return output.logits[0], output.objects[0], output.edges[0]


def export_range_net(
    net: RangeNet, path: Path, echo: np.ndarray, card: Mapping[str, Any]
) -> dict[str, float]:
    """Write the model and its card; neither appears if they disagree with PyTorch.

    Args:
        net: trained.
        path: of the ``.onnx`` file.
        echo: (row, column, range) uint8, a real panorama to compare on.
        card: what is known of the model; hash and errors are added.

    Returns:
        How far ONNX Runtime is from PyTorch on the panorama: median and 99.9 % quantile of the
        range's difference, share of rays whose answers differ by more than 1 cm, median difference
        of the normals.

    Raises:
        ValueError: they are too far apart.
    """
    card = {**card, "range_bin_m": net.radar.bin_m, "arm_m": net.radar.radius_m}
    module = ExportedRangeNet(net).eval()
    return _export(module, "echo", ExportedRangeNet.OUTPUTS, echo, path, card, differences)


def export_semantic_net(
    net: SemanticNet, path: Path, features: np.ndarray, card: Mapping[str, Any]
) -> dict[str, float]:
    """Write the model and its card; neither appears if they disagree with PyTorch.

    Args:
        net: trained.
        path: of the ``.onnx`` file.
        features: (channel, row, column) float32 of a panorama to compare on.
        card: what is known of the model; hash and errors are added.

    Returns:
        How far ONNX Runtime is from PyTorch on the panorama: largest differences of the logits and
        of the objects' odds, share of pixels whose class is another.

    Raises:
        ValueError: they are too far apart.
    """
    module = ExportedSemanticNet(net).eval()
    outputs = ExportedSemanticNet.OUTPUTS
    return _export(module, "features", outputs, features, path, card, semantic_differences)


def _export(
    module: nn.Module,
    input_name: str,
    outputs: tuple[str, ...],
    example: np.ndarray,
    path: Path,
    card: Mapping[str, Any],
    compare: Callable[[list[np.ndarray], list[np.ndarray]], dict[str, float]],
) -> dict[str, float]:
    batch = torch.from_numpy(np.array(example))[None]
    partial = path.with_name(f".{path.stem}.{os.getpid()}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_graph(module, batch, partial, input_name, outputs)
        model = onnx.load(str(partial))
        halve_weights(model)
        onnx.checker.check_model(model)
        onnx.save(model, str(partial))
        about = {**card, "sha256": file_sha256(partial), "bytes": partial.stat().st_size}
        card_path(partial).write_text(json.dumps(about), encoding="utf-8")
        with torch.no_grad():
            expected = [one.numpy() for one in module(batch)]
        found = OnnxModel(partial).run(**{input_name: batch.numpy()})
        errors = compare(expected, [found[name] for name in outputs])
        about["onnx_against_pytorch"] = errors
        text = json.dumps(about, indent=1)
        card_path(path).write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        card_path(partial).unlink(missing_ok=True)
    return errors


def _write_graph(
    module: nn.Module, batch: Tensor, path: Path, input_name: str, outputs: tuple[str, ...]
) -> None:
    """The module as ONNX, its weights by their own names: who has the file can train on from it.

    ONNX Runtime joins convolutions with their normalisation when it loads the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that never change here
        torch.onnx.export(
            module,
            (batch,),
            str(path),
            input_names=[input_name],
            output_names=list(outputs),
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            dynamo=False,
        )


def differences(expected: list[np.ndarray], found: list[np.ndarray]) -> dict[str, float]:
    """How far two answers are apart; see :func:`export_range_net`.

    Raises:
        ValueError: no ray has a range in both, or they are too far apart.
    """
    both = np.isfinite(expected[0]) & np.isfinite(found[0])
    if not both.any():
        raise ValueError("the panorama to compare on has no ranges: give one with echoes")
    apart_m = np.abs(expected[0][both] - found[0][both])
    other = np.isfinite(expected[0]) != np.isfinite(found[0])
    errors = {
        "range_median_m": float(np.median(apart_m)),
        "range_p999_m": float(np.quantile(apart_m, 0.999)),
        "share_over_1cm": float((np.sum(apart_m > 0.01) + other.sum()) / other.size),
        "normal_median": float(np.median(np.abs(expected[3] - found[3]))),
    }
    if errors["range_median_m"] > 1e-3 or errors["share_over_1cm"] > 0.01:
        raise ValueError(f"the exported model is not the network: {errors}")
    return errors


def semantic_differences(expected: list[np.ndarray], found: list[np.ndarray]) -> dict[str, float]:
    """How far two answers are apart; see :func:`export_semantic_net`.

    Raises:
        ValueError: they are too far apart.
    """
    other = expected[0].argmax(axis=0) != found[0].argmax(axis=0)
    errors = {
        "logits": float(np.abs(expected[0] - found[0]).max()),
        "objects": float(np.abs(expected[1] - found[1]).max()),
        "other_class": float(other.mean()),
    }
    if errors["other_class"] > 0.01 or errors["objects"] > 0.2:
        raise ValueError(f"the exported model is not the network: {errors}")
    return errors


def exported_weights(path: Path) -> dict[str, Tensor]:
    """A network's weights by their names in PyTorch, from the file that was exported of it.

    Raises:
        ModelError: see :func:`mmwave.inference.read_card`.
        ValueError: the file holds no weights by name.
    """
    read_card(path)
    weights = {}
    for one in onnx.load(str(path)).graph.initializer:
        if one.name.startswith(_NET):
            name = one.name.removeprefix(_NET).removesuffix(_HALF)
            weights[name] = torch.from_numpy(numpy_helper.to_array(one).astype(np.float32))
    if not any(name.endswith("running_var") for name in weights):
        raise ValueError(f"{path} does not hold its network's weights by name: export it anew")
    return weights


def halve_weights(model: onnx.ModelProto) -> None:
    """Keep large weights in half precision, with a cast before their use: half the file."""
    graph = model.graph
    casts, kept = [], []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            kept.append(weight)
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        kept.append(numpy_helper.from_array(half, weight.name + _HALF))
        casts.append(
            helper.make_node("Cast", [weight.name + _HALF], [weight.name], to=TensorProto.FLOAT)
        )
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(casts + nodes)
