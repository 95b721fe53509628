"""Anomalies as vision_msgs, where that package is installed."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from mmanomaly_ros.nodes.anomaly_markers import DIAMETER_M, HEIGHT_M, VIEW_RAD, place_pose
from mmanomaly_ros.watch import is_upright, watch_id
from mmwave.ros.adapter import optional_module
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos

PURPOSE = "anomalies come as markers only"


class VisionTopics:
    """Publisher of ``anomaly/detections_3d``, or none.

    Args:
        node: the anomaly node.
        watch: names the class.
    """

    def __init__(self, node: LifecycleNode, watch: str) -> None:
        self._watch = watch
        self._module = optional_module(node, "vision_msgs.msg", PURPOSE)
        if self._module is not None:
            kind = self._module.Detection3DArray
            self._solid = node.publisher(kind, "anomaly/detections_3d", reliable_qos())

    def publish(
        self, position_m: NDArray[np.floating], confidence: NDArray[np.floating], header: Header
    ) -> None:
        """Publish what someone listens to; arguments as of :func:`detections`."""
        module = self._module
        if module is not None:
            self._solid.publish(
                lambda: detections(module, self._watch, position_m, confidence, header)
            )


def detections(
    module: ModuleType,
    watch: str,
    position_m: NDArray[np.floating],
    confidence: NDArray[np.floating],
    header: Header,
) -> Any:
    """Places as Detection3DArray; of the height nothing is known.

    Args:
        module: ``vision_msgs.msg``.
        watch: name of the class.
        position_m: (anomaly, 2) right and depth.
        confidence: (anomaly,).
        header: stamp and the radar's frame.
    """
    message = module.Detection3DArray()
    message.header = header
    for place, sure in zip(position_m, confidence, strict=True):
        one = module.Detection3D()
        one.header = header
        result = module.ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = watch, float(sure)
        result.pose.pose = place_pose(place)
        one.results = [result]
        one.bbox.center = place_pose(place)
        one.bbox.size.x = one.bbox.size.y = DIAMETER_M
        one.bbox.size.z = HEIGHT_M
        if is_upright(watch_id(watch)):  # how far to a side is not known
            one.bbox.size.y = 2 * float(np.hypot(*place) * np.sin(VIEW_RAD))
        message.detections.append(one)
    return message
