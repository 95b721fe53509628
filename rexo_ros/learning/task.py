"""Learning to find people in heatmaps: noise is added to their boxes, and to be taken away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rexo_ros.camera import Camera
from rexo_ros.detections import detections
from rexo_ros.diffusion import Answer, Denoise, Sampler, Schedule, to_boxes, to_variables
from rexo_ros.learning.augmentation import mirrored, symmetric, together
from rexo_ros.learning.losses import RexoTarget, RexoWeights, centre_loss, rexo_loss
from rexo_ros.learning.networks.base import SIZES, BoxDetector
from rexo_ros.learning.networks.query_net import QueryNet
from rexo_ros.learning.networks.rexo_net import RexoNet
from rexo_ros.learning.samples import SampleSet, spread
from rexo_ros.learning.scores import DetectionScores
from rexo_ros.learning.settings import RexoTraining
from rexo_ros.normalisation import Normalisation
from rexo_ros.space import VERTICAL, Space

VALIDATED = 160
"""Samples of a validation, at most."""

STATISTICS = 200
"""Samples that the statistics of powers are made of, at most."""

_GAIN = 0.15
"""Standard deviation of the radars' gain, in deviations of the powers' logarithms."""


@dataclass(frozen=True)
class RexoItem:
    """One frame to learn from.

    Attributes:
        heatmaps: (view, frame, row, column) normalised.
        noisy: (box, 6) unit boxes.
        time: of the diffusion.
        boxes: (person, 6) unit boxes.
        image: (person, 4) shares of the image.
        camera: whose image that is; None: it is not known, and boxes in it are not learned.
    """

    heatmaps: NDArray[np.float32]
    noisy: NDArray[np.float32]
    time: int
    boxes: NDArray[np.float32]
    image: NDArray[np.float32]
    camera: Camera | None = None


class RexoTask:
    """People's boxes from heatmaps.

    Args:
        samples: to learn from.
        validation: of other rooms or days.
        normalisation: of powers; None: statistics of the samples.

    Raises:
        ValueError: samples and validation have heatmaps of other axes.
    """

    settings_type = RexoTraining

    def __init__(
        self,
        samples: SampleSet,
        validation: SampleSet,
        normalisation: Normalisation | None = None,
    ) -> None:
        if samples.space != validation.space:
            raise ValueError(
                f"learned from are heatmaps of {samples.space}, validated on {validation.space}: "
                "give data of one kind"
            )
        self._samples, self._validation = samples, validation
        self.space = samples.space
        self.normalisation = normalisation or statistics(samples)
        self._schedule = Schedule()
        self._mirrors = symmetric(self.space)
        self._height_m = mean_height_m(samples)

    def network(self, settings: RexoTraining) -> BoxDetector:
        """The network that the settings ask for.

        Raises:
            ValueError: there is no such size, or a view is not in the data.
        """
        return make_network(settings, self.space, self._height_m)

    def batches(self, settings: RexoTraining, steps: range) -> Iterator[list[RexoItem]]:
        """Samples at random, changed; those of a step are the same wherever the run was begun."""
        for step in steps:
            generator = np.random.default_rng([settings.seed, step])
            chosen = generator.integers(len(self._samples), size=settings.batch)
            yield [self._item(number, settings, generator) for number in chosen.tolist()]

    def _item(
        self, number: int, settings: RexoTraining, generator: np.random.Generator
    ) -> RexoItem:
        sample, partners = self._samples[number], self._samples.partners(number)
        if partners and generator.random() < settings.mixed_share:
            other = self._samples[partners[int(generator.integers(len(partners)))]]
            sample = together(sample, other) or sample
        if self._mirrors and generator.random() < 0.5:
            sample = mirrored(sample, self.space)
        heatmaps = self.normalisation(sample.power)
        heatmaps = heatmaps + generator.normal(0, _GAIN, (len(heatmaps), 1, 1, 1)).astype(
            np.float32
        )
        lost = generator.random() < settings.one_view_share
        heatmaps = only(heatmaps, self.space, settings)
        if lost and len(heatmaps) > 1:
            heatmaps[generator.integers(len(heatmaps))] = 0
        boxes = self.space.to_unit(sample.boxes_m)
        time = int(generator.integers(self._schedule.times))
        noisy = noisy_boxes(boxes, settings.boxes, time, self._schedule, generator)
        size_px = (1, 1) if sample.camera is None else sample.camera.size_px
        image = sample.image_px / np.tile(size_px, 2)
        return RexoItem(
            heatmaps,
            noisy.astype(np.float32),
            time,
            boxes.astype(np.float32),
            image.astype(np.float32),
            sample.camera,
        )

    def loss(
        self, net: nn.Module, batch: Sequence[RexoItem], settings: RexoTraining
    ) -> dict[str, Tensor]:
        """See :func:`rexo_ros.learning.losses.rexo_loss`, and :func:`centre_loss` beside it."""
        assert isinstance(net, BoxDetector)
        device = settings.device
        heatmaps = torch.from_numpy(np.stack([one.heatmaps for one in batch])).to(device)
        noisy = torch.from_numpy(np.stack([one.noisy for one in batch])).to(device)
        time = torch.tensor([one.time for one in batch], device=device)
        targets = [
            RexoTarget(
                torch.from_numpy(one.boxes).to(device),
                torch.from_numpy(one.image).to(device),
                one.camera,
            )
            for one in batch
        ]
        guessed = settings.centre_weight > 0 and not settings.backbone_frozen
        with settings.autocast():
            features = _features(net, heatmaps, settings)
            outputs = net(features, noisy, time)
            centres = net.centre_logits(features) if guessed else None
        weights = RexoWeights(space=settings.space_weight, image=settings.image_weight)
        parts = rexo_loss(
            outputs, targets, self.space, weights, early_matches=settings.early_matches
        )
        if centres is not None:
            parts["centres"] = centre_loss(centres, targets, net.space)
            parts["sum"] = parts["sum"] + settings.centre_weight * parts["centres"]
        return parts

    def validate(self, net: nn.Module, settings: RexoTraining) -> dict[str, Any]:
        """Scores on the validation's samples, one step from noise."""
        assert isinstance(net, BoxDetector)
        scores = DetectionScores()
        sampler = Sampler(boxes=settings.boxes)
        for number in spread(len(self._validation), VALIDATED):
            sample = self._validation[number]
            heatmaps = only(self.normalisation(sample.power), self.space, settings)
            denoise = denoiser(net, heatmaps, settings.device)
            answer = sampler(denoise, np.random.default_rng(number))
            scores.add(detections(answer, self.space, sample.camera), sample)
        return scores.as_json()

    def describe(self) -> dict[str, Any]:
        """What it learns from, and what the network must be told to work."""
        return {
            **self._samples.describe(),
            "normalisation": {
                "mean": self.normalisation.mean,
                "deviation": self.normalisation.deviation,
            },
            "height_m": self._height_m,
            "validation": self._validation.describe(),
        }


def _features(net: BoxDetector, heatmaps: Tensor, settings: RexoTraining) -> Tensor:
    if not settings.backbone_frozen:
        return net.features(heatmaps)
    net.backbone.eval()  # statistics of batches are of the backbone too
    with torch.no_grad():
        return net.features(heatmaps)


def make_network(settings: RexoTraining, space: Space, height_m: float) -> BoxDetector:
    """The network that the settings ask for, untrained.

    Args:
        settings: kind, size, views.
        space: of the data.
        height_m: of bodies, for the baseline that does not find it.

    Raises:
        ValueError: there is no such size, or a view is not in the data.
    """
    if settings.size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {settings.size!r}")
    size, seen = SIZES[settings.size], space.seen_by(*settings.view_names(space))
    if settings.network == "query":
        return QueryNet(size, seen, settings.grounded, queries=settings.boxes)
    fixed = height_m if settings.network == "flat" else None
    return RexoNet(size, seen, settings.grounded or fixed is not None, height_m=fixed)


def only(
    heatmaps: NDArray[np.float32], space: Space, settings: RexoTraining
) -> NDArray[np.float32]:
    """(view, ...) heatmaps of the views that the network sees, of those in the data."""
    names = settings.view_names(space)
    if names == space.views:
        return heatmaps
    return heatmaps[[space.views.index(name) for name in names]]


def noisy_boxes(
    boxes: NDArray[np.floating],
    count: int,
    time: int,
    schedule: Schedule,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Boxes on the way to noise, equation (3); random ones beside them (section 4.1).

    Args:
        boxes: (person, 6) unit boxes; a random choice of them where there are more than ``count``.
        count: of noisy boxes.
        time: of the diffusion.
        schedule: how much is left.
        generator: of everything that is random.

    Returns:
        (count, 6) unit boxes.
    """
    chosen = generator.permutation(len(boxes))[:count]
    clean = generator.standard_normal((count, 6))
    clean[: len(chosen)] = to_variables(boxes[chosen])
    kept = schedule.kept[time]
    noise = generator.standard_normal((count, 6))
    return to_boxes(np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise)


def denoiser(net: BoxDetector, heatmaps: NDArray[np.float32], device: str = "cpu") -> Denoise:
    """The network for one frame, as :class:`rexo_ros.diffusion.Sampler` asks it.

    Args:
        net: in evaluation mode.
        heatmaps: (view, frame, row, column) normalised.
        device: where the network is.
    """
    with torch.no_grad():
        features = net.features(torch.from_numpy(heatmaps)[None].to(device))

    def denoise(noisy: NDArray[np.float64], time: int) -> Answer:
        boxes = torch.from_numpy(noisy.astype(np.float32))[None].to(device)
        with torch.no_grad():
            last = net(features, boxes, torch.tensor([time], device=device))[-1]
        score = last.logits[0].softmax(dim=-1)[:, 1]
        parts = (last.boxes[0], score, last.refinement[0])
        return Answer(*(one.cpu().numpy().astype(np.float64) for one in parts))

    return denoise


def normalisation_of(about: Mapping[str, Any]) -> Normalisation:
    """That a run was trained with, of all views of its data; see :meth:`RexoTask.describe`."""
    told = about["data"]["normalisation"]
    return Normalisation(*(told[name] and tuple(told[name]) for name in ("mean", "deviation")))


def statistics(samples: SampleSet) -> Normalisation:
    """Mean and deviation of a training set's powers, from some of its samples."""
    numbers = spread(len(samples), STATISTICS)
    return Normalisation.of(samples[number].power for number in numbers)


def mean_height_m(samples: SampleSet) -> float:
    """Of the bodies in some samples.

    Raises:
        ValueError: nobody is in them.
    """
    numbers = spread(len(samples), STATISTICS)
    heights = [samples[number].boxes_m[:, 3 + VERTICAL] for number in numbers]
    together = np.concatenate(heights)
    if not len(together):
        raise ValueError("nobody is in the data: there is nothing to learn")
    return float(together.mean())
