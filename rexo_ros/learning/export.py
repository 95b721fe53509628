"""REXO as two ONNX files, see :mod:`mmwave.learning.export` and :mod:`rexo_ros.detector`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmwave.inference import card_path, read_card
from mmwave.learning.export import export
from rexo_ros.detector import Trained
from rexo_ros.diffusion import Schedule
from rexo_ros.learning.networks.base import FRAMES, BoxDetector
from rexo_ros.learning.networks.query_net import QueryNet
from rexo_ros.normalisation import Normalisation

PARTS = ("backbone", "step")
_BATCH = {0: "batch"}
_BOXES = {0: "batch", 1: "boxes"}


class ExportedBackbone(nn.Module):
    """Heatmaps to features.

    Args:
        net: trained.
    """

    def __init__(self, net: BoxDetector) -> None:
        super().__init__()
        self.net = net

    def forward(self, heatmaps: Tensor) -> Tensor:
        """(N, view, frame, row, column) to (N, view, channel, row, column)."""
        return self.net.features(heatmaps)


class ExportedStep(nn.Module):
    """Noisy boxes to what they should be.

    Args:
        net: trained.
    """

    OUTPUTS = ("boxes", "score", "refinement")

    def __init__(self, net: BoxDetector) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor, noisy: Tensor, time: Tensor) -> tuple[Tensor, ...]:
        """What the last head says: boxes, probability of a person, refinement."""
        last = self.net(features, noisy, time)[-1]
        boxes, score = last.boxes, last.logits.softmax(dim=-1)[..., 1]
        if isinstance(self.net, QueryNet):  # has boxes of its own, but the same inputs
            nothing = 0 * noisy.sum(dim=(1, 2)) + 0 * time.to(noisy.dtype)
            boxes = boxes + nothing[:, None, None]
        return boxes, score, last.refinement


def export_rexo(
    net: BoxDetector,
    folder: Path,
    stem: str,
    heatmaps: np.ndarray,
    normalisation: Normalisation,
    card: Mapping[str, Any],
) -> dict[str, dict[str, float]]:
    """Write both models and their cards; a model that disagrees with PyTorch is not written.

    Args:
        net: trained.
        folder: for the files.
        stem: ``STEM_backbone.onnx`` and ``STEM_step.onnx`` are written.
        heatmaps: (view, frame, row, column) normalised, of a real frame to compare on.
        normalisation: that it was trained with, of the network's views.
        card: what is known of the network.

    Returns:
        Largest differences of ONNX Runtime and PyTorch, by part and output.

    Raises:
        ValueError: they are too far apart.
    """
    net = net.eval()
    paths = [folder / f"{stem}_{part}.onnx" for part in PARTS]
    trained = Trained(net.space, FRAMES, normalisation, Schedule().times)
    card = {
        **card,
        "trained_for": trained.as_json(),
        "parts": [path.name for path in paths],
    }
    batch = heatmaps[None].astype(np.float32)
    errors = {}
    errors["backbone"] = export(
        ExportedBackbone(net).eval(),
        {"heatmaps": batch},
        ("features",),
        paths[0],
        {**card, "name": paths[0].stem},
        _differences(("features",)),
        {"heatmaps": _BATCH, "features": _BATCH},
    )
    try:
        errors["step"] = _export_step(net, batch, paths, card)
    except BaseException:  # a backbone without its step would look like a model
        paths[0].unlink()
        card_path(paths[0]).unlink()
        raise
    return errors


def _export_step(
    net: BoxDetector, batch: np.ndarray, paths: list[Path], card: Mapping[str, Any]
) -> dict[str, float]:
    with torch.no_grad():
        features = net.features(torch.from_numpy(batch)).numpy()
    count = net.queries.shape[0] if isinstance(net, QueryNet) else 10
    inputs = {
        "features": features,
        "noisy": np.random.default_rng(0).uniform(0.1, 0.9, (1, count, 6)).astype(np.float32),
        "time": np.array([50], np.int64),
    }
    boxes = _BATCH if isinstance(net, QueryNet) else _BOXES  # queries are as many as they are
    any_length = {"features": _BATCH, "noisy": boxes, "time": _BATCH}
    any_length |= dict.fromkeys(ExportedStep.OUTPUTS, boxes)
    return export(
        ExportedStep(net).eval(),
        inputs,
        ExportedStep.OUTPUTS,
        paths[1],
        {**card, "name": paths[1].stem, "backbone_sha256": read_card(paths[0]).sha256},
        _differences(ExportedStep.OUTPUTS),
        any_length,
    )


_MOST = {"features": 0.1, "boxes": 0.02, "score": 0.02, "refinement": 0.05}
"""Differences that half-precision weights may make; the room is one wide for boxes, features are in
units of their deviation.
"""


def _differences(names: tuple[str, ...]) -> Any:
    def compare(expected: list[np.ndarray], found: list[np.ndarray]) -> dict[str, float]:
        errors = {
            name: float(np.abs(one - other).max() / (one.std() if name == "features" else 1.0))
            for name, one, other in zip(names, expected, found, strict=True)
        }
        wrong = {name: error for name, error in errors.items() if not error <= _MOST[name]}
        if wrong:
            raise ValueError(f"the exported model is not the network: {wrong}")
        return errors

    return compare
