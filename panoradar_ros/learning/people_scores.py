"""People who were found, and where they stand, against the truth (Lai et al. 2024, section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import circular_overlap
from mmwave.metrics import azimuth_difference_rad
from panoradar_ros.learning.boxes import ObjectBox
from panoradar_ros.recognition.detections import PUBLISHED_SCORE, Detection, person_position_m

PERSON_OVERLAP = 0.5
"""With the true box, for a person to be found."""


def as_array(box: ObjectBox | Detection) -> NDArray[np.float64]:
    """Left, top, right, bottom."""
    return np.array([box.left, box.top, box.right, box.bottom], np.float64)


@dataclass
class PeopleScores:
    """Collects detections of people, the surest of which each take a true person.

    Attributes:
        found: score, error of range (m) and of azimuth (degrees) of every person who was found.
        false: scores of the detections that are nobody, or somebody once more.
        people: how many there are.
    """

    found: list[tuple[float, float, float]] = field(default_factory=list)
    false: list[float] = field(default_factory=list)
    people: int = 0

    def add(
        self,
        detections: Sequence[Detection],
        people: Sequence[ObjectBox],
        range_m: NDArray[np.floating],
        true_range_m: NDArray[np.floating],
    ) -> None:
        """Hold a frame's detections against its people, the surest first, as AP does.

        Args:
            detections: of people, the best first.
            people: true boxes.
            range_m: (row, column) learned; where a detection stands.
            true_range_m: (row, column) where a person stands.
        """
        self.people += len(people)
        boxes = np.array([as_array(one) for one in people]).reshape(-1, 4)
        free = np.ones(len(people), bool)
        for one in detections:
            overlap = circular_overlap(as_array(one), boxes, range_m.shape[1]) * free
            best = int(np.argmax(overlap)) if len(overlap) else 0
            if not len(overlap) or overlap[best] <= PERSON_OVERLAP:
                self.false.append(one.score)
                continue
            free[best] = False
            there = people[best]
            box = Detection(0, 1.0, there.left, there.top, there.right, there.bottom)
            measured = person_position_m(one, range_m)
            true = person_position_m(box, true_range_m)
            if measured is None or true is None:
                self.found.append((one.score, float("nan"), float("nan")))
                continue
            turn = azimuth_difference_rad(measured[1], true[1])
            error_m, error_deg = abs(measured[0] - true[0]), float(np.rad2deg(np.abs(turn)))
            self.found.append((one.score, error_m, error_deg))

    @staticmethod
    def join(parts: "Sequence[PeopleScores]") -> "PeopleScores":
        """Of all frames of several."""
        return PeopleScores(
            [one for part in parts for one in part.found],
            [one for part in parts for one in part.false],
            sum(part.people for part in parts),
        )

    def as_json(self, least_score: float = PUBLISHED_SCORE) -> dict[str, Any]:
        """Figures of the detections from a score on, None where there are none to judge."""
        taken = np.array(self.found).reshape(-1, 3)
        taken = taken[taken[:, 0] >= least_score]
        known = taken[np.isfinite(taken[:, 1]), 1:]
        nothing: list[float | None] = [None, None]
        mean = known.mean(axis=0).tolist() if len(known) else nothing
        middle = np.median(known, axis=0).tolist() if len(known) else nothing
        return {
            "people": self.people,
            "people_found": len(taken),
            "people_false": int(np.sum(np.array(self.false) >= least_score)),
            "person_range_m": mean[0],
            "person_azimuth_deg": mean[1],
            "person_range_median_m": middle[0],
            "person_azimuth_median_deg": middle[1],
        }
