"""A scene: triangles that know their class, instance and material."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class SemanticClass(IntEnum):
    """The 11 classes of PanoRadar, in the order of its labels (Lai et al. 2024, section 6.4)."""

    PERSON = 0
    CHAIR_TABLE = 1
    RAILING = 2
    TRASHCAN = 3
    STAIRS = 4
    ELEVATOR = 5
    DOOR = 6
    WINDOW = 7
    CEILING = 8
    WALL = 9
    FLOOR = 10


IGNORED_CLASS = 255
"""Label of pixels that belong to no class (no return, clutter)."""


@dataclass(frozen=True)
class Scene:
    """Triangle mesh with per-face labels, in metres, z up, world frame.

    Attributes:
        vertices_m: (vertex, 3) float64.
        faces: (face, 3) int64 vertex indices, counter-clockwise seen from outside.
        class_id: (face,) uint8, :class:`SemanticClass` or :data:`IGNORED_CLASS`.
        instance_id: (face,) int32; one number an object, 0 for the building shell.
        material_id: (face,) uint8 index into :data:`mmwave.simulation.materials.MATERIALS`.

    Raises:
        ValueError: shapes disagree or a face names a vertex that does not exist.
    """

    vertices_m: NDArray[np.float64]
    faces: NDArray[np.int64]
    class_id: NDArray[np.uint8]
    instance_id: NDArray[np.int32]
    material_id: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.vertices_m.ndim != 2 or self.vertices_m.shape[1] != 3:
            raise ValueError(f"vertices_m must be (vertex, 3), got {self.vertices_m.shape}")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise ValueError(f"faces must be (face, 3), got {self.faces.shape}")
        for name in ("class_id", "instance_id", "material_id"):
            shape = getattr(self, name).shape
            if shape != (len(self.faces),):
                raise ValueError(f"{name} must be ({len(self.faces)},), got {shape}")
        if len(self.faces) and (self.faces.min() < 0 or self.faces.max() >= len(self.vertices_m)):
            raise ValueError(
                f"faces name vertices {self.faces.min()}..{self.faces.max()} "
                f"of {len(self.vertices_m)}"
            )

    @staticmethod
    def merge(scenes: "list[Scene]") -> "Scene":
        """Join scenes into one; instance ids are kept as they are."""
        offsets = np.cumsum([0] + [len(scene.vertices_m) for scene in scenes[:-1]])
        return Scene(
            np.concatenate([scene.vertices_m for scene in scenes]),
            np.concatenate([s.faces + o for s, o in zip(scenes, offsets, strict=True)]),
            np.concatenate([scene.class_id for scene in scenes]),
            np.concatenate([scene.instance_id for scene in scenes]),
            np.concatenate([scene.material_id for scene in scenes]),
        )
