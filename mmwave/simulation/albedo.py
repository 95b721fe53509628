"""Colours of surfaces in simulated pictures: one a face, drawn by object, material and clothes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.materials import MATERIALS
from mmwave.simulation.scene import Scene, SemanticClass

BODY_PARTS = ("head", "torso", "arms", "hands", "legs", "feet")
"""What clothes can cover, in the order of their numbers."""

_CLOTH = np.array(
    [
        (0.08, 0.08, 0.09), (0.25, 0.25, 0.28), (0.55, 0.55, 0.57), (0.90, 0.90, 0.88),
        (0.10, 0.14, 0.32), (0.20, 0.35, 0.62), (0.55, 0.12, 0.12), (0.62, 0.36, 0.14),
        (0.16, 0.34, 0.18), (0.42, 0.42, 0.24), (0.80, 0.68, 0.50), (0.45, 0.22, 0.42),
    ]
)  # fmt: skip
_SKIN = np.array([(0.87, 0.68, 0.57), (0.76, 0.55, 0.42), (0.52, 0.35, 0.25), (0.30, 0.20, 0.15)])
_WALL_PAINT = np.array(
    [(0.90, 0.89, 0.86), (0.82, 0.78, 0.70), (0.72, 0.78, 0.80), (0.80, 0.80, 0.80)]
)
_PALETTE = {
    "plaster": _WALL_PAINT,
    "concrete": np.array([(0.62, 0.61, 0.59), (0.48, 0.48, 0.47)]),
    "wood": np.array([(0.70, 0.52, 0.33), (0.48, 0.32, 0.19), (0.82, 0.70, 0.52)]),
    "glass": np.array([(0.60, 0.68, 0.68), (0.50, 0.58, 0.60)]),
    "metal": np.array([(0.62, 0.63, 0.65), (0.40, 0.41, 0.43), (0.75, 0.75, 0.76)]),
    "fabric": _CLOTH,
    "skin": _CLOTH,  # a body that is told no clothes wears some
    "carpet": np.array([(0.36, 0.36, 0.40), (0.30, 0.38, 0.46), (0.48, 0.40, 0.34)]),
    "plastic": np.array([(0.85, 0.85, 0.84), (0.15, 0.15, 0.16), (0.30, 0.45, 0.55)]),
    "brick": np.array([(0.60, 0.33, 0.25), (0.52, 0.30, 0.24), (0.66, 0.45, 0.35)]),
}
_CEILING = np.array([(0.93, 0.93, 0.92), (0.86, 0.86, 0.84)])

TEXTURE_CONTRAST = {"plaster": 0.03, "wood": 0.15, "carpet": 0.18, "brick": 0.25, "concrete": 0.08}
"""Contrast of the pattern on a material; others have half that of wood, glass and metal none."""


@dataclass(frozen=True)
class Outfit:
    """What one person's surfaces look like.

    Attributes:
        part: (face,) index into BODY_PARTS of each of the person's faces, in the scene's order.
        colours: (6, 3) of the parts, 0..1.

    Raises:
        ValueError: the colours have another shape or lie outside 0..1, or a part has no colour.
    """

    part: NDArray[np.integer]
    colours: NDArray[np.floating]

    def __post_init__(self) -> None:
        if self.colours.shape != (len(BODY_PARTS), 3):
            raise ValueError(f"colours must be ({len(BODY_PARTS)}, 3), got {self.colours.shape}")
        if self.colours.min() < 0 or self.colours.max() > 1:
            raise ValueError(
                f"colours must be in 0..1, got {self.colours.min()}..{self.colours.max()}"
            )
        if self.part.size and not 0 <= self.part.min() <= self.part.max() < len(BODY_PARTS):
            raise ValueError(
                f"parts must be in 0..{len(BODY_PARTS) - 1}, "
                f"got {self.part.min()}..{self.part.max()}"
            )


def part_colours(
    generator: np.random.Generator, upper: ArrayLike | None = None, gloves: bool = False
) -> NDArray[np.float64]:
    """(6, 3) colours of body parts of somebody dressed.

    Args:
        generator: of the colours.
        upper: (3,) of torso and arms; None draws it.
        gloves: hands are covered.
    """
    skin = _drawn(_SKIN, generator)
    top = _drawn(_CLOTH, generator) if upper is None else np.asarray(upper, np.float64)
    legs = _drawn(_CLOTH, generator)
    dark = 0.5 * _drawn(_CLOTH, generator)
    return np.stack([skin, top, top, dark if gloves else skin, legs, dark])


def albedo(
    scene: Scene,
    generator: np.random.Generator,
    outfits: Mapping[int, Outfit] | None = None,
) -> NDArray[np.float64]:
    """Colours of a scene's faces.

    Every object has a colour for each of its materials, which does not depend on what else is in
    the scene.

    Args:
        scene: the triangles.
        generator: gives one number, from which all colours follow.
        outfits: by instance id of people.

    Returns:
        (face, 3) red, green and blue, 0..1.

    Raises:
        ValueError: an outfit is for another number of faces than its person has.
    """
    seed = int(generator.integers(2**32))
    ceiling = scene.class_id == SemanticClass.CEILING
    keys = np.column_stack([scene.instance_id.astype(np.int64), scene.material_id, ceiling])
    kinds, kind = np.unique(keys, axis=0, return_inverse=True)
    colours = np.array([_kind_colour(seed, *map(int, one)) for one in kinds]).reshape(-1, 3)
    colour = colours[kind.reshape(-1)]
    for instance, outfit in (outfits or {}).items():
        faces = np.flatnonzero(scene.instance_id == instance)
        if len(faces) != len(outfit.part):
            raise ValueError(
                f"instance {instance} has {len(faces)} faces, its outfit {len(outfit.part)}"
            )
        colour[faces] = outfit.colours[outfit.part]
    return colour


def texture_contrast(scene: Scene) -> NDArray[np.float64]:
    """(face,) contrast of the pattern of each face's material."""
    plain = {"glass": 0.0, "metal": 0.0, **TEXTURE_CONTRAST}
    other = TEXTURE_CONTRAST["wood"] / 2
    return np.array([plain.get(material.name, other) for material in MATERIALS])[scene.material_id]


def _kind_colour(seed: int, instance: int, material: int, ceiling: int) -> NDArray[np.float64]:
    generator = np.random.default_rng([seed, instance % 2**32, material, ceiling])
    return _drawn(_CEILING if ceiling else _PALETTE[MATERIALS[material].name], generator)


def _drawn(palette: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """(3,) near one of some colours, lighter or darker."""
    first, second = palette[generator.integers(len(palette), size=2)]
    mixed = first + generator.uniform(0, 0.3) * (second - first)
    shade = generator.uniform(0.85, 1.1) + generator.normal(0, 0.02, 3)
    return np.asarray(np.clip(mixed * shade, 0.0, 1.0))
