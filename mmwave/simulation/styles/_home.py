"""Rooms that people live in: bedrooms, bathrooms, kitchens, living rooms, hotel rooms."""

import numpy as np

from mmwave.simulation import furniture, furniture_rooms
from mmwave.simulation.floor_plan import Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps, radiators
from mmwave.simulation.styles._layout import beside, line_wall
from mmwave.simulation.styles._rooms import clutter, table_with_chairs
from mmwave.simulation.styles._strip import INNER_M, Furnish


def _bed_with_nightstands(room: Room, furnisher: Furnisher, width_m: float) -> None:
    where = furnisher.place_along_walls(room, furniture_rooms.bed(width_m), attempts=40)
    if where is None:
        return
    for side in (-1, 1):
        x, y = beside(where, -0.8, side * (width_m / 2 + 0.3))
        furnisher.place(room, furniture_rooms.nightstand(), x, y, where[2])


def bedroom(room: Room, furnisher: Furnisher) -> None:
    """A bed with nightstands, a wardrobe, sometimes a desk, a small bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    _bed_with_nightstands(room, furnisher, float(generator.choice([0.95, 1.4, 1.6])))
    wardrobe = furniture.cupboard(generator.uniform(1.0, 1.8), 0.6, 2.1)
    furnisher.place_along_walls(room, wardrobe)
    desk = furniture.table(0.6, generator.uniform(0.9, 1.2), screens=int(generator.integers(2)))
    furnisher.place_with_seat(room, desk, furniture.chair())
    furnisher.place_along_walls(room, furniture.trashcan(0.13, 0.32))
    furnisher.place_along_walls(room, furniture_rooms.nightstand(0.9))


def guest_room(room: Room, furnisher: Furnisher) -> None:
    """The sleeping part of a hotel room: bed, desk with chair, armchair, television, bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    _bed_with_nightstands(room, furnisher, float(generator.choice([1.4, 1.6, 1.8])))
    desk = furniture.table(0.5, generator.uniform(1.0, 1.4), screens=1)
    furnisher.place_with_seat(room, desk, furniture.chair())
    furnisher.place_along_walls(room, furniture_rooms.armchair())
    furnisher.place_along_walls(room, furniture.trashcan(0.13, 0.32))


def entrance(room: Room, furnisher: Furnisher) -> None:
    """The passage between a hotel room's door and its bed: a narrow wardrobe, the way kept free."""
    lamps(room, furnisher)
    wardrobe = furniture.cupboard(0.9, 0.45, 2.1)
    furnisher.place_along_walls(room, wardrobe, attempts=20)
    furnisher.keep_free(np.subtract(room.low_m, (0.0, 0.7)), np.add(room.high_m, (0.0, 0.7)))


def bathroom(room: Room, furnisher: Furnisher) -> None:
    """A bathtub or a shower, toilet, washbasin and a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    bath = furniture_rooms.bathtub() if generator.random() < 0.5 else furniture_rooms.shower()
    for thing in (bath, furniture_rooms.toilet(), furniture_rooms.washbasin()):
        furnisher.place_along_walls(room, thing, attempts=40)
    furnisher.place_along_walls(room, furniture.trashcan(0.12, 0.3, "metal"))


def washroom(room: Room, furnisher: Furnisher) -> None:
    """A row of washbasins, toilets and bins."""
    lamps(room, furnisher)
    side = 0 if room.size_m[1] > room.size_m[0] else 1
    line_wall(room, furnisher, furniture_rooms.washbasin, side, (0.25, 1.0), most=3, gap_m=0.2)
    line_wall(room, furnisher, furniture_rooms.toilet, side + 2, (0.25, 1.0), most=3, gap_m=0.5)
    furnisher.place_along_walls(room, furniture.trashcan(0.18, 0.6, "metal"))


def kitchen(room: Room, furnisher: Furnisher) -> None:
    """Kitchen units along one or two walls, a refrigerator, a table with chairs, a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    first = int(generator.integers(2)) * 2
    upper = furniture_rooms.kitchen_unit
    line_wall(room, furnisher, furniture_rooms.cabinet, first, (0.3, 1.0), most=1)
    line_wall(room, furnisher, upper, first, (0.25, 1.0), most=5)
    if generator.random() < 0.5:
        line_wall(room, furnisher, upper, 2 - first, (0.4, 1.0), most=3)
    size = (0.7, generator.uniform(0.9, 1.2))
    for _ in range(8):
        x, y = room.centre_m + 0.5 * generator.uniform(-1, 1, 2)
        if table_with_chairs(room, furnisher, (float(x), float(y)), size):
            break
    furnisher.place_along_walls(room, furniture.trashcan(0.17, 0.5))


def living_room(room: Room, furnisher: Furnisher) -> None:
    """Sofa with a low table, armchair, television, dining table, shelf, plants."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    where = furnisher.place_along_walls(
        room, furniture.sofa(generator.uniform(1.7, 2.2)), attempts=40
    )
    if where is not None:
        low_table = furniture.table(0.55, 1.0, 0.42)
        furnisher.place(room, low_table, *beside(where, 0.95, 0.0), where[2])
    furnisher.place_along_walls(room, furniture_rooms.tv_board(generator.uniform(1.2, 1.8)))
    size = (0.85, generator.uniform(1.3, 1.7))
    for _ in range(12):
        x, y = generator.uniform(np.add(room.low_m, 1.2), np.subtract(room.high_m, 1.2))
        if table_with_chairs(
            room, furnisher, (x, y), size, float(generator.choice([0, np.pi / 2]))
        ):
            break
    furnisher.place_along_walls(room, furniture_rooms.armchair())
    furnisher.place_along_walls(room, furniture.shelf(generator.uniform(0.8, 1.2)))
    clutter(room, furnisher, int(generator.integers(1, 3)))


def split_off_bathroom(
    room: Room, front_y_m: float, entrance_m: float, furnish: Furnish, *, entrance_first: bool
) -> tuple[list[Room], list[Wall]]:
    """Cut a bathroom out of a room beside its door, which stays in a short passage.

    Args:
        room: between its walls; its door is in the wall at ``front_y_m``.
        front_y_m: y of that wall.
        entrance_m: width of the passage.
        furnish: of what is left of the room behind passage and bathroom.
        entrance_first: the passage is at lower x, the bathroom at higher x.

    Returns:
        Passage, rest of the room (both with the room's name) and bathroom; the bathroom's walls.
    """
    (x0, y0), (x1, y1) = room.low_m, room.high_m
    above = front_y_m < (y0 + y1) / 2
    depth = 2.0
    split_y = front_y_m + (depth if above else -depth)
    split_x = x0 + entrance_m if entrance_first else x1 - entrance_m
    low_y, high_y = sorted((front_y_m, split_y))
    passage, bath = ((x0, split_x), (split_x, x1))[:: 1 if entrance_first else -1]
    rest = (split_y, y1) if above else (y0, split_y)
    rooms = [
        Room(room.name, (passage[0], low_y), (passage[1], high_y), room.floor, entrance),
        Room(room.name, (x0, rest[0]), (x1, rest[1]), room.floor, furnish),
        Room("bathroom", (bath[0], low_y), (bath[1], high_y), "concrete", bathroom),
    ]
    corner = INNER_M / 2
    ends = (low_y, high_y + corner) if above else (low_y - corner, high_y)
    door_y = (low_y + high_y) / 2 - ends[0]
    door = Opening(OpeningKind.DOOR, door_y, 0.8, 0.0, 2.0)
    walls = [
        Wall((split_x, ends[0]), (split_x, ends[1]), INNER_M, (door,)),
        Wall((bath[0], split_y), (bath[1], split_y), INNER_M),
    ]
    return rooms, walls
