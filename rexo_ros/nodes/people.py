"""People node: raw samples of two fixed radars in; people as boxes and tracks out."""

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, PointCloud2

from mmwave.dca1000 import PositionBlock
from mmwave.inference import ModelError, OnnxModel
from mmwave.resources import share_path
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import sensor_qos
from mmwave.ros.raw import from_cloud, point_layout
from rexo_ros.camera import Camera
from rexo_ros.detections import LIVE_OVERLAP, LIVE_SEEN
from rexo_ros.detector import Detector
from rexo_ros.diffusion import Sampler
from rexo_ros.heatmaps import ROOM_WAVEFORM
from rexo_ros.models import BACKBONE_MODEL, STEP_MODEL, model_path
from rexo_ros.nodes.people_camera import camera_of, mount_of
from rexo_ros.nodes.people_parameters import PARAMETERS
from rexo_ros.nodes.people_topics import PeopleTopics
from rexo_ros.pairing import ViewPairs, Window
from rexo_ros.radar_view import RadarView
from rexo_ros.tracking import Tracker, TrackerSettings

SILENT_TOLD_S = 5.0
"""From when on the log tells that no radar is heard."""

MOST_LEFT_OUT = 10
"""Frames at once that are left out because a newer one waits: on a machine that is too slow people
who are there now are worth more than those of before."""

RAW_BYTES = point_layout(ROOM_WAVEFORM).itemsize * ROOM_WAVEFORM.loops_per_frame


class PeopleNode(LifecycleNode):
    """Finds people in what the capture nodes hand over on ``VIEW/radar/raw``, VIEW a view of the
    network: ``horizontal`` and ``vertical``.

    Attributes:
        frames: worked through so far.
        frames_with_all: of them with all radars.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ModelError)

    def __init__(self, **options: Any) -> None:
        self._rate = Rate()
        self._last_ms = self._latency_s = 0.0
        self._missing: dict[str, str] = {}
        self.frames_with_all = 0
        self._wrong: dict[str, str] = {}
        self._camera: Camera | None = None
        self._camera_frame_id: str | None = None
        self._camera_problem = ""
        self.frames = 0
        self._left_out = self._left_out_at_once = 0
        super().__init__("people", **options)

    def configure(self) -> None:
        """Load the models and create the topics."""
        values = self.parameters.values()
        backbone = self._model(values["backbone_model"] or BACKBONE_MODEL)
        step = self._model(values["step_model"] or STEP_MODEL)
        self._detector = Detector(backbone, step, overlap=LIVE_OVERLAP)
        self._detector.sampler = Sampler(values["boxes"], values["steps"], self._detector.schedule)
        space, frames = self._detector.space, self._detector.trained.frames
        self._topics = PeopleTopics(self, space)
        # the first run of a network takes many times as long as the others
        blank = np.ones((len(space.views), frames, space.rows, space.columns), np.float32)
        self._detector(blank, np.random.default_rng(0))
        self.diagnostics("people").add("people", self._status)

    def activate(self) -> None:
        """Take samples, by reference where the capture nodes are in this process."""
        space = self._detector.space
        frames, period_s = self._detector.trained.frames, ROOM_WAVEFORM.frame_period_s
        self._missing, self._wrong = {}, {}
        self._camera, self._camera_frame_id, self._camera_problem = None, None, ""
        self._views = {view: RadarView(space, view) for view in space.views}
        self._pairs = ViewPairs(space, frames, period_s, self.parameters["silent_s"])
        self._tracker = Tracker(TrackerSettings(seen=LIVE_SEEN))
        self._random = np.random.default_rng(self.parameters["seed"])
        self._blocks = {
            view: self.handover_subscriber(
                PointCloud2, f"{view}/radar/raw", from_cloud, sensor_qos(RAW_BYTES, depth=10),
                depth=10,
            )
            for view in space.views
        }  # fmt: skip
        self.subscriber(CameraInfo, "camera_info", self._take_camera, sensor_qos(1_000))
        self.work("worker", self._work)

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """The camera's extrinsics must be some."""
        try:
            mount_of(values)
        except ValueError as error:
            return f"parameters camera_rotation and camera_translation_m: {error}"
        return ""

    def _model(self, path: str) -> OnnxModel:
        values = self.parameters.values()
        model = OnnxModel(model_path(path), values["device"], values["threads"])
        card = model.card
        self.get_logger().info(f"{card.name} ({card.sha256[:12]}) runs on {model.provider}")
        return model

    def _take_camera(self, message: CameraInfo) -> None:
        camera, self._camera_problem = camera_of(message, mount_of(self.parameters.values()))
        self._camera = camera
        self._camera_frame_id = None if camera is None else message.header.frame_id

    def _work(self, stop: threading.Event) -> None:
        began_s, told = time.monotonic(), False
        while not stop.is_set():
            now_s = time.monotonic()
            silent = self._pairs.problem(now_s) if now_s - began_s > SILENT_TOLD_S else ""
            if silent and not told:
                self.get_logger().warning(f"nobody can be looked for: {silent}")
            told = bool(silent)
            for view, blocks in self._blocks.items():
                block: PositionBlock | None = blocks.get(timeout_s=0.01)
                if block is not None:
                    self._take(view, block)

    def _take(self, view: str, block: PositionBlock) -> None:
        begin_s = time.perf_counter()
        try:
            heatmap, time_s = self._views[view](block)
        except ValueError as error:  # of another waveform, or not whole
            if view not in self._wrong:
                self.get_logger().error(f"{view} radar: {error}")
            self._wrong[view] = str(error)
            return
        self._wrong.pop(view, None)
        if heatmap is None:
            return
        window = self._pairs.add(view, heatmap, time_s, time.monotonic())
        if window is None:
            return
        self._tell(window.missing)
        if not self._topics.has_listeners():
            return
        if self._is_behind(view):
            self._left_out += 1
            return
        self._detect(window)
        self._last_ms = 1e3 * (time.perf_counter() - begin_s)

    def _is_behind(self, view: str) -> bool:
        """Whether this frame is left out for a newer one of its view: heatmaps need every frame,
        since what stands still is learned from all of them; people need not be looked for in all.
        """
        self._left_out_at_once += 1
        if not self._blocks[view].waiting or self._left_out_at_once > MOST_LEFT_OUT:
            self._left_out_at_once = 0
        return self._left_out_at_once > 0

    def _detect(self, window: Window) -> None:
        camera, frame_id = self._camera, self._camera_frame_id
        found = self._detector(window.power, self._random, camera)
        found = found.surer_than(self.parameters["minimum_score"])
        tracks = self._tracker.update(found.boxes_m, found.scores, window.time_s)
        self._topics.publish(window, found, tracks, frame_id if camera is not None else None)
        self._latency_s = self.get_clock().now().nanoseconds * 1e-9 - window.time_s
        self._rate.tick()
        self.frames += 1
        self.frames_with_all += not window.missing

    def _tell(self, missing: dict[str, str]) -> None:
        """Say once that a radar is missing, and once that it is back."""
        for view in missing.keys() - self._missing.keys():
            why = missing[view]
            self.get_logger().warning(f"going on without the {view} radar: {why}")
        for view in self._missing.keys() - missing.keys():
            self.get_logger().info(f"the {view} radar is there again")
        self._missing = missing

    def _status(self) -> Status:
        values: dict[str, Any] = {
            "frames_per_s": self._rate.per_s,
            Key.COMPUTED_LATENCY: self._latency_s,
            "frame_ms": self._last_ms,
        }
        if not self.is_active:
            return Status(Level.OK, "not active", values)
        views = [view for view in self._detector.space.views if view not in self._missing]
        values["frames_left_out"] = self._left_out
        values["blocks_dropped"] = sum(one.dropped for one in self._blocks.values())
        values["views"] = ", ".join(views)
        values["frames_with_all_radars"] = round(self.frames_with_all / max(1, self.frames), 3)
        if silent := self._pairs.problem(time.monotonic()):
            wrong = [f"{view} radar: {why}" for view, why in self._wrong.items()]
            return Status(Level.ERROR, "; ".join(wrong) or silent, values)
        missing = [
            f"without the {view} radar: {self._wrong.get(view, why)}"
            for view, why in self._missing.items()
        ]
        if self._camera_problem:
            missing.append(self._camera_problem)
        if missing:
            return Status(Level.WARN, "; ".join(missing), values)
        if not self._rate.per_s:
            return Status(Level.WARN, "no frame was worked through: does anyone listen?", values)
        return Status(Level.OK, "finding people", values)


def main() -> int:
    """Run the node."""
    return run(PeopleNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
