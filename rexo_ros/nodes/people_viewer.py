"""People viewer node: tracks, heatmaps and the truth in Rerun."""

import sys
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import Marker, MarkerArray

from mmwave.resources import share_path
from mmwave.ros.messages import pixels_of, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.parameters import Parameter
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.viewer_server import MODES, Viewer, ViewerError
from rexo_ros.space import LATERAL, Space
from rexo_ros.viewer import RoomLog, layout

HEATMAP_PERIOD_S = 0.2
VIEWS = tuple(LATERAL)

PARAMETERS = (
    Parameter(
        "mode",
        "web",
        "native opens a window, web serves a page to this machine, file writes an .rrd file",
        choices=MODES,
        read_only=True,
    ),
    Parameter("path", "", "File to write in mode file", read_only=True),
    Parameter(
        "web_port", 9090, "Port of the page; 0 for any", minimum=0, maximum=65535, read_only=True
    ),
    Parameter(
        "grpc_port",
        9876,
        "Port of the recording; 0 for any",
        minimum=0,
        maximum=65535,
        read_only=True,
    ),
)


class PeopleViewerNode(LifecycleNode):
    """Shows what the people node publishes, and in simulation the truth.

    Attributes:
        shown: messages so far.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ViewerError)

    def __init__(self, **options: Any) -> None:
        super().__init__("people_viewer", **options)
        self._room: RoomLog | None = None
        self._last_s: dict[str, float] = {}
        self.shown = 0

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
        if viewer.recording is not None:
            self._room = RoomLog(viewer.recording, Space())
        if viewer.address:
            self.get_logger().info(f"open {viewer.address} in a browser on this machine")

    def activate(self) -> None:
        """Subscribe, where there is anything to show it in."""
        if self._room is None:
            return
        self.subscriber(MarkerArray, "people/tracks", self._show_tracks, reliable_qos())
        self.subscriber(MarkerArray, "sim/people", self._show_truth, reliable_qos())
        for view in VIEWS:
            show = partial(self._show_heatmap, view)
            self.subscriber(Image, f"people/heatmap_{view}", show, sensor_qos(131_072))

    def _show_tracks(self, message: Any) -> None:
        if self._room is not None:
            numbers, boxes_m = cubes(message)
            self._room.log_tracks(_stamp_ns(message), numbers, boxes_m)
            self.shown += 1

    def _show_truth(self, message: Any) -> None:
        if self._room is not None:
            self._room.log_truth(_stamp_ns(message), cubes(message)[1])
            self.shown += 1

    def _show_heatmap(self, view: str, message: Any) -> None:
        now_s = time.monotonic()
        if self._room is None or now_s - self._last_s.get(view, -1e9) < HEATMAP_PERIOD_S:
            return
        self._last_s[view] = now_s
        self._room.log_heatmap(to_time_ns(message.header.stamp), view, pixels_of(message))
        self.shown += 1


def cubes(message: Any) -> tuple[list[int], NDArray[np.float64]]:
    """Numbers and (N, 6) boxes, centre and size, of a message's cubes."""
    found = [one for one in message.markers if one.action == Marker.ADD and one.type == Marker.CUBE]
    boxes = [
        [*(getattr(one.pose.position, axis) for axis in "xyz"),
         *(getattr(one.scale, axis) for axis in "xyz")]
        for one in found
    ]  # fmt: skip
    return [int(one.id) for one in found], np.array(boxes, np.float64).reshape(-1, 6)


def _stamp_ns(message: Any) -> int:
    return to_time_ns(message.markers[0].header.stamp)


def main() -> int:
    """Run the node."""
    return run(PeopleViewerNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
