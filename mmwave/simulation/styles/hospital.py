"""A hospital ward: wide corridors with hand rails in a ring about a core, beds outside."""

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms, meshes
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._circulation import wall_rails
from mmwave.simulation.styles._entries import entries
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._home import washroom
from mmwave.simulation.styles._layout import beside, line_wall
from mmwave.simulation.styles._rooms import round_table_with_chairs
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

_BED_DOOR_M = 1.25
_COUNTER_M = 2.0


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 22.5 x 16 m: corridors of 2.2 to 2.4 m on all four sides of a core of 3 m."""
    length, depth = generator.uniform(21.5, 23.5), generator.uniform(4.2, 4.5)
    wide, core = generator.uniform(2.2, 2.4), generator.uniform(2.8, 3.2)
    south_y, core_y = depth, depth + wide
    back_y, north_y = core_y + core, core_y + core + wide
    top = north_y + depth
    doors = [0.4] * 6
    for index in generator.permutation(6)[:2]:
        doors[index] = 1.0
    wards = [
        Bay("patients' room", _patients_room, 4.1, Front.DOOR, _BED_DOOR_M, share, floor="plastic")
        for share in doors
    ]
    bath = Bay("washroom", washroom, 2.4, door_m=0.9, floor="concrete", open_share=0.2)
    day_room = Bay("day room", _day_room, 3.8, Front.GLASS, 1.1, floor="plastic")
    south = draw_strip(generator, [*wards[:2], bath, wards[2]], Line(0, 0.0, length, south_y, 0.0))
    north = draw_strip(
        generator,
        [wards[3], day_room, stairs_bay(2.8), *wards[4:]],
        Line(0, 0.0, length, north_y, top),
    )
    middle = [
        Bay("treatment room", _treatment_room, 3.0, Front.GLASS, floor="plastic"),
        elevator_bay(2.3),
        elevator_bay(2.3),
        Bay("nurses' station", _nurses_station, 3.8, Front.PASSAGE, 3.2, floor="plastic"),
        Bay("store", _store, 2.2, open_share=0.2, floor="plastic"),
    ]
    inner = draw_strip(generator, middle, Line(0, wide, length - wide, core_y, back_y))
    rooms = (
        Room("corridor", (0.0, south_y), (length, core_y), "plastic", _ward_corridor),
        Room("corridor", (0.0, back_y), (length, north_y), "plastic", _ward_corridor),
        Room("corridor", (0.0, core_y), (wide, back_y), "plastic", _ward_corridor),
        Room("corridor", (length - wide, core_y), (length, back_y), "plastic", _ward_corridor),
        *south.rooms,
        *north.rooms,
        *inner.rooms,
    )
    walls = [
        *south.walls,
        *north.walls,
        *inner.walls,
        Wall((wide, back_y), (length - wide, back_y), INNER_M),
        Wall((wide, core_y), (wide, back_y), INNER_M),
        Wall((length - wide, core_y), (length - wide, back_y), INNER_M),
        *shell(
            length,
            top,
            "concrete",
            windows(generator, south.edges_m, sill_m=0.85),
            windows(generator, north.edges_m, sill_m=0.85),
            _ends((south_y, core_y, back_y, north_y), entrance=True),
            _ends((south_y, core_y, back_y, north_y), entrance=False),
        ),
    ]
    return FloorPlan(rooms, tuple(walls), generator.uniform(2.6, 2.8), people=4)


def _ends(edges_y_m: tuple[float, float, float, float], *, entrance: bool) -> list[Opening]:
    """What closes both corridors at one end: an entrance or a window, and a window."""
    low, high = (edges_y_m[0] + edges_y_m[1]) / 2, (edges_y_m[2] + edges_y_m[3]) / 2
    window = Opening(OpeningKind.WINDOW, high, 1.4, 0.3, 2.2)
    if entrance:
        return [Opening(OpeningKind.GLASS_DOOR, low, 1.3, 0.0, 2.1), window]
    return [Opening(OpeningKind.WINDOW, low, 1.4, 0.3, 2.2), window]


def _patients_room(room: Room, furnisher: Furnisher) -> None:
    """Two beds, each with a nightstand, a curtain and a chair; a cupboard, a basin, a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    for _ in range(2):
        bed = furniture_rooms.hospital_bed()
        where = furnisher.place_along_walls(room, bed, attempts=30)
        if where is None:
            continue
        side = float(generator.choice([-1, 1]))
        turned = where[2]
        stand = furniture_rooms.nightstand(0.85)
        furnisher.place(room, stand, *beside(where, -0.8, 0.75 * side), turned)
        sheet = furniture_rooms.curtain(generator.uniform(1.2, 1.9))
        furnisher.place(room, sheet, *beside(where, 0.0, -0.75 * side), turned + np.pi / 2)
        furnisher.place(room, furniture.chair(), *beside(where, 0.2, 0.85 * side), turned)
    furnisher.place_along_walls(room, furniture.cupboard(1.0, 0.55))
    furnisher.place_along_walls(room, furniture.trashcan(0.17, 0.5, "metal"))
    furnisher.place_along_walls(room, furniture_rooms.washbasin())


def _day_room(room: Room, furnisher: Furnisher) -> None:
    """A sofa, a television, a row of seats, two round tables."""
    generator = furnisher.generator
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture.sofa(generator.uniform(1.5, 2.0)))
    furnisher.place_along_walls(room, furniture_rooms.tv_board())
    furnisher.place_along_walls(room, furniture_rooms.seat_row(3))
    for x, y in generator.uniform(np.add(room.low_m, 1.0), np.subtract(room.high_m, 1.0), (4, 2)):
        round_table_with_chairs(room, furnisher, float(x), float(y))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.6))


def _treatment_room(room: Room, furnisher: Furnisher) -> None:
    """A bed to examine on, a desk, cupboards, a trolley, a basin."""
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture_rooms.hospital_bed(), attempts=30)
    desk = furniture.table(0.7, 1.3, screens=1)
    furnisher.place_with_seat(room, desk, furniture.office_chair())
    line_wall(room, furnisher, lambda: furniture.cupboard(0.9, 0.4), 3, most=2)
    for thing in (furniture_rooms.washbasin(), furniture_rooms.trolley()):
        furnisher.place_along_walls(room, thing)
    furnisher.place_along_walls(room, furniture.trashcan(0.17, 0.5, "metal"))


def _nurses_station(room: Room, furnisher: Furnisher) -> None:
    """A counter in the wide passage, leaving a way in beside it; desks and shelves behind."""
    generator = furnisher.generator
    lamps(room, furnisher)
    for entry in entries(room, furnisher.plan):
        if entry.hole.kind is not OpeningKind.PASSAGE:
            continue
        outward = float(np.arctan2(-entry.inward[1], -entry.inward[0]))
        shift = (entry.hole.width_m - _COUNTER_M) / 2 * float(generator.choice([-1, 1]))
        at = entry.point_m(0.3) + shift * entry.wall.direction
        desk = furniture_halls.counter(_COUNTER_M)
        furnisher.add(meshes.moved(desk, (at[0], at[1], 0.0), outward))
    furnisher.place_with_seat(room, furniture.table(0.7, 1.4, screens=2), furniture.office_chair())
    line_wall(room, furnisher, lambda: furniture.cupboard(0.9, 0.4), 3, most=3)
    furnisher.place_along_walls(room, furniture.trashcan(0.15, 0.4))


def _store(room: Room, furnisher: Furnisher) -> None:
    """Cupboards along the walls, a trolley."""
    lamps(room, furnisher)
    for side in (0, 2, 3):
        line_wall(room, furnisher, lambda: furniture.cupboard(0.9, 0.4), side)
    furnisher.place_anywhere(room, furniture_rooms.trolley(), margin_m=0.05)


def _ward_corridor(room: Room, furnisher: Furnisher) -> None:
    """Hand rails; in front of them seats, bins, trolleys, wheelchairs and a parked bed."""
    generator = furnisher.generator
    lamps(room, furnisher)
    wall_rails(room, furnisher)
    things = [
        furniture_rooms.seat_row(int(generator.integers(2, 5))),
        furniture_rooms.trolley(),
        furniture_rooms.wheelchair(),
        furniture.trashcan(0.19, 0.65, "metal"),
        furniture.trashcan(0.17, 0.55),
        furniture.recycling_bins(3),
        meshes.moved(furniture_rooms.hospital_bed(), (0.0, 0.0, 0.0), np.pi / 2),
    ]
    count = int(generator.integers(3, 5)) if room.area_m2 > 20 else 2
    for index in generator.permutation(len(things))[:count]:
        furnisher.place_along_walls(room, things[index], gap_m=0.12)
