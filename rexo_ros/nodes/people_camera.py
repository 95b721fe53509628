"""The camera that people are drawn in: where it is mounted, and what its CameraInfo says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo

from rexo_ros.camera import Camera
from rexo_ros.lens import STRAIGHT, Coefficients


def mount_of(values: Mapping[str, Any]) -> Camera:
    """The camera beside the radars from the node's parameters, its image as by default.

    Raises:
        ValueError: the numbers are no rotation and translation.
    """
    rotation, translation = values["camera_rotation"], values["camera_translation_m"]
    if len(rotation) != 9 or len(translation) != 3:
        raise ValueError(f"nine and three numbers are needed, got {len(rotation)} and "
                         f"{len(translation)}")  # fmt: skip
    rows = tuple((rotation[at], rotation[at + 1], rotation[at + 2]) for at in (0, 3, 6))
    return Camera(rotation=rows, translation_m=(translation[0], translation[1], translation[2]))


def camera_of(message: CameraInfo, mount: Camera) -> tuple[Camera | None, str]:
    """The camera of a message.

    Args:
        message: of the camera's driver.
        mount: where it is.

    Returns:
        None where it is not calibrated; and what is wrong, for people, or nothing.
    """
    focal = (float(message.k[0]), float(message.k[4]))
    known = np.isfinite(message.k).all() and min(focal) > 0
    if not (known and message.width and message.height):
        return None, "camera_info is not calibrated: no boxes in its image"
    lens = lens_of(message)
    problem = (
        f"camera_info has a lens of the model {message.distortion_model!r}, which is not known: "
        "publish that of the rectified image"
    )
    camera = replace(
        mount,
        focal_px=focal,
        centre_px=(float(message.k[2]), float(message.k[5])),
        size_px=(int(message.width), int(message.height)),
        lens=STRAIGHT if lens is None else lens,
    )
    return camera, problem if lens is None else ""


def lens_of(message: CameraInfo) -> Coefficients | None:
    """What a CameraInfo says of the lens; None where it is of another model than plumb_bob."""
    if not any(message.d):
        return STRAIGHT
    if message.distortion_model != "plumb_bob" or len(message.d) != 5:
        return None
    k1, k2, p1, p2, k3 = (float(one) for one in message.d)
    return k1, k2, p1, p2, k3
