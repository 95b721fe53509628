"""A lobby: a high open hall behind a glass front, a gallery with stairs, a bank of elevators."""

import numpy as np

from mmwave.simulation import furniture, furniture_halls, furniture_rooms, meshes
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import SemanticClass
from mmwave.simulation.styles._circulation import staircase
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._home import washroom
from mmwave.simulation.styles._layout import beside, grid_points, hang_lamps, line_wall, pieces
from mmwave.simulation.styles._rooms import office, round_table_with_chairs
from mmwave.simulation.styles._shell import glazing, shell, windows
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay

_GALLERY_M = 2.6  # how far the gallery reaches from the wall
_STEPS, _RISE_M, _RUN_M = 18, 0.17, 0.28
_STAIR_WIDTH_M = 1.9


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 22 x 15 m, ceiling 4.5 to 5 m: a hall of 22 x 11 m, glass up to 3.6 m."""
    length, hall_y = generator.uniform(21.0, 23.5), generator.uniform(10.4, 11.6)
    depth = hall_y + generator.uniform(3.8, 4.6)
    bays = [
        Bay("cafe", _cafe, 4.4, Front.PASSAGE, 2.8, floor="wood"),
        Bay("security", office, 3.2, Front.GLASS, 1.1, open_share=0.7, floor="plastic"),
        Bay("washroom", washroom, 2.8, door_m=0.9, floor="concrete"),
    ]
    order = generator.permutation(3)
    bank = [elevator_bay(generator.uniform(2.2, 2.4))] * 3
    after = int(generator.integers(1, 3))
    row = [bays[i] for i in order]
    row[after:after] = bank
    strip = draw_strip(
        generator, row, Line(0, 0.0, length, hall_y, depth), front_material="concrete"
    )
    top_m, middle = generator.uniform(3.3, 3.7), length * generator.uniform(0.45, 0.6)
    west, east = np.linspace(0.3, middle - 1.7, 4), np.linspace(middle + 1.7, length - 0.3, 4)
    doors = tuple(
        Opening(OpeningKind.GLASS_DOOR, middle + shift, 1.2, 0.0, 2.4) for shift in (-0.8, 0.8)
    )
    front = (*glazing(west, 0.1, top_m), *doors, *glazing(east, 0.1, top_m))
    walls = [
        *strip.walls,
        *shell(
            length,
            depth,
            str(generator.choice(["concrete", "plaster"])),
            front,
            windows(generator, strip.edges_m, strip.blind),
            windows(generator, [0.0, hall_y / 2, hall_y], sill_m=0.3),
            glazing(np.linspace(0.4, hall_y - 0.4, 4), 0.1, top_m),
        ),
    ]
    rooms = (Room("lobby", (0.0, 0.0), (length, hall_y), "concrete", _hall), *strip.rooms)
    return FloorPlan(rooms, tuple(walls), generator.uniform(4.5, 5.0), people=6)


def _hall(room: Room, furnisher: Furnisher) -> None:
    """Gallery and stairs, pillars, reception, gates, groups of sofas, bins, plants."""
    generator, ceiling = furnisher.generator, furnisher.plan.ceiling_m
    hang_lamps(room, furnisher, ceiling - 1.0, 3.6)
    _gallery(room, furnisher)
    low, high = furnisher.inner_m(room)
    wide = generator.uniform(0.45, 0.65)
    for x, y in grid_points(np.add(low, (6.0, 2.0)), np.subtract(high, (0.5, 1.5)), (5.2, 5.0)):
        furnisher.place(room, furniture.pillar(ceiling, wide, is_round=True), x, y)
    desk = furniture_halls.counter(generator.uniform(3.0, 4.0), 0.9)
    x = generator.uniform(low[0] + 9.5, high[0] - 3.0)
    if furnisher.place(room, desk, x, high[1] - 3.2, -np.pi / 2, margin_m=0.6):
        seat = furniture.office_chair()
        furnisher.place(room, seat, x, high[1] - 2.6, -np.pi / 2, margin_m=-0.2)
    gates = generator.uniform(low[0] + 4.0, high[0] - 5.0), high[1] - 2.4
    for k in range(5):
        x = gates[0] + 0.75 * k
        furnisher.place(room, furniture_halls.turnstile(), x, gates[1], np.pi / 2, margin_m=-0.01)
    for _ in range(4):
        _sofa_group(room, furnisher)
    for length in generator.uniform(1.8, 3.0, 2):
        furnisher.place_anywhere(room, furniture_halls.rope_barrier(length), margin_m=0.5)
    for _ in range(3):
        furnisher.place_along_walls(room, furniture.plant(generator, 1.6))
        furnisher.place_anywhere(room, furniture.trashcan(0.22, 0.7, "metal"), margin_m=0.3)
    furnisher.place_along_walls(room, furniture.recycling_bins(4))
    furnisher.place_along_walls(room, furniture_rooms.cabinet(0.9, 0.8, 1.85))


def _sofa_group(room: Room, furnisher: Furnisher) -> None:
    """Two sofas that face each other over a low table."""
    generator = furnisher.generator
    for _ in range(12):
        x, y = generator.uniform(np.add(room.low_m, 2.0), np.subtract(room.high_m, 2.0))
        yaw = float(generator.choice([0.0, np.pi / 2]))
        if not furnisher.place(room, furniture.table(0.6, 1.1, 0.4), x, y, yaw, margin_m=1.2):
            continue
        for turn in (0.0, np.pi):
            where = (float(x), float(y), yaw + turn)
            furnisher.place(room, furniture.sofa(1.8), *beside(where, -0.95, 0.0), yaw + turn)
        return


def _gallery(room: Room, furnisher: Furnisher) -> None:
    """A slab along the wall of lower x, railed; a flight of stairs between railings leads up."""
    low, high = furnisher.inner_m(room)
    level, edge = _STEPS * _RISE_M, low[0] + _GALLERY_M
    slab = Label(SemanticClass.CEILING, "concrete")
    steel = Label(SemanticClass.RAILING, "metal")
    for start, end in pieces(low[1], high[1], 6.0):
        corner = (edge, end, level)
        furnisher.add(meshes.box((low[0], start, level - 0.25), corner, slab))
    y = low[1] + furnisher.generator.uniform(2.2, high[1] - low[1] - 4.5)
    half = _STAIR_WIDTH_M / 2
    for start, end in ((low[1] + 0.1, y - half), (y + half, high[1] - 0.1)):
        for first, last in pieces(start, end, 6.0):
            rail = meshes.railing((edge - 0.05, first, level), (edge - 0.05, last, level), steel)
            furnisher.add(rail)
    foot = (edge + _STEPS * _RUN_M, y, 0.0)
    flight, right = staircase(_STEPS * _RUN_M + 0.01, furnisher.plan.ceiling_m, _STAIR_WIDTH_M)
    left = meshes.moved(right, (0.0, _STAIR_WIDTH_M - 0.1, 0.0))
    for part in (flight, right, left):
        furnisher.add(meshes.moved(part, foot, np.pi))
    furnisher.keep_free(np.array([edge, y - half]), np.array([foot[0] + 1.2, y + half]))
    for y_post in (low[1] + 1.2, high[1] - 1.2):
        column = furniture.pillar(level - 0.25, 0.3, is_round=True)
        furnisher.place(room, column, edge - 0.3, y_post)


def _cafe(room: Room, furnisher: Furnisher) -> None:
    """A bar with machines behind it, small round tables."""
    generator = furnisher.generator
    lamps(room, furnisher)
    line_wall(room, furnisher, furniture_rooms.kitchen_unit, 3, (0.0, 0.8), most=4)
    line_wall(room, furnisher, furniture_rooms.cabinet, 2, (0.3, 1.0), most=1)
    for x, y in generator.uniform(np.add(room.low_m, 0.8), np.subtract(room.high_m, 0.8), (4, 2)):
        round_table_with_chairs(room, furnisher, float(x), float(y))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.7, "metal"))
