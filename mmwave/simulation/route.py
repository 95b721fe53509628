"""A long way through a storey: from one far place to the next, down the middle of the free space.

The drive of a building (:mod:`mmwave.simulation.drive`) is a loop of at most 3.7 m, short enough to
be kept on disk and played for ever. Dead reckoning needs ways that lead somewhere: an error of
scale closes with a loop.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d, label
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from mmwave.simulation.building import Building
from mmwave.simulation.drive import CLEARANCE_M
from mmwave.simulation.free_space import CELL_M
from mmwave.simulation.trajectory import DRIVE_DURATION_S, Waypoints

_COARSE = 5
_STEP_M = _COARSE * CELL_M
_FAR_SHARE = 0.6
_MIDDLE_M = 1.0
_SMOOTHING_S = 0.7
_TICK_S = 0.1
_STANDING_S = 4 * _SMOOTHING_S
_KNOTS = slice(None, None, 3)


@dataclass(frozen=True)
class Speed:
    """How fast a route is driven: about a mean, faster and slower in turn.

    Attributes:
        mean_mps: mean speed along the planned way; corners are cut and driven slower.
        variation: of the mean, 0 (constant) up to below 1.
        period_s: from fastest to fastest.

    Raises:
        ValueError: a speed or period that is not positive, or a variation outside [0, 1).
    """

    mean_mps: float = 0.4
    variation: float = 0.3
    period_s: float = 12.0

    def __post_init__(self) -> None:
        if not (self.mean_mps > 0 and self.period_s > 0):
            raise ValueError(
                f"mean_mps and period_s must be positive, got {self.mean_mps}, {self.period_s}"
            )
        if not 0 <= self.variation < 1:
            raise ValueError(f"variation must be in [0, 1), got {self.variation}")

    def distance_m(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Way since time 0."""
        rate = 2 * np.pi / self.period_s
        return self.mean_mps * (time_s + self.variation / rate * np.sin(rate * time_s))


def plan_route(
    building: Building,
    length_m: float,
    generator: np.random.Generator,
    speed: Speed | None = None,
) -> Waypoints:
    """A smooth drive between far places of the largest part of a storey that is free.

    At a place without another way out the robot brakes and drives back, as a mecanum base can. The
    planned way keeps 0.4 m from furniture, walls and everyone's whole way; smoothing cuts corners,
    which costs up to 0.15 m of that.

    Args:
        building: to drive through.
        length_m: of the planned way.
        generator: chooses the places.
        speed: along the way.

    Returns:
        Positions over time, yaw 0; the robot stands still for three seconds at both ends.

    Raises:
        ValueError: the building has no room for a way, or the length is not positive.
    """
    if not length_m > 0:
        raise ValueError(f"length_m must be positive, got {length_m}")
    speed = speed if speed is not None else Speed()
    floor = _Floor(building)
    way = [floor.any_place(generator)]
    travelled_m = 0.0
    while travelled_m < length_m:
        leg = floor.way_to_far_place(way[-1], generator)
        points = floor.points_m(np.array([way[-1], *leg]))
        travelled_m += float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        way.extend(leg)
    return _driven(floor.points_m(np.array(way)), length_m, speed)


class _Floor:
    """The largest connected part of the floor, as a graph of cells."""

    def __init__(self, building: Building) -> None:
        start = _COARSE // 2
        clearance_m = building.free.distance_m[start::_COARSE, start::_COARSE].astype(np.float64)
        self._low_m = building.free.low_m + CELL_M * (start + 0.5)
        clearance_m = np.minimum(clearance_m, self._clearance_of_people(building, clearance_m))
        parts, count = label(clearance_m >= CLEARANCE_M, structure=np.ones((3, 3)))
        if count == 0:
            raise ValueError("no space for the robot to drive: the building is too full")
        largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
        self._cell_of_node = np.argwhere(parts == largest)
        if len(self._cell_of_node) < 2:
            raise ValueError("no space for the robot to drive: the building is too full")
        node = np.full(clearance_m.shape, -1)
        node[tuple(self._cell_of_node.T)] = np.arange(len(self._cell_of_node))
        self._graph = _edges(node, clearance_m)

    def _clearance_of_people(
        self, building: Building, like: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Distance from every cell to all places where anybody ever is."""
        clearance_m = np.full(like.shape, np.inf)
        times_s = np.linspace(0, DRIVE_DURATION_S, 200, endpoint=False)
        for person in building.people:
            pose = person.trajectory.pose(times_s)
            cells = (np.column_stack([pose.y_m, pose.x_m]) - self._low_m[::-1]) / _STEP_M
            cells = np.clip(np.rint(cells).astype(int), 0, np.array(like.shape) - 1)
            away = np.ones(like.shape, bool)
            away[tuple(cells.T)] = False
            gap_m = distance_transform_edt(away) * _STEP_M - person.radius_m - _STEP_M
            clearance_m = np.minimum(clearance_m, gap_m)
        return clearance_m

    def any_place(self, generator: np.random.Generator) -> int:
        return int(generator.integers(len(self._cell_of_node)))

    def way_to_far_place(self, start: int, generator: np.random.Generator) -> list[int]:
        """Cells after ``start`` up to a place that is among the farthest from there."""
        cost, before = dijkstra(self._graph, indices=start, return_predecessors=True)
        reached = np.isfinite(cost)
        far = np.flatnonzero(reached & (cost >= _FAR_SHARE * cost[reached].max()))
        cell = int(generator.choice(far))
        way = []
        while cell != start:
            way.append(cell)
            cell = int(before[cell])
        return way[::-1]

    def points_m(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._low_m + _STEP_M * self._cell_of_node[nodes][:, ::-1]


def _edges(node: NDArray[np.int64], clearance_m: NDArray[np.float64]) -> csr_array:
    """Neighbours, eight around each cell; dearer the nearer they are to something."""
    rows, columns = node.shape
    first, last, cost = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        left_edge, right_edge = max(0, -right), columns - max(0, right)
        here = (slice(0, rows - down), slice(left_edge, right_edge))
        there = (slice(down, rows), slice(left_edge + right, right_edge + right))
        both = (node[here] >= 0) & (node[there] >= 0)
        nearest = np.minimum(clearance_m[here], clearance_m[there])[both]
        first.append(node[here][both])
        last.append(node[there][both])
        cost.append(_STEP_M * np.hypot(down, right) * (1 + (_MIDDLE_M / nearest) ** 2))
    shape = (int(node.max()) + 1,) * 2
    half = csr_array((np.concatenate(cost), (np.concatenate(first), np.concatenate(last))), shape)
    return csr_array(half + half.T)


def _driven(points_m: NDArray[np.float64], length_m: float, speed: Speed) -> Waypoints:
    """The points at the speed wanted, smoothed over time, so that corners are braked for."""
    steps_m = np.linalg.norm(np.diff(points_m, axis=0), axis=1)
    along_m = np.concatenate([[0.0], np.cumsum(steps_m)])
    driven_s = length_m / speed.mean_mps
    time_s = np.arange(0.0, driven_s + 2 * _STANDING_S, _TICK_S)
    moving_s = np.clip(time_s - _STANDING_S, 0.0, driven_s)
    distance_m = np.minimum(speed.distance_m(moving_s), along_m[-1])
    exact = np.column_stack([np.interp(distance_m, along_m, axis) for axis in points_m.T])
    smooth = gaussian_filter1d(exact, _SMOOTHING_S / _TICK_S, axis=0, mode="nearest")
    poses = np.column_stack([smooth, np.zeros(len(smooth))])
    return Waypoints(time_s[_KNOTS], poses[_KNOTS])
