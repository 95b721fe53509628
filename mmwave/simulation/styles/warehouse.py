"""A warehouse: pallet racks under a high ceiling, gates, a packing zone, offices at one end."""

from functools import partial

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._layout import (
    grid_points,
    hang_across,
    hang_lamps,
    line_wall,
    place_rows,
)
from mmwave.simulation.styles._rooms import office, table_with_chairs
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay, stairs_bay

_PACKING_M = 5.0  # width of the zone between racks and offices


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 22.5 x 15.5 m, ceiling 4.7 to 5 m: a hall of 18 x 15 m, aisles of 2.2 to 2.8 m."""
    length, depth = generator.uniform(21.5, 23.5), generator.uniform(14.5, 16.5)
    hall_x = length - generator.uniform(4.4, 5.0)
    bays = [
        Bay("dispatch office", office, 3.6, Front.GLASS, 1.1, open_share=1.0, floor="plastic"),
        Bay("break room", _break_room, 4.0, door_m=1.05, floor="plastic"),
        elevator_bay(2.6),
        stairs_bay(3.0),
    ]
    order = generator.permutation(len(bays))
    strip = draw_strip(
        generator, [bays[i] for i in order], Line(1, 0.0, depth, hall_x, length), "concrete"
    )
    gates = tuple(
        Opening(OpeningKind.DOUBLE_DOOR, depth * share, generator.uniform(2.2, 2.8), 0.0, 2.8)
        for share in (0.25, 0.72)
    )
    bays_x = np.linspace(0.0, hall_x, 5)
    material = str(generator.choice(["concrete", "brick", "metal"]))
    walls = [
        *strip.walls,
        *shell(
            length,
            depth,
            material,
            windows(generator, bays_x, sill_m=3.0, top_m=4.2),
            windows(generator, bays_x, sill_m=3.0, top_m=4.2),
            gates,
            windows(generator, strip.edges_m, strip.blind, 0.95),
        ),
    ]
    rooms = (Room("hall", (0.0, 0.0), (hall_x, depth), "concrete", _hall), *strip.rooms)
    return FloorPlan(rooms, tuple(walls), generator.uniform(4.7, 5.0), people=4)


def _hall(room: Room, furnisher: Furnisher) -> None:
    """Racks in rows, guard rails, pillars; packing tables, pallets, containers near the offices."""
    generator, ceiling = furnisher.generator, furnisher.plan.ceiling_m
    hang_lamps(room, furnisher, ceiling - 0.9, 4.0)
    girder = partial(furniture_halls.beam, material="metal")
    hang_across(room, furnisher, girder, along=1, spacing_m=4.5)
    low, high = furnisher.inner_m(room)
    for x, y in grid_points(np.add(low, (2.0, 2.0)), np.subtract(high, (1.0, 2.0)), (5.5, 5.5)):
        furnisher.place(room, furniture.pillar(ceiling, 0.4), x, y)
    levels, packing_x = int(generator.integers(2, 4)), high[0] - _PACKING_M
    rack = partial(furniture_halls.pallet_rack, generator, 2.5, levels)
    along = int(generator.integers(2))
    ground = np.add(low, (2.4, 0.8)), np.array([packing_x, high[1] - 0.8])
    place_rows(room, furnisher, *ground, rack, generator.uniform(2.2, 2.8), along=along)
    for y in np.arange(low[1] + 1.6, high[1] - 1.4, 2.6):
        furnisher.place(room, furniture_halls.guard_rail(), packing_x + 0.4, y)
    for _ in range(4):
        x = generator.uniform(packing_x + 1.2, high[0] - 1.4)
        y = generator.uniform(low[1] + 1.0, high[1] - 1.0)
        turned = float(generator.choice([0.0, np.pi / 2]))
        if furnisher.place(room, furniture_halls.steel_table(2.0, 0.9), x, y, turned, margin_m=0.6):
            seat = furniture_rooms.stool(0.65)
            furnisher.place(room, seat, x + 0.75, y, margin_m=0.0)
    for _ in range(5):
        furnisher.place_anywhere(room, furniture_halls.pallet(generator), margin_m=0.3)
    furnisher.place_anywhere(room, furniture_halls.pallet_truck(), margin_m=0.2)
    for _ in range(2):
        furnisher.place_along_walls(room, furniture_halls.container(), attempts=30)
    furnisher.place_along_walls(room, furniture.trashcan(0.25, 0.8, "metal"), attempts=30)
    furnisher.place_along_walls(room, furniture.fire_extinguisher(), attempts=30)


def _break_room(room: Room, furnisher: Furnisher) -> None:
    """Lockers, a table with chairs, kitchen units, a vending machine, a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    line_wall(room, furnisher, lambda: furniture.lockers(4), 1, (0.25, 1.0), most=2)
    line_wall(room, furnisher, furniture_rooms.kitchen_unit, 3, (0.4, 1.0), most=3)
    furnisher.place_along_walls(room, furniture_rooms.cabinet(0.9, 0.8, 1.85))
    x, y = room.centre_m.tolist()
    table_with_chairs(room, furnisher, (x + 0.3, y), (0.8, generator.uniform(1.2, 1.6)))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.6))
