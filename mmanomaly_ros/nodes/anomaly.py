"""Anomaly node: raw samples of a fixed radar and images of an RGB-D camera in; an alarm out."""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import PointCloud2

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.live import Detector, Judged, LiveWatch
from mmanomaly_ros.looks import NewWallCheck
from mmanomaly_ros.models import load_detector, paths_of
from mmanomaly_ros.nodes.anomaly_parameters import PARAMETERS
from mmanomaly_ros.nodes.anomaly_topics import LEVELS, AnomalyTopics, said, values_of
from mmanomaly_ros.nodes.camera_pose import CameraPose, mounted_camera
from mmanomaly_ros.nodes.camera_topics import CameraTopics
from mmanomaly_ros.place_recorder import JudgedRecorder
from mmanomaly_ros.radar_check import WARN_DB, RadarCheck
from mmanomaly_ros.spectrum import LEARNED_FRAMES, WATCH_WAVEFORM, SpectrumMaker
from mmanomaly_ros.synchronisation import Synchroniser
from mmwave.inference import ModelError
from mmwave.resources import share_path
from mmwave.ros.diagnostics import Diagnostics, Key, Level, Rate, Status
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import sensor_qos
from mmwave.ros.raw import from_cloud, point_layout

RAW_BYTES = point_layout(WATCH_WAVEFORM).itemsize * WATCH_WAVEFORM.loops_per_frame
POLL_S = 0.01
SAY_AGAIN_S = 10.0
"""Why nothing is known, where the reason changes, is not told more often."""


class AnomalyNode(LifecycleNode):
    """Watches what the capture node hands over on ``watch/radar/raw`` and the camera's topics.

    Its diagnostics speak from the beginning: without a model, or before it is active, the state is
    unknown.

    Args:
        load: makes the detector, see :func:`mmanomaly_ros.models.load_detector`.
        **options: of the node.

    Attributes:
        frames: judged so far.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ModelError)

    def __init__(self, load: Callable[..., Detector] = load_detector, **options: Any) -> None:
        self._load = load
        self._rate = Rate()
        self._frame_ms = self._latency_s = 0.0
        self._judged: Judged | None = None
        self._live: LiveWatch | None = None
        self._why_not, self._wrong = "not configured", ""
        self._noise_told = False
        self._walls = NewWallCheck()
        self._recorder: JudgedRecorder | None = None
        self.frames = 0
        super().__init__("anomaly", **options)
        self._diagnostics = Diagnostics(self)
        self._diagnostics.add("watch", self._status)

    def configure(self) -> None:
        """Load the models and create the topics."""
        values = self.parameters.values()
        try:
            self._detector = self._load(
                values["watch"],
                paths_of(Path(values["models"])) if values["models"] else None,
                samples=values["draws"],
                steps=values["draw_steps"],
                device=values["device"],
                threads=values["threads"],
            )
            if self._detector.caution:
                self.get_logger().warning(self._detector.caution)
            self._pose = CameraPose(self)
        except self.USER_ERRORS as error:
            self._why_not = f"cannot configure: {error}"
            raise
        self._why_not = "not active"
        self._topics = AnomalyTopics(self, WATCH_WAVEFORM)

    def activate(self) -> None:
        """Take samples, by reference where the capture node is in this process, and images."""
        values = self.parameters.values()
        pairs: Synchroniser[Any] = Synchroniser(
            values["tolerance_s"], values["patience_s"], values["silent_s"]
        )
        self._detector.reset()
        self._recorder = None
        if values["record_folder"]:
            folder = Path(values["record_folder"]).expanduser()
            self._recorder = JudgedRecorder(folder, self._detector.watch)
            self.until_deactivate.callback(self._end_recording, self._recorder)
        live = LiveWatch(
            self._detector,
            pairs,
            np.random.default_rng(values["seed"]),
            SpectrumMaker(WATCH_WAVEFORM, noise_counts=values["noise_counts"]),
            RadarCheck(values["noise_counts"]),
            values["silent_s"],
            LEARNED_FRAMES,
        )
        self._live, self._judged, self._wrong = live, None, ""
        self._noise_told, self._walls = False, NewWallCheck()
        self.until_deactivate.callback(self._stopped)
        self._blocks = self.handover_subscriber(
            PointCloud2, "watch/radar/raw", from_cloud, sensor_qos(RAW_BYTES, depth=10), depth=10
        )
        self._camera = CameraTopics(self, live, self._pose, values["rectified"])
        self.work("worker", partial(self._work, live))

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """The camera's extrinsics must be some, and the patience as long as the tolerance."""
        try:
            mounted_camera(values)
        except ValueError as error:
            return f"parameters camera_rotation and camera_translation_m: {error}"
        if values["record_folder"] and values["keep_rgb_private"]:
            return (
                "parameter record_folder writes colour images to disk, which keep_rgb_private "
                "forbids: set that to false, or record nothing"
            )
        if values["patience_s"] < values["tolerance_s"]:
            return (
                f"parameter patience_s must be at least tolerance_s = {values['tolerance_s']}, got "
                f"{values['patience_s']}"
            )
        return ""

    def _work(self, live: LiveWatch, stop: threading.Event) -> None:
        while not stop.is_set():
            # those that come meanwhile wait for the next turn: a slow computer would never judge
            for _ in range(max(1, self._blocks.waiting)):
                if (block := self._blocks.get(timeout_s=POLL_S)) is not None:
                    self._take_block(live, block)
            begin_s = time.perf_counter()
            if (judged := live.judge(time.monotonic())) is not None:
                self._tell(judged)
                if self._recorder is not None and not self._recorder.add(judged):
                    self._recording_failed(self._recorder)
                self._frame_ms = 1e3 * (time.perf_counter() - begin_s)
                continue
            silent = self._wrong or live.silence(time.monotonic())
            if silent and (self._judged is None or self._judged.reason != silent):
                now_s = self.get_clock().now().nanoseconds * 1e-9
                self._tell(live.blind(now_s, silent))

    def _take_block(self, live: LiveWatch, block: Any) -> None:
        try:
            live.add_block(block, time.monotonic())
            self._tell_noise(live.radar)
            self._wrong = ""
        except ValueError as error:  # of another waveform
            if not self._wrong:
                self.get_logger().error(f"radar: {error}")
            self._wrong = str(error)

    def _tell_noise(self, radar: RadarCheck) -> None:
        """Once, if the spectra's 0 dB is not the noise; far off it is a reason for unknown."""
        if abs(radar.off_db) > WARN_DB and not self._noise_told:
            self._noise_told = True
            self.get_logger().warning(radar.told)

    def _tell(self, one: Judged) -> None:
        before, self._judged = self._judged, one
        if before is None or before.state is not one.state:
            if one.state is AlarmState.NORMAL:
                self.get_logger().info(said(one))
            else:
                self.get_logger().warning(said(one))
            self._diagnostics.publish()  # an alarm does not wait for the second to end
        elif one.state is AlarmState.UNKNOWN and one.reason != before.reason:
            self.get_logger().warning(said(one), throttle_duration_sec=SAY_AGAIN_S)
        self._topics.publish(one, self._camera.frame_id)
        self._latency_s = self.get_clock().now().nanoseconds * 1e-9 - one.time_s
        if one.found is not None:
            if self._walls.is_found(one.found.expectation.wall_novelty):
                self.get_logger().warning(self._walls.told)
            self._rate.tick()
            self.frames += 1

    def _end_recording(self, recorder: JudgedRecorder) -> None:
        if not recorder.close():
            self._recording_failed(recorder)

    def _recording_failed(self, recorder: JudgedRecorder) -> None:
        self.get_logger().error(
            f"recording stopped, {recorder.frames} frames are on disk: {recorder.ended}"
        )

    def _stopped(self) -> None:
        self._say_unknown("not active")

    def work_failed(self, error: Exception) -> None:
        """Say that nothing is known any more."""
        self._say_unknown(f"the worker stopped: {error}")

    def _say_unknown(self, why: str) -> None:
        """Leave no state behind that is not true any more."""
        now_ns = self.get_clock().now().nanoseconds
        self._live, self._why_not = None, why
        unknown = Judged(now_ns * 1e-9, AlarmState.UNKNOWN, why)
        self._topics.publish_state(unknown, now_ns)

    def _status(self) -> Status:
        live, one = self._live, self._judged
        if live is None:
            return Status(Level.WARN, f"{AlarmState.UNKNOWN}: {self._why_not}")
        if one is None:
            return Status(Level.WARN, f"{AlarmState.UNKNOWN}: nothing has come yet")
        values = {
            **values_of(one),
            "frames_per_s": self._rate.per_s,
            Key.COMPUTED_LATENCY: self._latency_s,
            "frame_ms": self._frame_ms,
            "frames_skipped": live.skipped,
            "blocks_dropped": self._blocks.dropped,
            "noise_counts": live.radar.noise_counts,
        }
        if self._recorder is not None:
            values |= self._recorder.as_values()
        return Status(LEVELS[one.state], said(one), values)


def main() -> int:
    """Run the node."""
    return run(AnomalyNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
