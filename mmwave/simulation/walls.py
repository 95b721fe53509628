"""Triangles of a floor plan: walls with real holes, door leaves, windows, elevators, floors."""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation import meshes
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Wall
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import Scene, SemanticClass

_LEAF_M = 0.045  # thickness of a door leaf
_PANE_M = 0.012  # thickness of a pane of glass
_JAMB_M = 0.05  # width of a door or window frame
_INSET_M = 0.005  # how deep one part reaches into the next, so that no ray slips between
_HANDLE_HEIGHT_M = 1.02


def wall_mesh(wall: Wall, height_m: float) -> Scene:
    """Both faces of a wall with its holes, their reveals, and the ends.

    Args:
        wall: where it stands.
        height_m: from the floor to the ceiling, which closes it above.

    Returns:
        A mesh that is closed but for the top and bottom, which floor and ceiling hide.
    """
    label = Label(SemanticClass.WALL, wall.material)
    half = wall.thickness_m / 2
    parts: list[Scene] = []

    def face(s0: float, s1: float, z0: float, z1: float) -> None:
        if s1 - s0 < 1e-9 or z1 - z0 < 1e-9:
            return
        parts.append(_panel(wall, (s0, -half, z0), (s1, -half, z0), (0, 0, z1 - z0), label))
        parts.append(_panel(wall, (s1, half, z0), (s0, half, z0), (0, 0, z1 - z0), label))

    edge = 0.0
    for hole in wall.sorted_openings:
        face(edge, hole.low_m, 0.0, height_m)
        face(hole.low_m, hole.high_m, 0.0, hole.sill_m)
        face(hole.low_m, hole.high_m, hole.top_m, height_m)
        parts.extend(_reveals(wall, hole, half, label))
        edge = hole.high_m
    face(edge, wall.length_m, 0.0, height_m)
    up = (0.0, 0.0, height_m)
    parts.append(_panel(wall, (0.0, half, 0.0), (0.0, -half, 0.0), up, label))
    end = wall.length_m
    parts.append(_panel(wall, (end, -half, 0.0), (end, half, 0.0), up, label))
    return Scene.merge(parts)


def _reveals(wall: Wall, hole: Opening, half: float, label: Label) -> Iterator[Scene]:
    low, high, sill, top = hole.low_m, hole.high_m, hole.sill_m, hole.top_m
    up = (0.0, 0.0, top - sill)
    yield _panel(wall, (low, -half, sill), (low, half, sill), up, label)
    yield _panel(wall, (high, half, sill), (high, -half, sill), up, label)
    across = (0.0, 2 * half, 0.0)
    yield _panel(wall, (high, -half, top), (low, -half, top), across, label)
    if sill > 0:
        yield _panel(wall, (low, -half, sill), (high, -half, sill), across, label)


def _to_world(wall: Wall, point: tuple[float, float, float]) -> NDArray[np.float64]:
    """Wall coordinates (along, to the left, up) to world."""
    flat = wall.point_m(point[0]) + point[1] * wall.left
    return np.array([flat[0], flat[1], point[2]])


def _panel(
    wall: Wall,
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    side: tuple[float, float, float],
    label: Label,
) -> Scene:
    """A rectangle with the edge first-second and the other edge shifted by ``side``."""
    a, b = _to_world(wall, first), _to_world(wall, second)
    shift = _to_world(wall, side) - _to_world(wall, (0.0, 0.0, 0.0))
    return meshes.quad(np.stack([a, b, b + shift, a + shift]), label)


def _block(
    wall: Wall,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    label: Label,
) -> Scene:
    """A box in wall coordinates."""
    scene = meshes.box(low, high, label)
    yaw = float(np.arctan2(wall.direction[1], wall.direction[0]))
    return meshes.moved(scene, (*wall.start_m, 0.0), yaw)


def opening_mesh(wall: Wall, hole: Opening, instance_id: int) -> Scene:
    """Frame, leaf, pane or panels that fill one opening, as one object.

    Args:
        wall: the wall that it is in.
        hole: the opening.
        instance_id: number of the object.

    Returns:
        The mesh; empty for a passage.
    """
    if hole.kind is OpeningKind.PASSAGE:
        return meshes.empty()
    if hole.kind is OpeningKind.WINDOW:
        return _window(wall, hole, instance_id)
    if hole.kind is OpeningKind.ELEVATOR:
        return _elevator_doors(wall, hole, instance_id)
    return _door(wall, hole, instance_id)


def _frame(wall: Wall, hole: Opening, label: Label, jamb_m: float) -> list[Scene]:
    """Left, right and upper frame, through the wall and a little proud, beside the clear width."""
    half = wall.thickness_m / 2 + 0.015
    low, high, sill, top = hole.low_m, hole.high_m, hole.sill_m, hole.top_m
    inset = _INSET_M  # covers the wall's own reveal
    return [
        _block(wall, (low - jamb_m, -half, sill), (low + inset, half, top + jamb_m), label),
        _block(wall, (high - inset, -half, sill), (high + jamb_m, half, top + jamb_m), label),
        _block(wall, (low + inset, -half, top - inset), (high - inset, half, top + jamb_m), label),
    ]


def _door(wall: Wall, hole: Opening, instance_id: int) -> Scene:
    glazed = hole.kind is OpeningKind.GLASS_DOOR
    frame = Label(SemanticClass.DOOR, "metal" if glazed else "wood", instance_id)
    parts = _frame(wall, hole, frame, _JAMB_M)
    double = hole.kind is OpeningKind.DOUBLE_DOOR
    hinges = (False, True) if double else (hole.hinge_at_end,)
    width = hole.width_m / len(hinges)
    gap = 0.006 if hole.swing_rad else -_INSET_M  # a closed leaf sits in its rebate
    for at_end in hinges:
        leaf = _leaf((gap, gap), (width - gap, hole.top_m - gap), glazed, instance_id)
        parts.append(_hang(wall, hole, leaf, at_end))
    return Scene.merge(parts)


def _leaf(
    low: tuple[float, float], high: tuple[float, float], glazed: bool, instance_id: int
) -> Scene:
    """A door leaf in the x-z plane, from near the hinge at the origin along +x."""
    metal = Label(SemanticClass.DOOR, "metal", instance_id)
    (start, bottom), (end, top), half = low, high, _LEAF_M / 2
    if glazed:
        pane = Label(SemanticClass.DOOR, "glass", instance_id)
        rim, kick, inset, thin = 0.07, 0.14, _INSET_M, _PANE_M / 2
        parts = [
            meshes.box((start, -half, bottom), (start + rim, half, top), metal),
            meshes.box((end - rim, -half, bottom), (end, half, top), metal),
            meshes.box((start + rim, -half, bottom), (end - rim, half, kick), metal),
            meshes.box((start + rim, -half, top - rim), (end - rim, half, top), metal),
            meshes.box(
                (start + rim - inset, -thin, kick - inset),
                (end - rim + inset, thin, top - rim + inset),
                pane,
            ),
        ]
    else:
        wood = Label(SemanticClass.DOOR, "wood", instance_id)
        parts = [meshes.box((start, -half, bottom), (end, half, top), wood)]
    for side in (-1, 1):
        y0, y1 = sorted((side * half, side * (half + 0.05)))
        handle = (end - 0.17, y0, _HANDLE_HEIGHT_M), (end - 0.07, y1, _HANDLE_HEIGHT_M + 0.025)
        parts.append(meshes.box(*handle, metal))
    return Scene.merge(parts)


def _hang(wall: Wall, hole: Opening, leaf: Scene, at_end: bool) -> Scene:
    """Put a leaf at its hinge; an open leaf hangs at the face of the wall that it swings to."""
    yaw = float(np.arctan2(wall.direction[1], wall.direction[0]))
    swing = hole.swing_rad
    offset = np.sign(swing) * (wall.thickness_m / 2 + _LEAF_M / 2 + 0.02) if swing else 0.0
    if at_end:
        hinge = wall.point_m(hole.high_m)
        turned = yaw + np.pi - swing
    else:
        hinge = wall.point_m(hole.low_m)
        turned = yaw + swing
    if swing:  # the leaf's thickness lies outside of the clear width
        hinge = hinge + (1 if at_end else -1) * (_LEAF_M / 2 + 0.01) * wall.direction
    position = hinge + offset * wall.left
    return meshes.moved(leaf, (position[0], position[1], 0.0), turned)


def _window(wall: Wall, hole: Opening, instance_id: int) -> Scene:
    rim = Label(SemanticClass.WINDOW, "plastic", instance_id)
    pane = Label(SemanticClass.WINDOW, "glass", instance_id)
    sashes = max(1, round(hole.width_m / 1.1))
    edges = np.linspace(hole.low_m, hole.high_m, sashes + 1)
    half, bar, inset = 0.03, 0.06, _INSET_M
    start, end = hole.low_m - inset, hole.high_m + inset
    bottom, top = hole.sill_m, hole.top_m
    parts = [
        _block(wall, (start, -half, bottom - inset), (end, half, bottom + bar), rim),
        _block(wall, (start, -half, top - bar), (end, half, top + inset), rim),
    ]
    for edge in edges:
        low = min(max(edge - bar / 2, start), end - bar)
        upright = (low, -half, bottom + bar - inset), (low + bar, half, top - bar + inset)
        parts.append(_block(wall, *upright, rim))
    for low, high in itertools.pairwise(edges):
        corner = (low + bar / 2 - inset, -_PANE_M / 2, bottom + bar - inset)
        opposite = (high - bar / 2 + inset, _PANE_M / 2, top - bar + inset)
        parts.append(_block(wall, corner, opposite, pane))
    return Scene.merge(parts)


def _elevator_doors(wall: Wall, hole: Opening, instance_id: int) -> Scene:
    metal = Label(SemanticClass.ELEVATOR, "metal", instance_id)
    parts = _frame(wall, hole, metal, 0.12)
    shift = hole.swing_rad * hole.width_m / 2
    half = 0.02
    for low, high in (
        (hole.low_m - shift, hole.centre_m - shift - 0.003),
        (hole.centre_m + shift + 0.003, hole.high_m + shift),
    ):
        clipped = max(low, hole.low_m), min(high, hole.high_m)
        if clipped[1] - clipped[0] > 0.02:
            parts.append(
                _block(wall, (clipped[0], -half, 0.0), (clipped[1], half, hole.top_m), metal)
            )
    side = wall.thickness_m / 2
    for face in (-1.0, 1.0):  # call buttons
        near, far = sorted((face * side, face * (side + 0.02)))
        start = hole.high_m + 0.25
        parts.append(_block(wall, (start, near, 0.95), (start + 0.1, far, 1.25), metal))
    return Scene.merge(parts)


def floors_and_ceilings(plan: FloorPlan) -> Scene:
    """One patch of floor and one of ceiling a room."""
    parts = []
    for room in plan.rooms:
        (x0, y0), (x1, y1) = room.low_m, room.high_m
        floor = Label(SemanticClass.FLOOR, room.floor)
        ceiling = Label(SemanticClass.CEILING, "plaster")
        z = plan.ceiling_m
        parts.append(meshes.quad([(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)], floor))
        parts.append(meshes.quad([(x0, y0, z), (x0, y1, z), (x1, y1, z), (x1, y0, z)], ceiling))
    return Scene.merge(parts)
