"""Simulated pictures of a colour and depth camera: one ray a pixel, a lamp, and noise.

Depth is along the camera's axis, as such cameras report it, and comes from a sensor with its own
light: darkness spoils the picture but not the depth. Light goes through glass, and so does depth.
The model of depth noise is that of triangulation: its deviation grows with the square of depth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import Camera
from mmwave.simulation.albedo import albedo as albedo
from mmwave.simulation.materials import MATERIAL_ID
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import Pose
from mmwave.simulation.truth import RayCaster

LAMP_M = (0.3, 1.3, 0.5)
"""Of the ceiling's lamp to the right of the radar, above it, and before it."""
AMBIENT, LAMP, HEADLIGHT = 0.35, 0.5, 0.15
"""Shares of light from everywhere, from the lamp, and from where the camera is."""
GLASS_SHARE = 0.2
"""Of a pane's own colour in what is seen through it."""
TEXTURE_SCALES_M = (0.15, 0.04)
"""Sizes of a pattern's larger and smaller spots."""
MOST_GAIN = 4.0
"""By which a camera brightens a dark picture, and its noise, at most."""
FULL_WELL = 2000.0
"""Electrons of a white pixel in full light: shot noise."""
READ_NOISE = 0.006
"""Deviation of a pixel's reading at a gain of 1, of white."""
OUTSIDE = (0.60, 0.68, 0.75)
"""Colour where nothing is."""

JUMP_M = 0.1
"""Neighbours in depth further apart than this are at an edge, if on different surfaces."""
_SAME_SURFACE_M, _SAME_SURFACE_PX = 0.03, 1.5  # as near to each other's planes: same or joined
_BLOB_PX = (1.0, 3.0)  # radii of random holes
_PATCH_PX = 3  # size of patches in which dark and shiny surfaces are missed

_Vector = NDArray[np.float64]


@dataclass(frozen=True)
class DepthNoise:
    """What a depth camera gets wrong.

    Attributes:
        quadratic_m: standard deviation of depth at 1 m; grows with the square of depth.
        step_m: depth comes in multiples of this; 0 for any value.
        edge_holes_px: pixels on each side of an edge in depth that are holes.
        hole_share: share of the picture that random round holes take.
        near_m: no depth nearer than this.
        far_m: no depth beyond this.
        grazing_rad: surfaces seen further off their normal than this give none.
        dark_below: surfaces whose mean colour is below this return little.
        dark_chance: share of such surfaces that is missed.
        shiny_chance: share of metal that is missed.
        least_light: light that depth needs: with a share of it, that share of depth is left. 0 for
            a sensor with its own light.

    Raises:
        ValueError: a negative value, a share above 1, or near_m not below far_m.
    """

    quadratic_m: float = 0.0015
    step_m: float = 0.001
    edge_holes_px: int = 1
    hole_share: float = 0.01
    near_m: float = 0.3
    far_m: float = 6.0
    grazing_rad: float = float(np.deg2rad(80.0))
    dark_below: float = 0.06
    dark_chance: float = 0.3
    shiny_chance: float = 0.25
    least_light: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        for name in ("hole_share", "dark_chance", "shiny_chance"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be at most 1, got {getattr(self, name)}")
        if self.near_m >= self.far_m:
            raise ValueError(f"near_m {self.near_m} must be below far_m {self.far_m}")


NO_DEPTH_NOISE = DepthNoise(
    quadratic_m=0.0,
    step_m=0.0,
    edge_holes_px=0,
    hole_share=0.0,
    near_m=0.0,
    far_m=float("inf"),
    grazing_rad=np.pi,
    dark_chance=0.0,
    shiny_chance=0.0,
)
"""Depth as it is."""


@dataclass(frozen=True)
class RgbdImage:
    """A picture and its depth, pixel by pixel.

    Attributes:
        rgb: (row, column, 3) uint8.
        depth_m: (row, column) float32 along the camera's axis, NaN where there is none.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]


@dataclass(frozen=True)
class _Surfaces:
    """What rays meet; ``n`` rays.

    Attributes:
        face: (n,) index, -1 for none.
        depth_m: (n,) along the camera's axis, inf for none.
        point_m: (n, 3) world, not finite for none.
        normal: (n, 3) towards the camera.
        towards: (n,) cosine between normal and the way to the camera.
    """

    face: NDArray[np.int64]
    depth_m: _Vector
    point_m: _Vector
    normal: _Vector
    towards: _Vector


def render(
    scene: Scene,
    camera: Camera,
    pose: Pose,
    height_m: float,
    face_colour: NDArray[np.floating],
    generator: np.random.Generator,
    *,
    light: float = 1.0,
    noise: DepthNoise | None = None,
    texture: NDArray[np.floating] | None = None,
    reference_m: NDArray[np.float64] | None = None,
    lamp_m: tuple[float, float, float] = LAMP_M,
    caster: RayCaster | None = None,
) -> RgbdImage:
    """Picture and depth of a scene.

    Args:
        scene: the triangles, everyone who is there among them.
        camera: in the axes of the radar.
        pose: of the radar, world frame.
        height_m: of the radar.
        face_colour: (face, 3) 0..1.
        generator: of all noise.
        light: 1 is a lit room, 0.02 a dark one.
        noise: of depth; None is that of :class:`DepthNoise`.
        texture: (face,) contrast of the pattern on each face; None has none.
        reference_m: (vertex, 3) where the scene's vertices were when patterns were put on them, so
            that clothes keep theirs as people move; None is where they are.
        lamp_m: to the right of the radar, above it, and before it; it throws no shadows.
        caster: of this scene, where one was built already.

    Returns:
        The image, of the camera's size.

    Raises:
        ValueError: colours, textures or references do not fit the scene, or light is negative.
    """
    _check(scene, face_colour, texture, reference_m, light)
    caster = caster or RayCaster(scene)
    noise = noise or DepthNoise()
    axes = _radar_axes(pose)
    centre = np.array([float(pose.x_m), float(pose.y_m), height_m])
    start = centre + camera.position_m @ axes
    rays = camera.rays().reshape(-1, 3) @ axes
    lamp = centre + np.asarray(lamp_m) @ axes
    paint = _Paint(scene, face_colour, texture, reference_m, lamp)

    first = _cast(caster, start, rays, through_glass=False)
    colour, bare = paint.colours(first)
    panes = np.flatnonzero(caster.face_is_glass[first.face] & (first.face >= 0))
    if len(panes):
        behind = _cast(caster, start, rays[panes], through_glass=True)
        seen, bare[panes] = paint.colours(behind)
        colour[panes] = GLASS_SHARE * colour[panes] + (1 - GLASS_SHARE) * seen
        for name, values in vars(first).items():
            values[panes] = getattr(behind, name)
    columns, rows = camera.size_px
    rgb = _exposed(colour, light, generator).reshape(rows, columns, 3)
    depth = _measured(scene, camera, first, bare, light, noise, generator)
    return RgbdImage(rgb, depth)


def _check(
    scene: Scene,
    face_colour: NDArray[np.floating],
    texture: NDArray[np.floating] | None,
    reference_m: NDArray[np.float64] | None,
    light: float,
) -> None:
    faces = len(scene.faces)
    if face_colour.shape != (faces, 3):
        raise ValueError(f"face_colour must be ({faces}, 3), got {face_colour.shape}")
    if texture is not None and texture.shape != (faces,):
        raise ValueError(f"texture must be ({faces},), got {texture.shape}")
    if reference_m is not None and reference_m.shape != scene.vertices_m.shape:
        raise ValueError(f"reference_m must be {scene.vertices_m.shape}, got {reference_m.shape}")
    if light < 0:
        raise ValueError(f"light must not be negative, got {light}")


def _radar_axes(pose: Pose) -> _Vector:
    """(3, 3) rows right, up and depth of the radar in the world."""
    cosine, sine = np.cos(float(pose.yaw_rad)), np.sin(float(pose.yaw_rad))
    return np.array([[sine, -cosine, 0.0], [0.0, 0.0, 1.0], [cosine, sine, 0.0]])


def _cast(caster: RayCaster, start: _Vector, rays: _Vector, *, through_glass: bool) -> _Surfaces:
    length = np.linalg.norm(rays, axis=1)
    unit = rays / length[:, None]
    distance, face = caster.first_hit(start, unit, through_glass=through_glass)
    normal = caster.face_normal[face]
    towards = -np.einsum("nc,nc->n", normal, unit)
    normal = np.where(towards[:, None] < 0, -normal, normal)
    reach = np.where(face >= 0, distance, np.nan)
    return _Surfaces(
        face,
        distance / length,
        start + reach[:, None] * unit,
        normal,
        np.abs(towards),
    )


class _Paint:
    """Colours of points on a scene's surfaces, without and with light on them."""

    def __init__(
        self,
        scene: Scene,
        face_colour: NDArray[np.floating],
        texture: NDArray[np.floating] | None,
        reference_m: NDArray[np.float64] | None,
        lamp: _Vector,
    ) -> None:
        self._scene, self._colour, self._texture = scene, face_colour, texture
        self._reference_m, self._lamp = reference_m, lamp

    def colours(self, seen: _Surfaces) -> tuple[_Vector, _Vector]:
        """(n, 3) as lit, and (n, 3) of the surface itself; 0..1."""
        hit = seen.face >= 0
        bare = np.where(hit[:, None], self._colour[seen.face], OUTSIDE)
        if self._texture is not None:
            self._add_pattern(bare, seen, self._texture)
        way = self._lamp - np.where(hit[:, None], seen.point_m, 0.0)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        lamp = np.maximum(np.einsum("nc,nc->n", way, seen.normal), 0.0)
        shade = np.where(hit, AMBIENT + LAMP * lamp + HEADLIGHT * seen.towards, 1.0)
        return bare * shade[:, None], bare

    def _add_pattern(self, bare: _Vector, seen: _Surfaces, texture: NDArray[np.floating]) -> None:
        some = np.flatnonzero((seen.face >= 0) & (texture[seen.face] > 0))
        face, point = seen.face[some], seen.point_m[some]
        if self._reference_m is not None:
            corners = self._scene.vertices_m[self._scene.faces[face]]
            weight = _barycentric(corners, point)
            point = np.einsum("nk,nkc->nc", weight, self._reference_m[self._scene.faces[face]])
        pattern = np.mean([_spots(point, scale) for scale in TEXTURE_SCALES_M], axis=0)
        bare[some] = np.clip(bare[some] * (1 + texture[face] * pattern)[:, None], 0.0, 1.0)


def _barycentric(corners_m: _Vector, point_m: _Vector) -> _Vector:
    """(n, 3) weights of the corners (n, 3, 3) of triangles at points in their planes."""
    first, second = corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0]
    normal = np.cross(first, second)
    square = np.maximum(np.einsum("nc,nc->n", normal, normal), 1e-300)
    off = point_m - corners_m[:, 0]
    one = np.einsum("nc,nc->n", np.cross(off, second), normal) / square
    two = np.einsum("nc,nc->n", np.cross(first, off), normal) / square
    return np.column_stack([1 - one - two, one, two])


def _spots(point_m: _Vector, scale_m: float) -> _Vector:
    """(n,) -1..1: random values at the corners of cubes, smooth between."""
    place = point_m / scale_m
    low = np.floor(place)
    share = place - low
    share *= share * (3 - 2 * share)
    # 32 bits wrap around on purpose
    cell = low.astype(np.int64).astype(np.uint32)
    value = np.zeros(len(place))
    near = [[cell[:, k] * prime, (cell[:, k] + np.uint32(1)) * prime]
            for k, prime in enumerate(_PRIMES)]  # fmt: skip
    weight = [[1 - share[:, k], share[:, k]] for k in range(3)]
    for a, b, c in np.ndindex(2, 2, 2):
        mixed = _mixed(near[0][a] ^ near[1][b] ^ near[2][c])
        value += weight[0][a] * weight[1][b] * weight[2][c] * mixed
    return value * 2 - 1


_PRIMES = tuple(np.uint32(prime) for prime in (73856093, 19349663, 83492791))
"""Of the spatial hash of Teschner et al. 2003, section 3."""


def _mixed(key: NDArray[np.uint32]) -> _Vector:
    """(n,) 0..1 from whole numbers, every bit of which counts."""
    key = (key ^ (key >> np.uint32(16))) * np.uint32(0x9E3779B1)
    key = (key ^ (key >> np.uint32(15))) * np.uint32(0x85EBCA77)
    return np.asarray((key ^ (key >> np.uint32(16))) / float(2**32), np.float64)


def _exposed(colour: _Vector, light: float, generator: np.random.Generator) -> NDArray[np.uint8]:
    """(n, 3) what the sensor reads: the less light, the more gain and noise."""
    gain = min(max(light, 1e-6) ** -0.5, MOST_GAIN)
    fallen = light * np.clip(colour, 0.0, 1.0)
    deviation = np.sqrt(fallen / FULL_WELL + READ_NOISE**2)
    value = gain * (fallen + deviation * generator.standard_normal(colour.shape))
    return np.asarray(np.clip(np.rint(value * 255), 0, 255), np.uint8)


def _measured(
    scene: Scene,
    camera: Camera,
    seen: _Surfaces,
    bare: _Vector,
    light: float,
    noise: DepthNoise,
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """(row, column) depth with noise and holes."""
    shape = camera.size_px[::-1]
    hit = seen.face >= 0
    true = np.where(hit, seen.depth_m, np.nan)
    value = true + noise.quadratic_m * true**2 * generator.standard_normal(len(true))
    if noise.step_m:
        value = np.rint(value / noise.step_m) * noise.step_m
    chance = np.where(bare.mean(axis=1) < noise.dark_below, noise.dark_chance, 0.0)
    metal = hit & (scene.material_id[seen.face] == MATERIAL_ID["metal"])
    chance = np.maximum(chance, np.where(metal, noise.shiny_chance, 0.0))
    if light < noise.least_light:
        chance = 1 - (1 - chance) * light / noise.least_light
    hole = ~hit | (value < noise.near_m) | (value > noise.far_m)
    hole |= seen.towards < np.cos(noise.grazing_rad)
    hole |= _patches(shape, generator).ravel() < chance
    hole |= _blobs(shape, noise.hole_share, generator).ravel()
    hole |= _near_edges(seen, camera, noise.edge_holes_px).ravel()
    return np.where(hole, np.nan, value).astype(np.float32).reshape(shape)


def _patches(shape: tuple[int, int], generator: np.random.Generator) -> _Vector:
    """(row, column) uniform random numbers that are the same within a patch."""
    rows, columns = (-(-size // _PATCH_PX) for size in shape)
    coarse = generator.random((rows, columns))
    fine = coarse.repeat(_PATCH_PX, axis=0).repeat(_PATCH_PX, axis=1)
    return fine[: shape[0], : shape[1]]


def _blobs(
    shape: tuple[int, int], share: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """(row, column) discs that take about a share of the picture."""
    low, high = _BLOB_PX
    disc_px = np.pi * (high**3 - low**3) / (3 * (high - low))
    # discs overlap: of independent ones exp(-count * area) is left free
    expected = -np.log1p(-min(share, 0.999)) * shape[0] * shape[1] / disc_px
    count = generator.poisson(expected)
    row, column = generator.random((2, count)) * np.array(shape)[:, None]
    radius = generator.uniform(low, high, count)
    hole = np.zeros(shape, np.bool_)
    for r, c, size in zip(row, column, radius, strict=True):
        top, left = max(int(r - size), 0), max(int(c - size), 0)
        part = hole[top : int(r + size) + 2, left : int(c + size) + 2]
        rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
        part |= (rows + top - r) ** 2 + (columns + left - c) ** 2 < size**2
    return hole


def _near_edges(seen: _Surfaces, camera: Camera, reach_px: int) -> NDArray[np.bool_]:
    """(row, column) within so many pixels of a jump in depth from one surface to another."""
    shape = camera.size_px[::-1]
    hole = np.zeros(shape, np.bool_)
    if not reach_px:
        return hole
    depth = seen.depth_m.reshape(shape)
    point, normal = seen.point_m.reshape(*shape, 3), seen.normal.reshape(*shape, 3)
    for axis in (0, 1):
        size = shape[axis]
        one = (slice(None),) * axis + (slice(0, size - 1),)
        two = (slice(None),) * axis + (slice(1, size),)
        way = point[two] - point[one]
        with np.errstate(invalid="ignore"):  # beyond everything: inf - inf
            jump = np.abs(depth[two] - depth[one]) > JUMP_M
        # a floor seen at a low angle, and a wall on it, are far apart from row to row without edge
        pixel = np.minimum(depth[one], depth[two]) / min(camera.focal_px)
        near = np.maximum(_SAME_SURFACE_M, _SAME_SURFACE_PX * pixel)
        for side in (one, two):
            off = np.abs(np.einsum("rca,rca->rc", way, normal[side]))
            jump &= ~(off < near)
        hole[one] |= jump
        hole[two] |= jump
    for _ in range(reach_px - 1):
        hole = _grown(hole)
    return hole


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask and its four neighbours."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
