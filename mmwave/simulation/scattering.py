"""Shoot and bounce: which scatterers a radar sees from a place, and how strongly.

Three kinds of returns: diffuse points on every visible surface, the radar's own mirror image in
every flat surface it stands square to, and ghosts, that is diffuse points seen by way of one mirror
(antenna, wall, object and the same way back).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.fmcw import PLANE, POINT, Scatterers
from mmwave.simulation.scene import Scene
from mmwave.simulation.specular import Planes
from mmwave.simulation.surface import SurfacePoints, facing
from mmwave.simulation.truth import RayCaster

MAX_RANGE_M = 9.55
GHOST_PLANES = 5
"""Mirrors that ghosts are looked for in: the strongest, by |Gamma|^2 and solid angle."""
GHOST_THINNING = 4.0
TOUCH_M = 2e-3
_GHOST_KEY = 1 << 32
_PLANE_KEY = 1 << 56


@dataclass(frozen=True)
class View:
    """What is seen from one place at one time.

    Attributes:
        time_s: when.
        key: (scatterer,) int64, the same for the same scatterer in every view, ascending.
        position_m: (scatterer, 3).
        strength: (scatterer,) see :class:`mmwave.simulation.fmcw.Scatterers`; what moves is listed
            with strength 0 while it is hidden.
        phase_rad: (scatterer,).
        kind: (scatterer,).
        axis: (scatterer, 3).
    """

    time_s: float
    key: NDArray[np.int64]
    position_m: NDArray[np.float64]
    strength: NDArray[np.float32]
    phase_rad: NDArray[np.float64]
    kind: NDArray[np.uint8]
    axis: NDArray[np.float64]


class Reflectors:
    """Everything in a building that reflects.

    Args:
        scene_at: the scene at a time; always the same faces, those that stand still first.
        static_faces: how many of them stand still.
        seed: of the points on the surfaces.
        wavelength_m: of the carrier.
        radius_m: arm of the antenna.
        max_range_m: nothing beyond.
        face_gain: (face,) amplitude factor of what each face scatters, by what it is covered with;
            1 without it.
        face_reflection: (face,) amplitude reflection coefficient as a mirror, NaN for that of the
            face's material; all so without it.
    """

    def __init__(
        self,
        scene_at: Callable[[float], Scene],
        static_faces: int,
        seed: int,
        wavelength_m: float,
        radius_m: float,
        max_range_m: float = MAX_RANGE_M,
        face_gain: NDArray[np.floating] | None = None,
        face_reflection: NDArray[np.floating] | None = None,
    ) -> None:
        self._scene_at = scene_at
        self._wavelength_m, self._radius_m, self._max_range_m = wavelength_m, radius_m, max_range_m
        scene = scene_at(0.0)
        faces = np.arange(len(scene.faces))
        self._static_faces = static_faces
        still, moving = faces[:static_faces], faces[static_faces:]
        self._points = SurfacePoints.sample(scene, still, seed)
        self._movers = SurfacePoints.sample(scene, moving, seed + 1)
        self._still_position_m = self._points.positions_m(scene)
        self._still_normal = self._points.normals(scene)
        self.planes = Planes.find(
            Scene(
                scene.vertices_m,
                scene.faces[:static_faces],
                scene.class_id[:static_faces],
                scene.instance_id[:static_faces],
                scene.material_id[:static_faces],
            ),
            None if face_reflection is None else face_reflection[:static_faces],
        )
        self._face = np.concatenate([self._points.face, self._movers.face])
        self._rank = np.concatenate([self._points.rank, self._movers.rank])
        self._root_sigma = np.concatenate([self._points.root_sigma, self._movers.root_sigma])
        if face_gain is not None:
            self._root_sigma = (self._root_sigma * face_gain[self._face]).astype(np.float32)
        self._phase_rad = np.concatenate([self._points.phase_rad, self._movers.phase_rad])

    def view(self, centre_m: NDArray[np.float64], time_s: float) -> View:
        """What a radar sees from a place.

        Args:
            centre_m: (3,) axis of the turntable at the antennas' height.
            time_s: when (people move).
        """
        scene = self._scene_at(time_s)
        caster = RayCaster(scene)
        position = np.concatenate([self._still_position_m, self._movers.positions_m(scene)])
        normal = np.concatenate([self._still_normal, self._movers.normals(scene)])
        index, strength = self._facing(position, normal, centre_m, 1.0)
        rows = np.flatnonzero(strength)
        seen = rows[self._sees(caster, centre_m, position[index[rows]], self._face[index[rows]])]
        strength = _only(strength, seen)
        parts = [self._points_part(index, strength, position[index])]
        plane, reflection = self.planes.visible(
            caster, centre_m, self._radius_m, self._wavelength_m, self._max_range_m
        )
        parts.append(
            (
                _PLANE_KEY + plane,
                self.planes.offset_m[plane, None] * self.planes.normal[plane],
                reflection.astype(np.float32),
                np.full(len(plane), np.pi),
                np.full(len(plane), PLANE, np.uint8),
                self.planes.normal[plane],
            )
        )
        seen = index[seen]
        for mirror in self._mirrors(centre_m, position[seen], normal[seen], self._face[seen]):
            parts.append(self._ghosts(caster, centre_m, int(mirror), position, normal))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        return View(time_s, *(column[order] for column in columns))

    def carried(self, view: View, time_s: float) -> View:
        """What was seen, with everything that moves where it is at another time.

        Args:
            view: of these reflectors.
            time_s: so near that what is hidden has not changed.
        """
        still = len(self._still_position_m)
        moves = (view.kind == POINT) & (view.key % _GHOST_KEY >= still)
        there = self._movers.positions_m(self._scene_at(time_s))
        position = view.position_m.copy()
        mirror = view.key // _GHOST_KEY - 1
        index = view.key % _GHOST_KEY - still
        for number in np.unique(mirror[moves]):
            rows = np.flatnonzero(moves & (mirror == number))
            target = there[index[rows]]
            seen = target if number < 0 else self.planes.mirrored(int(number), target)
            position[rows] = seen
        return replace(view, time_s=time_s, position_m=position)

    def _facing(
        self,
        position: NDArray[np.float64],
        normal: NDArray[np.float64],
        centre_m: NDArray[np.float64],
        thinning: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Points that face the radar, and all that can move (with strength 0 if they do not)."""
        index = np.empty(len(position), np.int64)
        strength = np.empty(len(position), np.float32)
        count = facing(
            position, normal, self._rank, self._root_sigma, centre_m,
            self._max_range_m, thinning, index, strength,
        )  # fmt: skip
        still = len(self._still_position_m)
        border = int(np.searchsorted(index[:count], still))
        movers = np.zeros(len(position) - still, np.float32)
        movers[index[border:count] - still] = strength[border:count]
        return (
            np.concatenate([index[:border], np.arange(still, len(position))]),
            np.concatenate([strength[:border], movers]),
        )

    def _antenna_m(
        self, centre_m: NDArray[np.float64], target_m: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Where the antenna is when it faces each target (target, 3)."""
        way = (target_m - centre_m) * [1, 1, 0]
        length = np.linalg.norm(way, axis=1, keepdims=True)
        return centre_m + self._radius_m * way / np.maximum(length, 1e-9)

    def _sees(
        self,
        caster: RayCaster,
        centre_m: NDArray[np.float64],
        target_m: NDArray[np.float64],
        face: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Is the first face on the way the target's own, or touching it?"""
        origin = self._antenna_m(centre_m, target_m)
        way = target_m - origin
        length = np.linalg.norm(way, axis=1)
        distance, struck = caster.first_hit(origin, way / length[:, None], 2 * self._max_range_m)
        return (struck == face) | (distance > length - TOUCH_M)

    def _points_part(
        self,
        index: NDArray[np.int64],
        strength: NDArray[np.float32],
        position: NDArray[np.float64],
        offset: int = 0,
    ) -> tuple[NDArray, ...]:
        """Columns of a view for points; hidden ones are kept only if they can move."""
        kept = (strength > 0) | (index >= len(self._still_position_m))
        index = index[kept]
        count = len(index)
        return (
            offset + index,
            position[kept],
            strength[kept],
            self._phase_rad[index],
            np.full(count, POINT, np.uint8),
            np.zeros((count, 3)),
        )

    def _mirrors(
        self,
        centre_m: NDArray[np.float64],
        position: NDArray[np.float64],
        normal: NDArray[np.float64],
        face: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Planes worth looking for ghosts in, strongest first."""
        plane = self.planes.plane_at(face)
        way = centre_m - position
        squared = np.sum(way**2, axis=1)
        toward = np.sum(way * normal, axis=1) / np.sqrt(squared)
        # the density in use falls as 1 / squared, so that points count solid angle by themselves
        count = np.bincount(
            plane[plane >= 0], toward[plane >= 0], minlength=len(self.planes.normal)
        )
        score = count * self.planes.reflection**2
        upright = np.abs(self.planes.normal[:, 2]) < 0.7
        order = np.argsort(-score * upright, kind="stable")[:GHOST_PLANES]
        return order[score[order] * upright[order] > 0]

    def _ghosts(
        self,
        caster: RayCaster,
        centre_m: NDArray[np.float64],
        mirror: int,
        position: NDArray[np.float64],
        normal: NDArray[np.float64],
    ) -> tuple[NDArray, ...]:
        """Columns of a view for the points that one mirror shows."""
        planes = self.planes
        image_m = planes.mirrored(mirror, centre_m)
        index, strength = self._facing(position, normal, image_m, GHOST_THINNING)
        target = position[index]
        front = target @ planes.normal[mirror] - planes.offset_m[mirror] > 0.05
        rows = np.flatnonzero(front & (strength > 0))
        shown = self.reflected_path(caster, centre_m, mirror, target[rows], self._face[index[rows]])
        strength = _only(strength, rows[shown]) * np.float32(planes.reflection[mirror] ** 2)
        ghost = planes.mirrored(mirror, target)
        return self._points_part(index, strength, ghost, (mirror + 1) * _GHOST_KEY)

    def reflected_path(
        self,
        caster: RayCaster,
        centre_m: NDArray[np.float64],
        mirror: int,
        target_m: NDArray[np.float64],
        face: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Does the way from the antenna by one mirror to each target exist and is it free?

        Args:
            caster: rays into the scene.
            centre_m: (3,) axis of the turntable.
            mirror: number of the plane.
            target_m: (target, 3).
            face: (target,) face that each target lies on.

        Returns:
            (target,) True where the mirror is struck first and nothing is in the way behind it.
        """
        ghost = self.planes.mirrored(mirror, target_m)
        origin = self._antenna_m(centre_m, ghost)
        way = ghost - origin
        length = np.linalg.norm(way, axis=1)
        direction = way / length[:, None]
        distance, struck = caster.first_hit(origin, direction, 2 * self._max_range_m)
        result = self.planes.plane_at(struck) == mirror
        rows = np.flatnonzero(result)
        bounce = origin[rows] + distance[rows, None] * direction[rows]
        onward = target_m[rows] - bounce
        rest = np.linalg.norm(onward, axis=1)
        second, struck = caster.first_hit(bounce, onward / rest[:, None], 2 * self._max_range_m)
        result[rows] = (struck == face[rows]) | (second > rest - TOUCH_M)
        return result


def between(first: View, second: View) -> Scatterers:
    """Scatterers of the interval between two views: strengths fade, positions move linearly.

    The reference time of the result is ``first.time_s``.
    """
    key = np.union1d(first.key, second.key)
    place_first, in_first = _find(first.key, key)
    place_second, in_second = _find(second.key, key)
    strength = np.zeros((len(key), 2), np.float32)
    strength[in_first, 0] = first.strength[place_first[in_first]]
    strength[in_second, 1] = second.strength[place_second[in_second]]

    def column(name: str) -> NDArray:
        one, two = getattr(first, name), getattr(second, name)
        source = np.concatenate([one, two])
        return source[np.where(in_first, place_first, len(one) + place_second)]

    position = column("position_m")
    velocity = np.zeros_like(position)
    both = in_first & in_second
    duration_s = second.time_s - first.time_s
    if duration_s > 0:
        moved = second.position_m[place_second[both]] - first.position_m[place_first[both]]
        velocity[both] = moved / duration_s
    kept = np.any(strength > 0, axis=1)
    return Scatterers(
        position[kept],
        velocity[kept],
        strength[kept],
        column("phase_rad")[kept],
        column("kind")[kept],
        column("axis")[kept],
    )


def _only(strength: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Zero but for some rows."""
    result = np.zeros_like(strength)
    result[rows] = strength[rows]
    return result


def _find(
    sorted_keys: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Place of each wanted key, and whether it is there."""
    if not len(sorted_keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return place, sorted_keys[place] == wanted
