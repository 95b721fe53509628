"""Depth crops of the learned range image, as a depth camera would publish them."""

from functools import partial

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from mmwave.ros import messages
from mmwave.ros.adapter import tf_broadcaster
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import sensor_qos
from panoradar_ros.imaging.cube import Cube
from panoradar_ros.recognition.pinhole import PinholeView, views_around

OPTICAL_XYZW = (-0.5, 0.5, -0.5, 0.5)
"""From axes with x ahead and z up to those with z ahead and x to the right (REP-103)."""


class DepthTopics:
    """Publishers of depth image and CameraInfo of every view; frames of the views on /tf_static.

    A view is stamped with the time at which the boresight passed its middle: the robot moves on
    while the turntable turns, and what lies in the middle was seen from where it was then.

    Args:
        node: the recognition node; its parameters say how many views.
    """

    def __init__(self, node: LifecycleNode) -> None:
        values = node.parameters
        self._views = views_around(
            values["depth_views"], float(np.deg2rad(values["depth_field_of_view_deg"]))
        )
        base = values["frame_id"]
        self._frames = [f"{base}_depth_{number}" for number in range(len(self._views))]
        self._images, self._infos = [], []
        for number in range(len(self._views)):
            self._images.append(
                node.publisher(Image, f"learned/depth_{number}/image", sensor_qos(50_000))
            )
            self._infos.append(
                node.publisher(CameraInfo, f"learned/depth_{number}/camera_info", sensor_qos(500))
            )
        if self._views:
            now = messages.to_header(node.get_clock().now().nanoseconds, base)
            # kept: a broadcaster's transforms last as long as it does
            self._broadcaster = tf_broadcaster(node, static=True)
            self._broadcaster.sendTransform(
                [
                    view_transform(now, frame, view)
                    for frame, view in zip(self._frames, self._views, strict=True)
                ]
            )

    def has_listeners(self) -> bool:
        """Whether any view has a subscriber."""
        return any(one.has_subscribers for one in (*self._images, *self._infos))

    def publish(self, cube: Cube, range_m: NDArray[np.floating]) -> None:
        """Publish the views that someone looks at.

        Args:
            cube: times of the rays.
            range_m: (row, column) learned.
        """
        ways = zip(self._views, self._frames, self._images, self._infos, strict=True)
        for view, frame, image, info in ways:
            seen_s = float(cube.ray_s[view.column(range_m.shape[1])])
            header = messages.to_header(cube.start_ns + round(seen_s * 1e9), frame)
            image.publish(partial(depth_image, header, view, range_m))
            info.publish(partial(camera_info, header, view))


def depth_image(header: Header, view: PinholeView, range_m: NDArray[np.floating]) -> Image:
    """What the view sees, 32FC1 in metres."""
    return messages.image(view.depth_m(range_m), "32FC1", header)


def camera_info(header: Header, view: PinholeView) -> CameraInfo:
    """The view's camera: no distortion, square pixels."""
    message = CameraInfo()
    message.header = header
    message.width, message.height = view.width, view.height
    message.distortion_model = "plumb_bob"
    message.d = [0.0] * 5
    focal_px, (column, row) = view.focal_px, view.centre_px
    message.k = [focal_px, 0.0, column, 0.0, focal_px, row, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [focal_px, 0.0, column, 0.0, 0.0, focal_px, row, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def view_transform(header: Header, frame_id: str, view: PinholeView) -> TransformStamped:
    """Pose of a view's optical frame in the radar's."""
    message = messages.transform(header, frame_id, (0.0, 0.0, 0.0), 0.0)
    turned = Rotation.from_euler("z", view.azimuth_rad) * Rotation.from_quat(OPTICAL_XYZW)
    rotation = message.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = map(float, turned.as_quat())
    return message
