"""Where the walls of a room are solid and where one comes in.

Sides of a room are numbered as its walls: 0 at lower x, 1 at lower y, 2 at higher x, 3 at higher y.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall

INTO_ROOM_RAD = (0.0, np.pi / 2, np.pi, -np.pi / 2)
"""Yaw of a thing with its back at each side of a room."""


@dataclass(frozen=True)
class Entry:
    """An opening in a wall of a room, seen from inside.

    Attributes:
        wall: the wall.
        hole: the opening.
        inward: (2,) unit vector from the wall into the room.
    """

    wall: Wall
    hole: Opening
    inward: NDArray[np.float64]

    def point_m(self, inside_m: float = 0.0) -> NDArray[np.float64]:
        """(2,) point before the middle of the opening, at a distance from the wall's face."""
        reach = self.wall.thickness_m / 2 + inside_m
        return self.wall.point_m(self.hole.centre_m) + reach * self.inward


def entries(room: Room, plan: FloorPlan) -> Iterator[Entry]:
    """Every opening of a plan in the walls about a room, windows too."""
    for wall in plan.walls:
        for hole in wall.openings:
            inward = room.centre_m - wall.point_m(hole.centre_m)
            if np.all(np.abs(inward) <= room.size_m / 2 + 1e-6):
                yield Entry(wall, hole, np.sign(inward @ wall.left) * wall.left)


def solid_spans(
    room: Room, plan: FloorPlan, side: int, margin_m: float = 0.1
) -> list[tuple[float, float]]:
    """Pieces of wall at one side of a room without a door or passage.

    Args:
        room: the room.
        plan: its storey.
        side: 0..3.
        margin_m: kept from every door and from the room's corners.

    Returns:
        (start, end) along the side's axis (m), in order; windows count as solid.
    """
    axis = 1 - side % 2
    plane = (room.low_m if side < 2 else room.high_m)[1 - axis]
    spans = []
    for wall in plan.walls:
        along = abs(wall.direction[axis]) > 0.5
        if not along or abs(wall.start_m[1 - axis] - plane) > 1e-6:
            continue
        ends = sorted((wall.start_m[axis], wall.end_m[axis]))
        start = max(ends[0], room.low_m[axis] + 0.1) + margin_m
        end = min(ends[1], room.high_m[axis] - 0.1) - margin_m
        doors = sorted(
            float(wall.point_m(h.centre_m)[axis]) + s * (h.width_m / 2 + margin_m)
            for h in wall.openings
            if h.kind is not OpeningKind.WINDOW
            for s in (-1, 1)
        )
        edges = np.clip([start, *doors, end], start, max(start, end)).tolist()
        spans += [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    return spans
