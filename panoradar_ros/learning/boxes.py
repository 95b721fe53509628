"""Boxes of the objects in a panorama, as its instances show them; they may go across the seam."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.scene import SemanticClass
from mmwave.simulation.truth import NO_INSTANCE
from panoradar_ros.learning.frames import Frame

OTHERS = (SemanticClass.CHAIR_TABLE, SemanticClass.TRASHCAN)
"""What counts as an object beside people: things that stand about."""

LEAST_PIXELS = 24


@dataclass(frozen=True)
class ObjectBox:
    """A box on the panorama, in columns and rows, edges between pixels.

    Attributes:
        kind: index into OBJECTS of the semantic network: 0 a person, 1 another object.
        left: first column, from 0.
        top: first row.
        right: behind the last column; more than the number of columns across the seam.
        bottom: behind the last row.
        instance: number of the object.
    """

    kind: int
    left: int
    top: int
    right: int
    bottom: int
    instance: int


def boxes_of(frame: Frame) -> list[ObjectBox]:
    """Boxes of people and things that show at least LEAST_PIXELS pixels.

    Args:
        frame: with labels and instances.
    """
    return [box for box, pixels in _every_box(frame) if pixels >= LEAST_PIXELS]


def small_boxes_of(frame: Frame) -> list[ObjectBox]:
    """Boxes of the others, which need not be found.

    Args:
        frame: with labels and instances.
    """
    return [box for box, pixels in _every_box(frame) if pixels < LEAST_PIXELS]


def object_pixels(frame: Frame) -> NDArray[np.bool_]:
    """(row, column) where people and things are, also those that no instance is known of."""
    return np.isin(frame.label, (SemanticClass.PERSON, *OTHERS)) & np.isfinite(frame.range)


def _every_box(frame: Frame) -> list[tuple[ObjectBox, int]]:
    """Boxes, and how many pixels show the object."""
    wanted = object_pixels(frame) & (frame.instance != NO_INSTANCE)
    numbers, counts = np.unique(frame.instance[wanted], return_counts=True)
    boxes = []
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        mask = wanted & (frame.instance == number)
        rows = np.flatnonzero(mask.any(axis=1))
        left, right = circular_extent(mask.any(axis=0))
        kind = int(frame.label[mask][0] != SemanticClass.PERSON)
        box = ObjectBox(kind, left, int(rows[0]), right, int(rows[-1]) + 1, number)
        boxes.append((box, count))
    return boxes


def circular_extent(columns: NDArray[np.bool_]) -> tuple[int, int]:
    """The shortest run of columns, going round, that holds all that are true.

    Args:
        columns: (column,); at least one is true.

    Returns:
        First column and the one behind the last, which is more than the number of columns where
        the run goes across the seam.

    Raises:
        ValueError: none is true.
    """
    there = np.flatnonzero(columns)
    if not len(there):
        raise ValueError("no column is true")
    count = len(columns)
    gaps = np.diff(np.append(there, there[0] + count))
    last = int(np.argmax(gaps))  # the run ends before the longest gap
    first = int(there[(last + 1) % len(there)])
    end = int(there[last]) + 1
    return first, end if end > first else end + count
