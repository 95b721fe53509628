"""A power cube as a message and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from mmwave.ros.messages import cloud_points, structured_cloud

RAY_FIELDS = ("coverage", "time_offset_s", "robot_x", "robot_y", "robot_yaw", "range_bin_m")
"""What every ray carries beside its power; see docs/ros.md."""


def power_cube(
    power: NDArray[np.float32], rays: dict[str, NDArray[np.floating]], header: Header
) -> PointCloud2:
    """The whole cube as an organised cloud: a point is a ray, its field ``power`` the range bins.

    Args:
        power: (row, column, range) float32.
        rays: (column,) of every name in RAY_FIELDS.
        header: stamp and frame.

    Raises:
        ValueError: a field is missing or has another shape.
    """
    rows, columns, bins = power.shape
    wrong = [name for name in RAY_FIELDS if name not in rays or rays[name].shape != (columns,)]
    if wrong:
        raise ValueError(f"the rays' {', '.join(wrong)} must be ({columns},)")
    layout = np.dtype(
        [("power", np.float32, (bins,)), *((name, np.float32) for name in RAY_FIELDS)]
    )
    points = np.empty((rows, columns), layout)
    points["power"] = power
    for name in RAY_FIELDS:
        points[name] = rays[name]
    return structured_cloud(points, header, is_dense=True)


def cube_arrays(message: Any) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Power (row, column, range) and the rays' fields (column,) of such a message.

    Raises:
        ValueError: the message has other fields.
    """
    points = cloud_points(message)
    names = points.dtype.names or ()
    missing = [name for name in ("power", *RAY_FIELDS) if name not in names]
    if missing or points["power"].ndim != 3:
        raise ValueError(f"this is no power cube: it lacks {', '.join(missing) or 'range bins'}")
    return points["power"], {name: points[name][0] for name in RAY_FIELDS}
