"""Furniture of flats, hotels and wards, about its own origin: back towards -x, feet on z = 0.

Beds, cupboards and baths belong to no class; what one sits on or works at is a chair or table.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass

_TABLE = SemanticClass.CHAIR_TABLE
_Corner = tuple[float, float, float]


def boxes(label: Label, corners_m: Sequence[tuple[_Corner, _Corner]]) -> list[Scene]:
    """Boxes of one label from pairs of opposite corners (3,)."""
    return [meshes.box(low, high, label) for low, high in corners_m]


def corner_posts(
    depth_m: float, width_m: float, low_m: float, high_m: float, side_m: float, label: Label
) -> list[Scene]:
    """Four upright square posts at the corners of a rectangle about the origin."""
    half = side_m / 2
    parts = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (depth_m / 2 - half), sy * (width_m / 2 - half)
            parts.append(
                meshes.post((x - half, y - half, low_m), (x + half, y + half, high_m), label)
            )
    return parts


def bed(width_m: float = 1.4, length_m: float = 2.0) -> Scene:
    """A bed along x, its headboard at -x; pillows and a folded blanket."""
    wood, cloth = Label(IGNORED_CLASS, "wood"), Label(IGNORED_CLASS, "fabric")
    x, y = length_m / 2, width_m / 2
    parts = boxes(
        wood,
        [
            ((-x - 0.06, -y - 0.03, 0.0), (-x, y + 0.03, 0.95)),
            ((-x, -y, 0.12), (x, y, 0.3)),
            ((x - 0.12, -y + 0.05, 0.0), (x - 0.04, y - 0.05, 0.12)),
        ],
    )
    parts += boxes(
        cloth,
        [
            ((-x + 0.01, -y + 0.02, 0.3), (x - 0.02, y - 0.02, 0.5)),
            ((-0.35 * x, -y - 0.01, 0.5), (x - 0.01, y + 0.01, 0.55)),
        ],
    )
    pillows = 2 if width_m > 1.2 else 1
    for k in range(pillows):
        middle = (k - (pillows - 1) / 2) * width_m / 2
        half = 0.42 * width_m / pillows
        parts.append(
            meshes.box((-x + 0.08, middle - half, 0.5), (-x + 0.48, middle + half, 0.61), cloth)
        )
    return Scene.merge(parts)


def hospital_bed() -> Scene:
    """A metal bed on wheels along x, its head at -x, side guards up."""
    metal, cloth = Label(IGNORED_CLASS, "metal"), Label(IGNORED_CLASS, "fabric")
    plastic = Label(IGNORED_CLASS, "plastic")
    x, y = 1.05, 0.46
    parts = boxes(
        metal,
        [
            ((-x, -y + 0.05, 0.42), (x, y - 0.05, 0.5)),
            ((-0.75, -0.3, 0.16), (0.75, 0.3, 0.24)),
            ((-0.5, -0.05, 0.24), (0.5, 0.05, 0.42)),
        ],
    )
    parts += boxes(
        plastic,
        [
            ((-x - 0.04, -y, 0.35), (-x, y, 1.05)),
            ((x, -y, 0.35), (x + 0.04, y, 0.9)),
            ((-0.85, -y - 0.03, 0.55), (0.1, -y, 0.92)),
            ((-0.85, y, 0.55), (0.1, y + 0.03, 0.92)),
        ],
    )
    parts += boxes(
        cloth,
        [
            ((-x + 0.02, -y + 0.03, 0.5), (x - 0.02, y - 0.03, 0.66)),
            ((-x + 0.08, -0.3, 0.66), (-x + 0.46, 0.3, 0.76)),
        ],
    )
    return Scene.merge([*parts, *corner_posts(1.5, 0.66, 0.0, 0.16, 0.08, metal)])


def nightstand(height_m: float = 0.55) -> Scene:
    """A small cabinet with one proud drawer."""
    wood = Label(IGNORED_CLASS, "wood")
    return Scene.merge(
        boxes(
            wood,
            [
                ((-0.2, -0.22, 0.06), (0.2, 0.22, height_m)),
                ((0.2, -0.2, height_m - 0.2), (0.215, 0.2, height_m - 0.04)),
            ],
        )
    )


def curtain(width_m: float = 1.6, low_m: float = 0.2, high_m: float = 2.1) -> Scene:
    """A pleated curtain along y that hangs from a rail on two thin rods."""
    cloth, metal = Label(IGNORED_CLASS, "fabric"), Label(IGNORED_CLASS, "metal")
    y = width_m / 2
    edges = np.linspace(-y, y, max(2, round(width_m / 0.25)) + 1)
    parts = [meshes.box((-0.02, -y, high_m), (0.02, y, high_m + 0.04), metal)]
    for k, (start, end) in enumerate(itertools.pairwise(edges)):
        shift = 0.025 if k % 2 else -0.025
        low = (shift - 0.012, start, low_m)
        parts.append(meshes.box(low, (shift + 0.012, end, high_m), cloth))
    for side in (-y + 0.02, y - 0.02):
        parts.append(meshes.cylinder((0, side, 0.0), (0, side, high_m), 0.014, metal, 5))
    return Scene.merge(parts)


def armchair() -> Scene:
    """An upholstered chair with arms; faces +x."""
    cloth = Label(_TABLE, "fabric")
    return Scene.merge(
        boxes(
            cloth,
            [
                ((-0.36, -0.38, 0.1), (0.36, 0.38, 0.42)),
                ((-0.38, -0.38, 0.42), (-0.2, 0.38, 0.88)),
                ((-0.2, -0.38, 0.42), (0.33, -0.24, 0.6)),
                ((-0.2, 0.24, 0.42), (0.33, 0.38, 0.6)),
            ],
        )
    )


def stool(height_m: float = 0.68) -> Scene:
    """A round stool on a foot."""
    wood, metal = Label(_TABLE, "wood"), Label(_TABLE, "metal")
    return Scene.merge(
        [
            meshes.cylinder((0, 0, height_m - 0.05), (0, 0, height_m), 0.18, wood, 10),
            meshes.cylinder((0, 0, 0.03), (0, 0, height_m - 0.05), 0.03, metal, 6),
            meshes.cylinder((0, 0, 0), (0, 0, 0.03), 0.21, metal, 8),
        ]
    )


def tv_board(width_m: float = 1.5) -> Scene:
    """A low board with a television on it."""
    wood, dark = Label(IGNORED_CLASS, "wood"), Label(IGNORED_CLASS, "plastic")
    y, screen = width_m / 2, 0.4 * width_m
    parts = boxes(wood, [((-0.2, -y, 0.08), (0.2, y, 0.45))])
    parts += boxes(
        dark,
        [
            ((-0.05, -0.15, 0.45), (0.05, 0.15, 0.55)),
            ((-0.04, -screen, 0.53), (0.0, screen, 0.53 + 1.15 * screen)),
        ],
    )
    return Scene.merge(parts)


def kitchen_unit(width_m: float = 0.6, *, upper: bool = True, material: str = "wood") -> Scene:
    """Part of a kitchen along y: base cabinet with worktop, and a wall cupboard above."""
    front, top = Label(_TABLE, material), Label(_TABLE, "concrete")
    y = width_m / 2
    parts = boxes(front, [((-0.3, -y + 0.005, 0.1), (0.27, y - 0.005, 0.86))])
    parts += boxes(top, [((-0.3, -y, 0.86), (0.31, y, 0.9))])
    if upper:
        parts += boxes(
            Label(IGNORED_CLASS, material), [((-0.3, -y + 0.005, 1.42), (0.04, y - 0.005, 2.1))]
        )
    return Scene.merge(parts)


def cabinet(
    width_m: float = 0.6, depth_m: float = 0.62, height_m: float = 1.8, material: str = "metal"
) -> Scene:
    """A closed upright appliance or closet along y: refrigerator, oven, vending machine."""
    label = Label(IGNORED_CLASS, material)
    x, y = depth_m / 2, width_m / 2
    return Scene.merge(
        boxes(
            label,
            [
                ((-x, -y, 0.04), (x, y, height_m)),
                ((x, -y + 0.02, 0.1), (x + 0.02, y - 0.02, 0.62 * height_m)),
                ((x, -y + 0.02, 0.64 * height_m), (x + 0.02, y - 0.02, height_m - 0.03)),
                ((x + 0.02, y - 0.1, 0.4 * height_m), (x + 0.05, y - 0.07, 0.58 * height_m)),
            ],
        )
    )


def bathtub() -> Scene:
    """A bathtub along y: a rim of four walls and a bottom."""
    label = Label(IGNORED_CLASS, "plastic")
    return Scene.merge(
        boxes(
            label,
            [
                ((-0.36, -0.8, 0.0), (0.36, 0.8, 0.18)),
                ((-0.36, -0.8, 0.18), (-0.29, 0.8, 0.56)),
                ((0.29, -0.8, 0.18), (0.36, 0.8, 0.56)),
                ((-0.29, -0.8, 0.18), (0.29, -0.72, 0.56)),
                ((-0.29, 0.72, 0.18), (0.29, 0.8, 0.56)),
            ],
        )
    )


def shower() -> Scene:
    """A glass cubicle on a tray, its back and one side at walls."""
    tray, pane = Label(IGNORED_CLASS, "plastic"), Label(IGNORED_CLASS, "glass")
    metal = Label(IGNORED_CLASS, "metal")
    return Scene.merge(
        [
            *boxes(tray, [((-0.42, -0.42, 0.0), (0.42, 0.42, 0.1))]),
            *boxes(
                pane,
                [
                    ((0.4, -0.4, 0.12), (0.408, 0.4, 1.95)),
                    ((-0.4, 0.4, 0.12), (0.4, 0.408, 1.95)),
                ],
            ),
            meshes.cylinder((-0.36, 0, 1.0), (-0.36, 0, 2.0), 0.015, metal, 5),
        ]
    )


def toilet() -> Scene:
    """A toilet with its cistern at the wall behind."""
    label = Label(IGNORED_CLASS, "concrete")
    bowl = meshes.cylinder((0.1, 0, 0.0), (0.1, 0, 0.4), 0.13, label, 10, 0.21)
    return Scene.merge([bowl, *boxes(label, [((-0.32, -0.2, 0.0), (-0.14, 0.2, 0.82))])])


def washbasin() -> Scene:
    """A basin on a pedestal and a mirror on the wall behind."""
    clay, pane = Label(IGNORED_CLASS, "concrete"), Label(IGNORED_CLASS, "glass")
    return Scene.merge(
        [
            *boxes(clay, [((-0.22, -0.28, 0.7), (0.22, 0.28, 0.86))]),
            meshes.cylinder((-0.1, 0, 0), (-0.1, 0, 0.7), 0.09, clay, 8),
            *boxes(pane, [((-0.22, -0.28, 1.1), (-0.205, 0.28, 1.8))]),
        ]
    )


def trolley(height_m: float = 0.95) -> Scene:
    """A metal cart with three trays on small wheels."""
    metal = Label(IGNORED_CLASS, "metal")
    parts = boxes(
        metal, [((-0.22, -0.38, z), (0.22, 0.38, z + 0.03)) for z in (0.14, 0.5, height_m - 0.1)]
    )
    return Scene.merge([*parts, *corner_posts(0.44, 0.76, 0.0, height_m, 0.03, metal)])


def wheelchair() -> Scene:
    """A wheelchair that faces +x; it counts as a chair."""
    cloth, metal = Label(_TABLE, "fabric"), Label(_TABLE, "metal")
    parts = boxes(
        cloth,
        [((-0.22, -0.22, 0.46), (0.22, 0.22, 0.5)), ((-0.26, -0.22, 0.5), (-0.22, 0.22, 0.92))],
    )
    parts += boxes(
        metal,
        [
            ((-0.2, -0.25, 0.66), (0.15, -0.22, 0.7)),
            ((-0.2, 0.22, 0.66), (0.15, 0.25, 0.7)),
            ((0.35, -0.18, 0.08), (0.55, 0.18, 0.11)),
        ],
    )
    for side in (-1, 1):
        near, far = side * 0.26, side * 0.29
        parts.append(meshes.cylinder((-0.1, near, 0.3), (-0.1, far, 0.3), 0.3, metal, 9))
        parts.append(meshes.cylinder((0.3, near, 0.09), (0.3, far, 0.09), 0.09, metal, 6))
    return Scene.merge(parts)


def seat_row(seats: int = 3) -> Scene:
    """Joined seats with backs along y, as in waiting areas; face +x."""
    shell, metal = Label(_TABLE, "plastic"), Label(_TABLE, "metal")
    width = 0.55
    y = seats * width / 2
    parts = boxes(metal, [((-0.05, -y, 0.34), (0.05, y, 0.4))])
    for k in range(seats):
        c = -y + (k + 0.5) * width
        parts += boxes(
            shell,
            [
                ((-0.22, c - 0.23, 0.4), (0.23, c + 0.23, 0.44)),
                ((-0.27, c - 0.23, 0.46), (-0.22, c + 0.23, 0.85)),
            ],
        )
    for side in (-1, 1):
        c = side * (y - 0.2)
        parts += boxes(metal, [((-0.22, c - 0.025, 0.0), (0.22, c + 0.025, 0.34))])
    return Scene.merge(parts)


def hand_rail(length_m: float, height_m: float = 0.9) -> Scene:
    """A rail along y on brackets, 7 cm before the wall at x = 0; it counts as railing."""
    label, metal = Label(SemanticClass.RAILING, "wood"), Label(SemanticClass.RAILING, "metal")
    y = length_m / 2
    parts = boxes(label, [((0.05, -y, height_m - 0.05), (0.09, y, height_m + 0.05))])
    for c in np.linspace(-y + 0.1, y - 0.1, max(2, round(length_m / 2.0) + 1)):
        low, high = (0.0, c - 0.02, height_m - 0.03), (0.05, c + 0.02, height_m)
        parts.append(meshes.box(low, high, metal))
    return Scene.merge(parts)
