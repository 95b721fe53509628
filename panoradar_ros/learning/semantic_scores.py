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
    azimuth_difference_rad,
    confusion_matrix,
    intersection_over_union,
    pixel_accuracy,
)
from mmwave.simulation.scene import SemanticClass
from panoradar_ros.learning.boxes import ObjectBox, boxes_of
from panoradar_ros.learning.frames import Frame
from panoradar_ros.recognition.detections import (
    OBJECTS,
    Detection,
    decode_cells,
    person_position_m,
)

LEAST_SCORE = 0.02
"""Of detections that are counted: a curve of precision needs the unsure ones too."""

PERSON_OVERLAP = 0.5
"""With the true box, for a person's position to be compared."""

ALL_THRESHOLDS = (0.3, *THRESHOLDS)


@dataclass
class SemanticScores:
    """Collects what the second network said of frames.

    Attributes:
        confusion: (class, class) pixels, see :func:`mmwave.metrics.confusion_matrix`.
        images: of each kind of object, one entry a frame.
        range_error_m: of people who were found.
        azimuth_error_deg: likewise.
        columns: of the panoramas.
    """

    confusion: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((len(SemanticClass),) * 2, np.int64)
    )
    images: list[list[ImageBoxes]] = field(default_factory=lambda: [[] for _ in OBJECTS])
    range_error_m: list[float] = field(default_factory=list)
    azimuth_error_deg: list[float] = field(default_factory=list)
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
        found = logits.argmax(axis=0)
        self.confusion += confusion_matrix(found, frame.label, len(self.confusion))
        detections, true = decode_cells(objects, edges, LEAST_SCORE), boxes_of(frame)
        for kind, images in enumerate(self.images):
            own = [one for one in detections if one.kind == kind]
            boxes = [as_array(one) for one in true if one.kind == kind]
            images.append(ImageBoxes([as_array(d) for d in own], [d.score for d in own], boxes))
        people = [one for one in true if one.kind == 0]
        self._add_people([one for one in detections if one.kind == 0], people, frame, range_m)

    def _add_people(
        self,
        detections: Sequence[Detection],
        people: Sequence[ObjectBox],
        frame: Frame,
        range_m: NDArray[np.floating],
    ) -> None:
        """Position of every true person whom the best overlapping detection finds."""
        if not detections:
            return
        found = np.array([as_array(one) for one in detections])
        for person in people:
            overlap = circular_overlap(as_array(person), found, self.columns)
            best = int(np.argmax(overlap))
            if overlap[best] <= PERSON_OVERLAP:
                continue
            measured = person_position_m(detections[best], range_m)
            box = Detection(0, 1.0, person.left, person.top, person.right, person.bottom)
            true = person_position_m(box, frame.range)
            if measured is None or true is None:
                continue
            self.range_error_m.append(abs(measured[0] - true[0]))
            turn = azimuth_difference_rad(measured[1], true[1])
            self.azimuth_error_deg.append(float(np.rad2deg(np.abs(turn))))

    def _overlap(
        self, box: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        return circular_overlap(box, np.array(others).reshape(-1, 4), self.columns)

    def as_json(self) -> dict[str, Any]:
        """All figures; None where there was nothing to judge."""
        precision = np.array(
            [average_precision(images, self._overlap, ALL_THRESHOLDS) for images in self.images]
        )
        there = precision[np.isfinite(precision[:, 0])]
        mean = there.mean(axis=0) if len(there) else np.full(len(ALL_THRESHOLDS), np.nan)
        union = intersection_over_union(self.confusion)
        result: dict[str, Any] = {
            "miou": 100 * float(np.nanmean(union)),
            "pixel_accuracy": 100 * pixel_accuracy(self.confusion),
            "iou_by_class": {one.name.lower(): _number(100 * union[one]) for one in SemanticClass},
            "ap": _number(100 * mean[1:].mean()),
            "ap30": _number(100 * mean[0]),
            "ap50": _number(100 * mean[1]),
            "ap75": _number(100 * mean[1 + THRESHOLDS.index(0.75)]),
            "ap50_by_kind": {
                name: _number(100 * one[1]) for name, one in zip(OBJECTS, precision, strict=True)
            },
            "people_found": len(self.range_error_m),
            "people": sum(len(image.true) for image in self.images[0]),
        }
        if self.range_error_m:
            result["person_range_m"] = float(np.mean(self.range_error_m))
            result["person_azimuth_deg"] = float(np.mean(self.azimuth_error_deg))
            result["person_range_median_m"] = float(np.median(self.range_error_m))
            result["person_azimuth_median_deg"] = float(np.median(self.azimuth_error_deg))
        return result


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def as_array(box: ObjectBox | Detection) -> NDArray[np.float64]:
    """Left, top, right, bottom."""
    return np.array([box.left, box.top, box.right, box.bottom], np.float64)
