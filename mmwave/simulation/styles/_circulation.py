"""Furnishing of corridors, stairwells and elevators."""

import numpy as np

from mmwave.simulation import furniture, furniture_rooms, meshes
from mmwave.simulation.floor_plan import OpeningKind, Room
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.styles._entries import INTO_ROOM_RAD, entries, solid_spans
from mmwave.simulation.styles._fittings import lamps
from mmwave.simulation.styles._layout import pieces

_RISE_M, _RUN_M = 0.17, 0.28
_LONGEST_FLIGHT_M = 6.2


def corridor(room: Room, furnisher: Furnisher) -> None:
    """Bins, plants, a bench and fire extinguishers along the walls."""
    generator = furnisher.generator
    lamps(room, furnisher)
    things = [
        furniture.trashcan(0.19, 0.65),
        furniture.trashcan(0.17, 0.55, "metal"),
        furniture.plant(generator),
        furniture.fire_extinguisher(),
        furniture.bench(generator.uniform(1.2, 1.8)),
        furniture.recycling_bins(2),
        furniture.cartons(generator),
    ]
    for index in generator.permutation(len(things))[: int(generator.integers(4, 7))]:
        furnisher.place_along_walls(room, things[index])


def elevator_car(room: Room, furnisher: Furnisher) -> None:
    """A metal car behind the elevator's doors, in whichever wall of the room they are."""
    metal = Label(SemanticClass.ELEVATOR, "metal")
    half, deep, height, sheet = 0.85, 1.6, 2.3, 0.03
    car = Scene.merge(
        [
            meshes.box((-half, 0, 0), (-half + sheet, deep, height), metal),
            meshes.box((half - sheet, 0, 0), (half, deep, height), metal),
            meshes.box((-half + sheet, deep - sheet, 0), (half - sheet, deep, height), metal),
            meshes.box((-half, 0, height), (half, deep, height + sheet), metal),
            meshes.box((-half + sheet, 0, 0.001), (half - sheet, deep - sheet, 0.012), metal),
            meshes.cylinder(
                (-half + 0.1, deep - 0.09, 0.95), (half - 0.1, deep - 0.09, 0.95), 0.02, metal, 6
            ),
        ]
    )
    for entry in entries(room, furnisher.plan):
        if entry.hole.kind is OpeningKind.ELEVATOR:
            at = entry.point_m(0.05)
            yaw = float(np.arctan2(-entry.inward[0], entry.inward[1]))
            furnisher.add(meshes.moved(car, (at[0], at[1], 0.0), yaw))


def staircase(length_m: float, ceiling_m: float, width_m: float) -> tuple[Scene, Scene]:
    """A flight that climbs along +x and the railing on its right side, about its lowest step.

    Args:
        length_m: space along x.
        ceiling_m: the flight ends below it.
        width_m: of the flight.

    Returns:
        Steps and railing.
    """
    steps = int(min(length_m // _RUN_M, (ceiling_m - 0.15) // _RISE_M))
    flight = meshes.flight_of_stairs(
        steps, _RISE_M, _RUN_M, width_m, Label(SemanticClass.STAIRS, "concrete")
    )
    rail = Label(SemanticClass.RAILING, "metal")
    y = -width_m / 2 + 0.05
    rise = min(steps, int((ceiling_m - 1.05) // _RISE_M))
    railing = meshes.railing(
        (0.1, y, _RISE_M), (rise * _RUN_M - 0.1, y, rise * _RISE_M), rail, 0.95
    )
    return flight, railing


def stairwell(room: Room, furnisher: Furnisher) -> None:
    """Stairs up along the left wall, a railing beside them and one across the rest."""
    depth = float(room.size_m[1])
    width = 1.35
    flight, rail = staircase(depth - 1.7, furnisher.plan.ceiling_m, width)
    at = (room.low_m[0] + 0.1 + width / 2, room.low_m[1] + 1.5, 0.0)
    furnisher.add(meshes.moved(flight, at, np.pi / 2))
    furnisher.add(meshes.moved(rail, at, np.pi / 2))
    across = room.low_m[1] + 1.5 + furnisher.generator.uniform(0.3, 1.2)
    start, end = at[0] + width / 2 + 0.05, room.high_m[0] - 0.15
    guard = Label(SemanticClass.RAILING, "metal")
    furnisher.add(meshes.railing((start, across, 0), (end, across, 0), guard, 1.05, 4))
    furnisher.keep_free(np.asarray(room.low_m), np.asarray(room.high_m))
    lamps(room, furnisher)


def stair_room(room: Room, furnisher: Furnisher) -> None:
    """Stairs that climb away from the room's widest passage along its left wall, with railings."""
    passages = [e for e in entries(room, furnisher.plan) if e.hole.kind is OpeningKind.PASSAGE]
    entry = max(passages, key=lambda e: e.hole.width_m)
    across = abs(entry.inward[::-1])
    depth, width = float(room.size_m @ abs(entry.inward)), float(room.size_m @ across)
    front = entry.point_m() * across[::-1] + room.centre_m * across
    yaw = float(np.arctan2(entry.inward[1], entry.inward[0]))

    def put(scene: Scene) -> None:
        furnisher.add(meshes.moved(scene, (front[0], front[1], 0.0), yaw))

    lane = min(1.6, (width - 0.3) / 2)
    y, start = width / 2 - 0.1 - lane / 2, 0.9
    space = min(depth - start - 0.3, _LONGEST_FLIGHT_M)
    for part in staircase(space, furnisher.plan.ceiling_m, lane):
        put(meshes.moved(part, (start, y, 0.0)))
    x, guard = start + furnisher.generator.uniform(0.3, 1.0), Label(SemanticClass.RAILING, "metal")
    put(meshes.railing((x, y - lane / 2 - 0.05, 0), (x, 0.15 - width / 2, 0), guard, 1.05, 4))
    furnisher.keep_free(np.asarray(room.low_m), np.asarray(room.high_m))
    lamps(room, furnisher)


def wall_rails(room: Room, furnisher: Furnisher) -> None:
    """Hand rails along the room's walls, between its doors."""
    low, high = furnisher.inner_m(room)
    for side in range(4):
        axis = 1 - side % 2  # along which the wall runs
        plane = (low if side < 2 else high)[1 - axis]
        for start, end in solid_spans(room, furnisher.plan, side, margin_m=0.45):
            if end - start < 0.8:
                continue
            for first, last in pieces(start, end, 5.0):
                at = np.zeros(3)
                at[axis], at[1 - axis] = (first + last) / 2, plane
                rail = furniture_rooms.hand_rail(last - first - 0.1)
                furnisher.add(meshes.moved(rail, at, INTO_ROOM_RAD[side]))
