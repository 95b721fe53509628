"""Watcher node: collects people, tracks, heatmaps and the truth, to be scored and drawn."""

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import ImageMarker, Marker, MarkerArray

from mmwave.ros.messages import pixels_of, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos
from rexo_ros.live_score import Seen
from rexo_ros.space import LATERAL

VIEWS = tuple(LATERAL)


@dataclass
class Watched:
    """Everything so far.

    It grows in the executor's thread: others take a copy (:meth:`.NodeProcess.copied`).

    Attributes:
        tracks: by their stamp in ns.
        truth: likewise.
        latency_s: from a frame to the arrival of its tracks.
        arrival_s: monotonic time of each arrival.
        heatmaps: the last of each view, dB.
        image_boxes: in the last frame.
        diagnostics: last values by status name and key.
    """

    tracks: dict[int, list[Seen]] = field(default_factory=dict)
    truth: dict[int, list[Seen]] = field(default_factory=dict)
    latency_s: list[float] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    heatmaps: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    image_boxes: int = 0
    diagnostics: dict[str, dict[str, str]] = field(default_factory=dict)


class WatcherNode(LifecycleNode):
    """Listens to the people node and to the emulator.

    Attributes:
        seen: so far.
        first: set when tracks came for the first time, of anybody or nobody.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("watcher", **options)
        self.seen = Watched()
        self.first = threading.Event()

    def activate(self) -> None:
        """Listen."""
        self.subscriber(MarkerArray, "people/tracks", self._take_tracks, reliable_qos())
        self.subscriber(MarkerArray, "sim/people", self._take_truth, reliable_qos())
        self.subscriber(ImageMarker, "people/image_boxes", self._take_boxes, reliable_qos())
        self.subscriber(DiagnosticArray, "/diagnostics", self._take_status, reliable_qos())
        for view in VIEWS:
            take = partial(self._take_heatmap, view)
            self.subscriber(Image, f"people/heatmap_{view}", take, sensor_qos(131_072))

    def _take_tracks(self, message: Any) -> None:
        stamp = to_time_ns(message.markers[0].header.stamp)
        self.seen.tracks[stamp] = _cubes(message)
        self.seen.latency_s.append(self.get_clock().now().nanoseconds * 1e-9 - stamp * 1e-9)
        self.seen.arrival_s.append(time.monotonic())
        self.first.set()

    def _take_heatmap(self, view: str, message: Any) -> None:
        self.seen.heatmaps[view] = pixels_of(message)

    def _take_truth(self, message: Any) -> None:
        self.seen.truth[to_time_ns(message.markers[0].header.stamp)] = _cubes(message)

    def _take_boxes(self, message: Any) -> None:
        self.seen.image_boxes = len(message.points) // 8

    def _take_status(self, message: Any) -> None:
        for status in message.status:
            values = {one.key: one.value for one in status.values}
            self.seen.diagnostics[status.name] = {"message": status.message, **values}


def _cubes(message: Any) -> list[Seen]:
    return [
        Seen(int(marker.id), marker.pose.position.x, marker.pose.position.y)
        for marker in message.markers
        if marker.action == Marker.ADD and marker.type == Marker.CUBE
    ]
