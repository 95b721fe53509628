"""Places of anomalies as markers, in axes as REP 103 has them: x ahead, y to the left, z up."""

import numpy as np
from geometry_msgs.msg import Point, Pose
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from mmanomaly_ros.floor_grid import FloorGrid

FOUND_COLOUR, TRUE_COLOUR = (0.95, 0.25, 0.2), (0.35, 0.85, 0.35)
PLACE, LABEL = "place", "confidence"
"""Namespaces of the markers."""

DIAMETER_M, HEIGHT_M = 0.3, 1.6
TEXT_M, LINE_M = 0.15, 0.06
VIEW_RAD = FloorGrid.view_rad


def place_markers(
    position_m: NDArray[np.floating],
    confidence: NDArray[np.floating],
    header: Header,
    colour: tuple[float, float, float] = FOUND_COLOUR,
    arcs: bool = False,
) -> MarkerArray:
    """Upright cylinders with a confidence above, after one marker that deletes the last.

    Args:
        position_m: (anomaly, 2) right and depth; the radar does not tell the height.
        confidence: (anomaly,) 0..1.
        header: stamp and the radar's frame.
        colour: red, green, blue.
        arcs: the radar tells ranges alone (its line of antennas is upright): arcs about it instead
            of cylinders.
    """
    clear = Marker()
    clear.header = header
    clear.action = Marker.DELETEALL
    message = MarkerArray()
    message.markers.append(clear)
    for number, (place, sure) in enumerate(zip(position_m, confidence, strict=True)):
        body = _marker(PLACE, number, Marker.CYLINDER, place, header)
        body.scale.x = body.scale.y = DIAMETER_M
        body.scale.z = HEIGHT_M
        if arcs:
            _make_arc(body, float(np.hypot(*place)))
        body.color.r, body.color.g, body.color.b = colour
        body.color.a = 0.15 + 0.35 * float(np.clip(sure, 0, 1))
        text = _marker(LABEL, number, Marker.TEXT_VIEW_FACING, place, header)
        text.text = f"{100 * float(sure):.0f} %"
        text.pose.position.z = HEIGHT_M / 2 + TEXT_M
        text.scale.z = TEXT_M
        text.color.r = text.color.g = text.color.b = text.color.a = 1.0
        message.markers += [body, text]
    return message


def _make_arc(marker: Marker, range_m: float) -> None:
    """Of a marker straight ahead, an arc of its range over the field of view."""
    marker.type = Marker.LINE_STRIP
    marker.scale.x, marker.scale.y, marker.scale.z = LINE_M, 0.0, 0.0
    ahead = marker.pose.position.x
    azimuth = np.linspace(-VIEW_RAD, VIEW_RAD, 41)
    ends = np.stack([range_m * np.cos(azimuth) - ahead, range_m * np.sin(azimuth)], axis=-1)
    marker.points = [Point(x=x, y=y, z=0.0) for x, y in ends.tolist()]


def places_of(message: MarkerArray) -> NDArray[np.float64]:
    """(anomaly, 2) right and depth of the places that :func:`place_markers` told."""
    found = [
        [-one.pose.position.y, one.pose.position.x]
        for one in message.markers
        if one.action == Marker.ADD and one.ns == PLACE
    ]
    return np.array(found, np.float64).reshape(-1, 2)


def place_pose(place_m: NDArray[np.floating]) -> Pose:
    """Of a place (2,) right and depth, at the radar's height."""
    pose = Pose()
    pose.position.x, pose.position.y = float(place_m[1]), -float(place_m[0])
    pose.orientation.w = 1.0
    return pose


def _marker(
    namespace: str, number: int, kind: int, place_m: NDArray[np.floating], header: Header
) -> Marker:
    marker = Marker()
    marker.header = header
    marker.ns, marker.id = namespace, number
    marker.type, marker.action = kind, Marker.ADD
    marker.pose = place_pose(place_m)
    marker.lifetime.sec = 1
    return marker
