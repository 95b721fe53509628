"""A building on paper: rooms, walls and the openings in them, all parallel to the axes.

A style (``mmwave/simulation/styles``) draws a :class:`FloorPlan`; ``walls.py`` turns it into
triangles and ``building.py`` furnishes and peoples it. Rooms are given between the centre lines of
their walls, so that they tile the building without gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mmwave.simulation.furnishing import Furnisher


class OpeningKind(Enum):
    """What fills a hole in a wall."""

    PASSAGE = "passage"
    DOOR = "door"
    DOUBLE_DOOR = "double door"
    GLASS_DOOR = "glass door"
    WINDOW = "window"
    ELEVATOR = "elevator"


@dataclass(frozen=True)
class Opening:
    """A hole in a wall and what fills it.

    Attributes:
        kind: what fills it.
        centre_m: its middle, along the wall from the wall's start.
        width_m: clear width.
        sill_m: lower edge above the floor.
        top_m: upper edge above the floor.
        swing_rad: how far the leaf stands open, 0 is closed; positive to the left of the wall's
            direction. For an elevator the share of the width that is open, 0..1.
        hinge_at_end: the hinge is on the side of the wall's end.

    Raises:
        ValueError: no width or no height.
    """

    kind: OpeningKind
    centre_m: float
    width_m: float
    sill_m: float = 0.0
    top_m: float = 2.05
    swing_rad: float = 0.0
    hinge_at_end: bool = False

    def __post_init__(self) -> None:
        if not (self.width_m > 0 and 0 <= self.sill_m < self.top_m):
            raise ValueError(
                f"{self.kind.value}: width {self.width_m} m, sill {self.sill_m} m and top "
                f"{self.top_m} m leave no hole"
            )

    @property
    def low_m(self) -> float:
        """Where the hole begins along the wall."""
        return self.centre_m - self.width_m / 2

    @property
    def high_m(self) -> float:
        """Where the hole ends along the wall."""
        return self.centre_m + self.width_m / 2

    @property
    def walkable(self) -> bool:
        """A robot can drive through."""
        if self.sill_m > 0 or self.kind is OpeningKind.ELEVATOR:
            return False
        return self.kind is OpeningKind.PASSAGE or abs(self.swing_rad) > np.deg2rad(60)


@dataclass(frozen=True)
class Wall:
    """A straight wall from ``start_m`` to ``end_m`` (centre line), with thickness and openings.

    Attributes:
        start_m: (x, y).
        end_m: (x, y); the wall is parallel to an axis.
        thickness_m: across.
        openings: holes, apart from each other and inside the wall.
        material: of its surfaces.

    Raises:
        ValueError: not parallel to an axis, or openings that overlap or stick out.
    """

    start_m: tuple[float, float]
    end_m: tuple[float, float]
    thickness_m: float = 0.14
    openings: tuple[Opening, ...] = ()
    material: str = "plaster"

    def __post_init__(self) -> None:
        span = np.abs(np.subtract(self.end_m, self.start_m))
        if not (span.min() == 0 and span.max() > 0):
            raise ValueError(f"wall {self.start_m} to {self.end_m} is not parallel to one axis")
        edges = [e for o in self.sorted_openings for e in (o.low_m, o.high_m)]
        if np.any(np.diff([0.0, *edges, self.length_m]) <= 0):
            raise ValueError(
                f"wall {self.start_m} to {self.end_m}: openings {edges} overlap or stick out"
            )

    @property
    def length_m(self) -> float:
        """Length along the centre line."""
        return float(np.hypot(*np.subtract(self.end_m, self.start_m)))

    @property
    def direction(self) -> NDArray[np.float64]:
        """(2,) unit vector from start to end."""
        return np.subtract(self.end_m, self.start_m) / self.length_m

    @property
    def left(self) -> NDArray[np.float64]:
        """(2,) unit vector to the left of the wall's direction."""
        along = self.direction
        return np.array([-along[1], along[0]])

    @property
    def sorted_openings(self) -> list[Opening]:
        """Openings in order from the start."""
        return sorted(self.openings, key=lambda opening: opening.centre_m)

    def point_m(self, along_m: float) -> NDArray[np.float64]:
        """(2,) point on the centre line."""
        return np.asarray(self.start_m) + along_m * self.direction


def _leave_empty(room: Room, furnisher: Furnisher) -> None:
    """A room without furniture."""


@dataclass(frozen=True)
class Room:
    """A rectangle of floor between wall centre lines.

    Attributes:
        name: what it is for.
        low_m: (x, y) of the lower corner.
        high_m: (x, y) of the upper corner.
        floor: material of its floor.
        furnish: puts things into it.
        public: people may be in it.

    Raises:
        ValueError: the corners are swapped.
    """

    name: str
    low_m: tuple[float, float]
    high_m: tuple[float, float]
    floor: str = "carpet"
    furnish: Callable[[Room, Furnisher], None] = field(default=_leave_empty, compare=False)
    public: bool = True

    def __post_init__(self) -> None:
        if not np.all(np.less(self.low_m, self.high_m)):
            raise ValueError(f"{self.name}: low {self.low_m} must be below high {self.high_m}")

    @property
    def size_m(self) -> NDArray[np.float64]:
        """(2,) extent."""
        return np.subtract(self.high_m, self.low_m)

    @property
    def centre_m(self) -> NDArray[np.float64]:
        """(2,) middle."""
        return np.add(self.high_m, self.low_m) / 2

    @property
    def area_m2(self) -> float:
        """Floor area."""
        return float(np.prod(self.size_m))


@dataclass(frozen=True)
class FloorPlan:
    """One storey of a building.

    Attributes:
        rooms: they tile the storey.
        walls: around and between the rooms.
        ceiling_m: height of the ceiling.
        people: how many people to put in.

    Raises:
        ValueError: no rooms, or a ceiling that doors do not fit under.
    """

    rooms: tuple[Room, ...]
    walls: tuple[Wall, ...]
    ceiling_m: float = 2.8
    people: int = 3

    def __post_init__(self) -> None:
        if not self.rooms:
            raise ValueError("a floor plan needs at least one room")
        tops = [o.top_m for wall in self.walls for o in wall.openings]
        if max(tops, default=0.0) >= self.ceiling_m:
            raise ValueError(
                f"ceiling_m = {self.ceiling_m} is not above every opening ({max(tops)} m)"
            )

    @property
    def low_m(self) -> NDArray[np.float64]:
        """(2,) lower corner of the storey."""
        return np.min([room.low_m for room in self.rooms], axis=0)

    @property
    def high_m(self) -> NDArray[np.float64]:
        """(2,) upper corner of the storey."""
        return np.max([room.high_m for room in self.rooms], axis=0)


def split_length(
    generator: np.random.Generator, length_m: float, low_m: float, high_m: float
) -> NDArray[np.float64]:
    """Cut a length into random pieces, each between two sizes where that is possible.

    Args:
        generator: source of randomness.
        length_m: what to cut.
        low_m: smallest piece.
        high_m: largest piece.

    Returns:
        (K + 1,) rising edges from 0 to ``length_m``.
    """
    fewest = max(1, int(np.ceil(length_m / high_m)))
    most = max(fewest, int(np.floor(length_m / low_m)))
    count = int(generator.integers(fewest, most + 1))
    spare = length_m - count * low_m
    if spare <= 0:
        return np.linspace(0.0, length_m, count + 1)
    share = generator.uniform(0.5, 1.0, count)
    pieces = low_m + spare * share / share.sum()
    return np.concatenate([[0.0], np.cumsum(pieces)[:-1], [length_m]])
