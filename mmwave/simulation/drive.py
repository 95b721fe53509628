"""Finds a closed drive through a building: through an open doorway and back where it fits."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Wall
from mmwave.simulation.free_space import CELL_M, FreeSpace
from mmwave.simulation.trajectory import DRIVE_DURATION_S, ClosedLoop

CLEARANCE_M = 0.4
"""Distance that the middle of the robot keeps from everything."""

_MAP_ERROR_M = 0.02
_LONGEST_M = 3.7  # 10.5 s at a mean of 0.35 m/s
_SHORTEST_M = 2.4
_FASTEST_MPS = 0.55
_VARIATION = 0.55
_ANGLES = 2 * np.pi * np.arange(240) / 240 + np.pi / 2
_KNOTS = slice(None, None, 10)


def drive_along(points_m: NDArray[np.float64], duration_s: float = DRIVE_DURATION_S) -> ClosedLoop:
    """The drive round a closed curve, slowest at its start and twice a period.

    Args:
        points_m: (K, 2) points of the curve.
        duration_s: period.

    Raises:
        ValueError: too fast for the robot in that time.
    """
    steady = ClosedLoop(points_m, duration_s, speed_variation=0.0)
    mean_mps = steady.length_m / duration_s
    variation = float(np.clip(_FASTEST_MPS / mean_mps - 1.0, 0.0, _VARIATION))
    return ClosedLoop(points_m, duration_s, speed_variation=variation, speed_phase_rad=np.pi)


def plan_drive(
    plan: FloorPlan, free: FreeSpace, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Points of a closed drive that keeps :data:`CLEARANCE_M` from everything that stands still.

    Args:
        plan: where the doorways are.
        free: the distance map of the static building.
        generator: picks one of the long drives.

    Returns:
        (K, 2) points: a figure of eight through an open door, else through any passage, else an
        oval in the open; among those that fit, one of the longest.

    Raises:
        ValueError: the building has no room for the robot.
    """
    holes = [(wall, hole) for wall in plan.walls for hole in wall.openings if hole.walkable]
    doors = [pair for pair in holes if pair[1].kind is not OpeningKind.PASSAGE]
    passages = [pair for pair in holes if pair[1].kind is OpeningKind.PASSAGE]
    for choices in (doors, passages):
        figures = [_eights(wall, hole) for wall, hole in choices]
        best = _one_of_the_longest(np.concatenate(figures), free, generator) if figures else None
        if best is not None:
            return best[_KNOTS]
    best = _one_of_the_longest(_ovals(free), free, generator)
    if best is None:
        raise ValueError("no space for the robot to drive: the building is too full")
    return best[_KNOTS]


def _one_of_the_longest(
    curves: NDArray[np.float64], free: FreeSpace, generator: np.random.Generator
) -> NDArray[np.float64] | None:
    """Of the curves (curve, point, 2) that fit, one within 10 % of the longest; None if none."""
    steps = np.linalg.norm(np.diff(curves, axis=1, append=curves[:, :1]), axis=2)
    length = steps.sum(axis=1)
    roomy = free.clearance_m(curves).min(axis=1) >= CLEARANCE_M + _MAP_ERROR_M
    fits = roomy & (length <= _LONGEST_M) & (length >= _SHORTEST_M)
    if not fits.any():
        return None
    choices = np.flatnonzero(fits & (length >= 0.9 * length[fits].max()))
    curve = curves[int(generator.choice(choices))]
    return curve[::-1] if generator.random() < 0.5 else curve


def _eights(wall: Wall, hole: Opening) -> NDArray[np.float64]:
    """Figures of eight (figure, point, 2) that cross themselves in the middle of a doorway."""
    centre = wall.point_m(hole.centre_m)
    sine, twice = np.sin(_ANGLES), np.sin(2 * _ANGLES)
    figures = []
    for there, back in product((1.1, 1.0, 0.9, 0.8, 0.7), repeat=2):
        through = ((there + back) / 2 + (there - back) / 2 * sine) * sine
        for wide, narrow in product((0.34, 0.28, 0.22, 0.16), repeat=2):
            across = ((wide + narrow) / 2 + (wide - narrow) / 2 * sine) * twice
            figures.append(through[:, None] * wall.left + across[:, None] * wall.direction)
    return centre + np.array(figures)


def _ovals(free: FreeSpace) -> NDArray[np.float64]:
    """Ovals (oval, point, 2) about the place that is farthest from everything."""
    row, column = np.unravel_index(int(np.argmax(free.distance_m)), free.distance_m.shape)
    centre = free.low_m + CELL_M * (np.array([column, row]) + 0.5)
    round_trip = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1)
    axes = np.array(list(product((0.8, 0.65, 0.5, 0.4), (0.65, 0.5, 0.4))))
    return centre + axes[:, None] * round_trip
