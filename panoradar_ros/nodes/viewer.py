"""Viewer node: shows what the robot publishes in Rerun, native, in a browser or into a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image, LaserScan, PointCloud2
from visualization_msgs.msg import Marker

from mmwave.resources import share_path
from mmwave.ros.diagnostics import Level, Status
from mmwave.ros.messages import cloud_points, pixels_of, quaternion_to_yaw, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos
from mmwave.viewer_server import Viewer, ViewerError
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.nodes.viewer_parameters import PARAMETERS
from panoradar_ros.viewer import PICTURES, SceneLog, layout
from panoradar_ros.viewer_geometry import scan_points

ROBOT_FRAMES = ("base_link", "base_footprint")
LEARNED_PICTURES = ("panorama", "learned/panorama", "learned/normals", "learned/classes")


class ViewerNode(LifecycleNode):
    """Logs points, scan, pictures, odometry and, in simulation, the truth and the building."""

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ViewerError)

    def __init__(self, **options: Any) -> None:
        super().__init__("viewer", **options)
        self.viewer: Viewer | None = None
        self.shown = 0
        self.skipped = 0
        self._scene: SceneLog | None = None
        self._last_s: dict[str, float] = {}

    def configure(self) -> None:
        """Open the viewer."""
        values = self.parameters.values()
        viewer = Viewer(
            values["mode"],
            path=values["path"],
            web_port=values["web_port"],
            grpc_port=values["grpc_port"],
            layout=layout,
        )
        self.until_cleanup.callback(viewer.close)
        self.viewer = viewer
        if viewer.recording is not None:
            self._scene = SceneLog(
                viewer.recording,
                sensor_position_m=tuple(values["sensor_position_m"]),
                colour_by=values["colour_by"],
                hidden_above_m=values["hidden_above_m"],
                pictures=self._pictures,
            )
        if viewer.address:
            self.get_logger().info(f"open {viewer.address} in a browser on this machine")
        self.diagnostics("viewer").add("viewer", self._status)

    def activate(self) -> None:
        """Subscribe, where there is anything to show it in."""
        if self._scene is None:
            return
        scene = self._scene
        self._show(Marker, "sim/building", static_qos(), partial(_building, scene), every=True)
        self._show(Odometry, "odom", reliable_qos(), partial(_odometry, scene.log_odometry))
        self._show(Odometry, "sim/odometry", sensor_qos(800), partial(_odometry, scene.log_truth))
        group = "learned/" if self.parameters["learned"] else ""
        scans, clouds = sensor_qos(5_000), sensor_qos(1_100_000, depth=1)
        self._show(LaserScan, f"{group}scan", scans, partial(_scan, scene))
        self._show(PointCloud2, f"{group}points", clouds, partial(_points, scene))
        for name in self._pictures:
            self._show(Image, name, sensor_qos(400_000, depth=1), partial(_picture, scene, name))

    @property
    def _pictures(self) -> tuple[str, ...]:
        return LEARNED_PICTURES if self.parameters["learned"] else PICTURES

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """A position has three numbers."""
        position = values["sensor_position_m"]
        if len(position) != 3:
            return f"parameter sensor_position_m must be three numbers, got {list(position)}"
        return ""

    def parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Take new values for the next points."""
        if self._scene is not None:
            self._scene.colour_by = values.get("colour_by", self._scene.colour_by)
            self._scene.hidden_above_m = values.get("hidden_above_m", self._scene.hidden_above_m)

    def _show(
        self, kind: type, topic: str, qos: Any, log: Callable[[Any], None], *, every: bool = False
    ) -> None:
        def receive(message: Any) -> None:
            if self.viewer is None or not self.viewer.is_shown:
                return
            now_s = time.monotonic()
            if not every and now_s - self._last_s.get(topic, -1e9) < self._period_s(topic):
                return
            self._last_s[topic] = now_s
            try:
                log(message)
                self.shown += 1
            except ValueError as error:
                self.skipped += 1
                self.get_logger().warning(
                    f"a message on {topic} is not shown: {error}", throttle_duration_sec=5.0
                )

        self.subscriber(kind, topic, receive, qos)

    def _period_s(self, topic: str) -> float:
        # a little less than the period, so that a topic at just this rate is shown whole
        return 0.9 / float(self.parameters["rate_hz"])

    def _status(self) -> Status:
        if self.viewer is None or self.viewer.mode == "off":
            return Status(Level.OK, "off", {})
        values: dict[str, Any] = {
            "mode": self.viewer.mode,
            "messages shown": self.shown,
            "skipped": self.skipped,
        }
        if not self.viewer.is_shown:
            return Status(Level.WARN, "the viewer was closed; start the node again", values)
        return Status(Level.OK, self.viewer.address or "shown", values)


def _in_sensor(message: Any) -> bool:
    return message.header.frame_id not in ROBOT_FRAMES


def _points(scene: SceneLog, message: PointCloud2) -> None:
    points = cloud_points(message).reshape(-1)
    names = points.dtype.names or ()
    if any(name not in names for name in ("x", "y", "z")):
        raise ValueError(f"the cloud has the fields {', '.join(names)}, but x, y, z are needed")
    positions_m = np.stack([points[name] for name in ("x", "y", "z")], axis=-1)
    scene.log_points(to_time_ns(message.header.stamp), positions_m, in_sensor=_in_sensor(message))


def _scan(scene: SceneLog, message: LaserScan) -> None:
    ranges_m = np.asarray(message.ranges, np.float32)
    points_m = scan_points(ranges_m, message.angle_min, message.angle_increment)
    scene.log_scan(to_time_ns(message.header.stamp), points_m, in_sensor=_in_sensor(message))


def _picture(scene: SceneLog, name: str, message: Image) -> None:
    scene.log_picture(name, to_time_ns(message.header.stamp), pixels_of(message))


def _odometry(log: Callable[[int, PlanarPose, float], None], message: Odometry) -> None:
    place = message.pose.pose
    pose = PlanarPose(place.position.x, place.position.y, quaternion_to_yaw(place.orientation))
    velocity = message.twist.twist.linear
    log(to_time_ns(message.header.stamp), pose, float(np.hypot(velocity.x, velocity.y)))


def _building(scene: SceneLog, message: Marker) -> None:
    if message.type != Marker.TRIANGLE_LIST:
        raise ValueError(f"the building must be a TRIANGLE_LIST, got marker type {message.type}")
    corners_m = np.array([(p.x, p.y, p.z) for p in message.points]).reshape(-1, 3)
    painted = np.array([(c.r, c.g, c.b, c.a) for c in message.colors]).reshape(-1, 4)
    scene.log_building(corners_m, painted)


def main() -> int:
    """Run the node."""
    return run(ViewerNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
