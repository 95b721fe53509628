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

MOST = 100
"""Detections of an image that count, the surest."""

_WRONG, _RIGHT, _IGNORED = 0, 1, 2

Overlap = Callable[[Any, Sequence[Any]], NDArray[np.floating]]
"""Intersection over union of one box with each of some others."""


@dataclass(frozen=True)
class ImageBoxes:
    """Boxes of one kind in one image.

    Attributes:
        found: detections, in any order.
        scores: (found,) the higher the surer.
        true: boxes that are there.
        ignored: (true,) boxes that need not be found: a detection that takes one counts neither as
            right nor as wrong. None for none of them.

    Raises:
        ValueError: not one score a detection, a score is no number, or not one flag a true box.
    """

    found: Sequence[Any]
    scores: Sequence[float]
    true: Sequence[Any]
    ignored: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        if len(self.found) != len(self.scores):
            raise ValueError(f"{len(self.found)} detections have {len(self.scores)} scores")
        if np.isnan(np.asarray(self.scores, float)).any():
            raise ValueError(f"scores must be numbers, got {list(self.scores)}")
        if self.ignored is not None and len(self.ignored) != len(self.true):
            raise ValueError(f"{len(self.true)} true boxes have {len(self.ignored)} flags")


def average_precision(
    images: Sequence[ImageBoxes],
    overlap: Overlap,
    thresholds: Sequence[float] = THRESHOLDS,
    most: int = MOST,
) -> NDArray[np.float64]:
    """Average precision at several overlaps, as the COCO evaluation defines it.

    In every image the detections, the surest first, each take the true box that they overlap most
    of those that are still free, if by the threshold at least; an ignored one only if there is no
    other. Precision is the highest at this or a higher recall, and the average is over 101 recalls.
    Detections of equal score count in the order that they and their images are given in.

    Args:
        images: one entry an image, of one kind of object.
        overlap: see Overlap; any geometry.
        thresholds: of the overlap.
        most: detections of an image that count, the surest.

    Returns:
        (threshold,) from 0 to 1; NaN where no image holds a true box that counts. Over the usual
        thresholds, its mean is COCO's AP.

    Raises:
        ValueError: ``most`` is not positive.
    """
    total = _true_boxes(images)
    judged = _judged(images, overlap, thresholds, most)
    if not total:
        return np.full(len(thresholds), np.nan)
    result = []
    for taken in judged:
        right = taken[taken != _IGNORED] == _RIGHT
        hits = np.cumsum(right)
        recall = hits / total
        precision = hits / np.arange(1, len(right) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, RECALLS, side="left")
        result.append(float(np.append(best, 0.0)[place].mean()))
    return np.array(result)


def recall_of(
    images: Sequence[ImageBoxes],
    overlap: Overlap,
    thresholds: Sequence[float] = THRESHOLDS,
    most: int = MOST,
) -> NDArray[np.float64]:
    """Share of the true boxes that some detection takes, at several overlaps.

    Args:
        images: as for :func:`average_precision`.
        overlap: likewise.
        thresholds: likewise.
        most: likewise.

    Returns:
        (threshold,) from 0 to 1; NaN where no image holds a true box that counts. Over the usual
        thresholds, its mean is COCO's AR at ``most`` detections.

    Raises:
        ValueError: ``most`` is not positive.
    """
    total = _true_boxes(images)
    judged = _judged(images, overlap, thresholds, most)
    if not total:
        return np.full(len(thresholds), np.nan)
    return np.array([np.sum(taken == _RIGHT) / total for taken in judged])


def mean_excess(images: Sequence[ImageBoxes], overlap: Overlap, most: int = MOST) -> float:
    """Average recall by how much the nearest detections overlap, over all overlaps up to one.

    Twice the mean of what the overlap of each true box with its nearest detection is above a half
    (Hosang et al. 2016; equation 48 of Yataka et al. 2026). A detection may be the nearest of
    several.

    Args:
        images: as for :func:`average_precision`.
        overlap: likewise.
        most: likewise.

    Returns:
        0 to 1; NaN where no image holds a true box that counts.

    Raises:
        ValueError: ``most`` is not positive.
    """
    if most < 1:
        raise ValueError(f"most must be positive, got {most}")
    excess: list[float] = []
    for one in images:
        surest = np.argsort(-np.asarray(one.scores, float), kind="stable")[:most]
        found = [one.found[number] for number in surest]
        ignored = one.ignored if one.ignored is not None else [False] * len(one.true)
        for true, left_out in zip(one.true, ignored, strict=True):
            if not left_out:
                nearest = float(np.max(overlap(true, found))) if found else 0.0
                excess.append(2 * max(nearest - 0.5, 0.0))
    return float(np.mean(excess)) if excess else float("nan")


def _true_boxes(images: Sequence[ImageBoxes]) -> int:
    """True boxes that count."""
    return sum(
        len(one.true) - (0 if one.ignored is None else int(np.sum(one.ignored))) for one in images
    )


def _judged(
    images: Sequence[ImageBoxes], overlap: Overlap, thresholds: Sequence[float], most: int
) -> list[NDArray[np.int8]]:
    """For every threshold, what each detection of all images is, the surest first."""
    if most < 1:
        raise ValueError(f"most must be positive, got {most}")
    if not images:
        return [np.empty(0, np.int8) for _ in thresholds]
    orders = [np.argsort(-np.asarray(i.scores, float), kind="stable")[:most] for i in images]
    scores = [np.asarray(i.scores, float)[o] for i, o in zip(images, orders, strict=True)]
    order = np.argsort(-np.concatenate(scores), kind="stable")
    overlaps = [_overlaps(i, overlap, o) for i, o in zip(images, orders, strict=True)]
    ignored = [
        np.zeros(len(one.true), bool) if one.ignored is None else np.asarray(one.ignored, bool)
        for one in images
    ]
    return [
        np.concatenate([_taken(*one, threshold) for one in zip(overlaps, ignored, strict=True)])[
            order
        ]
        for threshold in thresholds
    ]


def _overlaps(image: ImageBoxes, overlap: Overlap, order: NDArray[np.intp]) -> NDArray[np.float64]:
    """(found, true) in an order of the detections."""
    rows = [overlap(image.found[index], image.true) for index in order]
    return np.array(rows, float).reshape(len(order), len(image.true))


def _taken(
    overlaps: NDArray[np.float64], ignored: NDArray[np.bool_], threshold: float
) -> NDArray[np.int8]:
    """(found,) whether each detection takes a true box, an ignored one, or none."""
    result = np.full(len(overlaps), _WRONG, np.int8)
    free = np.ones(overlaps.shape[1], bool)
    # of equal overlaps COCO's evaluation takes the last, and a whole one may be rounded
    least = min(threshold, 1 - 1e-10)
    for index, row in enumerate(overlaps):
        for open_, kind in ((free & ~ignored, _RIGHT), (free & ignored, _IGNORED)):
            there = np.flatnonzero(open_ & (row >= least))
            if len(there):
                best = there[row[there] == row[there].max()][-1]
                free[best] = False
                result[index] = kind
                break
    return result


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
    squares. It is 2.2 times their modified Hausdorff distance; this sum is once to twice it, and
    the mean half of that, so that theirs is neither: compare with their figures at most roughly.

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


def angle_between_deg(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Angle of vectors, exact for small and for large ones.

    Kahan, How futile are mindless assessments of roundoff in floating-point computation? (2006),
    section 12.

    Args:
        one: (..., dimension) of any length.
        other: likewise.

    Returns:
        (...) in degrees, 0 to 180; NaN where a vector is zero and has no direction.

    Raises:
        ValueError: the dimensions differ.
    """
    if one.shape[-1:] != other.shape[-1:]:
        raise ValueError(f"dimensions differ: {one.shape} and {other.shape}")
    units = []
    for vector in (one, other):
        length = np.linalg.norm(vector.astype(np.float64), axis=-1, keepdims=True)
        units.append(vector / np.where(length > 0, length, np.nan))
    apart = np.linalg.norm(units[0] - units[1], axis=-1)
    together = np.linalg.norm(units[0] + units[1], axis=-1)
    return np.asarray(np.rad2deg(2 * np.arctan2(apart, together)), np.float64)


def azimuth_difference_rad(
    one: NDArray[np.floating] | float, other: NDArray[np.floating] | float
) -> NDArray[np.float64]:
    """``one`` minus ``other`` the short way round, from -pi to below pi.

    Args:
        one: (...) radians, any turn.
        other: likewise.
    """
    turn = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    return np.asarray((turn + np.pi) % (2 * np.pi) - np.pi)


def mean_azimuth_rad(azimuth_rad: NDArray[np.floating]) -> float:
    """Direction of the sum of unit vectors, from -pi to pi.

    Args:
        azimuth_rad: (N,) any turn.

    Raises:
        ValueError: there is none, one is not finite, or they cancel and have no mean.
    """
    azimuth_rad = np.asarray(azimuth_rad, np.float64)
    if not azimuth_rad.size or not np.isfinite(azimuth_rad).all():
        raise ValueError(f"azimuths must be finite and one at least, got {azimuth_rad}")
    mean = np.exp(1j * azimuth_rad).mean()
    if abs(mean) < 1e-9:
        raise ValueError(f"{azimuth_rad.size} azimuths cancel: they have no mean")
    return float(np.angle(mean))
