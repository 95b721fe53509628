"""The wall that is looked through, as the camera sees it, and whether there is a gap in it.

What lies behind a wall is heard only beyond its surface. Through an open door the camera sees
farther; with the room's end taken for the wall, nobody before that end would be heard.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BEYOND_M = 0.3
"""Behind the wall's surface, from which a point is not of it."""
MOST_BEYOND = 0.03
"""Share of the points there that may be: mirrors and freaks."""
_LEAST_SHARE = 0.15
"""Of the points, that a wall holds."""
_TOLERANCE_M, _TOLERANCE_PER_M = 0.04, 0.01
"""From a plane to its points, and more with the square of the depth, as a sensor's noise."""
_LEAST_FACING = 0.5
"""Of a wall's normal, straight ahead; a floor has none."""
_POINTS, _TRIES = 600, 80
_DEPTH = 2


@dataclass(frozen=True)
class SeenWall:
    """The plane that most of the points lie on, of those that face the camera.

    Attributes:
        ahead_m: where it is, straight ahead of the radar.
        share: of the points that lie on it.
        beyond_share: of the points more than BEYOND_M behind it.
        beyond_m: median of how far ahead those are; NaN without any.
    """

    ahead_m: float
    share: float
    beyond_share: float
    beyond_m: float


def seen_wall(points_m: NDArray[np.floating]) -> SeenWall | None:
    """Find the wall (RANSAC, Fischler and Bolles 1981).

    Args:
        points_m: (n, 3) right, up and depth.

    Returns:
        None where no plane holds enough of the points.
    """
    points = np.asarray(points_m, np.float64)
    points = points[:: max(1, len(points) // _POINTS)]
    if len(points) < 3:
        return None
    # the same draws for every frame: what is said of a still scene does not flicker
    triples = np.random.default_rng(0).integers(len(points), size=(_TRIES, 3))
    first, second, third = (points[triples[:, one]] for one in range(3))
    normals = np.cross(second - first, third - first)
    lengths = np.linalg.norm(normals, axis=1)
    normals /= np.where(lengths > 0, lengths, 1.0)[:, None]
    normals *= np.sign(normals[:, _DEPTH])[:, None]  # away from the camera
    facing = normals[:, _DEPTH] >= _LEAST_FACING
    if not facing.any():
        return None
    normals, first = normals[facing], first[facing]
    behind_m = points @ normals.T - np.sum(first * normals, axis=1)
    tolerance_m = _TOLERANCE_M + _TOLERANCE_PER_M * points[:, _DEPTH, None] ** 2
    near = np.abs(behind_m) < tolerance_m
    best = int(near.sum(axis=0).argmax())
    share = float(near[:, best].mean())
    if share < _LEAST_SHARE:
        return None
    beyond = behind_m[:, best] > BEYOND_M
    return SeenWall(
        ahead_m=float(first[best] @ normals[best] / normals[best, _DEPTH]),
        share=share,
        beyond_share=float(beyond.mean()),
        beyond_m=float(np.median(points[beyond, _DEPTH])) if beyond.any() else np.nan,
    )


def gap_in_wall(points_m: NDArray[np.floating]) -> str:
    """Why what the camera sees is no wall to look through; empty where it is one.

    Args:
        points_m: (n, 3) right, up and depth.
    """
    wall = seen_wall(points_m)
    if wall is None:
        return "no flat surface fills enough of the image: the camera must see the wall"
    if wall.beyond_share > MOST_BEYOND:
        return (
            f"the camera sees past the wall at {wall.ahead_m:.1f} m ({wall.beyond_share:.0%} of it "
            f"is {wall.beyond_m:.1f} m away): is a door open? Close it, or turn both away from it"
        )
    return ""
