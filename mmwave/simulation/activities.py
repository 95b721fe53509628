"""People who do one thing after another, given or drawn at random.

A person is an :class:`Actor`: a start and a tuple of activities from
:mod:`mmwave.simulation.activity_phases`. Clothes and what is worn are others' work; here are the
places where they go.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.activity_phases import (
    ACTIVITIES,
    Activity,
    Fall,
    Lie,
    Sit,
    SitDown,
    Stand,
    StandUp,
    Turn,
    Walk,
    half_seated,
)
from mmwave.simulation.articulated import (
    PARTS,
    PLACES,
    WORN_GAP_M,
    Moved,
    Stance,
    body_parts,
    moved_body,
    worn_place,
)
from mmwave.simulation.scene import Scene

__all__ = [
    "ACTIVITIES",
    "KINDS",
    "PARTS",
    "PLACES",
    "Activity",
    "Actor",
    "Fall",
    "Lie",
    "Sit",
    "SitDown",
    "Stand",
    "StandUp",
    "Turn",
    "Walk",
    "body_parts",
    "falling",
    "looked_at",
    "occupant",
]

KINDS = ("stand", "walk", "sit")
"""What an occupant of a room mostly does."""

_BREATH_M, _BREATH_HZ = 0.004, 0.25
_SWAY_RAD, _SWAY_HZ = (0.003, 0.002), (0.31, 0.23)  # forward and sideways

_LOOKED_AT_RAD = np.deg2rad(35)  # farthest that somebody who is looked at faces away
_NEAR_WALL_M, _CHAIR_M = 0.45, 0.75  # from somebody's place to a wall, and with a chair behind
_HEAD_M, _FEET_M = 0.15, 0.38  # from the head and the feet of somebody who falls to a wall
_ARMS_M = 0.42  # from their spine to a wall
_TRIES = 200

_Vector = NDArray[np.float64]


@dataclass(frozen=True)
class _Begun:
    activity: Activity
    start_s: float
    start: Stance


@dataclass(frozen=True)
class Actor:
    """Somebody who does one thing after another, then stays as they are.

    Attributes:
        instance_id: number of the object.
        height_m: from sole to crown, upright.
        x_m: where they are at time 0.
        y_m: where they are at time 0.
        yaw_rad: which way they look at time 0.
        activities: what they do from time 0 on.
        seated: they begin on a chair.
        phase_rad: of their breath and sway at time 0.

    Raises:
        ValueError: a height that no grown person has, no activities, or one that cannot follow
            the one before (nobody walks on a chair).
    """

    instance_id: int
    height_m: float
    x_m: float
    y_m: float
    yaw_rad: float
    activities: tuple[Activity, ...]
    seated: bool = False
    phase_rad: float = 0.0

    def __post_init__(self) -> None:
        if not 1.2 <= self.height_m <= 2.1:
            raise ValueError(f"height_m must be in 1.2..2.1, got {self.height_m}")
        if not self.activities:
            raise ValueError("activities must hold at least one, got none")
        state = "sit" if self.seated else "stand"
        for activity in self.activities:
            if activity.begins != state:
                name = type(activity).__name__
                raise ValueError(
                    f"{name} begins with {activity.begins}, but the body is at {state}"
                )
            state = activity.ends

    @cached_property
    def _timeline(self) -> tuple[_Begun, ...]:
        stance, now_s = Stance(self.x_m, self.y_m, self.yaw_rad), 0.0
        if self.seated:
            stance = half_seated(stance, self.height_m, 1.0)
        begun = []
        for activity in self.activities:
            begun.append(_Begun(activity, now_s, stance))
            length_s = activity.length_s(self.height_m, stance)
            stance = activity.stance(length_s, self.height_m, stance)
            now_s += length_s
        rest = {"stand": Stand, "sit": Sit, "lie": Lie}[self.activities[-1].ends]
        return (*begun, _Begun(rest(0.0), now_s, stance))

    @property
    def end_s(self) -> float:
        """When the last activity is over."""
        return self._timeline[-1].start_s

    def _at(self, time_s: float) -> tuple[_Begun, float]:
        """What goes on at a time, and the time since its beginning."""
        starts = [begun.start_s for begun in self._timeline]
        index = max(int(np.searchsorted(starts, time_s, side="right")) - 1, 0)
        begun = self._timeline[index]
        return begun, max(time_s - begun.start_s, 0.0)

    def activity(self, time_s: float) -> str:
        """Which of :data:`ACTIVITIES` goes on."""
        begun, since_s = self._at(time_s)
        return begun.activity.name_at(since_s, self.height_m)

    def stance(self, time_s: float) -> Stance:
        """Where and how the body is, sway left out."""
        begun, since_s = self._at(time_s)
        return begun.activity.stance(since_s, self.height_m, begun.start)

    def breath_m(self, time_s: float) -> float:
        """How far the front of the torso is raised."""
        phase = 2 * np.pi * _BREATH_HZ * time_s + self.phase_rad
        return _BREATH_M / 2 * float(1 + np.sin(phase))

    def _moved(self, time_s: float) -> Moved:
        stance = self.stance(time_s)
        forward, sideways = (
            stance.unrest * amplitude * np.sin(2 * np.pi * rate * time_s + self.phase_rad)
            for amplitude, rate in zip(_SWAY_RAD, _SWAY_HZ, strict=True)
        )
        lean = stance.tilt_rad * np.exp(1j * stance.tilt_direction_rad) + forward + 1j * sideways
        swaying = replace(
            stance, tilt_rad=float(np.abs(lean)), tilt_direction_rad=float(np.angle(lean))
        )
        return moved_body(self.height_m, self.instance_id, swaying, self.breath_m(time_s))

    def scene(self, time_s: float) -> Scene:
        """The body's triangles, world frame, z up, floor at z = 0; always the same faces."""
        return self._moved(time_s).scene

    def centre_m(self, time_s: float) -> _Vector:
        """(3,) middle of the torso."""
        moved = self._moved(time_s)
        return moved.hip_m + 0.25 * self.height_m / 1.72 * moved.torso[:, 2]

    def torso_frame(self, time_s: float) -> tuple[_Vector, _Vector]:
        """Frame on the front of the torso.

        Returns:
            Position (3,) of the middle of the abdomen's surface, and rotation (3, 3) whose columns
            point out of the front, to the left of the body, and up along the spine.
        """
        return self._on_torso(time_s, "belly", 0.0)

    def worn_at(self, time_s: float, place: str) -> tuple[_Vector, _Vector]:
        """Frame of something worn 1.5 cm outside the body's surface.

        Args:
            time_s: when.
            place: one of :data:`mmwave.simulation.articulated.PLACES`.

        Returns:
            Position (3,), and rotation (3, 3) whose columns are the outward normal, the left of
            somebody who looks along it, and up along the spine.

        Raises:
            ValueError: no such place.
        """
        return self._on_torso(time_s, place, WORN_GAP_M)

    def _on_torso(self, time_s: float, place: str, gap_m: float) -> tuple[_Vector, _Vector]:
        moved = self._moved(time_s)
        position, rotation = worn_place(place, self.height_m, self.breath_m(time_s))
        position = position + gap_m * rotation[:, 0]
        return moved.hip_m + moved.torso @ position, moved.torso @ rotation


def looked_at(
    generator: np.random.Generator,
    x_m: float,
    y_m: float,
    facing_rad: float,
    instance_id: int = 1,
    seconds: float = 60.0,
) -> Actor:
    """Somebody in front of a radar who stands or slowly turns about themselves.

    Args:
        generator: what is drawn from.
        x_m: where.
        y_m: where.
        facing_rad: direction to the radar; the body stays within 35 degrees of it.
        instance_id: number of the object.
        seconds: how long they turn, if they do.
    """
    height_m, phase = _body(generator)
    turns = generator.uniform() < 0.7
    swing = np.deg2rad(generator.uniform(5, 25)) if turns else 0.0
    middle = facing_rad + (_LOOKED_AT_RAD - swing) * generator.uniform(-1, 1)
    begun = generator.uniform(0, 2 * np.pi)
    turn = Turn(seconds, float(swing), float(generator.uniform(5, 10)), float(begun))
    yaw = float(middle + swing * np.sin(begun))
    done: tuple[Activity, ...] = (turn,) if turns else (Stand(seconds),)
    return Actor(instance_id, height_m, x_m, y_m, yaw, done, phase_rad=phase)


def occupant(
    generator: np.random.Generator,
    low_m: ArrayLike,
    high_m: ArrayLike,
    seconds: float,
    kind: str,
    instance_id: int = 1,
) -> Actor:
    """Somebody in a room who does nothing out of the ordinary.

    Args:
        generator: what is drawn from.
        low_m: (2,) x and y of one corner of the free floor.
        high_m: (2,) of the opposite one.
        seconds: that the activities fill; afterwards they stay as they are.
        kind: one of :data:`KINDS`.
        instance_id: number of the object.

    Raises:
        ValueError: no such kind, or corners in the wrong order.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    floor = _Floor.of(low_m, high_m)
    height_m, phase = _body(generator)
    place = floor.inner(_CHAIR_M if kind == "sit" else _NEAR_WALL_M)
    here = place.draw(generator)
    yaw = float(generator.uniform(-np.pi, np.pi))
    seated = kind == "sit" and bool(generator.uniform() < 0.4)
    if kind == "stand":
        done = _standing(generator, seconds)
    elif kind == "walk":
        done = _walking(generator, place, here, yaw, seconds)
    else:
        done = _sitting(generator, seconds, seated)
    x_m, y_m = here
    return Actor(instance_id, height_m, float(x_m), float(y_m), yaw, done, seated, phase)


def falling(
    generator: np.random.Generator,
    low_m: ArrayLike,
    high_m: ArrayLike,
    seconds: float,
    instance_id: int = 1,
) -> Actor:
    """Somebody who stands or walks at first, and who loses their balance after 25 to 55 % of the
    time; they are on the floor 1.7 to 2.6 s later.

    Args:
        generator: what is drawn from.
        low_m: (2,) x and y of one corner of the free floor.
        high_m: (2,) of the opposite one; 2.4 m x 0.9 m hold anybody who lies.
        seconds: of the whole.
        instance_id: number of the object.

    Raises:
        ValueError: corners in the wrong order, or no room to lie in.
    """
    floor = _Floor.of(low_m, high_m)
    height_m, phase = _body(generator)
    place, towards = floor.draw_fall(generator, height_m)
    fall_s = seconds * float(generator.uniform(0.25, 0.55))
    begin, yaw, done = _before(generator, floor.inner(_NEAR_WALL_M), place, fall_s)
    direction = float(np.angle(np.exp(1j * (towards - yaw))))
    duration_s = float(generator.uniform(0.75, 1.1) * np.sqrt(height_m / 1.72))
    fall = Fall(duration_s, direction)
    x_m, y_m = begin
    done = (*done, fall, Lie(seconds))
    return Actor(instance_id, height_m, float(x_m), float(y_m), yaw, done, phase_rad=phase)


@dataclass(frozen=True)
class _Floor:
    """A rectangle of free floor between two corners (2,)."""

    low_m: _Vector
    high_m: _Vector

    @staticmethod
    def of(low_m: ArrayLike, high_m: ArrayLike) -> "_Floor":
        low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
        if low.shape != (2,) or high.shape != (2,) or not np.all(low < high):
            raise ValueError(
                f"corners must be (2,), low below high, got {low.tolist()} and {high.tolist()}"
            )
        return _Floor(low, high)

    def inner(self, margin_m: float) -> "_Floor":
        """What keeps a margin to the borders; of a narrow floor its middle line."""
        margin = np.minimum(margin_m, (self.high_m - self.low_m) / 2)
        return _Floor(self.low_m + margin, self.high_m - margin)

    def holds(self, point_m: _Vector) -> bool:
        return bool(np.all(point_m >= self.low_m) and np.all(point_m <= self.high_m))

    def draw(self, generator: np.random.Generator) -> _Vector:
        return generator.uniform(self.low_m, self.high_m)

    def draw_fall(self, generator: np.random.Generator, height_m: float) -> tuple[_Vector, float]:
        """Place of the feet and direction of a fall that ends within the floor."""
        feet_floor, head_floor = self.inner(_FEET_M), self.inner(_HEAD_M)
        for _ in range(_TRIES):
            towards = float(generator.uniform(-np.pi, np.pi))
            along = np.array([np.cos(towards), np.sin(towards)])
            feet = feet_floor.draw(generator)
            if head_floor.holds(feet + height_m * along) and self._wide(feet, along):
                return feet, towards
        return self._tight_fall(generator, height_m)

    def _tight_fall(self, generator: np.random.Generator, height_m: float) -> tuple[_Vector, float]:
        """The same along the longer side of a floor that has hardly room for it."""
        size = self.high_m - self.low_m
        axis = int(np.argmax(size))
        slack_m = size[axis] - _FEET_M - height_m
        if slack_m < 0 or size[1 - axis] < 2 * _ARMS_M:
            raise ValueError(f"no room to lie for {height_m:.2f} m on a floor of {size.tolist()} m")
        feet = self.inner(_ARMS_M).draw(generator)
        off_m = _FEET_M + float(generator.uniform(0, slack_m))
        forth = bool(generator.uniform() < 0.5)
        feet[axis] = self.low_m[axis] + off_m if forth else self.high_m[axis] - off_m
        return feet, axis * np.pi / 2 + (0.0 if forth else np.pi)

    def _wide(self, feet: _Vector, along: _Vector) -> bool:
        """Do shoulders and feet stay within the floor?"""
        across = _ARMS_M * np.array([-along[1], along[0]])
        corners = (feet + 1.5 * along, feet)
        return all(self.holds(point + sign * across) for point in corners for sign in (1, -1))


def _body(generator: np.random.Generator) -> tuple[float, float]:
    """Height and phase of breath."""
    return float(generator.uniform(1.55, 1.9)), float(generator.uniform(0, 2 * np.pi))


def _standing(generator: np.random.Generator, seconds: float) -> tuple[Activity, ...]:
    if generator.uniform() < 0.5:
        return (Stand(seconds),)
    share = float(generator.uniform(0.2, 0.6))
    swing, period = float(generator.uniform(0.2, 0.9)), float(generator.uniform(6, 10))
    return (Stand(share * seconds), Turn((1 - share) * seconds, swing, period))


def _walking(
    generator: np.random.Generator, floor: _Floor, here: _Vector, yaw_rad: float, seconds: float
) -> tuple[Activity, ...]:
    """From place to place, with stops."""
    done: list[Activity] = []
    stance = Stance(float(here[0]), float(here[1]), yaw_rad)
    left_s = seconds
    while left_s > 0:
        there = _far_from(generator, floor, np.array([stance.x_m, stance.y_m]))
        walk = Walk(float(there[0]), float(there[1]), float(generator.uniform(0.6, 1.4)))
        stop_s = float(generator.uniform(0.5, 2.0)) if generator.uniform() < 0.3 else 0.0
        length_s = walk.length_s(1.7, stance)
        done += [walk, Stand(stop_s)] if stop_s else [walk]
        stance = walk.stance(length_s, 1.7, stance)
        left_s -= max(length_s + stop_s, 0.1)
    return tuple(done)


def _far_from(generator: np.random.Generator, floor: _Floor, here: _Vector) -> _Vector:
    """The farthest of three places."""
    places = [floor.draw(generator) for _ in range(3)]
    return max(places, key=lambda place: float(np.linalg.norm(place - here)))


def _sitting(generator: np.random.Generator, seconds: float, seated: bool) -> tuple[Activity, ...]:
    """Sits down, or gets up if on a chair already, perhaps the other after it."""
    down = SitDown(float(generator.uniform(1.0, 1.5)))
    up = StandUp(float(generator.uniform(1.0, 1.6)))
    first_s = seconds * float(generator.uniform(0.1, 0.5))
    then_s = seconds * float(generator.uniform(0.2, 0.4))
    again = generator.uniform() < 0.5
    if seated:
        done: tuple[Activity, ...] = (Sit(first_s), up, Stand(then_s))
        return (*done, down, Sit(seconds)) if again else done
    done = (Stand(first_s), down, Sit(then_s))
    return (*done, up, Stand(seconds)) if again else done


def _before(
    generator: np.random.Generator, floor: _Floor, place: _Vector, seconds: float
) -> tuple[_Vector, float, tuple[Activity, ...]]:
    """Start, yaw and activities of somebody who is at a place at a time, upright."""
    kind = generator.choice(np.array(KINDS))
    yaw = float(generator.uniform(-np.pi, np.pi))
    if kind == "walk":
        begin = _far_from(generator, floor, place)
        speed = float(generator.uniform(0.7, 1.4))
        off = begin - place
        way_m = min(float(np.linalg.norm(off)), speed * (seconds - 0.7))
        if way_m > 0.4:
            begin = place + off * way_m / np.linalg.norm(off)
            yaw = float(np.arctan2(-off[1], -off[0]))
            walk = Walk(float(place[0]), float(place[1]), speed)
            walk_s = walk.length_s(1.7, Stance(float(begin[0]), float(begin[1]), yaw))
            return begin, yaw, (Stand(max(seconds - walk_s, 0.0)), walk)
    return place, yaw, (Stand(seconds),)
