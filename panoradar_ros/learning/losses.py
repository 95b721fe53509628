"""What the range network is told off for."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from panoradar_ros.learning.networks.range_net import RangeNet, RangeOutput

OBJECTS = (SemanticClass.PERSON, SemanticClass.CHAIR_TABLE, SemanticClass.TRASHCAN)
"""Stand before walls and show few rays: without a weight of their own, a network that sees the wall
behind them has hardly any loss from it."""


@dataclass(frozen=True)
class RangeTarget:
    """Truth of a batch.

    Attributes:
        range_m: (N, row, column); inf: nothing within reach, NaN: not known.
        normal: (N, 3, row, column) unit vectors outward, left, up; 0 where there is none.
        counts: (N, row, column) bool: glass and unknown surfaces do not.
        label: (N, row, column) int64 class, IGNORED_CLASS where it does not count; None: unknown.
    """

    range_m: Tensor
    normal: Tensor
    counts: Tensor
    label: Tensor | None = None


@dataclass(frozen=True)
class RangeWeights:
    """Weights of the parts of the loss.

    Attributes:
        bins: cross entropy of the distribution over bins.
        position: absolute error within the right bin, per coarse bin.
        normal: of the normals.
        hint: cross entropy of the classes.
        objects: how often a ray of OBJECTS counts, beside others of range and class.
        far: errors of the position count up to so many coarse bins; those of the bin itself are
            the distribution's.
    """

    bins: float = 1.0
    position: float = 2.0
    normal: float = 1.0
    hint: float = 0.3
    objects: float = 4.0
    far: float = 2.0


def range_loss(
    net: RangeNet, output: RangeOutput, target: RangeTarget, weights: RangeWeights | None = None
) -> dict[str, Tensor]:
    """Loss of a batch.

    The target of the distribution is shared by the two bins beside the true range, so that its
    expectation is that range.

    Args:
        net: tells where the bins are.
        output: its answer.
        target: the truth.
        weights: of the parts.

    Returns:
        Parts by name, and their weighted ``sum``.
    """
    weights = weights if weights is not None else RangeWeights()
    something = torch.isfinite(target.range_m)
    place = (target.range_m - net.nearest_m[:, None]) / net.coarse_m
    nothing = ~something | (place > net.coarse - 0.5)
    place = torch.where(nothing, 0.0, place).clamp(0.0, net.coarse - 1.0)
    low = place.floor().long().clamp_max(net.coarse - 2)
    share = place - low
    log_probability = output.logits.log_softmax(dim=1)

    def of_bin(index: Tensor) -> Tensor:
        return log_probability.gather(1, index[:, None])[:, 0]

    of_range = -((1 - share) * of_bin(low) + share * of_bin(low + 1))
    entropy = torch.where(nothing, -log_probability[:, -1], of_range)
    often = _often(target, weights.objects)
    parts = {"bins": _mean(entropy, target.counts * often)}
    both = target.counts & ~nothing & torch.isfinite(output.range_m)
    # infinities are taken out before the difference: their slope would be no number
    found_m, true_m = (torch.where(both, one, 0.0) for one in (output.range_m, target.range_m))
    error = (found_m - true_m).abs() / net.coarse_m
    near = both & (error < weights.far)
    parts["position"] = _mean(torch.where(near, error, 0.0), near * often)
    cosine = (output.normal * target.normal).sum(dim=1)
    has_normal = target.counts & something & (target.normal != 0).any(dim=1)
    # the angle itself for small ones, and no infinite slope where they agree
    angle = ((2 * (1 - cosine)).clamp_min(0.0) + 1e-4).sqrt()
    parts["normal"] = _mean(angle, has_normal.float())
    if target.label is not None:
        told = functional.cross_entropy(
            output.hint, target.label, ignore_index=IGNORED_CLASS, reduction="none"
        )
        parts["hint"] = _mean(told, (target.label != IGNORED_CLASS) * often)
    parts["sum"] = sum(getattr(weights, name) * value for name, value in parts.items())
    return parts


def _often(target: RangeTarget, objects: float) -> Tensor:
    """(N, row, column) how often a ray counts."""
    if target.label is None:
        return torch.ones_like(target.range_m)
    of_object = torch.isin(target.label, torch.tensor(OBJECTS, device=target.label.device))
    return 1 + (objects - 1) * of_object


def _mean(value: Tensor, weight: Tensor) -> Tensor:
    return (value * weight).sum() / weight.sum().clamp_min(1.0)
