"""A room with people that a fixed radar looks into, for indoor sensing.

A room is drawn from its seed: size, walls, furniture, where the radars stand. A session is another
day in it: other chairs, other people on other ways. The radars look along their own x; the room's
floor is at z = 0.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation import furniture, furniture_rooms, meshes
from mmwave.simulation.floor_plan import FloorPlan
from mmwave.simulation.floor_plan import Room as FloorRoom
from mmwave.simulation.free_space import FreeSpace, free_space
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.gestures import Gestures
from mmwave.simulation.people import Person, Standing, walk
from mmwave.simulation.scene import Scene
from mmwave.simulation.styles._shell import shell
from mmwave.simulation.trajectory import DRIVE_DURATION_S, Pose
from mmwave.simulation.walls import floors_and_ceilings, wall_mesh

RADAR_HEIGHT_M = 1.0
MOST_PEOPLE = 5
NEAREST_M, FARTHEST_M = 1.2, 7.5
SEEN_RAD = np.deg2rad(40)
"""People keep within these of the radars."""

_BODY_M = 0.33  # distance that a body's middle keeps from furniture
_APART_M = 0.75  # and from the middles of others
_TRIES = 300

Maker = Callable[[np.random.Generator], Scene]
WALL_FURNITURE: tuple[Maker, ...] = (
    lambda generator: furniture.cupboard(),
    lambda generator: furniture.shelf(),
    lambda generator: furniture.sofa(),
    lambda generator: furniture.whiteboard(),
    lambda generator: furniture.radiator(),
    lambda generator: furniture_rooms.tv_board(),
    lambda generator: furniture_rooms.armchair(),
    furniture.plant,
    furniture.cartons,
)
FREE_FURNITURE: tuple[Maker, ...] = (
    lambda generator: furniture.table(),
    lambda generator: furniture.round_table(),
    lambda generator: furniture.trashcan(),
    lambda generator: furniture_rooms.stool(),
)
CHAIRS: tuple[Maker, ...] = (lambda generator: furniture.chair(),)


@dataclass(frozen=True)
class OccupiedRoom:
    """A room on one day.

    Attributes:
        seed: of the room.
        session: which day.
        plan: walls and size.
        scene: everything that stands still.
        people: everyone; not in ``scene``.
        radar: where both radars are and look, world frame.
    """

    seed: int
    session: int
    plan: FloorPlan
    scene: Scene
    people: tuple[Person, ...]
    radar: Pose

    def scene_at(self, time_s: float) -> Scene:
        """Everything at one time; the faces of :attr:`scene` come first."""
        return Scene.merge([self.scene, *(person.scene(time_s) for person in self.people)])


def generate_room(seed: int, session: int = 0, people: int | None = None) -> OccupiedRoom:
    """Draw a room, furnish it, and let people in.

    Args:
        seed: of the room.
        session: of the day.
        people: how many where they have room; None draws one to MOST_PEOPLE.

    Returns:
        The room; identical arrays for identical arguments.

    Raises:
        ValueError: a negative seed, session or number of people.
    """
    if seed < 0 or session < 0:
        raise ValueError(f"seed and session must not be negative, got {seed} and {session}")
    if people is not None and people < 0:
        raise ValueError(f"people must not be negative, got {people}")
    generator = np.random.default_rng([seed, zlib.crc32(b"room")])
    plan, radar = _draw_plan(generator)
    furnisher = Furnisher(plan, generator)
    _keep_view(furnisher, radar)
    _furnish(furnisher, plan.rooms[0], WALL_FURNITURE, int(generator.integers(2, 8)), True)
    _furnish(furnisher, plan.rooms[0], FREE_FURNITURE, int(generator.integers(0, 4)), False)
    day = np.random.default_rng([seed, session, zlib.crc32(b"session")])
    furnisher.generator = day
    _furnish(furnisher, plan.rooms[0], CHAIRS, int(day.integers(0, 4)), False)
    walls = [wall_mesh(wall, plan.ceiling_m) for wall in plan.walls]
    scene = Scene.merge([floors_and_ceilings(plan), *walls, *furnisher.parts])
    room = plan.rooms[0]
    free = free_space(scene, np.array(room.low_m), np.array(room.high_m))
    count = int(day.integers(1, MOST_PEOPLE + 1)) if people is None else people
    crowd = _let_in(count, free, radar, day, furnisher.new_instance)
    seats = [_seat(person) for person in crowd if person.sitting]
    return OccupiedRoom(seed, session, plan, Scene.merge([scene, *seats]), crowd, radar)


def in_radar_axes_m(points_m: NDArray[np.floating], room: OccupiedRoom) -> NDArray[np.float64]:
    """(..., 3) points of the world as horizontal to the right of the radars, vertical up,
    depth.
    """
    pose = room.radar
    off = points_m - np.array([float(pose.x_m), float(pose.y_m), RADAR_HEIGHT_M])
    cosine, sine = np.cos(float(pose.yaw_rad)), np.sin(float(pose.yaw_rad))
    depth = off[..., 0] * cosine + off[..., 1] * sine
    right = off[..., 0] * sine - off[..., 1] * cosine
    return np.stack([right, off[..., 2], depth], axis=-1)


def _draw_plan(generator: np.random.Generator) -> tuple[FloorPlan, Pose]:
    depth_m, width_m = generator.uniform((5.0, 4.2), (8.3, 7.0))
    material = str(generator.choice(["plaster", "concrete", "brick", "wood"]))
    floor = str(generator.choice(["carpet", "wood", "plastic"]))
    room = FloorRoom("room", (0.0, 0.0), (float(depth_m), float(width_m)), floor)
    plan = FloorPlan(
        (room,), tuple(shell(depth_m, width_m, material)), float(generator.uniform(2.5, 3.0))
    )
    x_m = generator.uniform(0.35, 0.6)
    y_m = width_m / 2 + generator.uniform(-0.7, 0.7)
    yaw_rad = np.deg2rad(generator.uniform(-12, 12))
    return plan, Pose(np.asarray(x_m), np.asarray(y_m), np.asarray(yaw_rad))


def _keep_view(furnisher: Furnisher, radar: Pose) -> None:
    """Nothing stands right before the radars."""
    x_m, y_m = float(radar.x_m), float(radar.y_m)
    furnisher.keep_free(np.array([0.0, y_m - 0.8]), np.array([x_m + 1.2, y_m + 0.8]))


def _furnish(
    furnisher: Furnisher, room: FloorRoom, makers: tuple[Maker, ...], count: int, at_wall: bool
) -> None:
    generator = furnisher.generator
    for _ in range(count):
        thing = makers[int(generator.integers(len(makers)))](generator)
        if at_wall:
            furnisher.place_along_walls(room, thing)
        else:
            furnisher.place_anywhere(room, thing)


def _let_in(
    count: int,
    free: FreeSpace,
    radar: Pose,
    generator: np.random.Generator,
    new_instance: Callable[[], int],
) -> tuple[Person, ...]:
    """People who keep apart, three of five of whom walk; the others move their limbs where they
    are. Fewer where they have no room.
    """
    people: list[Person] = []
    taken: list[NDArray[np.float64]] = []
    for _ in range(count):
        kind = generator.random()
        for _ in range(_TRIES):
            person = _draw_person(kind, free, radar, generator)
            if person is None:
                continue
            way = _way_m(person)
            if all(np.linalg.norm(way - other, axis=1).min() > _APART_M for other in taken):
                if not person.walking:  # a source of its own: ways stay what they were without
                    own = generator.spawn(1)[0]
                    person = replace(person, gestures=Gestures.draw(own))
                people.append(replace(person, instance_id=new_instance()))
                taken.append(way)
                break
    return tuple(people)


def _draw_person(
    kind: float, free: FreeSpace, radar: Pose, generator: np.random.Generator
) -> Person | None:
    start = _place_m(radar, generator)
    height_m = float(generator.uniform(1.55, 1.9))
    yaw_rad = float(generator.uniform(-np.pi, np.pi))
    if kind < 0.6:
        end = _place_m(radar, generator)
        if not 1.0 < np.linalg.norm(end - start) < 4.5:
            return None
        person = walk(start, end, 0, height_m, yaw_rad)
    else:
        still = Standing(float(start[0]), float(start[1]), yaw_rad)
        person = Person(still, 0, height_m, sitting=kind > 0.8)
    return person if free.clearance_m(_way_m(person)).min() > _BODY_M else None


def _place_m(radar: Pose, generator: np.random.Generator) -> NDArray[np.float64]:
    """(2,) anywhere that the radars look."""
    # uniform over the area of the sector
    range_m = np.sqrt(generator.uniform(NEAREST_M**2, FARTHEST_M**2))
    azimuth = float(radar.yaw_rad) + generator.uniform(-SEEN_RAD, SEEN_RAD)
    return np.array(
        [
            float(radar.x_m) + range_m * np.cos(azimuth),
            float(radar.y_m) + range_m * np.sin(azimuth),
        ]
    )


def _way_m(person: Person) -> NDArray[np.float64]:
    """(64, 2) where somebody is at times over a whole round."""
    pose = person.trajectory.pose(np.linspace(0, DRIVE_DURATION_S, 64, endpoint=False))
    return np.column_stack([pose.x_m, pose.y_m])


def _seat(person: Person) -> Scene:
    """A stool under somebody who sits."""
    pose = person.trajectory.pose(0.0)
    seat = furniture_rooms.stool(0.4)
    return meshes.moved(seat, (float(pose.x_m), float(pose.y_m), 0.0), float(pose.yaw_rad))
