"""A restaurant: a low hall full of tables, a bar, the kitchen behind a hatch."""

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._home import washroom
from mmwave.simulation.styles._layout import grid_points, hang_lamps, line_wall
from mmwave.simulation.styles._rooms import (
    meeting_room,
    round_table_with_chairs,
    table_with_chairs,
)
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay, stairs_bay

_HATCH_M = 2.2


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 20 x 13.5 m, ceiling 2.8 to 3.2 m: a dining hall of 20 x 8.5 m, kitchen of 7 x 5 m."""
    length, hall_y = generator.uniform(19.0, 21.5), generator.uniform(8.0, 9.2)
    depth = hall_y + generator.uniform(4.6, 5.2)
    bays = [
        Bay(
            "kitchen", _kitchen, 6.4, door_m=1.2, open_share=0.7, door_from_m=1.3, floor="concrete"
        ),
        Bay("washroom", washroom, 2.4, door_m=0.9, open_share=0.2, floor="concrete"),
        Bay("private room", meeting_room, 4.2, Front.GLASS, 1.1, open_share=1.0, floor="wood"),
        stairs_bay(2.7),
        elevator_bay(),
    ]
    order = generator.permutation(len(bays))
    strip = draw_strip(generator, [bays[i] for i in order], Line(0, 0.0, length, hall_y, depth))
    front = _with_hatch(strip.walls[0], strip.edges_m[int(np.flatnonzero(order == 0)[0])] + 3.9)
    sill = float(generator.choice([0.1, 0.85]))
    entrance = Opening(OpeningKind.GLASS_DOOR, hall_y / 2, 1.2, 0.0, 2.2)
    beside = Opening(OpeningKind.WINDOW, hall_y / 2 + 1.9, 1.8, 0.1, 2.2)
    walls = [
        front,
        *strip.walls[1:],
        *shell(
            length,
            depth,
            str(generator.choice(["brick", "plaster"])),
            windows(generator, np.linspace(0.0, length, 6), sill_m=sill, top_m=2.4),
            windows(generator, strip.edges_m, strip.blind, 0.95),
            (entrance, beside),
            windows(generator, np.linspace(0.0, hall_y, 3), sill_m=sill, top_m=2.4),
        ),
    ]
    floor = str(generator.choice(["wood", "concrete"]))
    rooms = (Room("dining hall", (0.0, 0.0), (length, hall_y), floor, _dining_hall), *strip.rooms)
    return FloorPlan(rooms, tuple(walls), generator.uniform(2.8, 3.2), people=4)


def _with_hatch(wall: Wall, centre_m: float) -> Wall:
    """The wall with an opening above a ledge, to hand dishes through."""
    hatch = Opening(OpeningKind.PASSAGE, centre_m, _HATCH_M, 1.0, 1.9)
    return Wall(wall.start_m, wall.end_m, wall.thickness_m, (*wall.openings, hatch), wall.material)


def _dining_hall(room: Room, furnisher: Furnisher) -> None:
    """A bar with stools, booths, tables of several kinds, dividers, bins, plants."""
    generator = furnisher.generator
    hang_lamps(room, furnisher, 2.1, 3.2)
    low, high = furnisher.inner_m(room)
    _bar(room, furnisher)
    side = 1 if generator.random() < 0.5 else 2
    booth = furniture_halls.booth
    line_wall(room, furnisher, booth, side, (0.05, 0.95), most=4, gap_m=0.02)
    size = (0.8, generator.uniform(1.2, 1.8))
    turned = float(generator.choice([0.0, np.pi / 2]))
    pitch = (2.3, 2.6) if turned == 0 else (2.8, 2.4)
    for k, (x, y) in enumerate(
        grid_points(np.add(low, (1.2, 0.5)), np.subtract(high, (0.6, 2.1)), pitch)
    ):
        if k % 5 == 4:
            round_table_with_chairs(room, furnisher, x, y)
        else:
            table_with_chairs(room, furnisher, (x, y), size, turned)
    for _ in range(4):
        divider = furniture_halls.rope_barrier(1.4)
        furnisher.place_anywhere(room, divider, margin_m=0.1)
    for _ in range(2):
        furnisher.place_along_walls(room, furniture.plant(generator))
        furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.65))
    furnisher.place_along_walls(room, furniture.recycling_bins(3))
    furnisher.place_along_walls(room, furniture.sofa(1.5))


def _bar(room: Room, furnisher: Furnisher) -> None:
    """Counters about 1.2 m before the wall of higher y, stools on the guests' side."""
    generator = furnisher.generator
    low, high = furnisher.inner_m(room)
    start = generator.uniform(low[0] + 1.5, high[0] - 6.5)
    for k in range(int(generator.integers(2, 4))):
        x, y = start + 1.6 * k, high[1] - 1.5
        bar = furniture_halls.counter(1.6, 0.6, 1.1)
        if furnisher.place(room, bar, x, y, -np.pi / 2, margin_m=-0.01):
            for shift in (-0.4, 0.4):
                seat = furniture_rooms.stool(0.75)
                furnisher.place(room, seat, x + shift, y - 0.65, margin_m=0.0)


def _kitchen(room: Room, furnisher: Furnisher) -> None:
    """A range under its hood, steel tables, refrigerators along a wall, shelves, bins."""
    generator = furnisher.generator
    lamps(room, furnisher)
    low, high = furnisher.inner_m(room)
    line_wall(room, furnisher, lambda: furniture_rooms.cabinet(0.75, 0.75, 2.0), 2, most=3)
    line_wall(room, furnisher, lambda: furniture_halls.steel_table(1.4), 3, (0.0, 0.9), most=4)
    block = furniture_halls.cooking_block(generator.uniform(1.6, 2.2))
    middle = (low + high) / 2
    furnisher.place(room, block, middle[0] + 0.6, middle[1] + 0.3, np.pi / 2, margin_m=0.4)
    for _ in range(2):
        furnisher.place_along_walls(room, furniture.shelf(generator.uniform(0.9, 1.3)))
        furnisher.place_along_walls(room, furniture.trashcan(0.24, 0.7))
    furnisher.place_along_walls(room, furniture_rooms.trolley())
