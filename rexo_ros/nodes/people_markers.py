"""People as markers and poses, in axes as REP 103 has them: x ahead, y to the left, z up."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseArray
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import ImageMarker, Marker, MarkerArray

from mmwave.ros.messages import yaw_to_quaternion
from rexo_ros.detections import Detections
from rexo_ros.space import DEPTH, HORIZONTAL, VERTICAL
from rexo_ros.tracking import Track

BOX_COLOUR, OPACITY = (0.9, 0.3, 0.3), 0.4
TEXT_M = 0.25
WALKING_MPS = 0.2
"""Slower than this somebody looks back at the radars in their pose: there is no heading."""

COLOURS = (
    (0.90, 0.30, 0.30), (0.25, 0.60, 0.95), (0.35, 0.75, 0.35), (0.95, 0.70, 0.20),
    (0.70, 0.45, 0.85), (0.30, 0.75, 0.75),
)  # fmt: skip
"""Of tracks by their number, round and round."""


def box_markers(found: Detections, header: Header) -> MarkerArray:
    """Boxes of one frame, after one marker that deletes the last."""
    message = _cleared(header)
    for number, (box_m, score) in enumerate(zip(found.boxes_m, found.scores, strict=True)):
        marker = _cube("detection", number, box_m, header)
        marker.color.r, marker.color.g, marker.color.b = BOX_COLOUR
        marker.color.a = OPACITY * max(0.2, float(score))
        message.markers.append(marker)
    return message


def track_markers(tracks: Sequence[Track], header: Header) -> MarkerArray:
    """Everybody who is followed: a box and a number above it, under ids that stay."""
    message = _cleared(header)
    for track in tracks:
        box_m = track.box_m
        cube = _cube("person", track.number, box_m, header)
        colour = COLOURS[track.number % len(COLOURS)]
        cube.color.r, cube.color.g, cube.color.b = colour
        cube.color.a = OPACITY
        text = _cube("name", track.number, box_m, header)
        text.type, text.text = Marker.TEXT_VIEW_FACING, str(track.number)
        text.pose.position.z += float(box_m[3 + VERTICAL]) / 2 + TEXT_M
        text.scale.x, text.scale.y, text.scale.z = 0.0, 0.0, TEXT_M
        text.color.r, text.color.g, text.color.b, text.color.a = 1.0, 1.0, 1.0, 1.0
        message.markers += [cube, text]
    return message


def track_poses(tracks: Sequence[Track], floor_m: float, header: Header) -> PoseArray:
    """Where everybody stands on the floor, and which way they go."""
    message = PoseArray()
    message.header = header
    for track in tracks:
        pose = Pose()
        right_m, _, ahead_m = track.box_m[:3]
        pose.position.x, pose.position.y = float(ahead_m), -float(right_m)
        pose.position.z = floor_m
        right_mps, _, ahead_mps = track.velocity_mps
        walks = np.hypot(right_mps, ahead_mps) > WALKING_MPS
        heading = np.arctan2(-right_mps, ahead_mps) if walks else np.arctan2(right_m, -ahead_m)
        pose.orientation = yaw_to_quaternion(float(heading))
        message.poses.append(pose)
    return message


def image_box_marker(boxes_px: NDArray[np.floating], header: Header) -> ImageMarker:
    """Boxes in the camera's image, as lines."""
    marker = ImageMarker()
    marker.header = header
    marker.ns, marker.id = "people", 0
    marker.type, marker.action = ImageMarker.LINE_LIST, ImageMarker.ADD
    marker.scale = 2.0
    red, green, blue = BOX_COLOUR
    marker.outline_color.r, marker.outline_color.g, marker.outline_color.b = red, green, blue
    marker.outline_color.a = 1.0
    for left, top, right, bottom in boxes_px.tolist():
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        for number, (x, y) in enumerate(corners):
            to_x, to_y = corners[(number + 1) % 4]
            marker.points += [Point(x=x, y=y), Point(x=to_x, y=to_y)]
    return marker


def box_pose(box_m: NDArray[np.floating]) -> tuple[Pose, tuple[float, float, float]]:
    """Middle of a box, and its sizes along x, y and z."""
    pose = Pose()
    pose.position.x = float(box_m[DEPTH])
    pose.position.y = -float(box_m[HORIZONTAL])
    pose.position.z = float(box_m[VERTICAL])
    pose.orientation.w = 1.0
    return pose, (
        float(box_m[3 + DEPTH]),
        float(box_m[3 + HORIZONTAL]),
        float(box_m[3 + VERTICAL]),
    )


def _cleared(header: Header) -> MarkerArray:
    clear = Marker()
    clear.header = header
    clear.action = Marker.DELETEALL
    message = MarkerArray()
    message.markers.append(clear)
    return message


def _cube(namespace: str, number: int, box_m: NDArray[np.floating], header: Header) -> Marker:
    marker = Marker()
    marker.header = header
    marker.ns, marker.id = namespace, number
    marker.type, marker.action = Marker.CUBE, Marker.ADD
    marker.pose, size = box_pose(box_m)
    marker.scale.x, marker.scale.y, marker.scale.z = size
    marker.lifetime.sec = 1
    return marker
