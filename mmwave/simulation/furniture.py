"""Furniture about its own origin: back towards -x, front towards +x, feet on z = 0."""

import numpy as np

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass

_TABLE = SemanticClass.CHAIR_TABLE


def table(
    depth_m: float = 0.75, width_m: float = 1.5, height_m: float = 0.74, screens: int = 0
) -> Scene:
    """A table along y with four legs; ``screens`` monitors stand on its back half."""
    top, leg = Label(_TABLE, "wood"), Label(_TABLE, "metal")
    x, y = depth_m / 2, width_m / 2
    parts = [meshes.box((-x, -y, height_m - 0.03), (x, y, height_m), top)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.05), sy * (y - 0.06)
            low, high = (cx - 0.025, cy - 0.025, 0.0), (cx + 0.025, cy + 0.025, height_m - 0.03)
            parts.append(meshes.post(low, high, leg))
    for centre in np.linspace(-y, y, screens + 2)[1:-1]:
        dark = Label(IGNORED_CLASS, "plastic")
        z = height_m
        parts.append(
            meshes.box((-0.12, centre - 0.28, z + 0.12), (-0.09, centre + 0.28, z + 0.46), dark)
        )
        parts.append(meshes.box((-0.16, centre - 0.1, z), (-0.02, centre + 0.1, z + 0.02), dark))
        parts.append(
            meshes.box((-0.14, centre - 0.02, z + 0.02), (-0.12, centre + 0.02, z + 0.3), dark)
        )
    return Scene.merge(parts)


def round_table(radius_m: float = 0.45, height_m: float = 0.74) -> Scene:
    """A round table on one column."""
    top, foot = Label(_TABLE, "wood"), Label(_TABLE, "metal")
    angle = 2 * np.pi * np.arange(12) / 12
    rim = radius_m * np.column_stack([np.cos(angle), np.sin(angle)])
    return Scene.merge(
        [
            meshes.extruded_polygon(rim, height_m - 0.03, height_m, top),
            meshes.cylinder((0, 0, 0.03), (0, 0, height_m - 0.03), 0.04, foot, 6),
            meshes.cylinder((0, 0, 0), (0, 0, 0.03), 0.24, foot, 8),
        ]
    )


def chair(seat_m: float = 0.45) -> Scene:
    """A four-legged chair that faces +x."""
    cloth, leg = Label(_TABLE, "fabric"), Label(_TABLE, "metal")
    parts = [
        meshes.box((-0.21, -0.21, seat_m - 0.05), (0.22, 0.21, seat_m), cloth),
        meshes.box((-0.24, -0.2, seat_m + 0.12), (-0.2, 0.2, seat_m + 0.44), cloth),
    ]
    for x, y in ((-0.22, -0.19), (-0.22, 0.19), (0.19, -0.19), (0.19, 0.19)):
        top = seat_m + 0.12 if x < 0 else seat_m - 0.05
        parts.append(meshes.post((x - 0.015, y - 0.015, 0), (x + 0.015, y + 0.015, top), leg))
    return Scene.merge(parts)


def office_chair(seat_m: float = 0.48) -> Scene:
    """A swivel chair on a five-armed foot; faces +x."""
    cloth, metal = Label(_TABLE, "fabric"), Label(_TABLE, "metal")
    parts = [
        meshes.box((-0.23, -0.24, seat_m - 0.07), (0.25, 0.24, seat_m), cloth),
        meshes.box((-0.29, -0.22, seat_m + 0.1), (-0.23, 0.22, seat_m + 0.6), cloth),
        meshes.box((-0.3, -0.04, seat_m - 0.04), (-0.26, 0.04, seat_m + 0.2), metal),
        meshes.cylinder((0, 0, 0.1), (0, 0, seat_m - 0.07), 0.03, metal, 6),
    ]
    for angle in 2 * np.pi * np.arange(5) / 5:
        end = (0.3 * np.cos(angle), 0.3 * np.sin(angle), 0.06)
        parts.append(meshes.cylinder((0, 0, 0.12), end, 0.025, metal, 3))
    return Scene.merge(parts)


def bench(width_m: float = 1.6) -> Scene:
    """A bench along y without a back."""
    wood, metal = Label(_TABLE, "wood"), Label(_TABLE, "metal")
    y = width_m / 2
    parts = [meshes.box((-0.2, -y, 0.41), (0.2, y, 0.45), wood)]
    for side in (-1, 1):
        c = side * (y - 0.15)
        parts.append(meshes.box((-0.18, c - 0.03, 0), (0.18, c + 0.03, 0.41), metal))
    return Scene.merge(parts)


def lab_bench(depth_m: float = 0.8, width_m: float = 2.4) -> Scene:
    """A closed laboratory bench along y with a shelf above it."""
    top, body = Label(_TABLE, "concrete"), Label(_TABLE, "wood")
    metal = Label(_TABLE, "metal")
    x, y = depth_m / 2, width_m / 2
    parts = [
        meshes.box((-x, -y, 0.86), (x, y, 0.9), top),
        meshes.box((-x + 0.05, -y + 0.03, 0.1), (x - 0.08, y - 0.03, 0.86), body),
        meshes.box((-x, -y, 1.35), (-x + 0.28, y, 1.38), metal),
    ]
    for side in (-1, 1):
        c = side * (y - 0.05)
        parts.append(meshes.box((-x, c - 0.02, 0.9), (-x + 0.04, c + 0.02, 1.35), metal))
    return Scene.merge(parts)


def trashcan(radius_m: float = 0.2, height_m: float = 0.6, material: str = "plastic") -> Scene:
    """A round bin, wider at the top."""
    label = Label(SemanticClass.TRASHCAN, material)
    parts = [
        meshes.cylinder((0, 0, 0), (0, 0, height_m), 0.85 * radius_m, label, 10, radius_m),
        meshes.cylinder(
            (0, 0, height_m), (0, 0, height_m + 0.05), 1.05 * radius_m, label, 10, 0.7 * radius_m
        ),
    ]
    return Scene.merge(parts)


def recycling_bins(count: int = 3) -> Scene:
    """A row of square bins along y."""
    label = Label(SemanticClass.TRASHCAN, "metal")
    parts = []
    for i in range(count):
        c = (i - (count - 1) / 2) * 0.43
        parts.append(meshes.box((-0.2, c - 0.2, 0), (0.2, c + 0.2, 0.78), label))
        parts.append(meshes.box((-0.17, c - 0.17, 0.78), (0.14, c + 0.17, 0.84), label))
    return Scene.merge(parts)


def cupboard(width_m: float = 1.0, depth_m: float = 0.42, height_m: float = 1.9) -> Scene:
    """A closed wooden cupboard along y."""
    wood = Label(IGNORED_CLASS, "wood")
    x, y = depth_m / 2, width_m / 2
    parts = [meshes.box((-x, -y, 0.05), (x, y, height_m), wood)]
    for side in (-1, 1):
        low, high = sorted((side * 0.03, side * 0.05))
        parts.append(
            meshes.box((x, low, 0.95), (x + 0.03, high, 1.15), Label(IGNORED_CLASS, "metal"))
        )
    return Scene.merge(parts)


def lockers(count: int = 6, height_m: float = 1.8) -> Scene:
    """A row of metal lockers along y, doors alternately proud by a few millimetres."""
    metal = Label(IGNORED_CLASS, "metal")
    width = 0.4
    parts = []
    for i in range(count):
        low = (i - count / 2) * width
        front = 0.225 + 0.008 * (i % 2)
        parts.append(meshes.box((-0.22, low, 0.08), (front, low + width, height_m), metal))
    return Scene.merge(parts)


def shelf(width_m: float = 1.2, depth_m: float = 0.35, height_m: float = 2.0) -> Scene:
    """Open metal shelving along y with boxes on some boards."""
    metal, carton = Label(IGNORED_CLASS, "metal"), Label(IGNORED_CLASS, "wood")
    x, y = depth_m / 2, width_m / 2
    parts = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.02), sy * (y - 0.02)
            parts.append(
                meshes.post((cx - 0.02, cy - 0.02, 0), (cx + 0.02, cy + 0.02, height_m), metal)
            )
    for i, z in enumerate(np.linspace(0.1, height_m - 0.05, 5)):
        parts.append(meshes.box((-x, -y, z), (x, y, z + 0.02), metal))
        if i % 2 == 0 and z < height_m - 0.3:
            parts.append(
                meshes.box((-x + 0.05, -y + 0.1, z + 0.02), (x - 0.03, 0.1, z + 0.3), carton)
            )
    return Scene.merge(parts)


def sofa(width_m: float = 1.7) -> Scene:
    """An upholstered sofa along y; faces +x."""
    cloth = Label(_TABLE, "fabric")
    y = width_m / 2
    return Scene.merge(
        [
            meshes.box((-0.4, -y, 0.08), (0.4, y, 0.42), cloth),
            meshes.box((-0.42, -y, 0.42), (-0.22, y, 0.82), cloth),
            meshes.box((-0.22, -y, 0.42), (0.38, -y + 0.16, 0.6), cloth),
            meshes.box((-0.22, y - 0.16, 0.42), (0.38, y, 0.6), cloth),
        ]
    )


def whiteboard(width_m: float = 2.4) -> Scene:
    """A metal board that hangs on a wall at its back."""
    metal = Label(IGNORED_CLASS, "metal")
    y = width_m / 2
    return Scene.merge(
        [
            meshes.box((0, -y, 0.9), (0.03, y, 2.1), metal),
            meshes.box((0.03, -y, 0.86), (0.1, y, 0.9), metal),
        ]
    )


def plant(generator: np.random.Generator, height_m: float = 1.3) -> Scene:
    """A pot with a stem and leaning leaves."""
    clay, leaf = Label(IGNORED_CLASS, "brick"), Label(IGNORED_CLASS, "fabric")
    parts = [
        meshes.cylinder((0, 0, 0), (0, 0, 0.35), 0.14, clay, 8, 0.19),
        meshes.cylinder((0, 0, 0.35), (0, 0, 0.55 * height_m), 0.02, leaf, 5),
    ]
    for angle in 2 * np.pi * (np.arange(7) / 7) + generator.uniform(0, 0.5, 7):
        reach, rise = generator.uniform(0.12, 0.28), generator.uniform(0.6, 1.0)
        tip = np.array([reach * np.cos(angle), reach * np.sin(angle), rise * height_m])
        foot = np.array([0.0, 0.0, rise * height_m - 0.3])
        parts.append(meshes.cylinder(foot, tip, 0.02, leaf, 3, 0.08))
    return Scene.merge(parts)


def cartons(generator: np.random.Generator) -> Scene:
    """A few boxes on top of each other, each turned a little."""
    label = Label(IGNORED_CLASS, "wood")
    parts, level = [], 0.0
    for _ in range(int(generator.integers(1, 4))):
        half = generator.uniform(0.14, 0.26, 2)
        height = generator.uniform(0.2, 0.4)
        carton = meshes.box((-half[0], -half[1], 0), (half[0], half[1], height), label)
        parts.append(meshes.moved(carton, (0, 0, level), generator.uniform(-0.4, 0.4)))
        level += height
    return Scene.merge(parts)


def pillar(height_m: float, side_m: float = 0.4, *, is_round: bool = False) -> Scene:
    """A concrete column from floor to ceiling; it counts as wall."""
    label = Label(SemanticClass.WALL, "concrete")
    if is_round:
        return meshes.cylinder((0, 0, 0), (0, 0, height_m), side_m / 2, label, 16)
    half = side_m / 2
    return meshes.box((-half, -half, 0), (half, half, height_m), label)


def fire_extinguisher() -> Scene:
    """A red bottle on the wall at its back."""
    metal = Label(IGNORED_CLASS, "metal")
    return Scene.merge(
        [
            meshes.cylinder((0.1, 0, 0.7), (0.1, 0, 1.15), 0.075, metal, 8),
            meshes.cylinder((0.1, 0, 1.15), (0.1, 0, 1.27), 0.03, metal, 6),
        ]
    )


def ceiling_lamp(ceiling_m: float, length_m: float = 1.2, width_m: float = 0.25) -> Scene:
    """A flat lamp just under the ceiling, along x; it counts as ceiling."""
    label = Label(SemanticClass.CEILING, "metal")
    x, y = length_m / 2, width_m / 2
    return meshes.box((-x, -y, ceiling_m - 0.08), (x, y, ceiling_m - 0.02), label)


def radiator(width_m: float = 1.2, height_m: float = 0.5) -> Scene:
    """A ribbed metal radiator along y, its back at x = 0, 12 cm above the floor."""
    metal = Label(IGNORED_CLASS, "metal")
    y = width_m / 2
    parts = [meshes.box((0.0, -y, 0.12), (0.05, y, 0.12 + height_m), metal)]
    for centre in np.arange(-y + 0.15, y - 0.1, 0.4):
        low, high = (0.05, centre - 0.1, 0.14), (0.07, centre + 0.1, 0.1 + height_m)
        parts.append(meshes.box(low, high, metal))
    return Scene.merge(parts)
