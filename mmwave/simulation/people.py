"""People of capsules who stand, shift their weight, or walk round and round with swinging limbs.

Clothes are nearly transparent at 77-81 GHz, so that the whole body is given the skin's material.
Everyone repeats after :data:`mmwave.simulation.trajectory.DRIVE_DURATION_S`, so that a drive can
be played in a loop without a jump.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.trajectory import DRIVE_DURATION_S, ClosedLoop, Pose, Velocity

MAX_WALK_MPS = 1.6
"""Fastest that a person walks."""

STANDING_RADIUS_M = 0.35
"""Circle that holds a standing person."""

WALKING_RADIUS_M = 0.55
"""Circle that holds a walking person, stride and arms included."""

_Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Someone who stays where they are, swaying by a few millimetres.

    Attributes:
        x_m: where.
        y_m: where.
        yaw_rad: which way they look.
        sway_m: amplitude of the sway, forward and back.
        period_s: the sway repeats three times in it.
    """

    x_m: float
    y_m: float
    yaw_rad: float = 0.0
    sway_m: float = 0.008
    period_s: float = DRIVE_DURATION_S

    def _sway(self, time_s: ArrayLike) -> tuple[_Vector, _Vector]:
        rate = 6 * np.pi / self.period_s
        phase = rate * np.asarray(time_s, dtype=np.float64)
        return self.sway_m * np.sin(phase), self.sway_m * rate * np.cos(phase)

    def pose(self, time_s: ArrayLike) -> Pose:
        """Pose at ``time_s`` (any shape)."""
        shift, _ = self._sway(time_s)
        return Pose(
            self.x_m + shift * np.cos(self.yaw_rad),
            self.y_m + shift * np.sin(self.yaw_rad),
            np.full(shift.shape, self.yaw_rad),
        )

    def velocity(self, time_s: ArrayLike) -> Velocity:
        """Velocity at ``time_s`` (any shape)."""
        _, speed = self._sway(time_s)
        return Velocity(
            speed * np.cos(self.yaw_rad), speed * np.sin(self.yaw_rad), np.zeros(speed.shape)
        )


@dataclass(frozen=True)
class Person:
    """A body that follows a trajectory.

    Attributes:
        trajectory: :class:`Standing`, or a :class:`ClosedLoop` whose heading follows the curve.
        instance_id: number of the object.
        height_m: from sole to crown.
        strides: whole strides (two steps) in one round of the trajectory; 0 stands.
        phase_rad: phase of the gait at time 0.

    Raises:
        ValueError: a height that no grown person has, or negative strides.
    """

    trajectory: Standing | ClosedLoop
    instance_id: int
    height_m: float = 1.72
    strides: int = 0
    phase_rad: float = 0.0

    def __post_init__(self) -> None:
        if not 1.2 <= self.height_m <= 2.1:
            raise ValueError(f"height_m must be in 1.2..2.1, got {self.height_m}")
        if self.strides < 0:
            raise ValueError(f"strides must not be negative, got {self.strides}")

    @property
    def walking(self) -> bool:
        """On the move."""
        return self.strides > 0

    @property
    def radius_m(self) -> float:
        """Circle about the pose that holds the body at any time."""
        return WALKING_RADIUS_M if self.walking else STANDING_RADIUS_M

    def gait_rad(self, time_s: float) -> float:
        """Phase of the stride: grows with the way walked."""
        if not isinstance(self.trajectory, ClosedLoop) or not self.walking:
            return self.phase_rad
        share = self.trajectory.distance_m(time_s) / self.trajectory.length_m
        return self.phase_rad + 2 * np.pi * self.strides * float(share)

    def scene(self, time_s: float) -> Scene:
        """The body's triangles at one time, world frame."""
        pose = self.trajectory.pose(time_s)
        amplitude = 0.42 if self.walking else 0.0
        body = body_mesh(self.height_m, self.gait_rad(time_s), amplitude, self.instance_id)
        return meshes.moved(body, (float(pose.x_m), float(pose.y_m), 0.0), float(pose.yaw_rad))


def _limb(start: _Vector, length: float, angle: float) -> _Vector:
    """End of a limb that hangs from ``start``, swung forward by ``angle`` about the y axis."""
    return start + length * np.array([np.sin(angle), 0.0, -np.cos(angle)])


def body_mesh(height_m: float, gait_rad: float, swing_rad: float, instance_id: int = 0) -> Scene:
    """A body that faces +x over the origin, feet near z = 0.

    Args:
        height_m: from sole to crown.
        gait_rad: phase of the stride.
        swing_rad: largest angle of the thighs; 0 stands upright.
        instance_id: number of the object.

    Returns:
        About 600 triangles, always with the same topology.
    """
    label = Label(SemanticClass.PERSON, "skin", instance_id)
    unit = height_m / 1.72
    stance = (0.42 + 0.43) * unit  # hip above the ankle with straight legs
    thighs = [swing_rad * np.sin(gait_rad), -swing_rad * np.sin(gait_rad)]
    knees = [
        0.06 + swing_rad * (0.5 + 0.9 * max(0.0, np.cos(gait_rad))),
        0.06 + swing_rad * (0.5 + 0.9 * max(0.0, -np.cos(gait_rad))),
    ]
    shanks = [thigh - knee for thigh, knee in zip(thighs, knees, strict=True)]
    drop = max(
        0.42 * unit * np.cos(thigh) + 0.43 * unit * np.cos(shank)
        for thigh, shank in zip(thighs, shanks, strict=True)
    )
    hip = np.array([0.0, 0.0, 0.08 * unit + min(drop, stance)])
    parts = []
    for side, thigh, shank in zip((1, -1), thighs, shanks, strict=True):
        joint = hip + np.array([0.0, 0.095 * side * unit, 0.0])
        knee = _limb(joint, 0.42 * unit, thigh)
        ankle = _limb(knee, 0.43 * unit, shank)
        toe = ankle + unit * np.array([0.16 * np.cos(shank), 0.0, -0.035 + 0.16 * np.sin(shank)])
        toe[2] = max(toe[2], 0.04 * unit)
        parts.append(meshes.capsule(joint, knee, 0.085 * unit, 0.06 * unit, label))
        parts.append(meshes.capsule(knee, ankle, 0.058 * unit, 0.042 * unit, label))
        parts.append(meshes.capsule(ankle, toe, 0.05 * unit, 0.038 * unit, label))
    parts.extend(_upper_body(hip, unit, thighs, label))
    return Scene.merge(parts)


def _upper_body(hip: _Vector, unit: float, thighs: list[float], label: Label) -> list[Scene]:
    forward, left = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    levels = np.array([-0.1, -0.02, 0.18, 0.38, 0.5, 0.55]) * unit
    depth = np.array([0.06, 0.11, 0.1, 0.12, 0.09, 0.05]) * unit
    width = np.array([0.1, 0.17, 0.15, 0.19, 0.17, 0.07]) * unit
    centres = hip + levels[:, None] * np.array([0.0, 0.0, 1.0])
    torso = meshes.lathe(centres, np.column_stack([depth, width]), forward, left, label, 8)
    neck = hip + np.array([0.0, 0.0, 0.55 * unit])
    chin = neck + np.array([0.015, 0.0, 0.12 * unit])
    crown = chin + np.array([0.01, 0.0, 0.09 * unit])
    parts = [torso, meshes.capsule(neck, chin, 0.055 * unit, 0.055 * unit, label)]
    parts.append(meshes.capsule(chin, crown, 0.085 * unit, 0.095 * unit, label, 7))
    for side, thigh in zip((1, -1), thighs, strict=True):
        shoulder = hip + np.array([0.0, 0.225 * side * unit, 0.47 * unit])
        angle = -0.8 * thigh
        elbow = _limb(shoulder, 0.29 * unit, angle)
        wrist = _limb(elbow, 0.3 * unit, angle + 0.15 + 0.4 * abs(thigh))
        parts.append(meshes.capsule(shoulder, elbow, 0.052 * unit, 0.042 * unit, label))
        parts.append(meshes.capsule(elbow, wrist, 0.04 * unit, 0.045 * unit, label))
    return parts


def there_and_back(start_m: _Vector, end_m: _Vector, half_width_m: float = 0.3) -> _Vector:
    """Points (K, 2) of a long narrow loop from one point to another and back."""
    start, end = np.asarray(start_m, np.float64), np.asarray(end_m, np.float64)
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    left = np.array([-along[1], along[0]])
    turn = np.linspace(-np.pi / 2, np.pi / 2, 5)
    cap = half_width_m * (np.cos(turn)[:, None] * along + np.sin(turn)[:, None] * left)
    straight = np.linspace(0, length, max(3, int(length)))[1:-1, None] * along
    return np.vstack(
        [
            start - half_width_m * left + straight,
            end + cap,
            start + half_width_m * left + straight[::-1],
            start - cap,
        ]
    )


def walk(
    start_m: _Vector, end_m: _Vector, instance_id: int, height_m: float, phase_rad: float
) -> Person:
    """Someone who walks from one point to the other and back in one period.

    Raises:
        ValueError: so far that they would have to run.
    """
    loop = ClosedLoop(
        there_and_back(start_m, end_m),
        yaw_rad=None,
        speed_variation=0.25,
        speed_cycles=2,
        max_speed_mps=MAX_WALK_MPS,
    )
    strides = max(1, round(loop.length_m / (0.75 * height_m)))
    return Person(loop, instance_id, height_m, strides, phase_rad)
