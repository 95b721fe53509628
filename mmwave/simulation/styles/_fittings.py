"""What belongs to a building rather than to a room's use: lamps, radiators."""

import numpy as np

from mmwave.simulation import furniture, meshes
from mmwave.simulation.floor_plan import OpeningKind, Room
from mmwave.simulation.furnishing import Furnisher


def lamps(room: Room, furnisher: Furnisher, spacing_m: float = 2.4) -> None:
    """Rows of lamps along the room's longer side, under the ceiling."""
    size = room.size_m
    long = int(np.argmax(size))
    counts = [max(1, int(length / spacing_m)) for length in size]
    if size.min() < 3.6:
        counts[1 - long] = 1
    yaw = 0.0 if long == 0 else np.pi / 2
    lamp = furniture.ceiling_lamp(furnisher.plan.ceiling_m)
    for x in room.low_m[0] + size[0] * (np.arange(counts[0]) + 0.5) / counts[0]:
        for y in room.low_m[1] + size[1] * (np.arange(counts[1]) + 0.5) / counts[1]:
            furnisher.add(meshes.moved(lamp, (x, y, 0.0), yaw))


def radiators(room: Room, furnisher: Furnisher) -> None:
    """A radiator under every high window of the room's outer walls."""
    low, high = furnisher.inner_m(room)
    for wall in furnisher.plan.walls:
        across = int(abs(wall.direction[0]) > 0.5)
        at = wall.start_m[across]
        if wall.thickness_m < 0.2 or not low[across] - 0.5 < at < high[across] + 0.5:
            continue
        for hole in wall.openings:
            where = wall.point_m(hole.centre_m)
            inside = low[1 - across] < where[1 - across] < high[1 - across]
            if hole.kind is not OpeningKind.WINDOW or hole.sill_m < 0.7 or not inside:
                continue
            below = at < low[across]
            where[across] = low[across] + 0.04 if below else high[across] - 0.04
            inward = np.zeros(2)
            inward[across] = 1.0 if below else -1.0
            yaw = float(np.arctan2(inward[1], inward[0]))
            thing = furniture.radiator(0.7 * hole.width_m)
            furnisher.place(room, thing, where[0], where[1], yaw, wall_gap_m=0.0)
