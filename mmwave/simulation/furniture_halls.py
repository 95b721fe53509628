"""Furniture of shops, libraries, museums, kitchens and stores, about its own origin.

Backs are towards -x and feet on z = 0. Shelves, goods and exhibits belong to no class; counters
count as tables, barriers as railings.
"""

import itertools

import numpy as np

from mmwave.simulation import meshes
from mmwave.simulation.furniture_rooms import boxes, corner_posts
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass

_TABLE = SemanticClass.CHAIR_TABLE


def counter(
    width_m: float = 2.0, depth_m: float = 0.7, height_m: float = 1.05, material: str = "wood"
) -> Scene:
    """A closed counter along y with a top that overhangs and a lower desk behind it."""
    body, top = Label(_TABLE, material), Label(_TABLE, "concrete")
    x, y = depth_m / 2, width_m / 2
    return Scene.merge(
        [
            *boxes(body, [((0.0, -y + 0.03, 0.0), (x - 0.06, y - 0.03, height_m - 0.04))]),
            *boxes(body, [((-x, -y + 0.03, 0.7), (0.0, y - 0.03, 0.74))]),
            *boxes(top, [((-0.06, -y, height_m - 0.04), (x, y, height_m))]),
        ]
    )


def bookcase(
    generator: np.random.Generator,
    width_m: float = 1.0,
    height_m: float = 1.9,
    *,
    double: bool = True,
) -> Scene:
    """A wooden bookcase along y, filled from both sides or only from the front."""
    wood, paper = Label(IGNORED_CLASS, "wood"), Label(IGNORED_CLASS, "fabric")
    y, x = width_m / 2, 0.3 if double else 0.16
    back = (-0.01, 0.01) if double else (-x, -x + 0.02)
    parts = boxes(
        wood,
        [
            ((-x, -y, 0.0), (x, -y + 0.025, height_m)),
            ((-x, y - 0.025, 0.0), (x, y, height_m)),
            ((back[0], -y + 0.025, 0.05), (back[1], y - 0.025, height_m)),
        ],
    )
    levels = np.linspace(0.08, height_m - 0.03, int(height_m / 0.42) + 1)
    faces = (-1, 1) if double else (1,)
    for z, above in itertools.pairwise(levels):
        parts += boxes(wood, [((-x, -y + 0.025, z), (x, y - 0.025, z + 0.025))])
        for face in faces:
            filled = generator.uniform(0.55, 1.0)
            depth = generator.uniform(0.75, 0.95) * (x if double else 2 * x - 0.03)
            edge = 0.011 if double else x - 0.02 - depth
            low, high = sorted((face * edge, face * (edge + depth - 0.02)))
            ends = (-y + 0.03, -y + 0.03 + filled * (width_m - 0.06))
            parts += boxes(
                paper, [((low, ends[0], z + 0.025), (high, ends[1], min(z + 0.32, above - 0.02)))]
            )
    parts += boxes(wood, [((-x, -y + 0.025, levels[-1]), (x, y - 0.025, height_m))])
    return Scene.merge(parts)


def gondola(generator: np.random.Generator, width_m: float = 2.0, height_m: float = 1.7) -> Scene:
    """A shop shelf along y with goods on both sides, boards narrower towards the top."""
    metal = Label(IGNORED_CLASS, "metal")
    y = width_m / 2
    parts = boxes(
        metal,
        [((-0.46, -y, 0.0), (0.46, y, 0.14)), ((-0.015, -y, 0.14), (0.015, y, height_m))],
    )
    levels = np.linspace(0.14, height_m - 0.3, 4)
    step = float(levels[1] - levels[0])
    for level, reach in zip(levels, (0.46, 0.38, 0.36, 0.34), strict=True):
        for face in (-1, 1):
            low, high = sorted((face * 0.015, face * reach))
            if level > levels[0]:
                parts += boxes(metal, [((low, -y, level - 0.025), (high, y, level))])
            goods = Label(IGNORED_CLASS, ("wood", "plastic", "metal")[generator.integers(3)])
            low, high = sorted((face * 0.02, face * generator.uniform(0.75, 0.97) * reach))
            halves = ((-y, generator.uniform(-0.3, 0.3)), (0.35, y))
            for start, end in halves if generator.random() < 0.5 else ((-y, y),):
                top = level + generator.uniform(0.4, 0.85) * step
                parts += boxes(
                    goods, [((low, start + 0.02, level), (high, end - 0.02, float(top)))]
                )
    return Scene.merge(parts)


def glass_fridge(width_m: float = 1.25, height_m: float = 2.0) -> Scene:
    """An upright cooler along y with glass doors in front of its goods."""
    metal, pane = Label(IGNORED_CLASS, "metal"), Label(IGNORED_CLASS, "glass")
    goods = Label(IGNORED_CLASS, "plastic")
    y = width_m / 2
    parts = boxes(
        metal,
        [
            ((-0.4, -y, 0.0), (0.38, y, 0.2)),
            ((-0.4, -y, height_m - 0.15), (0.38, y, height_m)),
            ((-0.4, -y, 0.2), (-0.34, y, height_m - 0.15)),
            ((-0.34, -y, 0.2), (0.38, -y + 0.04, height_m - 0.15)),
            ((-0.34, y - 0.04, 0.2), (0.38, y, height_m - 0.15)),
        ],
    )
    parts += boxes(pane, [((0.36, -y + 0.04, 0.2), (0.37, y - 0.04, height_m - 0.15))])
    for z in np.linspace(0.3, height_m - 0.55, 4):
        parts += boxes(goods, [((-0.3, -y + 0.08, z), (0.25, y - 0.08, z + 0.26))])
    return Scene.merge(parts)


def checkout() -> Scene:
    """A checkout along y: conveyor, till with a screen, a seat behind."""
    body, metal = Label(_TABLE, "wood"), Label(_TABLE, "metal")
    dark = Label(IGNORED_CLASS, "plastic")
    return Scene.merge(
        [
            *boxes(body, [((-0.3, -1.2, 0.0), (0.3, 1.2, 0.78))]),
            *boxes(metal, [((-0.34, -1.2, 0.78), (0.34, 1.2, 0.84))]),
            *boxes(dark, [((-0.25, 0.3, 0.84), (0.05, 0.65, 1.0))]),
            *boxes(dark, [((-0.12, 0.35, 1.0), (-0.08, 0.6, 1.35))]),
        ]
    )


def shopping_carts(count: int = 5) -> Scene:
    """Wire carts pushed into each other along x."""
    metal = Label(IGNORED_CLASS, "metal")
    parts = []
    for k in range(count):
        x = 0.25 * (k - (count - 1) / 2)
        parts += boxes(
            metal,
            [
                ((x - 0.4, -0.24, 0.5), (x + 0.4, 0.24, 0.52)),
                ((x - 0.4, -0.26, 0.5), (x + 0.4, -0.24, 0.92)),
                ((x - 0.4, 0.24, 0.5), (x + 0.4, 0.26, 0.92)),
                ((x - 0.35, -0.22, 0.06), (x + 0.35, -0.2, 0.1)),
                ((x - 0.35, 0.2, 0.06), (x + 0.35, 0.22, 0.1)),
            ],
        )
        parts += corner_posts(0.7, 0.44, 0.0, 0.5, 0.02, metal) if k in (0, count - 1) else []
        parts.append(
            meshes.cylinder((x - 0.45, -0.26, 1.0), (x - 0.45, 0.26, 1.0), 0.015, metal, 5)
        )
    return Scene.merge(parts)


def produce_stand(generator: np.random.Generator, width_m: float = 1.8) -> Scene:
    """A table along y with crates of fruit."""
    wood, fruit = Label(_TABLE, "wood"), Label(IGNORED_CLASS, "plastic")
    y = width_m / 2
    parts = boxes(wood, [((-0.45, -y, 0.62), (0.45, y, 0.68))])
    parts += corner_posts(0.8, width_m - 0.1, 0.0, 0.62, 0.06, wood)
    for c in np.arange(-y + 0.3, y - 0.2, 0.6):
        for x in (-0.22, 0.22):
            top = 0.68 + generator.uniform(0.12, 0.26)
            low, high = (x - 0.19, c - 0.26, 0.68), (x + 0.19, c + 0.26, float(top))
            parts.append(meshes.box(low, high, fruit))
    return Scene.merge(parts)


def pallet(generator: np.random.Generator, most_m: float = 1.2) -> Scene:
    """A wooden pallet with a stack of cartons."""
    wood = Label(IGNORED_CLASS, "wood")
    goods = Label(IGNORED_CLASS, "wood" if generator.random() < 0.7 else "plastic")
    parts = boxes(wood, [((-0.4, -0.6, 0.1), (0.4, 0.6, 0.15))])
    parts += boxes(wood, [((-0.4, y - 0.05, 0.0), (0.4, y + 0.05, 0.1)) for y in (-0.5, 0.5)])
    for side in (-1, 1):
        height = generator.uniform(0.3, 1.0) * (most_m - 0.15)
        inner, outer = sorted((side * 0.01, side * generator.uniform(0.5, 0.58)))
        deep = generator.uniform(0.33, 0.39)
        parts += boxes(goods, [((-deep, inner, 0.15), (deep, outer, 0.15 + float(height)))])
    return Scene.merge(parts)


def pallet_rack(generator: np.random.Generator, width_m: float = 2.7, levels: int = 3) -> Scene:
    """One bay of a pallet rack along y: uprights, braces, beams and some pallets."""
    metal = Label(IGNORED_CLASS, "metal")
    y, pitch = width_m / 2, 1.35
    top = levels * pitch - 0.1
    parts = corner_posts(1.0, width_m, 0.0, top, 0.09, metal)
    for side in (-y + 0.045, y - 0.045):
        for z in np.arange(0.3, top - 0.9, 1.6):
            parts.append(meshes.cylinder((-0.45, side, z), (0.45, side, z + 0.9), 0.02, metal, 4))
    for level in range(levels):
        floor = level * pitch
        if level:
            edges = (-0.5, 0.44)
            parts += boxes(metal, [((x, -y, floor - 0.12), (x + 0.06, y, floor)) for x in edges])
        for middle in (-width_m / 4, width_m / 4):
            if generator.random() < 0.7:
                load = pallet(generator, pitch - 0.25)
                parts.append(meshes.moved(load, (0.0, middle, floor)))
    return Scene.merge(parts)


def pallet_truck() -> Scene:
    """A hand pallet truck with its forks along +x."""
    metal = Label(IGNORED_CLASS, "metal")
    parts = boxes(
        metal,
        [
            ((-0.2, -0.27, 0.05), (1.0, -0.11, 0.12)),
            ((-0.2, 0.11, 0.05), (1.0, 0.27, 0.12)),
            ((-0.35, -0.2, 0.05), (-0.2, 0.2, 0.45)),
        ],
    )
    parts.append(meshes.cylinder((-0.3, 0, 0.45), (-0.55, 0, 1.15), 0.02, metal, 6))
    parts.append(meshes.cylinder((-0.55, -0.15, 1.17), (-0.55, 0.15, 1.17), 0.02, metal, 6))
    return Scene.merge(parts)


def container(width_m: float = 1.2, height_m: float = 1.1) -> Scene:
    """A large waste container on wheels, along y."""
    label = Label(SemanticClass.TRASHCAN, "plastic")
    y = width_m / 2
    parts = boxes(
        label,
        [
            ((-0.38, -y, 0.12), (0.38, y, height_m - 0.06)),
            ((-0.42, -y - 0.03, height_m - 0.06), (0.42, y + 0.03, height_m)),
        ],
    )
    return Scene.merge([*parts, *corner_posts(0.7, width_m - 0.1, 0.0, 0.12, 0.1, label)])


def guard_rail(length_m: float = 1.6) -> Scene:
    """A low steel barrier along y that keeps vehicles from a rack; it counts as railing."""
    label = Label(SemanticClass.RAILING, "metal")
    y = length_m / 2
    parts = boxes(label, [((-0.04, -y, z), (0.04, y, z + 0.12)) for z in (0.2, 0.45)])
    for c in (-y + 0.1, y - 0.1):
        parts.append(meshes.cylinder((-0.1, c, 0.0), (-0.1, c, 0.62), 0.06, label, 8))
    return Scene.merge(parts)


def showcase(width_m: float = 1.2, height_m: float = 1.9) -> Scene:
    """A glass case along y on a wooden foot, with a small thing inside."""
    wood, pane = Label(IGNORED_CLASS, "wood"), Label(IGNORED_CLASS, "glass")
    clay = Label(IGNORED_CLASS, "brick")
    y = width_m / 2
    return Scene.merge(
        [
            *boxes(wood, [((-0.3, -y, 0.0), (0.3, y, 0.85))]),
            *boxes(wood, [((-0.3, -y, height_m), (0.3, y, height_m + 0.06))]),
            *boxes(
                pane,
                [
                    ((-0.29, -y + 0.01, 0.85), (-0.282, y - 0.01, height_m)),
                    ((0.282, -y + 0.01, 0.85), (0.29, y - 0.01, height_m)),
                    ((-0.282, -y + 0.01, 0.85), (0.282, -y + 0.018, height_m)),
                    ((-0.282, y - 0.018, 0.85), (0.282, y - 0.01, height_m)),
                ],
            ),
            meshes.cylinder((0, 0, 0.86), (0, 0, 1.2), 0.08, clay, 8, 0.16),
        ]
    )


def sculpture(generator: np.random.Generator) -> Scene:
    """A figure of two or three blocks and a head on a pedestal, of stone or bronze."""
    base = Label(IGNORED_CLASS, "plaster")
    body = Label(IGNORED_CLASS, ("concrete", "metal", "wood")[generator.integers(3)])
    half, level = generator.uniform(0.22, 0.35), generator.uniform(0.3, 1.0)
    parts = boxes(base, [((-half, -half, 0.0), (half, half, level))])
    radius = 0.8 * half
    for _ in range(int(generator.integers(2, 4))):
        height, following = generator.uniform(0.25, 0.5), radius * generator.uniform(0.6, 1.1)
        lean = generator.uniform(-0.04, 0.04, 2)
        parts.append(
            meshes.cylinder(
                (0, 0, level), (*lean, level + height), radius, body, 9, float(following)
            )
        )
        level, radius = level + height, following
    head = (0.0, 0.0, level + 0.1), (0.0, 0.0, level + 0.16)
    parts.append(meshes.capsule(*head, 0.12, 0.1, body, 8))
    return Scene.merge(parts)


def picture(width_m: float = 1.2, height_m: float = 0.9) -> Scene:
    """A framed canvas on the wall at its back, its middle at 1.55 m."""
    frame, canvas = Label(IGNORED_CLASS, "wood"), Label(IGNORED_CLASS, "fabric")
    y, low, high = width_m / 2, 1.55 - height_m / 2, 1.55 + height_m / 2
    return Scene.merge(
        [
            *boxes(frame, [((0.0, -y, low), (0.04, y, high))]),
            *boxes(canvas, [((0.04, -y + 0.06, low + 0.06), (0.046, y - 0.06, high - 0.06))]),
        ]
    )


def rope_barrier(length_m: float = 2.4) -> Scene:
    """Posts with a rope between them along y; it counts as railing."""
    metal, rope = Label(SemanticClass.RAILING, "metal"), Label(SemanticClass.RAILING, "fabric")
    feet = np.linspace(-length_m / 2, length_m / 2, max(2, round(length_m / 1.2) + 1))
    parts = []
    for y in feet:
        parts.append(meshes.cylinder((0, y, 0.02), (0, y, 0.95), 0.025, metal, 5))
        parts.append(meshes.cylinder((0, y, 0.0), (0, y, 0.02), 0.15, metal, 6))
    for start, end in itertools.pairwise(feet):
        middle = ((start + end) / 2, 0.72)
        for y in (start, end):
            parts.append(meshes.cylinder((0, y, 0.88), (0, *middle), 0.02, rope, 4))
    return Scene.merge(parts)


def turnstile() -> Scene:
    """A gate's housing along x with a glass wing to its left; it counts as railing."""
    metal, pane = Label(SemanticClass.RAILING, "metal"), Label(SemanticClass.RAILING, "glass")
    return Scene.merge(
        [
            *boxes(metal, [((-0.6, -0.1, 0.0), (0.6, 0.1, 0.98))]),
            *boxes(pane, [((-0.2, 0.1, 0.25), (-0.19, 0.55, 0.95))]),
        ]
    )


def booth(width_m: float = 1.3) -> Scene:
    """A table along x between two upholstered benches with high backs."""
    cloth, wood, metal = Label(_TABLE, "fabric"), Label(_TABLE, "wood"), Label(_TABLE, "metal")
    x = width_m / 2
    parts = []
    for side in (-1, 1):
        for inner, outer, low, high in ((0.42, 0.85, 0.0, 0.46), (0.85, 0.97, 0.0, 1.15)):
            near, far = sorted((side * inner, side * outer))
            parts += boxes(cloth, [((-x, near, low), (x, far, high))])
    parts += boxes(wood, [((-x + 0.02, -0.36, 0.71), (x, 0.36, 0.75))])
    parts.append(meshes.cylinder((0, 0, 0.0), (0, 0, 0.71), 0.05, metal, 6))
    return Scene.merge(parts)


def cooking_block(width_m: float = 2.0) -> Scene:
    """A steel range of a restaurant's kitchen along y and the hood that hangs above it."""
    steel, hood = Label(_TABLE, "metal"), Label(IGNORED_CLASS, "metal")
    y = width_m / 2
    parts = boxes(
        steel,
        [((-0.42, -y, 0.1), (0.42, y, 0.88)), ((-0.45, -y - 0.02, 0.88), (0.45, y + 0.02, 0.92))],
    )
    parts += boxes(hood, [((-0.55, -y - 0.1, 2.05), (0.55, y + 0.1, 2.45))])
    for c in np.arange(-y + 0.3, y - 0.2, 0.55):
        parts.append(meshes.cylinder((0.1, c, 0.92), (0.1, c, 1.1), 0.15, hood, 10))
    return Scene.merge(parts)


def steel_table(width_m: float = 1.6, depth_m: float = 0.7) -> Scene:
    """A worktable of steel along y with a board below."""
    label = Label(_TABLE, "metal")
    x, y = depth_m / 2, width_m / 2
    parts = boxes(
        label,
        [((-x, -y, 0.87), (x, y, 0.9)), ((-x + 0.03, -y + 0.03, 0.25), (x - 0.03, y - 0.03, 0.28))],
    )
    return Scene.merge(
        [*parts, *corner_posts(depth_m - 0.04, width_m - 0.04, 0.0, 0.87, 0.04, label)]
    )


def hanging_lamp(ceiling_m: float, height_m: float) -> Scene:
    """A round lamp on a cable, its lower edge at a height; it counts as ceiling."""
    label = Label(SemanticClass.CEILING, "metal")
    top = height_m + 0.22
    return Scene.merge(
        [
            meshes.cylinder((0, 0, height_m), (0, 0, top), 0.24, label, 8, 0.08),
            meshes.cylinder((0, 0, top), (0, 0, ceiling_m - 0.005), 0.01, label, 3),
        ]
    )


def beam(ceiling_m: float, length_m: float, material: str = "concrete") -> Scene:
    """A beam along y under the ceiling; it counts as ceiling."""
    label = Label(SemanticClass.CEILING, material)
    y = length_m / 2
    return meshes.box((-0.15, -y, ceiling_m - 0.4), (0.15, y, ceiling_m - 0.002), label)


def duct(ceiling_m: float, length_m: float, radius_m: float = 0.22) -> Scene:
    """A round air duct along y, a hand below the ceiling; it counts as ceiling."""
    label = Label(SemanticClass.CEILING, "metal")
    z, y = ceiling_m - radius_m - 0.1, length_m / 2
    return meshes.cylinder((0, -y, z), (0, y, z), radius_m, label, 10)
