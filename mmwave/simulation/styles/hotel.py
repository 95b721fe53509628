"""A hotel: a narrow corridor with a bend, small rooms with bathrooms, a breakfast room."""

import numpy as np

from mmwave.simulation import furniture, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._home import guest_room, split_off_bathroom
from mmwave.simulation.styles._layout import line_wall
from mmwave.simulation.styles._rooms import round_table_with_chairs
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import (
    INNER_M,
    Bay,
    Front,
    Line,
    Strip,
    draw_strip,
    elevator_bay,
    stairs_bay,
)

_ENTRANCE_M = 2.2
_DOOR_M = 1.1


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 21 x 13 m: a corridor of 1.5 to 1.8 m, L-shaped, between rooms of 3.6 to 4.3 m."""
    depth, wide = generator.uniform(5.5, 6.0), generator.uniform(1.65, 1.9)
    bend_x = generator.uniform(14.8, 16.4)
    end_x = bend_x + wide
    length, top = end_x + generator.uniform(4.2, 4.8), 2 * depth + wide
    low_y, high_y = depth, depth + wide
    guests = [_guest_bay(generator) for _ in range(8)]
    guests[int(generator.integers(8))] = _guest_bay(generator, open_share=1.0)
    linen = Bay("linen room", _linen_room, 1.4, door_m=0.8, open_share=0.0, floor="plastic")
    south = draw_strip(generator, [*guests[:4], linen], Line(0, 0.0, end_x, low_y, 0.0))
    north = draw_strip(generator, guests[4:], Line(0, 0.0, bend_x, high_y, top))
    breakfast = Bay(
        "breakfast room",
        _breakfast_room,
        high_y + 0.3,
        Front.GLASS if generator.random() < 0.5 else Front.DOOR,
        _DOOR_M,
        open_share=1.0,
        door_from_m=(low_y + high_y) / 2,
        grows=False,
    )
    core = [breakfast, elevator_bay(2.0), stairs_bay(2.5, grows=True)]
    east = draw_strip(generator, core, Line(1, 0.0, top, end_x, length))
    rooms = [
        Room("corridor", (0.0, low_y), (end_x, high_y), "carpet", _corridor),
        Room("corridor", (bend_x, high_y), (end_x, top), "carpet", _corridor),
        *east.rooms,
    ]
    walls = [*south.walls, *north.walls, *east.walls]
    walls.append(Wall((bend_x, high_y), (bend_x, top), INNER_M))
    for strip, bays, front in ((south, guests[:4], low_y), (north, guests[4:], high_y)):
        more_rooms, more_walls = _with_bathrooms(strip, bays, front)
        rooms += more_rooms
        walls += more_walls
    rooms.append(south.rooms[-1])
    sill = float(generator.choice([0.3, 0.85]))
    window = Opening(OpeningKind.WINDOW, (low_y + high_y) / 2, 1.0, 0.85, 2.1)
    end = Opening(OpeningKind.WINDOW, (bend_x + end_x) / 2, 1.0, 0.85, 2.1)
    walls += shell(
        length,
        top,
        str(generator.choice(["brick", "concrete"])),
        windows(generator, south.edges_m, [False] * 4 + [True], sill, 2.1),
        (*windows(generator, north.edges_m, sill_m=sill, top_m=2.1), end),
        (window,),
        windows(generator, east.edges_m, east.blind, sill, 2.1),
    )
    return FloorPlan(tuple(rooms), tuple(walls), generator.uniform(2.4, 2.55), people=3)


def _guest_bay(generator: np.random.Generator, open_share: float = 0.3) -> Bay:
    """A room whose door is near its begin or its end, where its passage will be."""
    from_m = _ENTRANCE_M / 2 * (1 if generator.random() < 0.5 else -1)
    return Bay("guest room", guest_room, 3.6, Front.DOOR, _DOOR_M, open_share, from_m)


def _with_bathrooms(
    strip: Strip, bays: list[Bay], front_y_m: float
) -> tuple[list[Room], list[Wall]]:
    rooms, walls = [], []
    for bay, room in zip(bays, strip.rooms, strict=False):
        first = bay.door_from_m is not None and bay.door_from_m > 0
        parts, partitions = split_off_bathroom(
            room, front_y_m, _ENTRANCE_M, guest_room, entrance_first=first
        )
        rooms += parts
        walls += partitions
    return rooms, walls


def _corridor(room: Room, furnisher: Furnisher) -> None:
    """Next to nothing: it is narrow. A bin, a linen cart, fire extinguishers."""
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture.trashcan(0.13, 0.6, "metal"))
    furnisher.place_along_walls(room, furniture.fire_extinguisher())
    if furnisher.generator.random() < 0.5:
        furnisher.place_along_walls(room, furniture_rooms.trolley())


def _linen_room(room: Room, furnisher: Furnisher) -> None:
    """Shelves and a trolley."""
    lamps(room, furnisher)
    line_wall(room, furnisher, lambda: furniture.shelf(1.2, 0.4), 2, (0.0, 0.75))
    furnisher.place_along_walls(room, furniture_rooms.trolley())


def _breakfast_room(room: Room, furnisher: Furnisher) -> None:
    """A buffet along a wall, round tables, a sofa, plants."""
    generator = furnisher.generator
    lamps(room, furnisher)
    line_wall(room, furnisher, lambda: furniture_rooms.kitchen_unit(0.9, upper=False), 1, most=4)
    furnisher.place_along_walls(room, furniture_rooms.cabinet())
    furnisher.place_along_walls(room, furniture.recycling_bins(2))
    for _ in range(9):
        x, y = generator.uniform(np.add(room.low_m, 0.9), np.subtract(room.high_m, 0.9))
        round_table_with_chairs(room, furnisher, float(x), float(y))
    furnisher.place_along_walls(room, furniture.sofa(1.5))
    furnisher.place_along_walls(room, furniture.plant(generator))
