"""Puts people where they have room and leave the robot's drive alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.floor_plan import FloorPlan
from mmwave.simulation.free_space import FreeSpace
from mmwave.simulation.people import Person, Standing, walk
from mmwave.simulation.trajectory import DRIVE_DURATION_S, ClosedLoop, Trajectory

_SHOULDER_M = 0.33  # distance that a body's middle keeps from furniture
_APART_M = 0.05  # between the circles of two people
_NEAR_M = 6.0  # people farther from the drive than this are hardly seen
_ATTEMPTS = 1500


def populate(
    plan: FloorPlan,
    free: FreeSpace,
    drive_points_m: NDArray[np.float64],
    generator: np.random.Generator,
    new_instance: Callable[[], int],
    clearance_m: float,
) -> tuple[Person, ...]:
    """Choose where people stand and walk, near the robot's drive.

    Args:
        plan: the storey; says how many people.
        free: distance map of the static building.
        drive_points_m: (K, 2) curve of the robot.
        generator: source of randomness.
        new_instance: gives the next object number.
        clearance_m: distance between any point of the drive and anybody's body at any time.

    Returns:
        Every other one walking where there is room; fewer than asked for where there is none.
    """
    drive = ClosedLoop(drive_points_m, speed_variation=0.0, max_speed_mps=np.inf)
    crowd = _Crowd(plan, free, _path(drive), generator, clearance_m)
    people: list[Person] = []
    for index in range(plan.people):
        person = crowd.add_walker() if index % 2 == 0 else None
        person = person or crowd.add_stander()
        if person is not None:
            people.append(replace(person, instance_id=new_instance()))
    return tuple(people)


def _path(trajectory: Trajectory) -> NDArray[np.float64]:
    """Where a trajectory goes in one period, (128, 2)."""
    pose = trajectory.pose(np.linspace(0, DRIVE_DURATION_S, 128, endpoint=False))
    return np.column_stack([pose.x_m, pose.y_m])


class _Crowd:
    """The ground that is taken by the drive and by the people so far."""

    def __init__(
        self,
        plan: FloorPlan,
        free: FreeSpace,
        drive: NDArray[np.float64],
        generator: np.random.Generator,
        clearance_m: float,
    ) -> None:
        self._free = free
        self._drive = drive
        self._generator = generator
        self._closed = [room for room in plan.rooms if not room.public]
        self._low, self._high = plan.low_m + 0.5, plan.high_m - 0.5
        self._taken = [(drive, clearance_m)]

    def add_stander(self) -> Person | None:
        """Someone who stands; None where no place was found."""
        for _ in range(_ATTEMPTS):
            x, y = self._point_near_drive()
            yaw = self._generator.uniform(-np.pi, np.pi)
            person = Person(Standing(x, y, yaw), 0, self._generator.uniform(1.55, 1.9))
            if self._take(person):
                return person
        return None

    def add_walker(self) -> Person | None:
        """Someone who walks to and fro along an axis; None where no way was found."""
        for _ in range(_ATTEMPTS):
            start = self._point_near_drive()
            way = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
            direction = way[int(self._generator.integers(4))]
            end = start + self._generator.uniform(1.5, 4.5) * direction
            straight = start + np.linspace(0, 1, 32)[:, None] * (end - start)
            if self._free.clearance_m(straight).min() < _SHOULDER_M:
                continue
            height, phase = self._generator.uniform((1.55, 0.0), (1.9, 2 * np.pi))
            person = walk(start, end, 0, height, phase)
            if self._take(person):
                return person
        return None

    def _point_near_drive(self) -> NDArray[np.float64]:
        centre = self._drive[int(self._generator.integers(len(self._drive)))]
        point = centre + self._generator.uniform(-_NEAR_M, _NEAR_M, 2)
        return np.clip(point, self._low, self._high)

    def _take(self, person: Person) -> bool:
        """Take the ground that a person needs, if it is free."""
        path = _path(person.trajectory)
        if self._free.clearance_m(path).min() <= _SHOULDER_M:
            return False
        for room in self._closed:
            if np.any(np.all((path > room.low_m) & (path < room.high_m), axis=1)):
                return False
        for other, reach in self._taken:
            gap = np.linalg.norm(path[:, None] - other[None], axis=-1).min()
            if gap < person.radius_m + reach + _APART_M:
                return False
        self._taken.append((path, person.radius_m))
        return True
