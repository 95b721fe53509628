"""PanoRadar's trained networks as ONNX files, see :mod:`mmwave.learning.export`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from mmwave.learning.export import export
from panoradar_ros.learning.networks.range_net import RangeNet
from panoradar_ros.learning.networks.semantic_net import SemanticNet


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
    outputs = ExportedRangeNet.OUTPUTS
    return export(module, {"echo": echo[None]}, outputs, path, card, differences)


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
    inputs = {"features": features[None]}
    return export(module, inputs, outputs, path, card, semantic_differences)


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
