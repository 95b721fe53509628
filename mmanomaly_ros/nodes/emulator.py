"""Emulator of a watched scene: a fixed radar, an RGB-D camera, and the truth about it."""

import sys
import threading
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from tqdm import tqdm
from visualization_msgs.msg import MarkerArray

from mmanomaly_ros.nodes.anomaly_markers import TRUE_COLOUR, place_markers
from mmanomaly_ros.nodes.camera_messages import camera_info
from mmanomaly_ros.nodes.emulated_scene import CameraFaults, EmulatedCamera
from mmanomaly_ros.nodes.emulator_parameters import PARAMETERS
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import LINES
from mmwave.camera import RGBD_CAMERA
from mmwave.emulation.fixed import EmulatedFixedRadar
from mmwave.emulation.link import LinkFaults
from mmwave.emulation.ports import link_port, unlink_port
from mmwave.resources import port_folder, share_path
from mmwave.ros.diagnostics import Level, Status
from mmwave.ros.messages import image, to_header
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, sensor_qos
from mmwave.simulation.recording import RecordingError
from mmwave.simulation.watch_recording import record_watch

PORT = "watch"
ASLEEP_NS = 1_000_000_000
"""Images that are later are not made up for: the machine was asleep."""


class EmulatorNode(LifecycleNode):
    """A radar on a pseudo-terminal, its capture card on UDP, images on ``camera/...``; the truth on
    ``sim/anomaly``.

    The serial port is found under a fixed name, ``watch``.

    Attributes:
        radar: the emulated device, while the node is active.
        images: sent so far.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (ValueError, OSError, RecordingError)

    def __init__(self, **options: Any) -> None:
        self.radar: EmulatedFixedRadar | None = None
        self.images = 0
        super().__init__("scene_emulator", **options)

    def configure(self) -> None:
        """Open or simulate the recording."""
        values = self.parameters.values()
        self.get_logger().info("preparing the scene; simulating it takes up to two minutes")
        self._recording = record_watch(
            values["watch"],
            values["seed"],
            values["anomalous"],
            values["seconds"],
            WATCH_WAVEFORM,
            LINES[values["watch"]],
            progress=partial(tqdm, disable=None, unit="frame", desc="simulating"),
        )
        faults = CameraFaults(
            values["camera_dark"],
            values["depth_holes"],
            float(np.deg2rad(values["camera_turn_deg"])),
            values["seed"],
        )
        self._faulty = EmulatedCamera(self._recording, faults)
        self._sound = EmulatedCamera(self._recording, CameraFaults())
        columns, rows = RGBD_CAMERA.size_px
        small = sensor_qos(4 * columns * rows)
        self._colour = self.publisher(Image, "camera/color/image_raw", small)
        self._depth = self.publisher(Image, "camera/depth/image_rect_raw", small)
        self._info = self.publisher(CameraInfo, "camera/camera_info", sensor_qos(1_000))
        self._truth = self.publisher(MarkerArray, "sim/anomaly", reliable_qos())
        self.diagnostics("emulated scene").add("scene", self._status)

    def activate(self) -> None:
        """Switch radar and camera on."""
        values = self.parameters.values()
        link = Path(values["port_folder"] or port_folder()) / PORT
        epoch_ns = time.time_ns()
        radar = EmulatedFixedRadar(
            self._recording.samples,
            WATCH_WAVEFORM,
            epoch_ns,
            LinkFaults(loss=values["loss"], seed=values["seed"]),
            host_address=values["host_address"],
            device_address=values["device_address"],
            control_port=values["control_port"],
            data_port=values["data_port"],
        )
        self.until_deactivate.callback(radar.stop)
        radar.start()
        self.radar = radar
        link_port(link, radar.radar_port)
        self.until_deactivate.callback(unlink_port, link, radar.radar_port)
        self.work("camera", partial(self._film, radar, epoch_ns))
        self.get_logger().info(f"radar on {link}")

    def _film(self, radar: EmulatedFixedRadar, epoch_ns: int, stop: threading.Event) -> None:
        """Send the images of every frame when the radar begins it, or late."""
        period_ns = round(WATCH_WAVEFORM.frame_period_s * 1e9)
        delay_ns = round(self.parameters["camera_delay_s"] * 1e9)
        fault_ns = epoch_ns + round(self.parameters["camera_fault_after_s"] * 1e9)
        under_way: deque[tuple[int, int]] = deque()
        next_ns = epoch_ns
        while not stop.wait(max(0.0, (next_ns - time.time_ns()) * 1e-9)):
            number = radar.frame_at(next_ns)
            self._publish_truth(number, next_ns)
            under_way.append((next_ns, number))
            while under_way and under_way[0][0] + delay_ns <= next_ns:
                at_ns, number = under_way.popleft()
                self._publish_images(at_ns, number, faulty=at_ns >= fault_ns)
            next_ns += period_ns
            if (late_ns := time.time_ns() - next_ns) > ASLEEP_NS:
                next_ns += late_ns - late_ns % period_ns

    def _publish_images(self, at_ns: int, number: int, faulty: bool) -> None:
        values = self.parameters
        camera = self._faulty if faulty else self._sound
        stamp_ns = at_ns + round(values["camera_clock_s"] * 1e9)
        header = to_header(stamp_ns, values["camera_frame_id"])
        self._info.publish(lambda: camera_info(RGBD_CAMERA, header))
        self._colour.publish(lambda: image(camera.colour(number), "rgb8", header))
        if not (faulty and values["no_depth"]):
            self._depth.publish(lambda: image(camera.depth_m(number), "32FC1", header))
        self.images += 1

    def _publish_truth(self, number: int, at_ns: int) -> None:
        header = to_header(at_ns, self.parameters["frame_id"])
        place_m = self._recording.position_m[number : number + 1]
        there = place_m[self._recording.anomalous[number : number + 1]]
        self._truth.publish(lambda: place_markers(there, np.ones(len(there)), header, TRUE_COLOUR))

    def _status(self) -> Status:
        radar = self.radar
        if not self.is_active or radar is None:
            return Status(Level.OK, "not active")
        values = {
            "port": radar.radar_port,
            "frames": radar.frames_sent,
            "packets lost": radar.injected.lost_packets,
            "images": self.images,
        }
        return Status(Level.OK, "playing" if radar.frames_sent else "waiting", values)


def main() -> int:
    """Run the node."""
    return run(EmulatorNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
