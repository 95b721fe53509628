"""A camera's topics, handed to a watch."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sensor_msgs.msg import CameraInfo, Image

from mmanomaly_ros.live import LiveWatch
from mmanomaly_ros.nodes.camera_messages import calibrated, colour_of, depth_of
from mmanomaly_ros.nodes.camera_pose import CameraPose
from mmwave.ros.messages import to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import sensor_qos

BEST_EFFORT = sensor_qos(0, depth=10)
"""It takes reliable and best-effort topics."""


class CameraTopics:
    """Takes colour images, depth images registered to them, and their calibration.

    Args:
        node: whose subscriptions they are, until it is deactivated.
        live: the watch.
        pose: where the camera is.
        rectified: images are, by the projection matrix of their calibration.
    """

    def __init__(
        self, node: LifecycleNode, live: LiveWatch, pose: CameraPose, rectified: bool
    ) -> None:
        self._live, self._pose, self._rectified = live, pose, rectified
        self._frame_ids: dict[str, str] = {}
        colour, depth = (
            partial(self._image, "colour", colour_of),
            partial(self._image, "depth", depth_of),
        )
        node.subscriber(Image, "camera/color/image_raw", colour, BEST_EFFORT)
        node.subscriber(Image, "camera/depth/image_rect_raw", depth, BEST_EFFORT)
        node.subscriber(CameraInfo, "camera/camera_info", self._info, BEST_EFFORT)

    @property
    def frame_id(self) -> str:
        """Of the colour images; empty before one has come."""
        return self._frame_ids.get("colour", "")

    def _image(self, kind: str, decode: Callable[[Any], Any], message: Any) -> None:
        self._frame_ids[kind] = message.header.frame_id
        stamp_s = to_time_ns(message.header.stamp) * 1e-9
        self._live.add_image(kind, partial(decode, message), stamp_s, time.monotonic())

    def _info(self, message: Any) -> None:
        self._frame_ids["camera_info"] = message.header.frame_id
        try:
            self._refuse_other_frames()
            mounted = self._pose(message.header.frame_id)
            self._live.set_camera(calibrated(message, mounted, self._rectified))
        except ValueError as error:
            self._live.set_camera(None, str(error))

    def _refuse_other_frames(self) -> None:
        """Depth of the same size is not yet depth of the same pixels."""
        if len(set(self._frame_ids.values())) > 1:
            told = ", ".join(f"{kind} {one!r}" for kind, one in sorted(self._frame_ids.items()))
            raise ValueError(
                f"images are of several frames ({told}): give depth that is registered to the "
                "colours (of a RealSense aligned_depth_to_color/image_raw), and the colours' "
                "camera_info"
            )
