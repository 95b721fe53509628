"""Storeys with a straight corridor and rooms on both sides, shared by several styles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from mmwave.simulation.floor_plan import (
    FloorPlan,
    Opening,
    OpeningKind,
    Room,
    Wall,
    split_length,
)
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._circulation import corridor, elevator_car, stairwell
from mmwave.simulation.styles._fronts import door_front
from mmwave.simulation.styles._shell import shell, windows

Furnish = Callable[[Room, Furnisher], None]

_INNER_M = 0.14
_ELEVATOR_WIDTH_M, _STAIRS_WIDTH_M = 2.3, 3.0


@dataclass(frozen=True)
class CorridorPlan:
    """What tells one corridor storey from another.

    Attributes:
        length_m: along the corridor (x).
        corridor_width_m: across it (y).
        depths_m: of the rooms on the lower and on the upper side.
        room_width_m: least and greatest room width.
        ceiling_m: height.
        rooms: furnishings to choose from.
        furnish_corridor: furnishing of the corridor.
        floor: material of the rooms' floor.
        corridor_floor: material of the corridor's floor.
        material: of the inner walls.
        door_width_m: of single doors.
        double_doors: share of double doors.
        glass: share of rooms with a glass front.
        people: how many.
    """

    length_m: float
    corridor_width_m: float
    depths_m: tuple[float, float]
    room_width_m: tuple[float, float]
    ceiling_m: float
    rooms: tuple[Furnish, ...]
    furnish_corridor: Furnish = corridor
    floor: str = "carpet"
    corridor_floor: str = "plastic"
    material: str = "plaster"
    door_width_m: float = 1.05
    double_doors: float = 0.0
    glass: float = 0.3
    people: int = 3


def draw_corridor(generator: np.random.Generator, wanted: CorridorPlan) -> FloorPlan:
    """Draw a corridor storey; stairwell and elevator lie on its upper side.

    Args:
        generator: source of randomness.
        wanted: sizes and furnishings.

    Returns:
        Rooms and walls; at least one door into a room stands open.
    """
    length, material = wanted.length_m, wanted.material
    low_y = wanted.depths_m[0]
    high_y = low_y + wanted.corridor_width_m
    top = high_y + wanted.depths_m[1]
    lower = split_length(generator, length, *wanted.room_width_m).tolist()
    upper, upper_kinds = _upper_bays(generator, wanted)
    uses = cycle(generator.permutation(len(wanted.rooms)).tolist())
    lower_kinds = ["room"] * (len(lower) - 1)
    lower_kinds[int(generator.integers(len(lower_kinds)))] = "open room"
    low_rooms, low_holes = _strip(generator, wanted, uses, lower, lower_kinds, (0.0, low_y), -1)
    high_rooms, high_holes = _strip(generator, wanted, uses, upper, upper_kinds, (high_y, top), 1)
    corridor_room = Room(
        "corridor", (0.0, low_y), (length, high_y), wanted.corridor_floor, wanted.furnish_corridor
    )
    walls = [
        *_outer_walls(generator, wanted, lower, upper, upper_kinds),
        Wall((0.0, low_y), (length, low_y), _INNER_M, tuple(low_holes), material),
        Wall((0.0, high_y), (length, high_y), _INNER_M, tuple(high_holes), material),
        *(Wall((x, 0.0), (x, low_y), _INNER_M, (), material) for x in lower[1:-1]),
        *(Wall((x, high_y), (x, top), _INNER_M, (), material) for x in upper[1:-1]),
    ]
    rooms = (corridor_room, *low_rooms, *high_rooms)
    return FloorPlan(rooms, tuple(walls), wanted.ceiling_m, wanted.people)


def _upper_bays(
    generator: np.random.Generator, wanted: CorridorPlan
) -> tuple[list[float], list[str]]:
    """Edges and uses of the bays of the upper side: rooms, one elevator, one stairwell."""
    core_m = _ELEVATOR_WIDTH_M + _STAIRS_WIDTH_M
    edges = split_length(generator, wanted.length_m - core_m, *wanted.room_width_m)
    widths = np.diff(edges).tolist()
    kinds = ["room"] * len(widths)
    at = int(generator.integers(len(widths) + 1))
    widths[at:at] = [_ELEVATOR_WIDTH_M, _STAIRS_WIDTH_M]
    kinds[at:at] = ["elevator", "stairs"]
    return [0.0, *np.cumsum(widths)[:-1].tolist(), wanted.length_m], kinds


def _strip(
    generator: np.random.Generator,
    wanted: CorridorPlan,
    uses: Iterator[int],
    edges: list[float],
    kinds: list[str],
    span_y: tuple[float, float],
    side: int,
) -> tuple[list[Room], list[Opening]]:
    """Rooms of one side of the corridor and the openings of the wall between."""
    rooms: list[Room] = []
    holes: list[Opening] = []
    for kind, x0, x1 in zip(kinds, edges[:-1], edges[1:], strict=True):
        low, high, middle = (x0, span_y[0]), (x1, span_y[1]), (x0 + x1) / 2
        if kind == "elevator":
            ajar = float(generator.choice([0.0, 0.0, 0.6, 1.0]))
            rooms.append(Room("elevator", low, high, "metal", elevator_car, public=False))
            holes.append(Opening(OpeningKind.ELEVATOR, middle, 1.1, 0.0, 2.1, swing_rad=ajar))
        elif kind == "stairs":
            width = _STAIRS_WIDTH_M - 0.5
            rooms.append(Room("stairwell", low, high, "concrete", stairwell))
            holes.append(Opening(OpeningKind.PASSAGE, middle, width, 0.0, 2.3))
        else:
            furnish = wanted.rooms[next(uses)]
            name = furnish.__name__.replace("_", " ")
            rooms.append(Room(name, low, high, wanted.floor, furnish))
            holes += _front(generator, wanted, x0, x1, side, must_open=kind == "open room")
    return rooms, holes


def _front(
    generator: np.random.Generator,
    wanted: CorridorPlan,
    x0: float,
    x1: float,
    side: int,
    *,
    must_open: bool,
) -> list[Opening]:
    """Door, and sometimes a glass front, between a room and the corridor.

    ``side`` is +1 where the room lies to the left of the wall's direction, else -1.
    """
    glazed = generator.random() < wanted.glass
    width, kind = wanted.door_width_m, OpeningKind.DOOR
    if generator.random() < wanted.double_doors:
        width, kind = 1.6, OpeningKind.DOUBLE_DOOR
    elif glazed:
        kind = OpeningKind.GLASS_DOOR
    return door_front(generator, kind, width, (x0, x1), side, must_open=must_open, pane=glazed)


def _outer_walls(
    generator: np.random.Generator,
    wanted: CorridorPlan,
    lower: list[float],
    upper: list[float],
    kinds: list[str],
) -> list[Wall]:
    """Four walls about the storey; the corridor ends at a glass door and at a window."""
    middle = wanted.depths_m[0] + wanted.corridor_width_m / 2
    door = Opening(OpeningKind.GLASS_DOOR, middle, 1.1, 0.0, 2.1)
    window = Opening(OpeningKind.WINDOW, middle, 1.4, 0.85, 2.2)
    ends = [(door,), (window,)]
    if generator.random() < 0.5:
        ends.reverse()
    return shell(
        wanted.length_m,
        sum(wanted.depths_m) + wanted.corridor_width_m,
        str(generator.choice(["concrete", "brick", "plaster"])),
        windows(generator, lower),
        windows(generator, upper, [kind == "elevator" for kind in kinds]),
        *ends,
    )
