"""What a roll of half a turn changes: nothing for a network whose azimuth is a circle.

Lai et al. 2024 (section 8, figure 23) roll every test image and hold the errors of columns near the
edge of the image against those in its middle, for networks with and without circular convolutions.
Here every frame is seen twice, as it is and rolled by half a turn: what was at the edge is then in
the middle, and the other way round.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M, absolute_error_m

NEAR_COLUMNS = 8
"""On each side of a seam."""

PATCH_COLUMNS = 64
"""Of the coarsest cell of the largest network: other rolls change what a cell holds."""

PLACES = ("former_seam", "new_seam", "elsewhere")
"""Columns that were at the edge of the image and are in its middle when it is rolled; those that
come to its edge by the roll; all others."""


def half_turn(columns: int) -> int:
    """Columns of half a turn.

    Raises:
        ValueError: they are no multiple of PATCH_COLUMNS.
    """
    if columns % (2 * PATCH_COLUMNS):
        raise ValueError(
            f"half a turn of {columns} columns is no multiple of the {PATCH_COLUMNS} of the "
            "networks' coarsest cell: rolls would change answers by themselves; use panoramas of a "
            f"multiple of {2 * PATCH_COLUMNS} columns"
        )
    return columns // 2


def places_of(columns: int) -> dict[str, NDArray[np.bool_]]:
    """(column,) flags of each of PLACES; every column is in one."""
    column = np.arange(columns)
    after = np.minimum(column, columns - 1 - column)
    former = after < NEAR_COLUMNS
    new = np.roll(former, columns // 2)
    return dict(zip(PLACES, (former, new, ~former & ~new), strict=True))


@dataclass
class SeamScores:
    """Collects frames that were seen twice.

    Attributes:
        change_m: mean and median of every image in each of PLACES.
        error_m: mean absolute range error of every image, as it is and rolled.
        other_class: share of the pixels of every image whose class is another.
    """

    change_m: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    error_m: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    other_class: dict[str, list[float]] = field(default_factory=dict)

    def add(
        self,
        range_m: NDArray[np.floating],
        rolled_back_m: NDArray[np.floating],
        frame: Frame,
        labels: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    ) -> None:
        """Add a frame.

        A pixel without an answer counts as FARTHEST_M.

        Args:
            range_m: (row, column) learned.
            rolled_back_m: of the rolled frame, rolled back.
            frame: the truth.
            labels: (row, column) classes that were found, as it is and rolled back; or None.
        """
        one, other = (
            np.clip(np.where(np.isfinite(image), image, FARTHEST_M), 0.0, FARTHEST_M)
            for image in (range_m, rolled_back_m)
        )
        change_m = np.abs(one - other)
        errors_m = [absolute_error_m(image, frame) for image in (range_m, rolled_back_m)]
        for place, inside in places_of(range_m.shape[1]).items():
            here = change_m[:, inside]
            mean_and_median = (float(here.mean()), float(np.median(here)))
            self.change_m.setdefault(place, []).append(mean_and_median)
            known = [error[:, inside][np.isfinite(error[:, inside])] for error in errors_m]
            if known[0].size:
                both = (float(known[0].mean()), float(known[1].mean()))
                self.error_m.setdefault(place, []).append(both)
            if labels is not None:
                other_class = float((labels[0] != labels[1])[:, inside].mean())
                self.other_class.setdefault(place, []).append(other_class)

    def as_json(self) -> dict[str, Any]:
        """Means over the images; empty without any."""
        if not self.change_m:
            return {}
        result: dict[str, Any] = {
            "seam_range_change_m": _means(self.change_m, ("mean", "median")),
            "seam_range_mae_m": _means(self.error_m, ("as_it_is", "rolled")),
        }
        if self.other_class:
            shares = {place: float(np.mean(one)) for place, one in self.other_class.items()}
            result["seam_other_class"] = shares
        return result


def _means(
    values: dict[str, list[tuple[float, float]]], names: tuple[str, str]
) -> dict[str, dict[str, float]]:
    return {
        place: dict(zip(names, np.mean(pairs, axis=0).tolist(), strict=True))
        for place, pairs in values.items()
    }
