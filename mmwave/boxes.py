"""Boxes: how much they overlap, on a plane, in space and on a panorama; and which of them stay."""

import numpy as np
from numpy.typing import NDArray


def box_overlap(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union of a box with others, edges along the axes, in any dimension.

    A box that ends before it begins is empty, and an empty box overlaps nothing.

    Args:
        box: (2 D,) its lowest corner, then its highest: left, top, right, bottom in an image;
            x, y, z, x, y, z in space. One unit for all.
        others: (N, 2 D) likewise.

    Returns:
        (N,) from 0 to 1.

    Raises:
        ValueError: the box is no pair of corners, or the others are of another dimension.
    """
    if box.ndim != 1 or not len(box) or len(box) % 2:
        raise ValueError(f"a box must be (2 D,), the lowest corner and the highest: {box.shape}")
    if others.ndim != 2 or others.shape[1] != len(box):
        raise ValueError(f"other boxes must be (N, {len(box)}), got {others.shape}")
    half = len(box) // 2
    low = np.maximum(box[:half], others[:, :half])
    high = np.minimum(box[half:], others[:, half:])
    common = np.prod(np.maximum(high - low, 0.0), axis=1, dtype=np.float64)
    size = np.prod(np.maximum(box[half:] - box[:half], 0.0), dtype=np.float64)
    sizes = np.prod(np.maximum(others[:, half:] - others[:, :half], 0.0), axis=1, dtype=np.float64)
    return _share(common, size, sizes)


def circular_overlap(
    box: NDArray[np.floating], others: NDArray[np.floating], columns: int
) -> NDArray[np.float64]:
    """Intersection over union of a box with others on a panorama.

    Edges lie between pixels. A box goes across the seam where its right edge is beyond the last
    column, or, wrapped, left of its left edge; it is as wide as the panorama at most.

    Args:
        box: (4,) left, top, right, bottom in columns and rows.
        others: (N, 4) likewise.
        columns: of the panorama.

    Returns:
        (N,) from 0 to 1.

    Raises:
        ValueError: ``columns`` is not positive.
    """
    if columns < 1:
        raise ValueError(f"columns must be positive, got {columns}")
    first, width = _arcs(box, columns)
    firsts, widths = _arcs(others, columns)
    shared = np.zeros(len(others))
    for shift in (-columns, 0, columns):  # where a box is seen that goes across the seam
        low = np.maximum(first, firsts + shift)
        high = np.minimum(first + width, firsts + widths + shift)
        shared += np.maximum(high - low, 0.0)
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    common = np.minimum(shared, np.minimum(width, widths)) * np.maximum(high, 0.0)
    area = width * np.maximum(box[3] - box[1], 0.0)
    areas = widths * np.maximum(others[:, 3] - others[:, 1], 0.0)
    return _share(common, area, areas)


def circular_nms(boxes: NDArray[np.floating], overlap: float, columns: int) -> list[int]:
    """Numbers of the boxes that stay where of two that overlap the later is dropped.

    Args:
        boxes: (N, 4) as for :func:`circular_overlap`, the best first.
        overlap: more of it and the later box goes.
        columns: of the panorama.
    """
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        best = int(left[0])
        kept.append(best)
        rest = left[1:]
        left = rest[circular_overlap(boxes[best], boxes[rest], columns) <= overlap]
    return kept


def _arcs(boxes: NDArray[np.floating], columns: int) -> tuple[NDArray, NDArray]:
    """First column, from 0 to below ``columns``, and width of boxes (..., 4)."""
    width = boxes[..., 2] - boxes[..., 0]
    width = np.minimum(np.where(width < 0, width % columns, width), columns)
    return boxes[..., 0] % columns, width


def _share(common: NDArray, size: np.floating, sizes: NDArray) -> NDArray[np.float64]:
    """Common part over the union of two sizes; 0 where both are empty."""
    union = size + sizes - common
    return np.asarray(common / np.where(union > 0, union, 1.0), np.float64)
