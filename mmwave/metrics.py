"""Figures that detectors and segmentations are judged by, and distances of point clouds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
"""Overlaps over which COCO's average precision is the mean."""

RECALLS = np.linspace(0, 1, 101)

Overlap = Callable[[Any, Sequence[Any]], NDArray[np.floating]]
"""Intersection over union of one box with each of some others."""


@dataclass(frozen=True)
class ImageBoxes:
    """Boxes of one kind in one image.

    Attributes:
        found: detections, in any order.
        scores: (found,) the higher the surer.
        true: boxes that are there.

    Raises:
        ValueError: not one score a detection.
    """

    found: Sequence[Any]
    scores: Sequence[float]
    true: Sequence[Any]

    def __post_init__(self) -> None:
        if len(self.found) != len(self.scores):
            raise ValueError(f"{len(self.found)} detections have {len(self.scores)} scores")


def average_precision(
    images: Sequence[ImageBoxes], overlap: Overlap, thresholds: Sequence[float] = THRESHOLDS
) -> NDArray[np.float64]:
    """Average precision at several overlaps, as the COCO evaluation defines it.

    In every image the detections, the surest first, each take the true box that they overlap most
    of those that are still free, if by the threshold at least. Precision is the highest at this or
    a higher recall, and the average is over 101 recalls.

    Args:
        images: one entry an image, of one kind of object.
        overlap: see Overlap; any geometry.
        thresholds: of the overlap.

    Returns:
        (threshold,) from 0 to 1; NaN where no image holds a true box.
    """
    total = sum(len(image.true) for image in images)
    if not total:
        return np.full(len(thresholds), np.nan)
    scores = np.concatenate([np.sort(np.asarray(i.scores, float))[::-1] for i in images])
    order = np.argsort(-scores, kind="stable")
    overlaps = [_overlaps(image, overlap) for image in images]
    result = []
    for threshold in thresholds:
        right = np.concatenate([_matched(one, threshold) for one in overlaps])[order]
        hits = np.cumsum(right)
        recall = hits / total
        precision = hits / np.arange(1, len(right) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, RECALLS, side="left")
        reached = place < len(best)
        result.append(float(np.where(reached, np.append(best, 0)[place], 0.0).mean()))
    return np.array(result)


def _overlaps(image: ImageBoxes, overlap: Overlap) -> NDArray[np.float64]:
    """(found, true), the surest detection first."""
    order = np.argsort(-np.asarray(image.scores, float), kind="stable")
    rows = [overlap(image.found[index], image.true) for index in order]
    return np.array(rows, float).reshape(len(order), len(image.true))


def _matched(overlaps: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """(found,) whether each detection takes a true box."""
    right = np.zeros(len(overlaps), bool)
    free = np.ones(overlaps.shape[1], bool)
    for index, row in enumerate(overlaps):
        open_ = np.where(free, row, -1.0)
        if open_.size and open_.max() >= threshold:
            free[int(np.argmax(open_))] = False
            right[index] = True
    return right


def confusion_matrix(
    found: NDArray[np.integer], true: NDArray[np.integer], classes: int, ignored: int = 255
) -> NDArray[np.int64]:
    """How many pixels of each class (row) were taken for each class (column).

    Args:
        found: classes, any shape.
        true: the same shape; ``ignored`` does not count.
        classes: how many there are.
        ignored: label of the pixels that are left out.

    Raises:
        ValueError: shapes differ, or a class is out of range.
    """
    if found.shape != true.shape:
        raise ValueError(f"shapes must agree, got {found.shape} and {true.shape}")
    counted = true != ignored
    rows, columns = true[counted].astype(np.int64), found[counted].astype(np.int64)
    for values in (rows, columns):
        wrong = values[(values < 0) | (values >= classes)]
        if len(wrong):
            raise ValueError(f"classes must be 0 to {classes - 1}, got {np.unique(wrong)}")
    counts = np.bincount(rows * classes + columns, minlength=classes**2)
    return counts.reshape(classes, classes)


def intersection_over_union(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """(class,) intersection over union; NaN for a class that is neither there nor found."""
    hits = np.diag(confusion).astype(float)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    return np.where(union > 0, hits / np.maximum(union, 1), np.nan)


def pixel_accuracy(confusion: NDArray[np.integer]) -> float:
    """Share of the pixels whose class is right; NaN without pixels."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")


def nearest_distances(
    cloud: NDArray[np.floating], other: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of every point to the nearest one of the other cloud, both ways.

    Args:
        cloud: (N, dimension).
        other: (M, dimension).

    Raises:
        ValueError: a cloud is empty or not finite, or the dimensions differ.
    """
    for one in (cloud, other):
        if one.ndim != 2 or not len(one) or not np.isfinite(one).all():
            raise ValueError(f"a cloud must be (N > 0, dimension) and finite, got {one.shape}")
    if cloud.shape[1] != other.shape[1]:
        raise ValueError(f"dimensions differ: {cloud.shape[1]} and {other.shape[1]}")
    there, _ = cKDTree(other).query(cloud)
    back, _ = cKDTree(cloud).query(other)
    return there, back


def chamfer_distance(cloud: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Sum of the two mean distances to the nearest point, in the clouds' unit.

    Lai et al. 2024 (table 3) do not say whether theirs is a sum or a mean, of distances or of their
    squares; beside their modified Hausdorff distance, half as large, it can only be this sum.

    Raises:
        ValueError: see :func:`nearest_distances`.
    """
    there, back = nearest_distances(cloud, other)
    return float(there.mean() + back.mean())


def modified_hausdorff_distance(cloud: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Larger of the two mean distances to the nearest point, in the clouds' unit.

    Dubuisson and Jain, A modified Hausdorff distance for object matching (1994).

    Raises:
        ValueError: see :func:`nearest_distances`.
    """
    there, back = nearest_distances(cloud, other)
    return float(max(there.mean(), back.mean()))
