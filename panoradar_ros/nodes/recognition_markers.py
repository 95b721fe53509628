"""People and objects of a panorama as poses and markers."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Pose, PoseArray
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from mmwave.ros.messages import yaw_to_quaternion
from panoradar_ros.imaging.cube import Cube
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.points import points_from_range
from panoradar_ros.recognition.detections import OBJECTS, Detection, extent_m
from panoradar_ros.recognition.semantics import Person

COLOURS = ((0.9, 0.2, 0.2), (0.95, 0.6, 0.15))
"""Of a person and of another object, rgb."""

OPACITY = 0.5
THICKNESS_M = 0.3


def people_poses(cube: Cube, people: Sequence[Person], header: Header) -> PoseArray:
    """Where people stand, moved to the end of the turn; poses look back at the robot."""
    columns = cube.power.shape[1]
    message = PoseArray()
    message.header = header
    for person in people:
        column = round(-person.azimuth_rad / (2 * np.pi) * columns) % columns
        x_m, y_m, yaw_rad = map(float, cube.ray_poses[column])
        pose = Pose()
        direction = person.azimuth_rad + yaw_rad
        pose.position.x = x_m + person.range_m * float(np.cos(direction))
        pose.position.y = y_m + person.range_m * float(np.sin(direction))
        pose.orientation = yaw_to_quaternion(float(direction + np.pi))
        message.poses.append(pose)
    return message


def object_markers(
    cube: Cube, range_m: NDArray[np.floating], detections: Sequence[Detection], header: Header
) -> MarkerArray:
    """Boxes in space around the near pixels of the detections, after one that deletes the last.

    Args:
        cube: where the robot was at every ray.
        range_m: (row, column) learned.
        detections: boxes on the panorama.
        header: of the turn's end.
    """
    clear = Marker()
    clear.header = header
    clear.action = Marker.DELETEALL
    message = MarkerArray()
    message.markers.append(clear)
    rows, columns = range_m.shape
    points_m = points_from_range(
        range_m.astype(np.float32),
        PanoramaGrid(columns, rows),
        np.asarray(cube.ray_poses, np.float64),
    )
    for number, one in enumerate(detections):
        extent = extent_m(one, range_m, points_m)
        if extent is not None:
            message.markers.append(_box(number, one, extent, header))
    return message


def _box(number: int, detection: Detection, extent: NDArray[np.float64], header: Header) -> Marker:
    low, high = extent
    size = np.maximum(high - low, THICKNESS_M)
    marker = Marker()
    marker.header = header
    marker.ns, marker.id = OBJECTS[detection.kind], number
    marker.type, marker.action = Marker.CUBE, Marker.ADD
    middle = (low + high) / 2
    position, scale, colour = marker.pose.position, marker.scale, marker.color
    position.x, position.y, position.z = map(float, middle)
    marker.pose.orientation.w = 1.0
    scale.x, scale.y, scale.z = map(float, size)
    colour.r, colour.g, colour.b = COLOURS[detection.kind]
    colour.a = OPACITY * max(0.2, detection.score)
    marker.lifetime.sec = 1
    return marker
