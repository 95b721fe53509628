"""What the semantic network should answer for a frame, and how wrong it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mmwave.simulation.scene import IGNORED_CLASS
from panoradar_ros.learning.boxes import boxes_of, object_pixels
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.networks.semantic_net import (
    OBJECTS,
    PATCH,
    SemanticOutput,
)
from panoradar_ros.recognition.features import CLASSES


@dataclass(frozen=True)
class SemanticTarget:
    """Truth of a batch.

    Attributes:
        label: (N, row, column) int64, IGNORED_CLASS where it does not count.
        objects: (N, kind, cell row, cell column) float: 1 part of an object, 0 not.
        counts: (N, cell row, cell column) bool: cells half in an object count for neither, nor do
            those of objects that are too small, or that no instance is known of.
        edges: (N, 4, cell row, cell column) rays to the left, upper, right, lower edge of the box.
    """

    label: Tensor
    objects: Tensor
    counts: Tensor
    edges: Tensor


def cells_of(
    frame: Frame,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Objects (kind, cell row, cell column), counts and edges of one frame.

    A cell belongs to the object that has more than half of its rays.
    """
    rows, columns = frame.label.shape
    down, right = PATCH
    shape = (rows // down, columns // right)
    objects = np.zeros((len(OBJECTS), *shape), np.float32)
    there = object_pixels(frame)
    objects_there = there.reshape(shape[0], down, shape[1], right).any(axis=(1, 3))
    counts: NDArray[np.bool_] = np.logical_not(objects_there)
    edges = np.ones((4, *shape), np.float32)
    middle_row = down * (np.arange(shape[0]) + 0.5)[:, None]
    middle_column = right * (np.arange(shape[1]) + 0.5)[None]
    for box in boxes_of(frame):
        mask = there & (frame.instance == box.instance)
        share = mask.reshape(shape[0], down, shape[1], right).mean(axis=(1, 3))
        part = share > 0.5
        counts |= part
        objects[:, part] = 0.0
        objects[box.kind, part] = 1.0
        to_left = (middle_column - box.left) % columns
        to_edges = np.stack(
            np.broadcast_arrays(
                to_left, middle_row - box.top, box.right - box.left - to_left,
                box.bottom - middle_row,
            )
        )  # fmt: skip
        edges[:, part] = to_edges[:, part]
    return objects, counts, np.maximum(edges, 0.5)


def semantic_target(frames: Sequence[Frame], device: str = "cpu") -> SemanticTarget:
    """Truth of some frames.

    Raises:
        ValueError: a class is none of the eleven.
    """
    label = np.stack([frame.label for frame in frames]).astype(np.int64)
    wrong = np.unique(label[(label >= CLASSES) & (label != IGNORED_CLASS)])
    if len(wrong):
        raise ValueError(f"classes must be 0 to {CLASSES - 1} or {IGNORED_CLASS}, got {wrong}")
    objects, counts, edges = (np.stack(one) for one in zip(*map(cells_of, frames), strict=True))
    tensors = (torch.from_numpy(one).to(device) for one in (label, objects, counts, edges))
    return SemanticTarget(*tensors)


@dataclass(frozen=True)
class SemanticWeights:
    """Weights of the parts of the loss.

    Attributes:
        classes: cross entropy of the hardest pixels.
        objects: quality focal loss of the cells.
        edges: of the boxes' overlap.
        hard_share: share of the pixels that count, the hardest.
        smoothing: of the labels.
    """

    classes: float = 1.0
    objects: float = 1.0
    edges: float = 1.0
    hard_share: float = 0.6
    smoothing: float = 0.1


def semantic_loss(
    output: SemanticOutput,
    target: SemanticTarget,
    class_weight: Tensor | None = None,
    weights: SemanticWeights | None = None,
) -> dict[str, Tensor]:
    """Loss of a batch: hard pixels with label smoothing (Lai et al. 2024, section 6.3), quality
    focal loss of objects (Li et al. 2020: the score of a cell is to be the overlap of its box, so
    that the best box of an object is the one that is kept), overlap of boxes (Tian et al. 2019).

    Args:
        output: of the network.
        target: the truth.
        class_weight: (class,), or None.
        weights: of the parts.

    Returns:
        Parts by name, and their weighted ``sum``.
    """
    weights = weights if weights is not None else SemanticWeights()
    entropy = functional.cross_entropy(
        output.logits,
        target.label,
        class_weight,
        ignore_index=IGNORED_CLASS,
        reduction="none",
        label_smoothing=weights.smoothing,
    )
    counted = entropy[target.label != IGNORED_CLASS]
    hardest = counted.topk(max(1, int(weights.hard_share * len(counted)))).values
    parts = {"classes": hardest.mean() if len(counted) else entropy.sum()}
    count = target.counts[:, None].float()
    positive = target.objects.sum().clamp_min(1.0)
    common = overlap(output.edges, target.edges)
    quality = target.objects * common.detach()[:, None]
    each = functional.binary_cross_entropy_with_logits(output.objects, quality, reduction="none")
    wrong = (output.objects.sigmoid() - quality).abs()
    parts["objects"] = (count * wrong**2 * each).sum() / positive
    part = (target.objects.amax(dim=1) > 0) & target.counts
    parts["edges"] = (-common.log() * part).sum() / positive
    parts["sum"] = sum(getattr(weights, name) * value for name, value in parts.items())
    return parts


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union of boxes about the same cell, (N, row, column).

    Args:
        found: (N, 4, row, column) distances to the left, upper, right and lower edge.
        true: likewise.
    """

    def area(edges: Tensor) -> Tensor:
        return (edges[:, 0] + edges[:, 2]) * (edges[:, 1] + edges[:, 3])

    common = area(torch.minimum(found, true))
    union = area(found) + area(true) - common
    return (common / union.clamp_min(1e-6)).clamp_min(1e-6)
