"""A museum: galleries that open into each other, with pictures, sculptures and showcases."""

from functools import partial

import numpy as np

from mmwave.simulation import furniture, furniture_halls
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.scene import Scene
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._layout import beside, grid_points, line_wall
from mmwave.simulation.styles._rooms import clutter
from mmwave.simulation.styles._shell import shell, windows
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay, stairs_bay

_WALL_M = 0.3


def draw(generator: np.random.Generator) -> FloorPlan:
    """About 22 x 14.5 m, ceiling 3.8 to 4.4 m: six galleries of 5 to 7 m without a corridor."""
    length, depth = generator.uniform(20.5, 23.0), generator.uniform(13.6, 15.2)
    core_x = length - generator.uniform(3.8, 4.4)
    bays = [
        stairs_bay(3.0, grows=True),
        Bay("cloakroom", _cloakroom, 3.2, door_m=1.2, open_share=0.6, floor="concrete"),
        elevator_bay(2.3),
        Bay("museum shop", _shop, 4.2, Front.GLASS, 1.2, open_share=0.5, floor="wood"),
    ]
    order = generator.permutation(len(bays))
    strip = draw_strip(
        generator, [bays[i] for i in order], Line(1, 0.0, depth, core_x, length), "concrete"
    )
    split_y = strip.edges_m[2]
    columns = np.cumsum(generator.uniform(0.85, 1.15, 3))
    edges_x = [0.0, *(core_x * columns / columns[-1]).tolist()]
    shows = [_paintings, _sculptures, _showcases, _paintings, _sculptures]
    order = generator.permutation(len(shows))
    furnishings = [*(shows[i] for i in order), _foyer]
    floor = str(generator.choice(["wood", "concrete"]))
    rooms, walls = [], []
    for k, furnish in enumerate(furnishings):
        column, row = k % 3, k // 3
        span_y = (0.0, split_y) if row == 0 else (split_y, depth)
        x0, x1 = edges_x[column], edges_x[column + 1]
        name = "foyer" if furnish is _foyer else f"gallery {k + 1}"
        rooms.append(Room(name, (x0, span_y[0]), (x1, span_y[1]), floor, furnish))
        if column:
            hole = _passage(generator, span_y[1] - span_y[0])
            walls.append(Wall((x0, span_y[0]), (x0, span_y[1]), _WALL_M, hole))
        if row:
            hole = _passage(generator, x1 - x0) if generator.random() < 0.7 else ()
            walls.append(Wall((x0, split_y), (x1, split_y), _WALL_M, hole))
    material = str(generator.choice(["brick", "plaster"]))
    entrance = Opening(OpeningKind.GLASS_DOOR, (edges_x[2] + core_x) / 2, 1.3, 0.0, 2.3)
    blind = [bool(generator.random() < 0.6) for _ in range(2)]
    walls += [
        *strip.walls,
        *shell(
            length,
            depth,
            material,
            windows(generator, edges_x[:3], blind, 0.9, 2.7),
            (*windows(generator, edges_x[:3], blind[::-1], 0.9, 2.7), entrance),
            windows(generator, [0.0, split_y, depth], sill_m=0.9, top_m=2.7),
            windows(generator, strip.edges_m, strip.blind, 0.9),
        ),
    ]
    ceiling = generator.uniform(3.8, 4.4)
    return FloorPlan((*rooms, *strip.rooms), tuple(walls), ceiling, people=5)


def _passage(generator: np.random.Generator, length_m: float) -> tuple[Opening, ...]:
    """A wide opening somewhere in the middle of a wall between galleries."""
    width, top = generator.uniform(1.6, 2.4), generator.uniform(2.4, 2.8)
    centre = length_m * generator.uniform(0.38, 0.62)
    return (Opening(OpeningKind.PASSAGE, centre, width, 0.0, top),)


def _paintings(room: Room, furnisher: Furnisher) -> None:
    """Pictures on all walls, a bench in the middle, a rope before one wall."""
    generator = furnisher.generator
    lamps(room, furnisher)

    def canvas() -> Scene:
        return furniture_halls.picture(generator.uniform(0.7, 2.0), generator.uniform(0.7, 1.4))

    for side in range(4):
        line_wall(room, furnisher, canvas, side, (0.08, 0.95), most=3, gap_m=0.8)
    turned = float(generator.choice([0.0, np.pi / 2]))
    for shift in (-0.6, 0.6):
        where = (*room.centre_m.tolist(), turned)
        furnisher.place(room, furniture.bench(1.8), *beside(where, shift, 0.0), turned)
    side = int(generator.integers(4))
    x, y = room.centre_m + (room.size_m / 2 - 1.3) * ((-1, 0), (0, -1), (1, 0), (0, 1))[side]
    rope = furniture_halls.rope_barrier(generator.uniform(2.2, 3.2))
    furnisher.place(room, rope, x, y, 0.0 if side % 2 == 0 else np.pi / 2)


def _sculptures(room: Room, furnisher: Furnisher) -> None:
    """Figures on pedestals, some behind a rope, benches, a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    low, high = furnisher.inner_m(room)
    for x, y in grid_points(low + 0.6, high - 0.6, (2.2, 2.2)):
        x_moved, y_moved = np.array([x, y]) + generator.uniform(-0.3, 0.3, 2)
        figure = furniture_halls.sculpture(generator)
        if furnisher.place(room, figure, x_moved, y_moved) and generator.random() < 0.3:
            rope = furniture_halls.rope_barrier(1.2)
            furnisher.place(room, rope, x_moved, y_moved - 0.75, np.pi / 2)
    for _ in range(2):
        furnisher.place_along_walls(room, furniture.bench(generator.uniform(1.4, 1.9)))


def _showcases(room: Room, furnisher: Furnisher) -> None:
    """Glass cases in the room and along its walls, pictures, a bench."""
    generator = furnisher.generator
    lamps(room, furnisher)
    low, high = furnisher.inner_m(room)
    case = partial(furniture_halls.showcase, generator.uniform(1.0, 1.6))
    turned = float(generator.choice([0.0, np.pi / 2]))
    for x, y in grid_points(low + 0.8, high - 0.8, (2.3, 2.3)):
        furnisher.place(room, case(), x, y, turned)
    for side in generator.permutation(4)[:2]:
        line_wall(room, furnisher, case, int(side), most=2, gap_m=0.5)
    furnisher.place_along_walls(room, furniture.bench())
    furnisher.place_along_walls(room, furniture_halls.picture())


def _foyer(room: Room, furnisher: Furnisher) -> None:
    """The ticket desk, ropes to queue between, benches, bins, plants."""
    generator = furnisher.generator
    lamps(room, furnisher)
    desk = furniture_halls.counter(generator.uniform(1.8, 2.6), 0.8)
    for _ in range(10):
        x, y = room.centre_m + 0.5 * generator.uniform(-1, 1, 2)
        where = (float(x), float(y), float(generator.choice([0.0, np.pi])))
        if furnisher.place(room, desk, *where):
            for left in (-0.6, 0.6):
                at = beside(where, 1.4, left)
                furnisher.place(room, furniture_halls.rope_barrier(1.4), *at, where[2] + np.pi / 2)
            break
    furnisher.place_along_walls(room, furniture.bench(1.8))
    furnisher.place_along_walls(room, furniture.recycling_bins(3))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.65, "metal"))
    furnisher.place_along_walls(room, furniture.plant(generator))


def _cloakroom(room: Room, furnisher: Furnisher) -> None:
    """Lockers and a bench, a bin."""
    lamps(room, furnisher)
    for side in (1, 3):
        line_wall(room, furnisher, lambda: furniture.lockers(4), side, (0.3, 1.0))
    furnisher.place_along_walls(room, furniture.bench(1.2))
    furnisher.place_along_walls(room, furniture.trashcan(0.17, 0.5))


def _shop(room: Room, furnisher: Furnisher) -> None:
    """Tables and shelves with books, a counter."""
    generator = furnisher.generator
    lamps(room, furnisher)
    furnisher.place_along_walls(room, furniture_halls.counter(1.5))
    furnisher.place_anywhere(room, furniture.table(0.8, 1.4), margin_m=0.5)
    case = partial(furniture_halls.bookcase, generator, 1.2, 2.0, double=False)
    line_wall(room, furnisher, case, 2, most=2)
    clutter(room, furnisher, 2)
