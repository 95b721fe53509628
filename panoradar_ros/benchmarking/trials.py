"""Fresh rotations with a known motion: a building, a drive and two turns of the radar each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.building import Building, generate_building
from mmwave.simulation.rotation import (
    REVOLUTIONS_PER_S,
    RotationSamples,
    StaticWorld,
    simulate_rotation,
)
from mmwave.simulation.trajectory import MAX_SPEED_MPS, ConstantAcceleration
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.yaw_prior import YawRatePrior

TURNS = 2.3
"""A turn before the one that counts, this one, and their margins."""

STYLES = ("office", "school", "laboratory")
MAX_YAW_RATE_RADPS = np.deg2rad(60.0)
MAX_ACCELERATION_MPS2 = 0.5
CLEARANCE_M = 0.25
"""Between the middle of the robot and everything that stands still, all the way."""


@dataclass(frozen=True)
class TrialSettings:
    """What the trials are like.

    Attributes:
        seed: of the first trial's building; trial i uses seed + i.
        lost_share: share of the positions that are lost, each on its own.
        speed_jitter: the turntable's speed swings by this share, one to four times a turn.
        people: people stand and walk in view; without it the buildings are deserted.
        frame: axes in which the acceleration is constant, ``world`` or ``body``.
        imu_radps: standard deviation of an IMU's mean rate of turn over a turn; 0 is no IMU.

    Raises:
        ValueError: a value is out of its range.
    """

    seed: int = 1000
    lost_share: float = 0.0
    speed_jitter: float = 0.0
    people: bool = False
    frame: str = "world"
    imu_radps: float = 0.0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if not 0 <= self.lost_share < 1:
            raise ValueError(f"lost_share must be in [0, 1), got {self.lost_share}")
        if not 0 <= self.speed_jitter <= 0.2:
            raise ValueError(f"speed_jitter must be in [0, 0.2], got {self.speed_jitter}")
        if not 0 <= self.imu_radps < 10:
            raise ValueError(f"imu_radps must be in [0, 10), got {self.imu_radps}")
        if self.frame not in ("world", "body"):
            raise ValueError(f"frame must be 'world' or 'body', got {self.frame!r}")


@dataclass(frozen=True)
class Trial:
    """Two turns of the radar and what the robot did.

    Attributes:
        before: the turn before.
        scored: the turn that counts.
        middle_s: middle of the scored turn in its own time; the truth holds then.
        velocity_mps: (2,) true velocity in base_link.
        yaw_rate_radps: true rate of turn.
        imu: what an IMU says about it, or None.
    """

    before: Rotation
    scored: Rotation
    middle_s: float
    velocity_mps: NDArray[np.float64]
    yaw_rate_radps: float
    imu: YawRatePrior | None


def simulate_trial(number: int, settings: TrialSettings) -> Trial:
    """Simulate one trial; the same arguments give the same trial, whatever ran before.

    Speed is uniform in 0 to 0.6 m/s and the heading uniform. Trials 2, 3, 6, 7 ... turn at up to
    60 deg/s, odd trials accelerate at up to 0.5 m/s^2; where the robot would pass its top speed
    within the simulated time, the acceleration is as large as it may be.
    """
    seed = settings.seed + number
    generator = np.random.default_rng([seed, 0x6D6F74])
    building = generate_building(seed, STYLES[number % len(STYLES)])
    turns_s = TURNS / REVOLUTIONS_PER_S
    speed, heading = generator.uniform(0, MAX_SPEED_MPS), generator.uniform(-np.pi, np.pi)
    velocity = speed * np.exp(1j * heading)
    # every number is drawn in every trial, so that the kinds of trials do not shift each other
    strength, direction = generator.uniform(0, MAX_ACCELERATION_MPS2), generator.uniform(0, 1)
    yaw_rate = generator.uniform(-MAX_YAW_RATE_RADPS, MAX_YAW_RATE_RADPS) * (number // 2 % 2)
    yaw_rad, cycles = generator.uniform(-np.pi, np.pi), int(generator.integers(1, 5))
    phase = generator.uniform(0, 2 * np.pi)
    acceleration = (number % 2) * strength * np.exp(2j * np.pi * direction)

    def turntable(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        even = 2 * np.pi * REVOLUTIONS_PER_S * time_s
        return even + settings.speed_jitter / cycles * np.sin(cycles * even + phase)

    middle_s = (_first_start(0.0) + 3 * np.pi) / (2 * np.pi * REVOLUTIONS_PER_S)
    acceleration = _within_top_speed(velocity, acceleration, np.array([0.0, turns_s]) - middle_s)
    axes = np.exp(1j * yaw_rad) if settings.frame == "world" else 1.0

    def drive(x_m: float, y_m: float) -> ConstantAcceleration:
        own, change = velocity * axes, acceleration * axes
        return ConstantAcceleration(
            x_m, y_m, own.real, own.imag, change.real, change.imag,
            yaw_rad, yaw_rate, settings.frame, middle_s, 0.0, turns_s,
        )  # fmt: skip

    trajectory = _with_room(drive, building, turns_s, generator)
    simulated = simulate_rotation(
        building if settings.people else StaticWorld(building.scene),
        trajectory,
        seed=seed,
        rotations=TURNS,
        turntable=turntable,
    )
    lost = generator.random(len(simulated.time_s)) < settings.lost_share
    before, scored = consecutive_turns(simulated, lost)
    truth = _true_velocity(scored, trajectory, float(simulated.time_s[0]))
    imu = None
    if settings.imu_radps:
        reading = yaw_rate + settings.imu_radps * generator.standard_normal()
        imu = YawRatePrior(float(reading), settings.imu_radps**2)
    return Trial(before, scored, *truth, imu)


def _true_velocity(
    scored: Rotation, trajectory: ConstantAcceleration, began_s: float
) -> tuple[float, NDArray[np.float64], float]:
    """Middle of the scored turn, and velocity in base_link and rate of turn then."""
    edges = scored.start_azimuth_rad + np.array([0.0, 2 * np.pi])
    middle_s = float(np.interp(edges, scored.azimuth_rad, scored.time_s).mean())
    then_s = began_s + scored.reference_ns * 1e-9 + middle_s
    pose, velocity = trajectory.pose(then_s), trajectory.velocity(then_s)
    own = complex(velocity.vx_mps, velocity.vy_mps) * np.exp(-1j * float(pose.yaw_rad))
    return middle_s, np.array([own.real, own.imag]), float(velocity.yaw_rate_radps)


def _within_top_speed(
    velocity: complex, acceleration: complex, later_s: NDArray[np.float64]
) -> complex:
    """The acceleration, made smaller where the speed would pass the limit at one of the times."""
    for time_s in later_s:
        change = acceleration * time_s
        # |velocity + share change|^2 = limit^2
        square, mixed = abs(change) ** 2, (velocity * np.conj(change)).real
        room = MAX_SPEED_MPS**2 - abs(velocity) ** 2
        if square + 2 * mixed > room:
            share = (np.sqrt(mixed**2 + square * room) - mixed) / square
            acceleration *= max(0.0, share * (1 - 1e-9))
    return acceleration


def _with_room(
    drive: Callable[[float, float], ConstantAcceleration],
    building: Building,
    turns_s: float,
    generator: np.random.Generator,
) -> ConstantAcceleration:
    """The drive, moved to a place on the building's tour where it keeps clear of everything."""
    loop = building.drive_loop()
    times = np.linspace(0, turns_s, 12)
    best, best_m = drive(0.0, 0.0), -1.0
    for start_s in generator.uniform(0, loop.duration_s, 200):
        place = loop.pose(start_s)
        candidate = drive(float(place.x_m), float(place.y_m))
        pose = candidate.pose(times)
        clear_m = float(building.clearance_m(np.column_stack([pose.x_m, pose.y_m])).min())
        if clear_m > best_m:
            best, best_m = candidate, clear_m
        if clear_m >= CLEARANCE_M:
            break
    return best


def _first_start(azimuth_rad: float) -> float:
    """Azimuth at which the first turn starts whose margin is covered."""
    margin, column = np.deg2rad(32), 2 * np.pi / 512
    return float(np.ceil((azimuth_rad + margin) / column) * column)


def consecutive_turns(
    simulated: RotationSamples, lost: NDArray[np.bool_] | None = None
) -> tuple[Rotation, Rotation]:
    """Two turns, one after the other, each with its margins.

    Args:
        simulated: 2.3 turns or more, counter-clockwise.
        lost: (position,) positions that did not arrive.

    Raises:
        ValueError: the samples do not cover two turns and their margins.
    """
    azimuth = simulated.azimuth_rad
    margin = np.deg2rad(32)
    start = _first_start(azimuth[0])

    def turn(start: float) -> Rotation:
        first = np.searchsorted(azimuth, start - margin, side="right") - 1
        last = np.searchsorted(azimuth, start + 2 * np.pi + margin) + 1
        used = slice(max(first, 0), last)
        samples, time_s = simulated.samples[used], simulated.time_s[used]
        valid = np.ones(samples.shape[:2], bool)
        if lost is not None and lost.any():
            valid[lost[used]] = False
            samples = np.where(valid[..., None, None], samples, np.int16(0))
        return Rotation(
            samples,
            valid,
            time_s - time_s[0],
            azimuth[used],
            round((time_s[0] - simulated.time_s[0]) * 1e9),
            start,
            simulated.waveform,
        )

    return turn(start), turn(start + 2 * np.pi)
