"""A small robot in a small room: publishes what the real nodes publish, for the viewer's tests."""

import math

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from visualization_msgs.msg import Marker

from mmwave.ros import messages
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos

START_NS = 1_700_000_000_000_000_000
ROOM_M = np.array([8.0, 6.0, 2.6])
SENSOR_HEIGHT_M = 0.9
FLOOR_COLOUR, WALL_COLOUR = (0.35, 0.45, 0.75, 1.0), (0.75, 0.75, 0.7, 1.0)


def room() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and colours of a box seen from inside, ceiling and all."""
    x, y, z = ROOM_M * (0.5, 0.5, 1.0)
    vertices_m = np.array([[i * x, j * y, k * z] for k in (0, 1) for j in (-1, 1) for i in (-1, 1)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (1, 5, 7, 3), (3, 7, 6, 2), (2, 6, 4, 0)]
    faces = np.array([[a, b, c] for a, b, c, _ in quads] + [[a, c, d] for a, _, c, d in quads])
    colours = np.array([FLOOR_COLOUR if i % 6 == 0 else WALL_COLOUR for i in range(12)])
    return vertices_m, faces, colours


def wall_range_m(x_m: float, y_m: float, direction: np.ndarray, height_m: float) -> np.ndarray:
    """Range from a point in the room along unit directions (..., 3)."""
    origin = np.array([x_m, y_m, height_m])
    low, high = np.array([-4.0, -3.0, 0.0]), np.array([4.0, 3.0, 2.6])
    with np.errstate(divide="ignore"):
        steps = np.where(direction > 0, (high - origin) / direction, (low - origin) / direction)
    return np.where(direction == 0, np.inf, steps).min(axis=-1)


class SceneRobot(Node):
    """Drives a circle in the room; :meth:`step` publishes one rotation's worth of topics."""

    def __init__(self, **options: object) -> None:
        super().__init__("scene_robot", **options)
        self.building = self.create_publisher(Marker, "sim/building", static_qos())
        self.truth = self.create_publisher(Odometry, "sim/odometry", sensor_qos(800))
        self.odometry = self.create_publisher(Odometry, "odom", reliable_qos())
        self.points = self.create_publisher(PointCloud2, "points", sensor_qos(700_000))
        self.scan = self.create_publisher(LaserScan, "scan", sensor_qos(5_000))
        self.heatmap = self.create_publisher(Image, "heatmap", sensor_qos(400_000))
        self.panorama = self.create_publisher(Image, "panorama", sensor_qos(400_000))
        self.building.publish(
            messages.triangles(*room(), messages.to_header(START_NS, "map"), namespace="building")
        )
        self.steps = 0

    @property
    def all_subscribed(self) -> bool:
        driven = (self.building, self.truth, self.odometry)
        imaged = (self.points, self.scan, self.heatmap, self.panorama)
        return all(one.get_subscription_count() for one in driven + imaged)

    def step(self) -> None:
        time_ns = START_NS + self.steps * 500_000_000
        angle_rad = 0.25 * self.steps
        self.steps += 1
        x_m, y_m, yaw_rad = 1.5 * math.cos(angle_rad), 1.5 * math.sin(angle_rad), angle_rad + 1.57
        header = messages.to_header(time_ns, "map")
        pose = (x_m, y_m, yaw_rad)
        self.truth.publish(messages.odometry(header, "base_link", pose, (0.5, 0.0, 0.1)))
        begun = (
            *np.array([[0, 1], [-1, 0]]) @ (x_m - 1.5, y_m),
            angle_rad,
        )
        header = messages.to_header(time_ns, "odom")
        self.odometry.publish(messages.odometry(header, "base_link", begun, (0.51, 0.0, 0.1)))
        header = messages.to_header(time_ns, "radar_base")
        azimuth_rad = -2 * np.pi * np.arange(512) / 512
        elevation_rad = np.deg2rad(np.linspace(45, -45, 64))[:, None]
        direction = np.stack(
            np.broadcast_arrays(
                np.cos(elevation_rad) * np.cos(azimuth_rad + yaw_rad),
                np.cos(elevation_rad) * np.sin(azimuth_rad + yaw_rad),
                np.sin(elevation_rad),
            ),
            axis=-1,
        )
        range_m = wall_range_m(x_m, y_m, direction, SENSOR_HEIGHT_M)
        local = np.stack(
            np.broadcast_arrays(
                np.cos(elevation_rad) * np.cos(azimuth_rad),
                np.cos(elevation_rad) * np.sin(azimuth_rad),
                np.sin(elevation_rad),
            ),
            axis=-1,
        )
        points_m = range_m[..., None] * local
        points_m[::7, ::5] = np.nan  # rays without an answer
        self.points.publish(messages.organised_cloud(points_m, range_m, range_m, header))
        self.scan.publish(
            messages.laser_scan(
                range_m[32],
                header,
                first_azimuth_rad=0.0,
                azimuth_increment_rad=-2 * np.pi / 512,
                scan_time_s=0.5,
                minimum_m=0.1,
                maximum_m=20.0,
            )
        )
        brightness = (255 * np.clip(range_m / 6, 0, 1)).astype(np.uint8)
        picture = np.stack([brightness, 255 - brightness, np.full_like(brightness, 90)], axis=-1)
        self.heatmap.publish(messages.image(picture, "rgb8", header))
        self.panorama.publish(messages.image(brightness, "mono8", header))
