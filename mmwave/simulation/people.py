"""People of capsules who stand, shift their weight, or walk round and round with swinging limbs.

Clothes are nearly transparent at 77-81 GHz, so that the whole body is given the skin's material.
Everyone repeats after :data:`mmwave.simulation.trajectory.DRIVE_DURATION_S`, so that a drive can
be played in a loop without a jump.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation import meshes
from mmwave.simulation.gestures import Gestures
from mmwave.simulation.meshes import Label
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.trajectory import DRIVE_DURATION_S, ClosedLoop, Pose, Velocity

MAX_WALK_MPS = 1.6
"""Fastest that a person walks."""

STANDING_RADIUS_M = 0.35
"""Circle that holds a standing person."""

WALKING_RADIUS_M = 0.55
"""Circle that holds a walking person, stride and arms included."""

GESTURING_RADIUS_M = 0.65
"""Circle that holds a standing person with a lifted arm."""

SITTING_RADIUS_M = 1.0
"""Circle that holds a sitting person with a foot stretched out."""

_SWING_RAD = 0.42  # of the thighs of somebody who walks

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
        sitting: on a chair; has no strides.
        gestures: of somebody who stands or sits; None keeps the limbs still.

    Raises:
        ValueError: a height that no grown person has, negative strides, or somebody who sits walks
            or who walks has gestures.
    """

    trajectory: Standing | ClosedLoop
    instance_id: int
    height_m: float = 1.72
    strides: int = 0
    phase_rad: float = 0.0
    sitting: bool = False
    gestures: Gestures | None = None

    def __post_init__(self) -> None:
        if not 1.2 <= self.height_m <= 2.1:
            raise ValueError(f"height_m must be in 1.2..2.1, got {self.height_m}")
        if self.strides < 0:
            raise ValueError(f"strides must not be negative, got {self.strides}")
        if self.sitting and self.strides:
            raise ValueError(f"who sits makes no strides, got {self.strides}")
        if self.gestures is not None and self.strides:
            raise ValueError(
                f"who walks swings the arms, without gestures; got {self.strides} strides"
            )

    @property
    def walking(self) -> bool:
        """On the move."""
        return self.strides > 0

    @property
    def radius_m(self) -> float:
        """Circle about the pose that holds the body at any time."""
        if self.sitting:
            return SITTING_RADIUS_M
        if self.gestures is not None:
            return GESTURING_RADIUS_M
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
        body = posed_mesh(self._skeleton(time_s), self.instance_id)
        return meshes.moved(body, (float(pose.x_m), float(pose.y_m), 0.0), float(pose.yaw_rad))

    def key_points_m(self, time_s: float) -> _Vector:
        """(17, 3) joints in COCO's order at one time, world frame."""
        pose = self.trajectory.pose(time_s)
        points = self._skeleton(time_s).key_points_m()
        cosine, sine = np.cos(float(pose.yaw_rad)), np.sin(float(pose.yaw_rad))
        x_m = float(pose.x_m) + cosine * points[:, 0] - sine * points[:, 1]
        y_m = float(pose.y_m) + sine * points[:, 0] + cosine * points[:, 1]
        return np.column_stack([x_m, y_m, points[:, 2]])

    def _skeleton(self, time_s: float) -> "Skeleton":
        if self.sitting:
            posture = SITTING
        else:
            amplitude = _SWING_RAD if self.walking else 0.0
            posture = striding(self.gait_rad(time_s), amplitude)
        if self.gestures is not None:
            posture = self._gesturing(posture, self.gestures.angles_rad(time_s))
        return skeleton(self.height_m, posture)

    def _gesturing(self, posture: "Posture", angles_rad: _Vector) -> "Posture":
        """A posture with arms lifted, and the shank of somebody who sits swung forward."""
        arms, forearms, shanks = angles_rad
        knees = posture.knees_rad - shanks if self.sitting else posture.knees_rad
        return replace(
            posture,
            arms_rad=_pair(posture.arms_rad + arms),
            forearms_rad=_pair(posture.forearms_rad + forearms),
            knees_rad=_pair(knees),
        )


def _pair(values: ArrayLike) -> tuple[float, float]:
    left, right = np.asarray(values).tolist()
    return left, right


@dataclass(frozen=True)
class Posture:
    """Angles of the limbs, left first; 0 hangs straight down, forward is positive.

    Attributes:
        thighs_rad: of the thighs.
        knees_rad: how far the shanks are bent back from the thighs.
        arms_rad: of the upper arms.
        forearms_rad: of the forearms.
    """

    thighs_rad: tuple[float, float]
    knees_rad: tuple[float, float]
    arms_rad: tuple[float, float]
    forearms_rad: tuple[float, float]


def striding(gait_rad: float, swing_rad: float) -> Posture:
    """Somebody who walks, or stands if the thighs do not swing.

    Args:
        gait_rad: phase of the stride.
        swing_rad: largest angle of the thighs.
    """
    thighs = (swing_rad * np.sin(gait_rad), -swing_rad * np.sin(gait_rad))
    knees = (
        0.06 + swing_rad * (0.5 + 0.9 * max(0.0, np.cos(gait_rad))),
        0.06 + swing_rad * (0.5 + 0.9 * max(0.0, -np.cos(gait_rad))),
    )
    arms = (-0.8 * thighs[0], -0.8 * thighs[1])
    forearms = (
        arms[0] + 0.15 + 0.4 * abs(thighs[0]),
        arms[1] + 0.15 + 0.4 * abs(thighs[1]),
    )
    return Posture(thighs, knees, arms, forearms)


SITTING = Posture((1.45, 1.45), (1.4, 1.5), (0.35, 0.3), (1.25, 1.3))
"""Somebody on a chair, hands on the thighs."""


@dataclass(frozen=True)
class Skeleton:
    """Joints of a body that faces +x over the origin, feet near z = 0; pairs are left, right.

    Attributes:
        unit: size over that of somebody of 1.72 m.
        hip_m: (3,) between the hips.
        hips_m: (2, 3).
        knees_m: (2, 3).
        ankles_m: (2, 3).
        toes_m: (2, 3).
        shoulders_m: (2, 3).
        elbows_m: (2, 3).
        wrists_m: (2, 3).
    """

    unit: float
    hip_m: _Vector
    hips_m: _Vector
    knees_m: _Vector
    ankles_m: _Vector
    toes_m: _Vector
    shoulders_m: _Vector
    elbows_m: _Vector
    wrists_m: _Vector

    @property
    def neck_m(self) -> _Vector:
        """Where the torso ends."""
        return self.hip_m + np.array([0.0, 0.0, 0.55 * self.unit])

    @property
    def chin_m(self) -> _Vector:
        """Where the head begins."""
        return self.neck_m + np.array([0.015, 0.0, 0.12 * self.unit])

    @property
    def crown_m(self) -> _Vector:
        """Middle of the upper head."""
        return self.chin_m + np.array([0.01, 0.0, 0.09 * self.unit])

    def key_points_m(self) -> _Vector:
        """(17, 3) in COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees,
        ankles, of the pairs the left first.
        """
        unit = self.unit
        nose = self.chin_m + unit * np.array([0.1, 0.0, 0.05])
        eyes = [nose + unit * np.array([-0.01, 0.03 * side, 0.04]) for side in (1, -1)]
        ears = [self.crown_m + unit * np.array([0.0, 0.085 * side, -0.03]) for side in (1, -1)]
        pairs = (self.shoulders_m, self.elbows_m, self.wrists_m, self.hips_m, self.knees_m)
        return np.vstack([nose, *eyes, *ears, *pairs, self.ankles_m])


def skeleton(height_m: float, posture: Posture) -> Skeleton:
    """Joints of a body in a posture, the lower foot on the ground.

    Args:
        height_m: from sole to crown, upright.
        posture: of the limbs.
    """
    unit = height_m / 1.72
    stance = (0.42 + 0.43) * unit  # hip above the ankle with straight legs
    shanks = [
        thigh - knee for thigh, knee in zip(posture.thighs_rad, posture.knees_rad, strict=True)
    ]
    drop = max(
        0.42 * unit * np.cos(thigh) + 0.43 * unit * np.cos(shank)
        for thigh, shank in zip(posture.thighs_rad, shanks, strict=True)
    )
    hip = np.array([0.0, 0.0, 0.08 * unit + min(drop, stance)])
    hips, knees, ankles, toes, shoulders, elbows, wrists = ([] for _ in range(7))
    for index, side in enumerate((1, -1)):
        thigh, shank = posture.thighs_rad[index], shanks[index]
        hips.append(hip + np.array([0.0, 0.095 * side * unit, 0.0]))
        knees.append(_limb(hips[-1], 0.42 * unit, thigh))
        ankles.append(_limb(knees[-1], 0.43 * unit, shank))
        toe = ankles[-1] + unit * np.array(
            [0.16 * np.cos(shank), 0.0, -0.035 + 0.16 * np.sin(shank)]
        )
        toe[2] = max(toe[2], 0.04 * unit)
        toes.append(toe)
        shoulders.append(hip + np.array([0.0, 0.225 * side * unit, 0.47 * unit]))
        arm = posture.arms_rad[index]
        elbows.append(_limb(shoulders[-1], 0.29 * unit, arm))
        wrists.append(_limb(elbows[-1], 0.3 * unit, posture.forearms_rad[index]))
    pairs = (np.array(one) for one in (hips, knees, ankles, toes, shoulders, elbows, wrists))
    return Skeleton(unit, hip, *pairs)


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
    return posed_mesh(skeleton(height_m, striding(gait_rad, swing_rad)), instance_id)


def posed_mesh(joints: Skeleton, instance_id: int = 0) -> Scene:
    """A body about its joints.

    Args:
        joints: of the body.
        instance_id: number of the object.

    Returns:
        About 600 triangles, always with the same topology.
    """
    label = Label(SemanticClass.PERSON, "skin", instance_id)
    unit = joints.unit
    parts = []
    for index in range(2):
        hip, knee, ankle = (one[index] for one in (joints.hips_m, joints.knees_m, joints.ankles_m))
        parts.append(meshes.capsule(hip, knee, 0.085 * unit, 0.06 * unit, label))
        parts.append(meshes.capsule(knee, ankle, 0.058 * unit, 0.042 * unit, label))
        toe = joints.toes_m[index]
        parts.append(meshes.capsule(ankle, toe, 0.05 * unit, 0.038 * unit, label))
    parts.extend(_upper_body(joints, label))
    return Scene.merge(parts)


def _upper_body(joints: Skeleton, label: Label) -> list[Scene]:
    unit = joints.unit
    forward, left = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    levels = np.array([-0.1, -0.02, 0.18, 0.38, 0.5, 0.55]) * unit
    depth = np.array([0.06, 0.11, 0.1, 0.12, 0.09, 0.05]) * unit
    width = np.array([0.1, 0.17, 0.15, 0.19, 0.17, 0.07]) * unit
    centres = joints.hip_m + levels[:, None] * np.array([0.0, 0.0, 1.0])
    torso = meshes.lathe(centres, np.column_stack([depth, width]), forward, left, label, 8)
    chin, crown = joints.chin_m, joints.crown_m
    parts = [torso, meshes.capsule(joints.neck_m, chin, 0.055 * unit, 0.055 * unit, label)]
    parts.append(meshes.capsule(chin, crown, 0.085 * unit, 0.095 * unit, label, 7))
    for index in range(2):
        shoulder, elbow, wrist = (
            one[index] for one in (joints.shoulders_m, joints.elbows_m, joints.wrists_m)
        )
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
