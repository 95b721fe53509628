"""Emulator node: the robot's devices, playing a simulated drive, and the truth about it."""

import sys
import time
from pathlib import Path
from typing import Any

from nav_msgs.msg import Odometry
from visualization_msgs.msg import Marker

from mmwave.emulation.ports import link_port, unlink_port
from mmwave.emulation.rig import EmulatedRig
from mmwave.resources import port_folder, share_path
from mmwave.ros.adapter import tf_broadcaster
from mmwave.ros.diagnostics import Key, Level, Status
from mmwave.ros.messages import to_header, transform
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos, static_qos
from mmwave.simulation.recording import RecordingError
from panoradar_ros.nodes.emulated_world import (
    building_marker,
    link_faults,
    open_drive,
    rotor_faults,
    truth,
)
from panoradar_ros.nodes.emulator_parameters import PARAMETERS


class EmulatorNode(LifecycleNode):
    """Radar and stepper on pseudo-terminals, capture card on UDP; ``sim/odometry, sim/building``.

    The serial ports are found under fixed names, ``radar`` and ``stepper`` in ``port_folder``.

    Attributes:
        rig: the emulated devices, while the node is active.
    """

    PARAMETERS = PARAMETERS
    USER_ERRORS = (ValueError, OSError, RecordingError)

    def __init__(self, **options: Any) -> None:
        self.rig: EmulatedRig | None = None
        super().__init__("emulator", **options)

    def configure(self) -> None:
        """Open or simulate the drive."""
        values = self.parameters
        self.get_logger().info("preparing the drive; simulating it takes up to a minute")
        self._recording = open_drive(values["recording"], values["style"], values["seed"])
        self.get_logger().info(f"the drive is in {self._recording.folder}")
        self._odometry = self.publisher(Odometry, "sim/odometry", reliable_qos())
        self._building = self.publisher(Marker, "sim/building", static_qos())
        self._transforms = tf_broadcaster(self, static=True)
        self.diagnostics("emulated devices").add("devices", self._status)

    def activate(self) -> None:
        """Switch the devices on."""
        values = self.parameters.values()
        rig = EmulatedRig(
            self._recording,
            link_faults(values),
            rotor_faults(values),
            host_address=values["host_address"],
            device_address=values["device_address"],
            control_port=values["control_port"],
            data_port=values["data_port"],
        )
        self.until_deactivate.callback(rig.stop)
        rig.start()
        self.rig = rig
        self.until_deactivate.callback(setattr, self, "rig", None)
        folder = Path(values["port_folder"] or port_folder())
        for name, port in {"radar": rig.radar_port, "stepper": rig.stepper_port}.items():
            link_port(folder / name, port)
            self.until_deactivate.callback(unlink_port, folder / name, port)
        self.get_logger().info(
            f"radar on {folder}/radar, stepper on {folder}/stepper, capture card on "
            f"{values['device_address']}"
        )
        self._show_world()
        self.repeat(1 / values["truth_rate_hz"], self._publish_truth)

    def _show_world(self) -> None:
        """The building, and where in it the odometry starts."""
        header = to_header(time.time_ns(), self.parameters["map_frame_id"])
        self._building.publish(lambda: building_marker(self._recording.scene, header))
        start = self._recording.trajectory.pose(0.0)
        place = (float(start.x_m), float(start.y_m), 0.0)
        self._transforms.sendTransform(
            transform(header, self.parameters["odom_frame_id"], place, float(start.yaw_rad))
        )

    def _publish_truth(self) -> None:
        rig, now_ns = self.rig, time.time_ns()
        if rig is None:
            return
        header = to_header(now_ns, self.parameters["map_frame_id"])
        self._odometry.publish(
            lambda: truth(
                self._recording, rig.truth(now_ns), header, self.parameters["base_frame_id"]
            )
        )

    def _status(self) -> Status:
        rig = self.rig
        if rig is None:
            return Status(Level.OK, "not active")
        statistics, link = rig.statistics, rig.statistics.link
        values = {
            Key.IP_ADDRESS: self.parameters["device_address"],
            "radar port": rig.radar_port,
            "stepper port": rig.stepper_port,
            "frames as recorded": statistics.exact_frames,
            "frames put together": statistics.gathered_frames,
            "frames of the standing robot": statistics.still_frames,
            "drives": statistics.drives,
            "packets lost": link.lost_packets,
            "injected lost fraction": link.lost_fraction,
            "packets reordered": link.reordered,
            "packets duplicated": link.duplicated,
            "serial bytes lost": statistics.serial_bytes_lost,
        }
        return Status(Level.OK, "playing" if statistics.drives else "waiting", values)


def main() -> int:
    """Run the emulator node."""
    return run(EmulatorNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
