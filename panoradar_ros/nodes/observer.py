"""Observer node: collects what the stack publishes beside the truth, to be scored afterwards."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, TwistWithCovarianceStamped
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState, LaserScan, PointCloud2

from mmwave.ros.messages import pixels_of, quaternion_to_yaw, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos
from panoradar_ros.rolling_report import SectorSeen

STEADY_READINGS = 30


@dataclass(frozen=True)
class ScanSeen:
    """A scan as it came: start of the turn, length of it, ranges by ray in the order of time."""

    start_ns: int
    duration_s: float
    increment_rad: float
    range_m: NDArray[np.float32]


@dataclass
class Observations:
    """Everything seen so far.

    Attributes:
        velocity: by the time of the turn's middle in ns, (x, y) in m/s.
        latency_s: from the end of each turn to the arrival of its odometry.
        arrival_s: monotonic time of each arrival.
        scans: all scans.
        learned_scans: all scans of the recognition node.
        learned_latency_s: from the end of each of their turns to their arrival.
        people: how many were found in each turn.
        sectors: all scans of sectors.
        sector_points_ns: arrival of each sector's points by their stamp.
        sector_panorama_ns: arrival of each rolling panorama by its stamp.
        truth: rows of (time_ns, x, y, yaw).
        pictures: the last picture of each topic.
        diagnostics: last values by status name and key.
    """

    velocity: dict[int, tuple[float, float]] = field(default_factory=dict)
    latency_s: list[float] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    scans: list[ScanSeen] = field(default_factory=list)
    learned_scans: list[ScanSeen] = field(default_factory=list)
    learned_latency_s: list[float] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    sectors: list[SectorSeen] = field(default_factory=list)
    sector_points_ns: dict[int, int] = field(default_factory=dict)
    sector_panorama_ns: dict[int, int] = field(default_factory=dict)
    truth: list[tuple[int, float, float, float]] = field(default_factory=list)
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    diagnostics: dict[str, dict[str, str]] = field(default_factory=dict)


class ObserverNode(LifecycleNode):
    """Subscribes to the stack's results and to the simulated truth.

    Attributes:
        seen: what came; read it when the node is no longer active, or under ``lock``.
        first: set when the first odometry came.
        at_speed: set when the turntable turned at a steady rate.
        to_turns: listen to what is made of whole turns beside their motion; set before activation.
        to_sectors: listen to sectors; the same.
        to_learned: listen to the recognition node's ranges; the same.
        to_names: listen to its classes and people; the same.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("observer", **options)
        self.seen = Observations()
        self.lock = threading.Lock()
        self.first = threading.Event()
        self.at_speed = threading.Event()
        self.to_turns = True
        self.to_sectors = self.to_learned = self.to_names = False
        self._speeds: deque[float] = deque(maxlen=STEADY_READINGS)

    def activate(self) -> None:
        """Subscribe."""
        small = sensor_qos(5_000, depth=20)
        self.subscriber(TwistWithCovarianceStamped, "velocity", self._velocity, reliable_qos())
        self.subscriber(Odometry, "odom", self._odometry, reliable_qos())
        self.subscriber(JointState, "joint_states", self._turntable, reliable_qos(depth=50))
        self.subscriber(Odometry, "sim/odometry", self._truth, reliable_qos(depth=100))
        self.subscriber(DiagnosticArray, "/diagnostics", self._diagnostics, reliable_qos(depth=50))
        large = sensor_qos(400_000, depth=2)
        if self.to_sectors:
            self.subscriber(LaserScan, "rolling/scan", self._sector, small)
            self.subscriber(PointCloud2, "rolling/points", self._sector_points, small)
            self.subscriber(Image, "rolling/panorama", self._sector_panorama, large)
        if self.to_turns:
            self.subscriber(LaserScan, "scan", self._scan, small)
            for topic in ("heatmap", "panorama"):
                self.subscriber(Image, topic, partial(self._picture, topic), large)
        if self.to_learned:
            self.subscriber(LaserScan, "learned/scan", self._learned_scan, small)
            for name in ("panorama", "normals"):
                keep = partial(self._picture, f"learned_{name}")
                self.subscriber(Image, f"learned/{name}", keep, large)
        if self.to_names:
            self.subscriber(Image, "learned/classes", partial(self._picture, "classes"), large)
            self.subscriber(PoseArray, "learned/people", self._people, reliable_qos())

    def _velocity(self, message: TwistWithCovarianceStamped) -> None:
        linear = message.twist.twist.linear
        with self.lock:
            self.seen.velocity[to_time_ns(message.header.stamp)] = (linear.x, linear.y)

    def _odometry(self, message: Odometry) -> None:
        end_ns = to_time_ns(message.header.stamp)
        with self.lock:
            self.seen.latency_s.append(time.time() - end_ns * 1e-9)
            self.seen.arrival_s.append(time.monotonic())
        self.first.set()

    def _turntable(self, message: JointState) -> None:
        self._speeds.append(message.velocity[0])
        steady = max(self._speeds) - min(self._speeds) < 0.01 * max(self._speeds)
        if len(self._speeds) == STEADY_READINGS and steady:
            self.at_speed.set()

    def _scan(self, message: LaserScan) -> None:
        with self.lock:
            self.seen.scans.append(_scan_seen(message))

    def _learned_scan(self, message: LaserScan) -> None:
        scan = _scan_seen(message)
        with self.lock:
            self.seen.learned_scans.append(scan)
            late_s = time.time() - scan.start_ns * 1e-9 - scan.duration_s
            self.seen.learned_latency_s.append(late_s)

    def _sector(self, message: LaserScan) -> None:
        arrival_ns, first_ns = time.time_ns(), to_time_ns(message.header.stamp)
        range_m = np.array(message.ranges, np.float32)
        last_ns = first_ns + round(message.time_increment * (len(range_m) - 1) * 1e9)
        sector = SectorSeen(
            first_ns,
            last_ns,
            arrival_ns,
            message.angle_min,
            message.angle_increment,
            range_m,
        )
        with self.lock:
            self.seen.sectors.append(sector)

    def _sector_points(self, message: PointCloud2) -> None:
        with self.lock:
            self.seen.sector_points_ns[to_time_ns(message.header.stamp)] = time.time_ns()

    def _sector_panorama(self, message: Image) -> None:
        with self.lock:
            self.seen.sector_panorama_ns[to_time_ns(message.header.stamp)] = time.time_ns()

    def _truth(self, message: Odometry) -> None:
        pose = message.pose.pose
        row = (
            to_time_ns(message.header.stamp),
            pose.position.x,
            pose.position.y,
            quaternion_to_yaw(pose.orientation),
        )
        with self.lock:
            self.seen.truth.append(row)

    def _people(self, message: PoseArray) -> None:
        with self.lock:
            self.seen.people.append(len(message.poses))

    def _picture(self, topic: str, message: Image) -> None:
        with self.lock:
            self.seen.pictures[topic] = pixels_of(message)

    def _diagnostics(self, message: DiagnosticArray) -> None:
        with self.lock:
            for status in message.status:
                self.seen.diagnostics[status.name] = {v.key: v.value for v in status.values}


def _scan_seen(message: LaserScan) -> ScanSeen:
    return ScanSeen(
        to_time_ns(message.header.stamp),
        message.scan_time,
        message.angle_increment,
        np.array(message.ranges, np.float32),
    )
