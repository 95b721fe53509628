"""A storey of a block of flats: two flats with narrow halls and small rooms, a shared landing."""

from dataclasses import replace

import numpy as np

from mmwave.simulation import furniture, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._home import bathroom, bedroom, kitchen, living_room
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import (
    Bay,
    Front,
    Line,
    draw_strip,
    elevator_bay,
    stairs_bay,
)


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 18.5 x 11.5 m: rooms of 9 to 24 m2 off halls of 1.5 m, ceiling 2.4 to 2.6 m."""
    length, depth = generator.uniform(17.8, 19.4), generator.uniform(4.3, 4.9)
    hall, landing = generator.uniform(1.6, 1.8), generator.uniform(1.7, 2.1)
    hall_y, north_y = depth, depth + hall
    core_y = north_y + landing
    top = core_y + generator.uniform(3.4, 3.8)
    middle = length * generator.uniform(0.475, 0.525)
    left_x, right_x = middle - generator.uniform(3.3, 3.5), middle + generator.uniform(3.3, 3.5)
    living, sleeping, cooking, bath = _flat(generator)
    south = [
        draw_strip(generator, [living, sleeping], Line(0, 0.0, middle, hall_y, 0.0)),
        draw_strip(generator, [sleeping, living], Line(0, middle, length, hall_y, 0.0)),
    ]
    north = [
        draw_strip(generator, [cooking, bath], Line(0, 0.0, left_x, north_y, top)),
        draw_strip(generator, [bath, cooking], Line(0, right_x, length, north_y, top)),
    ]
    store = Bay("cellar store", _store, 1.8, door_m=0.85, floor="concrete")
    core = draw_strip(
        generator,
        [stairs_bay(2.7), elevator_bay(2.0), store],
        Line(0, left_x, right_x, core_y, top),
        "concrete",
    )
    rooms = (
        Room("hall", (0.0, hall_y), (middle, north_y), "wood", _hall),
        Room("hall", (middle, hall_y), (length, north_y), "wood", _hall),
        Room("landing", (left_x, north_y), (right_x, core_y), "concrete", _landing),
        *(room for strip in (*south, *north, core) for room in strip.rooms),
    )
    one = bool(generator.random() < 0.5)
    flat_doors = (
        _flat_door(generator, (left_x + middle) / 2 - left_x, must_open=one),
        _flat_door(generator, (right_x + middle) / 2 - left_x, must_open=not one),
    )
    blind = [*north[0].blind, *core.blind, *north[1].blind]
    edges = [*north[0].edges_m, *core.edges_m[1:-1], *north[1].edges_m]
    side_y = (hall_y / 2, (north_y + top) / 2)
    sides = [Opening(OpeningKind.WINDOW, y, generator.uniform(0.9, 1.6), 0.9, 2.1) for y in side_y]
    sill = float(generator.choice([0.1, 0.85]))
    walls = [
        *(wall for strip in (*south, *north, core) for wall in strip.walls),
        Wall((middle, 0.0), (middle, north_y), 0.24, (), "brick"),
        Wall((left_x, north_y), (right_x, north_y), 0.24, flat_doors, "brick"),
        Wall((left_x, north_y), (left_x, top), 0.24, (), "brick"),
        Wall((right_x, north_y), (right_x, top), 0.24, (), "brick"),
        *shell(
            length,
            top,
            "brick",
            (
                *windows(generator, south[0].edges_m, sill_m=sill, top_m=2.15),
                *windows(generator, south[1].edges_m, sill_m=sill, top_m=2.15),
            ),
            windows(generator, edges, blind, 0.9, 2.15),
            sides,
            sides[:1],
        ),
    ]
    return FloorPlan(rooms, tuple(walls), generator.uniform(2.4, 2.6), people=4)


def _flat(generator: np.random.Generator) -> tuple[Bay, Bay, Bay, Bay]:
    """Living room, bedroom, kitchen and bathroom; its doors open or closed."""
    glass = Front.GLASS if generator.random() < 0.4 else Front.DOOR
    living = Bay("living room", living_room, 4.4, glass, 1.1, open_share=0.5, floor="wood")
    sleeping = Bay("bedroom", bedroom, 3.2, door_m=0.9, floor="carpet")
    cooking = Bay("kitchen", kitchen, 2.8, Front.PASSAGE, 1.1, floor="plastic")
    if generator.random() < 0.6:
        cooking = replace(cooking, front=Front.DOOR, open_share=0.7)
    bath = Bay("bathroom", bathroom, 2.0, door_m=0.8, open_share=0.25, floor="concrete")
    return living, sleeping, cooking, bath


def _flat_door(generator: np.random.Generator, centre_m: float, *, must_open: bool) -> Opening:
    """The door between the landing and a flat, folded back to the wall if open."""
    opened = must_open or generator.random() < 0.4
    swing = -float(np.deg2rad(generator.uniform(150, 165))) if opened else 0.0
    return Opening(OpeningKind.DOOR, centre_m, 1.05, 0.0, 2.05, swing)


def _hall(room: Room, furnisher: Furnisher) -> None:
    """A narrow wardrobe, a bin."""
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture.cupboard(0.9, 0.35, 2.0))
    furnisher.place_along_walls(room, furniture.trashcan(0.14, 0.4))


def _landing(room: Room, furnisher: Furnisher) -> None:
    """A plant, a bin, somebody's chair."""
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture.plant(furnisher.generator))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.6, "metal"))
    furnisher.place_along_walls(room, furniture.chair())


def _store(room: Room, furnisher: Furnisher) -> None:
    """Shelves, cartons, an old refrigerator."""
    generator = furnisher.generator
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture_rooms.cabinet())
    for _ in range(3):
        furnisher.place_along_walls(room, furniture.shelf(generator.uniform(0.7, 1.2)))
        furnisher.place_along_walls(room, furniture.cartons(generator))
