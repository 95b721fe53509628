"""An open laboratory hall with pillars, benches, a gallery stair and side rooms behind glass."""

from itertools import pairwise

import numpy as np

from mmwave.simulation import furniture, meshes
from mmwave.simulation.floor_plan import (
    FloorPlan,
    Opening,
    OpeningKind,
    Room,
    Wall,
    split_length,
)
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import SemanticClass
from mmwave.simulation.styles._circulation import elevator_car, staircase
from mmwave.simulation.styles._fittings import lamps, radiators
from mmwave.simulation.styles._rooms import clutter, laboratory, meeting_room, office
from mmwave.simulation.styles._shell import shell, windows

_INNER_M = 0.14
_ELEVATOR_M = 2.3


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 20 x 13 m: a hall of two thirds of it, an elevator and rooms along one side."""
    length, depth = generator.uniform(18.5, 20.5), generator.uniform(12.0, 13.5)
    hall_x = length - generator.uniform(5.5, 6.8)
    bays = split_length(generator, depth - _ELEVATOR_M, 4.2, 6.0).tolist()
    edges = [*bays, depth] if generator.random() < 0.5 else [0, *np.add(bays, _ELEVATOR_M)]
    elevator_last = edges[-1] - edges[-2] < _ELEVATOR_M + 0.01
    elevator = len(edges) - 2 if elevator_last else 0
    uses = (laboratory, office, meeting_room)
    order = generator.permutation(len(uses))
    rooms = [Room("hall", (0.0, 0.0), (hall_x, depth), "concrete", _hall)]
    holes: list[Opening] = []
    for i, (y0, y1) in enumerate(pairwise(np.asarray(edges, np.float64).tolist())):
        low, high = (hall_x, y0), (length, y1)
        if i == elevator:
            ajar = float(generator.choice([0.0, 0.6, 1.0]))
            middle = (y0 + y1) / 2
            rooms.append(Room("elevator", low, high, "metal", elevator_car, public=False))
            holes.append(Opening(OpeningKind.ELEVATOR, middle, 1.1, 0.0, 2.1, swing_rad=ajar))
        else:
            use = uses[order[i % len(uses)]]
            rooms.append(Room(use.__name__.replace("_", " "), low, high, "plastic", use))
            holes += _glass_front(generator, y0, y1, must_open=i == (elevator + 1) % 2)
    inner = [float(y) for y in edges[1:-1]]
    walls = [
        *_outer(generator, length, depth, hall_x, edges, elevator),
        Wall((hall_x, 0.0), (hall_x, depth), _INNER_M, tuple(holes), "concrete"),
        *(Wall((hall_x, y), (length, y), _INNER_M, (), "plaster") for y in inner),
    ]
    return FloorPlan(tuple(rooms), tuple(walls), 3.0, people=5)


def _glass_front(
    generator: np.random.Generator, y0: float, y1: float, *, must_open: bool
) -> list[Opening]:
    """A door and a large pane between the hall and a room to the right of the wall."""
    width, at_end = 1.1, bool(generator.random() < 0.5)
    centre = y1 - 1.35 if at_end else y0 + 1.35
    opened = must_open or generator.random() < 0.4
    swing = -float(np.deg2rad(generator.uniform(95, 125))) if opened else 0.0
    kind = OpeningKind.GLASS_DOOR if generator.random() < 0.5 else OpeningKind.DOOR
    start, end = (y0 + 0.4, centre - 0.9) if at_end else (centre + 0.9, y1 - 0.4)
    sill = float(generator.choice([0.1, 0.9]))
    return [
        Opening(kind, centre, width, 0.0, 2.1, swing, at_end),
        Opening(OpeningKind.WINDOW, (start + end) / 2, end - start, sill, 2.1),
    ]


def _outer(
    generator: np.random.Generator,
    length: float,
    depth: float,
    hall_x: float,
    edges: list[float],
    elevator: int,
) -> list[Wall]:
    """Outer walls with rows of windows and a double glass entrance into the hall."""
    bays = [*np.linspace(0, hall_x, 4).tolist(), length]
    blind = [i == elevator for i in range(len(edges) - 1)]
    entrance = Opening(OpeningKind.GLASS_DOOR, depth / 2, 1.2, 0.0, 2.1)
    beside = Opening(OpeningKind.WINDOW, depth / 2 + 2.0, 2.2, 0.1, 2.1)
    material = str(generator.choice(["concrete", "brick"]))
    return shell(
        length,
        depth,
        material,
        windows(generator, bays),
        windows(generator, bays),
        (entrance, beside),
        windows(generator, edges, blind),
    )


def _hall(room: Room, furnisher: Furnisher) -> None:
    """Pillars, a stair with railings, rows of benches, tables, cartons and bins."""
    generator, ceiling = furnisher.generator, furnisher.plan.ceiling_m
    lamps(room, furnisher, 3.0)
    radiators(room, furnisher)
    _stairs(room, furnisher)
    round_ones = bool(generator.random() < 0.5)
    for x in room.low_m[0] + room.size_m[0] * np.array([0.3, 0.7]):
        for y in room.low_m[1] + room.size_m[1] * np.array([0.3, 0.7]):
            column = furniture.pillar(ceiling, generator.uniform(0.35, 0.5), is_round=round_ones)
            furnisher.place(room, column, x, y)
    for _ in range(int(generator.integers(4, 7))):
        bench = furniture.lab_bench(0.8, generator.uniform(1.8, 2.6))
        turned = float(generator.choice([0.0, np.pi / 2]))
        x, y = generator.uniform(np.add(room.low_m, 1.5), np.subtract(room.high_m, 1.5))
        furnisher.place(room, bench, x, y, turned, margin_m=0.7)
    for _ in range(int(generator.integers(3, 6))):
        furnisher.place_anywhere(room, furniture.table(0.8, 1.6), margin_m=0.6)
    for _ in range(6):
        furnisher.place_anywhere(room, furniture.chair(), margin_m=0.2)
    furnisher.place_along_walls(room, furniture.recycling_bins(3))
    furnisher.place_along_walls(room, furniture.sofa())
    for _ in range(2):
        furnisher.place_anywhere(room, furniture.trashcan(0.2, 0.6, "metal"))
    clutter(room, furnisher, int(generator.integers(5, 9)))


def _stairs(room: Room, furnisher: Furnisher) -> None:
    """A straight flight along the wall of higher y, and a railing that guards its foot."""
    flight, rail = staircase(4.5, furnisher.plan.ceiling_m, 1.4)
    _, high = furnisher.inner_m(room)
    x = room.low_m[0] + furnisher.generator.uniform(2.5, room.size_m[0] - 7.5)
    y = high[1] - 0.75
    furnisher.add(meshes.moved(flight, (x, y, 0.0)))
    furnisher.add(meshes.moved(rail, (x, y, 0.0)))
    steel = Label(SemanticClass.RAILING, "metal")
    corner, end = (x + 1.2, y - 1.3, 0.0), (x + 4.6, y - 1.3, 0.0)
    furnisher.add(meshes.railing(corner, end, steel, 1.05, 3))
    furnisher.add(meshes.railing(end, (x + 4.6, y + 0.7, 0.0), steel, 1.05, 3))
    low = np.array([x - 1.0, y - 1.4])
    furnisher.keep_free(low, np.array([x + 4.8, high[1]]))
