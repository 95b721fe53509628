"""What the camera says of a scene, as the networks take it: an image, and a map in radar cells.

The image is the camera's view. The map holds the same points where the radar sees them: drawn with
the extrinsics into the grid of range and lateral sine of the spectra, so that what a surface looks
like and what it returns lie in the same cell.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS, is_upright, watch_one_hot
from mmwave.camera import Camera

COLUMNS, ROWS = 128, 96
"""Of the image that the networks see; larger ones are made smaller."""
IMAGE_CHANNELS = ("red", "green", "blue", "inverse_depth", "valid")
POLAR_CHANNELS = ("count", "across", "red", "green", "blue", "nearest")

MOST_HOLES = 0.5
LEAST_LUMINANCE = 14.0
"""Mean of an image's luminance (0 to 255) below which it is too dark to tell cloth from wall."""
LEAST_CONTRAST = 1.0
"""Standard deviation of luminance below which the lens is covered or the image is no image."""

_ELSEWHERE = ((0.5, 0.5), (0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25))
"""Where in a pixel of the smaller depth image a value is taken: the middle, then around a hole."""


@dataclass(frozen=True)
class Context:
    """What the networks are told of a scene.

    Attributes:
        image: float32 (5, 96, 128) by IMAGE_CHANNELS: red, green and blue from -0.5 to 0.5, inverse
            depth in 1/m (0 at holes), and 1 where there is a depth.
        polar: float32 (6, 128, 64) by POLAR_CHANNELS, see :func:`polar_map`.
        watch: number of the watch.

    Raises:
        ValueError: a shape is another, or the watch is none.
    """

    image: NDArray[np.float32]
    polar: NDArray[np.float32]
    watch: int

    def __post_init__(self) -> None:
        image = (len(IMAGE_CHANNELS), ROWS, COLUMNS)
        polar = (len(POLAR_CHANNELS), RANGES, ANGLES)
        if self.image.shape != image or self.polar.shape != polar:
            raise ValueError(
                f"image and polar must be {image} and {polar}, got {self.image.shape} and "
                f"{self.polar.shape}"
            )
        if not 0 <= self.watch < len(TASKS):
            raise ValueError(f"watch must be from 0 to {len(TASKS) - 1}, got {self.watch}")

    def as_inputs(self) -> dict[str, NDArray[np.float32]]:
        """Inputs of the context network, with a batch of one."""
        return {
            "image": self.image[None].astype(np.float32),
            "polar": self.polar[None].astype(np.float32),
            "watch": watch_one_hot(self.watch)[None],
        }


def context_of(
    rgb: NDArray[np.uint8],
    depth_m: NDArray[np.floating],
    camera: Camera,
    watch: int,
    range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
) -> Context:
    """What the networks are told, of one image and its depth.

    Args:
        rgb: (row, column, 3), of the camera's size, which is at least 128 x 96.
        depth_m: (row, column), registered to it; what is not positive and finite is a hole.
        camera: calibrated, in the radar's axes.
        watch: number of the watch.
        range_bin_m: of the radar.

    Raises:
        ValueError: shapes do not belong together, or the image is smaller than the networks'.
    """
    rgb, depth_m, camera = shrunk(rgb, depth_m, camera)
    colours = rgb.astype(np.float32) / 255
    valid = ~np.isnan(depth_m)
    inverse = np.where(valid, 1 / np.where(valid, depth_m, 1), 0)
    image = np.concatenate([colours.transpose(2, 0, 1) - 0.5, inverse[None], valid[None]])
    points = camera.back_projected_m(depth_m)[valid]
    polar = polar_map(points, colours[valid], range_bin_m, is_upright(watch))
    return Context(image.astype(np.float32), polar, watch)


def farthest_surface_m(context: Context) -> float:
    """How far ahead the farthest surface is, but for a twentieth of the pixels: before a wall, the
    wall; 0 where nothing has a depth.
    """
    inverse, valid = (
        context.image[IMAGE_CHANNELS.index(one)] for one in ("inverse_depth", "valid")
    )
    there = inverse[valid > 0]
    return float(1 / np.quantile(there, 0.05)) if there.size else 0.0


def shrunk(
    rgb: NDArray[np.uint8], depth_m: NDArray[np.floating], camera: Camera
) -> tuple[NDArray[np.uint8], NDArray[np.float32], Camera]:
    """Image, depth and camera in the networks' size; holes of the depth are NaN.

    Colours are averaged. Depths are picked, for the mean over an edge is a place where nothing is:
    of each new pixel the middle, or around it where that is a hole.

    Raises:
        ValueError: see :func:`context_of`.
    """
    size = camera.size_px
    if rgb.shape != (size[1], size[0], 3) or depth_m.shape != rgb.shape[:2]:
        raise ValueError(
            f"rgb and depth_m must be of the camera's {size[0]} x {size[1]} pixels, got "
            f"{rgb.shape} and {depth_m.shape}"
        )
    if rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8, got {rgb.dtype}")
    if size[0] < COLUMNS or size[1] < ROWS:
        raise ValueError(f"images must have at least {COLUMNS} x {ROWS} pixels, got {size}")
    depth = np.asarray(depth_m, np.float32)
    if size != (COLUMNS, ROWS):
        rgb = np.asarray(cv2.resize(rgb, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.uint8)
        depth = _picked(depth)
    return rgb, np.where(_there(depth), depth, np.nan), camera.resized(COLUMNS, ROWS)


def _there(depth_m: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.isfinite(depth_m) & (depth_m > 0)


def _picked(depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(ROWS, COLUMNS) depths out of a larger image."""
    result = np.full((ROWS, COLUMNS), np.nan, np.float32)
    for down, across in _ELSEWHERE:
        rows = ((np.arange(ROWS) + down) * depth_m.shape[0] / ROWS).astype(int)
        columns = ((np.arange(COLUMNS) + across) * depth_m.shape[1] / COLUMNS).astype(int)
        values = depth_m[np.ix_(rows, columns)]
        result = np.where(np.isnan(result) & _there(values), values, result)
    return result


def polar_map(
    points_m: NDArray[np.floating],
    colours: NDArray[np.floating],
    range_bin_m: float,
    upright: bool = False,
) -> NDArray[np.float32]:
    """Points drawn into the radar's grid of range and sine along its line of antennas.

    Args:
        points_m: (n, 3) right, up, depth in the radar's axes.
        colours: (n, 3) red, green, blue from 0 to 1.
        range_bin_m: of the radar.
        upright: its line is upright, not level.

    Returns:
        (6, 128, 64) by POLAR_CHANNELS: log(1 + count), mean place across the line (height over the
        radar in metres, or to the right of an upright one), mean colour less 0.5, and 1 in the
        first occupied range bin of every column. All are 0 where no point is.

    Raises:
        ValueError: shapes do not belong together, or the range bin is not positive.
    """
    if points_m.ndim != 2 or points_m.shape[1] != 3 or colours.shape != points_m.shape:
        raise ValueError(
            f"points_m and colours must be (n, 3), got {points_m.shape} and {colours.shape}"
        )
    if not range_bin_m > 0:
        raise ValueError(f"range_bin_m must be positive, got {range_bin_m}")
    range_m = np.sqrt(np.einsum("ij,ij->i", points_m, points_m))
    along, across = (1, 0) if upright else (0, 1)
    sine = points_m[:, along] / np.maximum(range_m, 1e-9)
    # holes are NaN and have no cell: they must be sorted out before they are made integers
    seen = (points_m[:, 2] > 0) & (range_m < (RANGES - 0.5) * range_bin_m)
    row = np.rint(range_m[seen] / range_bin_m).astype(np.int64)
    column = np.rint((sine[seen] + 1) / 2 * (ANGLES - 1)).astype(np.int64)
    cell = row * ANGLES + column
    count = np.bincount(cell, minlength=RANGES * ANGLES)
    values = np.column_stack([points_m[seen, across], colours[seen] - 0.5])
    result = np.zeros((len(POLAR_CHANNELS), RANGES * ANGLES), np.float32)
    result[0] = np.log1p(count)
    for channel, value in enumerate(values.T, start=1):
        result[channel] = np.bincount(cell, value, RANGES * ANGLES) / np.maximum(count, 1)
    occupied = (count > 0).reshape(RANGES, ANGLES)
    result[5] = np.ravel(occupied & (np.cumsum(occupied, axis=0) == 1))
    return result.reshape(-1, RANGES, ANGLES)


def check_image(rgb: NDArray[np.uint8] | None, depth_m: NDArray[np.floating] | None) -> str:
    """What is wrong with an image and its depth, or "" if nothing is.

    Conditions of the world are told, not raised: no image, no depth, mostly holes, darkness, a
    covered lens.

    Args:
        rgb: (row, column, 3), or None where none came.
        depth_m: (row, column) likewise; what is not positive and finite is a hole.

    Raises:
        ValueError: shapes or types are none of an image and its depth.
    """
    if rgb is None:
        return "no image"
    if depth_m is None:
        return "no depth image"
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
        raise ValueError(f"rgb must be uint8 (row, column, 3), got {rgb.dtype} {rgb.shape}")
    if depth_m.shape != rgb.shape[:2]:
        raise ValueError(f"depth_m must be {rgb.shape[:2]}, got {depth_m.shape}")
    holes = 1 - float(np.count_nonzero(_there(depth_m))) / depth_m.size
    if holes == 1:
        return "the depth image is nothing but holes"
    if holes > MOST_HOLES:
        return f"{holes:.0%} of the depth image are holes, at most {MOST_HOLES:.0%} may be"
    luminance = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    mean, deviation = (float(one.item()) for one in cv2.meanStdDev(luminance))
    if mean < LEAST_LUMINANCE:
        return f"too dark: mean luminance {mean:.0f}, at least {LEAST_LUMINANCE:.0f} is needed"
    if deviation < LEAST_CONTRAST:
        return f"no contrast ({deviation:.1f} of 255): is the lens covered?"
    return ""
