"""Outer walls and their windows."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from mmwave.simulation.floor_plan import Opening, OpeningKind, Wall

OUTER_M = 0.3
"""Thickness of outer walls."""


def shell(
    length_m: float,
    depth_m: float,
    material: str,
    south: Sequence[Opening] = (),
    north: Sequence[Opening] = (),
    west: Sequence[Opening] = (),
    east: Sequence[Opening] = (),
) -> list[Wall]:
    """Four outer walls about the rectangle from (0, 0) to (length, depth), corners closed.

    Args:
        length_m: along x.
        depth_m: along y.
        material: of the walls.
        south: openings of the wall at y = 0, placed by x.
        north: of the wall at y = depth, placed by x.
        west: of the wall at x = 0, placed by y.
        east: of the wall at x = length, placed by y.
    """
    half = OUTER_M / 2

    def along_y(x: float, openings: Sequence[Opening]) -> Wall:
        shifted = tuple(
            Opening(o.kind, o.centre_m + half, o.width_m, o.sill_m, o.top_m, o.swing_rad)
            for o in openings
        )
        return Wall((x, -half), (x, depth_m + half), OUTER_M, shifted, material)

    return [
        Wall((0.0, 0.0), (length_m, 0.0), OUTER_M, tuple(south), material),
        Wall((0.0, depth_m), (length_m, depth_m), OUTER_M, tuple(north), material),
        along_y(0.0, west),
        along_y(length_m, east),
    ]


def windows(
    generator: np.random.Generator,
    edges_m: ArrayLike,
    blind: Sequence[bool] | None = None,
    sill_m: float | None = None,
    top_m: float = 2.2,
) -> tuple[Opening, ...]:
    """One or two windows in each bay of an outer wall.

    Args:
        generator: source of randomness.
        edges_m: (K + 1,) where the bays begin and end along the wall.
        blind: (K,) bays without a window.
        sill_m: height of the sills; None draws one.
        top_m: height of the lintels.
    """
    holes = []
    sill = float(generator.choice([0.3, 0.85, 0.95])) if sill_m is None else sill_m
    for i, (start, end) in enumerate(pairwise(np.asarray(edges_m, np.float64).tolist())):
        if blind is not None and blind[i]:
            continue
        count = 2 if end - start > 4.5 else 1
        bay = (end - start) / count
        for k in range(count):
            width = min(bay - 0.7, generator.uniform(1.3, 2.4))
            centre = start + (k + 0.5) * bay
            holes.append(Opening(OpeningKind.WINDOW, centre, width, sill, top_m))
    return tuple(holes)


def glazing(
    edges_m: ArrayLike, low_m: float = 0.1, top_m: float = 2.6, post_m: float = 0.16
) -> tuple[Opening, ...]:
    """Panes from edge to edge along a wall, with a post between every two.

    Args:
        edges_m: (K + 1,) where panes meet along the wall; at most 6.5 m apart.
        low_m: their lower edge above the floor.
        top_m: their upper edge above the floor.
        post_m: width of the wall that is left between them.
    """
    return tuple(
        Opening(OpeningKind.WINDOW, (start + end) / 2, end - start - post_m, low_m, top_m)
        for start, end in pairwise(np.asarray(edges_m, np.float64).tolist())
    )
