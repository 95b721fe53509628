"""A library: a reading room and book stacks joined by wide passages, small rooms along one side."""

from functools import partial

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps, radiators
from mmwave.simulation.styles._layout import grid_points, hang_lamps, line_wall, place_rows
from mmwave.simulation.styles._rooms import meeting_room, office, table_with_chairs
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import (
    INNER_M,
    Bay,
    Front,
    Line,
    draw_strip,
    elevator_bay,
    stairs_bay,
)


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 21 x 14 m, ceiling 3.3 to 3.7 m: reading room of 16 x 8 m, aisles of 1.1 to 1.3 m."""
    length, depth = generator.uniform(20.0, 22.5), generator.uniform(13.6, 15.4)
    side_x = generator.uniform(4.2, 5.0)
    studies = Bay("study room", meeting_room, 3.9, Front.GLASS, 1.1, open_share=0.5)
    core = [elevator_bay(), stairs_bay(2.8), Bay("office", office, 3.0, Front.GLASS, 1.1, 0.6)]
    order = generator.permutation(len(core))
    strip = draw_strip(
        generator, [*(core[i] for i in order), studies], Line(1, 0.0, depth, side_x, 0.0)
    )
    stacks_y = strip.edges_m[3]
    bays = np.linspace(side_x, length, 5)
    passages = tuple(
        Opening(OpeningKind.PASSAGE, float(x) - side_x, generator.uniform(1.8, 2.4), 0.0, 2.5)
        for x in (bays[1], bays[3])
    )
    rooms = (
        Room("reading room", (side_x, 0.0), (length, stacks_y), "carpet", _reading_room),
        Room("stacks", (side_x, stacks_y), (length, depth), "carpet", _stacks),
        *strip.rooms,
    )
    sill = float(generator.choice([0.3, 0.85]))
    walls = [
        *strip.walls,
        Wall((side_x, stacks_y), (length, stacks_y), INNER_M, passages),
        *shell(
            length,
            depth,
            str(generator.choice(["brick", "plaster"])),
            windows(generator, [0.0, *bays], sill_m=sill, top_m=2.9),
            windows(generator, [0.0, side_x, *bays[1:]], sill_m=0.9, top_m=2.9),
            windows(generator, strip.edges_m, strip.blind, 0.85),
            windows(generator, np.linspace(0.0, stacks_y, 3), sill_m=sill, top_m=2.9),
        ),
    ]
    return FloorPlan(rooms, tuple(walls), generator.uniform(3.3, 3.7), people=4)


def _reading_room(room: Room, furnisher: Furnisher) -> None:
    """A lending desk with a rope to queue along, rows of large tables, low bookcases, armchairs."""
    generator = furnisher.generator
    hang_lamps(room, furnisher, 2.3)
    radiators(room, furnisher)
    low, high = furnisher.inner_m(room)
    desk = furniture_halls.counter(generator.uniform(2.4, 3.2), 0.8)
    desk_y = low[1] + generator.uniform(2.0, 3.5)
    furnisher.place(room, desk, low[0] + 3.4, desk_y, np.pi)
    rope = furniture_halls.rope_barrier(1.4)
    furnisher.place(room, rope, low[0] + 2.3, desk_y + generator.uniform(-0.8, 0.8), np.pi / 2)
    size = (generator.uniform(0.9, 1.1), generator.uniform(1.7, 2.1))
    turned = float(generator.choice([0.0, np.pi / 2]))
    pitch = (2.9, 3.3) if turned == 0 else (3.4, 2.9)
    for point in grid_points(np.add(low, (4.6, 1.2)), np.subtract(high, (0.8, 1.2)), pitch):
        if generator.random() < 0.9:
            table_with_chairs(room, furnisher, point, size, turned)
    low_case = partial(furniture_halls.bookcase, generator, 1.3, 1.2, double=False)
    line_wall(room, furnisher, low_case, 3, (0.1, 0.95), most=4, gap_m=0.02)
    line_wall(room, furnisher, low_case, 2, most=2, gap_m=0.02)
    for _ in range(3):
        furnisher.place_along_walls(room, furniture_rooms.armchair())
    for _ in range(2):
        furnisher.place_along_walls(room, furniture.trashcan(0.18, 0.55))
    furnisher.place_along_walls(room, furniture.recycling_bins(2))
    furnisher.place_along_walls(room, furniture.plant(generator))


def _stacks(room: Room, furnisher: Furnisher) -> None:
    """Rows of tall bookcases with narrow aisles, a step stool here and there."""
    generator = furnisher.generator
    lamps(room, furnisher, 2.0)
    low, high = furnisher.inner_m(room)
    case = partial(furniture_halls.bookcase, generator, 1.6, generator.uniform(1.8, 2.2))
    aisle = generator.uniform(1.1, 1.3)
    place_rows(room, furnisher, np.add(low, (1.0, 0.4)), np.subtract(high, (0.6, 0.4)), case, aisle)
    furnisher.place_anywhere(room, furniture_rooms.stool(0.45), margin_m=0.1)
    furnisher.place_along_walls(room, furniture_rooms.trolley())
    furnisher.place_along_walls(room, furniture.trashcan(0.16, 0.45, "metal"))
