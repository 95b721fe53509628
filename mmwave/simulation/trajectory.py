"""Where the robot (or a person) is at any time: smooth planar trajectories with exact velocities.

The base is mecanum: it moves in any direction whatever its yaw. Poses are of ``base_link`` in the
world frame (x forward, y left, yaw counter-clockwise).
"""

from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

MAX_SPEED_MPS = 0.6
"""Fastest the robot drives."""

DRIVE_DURATION_S = 10.5
"""Period of the closed demo drive and of everyone who walks: 400 frames, 21 turns of the radar."""

SERIES_TERMS = 12
"""Of the integrals of a slow turn: exact to rounding up to 0.3 rad."""


class Pose(NamedTuple):
    """Planar pose; every entry has the shape of the times asked for."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    yaw_rad: NDArray[np.float64]


class Velocity(NamedTuple):
    """Planar velocity in world axes; every entry has the shape of the times asked for."""

    vx_mps: NDArray[np.float64]
    vy_mps: NDArray[np.float64]
    yaw_rate_radps: NDArray[np.float64]


class Trajectory(Protocol):
    """A pose and its time derivative at any time."""

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape, seconds since the drive's start)."""
        ...

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Exact time derivative of :meth:`pose`."""
        ...


def check_speed(trajectory: Trajectory, time_s: NDArray[np.float64], max_speed_mps: float) -> None:
    """Refuse a trajectory that is too fast.

    Args:
        trajectory: what to check.
        time_s: (N,) times at which to look.
        max_speed_mps: the limit.

    Raises:
        ValueError: the speed passes the limit at one of the times.
    """
    velocity = trajectory.velocity(time_s)
    speed_mps = np.hypot(velocity.vx_mps, velocity.vy_mps)
    worst = int(np.argmax(speed_mps))
    if not speed_mps[worst] <= max_speed_mps * (1 + 1e-9):
        raise ValueError(
            f"speed {speed_mps[worst]:.3f} m/s at {time_s[worst]:.2f} s is over the limit of "
            f"{max_speed_mps} m/s: give the drive more time or a shorter way"
        )


@dataclass(frozen=True)
class ConstantVelocity:
    """Straight motion at constant velocity, turning at a constant rate.

    Attributes:
        x_m: position at time 0.
        y_m: position at time 0.
        vx_mps: velocity in world axes.
        vy_mps: velocity in world axes.
        yaw_rad: yaw at time 0.
        yaw_rate_radps: rate of turn.
        max_speed_mps: limit that the velocity is checked against.

    Raises:
        ValueError: faster than the limit.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    vx_mps: float = 0.0
    vy_mps: float = 0.0
    yaw_rad: float = 0.0
    yaw_rate_radps: float = 0.0
    max_speed_mps: float = MAX_SPEED_MPS

    def __post_init__(self) -> None:
        check_speed(self, np.zeros(1), self.max_speed_mps)

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape)."""
        time = np.asarray(time_s, dtype=np.float64)
        return Pose(
            self.x_m + self.vx_mps * time,
            self.y_m + self.vy_mps * time,
            self.yaw_rad + self.yaw_rate_radps * time,
        )

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """The same velocity at every time."""
        time = np.asarray(time_s, dtype=np.float64)
        return Velocity(
            np.full(time.shape, self.vx_mps),
            np.full(time.shape, self.vy_mps),
            np.full(time.shape, self.yaw_rate_radps),
        )


@dataclass(frozen=True)
class ConstantAcceleration:
    """Motion at constant acceleration, turning at a constant rate.

    Velocity and acceleration are constant vectors either of the world or of the body that turns. A
    mecanum base told to keep its velocity while it turns does the latter: its way is an arc.

    Attributes:
        x_m: position at ``reference_s``.
        y_m: position at ``reference_s``.
        vx_mps: velocity at ``reference_s``, in the axes of ``frame``.
        vy_mps: velocity at ``reference_s``, in the axes of ``frame``.
        ax_mps2: acceleration, in the axes of ``frame``.
        ay_mps2: acceleration, in the axes of ``frame``.
        yaw_rad: yaw at ``reference_s``.
        yaw_rate_radps: rate of turn.
        frame: ``world``, or ``body``: in the axes of the body velocity + acceleration * time holds.
        reference_s: when position, velocity and yaw hold.
        start_s: the speed is checked from here on.
        end_s: the speed is checked until then.
        max_speed_mps: limit that the speed is checked against.

    Raises:
        ValueError: an unknown frame, an end before the start, or faster than the limit.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    vx_mps: float = 0.0
    vy_mps: float = 0.0
    ax_mps2: float = 0.0
    ay_mps2: float = 0.0
    yaw_rad: float = 0.0
    yaw_rate_radps: float = 0.0
    frame: str = "world"
    reference_s: float = 0.0
    start_s: float = 0.0
    end_s: float = 1.0
    max_speed_mps: float = MAX_SPEED_MPS

    def __post_init__(self) -> None:
        if self.frame not in ("world", "body"):
            raise ValueError(f"frame must be 'world' or 'body', got {self.frame!r}")
        if not self.end_s >= self.start_s:
            raise ValueError(f"end_s = {self.end_s} is before start_s = {self.start_s}")
        # the square of the speed is convex in time: it is largest at one of the ends
        check_speed(self, np.array([self.start_s, self.end_s]), self.max_speed_mps)

    @property
    def _axes_rate(self) -> float:
        """Rate at which the axes of the vectors turn."""
        return self.yaw_rate_radps if self.frame == "body" else 0.0

    @property
    def _axes(self) -> complex:
        """Direction of the axes' x at ``reference_s``, as a complex number."""
        return complex(np.exp(1j * self.yaw_rad)) if self.frame == "body" else 1.0 + 0.0j

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape)."""
        later = np.asarray(time_s, dtype=np.float64) - self.reference_s
        first, second = _turning_integrals(self._axes_rate, later)
        velocity = complex(self.vx_mps, self.vy_mps)
        acceleration = complex(self.ax_mps2, self.ay_mps2)
        way = self._axes * (velocity * first + acceleration * second)
        yaw = self.yaw_rad + self.yaw_rate_radps * later
        return Pose(self.x_m + way.real, self.y_m + way.imag, yaw)

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape)."""
        later = np.asarray(time_s, dtype=np.float64) - self.reference_s
        own = complex(self.vx_mps, self.vy_mps) + complex(self.ax_mps2, self.ay_mps2) * later
        world = self._axes * np.exp(1j * self._axes_rate * later) * own
        return Velocity(world.real, world.imag, np.full(later.shape, self.yaw_rate_radps))


def _turning_integrals(
    rate: float, time: NDArray[np.float64]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Integrals of exp(j rate s) and of s exp(j rate s) over s from 0 to every time."""
    angle = (rate * time).astype(np.complex128)
    small = np.abs(angle) < 0.3  # the closed forms cancel there
    safe = np.where(small, 1.0, angle)
    turn = np.exp(1j * safe)
    orders = range(SERIES_TERMS)
    first = sum((1j * angle) ** n / factorial(n + 1) for n in orders)
    first = np.where(small, first, (turn - 1) / (1j * safe))
    second = sum((1j * angle) ** n / (factorial(n) * (n + 2)) for n in orders)
    second = np.where(small, second, (turn * (1 - 1j * safe) - 1) / safe**2)
    return first * time, second * time**2


@dataclass(frozen=True)
class Waypoints:
    """Smooth drive through poses at given times; stands still before the first and after the last.

    A clamped cubic spline: velocity is zero at both ends, acceleration continuous in between.

    Attributes:
        time_s: (K,) increasing times, K >= 2.
        poses: (K, 3) x (m), y (m), yaw (rad, unwrapped).
        max_speed_mps: limit that the spline is checked against.

    Raises:
        ValueError: shapes disagree, times do not increase, or the spline is too fast.
    """

    time_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    max_speed_mps: float = MAX_SPEED_MPS

    def __post_init__(self) -> None:
        time, poses = np.asarray(self.time_s), np.asarray(self.poses)
        if time.ndim != 1 or len(time) < 2 or poses.shape != (len(time), 3):
            raise ValueError(
                f"time_s must be (K,) with K >= 2 and poses (K, 3), got {time.shape} {poses.shape}"
            )
        if not np.all(np.diff(time) > 0):
            raise ValueError(f"time_s must increase, got {time.tolist()}")
        check_speed(self, np.linspace(time[0], time[-1], 64 * len(time)), self.max_speed_mps)

    @cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(np.asarray(self.time_s), np.asarray(self.poses), bc_type="clamped")

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape)."""
        time = np.clip(np.asarray(time_s, dtype=np.float64), self.time_s[0], self.time_s[-1])
        return Pose(*np.moveaxis(self._spline(time), -1, 0))

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape); zero outside the drive."""
        time = np.clip(np.asarray(time_s, dtype=np.float64), self.time_s[0], self.time_s[-1])
        return Velocity(*np.moveaxis(self._spline(time, 1), -1, 0))


@dataclass(frozen=True)
class ClosedLoop:
    """Smooth periodic drive round a closed curve with a speed that rises and falls.

    The curve is the periodic cubic spline through ``points_m``; the distance travelled is
    ``L (t/T + variation / (2 pi cycles) sin(2 pi cycles t/T + phase))`` up to a constant, so that
    the speed is ``L/T (1 + variation cos(...))``. Position, velocity and acceleration are
    continuous and repeat after ``duration_s``.

    Attributes:
        points_m: (K, 2) points on the curve, K >= 3, the first not repeated at the end.
        duration_s: period.
        yaw_rad: constant yaw; None lets the heading follow the curve (a walking person).
        speed_variation: 0 (constant speed) up to below 1.
        speed_cycles: how often the speed rises and falls in a period.
        speed_phase_rad: phase of the speed's variation at time 0; 0 starts at the fastest.
        max_speed_mps: limit that the drive is checked against.

    Raises:
        ValueError: too few points, a duration that is not positive, or too fast.
    """

    points_m: NDArray[np.float64]
    duration_s: float = DRIVE_DURATION_S
    yaw_rad: float | None = 0.0
    speed_variation: float = 0.5
    speed_cycles: int = 2
    speed_phase_rad: float = 0.0
    max_speed_mps: float = MAX_SPEED_MPS

    def __post_init__(self) -> None:
        points = np.asarray(self.points_m)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError(f"points_m must be (K, 2) with K >= 3, got {points.shape}")
        if not self.duration_s > 0:
            raise ValueError(f"duration_s must be positive, got {self.duration_s}")
        if not 0 <= self.speed_variation < 1:
            raise ValueError(f"speed_variation must be in [0, 1), got {self.speed_variation}")
        if self.speed_cycles < 1:
            raise ValueError(f"speed_cycles must be at least 1, got {self.speed_cycles}")
        check_speed(self, np.linspace(0, self.duration_s, 1024), self.max_speed_mps)

    @cached_property
    def _curve(self) -> CubicSpline:
        """The closed curve over its own arc length (m)."""
        closed = np.vstack([self.points_m, self.points_m[:1]]).astype(np.float64)
        chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
        if not np.all(np.diff(chord) > 0):
            raise ValueError("points_m must not repeat a point in a row")
        rough = CubicSpline(chord, closed, bc_type="periodic")
        fine = np.linspace(0.0, chord[-1], 4097)
        speed = np.linalg.norm(rough(fine, 1), axis=1)
        middle = np.linalg.norm(rough((fine[1:] + fine[:-1]) / 2, 1), axis=1)
        steps = (speed[1:] + 4 * middle + speed[:-1]) * (fine[1] - fine[0]) / 6
        arc = np.concatenate([[0.0], np.cumsum(steps)])
        knots = slice(None, None, 8)
        points = rough(fine[knots])
        points[-1] = points[0]
        return CubicSpline(arc[knots], points, bc_type="periodic")

    @property
    def length_m(self) -> float:
        """Length of the closed curve."""
        return float(self._curve.x[-1])

    def _phase(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2 * np.pi * self.speed_cycles * time / self.duration_s + self.speed_phase_rad

    def distance_m(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Way travelled since time 0, in metres; grows by :attr:`length_m` a period."""
        time = np.asarray(time_s, dtype=np.float64)
        swing = np.sin(self._phase(time)) - np.sin(self.speed_phase_rad)
        depth = self.speed_variation / (2 * np.pi * self.speed_cycles)
        return self.length_m * (time / self.duration_s + depth * swing)

    def speed_mps(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Nominal speed along the curve."""
        phase = self._phase(np.asarray(time_s, dtype=np.float64))
        return self.length_m / self.duration_s * (1 + self.speed_variation * np.cos(phase))

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape, any number of periods)."""
        distance = np.mod(self.distance_m(time_s), self.length_m)
        x_m, y_m = np.moveaxis(self._curve(distance), -1, 0)
        if self.yaw_rad is not None:
            return Pose(x_m, y_m, np.full(np.shape(x_m), self.yaw_rad))
        along = self._curve(distance, 1)
        return Pose(x_m, y_m, np.arctan2(along[..., 1], along[..., 0]))

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape, any number of periods)."""
        distance = np.mod(self.distance_m(time_s), self.length_m)
        speed = self.speed_mps(time_s)
        along = self._curve(distance, 1)
        rate = np.zeros(np.shape(speed))
        if self.yaw_rad is None:
            bend = self._curve(distance, 2)
            cross = along[..., 0] * bend[..., 1] - along[..., 1] * bend[..., 0]
            rate = speed * cross / np.sum(along**2, axis=-1)
        return Velocity(speed * along[..., 0], speed * along[..., 1], rate)


@dataclass(frozen=True)
class Turning:
    """The way of another trajectory, driven by a base that turns as it likes meanwhile.

    The rate of turn is ``mean_radps + swing_radps cos(2 pi t / period_s)``, the yaw its integral:
    what a mecanum base does that looks around while it drives.

    Attributes:
        way: position and velocity over time; its yaw is not used.
        mean_radps: mean rate of turn.
        swing_radps: how far the rate rises above and falls below the mean.
        period_s: of that swing.

    Raises:
        ValueError: a period that is not positive.
    """

    way: Trajectory
    mean_radps: float
    swing_radps: float = 0.0
    period_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.period_s > 0:
            raise ValueError(f"period_s must be positive, got {self.period_s}")

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape), yaw unwrapped."""
        time = np.asarray(time_s, dtype=np.float64)
        swing = self.swing_radps * self.period_s / (2 * np.pi)
        yaw = self.mean_radps * time + swing * np.sin(2 * np.pi * time / self.period_s)
        return self.way.pose(time)._replace(yaw_rad=yaw)

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape)."""
        time = np.asarray(time_s, dtype=np.float64)
        rate = self.mean_radps + self.swing_radps * np.cos(2 * np.pi * time / self.period_s)
        return self.way.velocity(time)._replace(yaw_rate_radps=rate)
