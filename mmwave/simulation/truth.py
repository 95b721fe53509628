"""What a perfect sensor would see: ray casting through a :class:`Scene` with Embree.

The grid is that of the Ouster OS0-64 that PanoRadar was trained with (Lai et al. 2024, section 7):
512 columns, column k at azimuth -2 pi k / 512 from the robot's forward direction, and 64 rows from
+45 (row 0) to -45 degrees (row 63).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.materials import MATERIALS
from mmwave.simulation.scene import IGNORED_CLASS, Scene

COLUMNS = 512
ROWS = 64
ELEVATION_LIMIT_RAD = np.pi / 4
MAX_RANGE_M = 9.6
"""Range of the radar's last kept bin; truth beyond it is "no return"."""

NO_INSTANCE = -1
"""Instance id of a pixel without a return."""

_ORIGIN_MARGIN_M = 1e-4  # a ray that starts on a face must not hit that face


def column_azimuth_rad(columns: int = COLUMNS) -> NDArray[np.float64]:
    """Azimuth of each column from the robot's forward direction, (column,), 0 and falling."""
    return -2 * np.pi * np.arange(columns) / columns


def row_elevation_rad(rows: int = ROWS) -> NDArray[np.float64]:
    """Elevation of each row, (row,), from +45 to -45 degrees."""
    return np.linspace(ELEVATION_LIMIT_RAD, -ELEVATION_LIMIT_RAD, rows)


class RayCaster:
    """Casts batches of rays into one scene.

    Embree works in single precision; distances are computed again in double from the plane of the
    face that was hit, so that they are exact to well under a micrometre.

    Args:
        scene: the triangles; at least one.

    Raises:
        ValueError: the scene has no face.
        ModuleNotFoundError: embreex is not installed; the message says how to get it.
    """

    def __init__(self, scene: Scene) -> None:
        if len(scene.faces) == 0:
            raise ValueError("the scene has no faces to cast rays at")
        self.scene = scene
        corners = scene.vertices_m[scene.faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.linalg.norm(cross, axis=1, keepdims=True)
        self.face_normal = cross / np.maximum(length, 1e-300)
        """(face, 3) unit normals, out of the object."""
        self.face_area_m2 = length[:, 0] / 2
        """(face,) areas."""
        self._plane = np.einsum("fc,fc->f", self.face_normal, corners[:, 0])
        self.face_is_glass = np.array([m.optical_glass for m in MATERIALS])[scene.material_id]
        """(face,) bool: light goes through."""
        self._opaque = np.flatnonzero(~self.face_is_glass)
        self._tree = _embree_scene(scene, np.arange(len(scene.faces)))

    @cached_property
    def _opaque_tree(self) -> Any:
        return _embree_scene(self.scene, self._opaque)

    def first_hit(
        self,
        origins_m: ArrayLike,
        directions: ArrayLike,
        max_range_m: float = np.inf,
        *,
        through_glass: bool = False,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Nearest face along each ray.

        Args:
            origins_m: (N, 3) or (3,) starts of the rays.
            directions: (N, 3) directions, unit length.
            max_range_m: rays end here.
            through_glass: pass through glass as light does.

        Returns:
            Distance (N,) in metres, inf where nothing is hit, and face index (N,), -1 there.
        """
        direction = np.ascontiguousarray(directions, dtype=np.float64)
        origin = np.broadcast_to(np.asarray(origins_m, dtype=np.float64), direction.shape)
        if through_glass and not len(self._opaque):
            return np.full(len(direction), np.inf), np.full(len(direction), -1)
        tree = self._opaque_tree if through_glass else self._tree
        start = (origin + _ORIGIN_MARGIN_M * direction).astype(np.float32)
        face = tree.run(start, direction.astype(np.float32)).astype(np.int64)
        if through_glass:
            face = np.where(face >= 0, self._opaque[face], -1)
        normal = self.face_normal[face]
        towards = np.einsum("nc,nc->n", normal, direction)
        gap = self._plane[face] - np.einsum("nc,nc->n", normal, origin)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = gap / towards
        hit = (face >= 0) & (distance <= max_range_m)
        return np.where(hit, distance, np.inf), np.where(hit, face, -1)

    def occluded(
        self, origins_m: ArrayLike, targets_m: ArrayLike, margin_m: float = 1e-3
    ) -> NDArray[np.bool_]:
        """Is anything in the way between two points?

        Args:
            origins_m: (N, 3) or (3,) from here.
            targets_m: (N, 3) to here.
            margin_m: faces this close to either end do not count (the ends lie on surfaces).

        Returns:
            (N,) True where a face lies between.
        """
        target = np.asarray(targets_m, dtype=np.float64)
        origin = np.broadcast_to(np.asarray(origins_m, dtype=np.float64), target.shape)
        way = target - origin
        distance = np.linalg.norm(way, axis=1)
        direction = way / np.maximum(distance, 1e-300)[:, None]
        start = (origin + margin_m * direction).astype(np.float32)
        reach = np.maximum(distance - 2 * margin_m, 0.0).astype(np.float32)
        blocked = self._tree.run(
            start, direction.astype(np.float32), dists=reach.copy(), query="OCCLUDED"
        )
        return (blocked >= 0) & (reach > 0)


def _embree_scene(scene: Scene, faces: NDArray[np.int64]) -> Any:
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "ray casting needs embreex: install the simulator with `pip install panoradar_ros[sim]`"
        ) from error
    tree = EmbreeScene(robust=True)
    TriangleMesh(tree, scene.vertices_m.astype(np.float32), scene.faces[faces].astype(np.int32))
    return tree


@dataclass(frozen=True)
class Truth:
    """What lies in each direction; ``...`` is (row, column) for a panorama, (column,) for a scan.

    Attributes:
        range_m: (...) float32 distance to the first surface, inf where there is none.
        normal: (..., 3) float32 unit normal that faces the sensor, world axes; 0 without a return.
        class_id: (...) uint8, :class:`SemanticClass` or 255.
        instance_id: (...) int32, :data:`NO_INSTANCE` without a return.
        glass: (...) bool, the first surface is optical glass.
    """

    range_m: NDArray[np.float32]
    normal: NDArray[np.float32]
    class_id: NDArray[np.uint8]
    instance_id: NDArray[np.int32]
    glass: NDArray[np.bool_]

    @staticmethod
    def beside(parts: "Sequence[Truth]") -> "Truth":
        """Truths of (row, column) side by side."""
        names = [one.name for one in fields(Truth)]
        return Truth(
            *(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in names)
        )

    def nearest(self, other: "Truth") -> "Truth":
        """Of every direction the nearer of two surfaces."""
        behind = other.range_m < self.range_m
        merged = {}
        for one in fields(Truth):
            own, its = getattr(self, one.name), getattr(other, one.name)
            merged[one.name] = np.where(behind[..., None] if own.ndim > 2 else behind, its, own)
        return Truth(**merged)


def cast_truth(
    caster: RayCaster,
    origins_m: NDArray[np.float64],
    directions: NDArray[np.float64],
    max_range_m: float = MAX_RANGE_M,
    *,
    through_glass: bool = False,
) -> Truth:
    """Cast rays and look up what they hit.

    Args:
        caster: the scene.
        origins_m: (..., 3) starts.
        directions: (..., 3) unit directions, world axes.
        max_range_m: no return beyond.
        through_glass: see what light sees behind glass.

    Returns:
        Truth of shape (...).
    """
    shape = directions.shape[:-1]
    flat = directions.reshape(-1, 3)
    starts = np.broadcast_to(origins_m, directions.shape).reshape(-1, 3)
    distance, face = caster.first_hit(starts, flat, max_range_m, through_glass=through_glass)
    hit = face >= 0
    normal = caster.face_normal[face]
    facing = np.where(np.einsum("nc,nc->n", normal, flat) > 0, -1.0, 1.0) * hit
    return Truth(
        distance.astype(np.float32).reshape(shape),
        (normal * facing[:, None]).astype(np.float32).reshape(*shape, 3),
        np.where(hit, caster.scene.class_id[face], IGNORED_CLASS).astype(np.uint8).reshape(shape),
        np.where(hit, caster.scene.instance_id[face], NO_INSTANCE).astype(np.int32).reshape(shape),
        (caster.face_is_glass[face] & hit).reshape(shape),
    )


def _column_poses(
    positions_m: ArrayLike, yaw_rad: ArrayLike, columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    positions = np.asarray(positions_m, dtype=np.float64)
    yaw = np.asarray(yaw_rad, dtype=np.float64)
    if positions.shape not in ((3,), (columns, 3)):
        raise ValueError(f"positions_m must be (3,) or ({columns}, 3), got {positions.shape}")
    if yaw.shape not in ((), (columns,)):
        raise ValueError(f"yaw_rad must be a number or ({columns},), got {yaw.shape}")
    return np.broadcast_to(positions, (columns, 3)), np.broadcast_to(yaw, (columns,))


def panorama_truth(
    scene: Scene | RayCaster,
    positions_m: ArrayLike,
    yaw_rad: ArrayLike = 0.0,
    *,
    columns: int = COLUMNS,
    rows: int = ROWS,
    max_range_m: float = MAX_RANGE_M,
    through_glass: bool = False,
) -> Truth:
    """Truth on the Ouster OS0-64 grid, each column from its own pose (rolling shutter).

    Args:
        scene: a scene, or a caster that was built for it.
        positions_m: (column, 3), or (3,) for one place; of the sensor, world frame.
        yaw_rad: (column,) or a number; the robot's yaw.
        columns: number of azimuths.
        rows: number of elevations.
        max_range_m: no return beyond.
        through_glass: False is what the radar's image is trained towards (glass is a surface);
            True is what a LiDAR measures (first surface that is not glass).

    Returns:
        Truth of shape (row, column).

    Raises:
        ValueError: poses do not fit the number of columns.
    """
    positions, yaw = _column_poses(positions_m, yaw_rad, columns)
    azimuth = column_azimuth_rad(columns) + yaw
    caster = scene if isinstance(scene, RayCaster) else RayCaster(scene)
    return columns_truth(caster, positions, azimuth, rows, max_range_m, through_glass=through_glass)


def columns_truth(
    caster: RayCaster,
    positions_m: NDArray[np.float64],
    azimuth_rad: NDArray[np.float64],
    rows: int = ROWS,
    max_range_m: float = MAX_RANGE_M,
    *,
    through_glass: bool = False,
) -> Truth:
    """Truth of some columns of a panorama.

    Args:
        caster: of the scene.
        positions_m: (column, 3) of the sensor, world frame.
        azimuth_rad: (column,) world frame.
        rows: number of elevations.
        max_range_m: no return beyond.
        through_glass: see :func:`panorama_truth`.

    Returns:
        Truth of shape (row, column).
    """
    elevation = row_elevation_rad(rows)[:, None]
    directions = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth_rad),
            np.cos(elevation) * np.sin(azimuth_rad),
            np.broadcast_to(np.sin(elevation), (rows, len(azimuth_rad))),
        ],
        axis=-1,
    )
    return cast_truth(caster, positions_m, directions, max_range_m, through_glass=through_glass)


def scan_truth(
    scene: Scene | RayCaster,
    positions_m: ArrayLike,
    yaw_rad: ArrayLike = 0.0,
    *,
    columns: int = COLUMNS,
    max_range_m: float = MAX_RANGE_M,
    through_glass: bool = False,
) -> Truth:
    """Truth of the horizontal scan (elevation 0), each column from its own pose.

    Args:
        scene: a scene, or a caster that was built for it.
        positions_m: (column, 3), or (3,) for one place.
        yaw_rad: (column,) or a number.
        columns: number of azimuths.
        max_range_m: no return beyond.
        through_glass: as in :func:`panorama_truth`.

    Returns:
        Truth of shape (column,).

    Raises:
        ValueError: poses do not fit the number of columns.
    """
    positions, yaw = _column_poses(positions_m, yaw_rad, columns)
    azimuth = column_azimuth_rad(columns) + yaw
    directions = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros(columns)], axis=-1)
    caster = scene if isinstance(scene, RayCaster) else RayCaster(scene)
    return cast_truth(caster, positions, directions, max_range_m, through_glass=through_glass)
