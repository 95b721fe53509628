"""A supermarket: shelf aisles in a high hall, checkouts behind a glass front, a store behind."""

from functools import partial

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._layout import grid_points, hang_across, line_wall, place_rows
from mmwave.simulation.styles._rooms import office
from mmwave.simulation.styles._shell import glazing, shell
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay, stairs_bay

_FRONT_ZONE_M = 4.6  # between the glass front and the first shelves


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 22.5 x 16 m, ceiling 3.8 to 4.4 m: a hall of 22 x 12 m, aisles of 1.6 to 2 m."""
    length, hall_y = generator.uniform(21.5, 23.5), generator.uniform(11.6, 12.6)
    depth = hall_y + generator.uniform(3.6, 4.2)
    bays = [
        Bay("store", _store, 5.0, Front.DOUBLE_DOOR, 1.8, open_share=0.6, floor="concrete"),
        Bay("bakery", _bakery, 4.4, Front.PASSAGE, 2.4, floor="plastic"),
        Bay("office", office, 3.2, door_m=1.05, floor="carpet"),
        stairs_bay(3.0),
        elevator_bay(2.4),
    ]
    order = generator.permutation(len(bays))
    strip = draw_strip(generator, [bays[i] for i in order], Line(0, 0.0, length, hall_y, depth))
    entrance = length * float(generator.choice([0.2, 0.8]))
    west = np.linspace(0.3, entrance - 1.5, 2 if entrance < length / 2 else 5)
    east = np.linspace(entrance + 1.5, length - 0.3, 5 if entrance < length / 2 else 2)
    doors = tuple(
        Opening(OpeningKind.GLASS_DOOR, entrance + shift, 1.1, 0.0, 2.3) for shift in (-0.7, 0.7)
    )
    top_m = generator.uniform(2.7, 3.2)
    walls = [
        *strip.walls,
        *shell(
            length,
            depth,
            "concrete",
            (*glazing(west, 0.3, top_m), *doors, *glazing(east, 0.3, top_m)),
            (),
            glazing([0.6, 3.6], 0.3, top_m),
            glazing([0.6, 3.6], 0.3, top_m),
        ),
    ]
    rooms = (Room("market", (0.0, 0.0), (length, hall_y), "plastic", _market), *strip.rooms)
    return FloorPlan(rooms, tuple(walls), generator.uniform(3.8, 4.4), people=6)


def _market(room: Room, furnisher: Furnisher) -> None:
    """Checkouts and carts in front, shelves in rows, coolers along the side, crates of fruit."""
    generator, ceiling = furnisher.generator, furnisher.plan.ceiling_m
    lamps(room, furnisher, 3.4)
    hang_across(room, furnisher, furniture_halls.duct, along=0, spacing_m=4.5)
    low, high = furnisher.inner_m(room)
    for x, y in grid_points(np.add(low, (3.0, 3.0)), np.subtract(high, (3.0, 1.0)), (5.6, 6.0)):
        furnisher.place(room, furniture.pillar(ceiling, 0.35), x, y)
    count = int(generator.integers(3, 6))
    first = generator.uniform(low[0] + 4.0, high[0] - 5.0 - 1.9 * count)
    for k in range(count):
        furnisher.place(room, furniture_halls.checkout(), first + 1.9 * k, low[1] + 2.6)
    for x in (first - 1.2, first + 1.9 * count):
        rail = furniture_halls.rope_barrier(2.0)
        furnisher.place(room, rail, x, low[1] + 2.6)
    side = 0 if generator.random() < 0.5 else 2
    line_wall(room, furnisher, furniture_halls.glass_fridge, side, (0.35, 0.95), most=6)
    stand = partial(furniture_halls.produce_stand, generator)
    zone_low, zone_high = np.add(low, (1.4, _FRONT_ZONE_M)), np.subtract(high, (1.4, 1.5))
    produce_x = zone_high[0] - 3.4 if side == 0 else zone_low[0] + 3.4
    fruit_low, fruit_high = zone_low.copy(), zone_high.copy()
    if side == 0:
        fruit_low[0], zone_high[0] = produce_x, produce_x
    else:
        fruit_high[0], zone_low[0] = produce_x, produce_x
    place_rows(room, furnisher, fruit_low, fruit_high, stand, 1.4)
    tall = generator.uniform(1.5, 1.9)
    unit = partial(furniture_halls.gondola, generator, 1.7, tall)
    place_rows(room, furnisher, zone_low, zone_high, unit, generator.uniform(1.5, 1.9))
    carts = furniture_halls.shopping_carts(int(generator.integers(3, 6)))
    furnisher.place_along_walls(room, carts, attempts=30)
    for _ in range(2):
        furnisher.place_along_walls(room, furniture.trashcan(0.22, 0.75, "metal"), attempts=30)
    furnisher.place_along_walls(room, furniture.recycling_bins(4), attempts=30)
    furnisher.place_along_walls(room, furniture.bench(1.4), attempts=30)
    for _ in range(2):
        furnisher.place_anywhere(room, furniture.cartons(generator), margin_m=0.1)


def _store(room: Room, furnisher: Furnisher) -> None:
    """Pallets, shelves, a pallet truck, a waste container."""
    generator = furnisher.generator
    lamps(room, furnisher)
    line_wall(room, furnisher, lambda: furniture.shelf(1.3, 0.5, 2.2), 3, (0.0, 0.9))
    for _ in range(4):
        furnisher.place_along_walls(room, furniture_halls.pallet(generator, 1.6))
    furnisher.place_along_walls(room, furniture_halls.container())
    furnisher.place_anywhere(room, furniture_halls.pallet_truck(), margin_m=0.1)


def _bakery(room: Room, furnisher: Furnisher) -> None:
    """A counter with two high tables before it, ovens and steel tables at the back."""
    lamps(room, furnisher)
    line_wall(room, furnisher, lambda: furniture_rooms.cabinet(0.8, 0.7, 1.9), 3, most=2)
    line_wall(room, furnisher, lambda: furniture_halls.steel_table(1.2), 3, most=3)
    furnisher.place_along_walls(room, furniture_halls.counter(1.6))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.6))
