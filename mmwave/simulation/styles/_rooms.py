"""How rooms are furnished: functions ``(room, furnisher)`` that styles hand to their rooms."""

import numpy as np

from mmwave.simulation import furniture
from mmwave.simulation.floor_plan import Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.styles._fittings import lamps, radiators


def clutter(room: Room, furnisher: Furnisher, things: int) -> None:
    """Bins, plants, boxes, cupboards and shelves along the walls."""
    generator = furnisher.generator
    for _ in range(things):
        kind = int(generator.integers(6))
        if kind == 0:
            thing = furniture.plant(generator, generator.uniform(0.9, 1.5))
        elif kind == 1:
            thing = furniture.cartons(generator)
        elif kind == 2:
            thing = furniture.cupboard(generator.uniform(0.8, 1.3))
        elif kind == 3:
            thing = furniture.shelf(generator.uniform(0.9, 1.4))
        else:
            thing = furniture.trashcan(generator.uniform(0.14, 0.22), generator.uniform(0.35, 0.7))
        furnisher.place_along_walls(room, thing)


def table_with_chairs(
    room: Room,
    furnisher: Furnisher,
    centre: tuple[float, float],
    size: tuple[float, float],
    yaw_rad: float = 0.0,
) -> bool:
    """A table with chairs, pushed in a little, on both long sides.

    Args:
        room: it must fit in here.
        furnisher: places them.
        centre: x and y of its middle (m).
        size: depth and width (m); the width lies along y before it is turned.
        yaw_rad: how the group is turned.

    Returns:
        Whether the table fits; chairs without a place are left out.
    """
    generator = furnisher.generator
    depth, width = size
    if not furnisher.place(room, furniture.table(depth, width), *centre, yaw_rad, margin_m=0.1):
        return False
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    seats = int((width - 0.3) / 0.62)
    for y in 0.62 * (np.arange(seats) - (seats - 1) / 2):
        for side in (-1, 1):
            if generator.random() < 0.85:
                x = side * (depth / 2 + generator.uniform(0.0, 0.35))
                yaw = (0.0 if side < 0 else np.pi) + generator.normal(0, 0.15) + yaw_rad
                seat = furniture.chair()
                at = centre[0] + (x * cosine - y * sine), centre[1] + (x * sine + y * cosine)
                furnisher.place(room, seat, *at, yaw, margin_m=-0.26)
    return True


def round_table_with_chairs(room: Room, furnisher: Furnisher, x_m: float, y_m: float) -> bool:
    """A round table with up to four chairs about it; True if the table fits."""
    if not furnisher.place(room, furniture.round_table(), x_m, y_m, margin_m=0.5):
        return False
    for angle in furnisher.generator.uniform(0, 0.6) + np.pi / 2 * np.arange(4):
        x_seat, y_seat = x_m + 0.62 * np.cos(angle), y_m + 0.62 * np.sin(angle)
        furnisher.place(room, furniture.chair(), x_seat, y_seat, angle + np.pi, margin_m=-0.26)
    return True


def office(room: Room, furnisher: Furnisher) -> None:
    """Desks with screens and swivel chairs along the walls, cupboards, a bin."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    for _ in range(int(generator.integers(3, 6))):
        desk = furniture.table(0.8, generator.uniform(1.4, 1.8), screens=int(generator.integers(3)))
        furnisher.place_with_seat(room, desk, furniture.office_chair())
    furnisher.place_along_walls(room, furniture.trashcan(0.15, 0.4))
    clutter(room, furnisher, int(generator.integers(2, 6)))


def meeting_room(room: Room, furnisher: Furnisher) -> None:
    """A large table with chairs, a whiteboard, a plant."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    for spread in (0.2, 0.5, 0.8, 1.0, 1.2, 1.2):
        size = (generator.uniform(1.0, 1.3), generator.uniform(1.8, 2.6))
        centre = room.centre_m + spread * generator.uniform(-1, 1, 2)
        if table_with_chairs(room, furnisher, (centre[0], centre[1]), size):
            break
    board = furniture.whiteboard(generator.uniform(1.6, 2.4))
    furnisher.place_along_walls(room, board, gap_m=0.005)
    clutter(room, furnisher, int(generator.integers(1, 4)))


def lounge(room: Room, furnisher: Furnisher) -> None:
    """Sofas, round tables with chairs, bins, plants."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    furnisher.place_along_walls(room, furniture.sofa(generator.uniform(1.4, 2.0)))
    furnisher.place_along_walls(room, furniture.recycling_bins(int(generator.integers(2, 4))))
    for _ in range(int(generator.integers(2, 5))):
        x, y = generator.uniform(np.add(room.low_m, 1.2), np.subtract(room.high_m, 1.2))
        round_table_with_chairs(room, furnisher, x, y)
    clutter(room, furnisher, int(generator.integers(2, 5)))


def classroom(room: Room, furnisher: Furnisher) -> None:
    """Rows of two-seat desks that face a whiteboard in a side wall, a teacher's table."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    low, high = furnisher.inner_m(room)
    middle = (low[1] + high[1]) / 2
    board = furniture.whiteboard(generator.uniform(2.4, 3.2))
    if furnisher.place(room, board, high[0] - 0.005, middle, np.pi, wall_gap_m=0.0):
        desk = furniture.table(0.7, 1.4)
        furnisher.place(room, desk, high[0] - 1.1, middle + generator.uniform(-0.8, 0.8))
    for x in np.arange(low[0] + 1.2, high[0] - 2.2, 1.45):
        for y in np.arange(low[1] + 1.1, high[1] - 0.7, 1.75):
            if not furnisher.place(room, furniture.table(0.55, 1.25), x, y, margin_m=0.1):
                continue
            for side in (-0.3, 0.3):
                if generator.random() < 0.9:
                    back = x - 0.27 - generator.uniform(0.05, 0.3)
                    yaw = generator.normal(0, 0.12)
                    seat = furniture.chair(0.43)
                    furnisher.place(room, seat, back, y + side, yaw, margin_m=-0.26)
    furnisher.place_along_walls(room, furniture.trashcan(0.16, 0.45))
    clutter(room, furnisher, int(generator.integers(1, 4)))


def laboratory(room: Room, furnisher: Furnisher) -> None:
    """Benches along the walls with stools before them, shelves, boxes, bins."""
    generator = furnisher.generator
    lamps(room, furnisher)
    radiators(room, furnisher)
    for _ in range(int(generator.integers(2, 4))):
        bench = furniture.lab_bench(0.75, generator.uniform(1.6, 2.4))
        furnisher.place_with_seat(room, bench, furniture.office_chair(0.6))
    furnisher.place_along_walls(room, furniture.trashcan(0.2, 0.6, "metal"))
    clutter(room, furnisher, int(generator.integers(3, 6)))
