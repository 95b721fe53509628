"""Learning what the radar should see of what the camera sees: a regression with its uncertainty."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import DB_PER_UNIT
from mmanomaly_ros.learning.augmentation import (
    Misalignment,
    changed_context,
    clean_context,
    flipped_spectrum,
    symmetric,
)
from mmanomaly_ros.learning.networks import context
from mmanomaly_ros.learning.networks.context import Classes, ContextNet, Seen
from mmanomaly_ros.learning.networks.sizes import sized
from mmanomaly_ros.learning.samples import SceneFrame, SceneSet, unit_of
from mmanomaly_ros.learning.settings import AnomalyTraining
from mmanomaly_ros.watch import CLOTHINGS, POSES, WALLS, watch_one_hot

VALIDATED = 256
"""Frames of a validation, at most."""
HEADS = ("clothing", "wall", "pose")
CLASSES = Classes(len(CLOTHINGS), len(WALLS), len(POSES))
_NONE = -100
"""That no cross-entropy is taken of."""
_BATCH = 16


@dataclass(frozen=True)
class ContextItem:
    """One frame to learn from.

    Attributes:
        context: what the camera tells.
        spectrum: uint8 (channel, range, column).
        labels: of the heads, by HEADS; -100 where there is nothing to tell.
    """

    context: Context
    spectrum: NDArray[np.uint8]
    labels: tuple[int, int, int]


class ContextTask:
    """Spectra, clothes, walls and poses from camera images.

    Args:
        samples: to learn from.
        validation: of other scenes.
    """

    settings_type = AnomalyTraining

    def __init__(self, samples: SceneSet, validation: SceneSet) -> None:
        self._samples, self._validation = samples, validation
        self._mirrors = symmetric(samples.camera)

    def network(self, settings: AnomalyTraining) -> ContextNet:
        """The network, untrained.

        Raises:
            ValueError: there is no such size.
        """
        return ContextNet(sized(context.SIZES, settings.size), CLASSES)

    def batches(self, settings: AnomalyTraining, steps: range) -> Iterator[list[ContextItem]]:
        """Frames at random, changed; those of a step are the same wherever the run was begun."""
        misalignment = Misalignment(settings.misalignment_m, settings.misalignment_deg)
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            yield [
                self._item(int(number), misalignment, settings.flips, generator)
                for number in generator.integers(len(self._samples), size=settings.batch)
            ]

    def _item(
        self, number: int, misalignment: Misalignment, flips: bool, generator: np.random.Generator
    ) -> ContextItem:
        frame = self._samples[number]
        flipped = bool(generator.random() < 0.5) and flips and self._mirrors
        told = changed_context(frame, self._samples, misalignment, flipped, generator)
        spectrum = flipped_spectrum(frame.spectrum, frame.task) if flipped else frame.spectrum
        return ContextItem(told, spectrum, labels_of(frame))

    def loss(
        self, net: nn.Module, batch: list[ContextItem], settings: AnomalyTraining
    ) -> dict[str, Tensor]:
        """Likelihood of the spectra, and cross-entropies of the heads."""
        with settings.autocast():
            seen = look(net, [one.context for one in batch], settings.device)
        spectra = torch.from_numpy(unit_of(np.stack([one.spectrum for one in batch])))
        labels = torch.tensor([one.labels for one in batch], device=settings.device)
        parts = {
            "likelihood": weighted_likelihood(
                seen.mean, seen.log_variance, spectra.to(settings.device), settings.variance_weight
            )
        }
        for number, name in enumerate(HEADS):
            parts[name] = _cross_entropy(getattr(seen, name), labels[:, number])
        heads = sum(parts[name] for name in HEADS)
        parts["sum"] = parts["likelihood"] + settings.heads_weight * heads
        return parts

    def validate(self, net: nn.Module, settings: AnomalyTraining) -> dict[str, Any]:
        """Errors in decibels, how well their spread is known, and accuracies of the heads."""
        frames = self._validation.normal().spread(VALIDATED)
        absolute, squared, deviations = [], [], []
        right: dict[str, list[bool]] = {name: [] for name in HEADS}
        for start in range(0, len(frames), _BATCH):
            batch = [frames[n] for n in range(start, min(start + _BATCH, len(frames)))]
            with torch.no_grad():
                seen = look(net, [clean_context(one, frames) for one in batch], settings.device)
            spectra = torch.from_numpy(np.stack([one.unit for one in batch])).to(settings.device)
            error = (seen.mean - spectra).cpu()
            absolute.append(error.abs().mean(dim=(1, 2, 3)))
            squared.append(error.square().mean(dim=(1, 2, 3)))
            variance = seen.log_variance.exp().cpu()
            deviations.append((error.square() / variance).mean(dim=(1, 2, 3)))
            for number, name in enumerate(HEADS):
                said = getattr(seen, name).argmax(dim=1).tolist()
                truth = [labels_of(one)[number] for one in batch]
                pairs = zip(said, truth, strict=True)
                right[name] += [one == other for one, other in pairs if other != _NONE]
        return {
            "frames": len(frames),
            "mae_db": float(torch.cat(absolute).mean()) * DB_PER_UNIT,
            "rmse_db": float(torch.cat(squared).mean().sqrt()) * DB_PER_UNIT,
            "deviations": float(torch.cat(deviations).mean().sqrt()),
            **{f"{name}_accuracy": _share(ones) for name, ones in right.items()},
        }

    def describe(self) -> dict[str, Any]:
        """Where the frames come from, and what the heads' classes are."""
        return {
            **self._samples.describe(),
            "validation": self._validation.describe(),
            "classes": {"clothing": CLOTHINGS, "wall": WALLS, "pose": POSES},
        }


def look(net: nn.Module, contexts: list[Context], device: str = "cpu") -> Seen:
    """What the context network says of scenes."""
    inputs = (
        np.stack([one.image for one in contexts]),
        np.stack([one.polar for one in contexts]),
        watch_one_hot([one.watch for one in contexts]),
    )
    seen: Seen = net(*(torch.from_numpy(one).to(device) for one in inputs))
    return seen


def labels_of(frame: SceneFrame) -> tuple[int, int, int]:
    """Of the heads, by HEADS; -100 where there is nothing to tell."""
    return (
        frame.clothing if frame.clothing > 0 else _NONE,
        frame.wall if frame.wall > 0 else _NONE,
        frame.pose if frame.pose >= 0 else _NONE,
    )


def weighted_likelihood(
    mean: Tensor, log_variance: Tensor, spectra: Tensor, weight: float
) -> Tensor:
    """Negative logarithm of a Gaussian's likelihood, weighed by its variance to a power.

    Without the weight, cells whose error is large are given up before their mean is learned
    (Seitzer et al. 2022, equation 5).

    Args:
        mean: (N, channel, range, column).
        log_variance: likewise.
        spectra: likewise, the truth.
        weight: the power, beta.
    """
    each = 0.5 * (log_variance + (spectra - mean).square() * torch.exp(-log_variance))
    return (each * torch.exp(weight * log_variance).detach()).mean()


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    told = labels != _NONE
    if not told.any():
        return 0 * logits.sum()
    return functional.cross_entropy(logits[told], labels[told])


def _share(ones: list[bool]) -> float | None:
    return sum(ones) / len(ones) if ones else None
