"""Where things stand in a room: on grids, in lines along a wall."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from mmwave.simulation import furniture_halls, meshes
from mmwave.simulation.floor_plan import Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.scene import Scene
from mmwave.simulation.styles._entries import INTO_ROOM_RAD

_TOUCHING_M = -0.002  # neighbours of a line may touch


def pieces(start_m: float, end_m: float, most_m: float) -> list[tuple[float, float]]:
    """Cut a length into equal pieces (start, end) of at most a size."""
    count = int(np.ceil((end_m - start_m) / most_m))
    return list(pairwise(np.linspace(start_m, end_m, count + 1).tolist()))


def grid_points(
    low_m: ArrayLike, high_m: ArrayLike, pitch_m: tuple[float, float]
) -> list[tuple[float, float]]:
    """Points (x, y) of a grid about the middle of a rectangle, x varying slowest.

    Args:
        low_m: (2,) corner.
        high_m: (2,) opposite corner.
        pitch_m: distance of the points along x and y; none where the rectangle is narrower.
    """
    low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
    axes = []
    for start, end, pitch in zip(low, high, pitch_m, strict=True):
        count = max(0, int((end - start) / pitch + 1e-9))
        axes.append((start + end) / 2 + pitch * (np.arange(count) - (count - 1) / 2))
    return [(float(x), float(y)) for x in axes[0] for y in axes[1]]


def place_rows(
    room: Room,
    furnisher: Furnisher,
    low_m: ArrayLike,
    high_m: ArrayLike,
    unit: Callable[[], Scene],
    aisle_m: float,
    *,
    along: int = 1,
) -> int:
    """Rows of units that touch, with aisles between the rows, wherever they fit.

    Args:
        room: they stand in here.
        furnisher: places them.
        low_m: (2,) corner of the ground for them.
        high_m: (2,) opposite corner.
        unit: makes one, its width along y; all of one size.
        aisle_m: between two rows.
        along: axis of the rows, 0 is x.

    Returns:
        How many were placed.
    """
    depth, width = np.ptp(unit().vertices_m[:, :2], axis=0)
    pitch, yaw = (width, depth + aisle_m), np.pi / 2
    if along == 1:
        pitch, yaw = pitch[::-1], 0.0
    points = grid_points(low_m, high_m, (float(pitch[0]), float(pitch[1])))
    return sum(
        furnisher.place(room, unit(), x, y, yaw, margin_m=_TOUCHING_M, wall_gap_m=0.05)
        for x, y in points
    )


def line_wall(
    room: Room,
    furnisher: Furnisher,
    unit: Callable[[], Scene],
    side: int,
    share: tuple[float, float] = (0.0, 1.0),
    *,
    most: int = 100,
    gap_m: float = 0.0,
) -> int:
    """A line of units with their backs (-x) at one wall of a room, wherever they fit.

    Args:
        room: they stand in here.
        furnisher: places them.
        unit: makes one, centred on y.
        side: of the room, 0..3 from lower x on counter-clockwise.
        share: part of the wall from 0 to 1.
        most: how many at most.
        gap_m: between neighbours.

    Returns:
        How many were placed.
    """
    low, high = furnisher.inner_m(room)
    axis = 1 - side % 2
    at, end = (low[axis] + np.array(share) * (high[axis] - low[axis])).tolist()
    at += 0.02
    placed, scene = 0, unit()
    while placed < most:
        width = float(np.ptp(scene.vertices_m[:, 1]))
        if at + width > end:
            break
        place = np.zeros(2)
        place[axis] = at + width / 2
        back = 0.02 - float(scene.vertices_m[:, 0].min())
        place[1 - axis] = low[1 - axis] + back if side < 2 else high[1 - axis] - back
        there = (float(place[0]), float(place[1]), INTO_ROOM_RAD[side])
        if furnisher.place(room, scene, *there, margin_m=_TOUCHING_M, wall_gap_m=0.0):
            placed += 1
            at += width + gap_m
            scene = unit()
        else:
            at += 0.1
    return placed


def hang_lamps(room: Room, furnisher: Furnisher, height_m: float, spacing_m: float = 3.0) -> None:
    """Round lamps on cables over a grid in the room, their lower edges at a height."""
    lamp = furniture_halls.hanging_lamp(furnisher.plan.ceiling_m, height_m)
    for x, y in grid_points(room.low_m, room.high_m, (spacing_m, spacing_m)):
        furnisher.add(meshes.moved(lamp, (x, y, 0.0)))


def hang_across(
    room: Room,
    furnisher: Furnisher,
    make: Callable[[float, float], Scene],
    *,
    along: int,
    spacing_m: float,
) -> None:
    """Beams or ducts under the ceiling from wall to wall, in pieces of at most 6 m.

    Args:
        room: the room.
        furnisher: places them.
        make: makes a piece from the ceiling's height and a length, along y.
        along: axis that they run along, 0 is x.
        spacing_m: between two of them.
    """
    low, high = furnisher.inner_m(room)
    piece = (high - low)[along] / len(pieces(low[along], high[along], 6.0)) - 0.004
    pitch = (spacing_m, piece) if along == 1 else (piece, spacing_m)
    scene, yaw = make(furnisher.plan.ceiling_m, piece), 0.0 if along == 1 else np.pi / 2
    for x, y in grid_points(low, high, pitch):
        furnisher.add(meshes.moved(scene, (x, y, 0.0), yaw))


def beside(
    where: tuple[float, float, float], forward_m: float, left_m: float
) -> tuple[float, float]:
    """A point (x, y) as seen from a thing at x (m), y (m), yaw (rad)."""
    x, y, yaw = where
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return (
        float(x + forward_m * cosine - left_m * sine),
        float(y + forward_m * sine + left_m * cosine),
    )
