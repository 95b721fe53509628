"""Specular reflection: flat faces joined into planes, and how much of a plane acts as a mirror.

The field a flat surface returns at normal incidence is the integral of exp(2 j k rho^2 / 2 R) over
it. Over an infinite plane it amounts to an area of lambda R / 2, which gives the image method's
radar cross-section pi R^2 |Gamma|^2; over a plate that is small against it to its own area A and
4 pi A^2 / lambda^2 (Balanis, Advanced Engineering Electromagnetics, chapter 11). So the share of a
disc of that area, with a Gaussian edge, that the radar sees on the plane serves as the amplitude
for plates, edges, door openings and things that stand in front alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.materials import MATERIALS
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.surface import face_areas_m2, face_normals
from mmwave.simulation.truth import RayCaster

SMALLEST_PLANE_M2 = 0.1
RAYS_PER_PLANE = 32
NO_PLANE = -1


@dataclass(frozen=True)
class Planes:
    """Flat surfaces of a scene.

    Attributes:
        plane_of_face: (face,) plane of each face, :data:`NO_PLANE` where it belongs to none.
        normal: (plane, 3) unit normal.
        offset_m: (plane,) distance of the plane from the origin along its normal.
        reflection: (plane,) amplitude reflection coefficient, the mean over the plane's area.
        low_m: (face, 3) lower corner of the box about each face.
        high_m: (face, 3) upper corner.
    """

    plane_of_face: NDArray[np.int64]
    normal: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    reflection: NDArray[np.float64]
    low_m: NDArray[np.float64]
    high_m: NDArray[np.float64]

    @staticmethod
    def find(scene: Scene, face_reflection: NDArray[np.floating] | None = None) -> "Planes":
        """Join coplanar faces of the same instance's shell; people are not flat and left out.

        Args:
            scene: the faces.
            face_reflection: (face,) amplitude reflection coefficient, NaN for that of the face's
                material; all so without it.
        """
        normal, area = face_normals(scene), face_areas_m2(scene)
        corners = scene.vertices_m[scene.faces]
        offset = np.einsum("fc,fc->f", normal, corners[:, 0])
        # a fraction keeps round coordinates off the borders between two steps
        key = np.column_stack([np.round(normal * 500 + 0.137), np.round(offset * 200 + 0.137)])
        _, group = np.unique(key, axis=0, return_inverse=True)
        group = group.ravel()
        flat = (scene.class_id != SemanticClass.PERSON) & (area > 0)
        total = np.bincount(group, area * flat)
        kept = np.flatnonzero(total >= SMALLEST_PLANE_M2)
        renumber = np.full(len(total), NO_PLANE, np.int64)
        renumber[kept] = np.arange(len(kept))
        of_material = np.array([material.specular_reflection for material in MATERIALS])
        gamma = of_material[scene.material_id]
        if face_reflection is not None:
            gamma = np.where(np.isnan(face_reflection), gamma, face_reflection)
        mean = np.bincount(group, area * flat * gamma)[kept] / total[kept]
        weighted = [np.bincount(group, area * flat * normal[:, c])[kept] for c in range(3)]
        unit = np.column_stack(weighted) if len(kept) else np.zeros((0, 3))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        return Planes(
            np.where(flat, renumber[group], NO_PLANE),
            unit,
            np.bincount(group, area * flat * offset)[kept] / total[kept],
            mean,
            corners.min(axis=1),
            corners.max(axis=1),
        )

    def distance_m(self, point_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Signed distance (plane,) of a point in front of each plane."""
        return self.normal @ point_m - self.offset_m

    def mirrored(self, plane: int, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mirror images of points (..., 3) in one plane."""
        normal = self.normal[plane]
        distance = points_m @ normal - self.offset_m[plane]
        return points_m - 2 * distance[..., None] * normal

    def visible(
        self,
        caster: RayCaster,
        centre_m: NDArray[np.float64],
        radius_m: float,
        wavelength_m: float,
        max_range_m: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Planes that send the radar its own mirror image.

        Args:
            caster: rays into the scene the planes were found in (more faces may follow).
            centre_m: (3,) axis of the turntable at the antennas' height.
            radius_m: arm of the antenna.
            wavelength_m: of the carrier.
            max_range_m: no plane farther away.

        Returns:
            Plane numbers (visible,) and their coherent amplitude reflection (visible,).
        """
        distance = self.distance_m(centre_m)
        near = np.flatnonzero((distance > radius_m + 0.02) & (distance < max_range_m))
        foot = centre_m - distance[near, None] * self.normal[near]
        margin = 3 * np.sqrt(wavelength_m * distance[near] / (2 * np.pi))
        candidates = []
        for row, plane in enumerate(near):
            of_plane = self.plane_of_face == plane
            low, high = self.low_m[of_plane] - margin[row], self.high_m[of_plane] + margin[row]
            if np.any(np.all((low < foot[row]) & (foot[row] < high), axis=1)):
                candidates.append(row)
        chosen = near[candidates]
        if not len(chosen):
            return chosen, np.zeros(0)
        normal = self.normal[chosen]
        horizontal = np.hypot(normal[:, 0], normal[:, 1])
        arm = np.where(
            horizontal[:, None] > 1e-6,
            -normal * [1, 1, 0] / np.maximum(horizontal, 1e-6)[:, None],
            0.0,
        )
        origin = centre_m + radius_m * arm
        reach = np.einsum("pc,pc->p", normal, origin) - self.offset_m[chosen]
        target = origin - reach[:, None] * normal
        target = target[:, None, :] + _disc(normal, np.sqrt(wavelength_m * reach / (2 * np.pi)))
        way = target - origin[:, None, :]
        length = np.linalg.norm(way, axis=2, keepdims=True)
        start = np.broadcast_to(origin[:, None, :], way.shape).reshape(-1, 3)
        _, face = caster.first_hit(start, (way / length).reshape(-1, 3), 2 * max_range_m)
        struck = self.plane_at(face).reshape(len(chosen), RAYS_PER_PLANE) == chosen[:, None]
        share = struck.mean(axis=1)
        seen = share > 0.01
        return chosen[seen], share[seen] * self.reflection[chosen[seen]]

    def plane_at(self, face: NDArray[np.int64]) -> NDArray[np.int64]:
        """Planes of faces, also for face -1 and for faces that came after the planes were found."""
        inside = (face >= 0) & (face < len(self.plane_of_face))
        return np.where(inside, self.plane_of_face[np.where(inside, face, 0)], NO_PLANE)


def _disc(normal: NDArray[np.float64], scale_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets (plane, ray, 3) in each plane with the density exp(-(rho / scale)^2)."""
    share = (np.arange(RAYS_PER_PLANE) + 0.5) / RAYS_PER_PLANE
    rho = np.sqrt(-np.log1p(-share))
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(RAYS_PER_PLANE)
    helper = np.where(np.abs(normal[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    flat = (rho * np.cos(angle))[:, None] * first[:, None] + (rho * np.sin(angle))[
        :, None
    ] * second[:, None]
    return scale_m[:, None, None] * flat
