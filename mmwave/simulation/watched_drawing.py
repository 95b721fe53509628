"""Draws places to watch from a seed: rooms, walls, people, clothes, and what is hidden."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation import furniture, furniture_rooms, meshes
from mmwave.simulation.activities import Actor, falling, looked_at, occupant
from mmwave.simulation.albedo import albedo, texture_contrast
from mmwave.simulation.articulated import body_parts
from mmwave.simulation.clothing import GARMENTS, Garment
from mmwave.simulation.concealed import OBJECTS
from mmwave.simulation.floor_plan import FloorPlan, Wall
from mmwave.simulation.floor_plan import Room as FloorRoom
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass
from mmwave.simulation.transmission import Wall as PanelWall
from mmwave.simulation.walls import floors_and_ceilings, wall_mesh
from mmwave.simulation.watched_place import PLACES_ON_BODY, WATCHES, Hidden, WatchedPlace

SEEN_CLOTHES = ("shirt", "fleece", "leather", "coat")
NEW_CLOTHES = ("wool", "denim")
SEEN_WALLS = ("plasterboard", "double_plasterboard", "plywood", "wooden_door", "glass")
NEW_WALLS = ("chipboard", "ceiling_board", "thick_plasterboard")
"""Models are trained with what is seen and tested with what is new."""

PERSON_INSTANCE, RESIDENT_INSTANCE = 1001, 1002
FARTHEST_M = 5.3
_BEHIND_RADAR_M = 0.5

_Range = tuple[float, float]
_Maker = Callable[[np.random.Generator], Scene]

_WALL_LOOKS = {
    "plasterboard": ((0.86, 0.86, 0.83), 0.02),
    "double_plasterboard": ((0.80, 0.82, 0.86), 0.05),
    "plywood": ((0.75, 0.60, 0.40), 0.18),
    "wooden_door": ((0.48, 0.32, 0.18), 0.22),
    "glass": ((0.70, 0.84, 0.80), 0.01),
    "chipboard": ((0.70, 0.58, 0.38), 0.35),
    "ceiling_board": ((0.90, 0.90, 0.90), 0.30),
    "thick_plasterboard": ((0.84, 0.84, 0.80), 0.03),
}
"""Colour and contrast of walls; the pane is frosted: a camera does not see through."""


def ladder(generator: np.random.Generator) -> Scene:
    """A stepladder of aluminium, leaning back a little."""
    metal = Label(IGNORED_CLASS, "metal")
    height, half = generator.uniform(1.5, 2.1), 0.22
    lean = 0.35
    parts = []
    for side in (-half, half):
        parts.append(meshes.cylinder((lean, side, 0.0), (0.0, side, height), 0.02, metal, 6))
        parts.append(meshes.cylinder((-lean, side, 0.0), (0.0, side, height), 0.015, metal, 6))
    for step in np.arange(0.3, height - 0.1, 0.3):
        x = lean * (1 - step / height)
        parts.append(meshes.cylinder((x, -half, step), (x, half, step), 0.018, metal, 6))
    return Scene.merge(parts)


_CLUTTER: dict[str, _Maker] = {
    "ladder": ladder,
    "whiteboard": lambda generator: furniture.whiteboard(float(generator.uniform(0.8, 1.4))),
    "cartons": furniture.cartons,
    "plant": furniture.plant,
    "chair": lambda generator: furniture.chair(),
    "bin": lambda generator: furniture.trashcan(),
}
_FURNITURE: tuple[_Maker, ...] = (
    lambda generator: furniture.cupboard(),
    lambda generator: furniture.shelf(),
    lambda generator: furniture.sofa(),
    lambda generator: furniture.radiator(),
    lambda generator: furniture_rooms.tv_board(),
    lambda generator: furniture_rooms.armchair(),
    furniture.plant,
    furniture.cartons,
)


def draw_place(
    watch: str,
    seed: int,
    anomalous: bool,
    seconds: float,
    clothes: Sequence[str] = SEEN_CLOTHES,
    walls: Sequence[str] = SEEN_WALLS,
    anomaly_from_s: float = 0.0,
) -> WatchedPlace:
    """A place from its seed; identical arguments give identical places.

    Args:
        watch: a name from WATCHES.
        seed: of everything.
        anomalous: somebody hides something, is behind the wall, or falls there.
        seconds: how long it will be watched.
        clothes: names of what people may wear.
        walls: names of what the wall may be of.
        anomaly_from_s: when what is hidden, or the intruder, comes.

    Raises:
        ValueError: there is no such watch, or the seed is negative.
    """
    if watch not in WATCHES:
        raise ValueError(f"watch must be one of {', '.join(WATCHES)}, got {watch!r}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    # what is not normal is drawn last and by itself: the same place with and without it
    generator = np.random.default_rng([seed, zlib.crc32(watch.encode())])
    special = np.random.default_rng([seed, zlib.crc32(b"anomaly"), zlib.crc32(watch.encode())])
    garment = GARMENTS[str(generator.choice(np.asarray(clothes)))]
    if watch == "weapon":
        return _before_the_radar(seed, anomalous, seconds, garment, anomaly_from_s,
                                 generator, special)  # fmt: skip
    wall_name = str(generator.choice(np.asarray(walls)))
    return _behind_a_wall(watch, seed, anomalous, seconds, garment, clothes, wall_name,
                          anomaly_from_s, generator, special)  # fmt: skip


def _before_the_radar(
    seed: int,
    anomalous: bool,
    seconds: float,
    garment: Garment,
    anomaly_from_s: float,
    generator: np.random.Generator,
    special: np.random.Generator,
) -> WatchedPlace:
    """One person in a room who faces the radar."""
    depth_m, width_m = generator.uniform((3.9, 3.0), (FARTHEST_M, 6.0))
    before = _room((-_BEHIND_RADAR_M, depth_m), width_m, generator)
    range_m, azimuth = generator.uniform(1.3, min(3.6, depth_m - 0.6)), generator.uniform(-0.4, 0.4)
    x_m, y_m = range_m * np.cos(azimuth), range_m * np.sin(azimuth)
    facing = np.arctan2(-y_m, -x_m)
    furniture_free = Furnisher(_plan((-_BEHIND_RADAR_M, depth_m), width_m), generator)
    furniture_free.keep_free(np.array([-_BEHIND_RADAR_M, -0.8]), np.array([x_m + 0.6, 0.8]))
    furniture_free.keep_free(np.array([0.0, y_m - 0.6]), np.array([x_m + 0.6, y_m + 0.6]))
    _furnish(furniture_free, int(generator.integers(1, 6)))
    scene = Scene.merge([before, *furniture_free.parts])
    person = looked_at(generator, x_m, y_m, facing, instance_id=PERSON_INSTANCE)
    hidden = _hide(special) if anomalous else None
    return _place(
        "weapon", seed, scene, meshes.empty(), meshes.empty(), "none", 0.0, person, garment, None,
        GARMENTS["shirt"], hidden, anomaly_from_s, (), generator,
    )  # fmt: skip


def _hide(generator: np.random.Generator) -> Hidden:
    kind = str(generator.choice(np.asarray(sorted(OBJECTS))))
    roll = generator.uniform(-np.pi / 2, np.pi / 2)
    pitch, yaw = generator.normal(0, np.deg2rad(6.0), 2)
    place = str(generator.choice(np.asarray(PLACES_ON_BODY)))
    tilt = _turn(2, yaw) @ _turn(1, pitch) @ _turn(0, roll) @ _FLAT_ON_THE_BODY
    return Hidden(kind, OBJECTS[kind](), place, tilt)


_FLAT_ON_THE_BODY = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Turns an object's thickness, its z, out of the body's front, and its length to the side."""


def _turn(axis: int, angle_rad: float) -> NDArray[np.float64]:
    """(3, 3) rotation about one axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle_rad)
    matrix[second, first], matrix[first, second] = np.sin(angle_rad), -np.sin(angle_rad)
    return matrix


def _behind_a_wall(
    watch: str,
    seed: int,
    anomalous: bool,
    seconds: float,
    garment: Garment,
    clothes: Sequence[str],
    wall_name: str,
    anomaly_from_s: float,
    generator: np.random.Generator,
    special: np.random.Generator,
) -> WatchedPlace:
    """A wall across the view, a room behind it, and perhaps somebody in front of it."""
    wall = PanelWall.named(wall_name)
    wall_m = float(generator.uniform(1.0, 2.4))
    width_m, far_width_m = generator.uniform((3.0, 3.8), (6.0, 6.5))
    back_m = wall_m + wall.thickness_m
    depth_m = float(generator.uniform(min(back_m + 2.4, FARTHEST_M - 0.1), FARTHEST_M))
    front = Furnisher(_plan((-_BEHIND_RADAR_M, wall_m), width_m), generator)
    front.keep_free(np.array([-_BEHIND_RADAR_M, -0.5]), np.array([0.7, 0.5]))
    clutter = _clutter(front, wall_m, generator)
    before = Scene.merge([_room((-_BEHIND_RADAR_M, wall_m), width_m, generator, far=False),
                          *front.parts])  # fmt: skip
    far = Furnisher(_plan((back_m, depth_m), far_width_m), generator, first_instance=200)
    low, high = _free_floor(back_m, depth_m, far_width_m)
    far.keep_free(low, high)
    _furnish(far, int(generator.integers(1, 5)))
    behind = Scene.merge([_room((back_m, depth_m), far_width_m, generator, near=False),
                          *far.parts])  # fmt: skip
    label = Label(SemanticClass.WALL, "plaster")
    panel = meshes.box((wall_m, -width_m / 2 - 0.1, 0.0), (back_m, width_m / 2 + 0.1, 2.6), label)
    person = None
    if wall_m > 1.6 and generator.random() < 0.75:
        kind = str(generator.choice(np.array(["stand", "walk", "sit"])))
        person = occupant(generator, np.array([0.95, -0.9]), np.array([wall_m - 0.4, 0.9]), seconds,
                          kind, instance_id=PERSON_INSTANCE)  # fmt: skip
    resident: Actor | None = None
    if watch == "fall" and anomalous:
        resident = falling(special, low, high, seconds, instance_id=RESIDENT_INSTANCE)
    elif watch == "fall" or anomalous:
        kind = str(special.choice(np.array(["stand", "walk", "sit"])))
        resident = occupant(special, low, high, seconds, kind, instance_id=RESIDENT_INSTANCE)
    other = GARMENTS[str(generator.choice(np.asarray(clothes)))]
    return _place(
        watch, seed, before, behind, panel, wall_name, wall_m, person, garment, resident, other,
        None, anomaly_from_s, clutter, generator,
    )  # fmt: skip


def _free_floor(
    back_m: float, depth_m: float, width_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (2,) of the floor behind the wall that people use and furniture does not."""
    half = min(width_m / 2 - 0.3, 1.5)
    return np.array([back_m + 0.3, -half]), np.array([depth_m - 0.5, half])


def _clutter(
    furnisher: Furnisher, wall_m: float, generator: np.random.Generator
) -> tuple[str, ...]:
    """Things in front of the wall, off to a side or before it."""
    names = []
    room = furnisher.plan.rooms[0]
    for name in generator.permutation(sorted(_CLUTTER))[: int(generator.integers(0, 4))]:
        thing = _CLUTTER[str(name)](generator)
        if name == "whiteboard":  # hangs on the wall that is looked through
            y_m = float(generator.uniform(-1.2, 1.2))
            placed = furnisher.place(room, thing, wall_m, y_m, np.pi, wall_gap_m=-0.01)
        else:
            placed = furnisher.place_anywhere(room, thing, margin_m=0.1)
        if placed:
            names.append(str(name))
    return tuple(names)


def _walls(along: _Range, width_m: float) -> list[Wall]:
    """Left, right, near and far wall about a room."""
    (near, far), half = along, width_m / 2
    return [
        Wall((near, -half), (far, -half), 0.1, (), "plaster"),
        Wall((near, half), (far, half), 0.1, (), "plaster"),
        Wall((near, -half), (near, half), 0.1, (), "plaster"),
        Wall((far, -half), (far, half), 0.1, (), "plaster"),
    ]


def _plan(along: _Range, width_m: float) -> FloorPlan:
    """For the furnisher; only side walls take room."""
    room = FloorRoom("room", (along[0], -width_m / 2), (along[1], width_m / 2), "wood")
    return FloorPlan((room,), tuple(_walls(along, width_m)[:2]), 2.6)


def _room(
    along: _Range,
    width_m: float,
    generator: np.random.Generator,
    *,
    near: bool = False,
    far: bool = True,
) -> Scene:
    """Floor, ceiling and walls, perhaps without the near or the far wall."""
    material = str(generator.choice(np.array(["plaster", "concrete", "brick", "wood"])))
    floor = str(generator.choice(np.array(["carpet", "wood", "plastic"])))
    room = FloorRoom("room", (along[0], -width_m / 2), (along[1], width_m / 2), floor)
    sides = _walls(along, width_m)
    kept = sides[:2] + sides[2:3] * near + sides[3:] * far
    walls = tuple(Wall(one.start_m, one.end_m, one.thickness_m, (), material) for one in kept)
    plan = FloorPlan((room,), walls, 2.6)
    return Scene.merge([floors_and_ceilings(plan), *(wall_mesh(wall, 2.6) for wall in walls)])


def _furnish(furnisher: Furnisher, count: int) -> None:
    generator = furnisher.generator
    for _ in range(count):
        thing = _FURNITURE[int(generator.integers(len(_FURNITURE)))](generator)
        furnisher.place_along_walls(furnisher.plan.rooms[0], thing)


def _place(
    watch: str,
    seed: int,
    before: Scene,
    behind: Scene,
    panel: Scene,
    wall_name: str,
    wall_m: float,
    person: Actor | None,
    garment: Garment,
    resident: Actor | None,
    resident_garment: Garment,
    hidden: Hidden | None,
    anomaly_from_s: float,
    clutter: tuple[str, ...],
    generator: np.random.Generator,
) -> WatchedPlace:
    """With the colours that the camera sees."""
    wall = PanelWall.named(wall_name) if wall_name != "none" else None
    still = Scene.merge([before, panel])
    colour = albedo(still, generator)
    texture = texture_contrast(still)
    if wall is not None:
        look, contrast = _WALL_LOOKS[wall_name]
        colour[len(before.faces) :] = np.clip(look + generator.normal(0, 0.03, 3), 0, 1)
        texture[len(before.faces) :] = contrast
    if person is not None:
        body, pattern = _dressed(garment, generator)
        colour, texture = np.vstack([colour, body]), np.concatenate([texture, pattern])
    return WatchedPlace(
        watch, seed, before, behind, panel, wall, wall_name, wall_m, person, garment, resident,
        resident_garment, hidden, anomaly_from_s, clutter, colour, texture,
    )  # fmt: skip


def _dressed(
    garment: Garment, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colour and contrast of a body's faces."""
    parts = body_parts()
    skin = np.array([0.85, 0.66, 0.55]) * generator.uniform(0.4, 1.05)
    trousers = generator.uniform(0.08, 0.5) * np.array([0.9, 0.95, 1.1])
    upper = garment.look(generator)
    shoes = np.full(3, generator.uniform(0.05, 0.3))
    by_part = np.array([skin, upper, upper, skin, trousers, shoes])
    contrast = np.array([0.05, garment.texture_contrast, garment.texture_contrast, 0.05, 0.1, 0.05])
    return np.clip(by_part, 0, 1)[parts], contrast[parts]
