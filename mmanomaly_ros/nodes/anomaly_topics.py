"""What the anomaly node publishes."""

import array
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import OccupancyGrid
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.floor_grid import FloorGrid
from mmanomaly_ros.live import Judged
from mmanomaly_ros.nodes.anomaly_markers import place_markers
from mmanomaly_ros.nodes.anomaly_vision import VisionTopics
from mmanomaly_ros.pictures import side_by_side
from mmanomaly_ros.spectrum import CHANNELS
from mmanomaly_ros.watch import ANGLES, RANGES, is_upright, watch_id
from mmwave.ros import messages
from mmwave.ros.diagnostics import Level, Status, status_message
from mmwave.ros.node import LifecycleNode
from mmwave.ros.publishing import reliable_qos, sensor_qos, static_qos
from mmwave.waveform import Waveform

LEVELS = {
    AlarmState.NORMAL: Level.OK,
    AlarmState.ANOMALY: Level.ERROR,
    AlarmState.UNKNOWN: Level.WARN,
}
NOWHERE = np.zeros((0, 2)), np.zeros(0)


class AnomalyTopics:
    """The publishers of the anomaly node, until its cleanup.

    Args:
        node: the anomaly node.
        waveform: of the radar.
    """

    def __init__(self, node: LifecycleNode, waveform: Waveform) -> None:
        values = node.parameters
        self._name, self._frame_id = node.get_name(), values["frame_id"]
        self._upright = is_upright(watch_id(values["watch"]))
        self._grid = FloorGrid(waveform.range_bin_m, upright=self._upright)
        spectrum = sensor_qos(4 * len(CHANNELS) * RANGES * ANGLES)
        self._measured = node.publisher(Image, "anomaly/measured", spectrum)
        self._expected = node.publisher(Image, "anomaly/expected", spectrum)
        self._spread = node.publisher(Image, "anomaly/spread", spectrum)
        self._heatmap = node.publisher(Image, "anomaly/heatmap", sensor_qos(4 * RANGES * ANGLES))
        self._cells = node.publisher(OccupancyGrid, "anomaly/grid", reliable_qos())
        self._markers = node.publisher(MarkerArray, "anomaly/markers", reliable_qos())
        self._depth = node.publisher(Image, "anomaly/depth", sensor_qos(1_000_000))
        self._image: Any = None
        if not values["keep_rgb_private"]:
            self._image = node.publisher(Image, "anomaly/image", sensor_qos(1_000_000))
        self._state = node.publisher(DiagnosticArray, "anomaly/state", static_qos())
        self._vision = VisionTopics(node, values["watch"])

    def publish(self, one: Judged, camera_frame_id: str) -> None:
        """Publish everything that someone listens to; what is not known is not published, but for
        the grid, whose cells are all unseen then, and the markers, which are none: places are
        told in an alarm.

        Args:
            one: what is said of a frame.
            camera_frame_id: of the images.
        """
        time_ns = round(one.time_s * 1e9)
        header = messages.to_header(time_ns, self._frame_id)
        found = one.found
        places, confidence = NOWHERE
        if found is not None:
            if one.state is AlarmState.ANOMALY:  # what stands out a little is no detection
                places, confidence = found.peaks.position_m, found.peaks.confidence
            mean_db, spread_db = found.expectation.mean_db, found.expectation.spread_db
            self._publish_spectrum(self._expected, mean_db, header)
            self._publish_spectrum(self._spread, spread_db, header)
            heatmap = found.heatmap
            self._heatmap.publish(lambda: _picture(heatmap, header))
        if one.measured_db is not None:
            self._publish_spectrum(self._measured, one.measured_db, header)
        self._cells.publish(lambda: self._floor(None if found is None else found.heatmap, header))
        self._markers.publish(lambda: place_markers(places, confidence, header, arcs=self._upright))
        self._vision.publish(places, confidence, header)
        self._publish_camera(one, messages.to_header(time_ns, camera_frame_id))
        self.publish_state(one, time_ns)

    def publish_state(self, one: Judged, time_ns: int) -> None:
        """Publish the alarm's state alone, kept for who comes later."""
        self._state.publish(lambda: state_message(one, self._name, time_ns))

    def _publish_spectrum(
        self, publisher: Any, spectrum: NDArray[np.floating], header: Header
    ) -> None:
        publisher.publish(lambda: _picture(side_by_side(spectrum), header))

    def _publish_camera(self, one: Judged, header: Header) -> None:
        depth_m, rgb = one.depth_m, one.rgb
        if depth_m is not None:
            self._depth.publish(lambda: _picture(depth_m, header))
        if rgb is not None and self._image is not None:
            self._image.publish(lambda: messages.image(rgb, "rgb8", header))

    def _floor(self, heatmap: NDArray[np.floating] | None, header: Header) -> OccupancyGrid:
        cells = self._grid.cells(heatmap)
        message = OccupancyGrid()
        message.header = header
        message.info.map_load_time = header.stamp
        message.info.resolution = self._grid.cell_m
        # rows go to the left, columns ahead: y and x of the radar's frame
        message.info.height, message.info.width = cells.shape
        left_m, depth_m = self._grid.corner_m
        message.info.origin.position.x, message.info.origin.position.y = depth_m, left_m
        message.info.origin.orientation.w = 1.0
        message.data = array.array("b", cells.tobytes())
        return message


def _picture(values: NDArray[np.floating], header: Header) -> Image:
    return messages.image(np.asarray(values, np.float32), "32FC1", header)


def said(one: Judged) -> str:
    """The state in words, with the reason where it is unknown."""
    return f"{one.state}: {one.reason}" if one.reason else str(one.state)


def values_of(one: Judged) -> dict[str, Any]:
    """Figures of a frame for diagnostics."""
    values: dict[str, Any] = {"state": str(one.state), "images_apart_s": float(one.apart_s)}
    if one.found is not None:
        values["score"] = float(one.found.score)
        if np.isfinite(novelty := one.found.expectation.wall_novelty):
            values["wall_novelty"] = float(novelty)
        peaks = zip(one.found.peaks.position_m, one.found.peaks.confidence, strict=True)
        for number, ((right_m, depth_m), sure) in enumerate(peaks):
            values[f"place_{number}"] = (
                f"{depth_m:.2f} m ahead, {right_m:+.2f} m right, confidence {sure:.2f}"
            )
    return values


def state_message(one: Judged, name: str, time_ns: int) -> DiagnosticArray:
    """The state as diagnostics with the frame's stamp.

    Args:
        one: what is said of the frame.
        name: of the node.
        time_ns: UNIX time.
    """
    message = DiagnosticArray()
    message.header = messages.to_header(time_ns, "")
    status = Status(LEVELS[one.state], said(one), values_of(one))
    message.status = [status_message(f"{name}: state", name, status)]
    return message
