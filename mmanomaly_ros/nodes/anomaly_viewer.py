"""Anomaly viewer node: depth, spectra, heatmap, places and the truth in Rerun."""

import sys
import time
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from mmanomaly_ros.nodes.anomaly_markers import places_of
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.viewer import PICTURES, WatchLog, layout
from mmwave.resources import share_path
from mmwave.ros.messages import pixels_of, to_time_ns
from mmwave.ros.node import LifecycleNode
from mmwave.ros.parameters import Parameter
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos
from mmwave.viewer_server import MODES, Viewer, ViewerError

PICTURE_PERIOD_S = 0.2

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


class AnomalyViewerNode(LifecycleNode):
    """Shows what the anomaly node publishes, and in simulation the truth.

    It reads no topic of the camera: colour is seen only where the anomaly node publishes it.

    Attributes:
        shown: messages so far.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (*LifecycleNode.USER_ERRORS, ViewerError)

    def __init__(self, **options: Any) -> None:
        super().__init__("anomaly_viewer", **options)
        self._log: WatchLog | None = None
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
            self._log = WatchLog(viewer.recording, WATCH_WAVEFORM.max_range_m)
        if viewer.address:
            self.get_logger().info(f"open {viewer.address} in a browser on this machine")

    def activate(self) -> None:
        """Subscribe, where there is anything to show it in."""
        if (log := self._log) is None:
            return
        self.subscriber(
            MarkerArray, "anomaly/markers", partial(self._show_places, log.log_found),
            reliable_qos(),
        )  # fmt: skip
        self.subscriber(
            MarkerArray, "sim/anomaly", partial(self._show_places, log.log_truth), reliable_qos()
        )
        self.subscriber(DiagnosticArray, "anomaly/state", self._show_state, static_qos())
        for name in PICTURES:
            qos = sensor_qos(100_000)
            self.subscriber(Image, f"anomaly/{name}", partial(self._show_picture, name), qos)

    def _show_places(self, log: Any, message: Any) -> None:
        log(to_time_ns(message.markers[0].header.stamp), places_of(message))
        self.shown += 1

    def _show_state(self, message: Any) -> None:
        if self._log is not None:
            stamp_ns = to_time_ns(message.header.stamp)
            self._log.log_state(stamp_ns, message.status[0].message)
            self.shown += 1

    def _show_picture(self, name: str, message: Any) -> None:
        now_s = time.monotonic()
        if self._log is None or now_s - self._last_s.get(name, -1e9) < PICTURE_PERIOD_S:
            return
        self._last_s[name] = now_s
        self._log.log_picture(to_time_ns(message.header.stamp), name, pixels_of(message))
        self.shown += 1


def main() -> int:
    """Run the node."""
    return run(AnomalyViewerNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
