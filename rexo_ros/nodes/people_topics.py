"""What the people node publishes."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import PoseArray
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import ImageMarker, MarkerArray

from mmwave.ros import messages
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos
from rexo_ros.detections import Detections
from rexo_ros.nodes.people_markers import box_markers, image_box_marker, track_markers, track_poses
from rexo_ros.nodes.people_vision import VisionTopics
from rexo_ros.pairing import Window
from rexo_ros.space import Space
from rexo_ros.tracking import Track


class PeopleTopics:
    """The publishers of the people node, until its cleanup.

    Args:
        node: the people node.
        space: names the views.
    """

    def __init__(self, node: LifecycleNode, space: Space) -> None:
        self._frame_id = node.parameters["frame_id"]
        self._space = space
        self._boxes = node.publisher(MarkerArray, "people/boxes", reliable_qos())
        self._tracks = node.publisher(MarkerArray, "people/tracks", reliable_qos())
        self._poses = node.publisher(PoseArray, "people/poses", reliable_qos())
        self._image = node.publisher(ImageMarker, "people/image_boxes", reliable_qos())
        size_bytes = 4 * space.rows * space.columns
        self._heatmaps = {
            view: node.publisher(Image, f"people/heatmap_{view}", sensor_qos(size_bytes))
            for view in space.views
        }
        self._vision = VisionTopics(node)

    def has_listeners(self) -> bool:
        """Whether any result has a subscriber."""
        single = (self._boxes, self._tracks, self._poses, self._image, *self._heatmaps.values())
        return any(one.has_subscribers for one in single) or self._vision.has_listeners()

    def publish(
        self,
        window: Window,
        found: Detections,
        tracks: Sequence[Track],
        image_frame_id: str | None,
    ) -> None:
        """Publish everything that someone listens to.

        Args:
            window: heatmaps that it was found in.
            found: people of the frame.
            tracks: everybody who is followed.
            image_frame_id: of the camera; None: there is none.
        """
        time_ns = round(window.time_s * 1e9)
        header = messages.to_header(time_ns, self._frame_id)
        self._boxes.publish(lambda: box_markers(found, header))
        self._tracks.publish(lambda: track_markers(tracks, header))
        self._poses.publish(lambda: track_poses(tracks, self._space.floor_m, header))
        image = None if image_frame_id is None else messages.to_header(time_ns, image_frame_id)
        if image is not None and found.image_px is not None:
            boxes_px, _ = found.in_image()
            self._image.publish(lambda: image_box_marker(boxes_px, image))
        self._vision.publish(found, tracks, header, image)
        for view, power in zip(self._space.views, window.power, strict=True):
            if view not in window.missing:
                self._publish_heatmap(view, power[-1], header)

    def _publish_heatmap(self, view: str, power: NDArray[np.float32], header: Header) -> None:
        publisher = self._heatmaps[view]
        publisher.publish(lambda: messages.image(decibels(power), "32FC1", header))


def decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Powers in dB; NaN where there is none."""
    there = np.isfinite(power) & (power > 0)
    return np.where(there, 10 * np.log10(np.where(there, power, 1.0)), np.nan).astype(np.float32)
