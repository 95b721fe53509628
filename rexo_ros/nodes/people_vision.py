"""People as vision_msgs, where that package is installed."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from mmwave.ros.adapter import optional_module
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos
from rexo_ros.detections import Detections
from rexo_ros.nodes.people_markers import box_pose
from rexo_ros.tracking import Track

PURPOSE = "people come as markers only"


class VisionTopics:
    """Publishers of ``people/detections_3d``, ``people/tracks_3d`` and ``people/detections_2d``, or
    none.

    Args:
        node: the people node.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._module = optional_module(node, "vision_msgs.msg", PURPOSE)
        if self._module is None:
            return
        solid, flat = self._module.Detection3DArray, self._module.Detection2DArray
        self._solid = node.publisher(solid, "people/detections_3d", reliable_qos())
        self._tracks = node.publisher(solid, "people/tracks_3d", reliable_qos())
        self._flat = node.publisher(flat, "people/detections_2d", reliable_qos())

    def has_listeners(self) -> bool:
        """Whether any has a subscriber."""
        return self._module is not None and any(
            one.has_subscribers for one in (self._solid, self._tracks, self._flat)
        )

    def publish(
        self, found: Detections, tracks: Sequence[Track], header: Header, image: Header | None
    ) -> None:
        """Publish what someone listens to.

        Args:
            found: people of the frame.
            tracks: everybody who is followed.
            header: of the frame.
            image: of the camera's image; None: there is no camera.
        """
        module = self._module
        if module is None:
            return
        numbers = [""] * len(found.scores)
        self._solid.publish(
            lambda: solid_detections(module, found.boxes_m, found.scores, numbers, header)
        )
        boxes_m = np.array([track.box_m for track in tracks]).reshape(-1, 6)
        scores = np.array([track.score for track in tracks])
        names = [str(track.number) for track in tracks]
        self._tracks.publish(lambda: solid_detections(module, boxes_m, scores, names, header))
        if image is not None and found.image_px is not None:
            boxes_px, inside_scores = found.in_image()
            self._flat.publish(lambda: flat_detections(module, boxes_px, inside_scores, image))


def solid_detections(
    module: ModuleType,
    boxes_m: NDArray[np.floating],
    scores: NDArray[np.floating],
    names: Sequence[str],
    header: Header,
) -> Any:
    """Boxes in space as Detection3DArray.

    Args:
        module: ``vision_msgs.msg``.
        boxes_m: (N, 6) in the radars' axes.
        scores: (N,).
        names: of tracks; empty for a detection that is none.
        header: of the frame.
    """
    message = module.Detection3DArray()
    message.header = header
    for box_m, score, name in zip(boxes_m, scores, names, strict=True):
        one = module.Detection3D()
        one.header, one.id = header, name
        pose, size = box_pose(box_m)
        hypothesis = _hypothesis(module, float(score))
        hypothesis.pose.pose = pose
        one.results = [hypothesis]
        one.bbox.center = pose
        one.bbox.size.x, one.bbox.size.y, one.bbox.size.z = size
        message.detections.append(one)
    return message


def flat_detections(
    module: ModuleType,
    boxes_px: NDArray[np.floating],
    scores: NDArray[np.floating],
    header: Header,
) -> Any:
    """Boxes in the camera's image as Detection2DArray.

    Args:
        module: ``vision_msgs.msg``.
        boxes_px: (N, 4) left, top, right, bottom.
        scores: (N,).
        header: of the image.
    """
    message = module.Detection2DArray()
    message.header = header
    for (left, top, right, bottom), score in zip(boxes_px.tolist(), scores, strict=True):
        one = module.Detection2D()
        one.header = header
        one.results = [_hypothesis(module, float(score))]
        one.bbox.center.position.x = (left + right) / 2
        one.bbox.center.position.y = (top + bottom) / 2
        one.bbox.size_x, one.bbox.size_y = right - left, bottom - top
        message.detections.append(one)
    return message


def _hypothesis(module: ModuleType, score: float) -> Any:
    result = module.ObjectHypothesisWithPose()
    result.hypothesis.class_id = "person"
    result.hypothesis.score = score
    return result
