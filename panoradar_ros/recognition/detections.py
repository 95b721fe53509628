"""Boxes of people and things on the panorama, from the cells of the second network (NumPy)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import circular_nms, circular_overlap

OBJECTS = ("person", "other")

PUBLISHED_SCORE = 0.4
"""Weaker detections are not published unless asked for."""

VOTING_OVERLAP = 0.65
"""Boxes of other cells that overlap by more say where the edges of a box are."""

NEAR_M = 0.6
"""Pixels of a box so much farther than its nearest quarter are behind the object."""

PERSON_QUANTILE = 0.25
"""Of the ranges in a person's box: where they stand (Lai et al. 2024, section 8)."""


@dataclass(frozen=True)
class Detection:
    """A box on the panorama, in columns and rows, edges between pixels.

    Attributes:
        kind: index into OBJECTS.
        score: probability, 0 to 1.
        left: from 0 to below the number of columns.
        top: upper edge.
        right: more than the number of columns where the box goes across the seam.
        bottom: lower edge.
    """

    kind: int
    score: float
    left: float
    top: float
    right: float
    bottom: float


def decode_cells(
    objects: NDArray[np.floating],
    edges: NDArray[np.floating],
    least_score: float = 0.1,
    overlap: float = 0.4,
    most: int = 100,
) -> list[Detection]:
    """The boxes that the cells speak for, the best first.

    A box that stays is the mean of all that overlap it by more than :data:`VOTING_OVERLAP`,
    weighed by score and overlap (Gidaris and Komodakis 2015, section 3.4).

    Args:
        objects: (kind, cell row, cell column) logarithm of the odds.
        edges: (4, cell row, cell column) rays to the left, upper, right and lower edge.
        least_score: weaker cells have no say.
        overlap: of two boxes of a kind that overlap more, the weaker one is dropped.
        most: boxes of all kinds together.
    """
    cell_rows, cell_columns = objects.shape[1:]
    columns = 2 * cell_columns
    score = 1 / (1 + np.exp(-objects.astype(np.float64)))
    found: list[Detection] = []
    for kind in range(len(objects)):
        row, column = np.nonzero(score[kind] >= least_score)
        strength = score[kind, row, column]
        order = np.argsort(-strength, kind="stable")[:1000]
        row, column, strength = row[order], column[order], strength[order]
        left, top, right, bottom = edges[:, row, column].astype(np.float64)
        width = np.minimum(left + right, columns)
        first = (2 * column + 1 - left) % columns
        boxes = np.stack(
            [
                first,
                np.clip(2 * row + 1 - top, 0, 2 * cell_rows),
                first + width,
                np.clip(2 * row + 1 + bottom, 0, 2 * cell_rows),
            ],
            axis=-1,
        )
        for index in circular_nms(boxes, overlap, columns):
            box = _mean_of_near(boxes[index], boxes, strength, columns)
            found.append(Detection(kind, float(strength[index]), *map(float, box)))
    return sorted(found, key=lambda one: -one.score)[:most]


def _mean_of_near(
    box: NDArray[np.float64],
    boxes: NDArray[np.float64],
    strength: NDArray[np.float64],
    columns: int,
) -> NDArray[np.float64]:
    """(4,) mean of the boxes (N, 4) that are nearly this one."""
    overlap = circular_overlap(box, boxes, columns)
    near = overlap > VOTING_OVERLAP
    if not near.any():  # a box without area
        return box
    turned = boxes[near].copy()
    turned[:, [0, 2]] += columns * np.round((box[0] - turned[:, :1]) / columns)
    left, top, right, bottom = np.average(turned, axis=0, weights=strength[near] * overlap[near])
    return np.array([left % columns, top, left % columns + right - left, bottom])


def ranges_in(detection: Detection, range_m: NDArray[np.floating]) -> NDArray[np.floating]:
    """The ranges in a box that are there, (N,) metres.

    Args:
        detection: box on the panorama.
        range_m: (row, column); inf or NaN: none.
    """
    rows, inside = _pixels(detection, range_m.shape[1])
    ranges = range_m[rows][:, inside]
    return ranges[np.isfinite(ranges)]


def _pixels(detection: Detection, columns: int) -> tuple[slice, NDArray[np.int64]]:
    """Rows and columns that a box touches."""
    inside = np.arange(int(np.floor(detection.left)), int(np.ceil(detection.right))) % columns
    return slice(int(np.floor(detection.top)), int(np.ceil(detection.bottom))), inside


def person_position_m(
    detection: Detection, range_m: NDArray[np.floating]
) -> tuple[float, float] | None:
    """Where a person stands: range and azimuth.

    Args:
        detection: of a person.
        range_m: (row, column).

    Returns:
        The 25 % quantile of the ranges in the box, in metres, and the azimuth of its middle, in
        radians counter-clockwise from straight ahead, -pi to pi; None without a range in the box.
    """
    ranges = ranges_in(detection, range_m)
    if not ranges.size:
        return None
    columns = range_m.shape[1]
    middle = (detection.left + detection.right) / 2 - 0.5
    azimuth = np.angle(np.exp(-2j * np.pi * middle / columns))
    return float(np.quantile(ranges, PERSON_QUANTILE)), float(azimuth)


def extent_m(
    detection: Detection, range_m: NDArray[np.floating], points_m: NDArray[np.floating]
) -> NDArray[np.float64] | None:
    """Where an object is in space, from the pixels of its box that are not behind it.

    Args:
        detection: box on the panorama.
        range_m: (row, column).
        points_m: (row, column, 3) of the same rays.

    Returns:
        (2, 3) lowest and highest coordinates but for 2 % on each side; pixels more than NEAR_M
        behind the nearest quarter do not count. None without a range in the box.
    """
    rows, inside = _pixels(detection, range_m.shape[1])
    ranges = range_m[rows][:, inside]
    there = np.isfinite(ranges)
    if not there.any():
        return None
    near = there & (ranges < np.quantile(ranges[there], PERSON_QUANTILE) + NEAR_M)
    return np.quantile(points_m[rows][:, inside][near], (0.02, 0.98), axis=0)
