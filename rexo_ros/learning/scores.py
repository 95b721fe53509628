"""What detections are worth: average precision and recall, in the image and in space.

Yataka et al. 2026, appendix F, counts boxes in the image; boxes in space are counted beside them.
Both are COCO's, see :mod:`mmwave.metrics`: precision at 101 recalls, where equation (45) integrates
all of them, and the mean recall over thresholds from 0.5 to 0.95. Recall as equation (48) has it,
which integrates on to an overlap of one and gives less, is told as ``ar1_integral`` and
``ar10_integral``.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import box_overlap
from mmwave.metrics import THRESHOLDS, ImageBoxes, average_precision, mean_excess, recall_of
from rexo_ros.detections import SURE, Detections, areas_px
from rexo_ros.learning.samples import Sample
from rexo_ros.live_score import matched
from rexo_ros.space import DEPTH, HORIZONTAL, low_and_high

DEPTHS_M = (0.0, 0.2, 0.5, 1.0, np.inf)
"""Edges of the depth differences of two people that figures are told by (table 4 of the paper)."""


class DetectionScores:
    """Collects frames and tells what the detections in them are worth."""

    def __init__(self) -> None:
        self.image: list[ImageBoxes] = []
        self.space: list[ImageBoxes] = []
        self._nearest: list[float] = []
        self._overlaps: list[float] = []
        self._apart_m: list[float] = []
        self._people = self._missed = self._false = 0

    def __len__(self) -> int:
        return len(self.space)

    def add(self, found: Detections, sample: Sample) -> None:
        """Take a frame.

        Args:
            found: all detections, those that are not sure too; without boxes in the image they
                are judged in space alone.
            sample: the truth.
        """
        scores = found.scores.tolist()
        corners, true = low_and_high(found.boxes_m), low_and_high(sample.boxes_m)
        unseen = low_and_high(sample.unseen_m)
        self.space.append(_image_boxes(corners, scores, true, unseen))
        self._nearest.append(nearest_depth_m(sample.boxes_m))
        self._people += len(sample.boxes_m)
        sure = found.scores >= SURE
        if found.image_px is not None:
            image, boxes_px = sample.image_px.astype(np.float64), found.image_px
            unseen_px = sample.unseen_px[areas_px(sample.unseen_px) > 0].astype(np.float64)
            # who is beside the image is neither right nor wrong there
            inside_px, inside_scores = found.in_image()
            own_scores = inside_scores.tolist()
            self.image.append(_image_boxes(inside_px, own_scores, image, unseen_px))
            for own in image:
                over = box_overlap(own, boxes_px[sure]) if sure.any() else np.zeros(1)
                self._overlaps.append(float(over.max()))
        floor = [HORIZONTAL, DEPTH]
        there = np.concatenate([sample.boxes_m, sample.unseen_m])[:, floor].astype(np.float64)
        pairs = matched(there, found.boxes_m[sure][:, floor])
        # who need not be found is neither missed nor a false alarm
        own = [apart_m for person, _, apart_m in pairs if person < len(sample.boxes_m)]
        self._apart_m += own
        self._missed += len(sample.boxes_m) - len(own)
        self._false += int(sure.sum()) - len(pairs)

    @property
    def overlaps(self) -> NDArray[np.float64]:
        """(person,) overlap in the image of everybody with the best sure detection."""
        return np.array(self._overlaps)

    def as_json(self) -> dict[str, Any]:
        """All figures in percent, distances in metres; None where nothing could be counted.

        Somebody is found by a sure detection within :data:`rexo_ros.live_score.NEAR_M` on the
        floor, one for each; ``place_median_m`` is of those who are.
        """
        figures: dict[str, Any] = {"frames": len(self)}
        figures |= _figures(self.image, "") | _figures(self.space, "_3d")
        figures["people"] = self._people
        figures["missed_share"] = round(self._missed / self._people, 4) if self._people else None
        figures["false_per_frame"] = round(self._false / len(self), 4) if len(self) else None
        figures["place_median_m"] = (
            round(float(np.median(self._apart_m)), 4) if self._apart_m else None
        )
        return figures

    def by_depth_difference(self) -> list[dict[str, Any]]:
        """AP of frames with several people by how near in depth the two nearest are, in the image
        or, without a camera, in space.
        """
        result = []
        counted, suffix = (self.image, "") if self.image else (self.space, "_3d")
        nearest = np.array(self._nearest)
        for low, high in pairwise(DEPTHS_M):
            there = np.flatnonzero((nearest >= low) & (nearest < high))
            images = [counted[number] for number in there]
            figures = _figures(images, suffix) if images else {f"ap{suffix}": None}
            high_m = None if np.isinf(high) else high
            result.append({"from_m": low, "to_m": high_m, "frames": len(images), **figures})
        return result


def _image_boxes(
    found: NDArray[np.float64],
    scores: list[float],
    true: NDArray[np.float64],
    ignored: NDArray[np.float64],
) -> ImageBoxes:
    flags = [False] * len(true) + [True] * len(ignored)
    return ImageBoxes(list(found), scores, [*true, *ignored], flags)


def nearest_depth_m(boxes_m: NDArray[np.floating]) -> float:
    """Least difference in depth of two people; NaN where there are not two."""
    depth = np.sort(boxes_m[:, DEPTH])
    return float(np.diff(depth).min()) if len(depth) > 1 else float("nan")


def _figures(images: Sequence[ImageBoxes], suffix: str) -> dict[str, float | None]:
    precision = average_precision(images, overlap)
    result = {
        "ap": precision.mean(),
        "ap50": precision[THRESHOLDS.index(0.5)],
        "ap75": precision[THRESHOLDS.index(0.75)],
        "ar1": recall_of(images, overlap, most=1).mean(),
        "ar10": recall_of(images, overlap, most=10).mean(),
        "ar1_integral": mean_excess(images, overlap, most=1),
        "ar10_integral": mean_excess(images, overlap, most=10),
    }
    return {
        name + suffix: None if np.isnan(value) else round(100 * float(value), 2)
        for name, value in result.items()
    }


def overlap(box: Any, others: Sequence[Any]) -> NDArray[np.floating]:
    """Intersection over union of a box with others, also with none at all."""
    return box_overlap(box, np.asarray(others).reshape(-1, len(box)))
