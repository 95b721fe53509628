"""Images and calibration of an RGB-D camera as arrays, and back."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from mmwave.camera import Camera

COLOURS: dict[str, tuple[int, tuple[int, int, int]]] = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
}
"""Bytes of a pixel, and which of them are red, green and blue."""

DEPTHS: dict[str, tuple[str, float]] = {
    "32FC1": ("f4", 1.0),
    "16UC1": ("u2", 1e-3),
    "mono16": ("u2", 1e-3),
}
"""Type of a pixel and its unit in metres (REP-118)."""


def colour_of(message: Any) -> NDArray[np.uint8]:
    """(row, column, 3) red, green, blue of an Image.

    Raises:
        ValueError: the encoding is none of COLOURS, or the data do not fit the size.
    """
    if message.encoding not in COLOURS:
        raise ValueError(f"colour images must be {', '.join(COLOURS)}, got {message.encoding!r}")
    size, order = COLOURS[message.encoding]
    lines = _lines(message, size)
    pixels = lines[:, : message.width * size].reshape(message.height, message.width, size)
    return np.ascontiguousarray(pixels[..., list(order)])


def depth_of(message: Any) -> NDArray[np.float32]:
    """(row, column) metres of an Image; NaN where nothing was measured.

    Raises:
        ValueError: the encoding is none of DEPTHS, or the data do not fit the size.
    """
    if message.encoding not in DEPTHS:
        raise ValueError(f"depth images must be {', '.join(DEPTHS)}, got {message.encoding!r}")
    kind, unit_m = DEPTHS[message.encoding]
    stored = np.dtype((">" if message.is_bigendian else "<") + kind)
    lines = _lines(message, stored.itemsize)[:, : message.width * stored.itemsize]
    depth_m = np.ascontiguousarray(lines).view(stored).astype(np.float32) * np.float32(unit_m)
    # REP-117: infinities are too near or too far to be known
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    return depth_m


def _lines(message: Any, pixel_bytes: int) -> NDArray[np.uint8]:
    """(row, byte) of an image, padding included."""
    data = np.frombuffer(message.data, np.uint8)
    step, rows = int(message.step), int(message.height)
    if rows < 1 or message.width < 1 or step < message.width * pixel_bytes:
        raise ValueError(
            f"an image of {message.width} x {rows} pixels of {pixel_bytes} bytes cannot have lines "
            f"of {step} bytes"
        )
    if len(data) != rows * step:
        raise ValueError(f"the image has {len(data)} bytes, {rows} lines of {step} are expected")
    return data.reshape(rows, step)


def calibrated(message: Any, mounted: Camera, rectified: bool = False) -> Camera:
    """The camera of a CameraInfo, placed like another.

    Args:
        message: of images without lens distortion.
        mounted: gives rotation and translation.
        rectified: images were rectified: the projection matrix P tells of them, and K and the
            distortion of the lens that they were taken with.

    Raises:
        ValueError: it is not calibrated, or tells of lens distortion, which is not modelled.
    """
    matrix = np.reshape(message.p, (3, 4)) if rectified else np.reshape(message.k, (3, 3))
    focal = (float(matrix[0, 0]), float(matrix[1, 1]))
    if min(focal) <= 0 or not (message.width and message.height):
        raise ValueError("camera_info is not calibrated: calibrate the camera")
    if any(message.d) and not rectified:
        raise ValueError(
            "camera_info has lens distortion, which is not modelled: give the topics of rectified "
            "images and set the parameter rectified"
        )
    return replace(
        mounted,
        focal_px=focal,
        centre_px=(float(matrix[0, 2]), float(matrix[1, 2])),
        size_px=(int(message.width), int(message.height)),
    )


def camera_info(camera: Camera, header: Header) -> CameraInfo:
    """Calibration of a camera without lens distortion."""
    message = CameraInfo()
    message.header = header
    message.width, message.height = camera.size_px
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    message.distortion_model, message.d = "plumb_bob", [0.0] * 5
    message.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
