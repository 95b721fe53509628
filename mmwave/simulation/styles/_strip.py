"""A strip of rooms behind one wall: what storeys with corridors, halls and flats are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from mmwave.simulation.floor_plan import Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._circulation import elevator_car, stair_room
from mmwave.simulation.styles._fronts import door_front

Furnish = Callable[[Room, Furnisher], None]

INNER_M = 0.14
"""Thickness of inner walls."""


class Front(Enum):
    """How one gets into a room of a strip."""

    DOOR = OpeningKind.DOOR
    DOUBLE_DOOR = OpeningKind.DOUBLE_DOOR
    GLASS = OpeningKind.GLASS_DOOR
    PASSAGE = OpeningKind.PASSAGE
    ELEVATOR = OpeningKind.ELEVATOR


@dataclass(frozen=True)
class Bay:
    """One room of a strip.

    Attributes:
        name: of the room; rooms with a doorway between them need different names.
        furnish: puts things into it.
        least_m: its width along the strip, between wall centre lines.
        front: what is in the wall before it; glass is a glass door with a pane beside it.
        door_m: clear width of the door or passage.
        open_share: chance that the door stands open; 1 puts it, open, near the bay's middle.
        door_from_m: middle of the door from the bay's start, or, negative, from its end; None
            lets it be drawn.
        floor: material of the floor.
        grows: it takes a share of the length that is left over.
        public: people may be in it.
    """

    name: str
    furnish: Furnish
    least_m: float
    front: Front = Front.DOOR
    door_m: float = 1.0
    open_share: float = 0.4
    door_from_m: float | None = None
    floor: str = "carpet"
    grows: bool = True
    public: bool = True


def elevator_bay(width_m: float = 2.2) -> Bay:
    """An elevator with its car."""
    return Bay(
        "elevator", elevator_car, width_m, Front.ELEVATOR, floor="metal", grows=False, public=False
    )


def stairs_bay(width_m: float = 3.0, *, grows: bool = False) -> Bay:
    """A stairwell, open to the front, at least so wide."""
    return Bay(
        "stairwell",
        stair_room,
        width_m,
        Front.PASSAGE,
        door_m=width_m - 0.5,
        floor="concrete",
        grows=grows,
    )


@dataclass(frozen=True)
class Line:
    """Where a strip lies.

    Attributes:
        axis: along which its rooms follow each other, 0 is x.
        start_m: its begin along that axis.
        end_m: its end along that axis.
        front_m: its front wall across that axis.
        back_m: its back across that axis; no wall is drawn there.
    """

    axis: int
    start_m: float
    end_m: float
    front_m: float
    back_m: float

    def point_m(self, along_m: float, across_m: float) -> tuple[float, float]:
        """(x, y) of a place along and across the strip."""
        return (along_m, across_m) if self.axis == 0 else (across_m, along_m)


@dataclass(frozen=True)
class Strip:
    """The rooms and walls of a strip.

    Attributes:
        rooms: one a bay, in order.
        walls: the front wall first, then the partitions between the bays.
        edges_m: (K + 1) where the bays begin and end along the strip's axis.
        blind: (K) bays that are no place for a window.
    """

    rooms: tuple[Room, ...]
    walls: tuple[Wall, ...]
    edges_m: tuple[float, ...]
    blind: tuple[bool, ...]


def draw_strip(
    generator: np.random.Generator,
    bays: Sequence[Bay],
    line: Line,
    material: str = "plaster",
    front_material: str | None = None,
) -> Strip:
    """Share a strip's length among its bays and draw the rooms and the walls between them.

    Args:
        generator: source of randomness.
        bays: in order along the axis.
        line: where they lie.
        material: of the walls.
        front_material: of the front wall, if another.

    Raises:
        ValueError: the strip is too short for its bays.
    """
    edges = _edges(generator, bays, line)
    to_the_left = (line.back_m > line.front_m) == (line.axis == 0)
    across = sorted((line.front_m, line.back_m))
    rooms, holes, walls = [], [], []
    for bay, (start, end) in zip(bays, pairwise(edges), strict=True):
        low, high = line.point_m(start, across[0]), line.point_m(end, across[1])
        rooms.append(Room(bay.name, low, high, bay.floor, bay.furnish, bay.public))
        span = (start - line.start_m, end - line.start_m)
        holes += _front(generator, bay, span, 1 if to_the_left else -1)
    ends = line.point_m(line.start_m, line.front_m), line.point_m(line.end_m, line.front_m)
    walls.append(Wall(*ends, INNER_M, tuple(holes), front_material or material))
    for edge in edges[1:-1]:
        ends = line.point_m(edge, across[0]), line.point_m(edge, across[1])
        walls.append(Wall(*ends, INNER_M, (), material))
    blind = tuple(bay.front is Front.ELEVATOR for bay in bays)
    return Strip(tuple(rooms), tuple(walls), tuple(edges), blind)


def _edges(generator: np.random.Generator, bays: Sequence[Bay], line: Line) -> list[float]:
    """Where bays begin and end; those that grow share what is left over."""
    least = np.array([bay.least_m for bay in bays])
    spare = line.end_m - line.start_m - least.sum()
    share = generator.uniform(0.5, 1.0, len(bays)) * [bay.grows for bay in bays]
    if spare < 0 or share.sum() == 0:
        raise ValueError(
            f"bays of {least.tolist()} m do not fill {line.end_m - line.start_m:.2f} m"
        )
    inner = line.start_m + np.cumsum(least + spare * share / share.sum())[:-1]
    return [line.start_m, *inner.tolist(), line.end_m]


def _front(
    generator: np.random.Generator, bay: Bay, span_m: tuple[float, float], side: int
) -> list[Opening]:
    start, end = span_m
    middle = (start + end) / 2
    if bay.front is Front.ELEVATOR:
        ajar = float(generator.choice([0.0, 0.0, 0.6, 1.0]))
        return [Opening(OpeningKind.ELEVATOR, middle, 1.1, 0.0, 2.1, swing_rad=ajar)]
    centre = None
    if bay.door_from_m is not None:
        centre = bay.door_from_m + (start if bay.door_from_m > 0 else end)
    if bay.front is Front.PASSAGE:
        return [Opening(OpeningKind.PASSAGE, centre or middle, bay.door_m, 0.0, 2.3)]
    return door_front(
        generator,
        bay.front.value,
        bay.door_m,
        span_m,
        side,
        must_open=bay.open_share >= 1,
        pane=bay.front is Front.GLASS,
        centre_m=centre,
        open_share=bay.open_share,
        widest_deg=112.0,
    )
