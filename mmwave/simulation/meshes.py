"""Small closed meshes that furniture, walls and people are made of.

Every function returns a :class:`Scene` whose faces turn counter-clockwise seen from outside.
Lengths are metres, z is up.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.materials import MATERIAL_ID
from mmwave.simulation.scene import Scene


@dataclass(frozen=True)
class Label:
    """What a mesh is made of and belongs to.

    Attributes:
        class_id: :class:`SemanticClass` or :data:`IGNORED_CLASS`.
        material: a name from :data:`mmwave.simulation.materials.MATERIALS`.
        instance_id: number of the object, 0 for the building's shell.

    Raises:
        ValueError: no such material.
    """

    class_id: int
    material: str
    instance_id: int = 0

    def __post_init__(self) -> None:
        if self.material not in MATERIAL_ID:
            raise ValueError(f"no material {self.material!r}; there are {sorted(MATERIAL_ID)}")


def labelled(vertices_m: ArrayLike, faces: ArrayLike, label: Label) -> Scene:
    """A scene of one label from (vertex, 3) and (face, 3) arrays."""
    face_array = np.asarray(faces, dtype=np.int64).reshape(-1, 3)
    count = len(face_array)
    return Scene(
        np.asarray(vertices_m, dtype=np.float64).reshape(-1, 3),
        face_array,
        np.full(count, label.class_id, np.uint8),
        np.full(count, label.instance_id, np.int32),
        np.full(count, MATERIAL_ID[label.material], np.uint8),
    )


def empty() -> Scene:
    """A scene with nothing in it."""
    return Scene(
        np.zeros((0, 3)),
        np.zeros((0, 3), np.int64),
        np.zeros(0, np.uint8),
        np.zeros(0, np.int32),
        np.zeros(0, np.uint8),
    )


def with_instance(scene: Scene, instance_id: int) -> Scene:
    """The same mesh as one object with this number."""
    ids = np.full(len(scene.faces), instance_id, np.int32)
    return Scene(scene.vertices_m, scene.faces, scene.class_id, ids, scene.material_id)


def moved(scene: Scene, offset_m: ArrayLike, yaw_rad: float = 0.0) -> Scene:
    """Turn about the z axis of the origin, then shift by ``offset_m`` (3,)."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    vertices = scene.vertices_m @ turn.T + np.asarray(offset_m, dtype=np.float64)
    return Scene(vertices, scene.faces, scene.class_id, scene.instance_id, scene.material_id)


def quad(corners_m: ArrayLike, label: Label) -> Scene:
    """A flat patch from (4, 3) corners, counter-clockwise seen from the side that it faces."""
    return labelled(corners_m, [[0, 1, 2], [0, 2, 3]], label)


_BOX_QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


def box(low_m: ArrayLike, high_m: ArrayLike, label: Label) -> Scene:
    """An axis-aligned box between two opposite corners (3,).

    Raises:
        ValueError: the low corner is not below the high corner in every axis.
    """
    low, high = np.asarray(low_m, dtype=np.float64), np.asarray(high_m, dtype=np.float64)
    if not np.all(low < high):
        raise ValueError(f"box: low {low.tolist()} must be below high {high.tolist()}")
    corner = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)])
    faces = [f for a, b, c, d in _BOX_QUADS for f in ((a, b, c), (a, c, d))]
    return labelled(np.where(corner, high, low), faces, label)


def post(low_m: ArrayLike, high_m: ArrayLike, label: Label) -> Scene:
    """An upright box without its top and bottom, for legs that stand between floor and board."""
    full = box(low_m, high_m, label)
    return labelled(full.vertices_m, full.faces[4:], label)


def _frame(axis: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors that make a right-handed frame with the unit vector ``axis``."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)


def lathe(
    centres_m: NDArray[np.float64],
    radii_m: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    label: Label,
    segments: int,
) -> Scene:
    """A closed body from rings: tubes, cones, capsules.

    Args:
        centres_m: (ring, 3) centres along the body.
        radii_m: (ring, 2) half axes along ``first`` and ``second``.
        first: (3,) unit vector across.
        second: (3,) unit vector across; first x second points from the first ring to the last.
        label: what it is.
        segments: corners of a ring.

    Returns:
        The rings joined by triangles, with a fan at either end.
    """
    angle = 2 * np.pi * np.arange(segments) / segments
    rings = len(centres_m)
    across = np.cos(angle)[None, :, None] * radii_m[:, None, :1] * first
    across = across + np.sin(angle)[None, :, None] * radii_m[:, None, 1:] * second
    vertices = np.vstack([(centres_m[:, None] + across).reshape(-1, 3), centres_m[[0, -1]]])
    here = np.arange(segments)
    following = (here + 1) % segments
    start = segments * np.arange(rings - 1)[:, None]
    low, low_next = start + here, start + following
    high, high_next = low + segments, low_next + segments
    last = segments * (rings - 1)
    bottom, top = rings * segments, rings * segments + 1
    faces = np.vstack(
        [
            np.stack([low, low_next, high_next], axis=-1).reshape(-1, 3),
            np.stack([low, high_next, high], axis=-1).reshape(-1, 3),
            np.stack([np.full(segments, bottom), following, here], axis=-1),
            np.stack([np.full(segments, top), last + here, last + following], axis=-1),
        ]
    )
    return labelled(vertices, faces, label)


def cylinder(
    start_m: ArrayLike,
    end_m: ArrayLike,
    radius_m: float,
    label: Label,
    segments: int = 8,
    end_radius_m: float | None = None,
) -> Scene:
    """A closed cylinder (or cone frustum) between two points (3,).

    Raises:
        ValueError: the two points are one.
    """
    start, end = np.asarray(start_m, dtype=np.float64), np.asarray(end_m, dtype=np.float64)
    length = float(np.linalg.norm(end - start))
    if length == 0:
        raise ValueError(f"cylinder: start and end are both {start.tolist()}")
    first, second = _frame((end - start) / length)
    radii = np.array([radius_m, radius_m if end_radius_m is None else end_radius_m])
    return lathe(
        np.stack([start, end]), radii[:, None].repeat(2, 1), first, second, label, segments
    )


def capsule(
    start_m: ArrayLike,
    end_m: ArrayLike,
    radius_m: float,
    end_radius_m: float,
    label: Label,
    segments: int = 5,
) -> Scene:
    """A limb: a frustum with a rounded cap at either end; ``start_m`` and ``end_m`` (3,) differ."""
    start, end = np.asarray(start_m, dtype=np.float64), np.asarray(end_m, dtype=np.float64)
    axis = (end - start) / np.linalg.norm(end - start)
    first, second = _frame(axis)
    along = np.array([-0.8, 0.0])
    centres = np.vstack(
        [start + radius_m * along[:, None] * axis, end - end_radius_m * along[::-1, None] * axis]
    )
    round_off = np.sqrt(1 - along**2)
    radii = np.concatenate([radius_m * round_off, end_radius_m * round_off[::-1]])
    return lathe(centres, radii[:, None].repeat(2, 1), first, second, label, segments)


def extruded_polygon(outline_m: ArrayLike, low_m: float, high_m: float, label: Label) -> Scene:
    """A prism over a polygon (N, 2), counter-clockwise and star-shaped from its first corner.

    Raises:
        ValueError: fewer than three corners, clockwise, or no height.
    """
    outline = np.asarray(outline_m, dtype=np.float64)
    if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3:
        raise ValueError(f"outline_m must be (N, 2) with N >= 3, got {outline.shape}")
    following = np.roll(outline, -1, axis=0)
    area = np.sum(outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]) / 2
    if not (area > 0 and high_m > low_m):
        raise ValueError(f"prism needs positive area and height, got {area} and {high_m - low_m}")
    count = len(outline)
    vertices = np.vstack([np.column_stack([outline, np.full(count, z)]) for z in (low_m, high_m)])
    faces = []
    for i in range(count):
        j = (i + 1) % count
        faces += [(i, j, j + count), (i, j + count, i + count)]
    for i in range(1, count - 1):
        faces += [(0, i + 1, i), (count, count + i, count + i + 1)]
    return labelled(vertices, faces, label)


def flight_of_stairs(
    steps: int, rise_m: float, run_m: float, width_m: float, label: Label
) -> Scene:
    """Solid steps that climb along +x from the origin, centred on y = 0.

    Raises:
        ValueError: no steps.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    half = width_m / 2
    parts = [
        box(
            (i * run_m, -half, 0.0),
            ((i + 1) * run_m, half, (i + 1) * rise_m),
            label,
        )
        for i in range(steps)
    ]
    return Scene.merge(parts)


def railing(
    start_m: ArrayLike, end_m: ArrayLike, label: Label, height_m: float = 1.0, bars: int = 3
) -> Scene:
    """Posts at most 1.2 m apart, a handrail and parallel bars below it, between two feet (3,)."""
    start, end = np.asarray(start_m, dtype=np.float64), np.asarray(end_m, dtype=np.float64)
    up = np.array([0.0, 0.0, height_m])
    posts = max(2, int(np.ceil(np.linalg.norm((end - start)[:2]) / 1.2)) + 1)
    feet = start + (end - start) * np.linspace(0, 1, posts)[:, None]
    parts = [cylinder(foot, foot + up, 0.022, label, 6) for foot in feet]
    parts.append(cylinder(start + up, end + up, 0.028, label, 6))
    for level in np.arange(1, bars + 1) / (bars + 1):
        parts.append(cylinder(start + level * up, end + level * up, 0.014, label, 5))
    return Scene.merge(parts)
