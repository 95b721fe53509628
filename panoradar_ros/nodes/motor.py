"""Motor node: homes and spins the turntable, and tells its angle."""

import sys
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from rclpy.task import Future as RosFuture
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from mmwave.resources import share_path
from mmwave.ros.diagnostics import Key, Level, Rate, Status
from mmwave.ros.messages import joint_state, to_header
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from mmwave.ros.publishing import reliable_qos
from panoradar_ros.hardware.errors import HardwareError
from panoradar_ros.hardware.stepper import StepperConfiguration, StepperReading, TicStepper
from panoradar_ros.hardware.turntable import Turntable, TurntableState, revolutions_per_s
from panoradar_ros.nodes.motor_parameters import PARAMETERS

LEVELS = {
    TurntableState.STOPPED: Level.OK,
    TurntableState.HOMING: Level.OK,
    TurntableState.SPINNING: Level.OK,
    TurntableState.FAULT: Level.ERROR,
    TurntableState.LOST: Level.ERROR,
}


class MotorNode(LifecycleNode):
    """Turntable on ``joint_states``, and services ``~/start stop home emergency_stop``."""

    USER_ERRORS = (ValueError, OSError, HardwareError)
    PARAMETERS = PARAMETERS

    def __init__(self, **options: Any) -> None:
        self._turntable: Turntable | None = None
        super().__init__("motor", **options)

    def configure(self) -> None:
        """Open the controller's port."""
        values = self.parameters
        self._stepper = TicStepper(
            values["serial_port"],
            StepperConfiguration(
                baud_rate=values["baud_rate"],
                microsteps_per_step=values["microsteps_per_step"],
                gear_ratio=values["gear_ratio"],
                direction=values["direction"],
                index_offset_rad=values["index_offset_rad"],
                acceleration_revolutions_per_s2=values["acceleration_revolutions_per_s2"],
                home_timeout_s=values["home_timeout_s"],
                slip_tolerance_rad=values["slip_tolerance_rad"],
            ),
        )
        self._stepper.connect()
        self.until_cleanup.callback(self._stepper.disconnect)
        self._joint_states = self.handover_publisher(
            JointState, "joint_states", lambda message: message, reliable_qos(depth=50)
        )
        self._rate = Rate()
        self.diagnostics(values["serial_port"]).add("turntable", self._status)
        for name, order in {"start": "spin", "stop": "stop", "home": "home"}.items():
            self.service(Trigger, f"~/{name}", partial(self._serve, order))
        self.service(Trigger, "~/emergency_stop", self._serve_emergency_stop)

    def activate(self) -> None:
        """Start polling, and spin if told so."""
        turntable = Turntable(
            self._stepper,
            self.parameters["revolutions_per_s"],
            on_reading=self._publish,
            on_change=self._tell,
        )
        self._turntable = turntable
        self.until_deactivate.callback(setattr, self, "_turntable", None)
        period_s = 1 / self.parameters["poll_rate_hz"]
        if self.parameters["spin_at_start"]:
            turntable.spin()
        self.work("turntable", lambda stop: turntable.run(stop, period_s))
        self.until_deactivate.callback(turntable.abandon_homing)

    def parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Turn at a new rate at once; it is the only parameter that may change."""
        if "revolutions_per_s" in values and self._turntable is not None:
            self._turntable.set_rate(values["revolutions_per_s"])

    def _publish(self, reading: StepperReading) -> None:
        self._rate.tick()
        self._joint_states.publish(
            joint_state(
                to_header(reading.time_ns, ""),
                self.parameters["joint"],
                reading.angle_rad,
                reading.velocity_rad_s,
            )
        )

    def _tell(self, what: str, bad: bool) -> None:
        if bad:
            self.get_logger().error(what)
        else:
            self.get_logger().info(what)

    async def _serve(
        self, order: str, _: Trigger.Request, answer: Trigger.Response
    ) -> Trigger.Response:
        """Order, and answer when it is done; the executor serves others meanwhile."""
        if self._turntable is None:
            answer.message = "the motor node is not active: activate it first"
            return answer
        done: RosFuture = RosFuture(executor=self.executor)

        def finished(future: "Future[str]") -> None:
            error = future.exception()
            done.set_result((error is None, str(error) if error else future.result()))

        getattr(self._turntable, order)().add_done_callback(finished)
        answer.success, answer.message = await done
        return answer

    def _serve_emergency_stop(
        self, _: Trigger.Request, answer: Trigger.Response
    ) -> Trigger.Response:
        try:
            if self._turntable is not None:
                answer.message = self._turntable.emergency_stop()
            else:
                self._stepper.emergency_stop()
                answer.message = "the motor is off"
            answer.success = True
        except HardwareError as error:
            answer.message = str(error)
        return answer

    def _status(self) -> Status:
        port = {Key.SERIAL_PORT: self._stepper.port}
        if self._turntable is None:
            return Status(Level.OK, "not active", port)
        turntable, line = self._turntable, self._stepper.statistics
        values: dict[str, Any] = {
            **port,
            "joint_states rate (Hz)": self._rate.per_s,
            "timeouts": line.timeouts,
            "CRC errors": line.crc_errors,
            "restarts": turntable.restarts,
        }
        if (reading := turntable.reading) is not None:
            values |= {
                "rate (revolutions/s)": revolutions_per_s(reading),
                "rotor lag (rad)": reading.slip_rad,
                "errors": ", ".join(sorted(reading.errors)),
                "timestamp age (s)": (self.get_clock().now().nanoseconds - reading.time_ns) / 1e9,
            }
        return Status(LEVELS[turntable.state], turntable.problem or turntable.state.value, values)


def main() -> int:
    """Run the motor node."""
    return run(MotorNode, profile=share_path("config/fastdds.xml"))


if __name__ == "__main__":
    sys.exit(main())
