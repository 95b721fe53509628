"""Imaging node: raw samples and turntable angles in; motion, points, scan and pictures out."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState, PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.ros import messages
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.ros.raw import from_cloud
from mmwave.waveform import Waveform
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings, Panorama
from panoradar_ros.imaging.points import DetectionSettings
from panoradar_ros.imaging.turntable import AssemblySettings, RotationAssembler
from panoradar_ros.nodes.imaging_parameters import PARAMETERS, detector
from panoradar_ros.nodes.imaging_topics import ImagingTopics
from panoradar_ros.resources import share_path

BLOCKS_KEPT = 120
"""Radar frames that may wait while a rotation is imaged, about three seconds of them."""


class ImagingNode(LifecycleNode):
    """Images every rotation of the radar as soon as it is complete.

    Attributes:
        blocks_taken: radar frames worked through so far; lets a replay keep pace with the node.
        angles_taken: messages with turntable angles received so far.
    """

    PARAMETERS = PARAMETERS

    def __init__(self, **options: Any) -> None:
        super().__init__("imaging", **options)
        self._angles: deque[tuple[int, float]] = deque(maxlen=4000)
        self._rate = Rate()
        self._last: Panorama | None = None
        self._latency_s = 0.0
        self.blocks_taken = 0
        self.angles_taken = 0

    def configure(self) -> None:
        """Create the topics and the imaging chain."""
        self._imager = Imager(settings=self._settings(self.parameters.values()))
        self._imager.warm_up(Waveform())
        self._topics = ImagingTopics(self, self._imager.settings.grid)
        self.diagnostics("imaging").add("rotations", self._status)

    def activate(self) -> None:
        """Take in data and work in a thread of its own."""
        self._angles.clear()
        self._blocks = self.handover_subscriber(
            PointCloud2, "radar/raw", from_cloud, sensor_qos(600_000, depth=40), depth=BLOCKS_KEPT
        )
        self.subscriber(JointState, "joint_states", self._take_angle, reliable_qos(depth=200))
        self.work("worker", self._work)

    def has_listeners(self) -> bool:
        """Whether every small result has a subscriber."""
        return self._topics.has_listeners()

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """Refuse what the chain refuses."""
        try:
            self._settings(values)
        except ValueError as error:
            return str(error)
        return ""

    @staticmethod
    def _settings(values: Mapping[str, Any]) -> ImagingSettings:
        return ImagingSettings(
            window_rad=np.deg2rad(values["window_deg"]),
            decimation=values["decimation"],
            estimate_motion=values["estimate_motion"],
            detection=DetectionSettings(
                detector(values),
                values["minimum_range_m"],
                10 ** (values["detection_over_noise_db"] / 10),
            ),
            leakage_rotations=values["leakage_memory_rotations"],
            workers=values["workers"],
        )

    def _take_angle(self, message: JointState) -> None:
        self.angles_taken += 1
        joint = self.parameters["turntable_joint"]
        if joint in message.name:
            index = list(message.name).index(joint)
            stamp_ns = messages.to_time_ns(message.header.stamp)
            self._angles.append((stamp_ns, message.position[index]))

    def _work(self, stop: threading.Event) -> None:
        offset_rad = np.deg2rad(self.parameters["mounting_offset_deg"])
        margin_rad = np.deg2rad(self.parameters["window_deg"] / 2 + 1)
        self._assembler = RotationAssembler(AssemblySettings(margin_rad, offset_rad))
        while not stop.is_set():
            block: PositionBlock | None = self._blocks.get(timeout_s=0.05)
            if block is not None:
                self._assembler.add_block(block)
            while self._angles:
                self._assembler.add_angle(*self._angles.popleft())
            for rotation in self._assembler.rotations():
                self._take(self._imager.image(rotation))
            self.blocks_taken += block is not None

    def _take(self, panorama: Panorama) -> None:
        self._topics.publish(panorama)
        now_ns = self.get_clock().now().nanoseconds
        self._latency_s = (now_ns - panorama.last_sample_ns) * 1e-9
        self._last = panorama
        self._rate.tick()

    def _status(self) -> Status:
        last = self._last
        if last is None:
            return Status(Level.WARN, "no rotation yet: are radar and turntable running?")
        values = {
            "rotations_per_s": self._rate.per_s,
            Key.COMPUTED_LATENCY: self._latency_s,
            "lost_fraction": last.lost_fraction,
            "speed_mps": last.motion.motion.speed_mps,
            "motion_pixels": last.motion.pixels,
            "restarts": self._assembler.statistics.restarts,
            "last_restart": self._assembler.statistics.last_restart_reason,
            "frames_dropped": self._blocks.dropped,
            **{f"{stage}_ms": value for stage, value in last.stage_ms.items()},
        }
        if not self._rate.per_s:
            return Status(Level.ERROR, "no new rotations: radar or turntable stopped", values)
        if not last.motion.reliable and self.parameters["estimate_motion"]:
            return Status(Level.WARN, "the scene did not say how the robot moves", values)
        return Status(Level.OK, "imaging", values)


def main() -> int:
    """Run the node."""
    return run(ImagingNode, profile=share_path("config/fastdds.xml"))
