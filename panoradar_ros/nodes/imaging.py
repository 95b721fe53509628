"""Imaging node: raw samples and turntable angles in; motion, points, scan and pictures out."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from sensor_msgs.msg import Imu, JointState, PointCloud2

from mmwave.backend import array_module
from mmwave.dca1000 import PositionBlock
from mmwave.resources import share_path
from mmwave.ros import messages
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.imu import yaw_rate
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.ros.raw import from_cloud
from mmwave.waveform import Waveform
from panoradar_ros.calibration.samples import calibrated
from panoradar_ros.calibration.stream import TrueAngle
from panoradar_ros.imaging.antenna_health import AntennaMonitor
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings, Panorama, turn_times_ns
from panoradar_ros.imaging.points import DetectionSettings
from panoradar_ros.imaging.rolling import RollingImager
from panoradar_ros.imaging.rolling_sectors import RollingSettings, SectorUpdate
from panoradar_ros.imaging.turntable import AssemblySettings
from panoradar_ros.imaging.yaw_prior import YawRateHistory
from panoradar_ros.nodes.imaging_parameters import PARAMETERS, calibration, detector
from panoradar_ros.nodes.imaging_topics import ImagingTopics, RollingTopics

BLOCKS_KEPT = 120
"""Radar frames that may wait while the chain is busy, about three seconds of them."""

BLOCKS_BEHIND, BLOCKS_CAUGHT_UP = 30, 4
"""With more frames waiting no sectors are formed until no more than so few do: on a machine that is
too slow the turns and the newest sectors are worth more than sectors three seconds late. A replay
keeps fewer frames under way and never comes here."""

CUBES_KEPT = 3
"""One is written, one read and one waits for its reader, who gets cubes by reference."""

ANGLES_KEPT = 4000
"""Turntable angles that may wait, twenty seconds of them at 200 Hz."""

ANGLE_PERIOD_S = 0.002
"""How often a frame that waits for its turntable angles looks for them."""


class ImagingNode(LifecycleNode):
    """Images sectors and whole rotations of the radar as soon as they are complete.

    Attributes:
        angles_taken: messages with turntable angles worked through so far.
        readings_taken: messages of the IMU received so far.
    """

    PARAMETERS = PARAMETERS

    def __init__(self, **options: Any) -> None:
        super().__init__("imaging", **options)
        self._rate = Rate()
        self._sector_rate = Rate()
        self._chain: RollingImager | None = None
        self._last: Panorama | None = None
        self._latency_s = self._sector_latency_s = 0.0
        self._yaw_rates = YawRateHistory()
        self._blocks_done = self._sectors_left_out = 0
        self._behind = False
        self.angles_taken = self.readings_taken = 0

    def configure(self) -> None:
        """Create the topics and the imaging chain."""
        self._calibration = calibration(self.parameters.values())
        self._antennas = AntennaMonitor()
        self._imager = Imager(settings=self._settings(self.parameters.values()))
        self._imager.warm_up(Waveform())
        grid = self._imager.settings.grid
        self._topics = ImagingTopics(self, grid)
        sectors = RollingSettings().grid(grid)
        self._sector_topics = RollingTopics(self, sectors) if self.parameters["rolling"] else None
        self.diagnostics("imaging").add("rotations", self._status)

    def activate(self) -> None:
        """Take in data and work in a thread of its own."""
        self._yaw_rates = YawRateHistory()
        self._blocks = self.handover_subscriber(
            PointCloud2, "radar/raw", from_cloud, sensor_qos(600_000, depth=40), depth=BLOCKS_KEPT
        )
        # by reference where the motor node is in this process: sixty times a second the executor
        # would wake for them
        self._angles = self.handover_subscriber(
            JointState,
            "joint_states",
            lambda message: message,
            reliable_qos(depth=200),
            depth=ANGLES_KEPT,
        )
        if self.parameters["use_imu"]:
            self.subscriber(Imu, "imu", self._take_yaw_rate, sensor_qos(400, depth=200))
        self.work("worker", self._work)

    @property
    def blocks_taken(self) -> int:
        """Radar frames worked through so far; lets a replay keep pace with the node.

        The frame that completed a turn counts when the turn is published.
        """
        unfinished = self._chain is not None and self._chain.turns_unfinished
        return self._blocks_done - bool(unfinished)

    def has_listeners(self) -> bool:
        """Whether every small result has a subscriber."""
        return self._topics.has_listeners()

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """Refuse what the chain refuses."""
        try:
            self._settings(values)
            calibration(values)
            array_module(values["device"])
            if not values["minimum_range_m"] < values["maximum_range_m"]:
                raise ValueError("parameter minimum_range_m must be less than maximum_range_m")
        except (ValueError, RuntimeError) as error:
            return str(error)
        return ""

    @staticmethod
    def _settings(values: Mapping[str, Any]) -> ImagingSettings:
        return ImagingSettings(
            window_rad=np.deg2rad(values["window_deg"]),
            decimation=values["decimation"],
            beamforming=values["beamforming"],
            estimate_motion=values["estimate_motion"],
            motion_method=values["motion_method"],
            detection=DetectionSettings(
                detector(values),
                values["minimum_range_m"],
                10 ** (values["detection_over_noise_db"] / 10),
            ),
            leakage_rotations=values["leakage_memory_rotations"],
            workers=values["workers"],
            device=values["device"],
            cubes_kept=CUBES_KEPT,
        )

    def _take_angles(self, chain: RollingImager, true_angle: TrueAngle) -> None:
        joint = self.parameters["turntable_joint"]
        while (message := self._angles.get(timeout_s=0)) is not None:
            self.angles_taken += 1
            if joint in message.name:
                position_rad = message.position[list(message.name).index(joint)]
                stamp_ns = messages.to_time_ns(message.header.stamp)
                chain.add_angle(stamp_ns, true_angle(stamp_ns, position_rad))

    def _take_yaw_rate(self, message: Imu) -> None:
        self.readings_taken += 1
        reading = yaw_rate(message)
        if reading is not None:
            self._yaw_rates.add(*reading)

    def _work(self, stop: threading.Event) -> None:
        offset_rad = self._calibration.azimuth_offset_rad or 0.0
        margin_rad = np.deg2rad(self.parameters["window_deg"] / 2 + 1)
        assembly = AssemblySettings(margin_rad, offset_rad)
        topics = self._sector_topics
        true_angle = TrueAngle(self._calibration.rate_ratio)
        most_frames = self.parameters["frames_per_sector"]
        with RollingImager(
            self._imager,
            self._take,
            assembly,
            sectors=self._wants_sectors,
            turn_images=self._topics.has_image_listeners,
            yaw_rate_of=lambda rotation: self._yaw_rates.mean(*turn_times_ns(rotation)),
        ) as chain:
            self._chain = chain
            while not stop.is_set():
                wait_s = ANGLE_PERIOD_S if chain.waits_for_angles else 0.01
                taken = self._take_blocks(chain, most_frames, wait_s)
                self._take_angles(chain, true_angle)
                for sector in chain.updates(most_frames):
                    if topics is not None:
                        topics.publish(sector, chain.range_m)
                        self._note(sector)
                self._blocks_done += taken

    def _take_blocks(self, chain: RollingImager, most: int, wait_s: float) -> int:
        """Wait for a frame; take those that came with it as well, as far as a sector holds them."""
        taken = 0
        block: PositionBlock | None = self._blocks.get(timeout_s=wait_s)
        while block is not None:
            self._antennas.add(block)
            chain.add_block(calibrated(block, self._calibration))
            taken += 1
            block = self._blocks.get(timeout_s=0) if taken < most else None
        return taken

    def _wants_sectors(self) -> bool:
        waiting = self._blocks.waiting
        self._behind = waiting > (BLOCKS_CAUGHT_UP if self._behind else BLOCKS_BEHIND)
        wanted = self._sector_topics is not None and self._sector_topics.has_listeners()
        self._sectors_left_out += wanted and self._behind
        return wanted and not self._behind

    def _note(self, sector: SectorUpdate) -> None:
        now_ns = self.get_clock().now().nanoseconds
        self._sector_latency_s = (now_ns - float(sector.ray_ns.mean())) * 1e-9
        self._sector_rate.tick()

    def _take(self, panorama: Panorama) -> None:
        self._topics.publish(panorama)
        now_ns = self.get_clock().now().nanoseconds
        self._latency_s = (now_ns - panorama.last_sample_ns) * 1e-9
        self._last = panorama
        self._rate.tick()

    def _status(self) -> Status:
        last, chain = self._last, self._chain
        antennas = "; ".join(self._antennas.problems)
        if last is None or chain is None:
            if antennas:
                return Status(Level.ERROR, antennas)
            return Status(Level.WARN, "no rotation yet: are radar and turntable running?")
        values = {
            "rotations_per_s": self._rate.per_s,
            Key.COMPUTED_LATENCY: self._latency_s,
            "lost_fraction": last.lost_fraction,
            "speed_mps": last.motion.motion.speed_mps,
            "motion_pixels": last.motion.pixels,
            "restarts": chain.statistics.restarts,
            "last_restart": chain.statistics.last_restart_reason,
            "sectors_per_s": self._sector_rate.per_s,
            "sector_latency_ms": 1e3 * self._sector_latency_s,
            "sectors_left_out": self._sectors_left_out,
            "late_turns": chain.rolling_statistics.late_motions,
            "frames_dropped": self._blocks.dropped,
            **{f"{stage}_ms": value for stage, value in last.stage_ms.items()},
        }
        if not self._rate.per_s:
            return Status(Level.ERROR, "no new rotations: radar or turntable stopped", values)
        if antennas:
            return Status(Level.ERROR, antennas, values)
        if not last.motion.reliable and self.parameters["estimate_motion"]:
            return Status(Level.WARN, "the scene did not say how the robot moves", values)
        return Status(Level.OK, "imaging", values)


def main() -> int:
    """Run the node."""
    return run(ImagingNode, profile=share_path("config/fastdds.xml"))
