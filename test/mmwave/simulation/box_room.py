"""Rooms made by hand for the radar simulator's tests."""

import numpy as np

from mmwave.simulation.materials import MATERIAL_ID
from mmwave.simulation.scene import Scene, SemanticClass


def rectangle(corner, first, second, material="plaster", label=SemanticClass.WALL, instance=0):
    """Two triangles whose normal is first x second."""
    corner, first, second = (np.asarray(v, float) for v in (corner, first, second))
    vertices = np.array([corner, corner + first, corner + first + second, corner + second])
    return Scene(
        vertices,
        np.array([[0, 1, 2], [0, 2, 3]]),
        np.full(2, label, np.uint8),
        np.full(2, instance, np.int32),
        np.full(2, MATERIAL_ID[material], np.uint8),
    )


def box_room(low=(-4.0, -3.0, 0.0), high=(4.0, 3.0, 2.5), material="plaster"):
    """Six walls seen from inside."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
    sides = [
        ((x0, y0, z0), (dx, 0, 0), (0, dy, 0)),
        ((x0, y0, z1), (0, dy, 0), (dx, 0, 0)),
        ((x0, y0, z0), (0, dy, 0), (0, 0, dz)),
        ((x1, y0, z0), (0, 0, dz), (0, dy, 0)),
        ((x0, y0, z0), (0, 0, dz), (dx, 0, 0)),
        ((x0, y1, z0), (dx, 0, 0), (0, 0, dz)),
    ]
    return Scene.merge([rectangle(*side, material=material) for side in sides])
