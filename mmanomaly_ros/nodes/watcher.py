"""Watcher node: collects states, places, pictures and the truth, to be scored and drawn."""

import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from mmanomaly_ros.live_score import ANOMALY, Told
from mmanomaly_ros.nodes.anomaly_markers import places_of
from mmanomaly_ros.pictures import Snapshot, channels_of
from mmwave.ros.messages import pixels_of, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos

KEPT = 4
"""Frames whose pictures are kept until all of them have come."""
PARTS = ("measured", "expected", "heatmap", "depth", "image")


@dataclass
class Watched:
    """Everything so far; dictionaries by the frame's stamp in ns.

    It grows in the executor's thread: others take a copy (:meth:`.NodeProcess.copied`).

    Attributes:
        state: the last, in words.
        states: in words.
        places: (n, 2) right and depth that were told.
        truth: likewise, by stamps of its own.
        latency_s: from a frame to the arrival of its state.
        arrival_s: monotonic time of each arrival.
        parts: pictures of the last frames by name.
        snapshots: the last whole frame with an alarm and a place, and the last without an alarm.
        diagnostics: last values by status name and key.
    """

    state: str = ""
    states: dict[int, str] = field(default_factory=dict)
    places: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    truth: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    latency_s: list[float] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    parts: dict[int, dict[str, NDArray[Any]]] = field(default_factory=dict)
    snapshots: dict[bool, tuple[int, Snapshot]] = field(default_factory=dict)
    diagnostics: dict[str, dict[str, str]] = field(default_factory=dict)

    def told(self) -> dict[int, Told]:
        """What was told of every frame."""
        none = np.zeros((0, 2))
        return {
            stamp: Told(words.partition(":")[0], self.places.get(stamp, none))
            for stamp, words in self.states.items()
        }

    def snapshot(self, alarm: bool, upright: bool) -> Snapshot:
        """The last one with or without an alarm, with the truth of its time.

        Args:
            alarm: which.
            upright: the radar's line of antennas is.
        """
        stamp, seen = self.snapshots[alarm]
        nearest = min(self.truth, key=lambda one: abs(one - stamp), default=None)
        truth = np.zeros((0, 2)) if nearest is None else self.truth[nearest]
        return replace(seen, true_m=truth, upright=upright)


class WatcherNode(LifecycleNode):
    """Listens to the anomaly node and to the emulator.

    Attributes:
        seen: so far.
        told: set when anything was said for the first time.
        compared: set when a frame was compared for the first time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("watcher", **options)
        self.seen = Watched()
        self.told, self.compared = threading.Event(), threading.Event()

    def activate(self) -> None:
        """Listen."""
        self.subscriber(DiagnosticArray, "anomaly/state", self._take_state, reliable_qos())
        self.subscriber(DiagnosticArray, "/diagnostics", self._take_status, reliable_qos())
        self.subscriber(MarkerArray, "anomaly/markers", self._take_places, reliable_qos())
        self.subscriber(MarkerArray, "sim/anomaly", self._take_truth, reliable_qos())
        for name in PARTS:
            take = partial(self._take_part, name)
            self.subscriber(Image, f"anomaly/{name}", take, sensor_qos(0))

    def _take_state(self, message: Any) -> None:
        stamp = to_time_ns(message.header.stamp)
        self.seen.state = self.seen.states[stamp] = message.status[0].message
        self.seen.latency_s.append(1e-9 * (self.get_clock().now().nanoseconds - stamp))
        self.seen.arrival_s.append(time.monotonic())
        self.told.set()
        self._draw(stamp)

    def _take_places(self, message: Any) -> None:
        self.seen.places[to_time_ns(message.markers[0].header.stamp)] = places_of(message)

    def _take_truth(self, message: Any) -> None:
        self.seen.truth[to_time_ns(message.markers[0].header.stamp)] = places_of(message)

    def _take_part(self, name: str, message: Any) -> None:
        stamp = to_time_ns(message.header.stamp)
        pixels = pixels_of(message)
        spectrum = name in ("measured", "expected")
        parts = self.seen.parts
        parts.setdefault(stamp, {})[name] = channels_of(pixels) if spectrum else pixels
        for old in sorted(parts)[:-KEPT]:
            del parts[old]
        self._draw(stamp)

    def _draw(self, stamp: int) -> None:
        """Keep a frame once all of it has come."""
        parts, words = self.seen.parts.get(stamp, {}), self.seen.states.get(stamp)
        places = self.seen.places.get(stamp)
        if words is None or places is None or not {"measured", "expected", "heatmap"} <= set(parts):
            return
        self.compared.set()
        seen = Snapshot(
            words,
            True,
            parts.get("depth"),
            parts.get("image"),
            parts["measured"],
            parts["expected"],
            parts["heatmap"],
            places,
        )
        alarm = words == ANOMALY
        older = self.seen.snapshots.get(alarm)
        if alarm and older is not None and len(older[1].found_m) and not len(places):
            return  # the alarm outlasts what it is of, which is better to look at
        self.seen.snapshots[alarm] = (stamp, seen)

    def _take_status(self, message: Any) -> None:
        for status in message.status:
            values = {one.key: one.value for one in status.values}
            self.seen.diagnostics[status.name] = {"message": status.message, **values}
