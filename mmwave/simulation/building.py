"""Procedural indoor buildings: the same seed and style always give the same building."""

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.drive import CLEARANCE_M, drive_along, plan_drive
from mmwave.simulation.floor_plan import FloorPlan
from mmwave.simulation.free_space import FreeSpace, free_space
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.people import Person
from mmwave.simulation.population import populate
from mmwave.simulation.scene import Scene
from mmwave.simulation.styles import STYLES
from mmwave.simulation.trajectory import DRIVE_DURATION_S, ClosedLoop
from mmwave.simulation.walls import floors_and_ceilings, opening_mesh, wall_mesh

RADAR_HEIGHT_M = 0.9
"""Height of the antenna array's middle above the floor."""


@dataclass(frozen=True)
class Building:
    """A furnished storey, the people in it and a drive through it.

    Attributes:
        style: name of the style that drew it.
        seed: what it was drawn from.
        plan: rooms, walls, openings.
        scene: everything that stands still (world frame, floor at z = 0).
        people: everyone, standing or walking; not in ``scene``.
        free: distance map of ``scene`` in the robot's height band.
        drive_points_m: (K, 2) closed curve of the demo drive.
    """

    style: str
    seed: int
    plan: FloorPlan
    scene: Scene
    people: tuple[Person, ...]
    free: FreeSpace
    drive_points_m: NDArray[np.float64]

    def scene_at(self, time_s: float) -> Scene:
        """Building and people at one time; the face order is the same at every time.

        The faces of :attr:`scene` come first. Everything repeats after
        :data:`mmwave.simulation.trajectory.DRIVE_DURATION_S`.
        """
        return Scene.merge([self.scene, *(person.scene(time_s) for person in self.people)])

    def clearance_m(
        self, points_m: ArrayLike, time_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Distance from points on the floor to the nearest obstacle in the robot's height band.

        Args:
            points_m: (N, 2) points.
            time_s: (N,) times at which people count too; None leaves them out.

        Returns:
            (N,) metres, 0 inside an obstacle; accurate to 1.5 cm for what stands still, people
            are circles.
        """
        points = np.asarray(points_m, dtype=np.float64)
        clearance = self.free.clearance_m(points)
        if time_s is None:
            return clearance
        for person in self.people:
            pose = person.trajectory.pose(np.asarray(time_s, dtype=np.float64))
            gap = np.hypot(points[:, 0] - pose.x_m, points[:, 1] - pose.y_m) - person.radius_m
            clearance = np.minimum(clearance, np.maximum(gap, 0.0))
        return clearance

    def drive_loop(self, duration_s: float = DRIVE_DURATION_S) -> ClosedLoop:
        """The demo drive: closed, smooth, yaw 0, at least 0.4 m from everything and everyone.

        Args:
            duration_s: period; people repeat every 10.5 s, but keep away from the whole curve.

        Raises:
            ValueError: too short a time for the robot's speed.
        """
        return drive_along(self.drive_points_m, duration_s)


def generate_building(seed: int, style: str = "office", people: int | None = None) -> Building:
    """Draw, build, furnish and people one storey.

    Args:
        seed: any non-negative integer.
        style: a name from :data:`mmwave.simulation.styles.STYLES`.
        people: how many to put in where they have room; None: as many as the style has.

    Returns:
        The building; identical arrays for identical arguments.

    Raises:
        ValueError: no such style, or a negative seed or number of people.
    """
    if style not in STYLES:
        raise ValueError(f"no building style {style!r}; there are {', '.join(STYLES)}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if people is not None and people < 0:
        raise ValueError(f"people must not be negative, got {people}")
    generator = np.random.default_rng([seed, zlib.crc32(style.encode())])
    plan = STYLES[style](generator)
    if people is not None:
        plan = replace(plan, people=people)
    furnisher = Furnisher(plan, generator)
    parts = [floors_and_ceilings(plan)]
    for wall in plan.walls:
        parts.append(wall_mesh(wall, plan.ceiling_m))
        for hole in wall.openings:
            filling = opening_mesh(wall, hole, 0)
            if len(filling.faces):
                furnisher.add(filling)
            if hole.swing_rad:
                corners = filling.vertices_m[:, :2]
                furnisher.keep_free(corners.min(axis=0), corners.max(axis=0))
    for room in plan.rooms:
        room.furnish(room, furnisher)
    scene = Scene.merge(parts + furnisher.parts)
    free = free_space(scene, plan.low_m, plan.high_m)
    points = plan_drive(plan, free, generator)
    crowd = populate(plan, free, points, generator, furnisher.new_instance, CLEARANCE_M)
    return Building(style, seed, plan, scene, crowd, free, points)
