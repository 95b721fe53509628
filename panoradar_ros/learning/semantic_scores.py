"""Classes and boxes against the truth, as Lai et al. 2024 (section 8) hold them against it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import circular_overlap
from mmwave.metrics import (
    THRESHOLDS,
    ImageBoxes,
    average_precision,
    confusion_matrix,
    intersection_over_union,
    pixel_accuracy,
)
from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.boxes import boxes_of, small_boxes_of
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.people_scores import PeopleScores, as_array
from panoradar_ros.recognition.detections import OBJECTS, decode_cells, ranges_in
from panoradar_ros.recognition.semantics import IGNORED, labels_of

LEAST_SCORE = 0.02
"""Of detections that are counted: a curve of precision needs the unsure ones too."""

_NONE = len(SemanticClass)
PERSON = OBJECTS.index("person")

ALL_THRESHOLDS = (0.3, *THRESHOLDS)


def published_confusion(found: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of every class by what was published of them.

    Args:
        found: classes, IGNORED where none is published.
        true: classes, of the same shape; IGNORED does not count.

    Returns:
        (class + 1, class + 1) see :func:`mmwave.metrics.confusion_matrix`; the last column is of
        pixels that were published without a class.
    """
    columns = np.where(found == IGNORED, _NONE, found)
    return confusion_matrix(columns, true, _NONE + 1)


@dataclass
class SemanticScores:
    """Collects what the second network said of frames.

    Attributes:
        confusion: (class, class) pixels, see :func:`mmwave.metrics.confusion_matrix`; the last
            column is of pixels that are published without a class.
        images: of each kind of object, one entry a frame.
        people: who were found, and where.
        columns: of the panoramas.
    """

    confusion: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((_NONE + 1,) * 2, np.int64)
    )
    images: list[list[ImageBoxes]] = field(default_factory=lambda: [[] for _ in OBJECTS])
    people: PeopleScores = field(default_factory=PeopleScores)
    columns: int = 512

    def add(
        self,
        logits: NDArray[np.floating],
        objects: NDArray[np.floating],
        edges: NDArray[np.floating],
        frame: Frame,
        range_m: NDArray[np.floating],
    ) -> None:
        """Hold an answer against its frame.

        Args:
            logits: (class, row, column).
            objects: (kind, cell row, cell column).
            edges: (4, cell row, cell column).
            frame: the truth.
            range_m: (row, column) learned, for the position of people.
        """
        self.columns = frame.label.shape[1]
        self.confusion += published_confusion(labels_of(logits, range_m), frame.label)
        boxes = decode_cells(objects, edges, LEAST_SCORE)
        detections = [one for one in boxes if ranges_in(one, range_m).size]
        true, small = boxes_of(frame), small_boxes_of(frame)
        for kind, images in enumerate(self.images):
            own = [one for one in detections if one.kind == kind]
            there = [as_array(one) for one in (*true, *small) if one.kind == kind]
            ignored = [one in small for one in (*true, *small) if one.kind == kind]
            images.append(
                ImageBoxes([as_array(d) for d in own], [d.score for d in own], there, ignored)
            )
        self.people.add(
            [one for one in detections if one.kind == PERSON],
            [one for one in true if one.kind == PERSON],
            range_m,
            frame.range,
        )

    def _overlap(
        self, box: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        return circular_overlap(box, np.array(others).reshape(-1, 4), self.columns)

    @staticmethod
    def join(parts: "Sequence[SemanticScores]") -> "SemanticScores":
        """Of all frames of several."""
        result = SemanticScores(people=PeopleScores.join([part.people for part in parts]))
        for part in parts:
            result.confusion += part.confusion
            result.columns = part.columns
            for images, more in zip(result.images, part.images, strict=True):
                images.extend(more)
        return result

    def main_figures(self) -> dict[str, Any]:
        """MIoU, AP50 and where people stand, as in :meth:`as_json`, in less time."""
        precision = np.array(
            [average_precision(images, self._overlap, (0.5,))[0] for images in self.images]
        )
        there = precision[np.isfinite(precision)]
        return {
            "miou": self._miou(),
            "ap50": float(100 * there.mean()) if len(there) else None,
            **self.people.as_json(),
        }

    def _miou(self) -> float | None:
        union = intersection_over_union(self.confusion)[:_NONE]
        there = union[np.isfinite(union)]
        return float(100 * there.mean()) if len(there) else None

    def as_json(self) -> dict[str, Any]:
        """All figures; None where there was nothing to judge."""
        precision = np.array(
            [average_precision(images, self._overlap, ALL_THRESHOLDS) for images in self.images]
        )
        there = precision[np.isfinite(precision[:, 0])]
        mean = there.mean(axis=0) if len(there) else np.full(len(ALL_THRESHOLDS), np.nan)
        union = intersection_over_union(self.confusion)[:_NONE]
        result: dict[str, Any] = {
            "miou": self._miou(),
            "pixel_accuracy": _number(100 * pixel_accuracy(self.confusion)),
            "iou_by_class": {one.name.lower(): _number(100 * union[one]) for one in SemanticClass},
            "ap": _number(100 * mean[1:].mean()),
            "ap30": _number(100 * mean[0]),
            "ap50": _number(100 * mean[1]),
            "ap75": _number(100 * mean[1 + THRESHOLDS.index(0.75)]),
            "ap50_by_kind": {
                name: _number(100 * one[1]) for name, one in zip(OBJECTS, precision, strict=True)
            },
            **self.people.as_json(),
            "people_at_any_score": self.people.as_json(LEAST_SCORE),
        }
        return result


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
