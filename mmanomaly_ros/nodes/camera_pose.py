"""Where the camera is in the radar's axes: by parameters, or by transforms of a distribution."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rclpy.time import Time
from scipy.spatial.transform import Rotation

from mmwave.camera import Camera
from mmwave.ros.adapter import optional_module
from mmwave.ros.node import LifecycleNode

TO_RADAR_AXES = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""From x ahead, y to the left, z up (REP 103) to right, up, depth."""


class CameraPose:
    """Tells the camera's place, as the node's parameter ``extrinsics`` says.

    Args:
        node: the anomaly node.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._frame_id = node.parameters["frame_id"]
        self._mounted = mounted_camera(node.parameters.values())
        self._buffer: Any = None
        self._tf: Any = None
        if node.parameters["extrinsics"] == "tf":
            self._tf = optional_module(node, "tf2_ros", "the camera's place is not known")
            if self._tf is None:
                raise ValueError(
                    "parameter extrinsics is tf, but tf2_ros is not installed: it comes with a ROS "
                    "distribution; or set it to parameters"
                )
            self._buffer = self._tf.Buffer()
            # kept: it listens as long as it lives
            self._listener = self._tf.TransformListener(self._buffer, node)

    def __call__(self, camera_frame_id: str) -> Camera:
        """A camera whose rotation and translation are known.

        Args:
            camera_frame_id: its optical frame.

        Raises:
            ValueError: there is no transform.
        """
        if self._buffer is None:
            return self._mounted
        try:
            found = self._buffer.lookup_transform(camera_frame_id, self._frame_id, Time())
        except self._tf.TransformException as error:
            raise ValueError(
                f"no transform from {self._frame_id} to {camera_frame_id}: {error}"
            ) from error
        rotation, offset = found.transform.rotation, found.transform.translation
        turn = Rotation.from_quat((rotation.x, rotation.y, rotation.z, rotation.w)).as_matrix()
        matrix = turn @ TO_RADAR_AXES.T
        return _camera(matrix.reshape(-1).tolist(), [offset.x, offset.y, offset.z])


def mounted_camera(values: Mapping[str, Any]) -> Camera:
    """The camera beside the radar from the node's parameters, its lens as by default.

    Raises:
        ValueError: the numbers are no rotation and translation.
    """
    return _camera(values["camera_rotation"], values["camera_translation_m"])


def _camera(rotation: list[float], translation_m: list[float]) -> Camera:
    if len(rotation) != 9 or len(translation_m) != 3:
        raise ValueError(
            f"nine and three numbers are needed, got {len(rotation)} and {len(translation_m)}"
        )
    if np.linalg.det(np.reshape(rotation, (3, 3))) > 0:
        raise ValueError(
            "the nine numbers turn right, up, ahead of the radar into right, down, ahead of the "
            "camera, which mirrors: their determinant is -1, not 1 as of a turn between axes "
            "that are both right-handed"
        )
    rows = tuple((rotation[at], rotation[at + 1], rotation[at + 2]) for at in (0, 3, 6))
    right, up, depth = translation_m
    return Camera(rotation=rows, translation_m=(right, up, depth))
