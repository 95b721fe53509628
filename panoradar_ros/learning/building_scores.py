"""Scores by building, and how far they would swing with other buildings of the kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from panoradar_ros.learning.range_scores import RangeScores
from panoradar_ros.learning.semantic_scores import SemanticScores

RESAMPLES = 100
COVERED = (0.05, 0.95)
"""Quantiles of the resampled figures that are told."""

SWINGING = (
    "range_mae_m", "range_median_m", "normal_mean_deg", "miou", "ap50", "person_range_m",
    "person_azimuth_deg",
)  # fmt: skip


@dataclass
class BuildingScores:
    """What is known of one building's frames.

    Attributes:
        style: of the building.
        seed: of the building.
        ranges: errors of ranges and normals.
        semantic: of classes and boxes.
    """

    style: str
    seed: int
    ranges: RangeScores = field(default_factory=RangeScores)
    semantic: SemanticScores = field(default_factory=SemanticScores)


def by_building(scores: Sequence[BuildingScores], named: bool) -> list[dict[str, Any]]:
    """Figures of every building, JSON-able.

    Args:
        scores: of the buildings.
        named: there were classes and boxes.
    """
    result = []
    for one in scores:
        row: dict[str, Any] = {"style": one.style, "seed": one.seed}
        row["frames"] = len(one.ranges.mae_m)
        figures = _figures([one], named)
        result.append(row | {name: figures[name] for name in SWINGING if name in figures})
    return result


def intervals(
    scores: Sequence[BuildingScores], named: bool, seed: int = 0
) -> dict[str, list[float]]:
    """Where 90 % of figures lie if as many buildings are drawn from these, again and again.

    A bootstrap over buildings (Efron 1979): frames of one building are not independent.

    Args:
        scores: of the buildings.
        named: there were classes and boxes.
        seed: of the draws.

    Returns:
        Lower and upper end by figure, of those that every draw knows.
    """
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        chosen = generator.integers(len(scores), size=len(scores))
        for name, value in _figures([scores[one] for one in chosen], named).items():
            if value is not None:
                drawn.setdefault(name, []).append(value)
    return {
        name: np.quantile(values, COVERED).tolist()
        for name, values in drawn.items()
        if len(values) == RESAMPLES
    }


def _figures(scores: Sequence[BuildingScores], named: bool) -> dict[str, float | None]:
    ranges = RangeScores.join([one.ranges for one in scores])
    found: dict[str, Any] = ranges.as_json() if ranges.mae_m else {}
    if named:
        found |= SemanticScores.join([one.semantic for one in scores]).main_figures()
    return {name: found[name] for name in SWINGING if name in found}
