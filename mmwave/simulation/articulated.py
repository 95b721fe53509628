"""The body of :mod:`mmwave.simulation.people` moved bone by bone: it leans, tips over, lies.

:func:`mmwave.simulation.people.posed_mesh` lays every capsule anew, and the corners of a capsule
leap round its axis where its frame changes. Here the corners of the standing body are carried by
its bones, so that they move without a leap in every motion that has none.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipk, ellipkinc

from mmwave.simulation.people import Posture, Skeleton, posed_mesh, skeleton, striding
from mmwave.simulation.scene import Scene

STANDING = striding(0.0, 0.0)
"""Upright, arms hanging."""

SEAT_M = 0.45
"""Height of a chair's seat."""

GRAVITY_MPS2 = 9.81

PARTS = ("head", "torso", "arms", "hands", "legs", "feet")
"""What the numbers of :func:`body_parts` stand for; the neck is the head's."""

PLACES = ("chest", "belly", "left_hip", "right_hip")
"""Where an object can be worn."""

WORN_GAP_M = 0.015
"""Between the body's surface and the middle of what is worn on it."""

_LIMB = (22, 40)  # vertices and faces of a capsule of five sides
_TORSO, _HEAD = (50, 96), (30, 56)
_LEG = ("legs", "legs", "feet")
_BONES = (*_LEG, *_LEG, "torso", "head", "head", "arms", "arms", "arms", "arms")
_SIZES = (*(_LIMB,) * 6, _TORSO, _LIMB, _HEAD, *(_LIMB,) * 4)
_UPPER = 6  # bones from here on lean with the torso
_HAND_FACES = np.r_[10:15, 25:30, 35:40]  # last band and last fan of a forearm
_TORSO_RINGS, _TORSO_SIDES = 6, 8

_TORSO_LEVELS = np.array([-0.02, 0.18, 0.38])  # rings of the torso between which things are worn
_TORSO_DEPTHS = np.array([0.11, 0.1, 0.12])
_TORSO_WIDTHS = np.array([0.17, 0.15, 0.19])
_BELLY_LEVEL = 0.08
_PLACE = {  # level above the hip, angle from the front to the left
    "chest": (0.32, 0.0),
    "belly": (_BELLY_LEVEL, 0.0),
    "left_hip": (0.13, np.pi / 4),
    "right_hip": (0.13, -np.pi / 4),
}

_Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Stance:
    """Where a body is and how it holds itself.

    Attributes:
        x_m: of the place between its feet.
        y_m: of the same.
        yaw_rad: which way it looks.
        posture: angles of the limbs.
        bow_rad: of the torso at the hips, forward positive.
        tilt_rad: of the whole body about its feet; pi / 2 lies.
        tilt_direction_rad: in which direction it tilts; 0 forward, pi / 2 to its left.
        toes_rad: how far the toes are pointed.
        slide_m: along the body, towards the head.
        planted: feet keep their place; else the hips keep theirs (walking).
        unrest: share of the sway of somebody who stands.
    """

    x_m: float
    y_m: float
    yaw_rad: float
    posture: Posture = field(default=STANDING)
    bow_rad: float = 0.0
    tilt_rad: float = 0.0
    tilt_direction_rad: float = 0.0
    toes_rad: float = 0.0
    slide_m: float = 0.0
    planted: bool = True
    unrest: float = 1.0


@dataclass(frozen=True)
class Moved:
    """A body in a stance.

    Attributes:
        scene: its triangles, world frame; the lowest corner is on the floor.
        hip_m: (3,) between the hips.
        torso: (3, 3) rotation of the torso: columns are its front, its left, along the spine.
    """

    scene: Scene
    hip_m: _Vector
    torso: _Vector


def seated(height_m: float, seat_m: float = SEAT_M) -> Posture:
    """Posture of somebody on a chair: the torso ends at the seat, the shanks are upright."""
    unit = height_m / 1.72
    rise_m = seat_m + (0.1 - 0.08) * unit - 0.43 * unit
    thigh = float(np.arccos(np.clip(rise_m / (0.42 * unit), -0.3, 0.9)))
    return Posture((thigh, thigh), (thigh, thigh), (0.35, 0.3), (1.25, 1.3))


def between(first: Posture, second: Posture, share: float) -> Posture:
    """Posture between two, 0 the first and 1 the second."""

    def mixed(name: str) -> tuple[float, float]:
        one, other = np.array(getattr(first, name)), np.array(getattr(second, name))
        left, right = one + share * (other - one)
        return float(left), float(right)

    return Posture(
        mixed("thighs_rad"), mixed("knees_rad"), mixed("arms_rad"), mixed("forearms_rad")
    )


def body_parts() -> NDArray[np.uint8]:
    """(face,) index into :data:`PARTS` of every face, the same for every body in every stance."""
    parts = []
    for bone, (name, (_, faces)) in enumerate(zip(_BONES, _SIZES, strict=True)):
        part = np.full(faces, PARTS.index(name), np.uint8)
        if bone in (10, 12):
            part[_HAND_FACES] = PARTS.index("hands")
        parts.append(part)
    return np.concatenate(parts)


def moved_body(height_m: float, instance_id: int, stance: Stance, breath_m: float = 0.0) -> Moved:
    """The body's triangles in a stance.

    Args:
        height_m: from sole to crown, upright.
        instance_id: number of the object.
        stance: where and how it is.
        breath_m: how far the front of the torso is raised.
    """
    rest, rest_joints, bone_of, front = _rest(height_m)
    joints = skeleton(height_m, stance.posture)
    turns, starts = _bones(joints, stance)
    local = rest.vertices_m - _starts(rest_joints)[bone_of]
    local[:, 0] += breath_m * front
    vertices = np.einsum("vij,vj->vi", turns[bone_of], local) + starts[bone_of]
    shift = np.array([0.0, 0.0, stance.slide_m])
    if stance.planted:
        shift[0] = np.mean(rest_joints.ankles_m[:, 0]) - np.mean(joints.ankles_m[:, 0])
    tilt = _tilt(stance.tilt_rad, stance.tilt_direction_rad)
    vertices = (vertices + shift) @ tilt.T
    lift = np.array([0.0, 0.0, -vertices[:, 2].min()])
    turn = _about_z(stance.yaw_rad)
    place = np.array([stance.x_m, stance.y_m, 0.0])
    vertices = (vertices + lift) @ turn.T + place
    hip_m = turn @ (tilt @ (joints.hip_m + shift) + lift) + place
    ids = np.full(len(rest.faces), instance_id, np.int32)
    scene = Scene(vertices, rest.faces, rest.class_id, ids, rest.material_id)
    return Moved(scene, hip_m, turn @ tilt @ _about_y(-stance.bow_rad))


def worn_place(place: str, height_m: float, breath_m: float = 0.0) -> tuple[_Vector, _Vector]:
    """Where something is worn, from the hip in the torso's axes.

    Args:
        place: one of :data:`PLACES`.
        height_m: of the body.
        breath_m: how far the front of the torso is raised.

    Returns:
        Position (3,) on the surface, and rotation (3, 3) whose columns are the outward normal,
        the left of somebody who looks along it, and up.

    Raises:
        ValueError: no such place.
    """
    if place not in _PLACE:
        raise ValueError(f"place must be one of {PLACES}, got {place!r}")
    level, angle = _PLACE[place]
    depth = float(np.interp(level, _TORSO_LEVELS, _TORSO_DEPTHS))
    width = float(np.interp(level, _TORSO_LEVELS, _TORSO_WIDTHS))
    unit = height_m / 1.72
    position = unit * np.array([depth * np.cos(angle), width * np.sin(angle), level])
    position[0] += breath_m * np.cos(angle)
    normal_rad = np.arctan2(depth * np.sin(angle), width * np.cos(angle))
    return position, _about_z(float(normal_rad))


def fallen_rad(time_s: float, length_m: float, lean_rad: float) -> float:
    """Lean of a uniform rod that tips over about its lower end, at rest at the first.

    The equation is ``lean'' = (3 g / 2 L) sin(lean)``, that of a physical pendulum near its upper
    rest; its solution is ``cos(lean / 2) = k cd(t sqrt(3 g / 2 L), k)`` with ``k = cos(first / 2)``
    (Abramowitz and Stegun, 16.1 and 17.1).

    Args:
        time_s: since the rest, not negative.
        length_m: of the rod.
        lean_rad: at the rest, from upright.
    """
    modulus = np.cos(lean_rad / 2)
    _, cn, dn, _ = ellipj(time_s * _rate(length_m), modulus**2)
    return float(2 * np.arccos(np.clip(modulus * cn / dn, -1.0, 1.0)))


def fall_time_s(angle_rad: float, length_m: float, lean_rad: float) -> float:
    """When the rod of :func:`fallen_rad` passes a lean between ``lean_rad`` and pi."""
    modulus = np.cos(lean_rad / 2)
    amplitude = np.arcsin(np.clip(np.cos(angle_rad / 2) / modulus, -1.0, 1.0))
    quarter = ellipk(modulus**2) - ellipkinc(amplitude, modulus**2)
    return float(quarter / _rate(length_m))


def _rate(length_m: float) -> float:
    return float(np.sqrt(3 * GRAVITY_MPS2 / (2 * length_m)))


@lru_cache(maxsize=64)
def _rest(height_m: float) -> tuple[Scene, Skeleton, NDArray[np.int64], _Vector]:
    """Standing body, its joints, bone of every corner, how far breath raises every corner."""
    joints = skeleton(height_m, STANDING)
    scene = posed_mesh(joints)
    vertices = [count for count, _ in _SIZES]
    bone_of = np.repeat(np.arange(len(_SIZES)), vertices)
    angle = 2 * np.pi * np.arange(_TORSO_SIDES) / _TORSO_SIDES
    rings = np.zeros((_TORSO_RINGS, _TORSO_SIDES))
    rings[1:-1] = np.maximum(np.cos(angle), 0.0)
    front = np.zeros(len(bone_of))
    torso = sum(vertices[:_UPPER])
    front[torso : torso + rings.size] = rings.ravel()
    return scene, joints, bone_of, front


def _starts(joints: Skeleton) -> _Vector:
    """(bone, 3) where every bone begins."""
    legs = [np.stack([joints.hips_m[i], joints.knees_m[i], joints.ankles_m[i]]) for i in (0, 1)]
    arms = [np.stack([joints.shoulders_m[i], joints.elbows_m[i]]) for i in (0, 1)]
    return np.vstack([*legs, joints.hip_m, joints.hip_m, joints.hip_m, *arms])


def _bones(joints: Skeleton, stance: Stance) -> tuple[_Vector, _Vector]:
    """(bone, 3, 3) rotations from the standing body and (bone, 3) where every bone begins."""
    posture, rest = stance.posture, STANDING
    angles = []
    for side in (0, 1):
        thigh = posture.thighs_rad[side] - rest.thighs_rad[side]
        shank = thigh - posture.knees_rad[side] + rest.knees_rad[side]
        foot = joints.toes_m[side] - joints.ankles_m[side]
        still = _rest_foot(joints.unit)
        pointed = np.arctan2(foot[2], foot[0]) - np.arctan2(still[2], still[0])
        angles += [thigh, shank, pointed - stance.toes_rad]
    angles += [0.0, 0.0, 0.0]
    for side in (0, 1):
        angles.append(posture.arms_rad[side] - rest.arms_rad[side])
        angles.append(posture.forearms_rad[side] - rest.forearms_rad[side])
    turns = np.stack([_about_y(float(angle)) for angle in angles])
    starts = _starts(joints)
    bow = _about_y(-stance.bow_rad)
    turns[_UPPER:] = bow @ turns[_UPPER:]
    starts[_UPPER:] = (starts[_UPPER:] - joints.hip_m) @ bow.T + joints.hip_m
    return turns, starts


@lru_cache(maxsize=64)
def _rest_foot(unit: float) -> _Vector:
    joints = skeleton(1.72 * unit, STANDING)
    return joints.toes_m[0] - joints.ankles_m[0]


def _about_y(angle_rad: float) -> _Vector:
    """Rotation that swings what hangs forward (and so bows what stands backward)."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])


def _about_z(angle_rad: float) -> _Vector:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _tilt(angle_rad: float, direction_rad: float) -> _Vector:
    """Rotation that brings what is upright down in a horizontal direction."""
    turn = _about_z(direction_rad)
    return turn @ _about_y(-angle_rad) @ turn.T
