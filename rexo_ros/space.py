"""The room that two radars look into: axes, boxes, and where they are on the heatmaps.

Axes of a room are Yataka et al. 2026's (section 4): horizontal to the right, vertical up, depth
away from the radars, whose phase centre is the origin. A box is (6,): centre and size along the
three, ``cx, cy, cz, w, h, d``. A heatmap has depth along its rows, the farthest first, and its own
lateral axis along its columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HORIZONTAL, VERTICAL, DEPTH = 0, 1, 2
LATERAL = {"horizontal": HORIZONTAL, "vertical": VERTICAL}
"""Lateral axis of a view by its name."""


@dataclass(frozen=True)
class Space:
    """What the heatmaps show, and how finely.

    Attributes:
        low_m: lowest horizontal, vertical and depth coordinate.
        high_m: highest likewise.
        rows: of a heatmap, along depth.
        columns: of a heatmap, along the view's lateral axis.
        views: names from :data:`LATERAL`, one or more.
        floor_m: vertical coordinate of the floor; of the data sets' it is not told, and a metre
            below the radars is a guess.

    Raises:
        ValueError: an extent is empty, a view unknown, or there is none.
    """

    low_m: tuple[float, float, float] = (-3.0, -1.5, 0.0)
    high_m: tuple[float, float, float] = (3.0, 1.5, 8.0)
    rows: int = 256
    columns: int = 128
    views: tuple[str, ...] = ("horizontal", "vertical")
    floor_m: float = -1.0

    def __post_init__(self) -> None:
        if len(self.low_m) != 3 or len(self.high_m) != 3:
            raise ValueError(f"low_m and high_m must have three numbers: {self.low_m}, "
                             f"{self.high_m}")  # fmt: skip
        for low, high in zip(self.low_m, self.high_m, strict=True):
            if not low < high:
                raise ValueError(f"low_m {self.low_m} must be below high_m {self.high_m}")
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"rows and columns must be positive: {self.rows}, {self.columns}")
        unknown = [name for name in self.views if name not in LATERAL]
        if unknown or not self.views:
            raise ValueError(f"views must be of {', '.join(LATERAL)}, got {self.views}")

    @property
    def extent_m(self) -> NDArray[np.float64]:
        """(3,) lengths of the room."""
        return np.asarray(self.high_m, np.float64) - self.low_m

    def seen_by(self, *views: str) -> "Space":
        """The same room for other views."""
        return Space(self.low_m, self.high_m, self.rows, self.columns, views, self.floor_m)

    def lateral_m(self, view: str) -> NDArray[np.float64]:
        """(column,) lateral coordinate of the columns' middles."""
        axis = LATERAL[view]
        part = (np.arange(self.columns) + 0.5) / self.columns
        return np.asarray(self.low_m[axis] + part * self.extent_m[axis])

    def depth_m(self) -> NDArray[np.float64]:
        """(row,) depth of the rows' middles, the farthest first."""
        part = (np.arange(self.rows) + 0.5) / self.rows
        return np.asarray(self.high_m[DEPTH] - part * self.extent_m[DEPTH])

    def to_unit(self, boxes_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 6) boxes in metres as shares of the room, centres from its low corner."""
        boxes = np.asarray(boxes_m, np.float64)
        centre = (boxes[..., :3] - self.low_m) / self.extent_m
        return np.concatenate([centre, boxes[..., 3:] / self.extent_m], axis=-1)

    def to_metres(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """The opposite of :meth:`to_unit`."""
        boxes = np.asarray(boxes, np.float64)
        centre = boxes[..., :3] * self.extent_m + self.low_m
        return np.concatenate([centre, boxes[..., 3:] * self.extent_m], axis=-1)

    def grounded(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 6) unit boxes with their lower face on the floor, the paper's equation (14)."""
        floor = (self.floor_m - self.low_m[VERTICAL]) / self.extent_m[VERTICAL]
        result = np.array(boxes, np.float64)
        result[..., VERTICAL] = floor + result[..., 3 + VERTICAL] / 2
        return result

    def on_view(self, boxes: NDArray[np.floating], view: str) -> NDArray[np.float64]:
        """Unit boxes on a heatmap, equation (4).

        Args:
            boxes: (..., 6).
            view: its name.

        Returns:
            (..., 4) left, top, right, bottom as shares of its columns and rows.
        """
        axis = LATERAL[view]
        across, half_across = boxes[..., axis], boxes[..., 3 + axis] / 2
        down, half_down = 1 - boxes[..., DEPTH], boxes[..., 3 + DEPTH] / 2
        edges = (across - half_across, down - half_down, across + half_across, down + half_down)
        return np.stack(edges, axis=-1)

    def of_cells(
        self, horizontal: NDArray[np.floating], vertical: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Boxes in space from those on both heatmaps; depth is the mean of both.

        Args:
            horizontal: (person, 4) left, top, right, bottom in columns and rows.
            vertical: (person, 4) likewise, columns going up.

        Returns:
            (person, 6) centre and size in metres.
        """
        share = np.array([self.columns, self.rows, self.columns, self.rows])
        level, upright = horizontal / share, vertical / share
        top, bottom = ((level[:, side] + upright[:, side]) / 2 for side in (1, 3))
        low = np.stack([level[:, 0], upright[:, 0], 1 - bottom], axis=-1)
        high = np.stack([level[:, 2], upright[:, 2], 1 - top], axis=-1)
        return self.to_metres(centre_and_size(np.concatenate([low, high], axis=-1)))


MMVR = Space((-1.0, -2.0, 0.0), (4.0, 3.0, 8.0))
"""Heatmaps of the MMVR data set."""

HIBER = Space((-5.0, -5.0, 0.0), (5.0, 5.0, 8.0), rows=160, columns=200)
"""Heatmaps of the HIBER data set: cells of 5 cm."""

SPACES = {"room": Space(), "mmvr": MMVR, "hiber": HIBER}


def low_and_high(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 6) lowest and highest corner of boxes given as centre and size."""
    half = np.asarray(boxes[..., 3:], np.float64) / 2
    return np.concatenate([boxes[..., :3] - half, boxes[..., :3] + half], axis=-1)


def centre_and_size(corners: NDArray[np.floating]) -> NDArray[np.float64]:
    """The opposite of :func:`low_and_high`."""
    low, high = np.asarray(corners[..., :3], np.float64), corners[..., 3:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def corners_m(boxes_m: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 8, 3) corners of boxes (..., 6)."""
    sign = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij"), axis=-1).reshape(8, 3)
    boxes = np.asarray(boxes_m, np.float64)
    return np.asarray(boxes[..., None, :3] + sign / 2 * boxes[..., None, 3:])
