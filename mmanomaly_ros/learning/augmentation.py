"""Scenes as they might have been as well: mirrored, darker, with holes, with a camera moved."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import Context, context_of
from mmanomaly_ros.learning.samples import SceneFrame, SceneSet
from mmanomaly_ros.watch import is_upright
from mmwave.camera import Camera

_Number = TypeVar("_Number", bound=np.generic)

_BRIGHTNESS = 0.12
_CONTRAST = 0.25
_TINT = 0.04
_MOST_NOISE = 0.03
_HOLES = 4
_MOST_HOLE_PX = 24
_ACROSS = 1
"""Of a polar map: where points are across the radar's line."""
_LATERAL_CHANNELS = (0, 1)
"""Of a spectrum: those whose columns are lateral sines."""


@dataclass(frozen=True)
class Misalignment:
    """How far the camera may be from where it is thought to be, along and about each axis."""

    most_m: float
    most_deg: float

    def draw(self, camera: Camera, generator: np.random.Generator) -> Camera:
        """A camera that is moved at random."""
        if not (self.most_m or self.most_deg):
            return camera
        metres = generator.uniform(-self.most_m, self.most_m, 3)
        angles = np.deg2rad(generator.uniform(-self.most_deg, self.most_deg, 3))
        return camera.moved(metres.tolist(), angles.tolist())


def clean_context(frame: SceneFrame, samples: SceneSet, flipped: bool = False) -> Context:
    """What the networks are told of a frame as it is.

    Args:
        frame: of the samples.
        samples: whose camera and radar it is of.
        flipped: right for left.
    """
    context = context_of(frame.rgb, frame.depth_m, samples.camera, frame.task, samples.range_bin_m)
    return flipped_context(context) if flipped else context


def changed_context(
    frame: SceneFrame,
    samples: SceneSet,
    misalignment: Misalignment,
    flipped: bool,
    generator: np.random.Generator,
) -> Context:
    """What they might be told, had light, sensor and calibration been a little different.

    Args:
        frame: of the samples.
        samples: whose camera and radar it is of.
        misalignment: of the camera.
        flipped: right for left.
        generator: of all that is random.
    """
    camera = misalignment.draw(samples.camera, generator)
    rgb = changed_colours(frame.rgb, generator)
    depth_m = with_holes(frame.depth_m, generator)
    context = context_of(rgb, depth_m, camera, frame.task, samples.range_bin_m)
    return flipped_context(context) if flipped else context


def changed_colours(rgb: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Another light, white balance and noise."""
    contrast = 1 + generator.uniform(-_CONTRAST, _CONTRAST)
    offset = generator.uniform(-_BRIGHTNESS, _BRIGHTNESS) + generator.uniform(-_TINT, _TINT, 3)
    noise = generator.standard_normal(rgb.shape, np.float32)
    noise *= np.float32(generator.uniform(0, _MOST_NOISE))
    colours = (rgb.astype(np.float32) / 255 - 0.5) * np.float32(contrast)
    colours += offset.astype(np.float32) + noise
    return (np.clip(colours + 0.5, 0, 1) * 255).astype(np.uint8)


def with_holes(depth_m: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """A few rectangles without depth."""
    depth = depth_m.copy()
    for _ in range(generator.integers(_HOLES + 1)):
        height, width = generator.integers(2, _MOST_HOLE_PX, 2)
        row, column = (generator.integers(size) for size in depth.shape)
        depth[row : row + height, column : column + width] = np.nan
    return depth


def symmetric(camera: Camera) -> bool:
    """Whether a mirrored scene is one that the same camera could see: it is in the middle over the
    radar, and looks where that looks.
    """
    mirrored = np.diag([-1.0, 1.0, 1.0])
    rotation = np.asarray(camera.rotation)
    centred = abs(camera.centre_px[0] - (camera.size_px[0] - 1) / 2) < 0.5
    straight = np.allclose(mirrored @ rotation @ mirrored, rotation, atol=1e-6)
    return bool(centred and straight and abs(camera.position_m[0]) < 1e-6)


def flipped_context(context: Context) -> Context:
    """Right for left."""
    image = np.ascontiguousarray(context.image[..., ::-1])
    if is_upright(context.watch):
        polar = context.polar.copy()
        polar[_ACROSS] *= -1
        return Context(image, polar, context.watch)
    return Context(image, np.ascontiguousarray(context.polar[..., ::-1]), context.watch)


def flipped_spectrum(spectrum: NDArray[_Number], watch: int) -> NDArray[_Number]:
    """(..., channel, range, column) right for left; speeds stay what they are, and so does all that
    an upright line of antennas sees.
    """
    flipped = spectrum.copy()
    if is_upright(watch):
        return flipped
    for channel in _LATERAL_CHANNELS:
        flipped[..., channel, :, :] = spectrum[..., channel, :, ::-1]
    return flipped
