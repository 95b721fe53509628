"""How far a point on the floor is from the nearest thing that the robot could hit."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from mmwave.simulation.scene import Scene

CELL_M = 0.01
"""Side of a cell of the distance map."""

BODY_BAND_M = (0.03, 1.2)
"""Heights that the robot sweeps: above the floor, below its mast's top."""


@dataclass(frozen=True)
class FreeSpace:
    """Distance map of a storey.

    Attributes:
        low_m: (2,) corner of the map.
        distance_m: (y, x) float32 distance from each cell's centre to the nearest obstacle.
    """

    low_m: NDArray[np.float64]
    distance_m: NDArray[np.float32]

    def clearance_m(self, points_m: ArrayLike) -> NDArray[np.float64]:
        """Distance to the nearest obstacle in the robot's height band.

        Args:
            points_m: (..., 2) points on the floor.

        Returns:
            (...) metres, 0 in an obstacle and outside of the map; accurate to 1.5 cm.
        """
        points = np.asarray(points_m, dtype=np.float64)
        cells = ((points - self.low_m) / CELL_M - 0.5).reshape(-1, 2)
        distance = map_coordinates(self.distance_m, cells.T[::-1], order=1, mode="constant")
        return distance.astype(np.float64).reshape(points.shape[:-1])


def free_space(
    scene: Scene, low_m: ArrayLike, high_m: ArrayLike, band_m: tuple[float, float] = BODY_BAND_M
) -> FreeSpace:
    """Draw what stands in the height band into a map and measure the distance to it.

    Args:
        scene: the static building.
        low_m: (2,) corner of the storey.
        high_m: (2,) opposite corner; outside of it everything is an obstacle.
        band_m: lowest and highest height that matters.

    Returns:
        The distance map.
    """
    low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
    columns, rows = np.ceil((high - low) / CELL_M).astype(int)
    grid = np.full((int(rows), int(columns)), 255, np.uint8)
    grid[[0, -1]] = 0
    grid[:, [0, -1]] = 0
    bits = 4
    for outline in band_outlines(scene, band_m):
        pixels = np.round(((outline - low) / CELL_M - 0.5) * 2**bits).astype(np.int32)
        cv2.fillPoly(grid, [pixels], 0, shift=bits)
    return FreeSpace(low, cv2.distanceTransform(grid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * CELL_M)


def band_outlines(scene: Scene, band_m: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Top view (K, 2) of the part of every face that lies between two heights."""
    corners = scene.vertices_m[scene.faces]
    z = corners[..., 2]
    touching = (z.max(axis=1) >= band_m[0]) & (z.min(axis=1) <= band_m[1])
    outlines = []
    for triangle in corners[touching]:
        polygon = _clip(_clip(triangle, band_m[0], 1.0), band_m[1], -1.0)
        if len(polygon):
            outlines.append(polygon[:, :2])
    return outlines


def _clip(polygon: NDArray[np.float64], level: float, sign: float) -> NDArray[np.float64]:
    """Part of a polygon (K, 3) where ``sign * (z - level) >= 0`` (Sutherland-Hodgman)."""
    if len(polygon) == 0:
        return polygon
    height = sign * (polygon[:, 2] - level)
    if np.all(height >= 0):
        return polygon
    kept = []
    for here in range(len(polygon)):
        there = (here + 1) % len(polygon)
        if height[here] >= 0:
            kept.append(polygon[here])
        if (height[here] >= 0) != (height[there] >= 0):
            share = height[here] / (height[here] - height[there])
            kept.append(polygon[here] + share * (polygon[there] - polygon[here]))
    return np.array(kept).reshape(-1, 3)
