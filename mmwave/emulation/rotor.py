"""Motion of the emulated turntable: what the controller commands and where the rotor really is.

The commanded position follows straight lines and parabolas in time (trapezoidal speed, section 5.1
of the Tic user's guide), kept as a list of legs, so that the position at any time, past or future,
is a closed form. The rotor follows it less the steps that it lost. Positions are in microsteps.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NANOSECONDS = 1e9
_KEPT_LEGS = 64
_NEVER_NS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Leg:
    """Constant acceleration from ``start_ns`` until the next leg starts.

    Position in microsteps, velocity in microsteps/s, acceleration in microsteps/s^2.
    """

    start_ns: int
    position: float
    velocity: float
    acceleration: float = 0.0

    def position_at(self, time_ns: int) -> float:
        """Position at one time."""
        elapsed_s = (time_ns - self.start_ns) / _NANOSECONDS
        return self.position + elapsed_s * (self.velocity + self.acceleration * elapsed_s / 2)

    def velocity_at(self, time_ns: int) -> float:
        """Velocity at one time."""
        return self.velocity + self.acceleration * (time_ns - self.start_ns) / _NANOSECONDS


def plan_velocity(
    start_ns: int,
    position: float,
    velocity: float,
    target: float,
    acceleration: float,
    deceleration: float,
) -> tuple[Leg, ...]:
    """Legs that bring the velocity to ``target``: slow down to zero if the sign turns, then ramp.

    The last leg has exactly the target velocity and no acceleration.

    Raises:
        ValueError: an acceleration is not positive.
    """
    if not (acceleration > 0 and deceleration > 0):
        raise ValueError(
            f"accelerations must be positive, got {acceleration} and {deceleration} microsteps/s^2"
        )
    legs: list[Leg] = []
    time_ns = start_ns
    while velocity != target:
        turns = velocity < 0 < target or target < 0 < velocity
        slower = turns or abs(target) < abs(velocity)
        goal = 0.0 if turns else target
        rate = np.sign(goal - velocity) * (deceleration if slower else acceleration)
        leg = Leg(time_ns, position, velocity, float(rate))
        time_ns += max(1, round((goal - velocity) / rate * _NANOSECONDS))
        position, velocity = leg.position_at(time_ns), goal
        legs.append(leg)
    legs.append(Leg(time_ns, position, velocity))
    return tuple(legs)


@dataclass(frozen=True)
class RotorFaults:
    """Faults of motor, switch and line. Times count from the first time the rotor is told to spin.

    Attributes:
        stall_at_s: the rotor stands still from then on while the controller keeps stepping.
        slip_at_s: from then on the rotor loses ``slip_steps_per_turn``.
        slip_steps_per_turn: full steps lost per commanded turn.
        blocked: the rotor never moves.
        index_broken: the index switch never becomes active.
        silent: the controller never answers.
        lost_bytes: fraction of bytes lost on the line, each direction.
        corrupted_answers: fraction of answers with a flipped bit.
        late_answers: fraction of answers that come ``lateness_s`` too late.
        lateness_s: how late.
        kill_at_s: the kill switch opens.
        low_vin_at_s: the supply fails.
        driver_error_at_s: the motor driver reports a fault.
        seed: of the losses.

    Raises:
        ValueError: a fraction is outside [0, 1] or a time negative.
    """

    stall_at_s: float | None = None
    slip_at_s: float = 0.0
    slip_steps_per_turn: float = 0.0
    blocked: bool = False
    index_broken: bool = False
    silent: bool = False
    lost_bytes: float = 0.0
    corrupted_answers: float = 0.0
    late_answers: float = 0.0
    lateness_s: float = 0.15
    kill_at_s: float | None = None
    low_vin_at_s: float | None = None
    driver_error_at_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("lost_bytes", "corrupted_answers", "late_answers"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be within [0, 1], got {value}")
        for name in ("stall_at_s", "slip_at_s", "kill_at_s", "low_vin_at_s", "driver_error_at_s"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value} s")
        if not self.slip_steps_per_turn >= 0:
            raise ValueError(
                f"slip_steps_per_turn must not be negative, got {self.slip_steps_per_turn}"
            )


@dataclass(frozen=True)
class Mechanics:
    """The turntable: direct drive by a 1.8 degree motor unless told otherwise.

    Attributes:
        steps_per_turn: full steps of the motor per turn.
        microsteps_per_step: of the controller's step mode.
        gear_ratio: motor turns per turntable turn.
        index_sector_rad: width of the vane that keeps the index switch active; its trailing edge,
            seen in the forward direction, is the turntable's zero.
        start_angle_rad: where the turntable stands when it is switched on.

    Raises:
        ValueError: a value is not positive, or the sector is not less than half a turn.
    """

    steps_per_turn: int = 200
    microsteps_per_step: int = 32
    gear_ratio: float = 1.0
    index_sector_rad: float = float(np.deg2rad(30.0))
    start_angle_rad: float = 2.0

    def __post_init__(self) -> None:
        for name in ("steps_per_turn", "microsteps_per_step", "gear_ratio", "index_sector_rad"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive, got {value}")
        if self.index_sector_rad >= np.pi:
            raise ValueError(
                f"index_sector_rad must be less than pi, got {self.index_sector_rad:.3f}"
            )

    @property
    def microsteps_per_turn(self) -> float:
        """Microsteps per turn of the turntable."""
        return self.steps_per_turn * self.microsteps_per_step * self.gear_ratio


class Rotor:
    """Commanded and real motion of the turntable. Safe to read from several threads.

    Args:
        mechanics: the turntable.
        faults: what goes wrong.
        start_ns: time at which it is switched on.
    """

    def __init__(self, mechanics: Mechanics, faults: RotorFaults, start_ns: int) -> None:
        self.mechanics = mechanics
        self.faults = faults
        self._turn = mechanics.microsteps_per_turn
        self._lock = threading.Lock()
        self._legs: tuple[Leg, ...] = (Leg(start_ns, 0.0, 0.0),)
        self._spin_ns: int | None = None

    @property
    def spin_started_ns(self) -> int | None:
        """When the rotor was first told to spin; the faults' times count from here."""
        return self._spin_ns

    def fault_due(self, at_s: float | None, time_ns: int) -> bool:
        """Whether a fault that is set for ``at_s`` after the start of the spin has come."""
        return time_ns >= self._fault_time_ns(at_s)

    def follow(self, legs: tuple[Leg, ...], *, spin: bool = False) -> None:
        """Replace the plan from the first leg's start on."""
        with self._lock:
            if spin and self._spin_ns is None:
                self._spin_ns = legs[0].start_ns
            earlier = tuple(leg for leg in self._legs if leg.start_ns < legs[0].start_ns)
            self._legs = earlier[-_KEPT_LEGS:] + legs

    def leg_at(self, time_ns: int) -> Leg:
        """The leg that is driven at a time."""
        legs = self._legs
        for leg in reversed(legs):
            if leg.start_ns <= time_ns:
                return leg
        return Leg(legs[0].start_ns, legs[0].position, 0.0)

    def commanded(self, time_ns: ArrayLike) -> NDArray[np.float64]:
        """Microsteps commanded since power-up, at any times; same shape as the times."""
        times = np.asarray(time_ns, np.int64)
        legs = self._legs
        index = np.searchsorted([leg.start_ns for leg in legs], times, side="right") - 1
        result = np.empty(times.shape)
        for number in np.unique(index):
            chosen = index == number
            leg = legs[max(number, 0)]
            elapsed_s = np.maximum(times[chosen] - leg.start_ns, 0) / _NANOSECONDS
            result[chosen] = leg.position + elapsed_s * (
                leg.velocity + leg.acceleration * elapsed_s / 2
            )
        return result

    def _fault_time_ns(self, at_s: float | None) -> int:
        if at_s is None or self._spin_ns is None:
            return _NEVER_NS
        return self._spin_ns + round(at_s * _NANOSECONDS)

    def physical(self, time_ns: ArrayLike) -> NDArray[np.float64]:
        """Where the rotor really is, in microsteps from its place at power-up."""
        times = np.asarray(time_ns, np.int64)
        if self.faults.blocked:
            return np.zeros(times.shape)
        times = np.minimum(times, self._fault_time_ns(self.faults.stall_at_s))
        position = self.commanded(times)
        slip_ns = self._fault_time_ns(self.faults.slip_at_s)
        if self.faults.slip_steps_per_turn and slip_ns != _NEVER_NS:
            driven = np.maximum(position - self.commanded(slip_ns), 0.0)
            steps = np.floor(self.faults.slip_steps_per_turn * driven / self._turn)
            position = position - steps * self.mechanics.microsteps_per_step
        return position

    def angle_rad(self, time_ns: ArrayLike) -> NDArray[np.float64]:
        """Real angle of the turntable, unwrapped, counter-clockwise; 0 (mod 2 pi) at the index."""
        turns = self.physical(time_ns) / self._turn
        return turns * 2 * np.pi + self.mechanics.start_angle_rad

    def speed_rad_s(self, time_ns: int) -> float:
        """Real speed of the turntable at one time (the mean one where steps are being lost)."""
        if self.faults.blocked or time_ns >= self._fault_time_ns(self.faults.stall_at_s):
            return 0.0
        speed = self.leg_at(time_ns).velocity_at(time_ns) * 2 * np.pi / self._turn
        if speed > 0 and time_ns >= self._fault_time_ns(self.faults.slip_at_s):
            speed *= 1 - self.faults.slip_steps_per_turn / (
                self.mechanics.steps_per_turn * self.mechanics.gear_ratio
            )
        return speed

    def index_active(self, time_ns: ArrayLike) -> NDArray[np.bool_]:
        """Whether the vane is at the index switch."""
        if self.faults.index_broken:
            return np.zeros(np.shape(time_ns), bool)
        behind = np.mod(self.angle_rad(time_ns), 2 * np.pi)
        return behind >= 2 * np.pi - self.mechanics.index_sector_rad

    def at_speed_since_ns(self, time_ns: int) -> int | None:
        """Since when the rotor has turned forward at the constant speed that it has at ``time_ns``.

        None while it stands, ramps or does not follow its controller.
        """
        leg = self.leg_at(time_ns)
        if leg.acceleration or leg.velocity <= 0 or self.speed_rad_s(time_ns) == 0:
            return None
        return leg.start_ns if leg.start_ns <= time_ns else None

    def next_index_change(self, after_ns: int, active: bool, horizon_s: float = 60.0) -> int | None:
        """First time from ``after_ns`` on at which the index switch has the wanted state.

        None if that does not happen within the horizon on the present plan.
        """
        leg_speed = max(abs(leg.velocity) for leg in self._legs) or 1.0
        sector = self.mechanics.index_sector_rad / (2 * np.pi) * self._turn
        step_ns = max(1, round(sector / leg_speed / 4 * _NANOSECONDS))
        count = min(200_000, max(2, round(horizon_s * _NANOSECONDS / step_ns)))
        times = after_ns + step_ns * np.arange(count, dtype=np.int64)
        wanted = self.index_active(times) == active
        if not wanted.any():
            return None
        first = int(np.argmax(wanted))
        if first == 0:
            return after_ns
        before, at = int(times[first - 1]), int(times[first])
        while at - before > 1:
            middle = (before + at) // 2
            if bool(self.index_active(middle)) == active:
                at = middle
            else:
                before = middle
        return at
