"""Puts furniture into rooms without overlaps and without blocking doors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation import meshes
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.scene import Scene

_OVER_SILL_M = 0.5  # furniture before a window may stand this much above its sill
_Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1


def _overlap(a: _Rectangle, b: _Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class Furnisher:
    """Collects the objects of one building and hands out their instance numbers.

    Args:
        plan: the storey; room is kept free on both sides of its doors.
        generator: source of randomness for everything that is placed.
        first_instance: number of the first object.
    """

    def __init__(
        self, plan: FloorPlan, generator: np.random.Generator, first_instance: int = 1
    ) -> None:
        self.plan = plan
        self.generator = generator
        self.parts: list[Scene] = []
        self._next_instance = first_instance
        self._taken: list[_Rectangle] = []
        self._window_fronts: list[tuple[_Rectangle, float]] = []
        for wall in plan.walls:
            for hole in wall.openings:
                if hole.kind is OpeningKind.WINDOW:
                    front = _space(wall, hole, wall.thickness_m / 2 + 0.3, -0.05)
                    self._window_fronts.append((front, hole.sill_m + _OVER_SILL_M))
                else:
                    reach, beside = (1.5, 0.3) if hole.walkable else (0.9, 0.1)
                    self._taken.append(_space(wall, hole, reach, beside))

    def new_instance(self) -> int:
        """The next free object number."""
        self._next_instance += 1
        return self._next_instance - 1

    def add(self, scene: Scene) -> int:
        """Add an object where it is, whatever stands there; returns its number."""
        instance = self.new_instance()
        self.parts.append(meshes.with_instance(scene, instance))
        return instance

    def keep_free(self, low_m: NDArray[np.float64], high_m: NDArray[np.float64]) -> None:
        """Let nothing be placed in a rectangle from now on; corners (2,)."""
        self._taken.append((float(low_m[0]), float(low_m[1]), float(high_m[0]), float(high_m[1])))

    def inner_m(self, room: Room) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners (2,) of a room between the faces of its walls."""
        low, high = np.array(room.low_m, np.float64), np.array(room.high_m, np.float64)
        inner_low, inner_high = low.copy(), high.copy()
        for wall in self.plan.walls:
            axis = int(abs(wall.direction[0]) > 0.5)  # the wall's plane is at a constant x or y
            at, half = wall.start_m[axis], wall.thickness_m / 2
            span = sorted((wall.start_m[1 - axis], wall.end_m[1 - axis]))
            if span[1] < low[1 - axis] + 1e-6 or span[0] > high[1 - axis] - 1e-6:
                continue
            if abs(at - low[axis]) < 1e-6:
                inner_low[axis] = max(inner_low[axis], at + half)
            elif abs(at - high[axis]) < 1e-6:
                inner_high[axis] = min(inner_high[axis], at - half)
        return inner_low, inner_high

    def place(
        self,
        room: Room,
        scene: Scene,
        x_m: float,
        y_m: float,
        yaw_rad: float = 0.0,
        *,
        margin_m: float = 0.03,
        wall_gap_m: float = 0.02,
    ) -> bool:
        """Put an object into a room if it fits there.

        Args:
            room: it must lie inside.
            scene: the object about its own origin.
            x_m: where its origin goes.
            y_m: where its origin goes.
            yaw_rad: how it is turned.
            margin_m: distance that is kept from other objects' bounding rectangles.
            wall_gap_m: distance from the faces of the room's walls.

        Returns:
            Whether it was placed.
        """
        there = meshes.moved(scene, (x_m, y_m, 0.0), yaw_rad)
        low, high = there.vertices_m[:, :2].min(0), there.vertices_m[:, :2].max(0)
        room_low, room_high = self.inner_m(room)
        inside = np.all(low >= room_low + wall_gap_m) and np.all(high <= room_high - wall_gap_m)
        wide = (low[0] - margin_m, low[1] - margin_m, high[0] + margin_m, high[1] + margin_m)
        if not inside or any(_overlap(wide, other) for other in self._taken):
            return False
        tall = float(there.vertices_m[:, 2].max())
        if any(tall > limit and _overlap(wide, front) for front, limit in self._window_fronts):
            return False
        self._taken.append((float(low[0]), float(low[1]), float(high[0]), float(high[1])))
        self.add(there)
        return True

    def place_along_walls(
        self, room: Room, scene: Scene, *, attempts: int = 12, gap_m: float = 0.03
    ) -> tuple[float, float, float] | None:
        """Put an object with its back (-x side) against a random wall of a room, if it fits.

        Returns:
            x (m), y (m) and yaw (rad) of where it went, or None.
        """
        low, high = self.inner_m(room)
        offset = gap_m - float(scene.vertices_m[:, 0].min())
        for _ in range(attempts):
            side = int(self.generator.integers(4))
            share = self.generator.uniform(0.06, 0.94)
            along = low + share * (high - low)
            x, y, yaw = (
                (low[0] + offset, along[1], 0.0),
                (along[0], low[1] + offset, np.pi / 2),
                (high[0] - offset, along[1], np.pi),
                (along[0], high[1] - offset, -np.pi / 2),
            )[side]
            if self.place(room, scene, x, y, yaw, wall_gap_m=0.0):
                return float(x), float(y), yaw
        return None

    def place_with_seat(self, room: Room, desk: Scene, seat: Scene) -> bool:
        """Put a desk against a wall and a seat, pulled out a little, in front of it."""
        where = self.place_along_walls(room, desk)
        if where is None:
            return False
        x, y, yaw = where
        reach = float(desk.vertices_m[:, 0].max()) + self.generator.uniform(0.15, 0.4)
        sideways = self.generator.uniform(-0.2, 0.2)
        seat_x = x + reach * np.cos(yaw) - sideways * np.sin(yaw)
        seat_y = y + reach * np.sin(yaw) + sideways * np.cos(yaw)
        turned = yaw + np.pi + self.generator.normal(0, 0.4)
        return self.place(room, seat, seat_x, seat_y, turned, margin_m=-0.2)

    def place_anywhere(
        self, room: Room, scene: Scene, *, attempts: int = 12, margin_m: float = 0.25
    ) -> bool:
        """Put an object at a random place in a room, turned at random, if it fits."""
        for _ in range(attempts):
            x, y = self.generator.uniform(room.low_m, room.high_m)
            yaw = self.generator.uniform(-np.pi, np.pi)
            if self.place(room, scene, x, y, yaw, margin_m=margin_m, wall_gap_m=0.2):
                return True
        return False


def _space(wall: Wall, hole: Opening, reach_m: float, beside_m: float) -> _Rectangle:
    """Ground in front of and behind an opening, to a distance and wider by a margin."""
    centre = wall.point_m(hole.centre_m)
    half = np.where(np.abs(wall.left) > 0.5, reach_m, hole.width_m / 2 + beside_m)
    low, high = centre - half, centre + half
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
