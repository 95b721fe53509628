"""Detections as vision_msgs, where that package is installed."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from mmwave.ros.adapter import optional_module
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos
from panoradar_ros.recognition.detections import OBJECTS, Detection

PURPOSE = "detections come as markers only"


class VisionTopics:
    """Publishers of ``learned/detections_2d`` and ``learned/detections_3d``, or none.

    Args:
        node: the recognition node.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._module = optional_module(node, "vision_msgs.msg", PURPOSE)
        if self._module is None:
            self._flat = self._solid = None
            return
        flat, solid = self._module.Detection2DArray, self._module.Detection3DArray
        self._flat = node.publisher(flat, "learned/detections_2d", reliable_qos())
        self._solid = node.publisher(solid, "learned/detections_3d", reliable_qos())

    def has_listeners(self) -> bool:
        """Whether any has a subscriber."""
        return any(one is not None and one.has_subscribers for one in (self._flat, self._solid))

    def publish(
        self, detections: Sequence[Detection], markers: MarkerArray, header: Header
    ) -> None:
        """Publish what someone listens to.

        Args:
            detections: boxes on the panorama.
            markers: boxes in space of the same detections.
            header: of the turn's end.
        """
        module = self._module
        if module is None or self._flat is None or self._solid is None:
            return
        self._flat.publish(lambda: flat_detections(module, detections, header))
        self._solid.publish(lambda: solid_detections(module, detections, markers, header))


def flat_detections(module: ModuleType, detections: Sequence[Detection], header: Header) -> Any:
    """Boxes on the panorama as Detection2DArray, in pixels.

    A box across the seam has its centre beyond the last column or its edges outside of the image:
    columns go round.

    Args:
        module: ``vision_msgs.msg``.
        detections: boxes.
        header: of the turn's end.
    """
    message = module.Detection2DArray()
    message.header = header
    for detection in detections:
        one = module.Detection2D()
        one.header = header
        one.results = [_hypothesis(module, detection)]
        one.bbox.center.position.x = (detection.left + detection.right) / 2
        one.bbox.center.position.y = (detection.top + detection.bottom) / 2
        one.bbox.size_x = detection.right - detection.left
        one.bbox.size_y = detection.bottom - detection.top
        message.detections.append(one)
    return message


def solid_detections(
    module: ModuleType, detections: Sequence[Detection], markers: MarkerArray, header: Header
) -> Any:
    """Boxes in space as Detection3DArray.

    Args:
        module: ``vision_msgs.msg``.
        detections: boxes; a marker's number is the place of its detection here.
        markers: see :func:`panoradar_ros.nodes.recognition_markers.object_markers`.
        header: of the turn's end.
    """
    message = module.Detection3DArray()
    message.header = header
    for marker in markers.markers:
        if marker.action != marker.ADD:
            continue
        one = module.Detection3D()
        one.header = header
        hypothesis = _hypothesis(module, detections[marker.id])
        hypothesis.pose.pose = marker.pose
        one.results = [hypothesis]
        one.bbox.center = marker.pose
        one.bbox.size = marker.scale
        message.detections.append(one)
    return message


def _hypothesis(module: ModuleType, detection: Detection) -> Any:
    result = module.ObjectHypothesisWithPose()
    result.hypothesis.class_id = OBJECTS[detection.kind]
    result.hypothesis.score = detection.score
    return result
