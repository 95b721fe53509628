"""Hidden objects as flat facets, by physical optics.

A facet lit from the direction u sends back sqrt(sigma) = sqrt(4 pi) / lambda * |Gamma| times the
integral of (n.u) exp(2 j k r.u) over it (Knott, Shaeffer and Tuley, Radar Cross Section, chapter
5; k = 2 pi / lambda), for a rectangle with edges a, b::

    sqrt(sigma) = sqrt(4 pi) A cos / lambda |Gamma| sinc(k a.u) sinc(k b.u),   sinc x = sin(x) / x

Facets are small, so that each is in its own far field, and add up coherently at their own
distances: near the object as well as far from it. A real object is less smooth than that; what
its details send back can be added at random (``detail_db``). Edges are not diffracted, facets do
not shadow one another, and what a ceramic lets through is lost.

The object's own frame: x along the longest side, y up, z out of the front.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmwave.simulation.fmcw import POINT, Scatterers

LONGEST_SIDE_M = 0.012
"""No facet made here is longer."""
SAGITTA_M = 8.0e-5
"""How far a facet may leave the curve it stands for: wavelength / 48."""
METAL = 1.0
ALUMINA_PERMITTIVITY = 9.5
CERAMIC = float((np.sqrt(ALUMINA_PERMITTIVITY) - 1) / (np.sqrt(ALUMINA_PERMITTIVITY) + 1))
"""Amplitude reflected by the front of a thick piece of alumina, 0.51."""
PLASTIC = 0.25
"""The same of a plastic handle (permittivity 2.8)."""
FACE_PHASE_RAD = np.pi / 2
"""Phase of a facet seen head on: pi of the reflection, as of a mirror in
:mod:`mmwave.simulation.fmcw`, less the pi/2 by which a surface's sum is ahead of its elements
(Born and Wolf, section 8.2): the facets of a large plate add up to the mirror."""


@dataclass(frozen=True)
class Facets:
    """Flat rectangles, each seen from one side only.

    Attributes:
        centre_m: (facet, 3).
        normal: (facet, 3) unit vectors, out of the object.
        side_a: (facet, 3) one edge as a vector, in metres.
        side_b: (facet, 3) the other, at a right angle to it.
        reflection: (facet,) amplitude reflected, 0..1.

    Raises:
        ValueError: shapes disagree, sides and normal are not at right angles, or a reflection is
            out of range.
    """

    centre_m: NDArray[np.float64]
    normal: NDArray[np.float64]
    side_a: NDArray[np.float64]
    side_b: NDArray[np.float64]
    reflection: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.centre_m)
        for name in ("centre_m", "normal", "side_a", "side_b", "reflection"):
            found, shape = getattr(self, name).shape, (count, 3)
            if found != (shape if name != "reflection" else shape[:1]):
                raise ValueError(f"{name} must hold {count} facets, got the shape {found}")
        length_a = np.linalg.norm(self.side_a, axis=1)
        length_b = np.linalg.norm(self.side_b, axis=1)
        crossed = np.cross(self.side_a, self.side_b) - (length_a * length_b)[:, None] * self.normal
        error = np.abs(crossed).max(axis=1, initial=0) - 1e-6 * length_a * length_b
        if np.any(error > 0):
            raise ValueError(
                "side_a, side_b and normal must be a right-handed rectangular frame; "
                f"facet {int(np.argmax(error))} is not"
            )
        if np.any(self.reflection < 0) or np.any(self.reflection > 1):
            raise ValueError(
                f"reflection must be in 0..1, got {self.reflection.min()}..{self.reflection.max()}"
            )

    def __len__(self) -> int:
        return len(self.centre_m)

    @property
    def area_m2(self) -> NDArray[np.float64]:
        """Area of every facet, (facet,)."""
        return np.linalg.norm(self.side_a, axis=1) * np.linalg.norm(self.side_b, axis=1)

    @staticmethod
    def join(*parts: "Facets") -> "Facets":
        """Concatenate, in order."""
        return Facets(
            np.concatenate([part.centre_m for part in parts]),
            np.concatenate([part.normal for part in parts]),
            np.concatenate([part.side_a for part in parts]),
            np.concatenate([part.side_b for part in parts]),
            np.concatenate([part.reflection for part in parts]),
        )


def split(facets: Facets, across_a: int, across_b: int) -> Facets:
    """Every facet cut into ``across_a`` times ``across_b`` equal ones."""
    steps_a = (np.arange(across_a) + 0.5) / across_a - 0.5
    steps_b = (np.arange(across_b) + 0.5) / across_b - 0.5
    shift_a, shift_b = (grid.ravel() for grid in np.meshgrid(steps_a, steps_b))
    centre = (
        facets.centre_m[:, None]
        + shift_a[:, None] * facets.side_a[:, None]
        + shift_b[:, None] * facets.side_b[:, None]
    )
    pieces = across_a * across_b
    return Facets(
        centre.reshape(-1, 3),
        np.repeat(facets.normal, pieces, axis=0),
        np.repeat(facets.side_a / across_a, pieces, axis=0),
        np.repeat(facets.side_b / across_b, pieces, axis=0),
        np.repeat(facets.reflection, pieces),
    )


def _rectangle(
    centre_m: ArrayLike, side_a: ArrayLike, side_b: ArrayLike, reflection: float
) -> Facets:
    """One rectangle in facets of at most :data:`LONGEST_SIDE_M`; normal a x b."""
    a, b = np.asarray(side_a, np.float64), np.asarray(side_b, np.float64)
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if not (length_a > 0 and length_b > 0):
        raise ValueError(f"sides must be longer than 0 m, got {length_a} and {length_b}")
    normal = np.cross(a, b) / (length_a * length_b)
    whole = Facets(
        np.asarray(centre_m, np.float64)[None],
        normal[None],
        a[None],
        b[None],
        np.array([reflection], np.float64),
    )
    counts = [int(np.ceil(length / LONGEST_SIDE_M - 1e-9)) for length in (length_a, length_b)]
    return split(whole, *counts)


def posed(facets: Facets, position_m: ArrayLike, rotation: ArrayLike) -> Facets:
    """Facets turned by ``rotation`` (3, 3) about their frame's origin, then put at ``position_m``.

    Raises:
        ValueError: the matrix is not a rotation.
    """
    turn = np.asarray(rotation, np.float64)
    if turn.shape != (3, 3) or not (
        np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) and np.linalg.det(turn) > 0
    ):
        raise ValueError(f"rotation must be a (3, 3) rotation matrix, got {turn.tolist()}")
    return Facets(
        facets.centre_m @ turn.T + np.asarray(position_m, np.float64),
        facets.normal @ turn.T,
        facets.side_a @ turn.T,
        facets.side_b @ turn.T,
        facets.reflection,
    )


def root_cross_section(
    facets: Facets, radar_m: ArrayLike, wavelength_m: float, detail_db: float = -np.inf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What every facet sends back to the radar, as of points at the facets' centres.

    Args:
        facets: in the radar's frame.
        radar_m: (3,) where the radar is.
        wavelength_m: of the middle of the sweep.
        detail_db: backscatter coefficient (cross-section per area, at normal incidence, cosine
            squared off it) of what the flat facets leave out: screws, cavities, serrations. Its
            phase is the facet's own and stays. Without it the object is ideally smooth and nearly
            invisible away from its glints.

    Returns:
        strength: (facet,) square root of the radar cross-section in metres, 0 where a facet looks
            away.
        phase_rad: (facet,) reflection phase, to be added to 4 pi d / lambda.
    """
    if not wavelength_m > 0:
        raise ValueError(f"wavelength_m must be positive, got {wavelength_m}")
    offset = np.asarray(radar_m, np.float64) - facets.centre_m
    towards = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    cosine = np.maximum(np.sum(facets.normal * towards, axis=1), 0)
    # np.sinc(x) is sin(pi x) / (pi x), and k = 2 pi / lambda
    pattern = np.ones(len(facets))
    for side in (facets.side_a, facets.side_b):
        pattern *= np.sinc(2 / wavelength_m * np.sum(side * towards, axis=1))
    smooth = np.sqrt(4 * np.pi) / wavelength_m * facets.area_m2 * pattern
    phasor = smooth * np.exp(1j * FACE_PHASE_RAD) + _detail(facets, detail_db)
    return np.abs(phasor) * cosine * facets.reflection, np.angle(phasor)


def _detail(facets: Facets, detail_db: float) -> NDArray[np.complex128]:
    """What facets of random phase, always the same, send back head on: (facet,)."""
    turns = np.random.default_rng(0).random(len(facets))
    return np.sqrt(10 ** (detail_db / 10) * facets.area_m2) * np.exp(2j * np.pi * turns)


def scatterers(
    facets: Facets,
    radar_m: ArrayLike,
    wavelength_m: float,
    velocity_mps: ArrayLike = (0.0, 0.0, 0.0),
    gain: float = 1.0,
    detail_db: float = -np.inf,
) -> Scatterers:
    """The facets that face the radar, as points of the simulator.

    Args:
        facets: in the world.
        radar_m: (3,) the antenna array's centre.
        wavelength_m: of the middle of the sweep.
        velocity_mps: (3,) of the whole object.
        gain: amplitude factor of what is in between (clothes, a wall), both ways.
        detail_db: see :func:`root_cross_section`.
    """
    strength, phase_rad = root_cross_section(facets, radar_m, wavelength_m, detail_db)
    seen = strength > 0
    count = int(seen.sum())
    return Scatterers(
        facets.centre_m[seen],
        np.tile(np.asarray(velocity_mps, np.float64), (count, 1)),
        np.repeat(gain * strength[seen, None], 2, axis=1).astype(np.float32),
        phase_rad[seen],
        np.full(count, POINT, np.uint8),
        np.zeros((count, 3)),
    )


def plate(width_m: float, height_m: float, reflection: float = METAL) -> Facets:
    """A sheet that faces z, reflecting on both sides."""
    back = _rectangle((0, 0, 0), (-width_m, 0, 0), (0, height_m, 0), reflection)
    return Facets.join(_rectangle((0, 0, 0), (width_m, 0, 0), (0, height_m, 0), reflection), back)


def box(size_m: tuple[float, float, float], reflection: float = METAL) -> Facets:
    """A box with sharp edges, sides along x, y, z."""
    parts = []
    for axis in range(3):
        a, b = np.roll(np.eye(3), axis, axis=1)[1:] * np.asarray(size_m)
        out = np.eye(3)[axis] * size_m[axis] / 2
        parts += [_rectangle(out, a, b, reflection), _rectangle(-out, b, a, reflection)]
    return Facets.join(*parts)


def _bend(radius_m: float, angle_rad: float) -> int:
    """In how many flats an arc is cut so that none leaves it by more than SAGITTA_M."""
    return int(np.ceil(angle_rad * np.sqrt(radius_m / (8 * SAGITTA_M))))


def _arc(
    middle_yz: tuple[float, float], radius_m: float, start_rad: float, angle_rad: float,
    length_m: float, reflection: float,
) -> Facets:  # fmt: skip
    """Part of a cylinder along x: strips that touch the circle, from y towards z."""
    flats = _bend(radius_m, angle_rad)
    chord_m = radius_m * angle_rad / flats
    strips = []
    for middle in start_rad + angle_rad * (np.arange(flats) + 0.5) / flats:
        out = np.array([0, np.cos(middle), np.sin(middle)])
        along = np.array([0, -np.sin(middle), np.cos(middle)])
        centre = np.array([0, *middle_yz]) + radius_m * out
        strips.append(_rectangle(centre, along * chord_m, (length_m, 0, 0), reflection))
    return Facets.join(*strips)


def cylinder(radius_m: float, length_m: float, reflection: float = METAL) -> Facets:
    """A round bar along x without its ends (a pipe seen from the side)."""
    return _arc((0, 0), radius_m, 0.0, 2 * np.pi, length_m, reflection)


def bar(
    size_m: tuple[float, float, float],
    rounding_m: float,
    reflection: float = METAL,
    ends: tuple[bool, bool] = (True, True),
) -> Facets:
    """A bar along x whose long edges are rounded; its ends are plates without the corners.

    Args:
        size_m: length along x, height along y, depth along z.
        rounding_m: radius of the edges.
        reflection: amplitude.
        ends: whether the ends at -x and +x are closed.

    Raises:
        ValueError: the edges are rounder than the bar is thick.
    """
    length, height, depth = size_m
    if not 0 < 2 * rounding_m < min(height, depth):
        raise ValueError(f"rounding_m must be in 0..{min(height, depth) / 2} m, got {rounding_m}")
    y, z = height / 2 - rounding_m, depth / 2 - rounding_m
    parts = [
        _rectangle((0, 0, depth / 2), (length, 0, 0), (0, 2 * y, 0), reflection),
        _rectangle((0, 0, -depth / 2), (0, 2 * y, 0), (length, 0, 0), reflection),
        _rectangle((0, height / 2, 0), (0, 0, 2 * z), (length, 0, 0), reflection),
        _rectangle((0, -height / 2, 0), (length, 0, 0), (0, 0, 2 * z), reflection),
    ]
    for quarter, corner in enumerate(((y, z), (-y, z), (-y, -z), (y, -z))):
        start = quarter * np.pi / 2
        parts.append(_arc(corner, rounding_m, start, np.pi / 2, length, reflection))
    if ends[0]:
        parts.append(_rectangle((-length / 2, 0, 0), (0, 0, 2 * z), (0, 2 * y, 0), reflection))
    if ends[1]:
        parts.append(_rectangle((length / 2, 0, 0), (0, 2 * y, 0), (0, 0, 2 * z), reflection))
    return Facets.join(*parts)


def _tilt(angle_rad: float) -> NDArray[np.float64]:
    """Rotation about z."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def pistol(reflection: float = METAL) -> Facets:
    """An L of a barrel and a raked grip with rounded edges, about 18 x 13 x 3 cm."""
    barrel = bar((0.18, 0.036, 0.03), 0.006, reflection)
    grip = bar((0.10, 0.045, 0.028), 0.009, reflection, ends=(True, False))
    rake = np.deg2rad(75.0)
    return Facets.join(
        posed(barrel, (0, 0.045, 0), np.eye(3)),
        posed(grip, (-0.065, -0.023, 0), _tilt(rake)),
    )


def knife(reflection: float = METAL) -> Facets:
    """A blade of 18 x 3 cm, ground to an edge at 6 degrees on both sides, and a plastic handle."""
    handle = bar((0.11, 0.025, 0.016), 0.006, PLASTIC)
    length, spine, bevel, half = 0.18, 0.018, 0.012, 0.0012
    slope = np.arcsin(half / bevel)
    parts = [posed(handle, (-0.055, 0, 0), np.eye(3))]
    for side in (1, -1):
        flat = (0, spine, 0)
        along = (side * length, 0, 0)
        parts.append(_rectangle((length / 2, 0.005, side * half), along, flat, reflection))
        edge = bevel * np.array([0, np.cos(slope), side * np.sin(slope)])
        middle = np.array([length / 2, 0.005 - spine / 2, side * half]) - edge / 2
        parts.append(_rectangle(middle, along, edge, reflection))
    top = (length / 2, 0.005 + spine / 2, 0)
    parts.append(_rectangle(top, (0, 0, 2 * half), (length, 0, 0), reflection))
    return Facets.join(*parts)


OBJECTS: dict[str, Callable[[], Facets]] = {
    "pistol": pistol,
    "knife": knife,
    "plate": partial(plate, 0.15, 0.08),
    "pipe": partial(cylinder, 0.015, 0.20),
    "box": partial(box, (0.12, 0.08, 0.03)),
    "ceramic_plate": partial(plate, 0.15, 0.08, CERAMIC),
    "ceramic_knife": partial(knife, CERAMIC),
}
"""Hidden objects by name, in their own frames."""
