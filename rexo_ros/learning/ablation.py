"""REXO, its ablations and what it is compared with, all trained the same: one table.

Yataka et al. 2026, section 5: views, the floor, the weight of the image's boxes, boxes in training;
and detectors in the plane and by queries. Steps and boxes at inference need no training.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rexo_ros.detections import Detections, detections
from rexo_ros.diffusion import Sampler
from rexo_ros.learning.networks.base import BoxDetector
from rexo_ros.learning.samples import SampleSet
from rexo_ros.learning.scores import DetectionScores
from rexo_ros.learning.settings import RexoTraining
from rexo_ros.learning.task import denoiser, only
from rexo_ros.normalisation import Normalisation


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: of the row and of its run's folder.
        what: for the reader.
        changes: of the settings, against REXO's.
    """

    name: str
    what: str
    changes: Mapping[str, Any]

    def settings(self, common: RexoTraining) -> RexoTraining:
        """How it is trained: as REXO is, but for its changes."""
        return replace(common, **self.changes)


VARIANTS = (
    Variant("rexo", "REXO", {}),
    Variant("horizontal", "level view only", {"views": "horizontal"}),
    Variant("vertical", "upright view only", {"views": "vertical"}),
    Variant("flat", "diffusion in the plane, one height (as DiffusionDet)", {"network": "flat"}),
    Variant(
        "query", "learned queries on both views (as RETR)", {"network": "query", "early_matches": 1}
    ),
    Variant("no_floor", "boxes need not stand on the floor", {"grounded": False}),
    Variant("no_image", "no boxes in the image (weight 0)", {"image_weight": 0.0}),
    Variant("half_image", "boxes in the image at half the weight", {"image_weight": 0.5}),
    Variant("tenth_image", "boxes in the image at a tenth of the weight", {"image_weight": 0.1}),
    Variant("no_space", "no boxes in space (weight 0)", {"space_weight": 0.0}),
    Variant("half_space", "boxes in space at half the weight", {"space_weight": 0.5}),
    Variant("boxes_20", "20 boxes in training", {"boxes": 20}),
    Variant("boxes_50", "50 boxes in training", {"boxes": 50}),
    Variant("one_match", "one box for everybody in every head", {"early_matches": 1}),
    Variant("unmixed", "no people added to frames", {"mixed_share": 0.0}),
)
SEARCHES = (
    (10, 1), (10, 3), (10, 5), (10, 7), (10, 9), (10, 10),
    (2, 1), (20, 1), (30, 1), (40, 1), (60, 1), (80, 1),
)  # fmt: skip
"""Boxes and steps at inference that REXO is tried with."""


def evaluated(
    net: BoxDetector,
    settings: RexoTraining,
    normalisation: Normalisation,
    samples: SampleSet,
    numbers: Iterable[int],
    sampler: Sampler | None = None,
) -> DetectionScores:
    """Scores of a trained network in PyTorch.

    Args:
        net: in evaluation mode.
        settings: that it was trained with.
        normalisation: likewise.
        samples: of rooms or days that it was not trained on.
        numbers: of the samples that count.
        sampler: boxes and steps; one step, as many boxes as in training, by default.
    """
    sampler = sampler or Sampler(boxes=settings.boxes)
    scores = DetectionScores()
    for number in numbers:
        sample = samples[number]
        heatmaps = only(normalisation(sample.power), samples.space, settings)
        denoise = denoiser(net, heatmaps)
        answer = sampler(denoise, np.random.default_rng([number, 7]))
        found: Detections = detections(answer, samples.space, sample.camera)
        scores.add(found, sample)
    return scores


def as_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of rows of figures; None is a dash.

    Args:
        rows: figures by the row's text.
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for text, row in rows.items():
        told = ("-" if row.get(name) is None else f"{row[name]:.4g}" for name in names)
        lines.append(f"| {text} | " + " | ".join(told) + " |")
    return "\n".join(lines)
