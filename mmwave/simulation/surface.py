"""Diffuse reflection: fixed points on the surfaces of a scene, each with its own phase.

A rough surface is replaced by random points on it. They stay where they are in the world (on a
person: on the same spot of the body), so that their sum, the speckle, stays coherent while the
radar moves. Near surfaces use more of the points than far ones: a resolution cell grows with
distance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mmwave.simulation.materials import MATERIALS
from mmwave.simulation.scene import Scene

DENSEST_PER_M2 = 400.0
SPARSEST_PER_M2 = 40.0
DENSITY_AT_1_M_PER_M2 = 800.0
"""Points in use per square metre at 1 m; falls with the square of the distance."""


@dataclass(frozen=True)
class SurfacePoints:
    """Points sampled on a scene at :data:`DENSEST_PER_M2`.

    Attributes:
        face: (point,) index of the face each point lies on.
        weight: (point, 3) barycentric coordinates.
        rank: (point,) uniform 0..1: the point is used where the density in use is at least
            rank * DENSEST_PER_M2.
        phase_rad: (point,) reflection phase.
        root_sigma: (point,) square root of the backscatter coefficient at normal incidence.
    """

    face: NDArray[np.int64]
    weight: NDArray[np.float64]
    rank: NDArray[np.float32]
    phase_rad: NDArray[np.float64]
    root_sigma: NDArray[np.float32]

    @staticmethod
    def sample(scene: Scene, faces: NDArray[np.int64], seed: int) -> "SurfacePoints":
        """Sample the given faces of a scene; the same seed gives the same points."""
        generator = np.random.default_rng([seed, 2])
        area = face_areas_m2(scene)[faces]
        expected = area * DENSEST_PER_M2
        count = np.floor(expected + generator.random(len(expected))).astype(np.int64)
        face = np.repeat(faces, count)
        first, second = generator.random((2, len(face)))
        root = np.sqrt(first)
        weight = np.column_stack([1 - root, root * (1 - second), root * second])
        sigma_db = np.array([material.diffuse_backscatter_db for material in MATERIALS])
        return SurfacePoints(
            face,
            weight,
            generator.random(len(face), dtype=np.float32),
            generator.uniform(0, 2 * np.pi, len(face)),
            (10 ** (sigma_db[scene.material_id[face]] / 20)).astype(np.float32),
        )

    def positions_m(self, scene: Scene) -> NDArray[np.float64]:
        """World positions (point, 3) on a scene with the same faces."""
        corners = scene.vertices_m[scene.faces[self.face]]
        return np.einsum("pk,pkc->pc", self.weight, corners)

    def normals(self, scene: Scene) -> NDArray[np.float64]:
        """Unit normals (point, 3)."""
        return face_normals(scene)[self.face]


def face_normals(scene: Scene) -> NDArray[np.float64]:
    """Unit normals (face, 3); zero for a face without area."""
    corners = scene.vertices_m[scene.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    return cross / np.maximum(length, 1e-12)


def face_areas_m2(scene: Scene) -> NDArray[np.float64]:
    """Areas (face,)."""
    corners = scene.vertices_m[scene.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.linalg.norm(cross, axis=1) / 2


@njit(cache=True, nogil=True, fastmath=True)
def facing(
    position_m: Any,
    normal: Any,
    rank: Any,
    root_sigma: Any,
    centre_m: Any,
    max_range_m: float,
    thinning: float,
    index: Any,
    strength: Any,
) -> int:
    """Points in use that face a radar, before occlusion.

    The radar cross-section of a point is sigma0 cos^2(incidence) over the density in use.

    Args:
        position_m: (point, 3).
        normal: (point, 3) unit normals.
        rank: (point,).
        root_sigma: (point,).
        centre_m: (3,) the radar.
        max_range_m: no point beyond.
        thinning: use this many times fewer points.
        index: (point,) int64, receives the points found.
        strength: (point,) float32, receives the square roots of their radar cross-sections.

    Returns:
        How many were found.
    """
    count = 0
    for i in range(position_m.shape[0]):
        dx = centre_m[0] - position_m[i, 0]
        dy = centre_m[1] - position_m[i, 1]
        dz = centre_m[2] - position_m[i, 2]
        squared = dx * dx + dy * dy + dz * dz
        if squared > max_range_m * max_range_m or squared < 1e-4:
            continue
        toward = dx * normal[i, 0] + dy * normal[i, 1] + dz * normal[i, 2]
        if toward <= 0:
            continue
        density = min(max(DENSITY_AT_1_M_PER_M2 / squared, SPARSEST_PER_M2), DENSEST_PER_M2)
        density /= thinning
        if rank[i] * DENSEST_PER_M2 > density:
            continue
        index[count] = i
        strength[count] = root_sigma[i] * toward / np.sqrt(squared * density)
        count += 1
    return count
