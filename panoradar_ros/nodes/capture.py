"""Capture node: configures the radar, receives its samples and hands them over."""

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from sensor_msgs.msg import PointCloud2

from mmwave.dca1000 import PositionBlock, RecentLoss
from mmwave.resources import share_path
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import sensor_qos
from mmwave.ros.raw import point_layout, to_cloud
from mmwave.waveform import Waveform
from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.radar import RadarFrontEnd, check_waveform
from panoradar_ros.nodes.capture_parameters import PARAMETERS, WAVEFORM_FIELDS

SILENT_S = 1.0
"""Without a frame for this long the diagnostics are an error."""

LOSS_WINDOW_S = 5.0
"""The diagnostics warn of what was lost in this time."""


class CaptureNode(LifecycleNode):
    """Raw samples with time and validity of every position on ``radar/raw``."""

    PARAMETERS = PARAMETERS
    USER_ERRORS = (ValueError, OSError, HardwareError)

    def __init__(self, **options: Any) -> None:
        super().__init__("capture", **options)

    def configure(self) -> None:
        """Open radar and capture card and configure them."""
        values = self.parameters
        self._waveform = self._waveform_of(values.values())
        self._radar = RadarFrontEnd(
            self._waveform,
            values["serial_port"],
            host_address=values["host_address"],
            device_address=values["device_address"],
            control_port=values["control_port"],
            data_port=values["data_port"],
        )
        self._radar.connect()
        self.until_cleanup.callback(self._radar.disconnect)
        frame_id = values["frame_id"]
        size_bytes = point_layout(self._waveform).itemsize * self._waveform.loops_per_frame
        self._raw = self.handover_publisher(
            PointCloud2,
            "radar/raw",
            lambda block: to_cloud(block, frame_id),
            sensor_qos(size_bytes, depth=40),
        )
        self._frames, self._loss = Rate(), RecentLoss(window_s=LOSS_WINDOW_S)
        self.diagnostics(values["serial_port"]).add("radar", self._status)

    def activate(self) -> None:
        """Start the radar, and receive in a thread of its own."""
        self._radar.start()
        self._last_ns, self._arrived_s = 0, float("-inf")
        self.work("capture", self._capture)
        self.until_deactivate.callback(self._radar.stop)

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """Refuse numbers that do not make a waveform together."""
        try:
            check_waveform(self._waveform_of(values))
        except ValueError as error:
            return str(error)
        return ""

    @staticmethod
    def _waveform_of(values: Mapping[str, Any]) -> Waveform:
        return Waveform(**{name: values[name] for name in WAVEFORM_FIELDS})

    def _capture(self, stop: threading.Event) -> None:
        for block in self._radar.blocks():
            if stop.is_set():
                return
            self._take(block)

    def _take(self, block: PositionBlock) -> None:
        self._frames.tick()
        self._last_ns, self._arrived_s = int(block.time_ns[-1]), time.monotonic()
        self._raw.publish(block)

    def _status(self) -> Status:
        statistics, rate_hz = self._radar.statistics, self._frames.per_s
        recent_loss = self._loss.update(statistics)
        values: dict[str, Any] = {
            Key.SERIAL_PORT: self.parameters["serial_port"],
            Key.IP_ADDRESS: self.parameters["device_address"],
            Key.IP_PORT: self.parameters["data_port"],
            Key.PRODUCT_NAME: "AWR1843 with DCA1000",
            "frames (Hz)": rate_hz,
            "positions (Hz)": rate_hz * self._waveform.loops_per_frame,
            "megabits per second": statistics.megabits_per_s,
            "lost fraction": statistics.lost_fraction,
            f"lost fraction, last {LOSS_WINDOW_S:g} s": recent_loss,
            "incomplete frames": statistics.incomplete_frames,
            "late packets": statistics.late,
            "too late packets": statistics.too_late,
            "duplicate packets": statistics.duplicate,
            "malformed packets": statistics.malformed,
            "foreign packets": statistics.foreign,
            "dropped by the kernel": statistics.kernel_dropped,
            "restarts of the device": statistics.restarts,
            "reconnects": self._radar.reconnects,
        }
        if not self.is_active:
            return Status(Level.OK, "not active", values)
        if self._last_ns:
            now_ns = self.get_clock().now().nanoseconds
            values["timestamp age (s)"] = (now_ns - self._last_ns) / 1e9
        if time.monotonic() - self._arrived_s > SILENT_S:
            return Status(Level.ERROR, self._radar.problem or "no samples arrive", values)
        if recent_loss > self.parameters["loss_warning_fraction"]:
            return Status(Level.WARN, f"{recent_loss:.2%} of samples lost", values)
        return Status(Level.OK, "capturing", values)


def main() -> int:
    """Run the capture node."""
    return run(CaptureNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
