"""What people do one after another: stand, walk, turn, sit down, get up, fall and lie.

Every activity takes over the body where the one before has left it, so that nothing ever leaps.
See :mod:`mmwave.simulation.activities` for the people who do it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mmwave.simulation.articulated import (
    STANDING,
    Stance,
    between,
    fall_time_s,
    fallen_rad,
    seated,
)
from mmwave.simulation.people import MAX_WALK_MPS, Posture, striding

ACTIVITIES = ("stand", "walk", "turn", "sit_down", "sit", "stand_up", "fall", "lie")
"""Everything that somebody can be doing."""

PAST_RECOVERY_RAD = np.pi / 12
"""Lean from which on a fall's duration is counted; the loss of balance before it is slow."""

_STRIDE = 0.75  # of two steps, over the height
_SWING_RAD, _FULL_SWING_MPS = 0.42, 1.1
_TURNING_RADPS = 2.0  # of somebody who is about to walk
_GATHER_S = 0.6  # to get up to speed and to come to rest
_STOOP_RAD = 0.45  # of the torso, half way to a chair
_ONSET_S, _FIRST_LEAN_RAD, _SETTLE_S = 0.5, 0.12, 0.7


def _smooth(share: float) -> float:
    """Smooth step from 0 to 1."""
    held = min(max(share, 0.0), 1.0)
    return held * held * (3 - 2 * held)


class Activity(ABC):
    """Something done for a while by a body that begins it standing, sitting or lying.

    Attributes:
        begins: ``stand``, ``sit`` or ``lie``: how the body must be.
        ends: how it leaves the body.
        called: which of :data:`ACTIVITIES` it is.
    """

    begins: ClassVar[str]
    ends: ClassVar[str]
    called: ClassVar[str]

    @abstractmethod
    def length_s(self, height_m: float, start: Stance) -> float:
        """How long it takes from where the body is."""

    @abstractmethod
    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """The body at a time since the beginning, within the length."""

    def name_at(self, time_s: float, height_m: float) -> str:
        """Which of :data:`ACTIVITIES` it is at a time since the beginning."""
        return self.called


@dataclass(frozen=True)
class _Timed(Activity):
    duration_s: float

    shortest_s: ClassVar[float] = 0.0
    longest_s: ClassVar[float] = np.inf

    def __post_init__(self) -> None:
        if not self.shortest_s <= self.duration_s <= self.longest_s:
            limits = f"{self.shortest_s}..{self.longest_s}"
            name = type(self).__name__
            raise ValueError(f"{name}: duration_s must be in {limits}, got {self.duration_s}")

    def length_s(self, height_m: float, start: Stance) -> float:
        return self.duration_s

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        return start


class Stand(_Timed):
    """To stay upright for ``duration_s``."""

    begins = ends = called = "stand"


class Sit(_Timed):
    """To stay on a chair for ``duration_s``."""

    begins = ends = called = "sit"


class Lie(_Timed):
    """To stay on the floor for ``duration_s``."""

    begins = ends = called = "lie"


@dataclass(frozen=True)
class Turn(_Timed):
    """To turn slowly to and fro about oneself, as somebody who is being looked at.

    Attributes:
        duration_s: of all of it.
        swing_rad: to either side of the middle.
        period_s: to and fro.
        phase_rad: the body begins at sin(phase_rad) of the swing.
    """

    swing_rad: float = np.deg2rad(25)
    period_s: float = 8.0
    phase_rad: float = 0.0

    begins = ends = "stand"
    called = "turn"

    def __post_init__(self) -> None:
        super().__post_init__()
        rate = abs(self.swing_rad) * 2 * np.pi / self.period_s if self.period_s > 0 else np.inf
        if not rate <= 2.0:
            raise ValueError(f"turns at {rate:.2f} rad/s; the limit is 2.0")

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """Turned by a sine."""
        phase = 2 * np.pi * time_s / self.period_s + self.phase_rad
        swung = self.swing_rad * (np.sin(phase) - np.sin(self.phase_rad))
        return replace(start, yaw_rad=start.yaw_rad + float(swung))


@dataclass(frozen=True)
class Walk(Activity):
    """To turn towards a place and to walk straight there.

    Attributes:
        x_m: of the place.
        y_m: of the place.
        speed_mps: once under way; a short way is walked slower.
    """

    x_m: float
    y_m: float
    speed_mps: float = 1.1

    begins = ends = "stand"
    called = "walk"

    def __post_init__(self) -> None:
        if not 0.1 <= self.speed_mps <= MAX_WALK_MPS:
            raise ValueError(f"speed_mps must be in 0.1..{MAX_WALK_MPS}, got {self.speed_mps}")

    def _way(self, start: Stance) -> tuple[float, float, float, float]:
        """Length of the way, speed, turn needed, time to turn."""
        right, ahead = self.x_m - start.x_m, self.y_m - start.y_m
        way_m = float(np.hypot(right, ahead))
        turn = float(np.arctan2(ahead, right)) - start.yaw_rad if way_m > 0.01 else 0.0
        turn = float(np.angle(np.exp(1j * turn)))
        return way_m, min(self.speed_mps, way_m / _GATHER_S), turn, abs(turn) / _TURNING_RADPS

    def length_s(self, height_m: float, start: Stance) -> float:
        """To turn towards the place and to get there."""
        way_m, speed, _, turning_s = self._way(start)
        return turning_s + (way_m / speed + _GATHER_S if speed > 0 else 0.0)

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """At constant speed but for the beginning and the end."""
        way_m, speed, turn, turning_s = self._way(start)
        yaw = start.yaw_rad + turn * (_smooth(time_s / turning_s) if turning_s > 0 else 1.0)
        if speed == 0:
            return start
        walking_s = way_m / speed + _GATHER_S
        gone_s = min(max(time_s - turning_s, 0.0), walking_s)
        share = min(1.0, gone_s / _GATHER_S, (walking_s - gone_s) / _GATHER_S)
        if gone_s <= walking_s - _GATHER_S:
            gathered = min(gone_s, _GATHER_S)
            gone_m = speed * (gathered**2 / (2 * _GATHER_S) + gone_s - gathered)
        else:
            gone_m = way_m - speed * (walking_s - gone_s) ** 2 / (2 * _GATHER_S)
        swing = _SWING_RAD * share * min(1.0, speed / _FULL_SWING_MPS)
        gait = 2 * np.pi * gone_m / (_STRIDE * height_m)
        along = gone_m / way_m
        return replace(
            start,
            x_m=start.x_m + along * (self.x_m - start.x_m),
            y_m=start.y_m + along * (self.y_m - start.y_m),
            yaw_rad=yaw,
            posture=striding(gait, swing),
            planted=False,
        )


@dataclass(frozen=True)
class SitDown(_Timed):
    """To sit down on a chair of 0.45 m behind oneself; the feet stay where they are.

    Attributes:
        duration_s: 0.9..3.
    """

    duration_s: float = 1.2

    begins = "stand"
    ends = "sit"
    called = "sit_down"
    shortest_s, longest_s = 0.9, 3.0

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """Part of the way down."""
        return half_seated(start, height_m, _smooth(time_s / self.duration_s))


@dataclass(frozen=True)
class StandUp(_Timed):
    """To get up from a chair.

    Attributes:
        duration_s: 0.9..3.
    """

    duration_s: float = 1.3

    begins = "sit"
    ends = "stand"
    called = "stand_up"
    shortest_s, longest_s = 0.9, 3.0

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """Part of the way up."""
        return half_seated(start, height_m, 1 - _smooth(time_s / self.duration_s))


def half_seated(start: Stance, height_m: float, share: float) -> Stance:
    """Part of the way down to a chair, 0 standing and 1 sitting; the feet keep their place."""
    posture = between(STANDING, seated(height_m), share)
    bow = _STOOP_RAD * np.sin(np.pi * share)
    return replace(start, posture=posture, bow_rad=float(bow), planted=True)


@dataclass(frozen=True)
class Fall(_Timed):
    """To tip over about the feet with giving knees, and to come to lie on the floor.

    The lean is that of a uniform rod of the body's height
    (:func:`mmwave.simulation.articulated.fallen_rad`), in a time that is stretched, as people break
    their falls. The body then lies; its legs stretch within 0.7 s of the impact.

    Attributes:
        duration_s: 0.6..2 from a lean of 15 degrees to the floor.
        direction_rad: 0 forward, pi / 2 to the left of the body, pi backward.
    """

    duration_s: float = 0.9
    direction_rad: float = 0.0

    begins = "stand"
    ends = "lie"
    called = "fall"
    shortest_s, longest_s = 0.6, 2.0

    def _stretch(self, height_m: float) -> float:
        """Time taken over that of the rod."""
        late = fall_time_s(PAST_RECOVERY_RAD, height_m, _FIRST_LEAN_RAD)
        return self.duration_s / (fall_time_s(np.pi / 2, height_m, _FIRST_LEAN_RAD) - late)

    def impact_s(self, height_m: float) -> float:
        """When the body is on the floor, since the beginning."""
        rod_s = fall_time_s(np.pi / 2, height_m, _FIRST_LEAN_RAD)
        return _ONSET_S + self._stretch(height_m) * rod_s

    def length_s(self, height_m: float, start: Stance) -> float:
        """Until the legs are stretched."""
        return self.impact_s(height_m) + _SETTLE_S

    def _lean_rad(self, time_s: float, height_m: float) -> float:
        if time_s < _ONSET_S:
            return _FIRST_LEAN_RAD * _smooth(time_s / _ONSET_S)
        if time_s >= self.impact_s(height_m):
            return np.pi / 2
        gone_s = (time_s - _ONSET_S) / self._stretch(height_m)
        return min(fallen_rad(gone_s, height_m, _FIRST_LEAN_RAD), np.pi / 2)

    def stance(self, time_s: float, height_m: float, start: Stance) -> Stance:
        """Leaning, with bent knees, then stretched out."""
        lean = self._lean_rad(time_s, height_m)
        forward = float(np.cos(self.direction_rad))
        stretched = _smooth((time_s - self.impact_s(height_m)) / _SETTLE_S)
        deepest = 0.7 - 0.2 * forward  # knees are in the way of a fall forward
        given = deepest * _smooth(lean / 1.2)
        bent = given * (1 - stretched)
        raised = 0.4 * float(np.sin(2 * lean))
        posture = Posture(
            (bent, bent),
            (2 * bent + 0.06, 2 * bent + 0.06),
            (raised, 0.8 * raised),
            (1.5 * raised + 0.15, 1.3 * raised + 0.15),
        )
        legs_m = 0.85 * height_m / 1.72
        return replace(
            start,
            posture=posture,
            tilt_rad=lean,
            tilt_direction_rad=self.direction_rad,
            toes_rad=1.2 * max(forward, 0.0) * _smooth(lean / (np.pi / 2)),
            slide_m=legs_m * float(np.cos(given) - np.cos(bent)),
            planted=True,
            unrest=start.unrest * (1 - _smooth(lean / 0.5)),
        )

    def name_at(self, time_s: float, height_m: float) -> str:
        """It falls until the impact, then it lies."""
        return "fall" if time_s < self.impact_s(height_m) else "lie"
