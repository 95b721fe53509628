"""Emulator of both fixed radars: they look into a simulated room, and the truth about it."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo
from tqdm import tqdm
from visualization_msgs.msg import MarkerArray

from mmwave.emulation.fixed import EmulatedFixedRadar
from mmwave.emulation.link import LinkFaults
from mmwave.emulation.ports import link_port, unlink_port
from mmwave.resources import port_folder, share_path
from mmwave.ros.diagnostics import Level, Status
from mmwave.ros.messages import to_header
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.simulation.recording import RecordingError
from mmwave.simulation.room_recording import record_room
from rexo_ros.camera import MOUNTED_CAMERA
from rexo_ros.detections import Detections
from rexo_ros.heatmaps import ROOM_WAVEFORM
from rexo_ros.nodes.emulated_room import true_boxes_m
from rexo_ros.nodes.emulator_parameters import PARAMETERS
from rexo_ros.nodes.people_markers import box_markers
from rexo_ros.space import LATERAL

VIEWS = tuple(LATERAL)


class EmulatorNode(LifecycleNode):
    """Two radars on pseudo-terminals, their capture cards on UDP; ``sim/people``, ``camera_info``.

    The serial ports are found under fixed names, ``horizontal`` and ``vertical``.

    Attributes:
        radars: the emulated devices by view, while the node is active.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (ValueError, OSError, RecordingError)

    def __init__(self, **options: Any) -> None:
        self.radars: dict[str, EmulatedFixedRadar] = {}
        self._epoch_ns = 0
        super().__init__("room_emulator", **options)

    def configure(self) -> None:
        """Open or simulate the recording."""
        values = self.parameters.values()
        self.get_logger().info("preparing the room; simulating it takes up to two minutes")
        self._recording = record_room(
            values["seed"],
            values["session"],
            values["people"],
            values["seconds"],
            ROOM_WAVEFORM,
            progress=partial(tqdm, disable=None, unit="frame", desc="simulating"),
        )
        self._people = self.publisher(MarkerArray, "sim/people", reliable_qos())
        self._camera = self.publisher(CameraInfo, "camera_info", sensor_qos(1_000))
        self.diagnostics("emulated radars").add("radars", self._status)

    def activate(self) -> None:
        """Switch the devices on."""
        values = self.parameters.values()
        folder = Path(values["port_folder"] or port_folder())
        self._epoch_ns = time.time_ns()
        for view in VIEWS:
            radar = EmulatedFixedRadar(
                self._recording.samples[view],
                ROOM_WAVEFORM,
                self._epoch_ns,
                LinkFaults(loss=values["loss"], seed=VIEWS.index(view)),
                host_address=values["host_address"],
                device_address=values[f"{view}_address"],
                control_port=values[f"{view}_control_port"],
                data_port=values[f"{view}_data_port"],
            )
            self.until_deactivate.callback(radar.stop)
            radar.start()
            self.radars[view] = radar
            link_port(folder / view, radar.radar_port)
            self.until_deactivate.callback(unlink_port, folder / view, radar.radar_port)
        self.until_deactivate.callback(self.radars.clear)
        self.get_logger().info(f"radars on {folder}/horizontal and {folder}/vertical")
        self.repeat(1 / values["truth_rate_hz"], self._publish_truth)

    def _publish_truth(self) -> None:
        now_ns = time.time_ns()
        header = to_header(now_ns, self.parameters["frame_id"])
        passed_s = ((now_ns - self._epoch_ns) * 1e-9) % self._recording.duration_s
        self._people.publish(lambda: self._truth(passed_s, header))
        self._camera.publish(lambda: _camera_info(to_header(now_ns, "camera")))

    def _truth(self, passed_s: float, header: Any) -> MarkerArray:
        boxes_m = true_boxes_m(self._recording.room, passed_s)
        return box_markers(Detections(boxes_m, np.ones(len(boxes_m)), None), header)

    def _status(self) -> Status:
        if not self.radars:
            return Status(Level.OK, "not active")
        values: dict[str, Any] = {}
        for view, radar in self.radars.items():
            values[f"{view} port"] = radar.radar_port
            values[f"{view} frames"] = radar.frames_sent
            values[f"{view} packets lost"] = radar.injected.lost_packets
        sent = any(radar.frames_sent for radar in self.radars.values())
        return Status(Level.OK, "playing" if sent else "waiting", values)


def _camera_info(header: Any) -> CameraInfo:
    """Of a camera beside the radars; there is no image."""
    camera = MOUNTED_CAMERA
    message = CameraInfo()
    message.header = header
    message.width, message.height = camera.size_px
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    message.distortion_model, message.d = "plumb_bob", [0.0] * 5
    message.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def main() -> int:
    """Run the node."""
    return run(EmulatorNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
