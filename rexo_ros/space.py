"""The room that two radars look into: axes, boxes, and where they are on the heatmaps.

Axes of a room are Yataka et al. 2026's (section 4): horizontal to the right, vertical up, depth
away from the radars, whose phase centre is the origin. A box is (6,): centre and size along the
three, ``cx, cy, cz, w, h, d``. A heatmap has depth along its rows, the farthest first, and its own
lateral axis along its columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

HORIZONTAL, VERTICAL, DEPTH = 0, 1, 2
LATERAL = {"horizontal": HORIZONTAL, "vertical": VERTICAL}
"""Lateral axis of a view by the beginning of its name: ``horizontal``, ``horizontal_right``."""

Numbers = TypeVar("Numbers", bound=Any)
"""Array or tensor."""


@dataclass(frozen=True)
class Mount:
    """Where the radar of a view stands in the room, and how it is turned.

    Attributes:
        right_m: of the origin.
        ahead_m: of the origin.
        turned_rad: to the right, about the upright axis.
    """

    right_m: float = 0.0
    ahead_m: float = 0.0
    turned_rad: float = 0.0

    def seen_from(
        self, right_m: Numbers, ahead_m: Numbers, width_m: Numbers, depth_m: Numbers
    ) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Boxes on the floor in the radar's own axes: middle to the right and ahead, and the width
        and depth that hold the turned box.

        Args:
            right_m: of the middles, in the room's axes.
            ahead_m: likewise.
            width_m: of the boxes, along the room's axes.
            depth_m: likewise.
        """
        cosine, sine = float(np.cos(self.turned_rad)), float(np.sin(self.turned_rad))
        right_m, ahead_m = right_m - self.right_m, ahead_m - self.ahead_m
        return (
            right_m * cosine - ahead_m * sine,
            right_m * sine + ahead_m * cosine,
            width_m * abs(cosine) + depth_m * abs(sine),
            width_m * abs(sine) + depth_m * abs(cosine),
        )


AT_ORIGIN = Mount()


def axis_name(view: str) -> str:
    """The name in :data:`LATERAL` that a view's begins with.

    Raises:
        ValueError: it begins with none.
    """
    name = view.split("_", maxsplit=1)[0]
    if name not in LATERAL:
        raise ValueError(f"views must be of {', '.join(LATERAL)}, got {view!r}")
    return name


@dataclass(frozen=True)
class Space:
    """What the heatmaps show, and how finely.

    Attributes:
        low_m: lowest horizontal, vertical and depth coordinate.
        high_m: highest likewise.
        rows: of a heatmap, along depth.
        columns: of a heatmap, along the view's lateral axis.
        views: one or more names that begin with one of :data:`LATERAL`; any other end tells them
            apart.
        mounts: of the views' radars; none: all at the origin.
        floor_m: vertical coordinate of the floor; of the data sets' it is not told, and a metre
            below the radars is a guess.

    Raises:
        ValueError: an extent is empty, a view unknown or there twice, there is none, or not one
            mount a view.
    """

    low_m: tuple[float, float, float] = (-3.0, -1.5, 0.0)
    high_m: tuple[float, float, float] = (3.0, 1.5, 8.0)
    rows: int = 256
    columns: int = 128
    views: tuple[str, ...] = ("horizontal", "vertical")
    floor_m: float = -1.0
    mounts: tuple[Mount, ...] = ()

    def __post_init__(self) -> None:
        if len(self.low_m) != 3 or len(self.high_m) != 3:
            raise ValueError(f"low_m and high_m must have three numbers: {self.low_m}, "
                             f"{self.high_m}")  # fmt: skip
        for low, high in zip(self.low_m, self.high_m, strict=True):
            if not low < high:
                raise ValueError(f"low_m {self.low_m} must be below high_m {self.high_m}")
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"rows and columns must be positive: {self.rows}, {self.columns}")
        for view in self.views:
            axis_name(view)
        if not self.views or len(set(self.views)) < len(self.views):
            raise ValueError(f"views must be one or more, each another, got {self.views}")
        if not self.mounts:
            object.__setattr__(self, "mounts", (AT_ORIGIN,) * len(self.views))
        if len(self.mounts) != len(self.views):
            raise ValueError(f"{len(self.views)} views have {len(self.mounts)} mounts")

    def __str__(self) -> str:
        """For people."""
        axes = zip(("right", "up", "ahead"), self.low_m, self.high_m, strict=True)
        reach = ", ".join(f"{low:g} to {high:g} m {name}" for name, low, high in axes)
        views = ", ".join(self.views)
        return f"{self.rows} x {self.columns} cells ({reach}; {views}; floor at {self.floor_m:g} m)"

    @property
    def extent_m(self) -> NDArray[np.float64]:
        """(3,) lengths of the room."""
        return np.asarray(self.high_m, np.float64) - self.low_m

    def seen_by(self, *views: str) -> "Space":
        """The same room for some of its views.

        Raises:
            ValueError: one is not of them.
        """
        missing = sorted(set(views) - set(self.views))
        if missing:
            raise ValueError(f"there is no {', '.join(missing)} view, only {self.views}")
        mounts = tuple(self.mount(view) for view in views)
        return replace(self, views=views, mounts=mounts)

    def mount(self, view: str) -> Mount:
        """Of a view's radar."""
        return self.mounts[self.views.index(view)]

    def lateral_m(self, view: str) -> NDArray[np.float64]:
        """(column,) lateral coordinate of the columns' middles."""
        axis = LATERAL[axis_name(view)]
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
        boxes = np.asarray(boxes, np.float64)
        parts = self.seen_parts([boxes[..., part] for part in range(6)], view)
        return np.stack(edges_on_view(parts, view), axis=-1)

    def seen_parts(self, parts: Sequence[Numbers], view: str) -> list[Numbers]:
        """Unit boxes in the axes of a view's radar.

        Args:
            parts: the six of the boxes.
            view: its name.
        """
        mount = self.mount(view)
        if mount == AT_ORIGIN:
            return list(parts)
        extent, result = self.extent_m.tolist(), list(parts)
        low_right, low_ahead = self.low_m[HORIZONTAL], self.low_m[DEPTH]
        right, ahead, width, depth = mount.seen_from(
            parts[HORIZONTAL] * extent[HORIZONTAL] + low_right,
            parts[DEPTH] * extent[DEPTH] + low_ahead,
            parts[3 + HORIZONTAL] * extent[HORIZONTAL],
            parts[3 + DEPTH] * extent[DEPTH],
        )
        result[HORIZONTAL] = (right - low_right) / extent[HORIZONTAL]
        result[DEPTH] = (ahead - low_ahead) / extent[DEPTH]
        result[3 + HORIZONTAL] = width / extent[HORIZONTAL]
        result[3 + DEPTH] = depth / extent[DEPTH]
        return result

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


def edges_on_view(parts: Sequence[Numbers], view: str) -> tuple[Numbers, ...]:
    """Left, top, right, bottom of unit boxes on a view's heatmap, from their six parts."""
    axis = LATERAL[axis_name(view)]
    across, half_across = parts[axis], parts[3 + axis] / 2
    down, half_down = 1 - parts[DEPTH], parts[3 + DEPTH] / 2
    return across - half_across, down - half_down, across + half_across, down + half_down


MMVR = Space((-1.0, -2.0, 0.0), (4.0, 3.0, 8.0))
"""Heatmaps of the MMVR data set."""

HIBER = Space((-5.0, -5.0, 0.0), (5.0, 5.0, 8.0), rows=160, columns=200)
"""Heatmaps of the HIBER data set: cells of 5 cm."""

THREE = Space(
    views=("horizontal", "vertical", "horizontal_right"),
    mounts=(AT_ORIGIN, AT_ORIGIN, Mount(0.7, 0.0, -0.35)),
)
"""A second level radar beside the two, 0.7 m to the right and turned to the left by 20 degrees."""

SPACES = {"room": Space(), "mmvr": MMVR, "hiber": HIBER, "three": THREE}


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
