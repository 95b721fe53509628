"""Diagnostics of a node on /diagnostics, once a second (REP-107)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import rclpy.node
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from mmwave.ros.publishing import RCLError, reliable_qos


class Level(Enum):
    """How bad it is, in the order of badness (REP-107)."""

    OK = DiagnosticStatus.OK
    WARN = DiagnosticStatus.WARN
    ERROR = DiagnosticStatus.ERROR
    STALE = DiagnosticStatus.STALE


class Key:
    """Names of values that several sensors have in common, as REP-138 writes them."""

    IP_ADDRESS = "IP Address"
    IP_PORT = "IP Port"
    SERIAL_PORT = "Serial Port"
    PRODUCT_NAME = "Product Name"
    DEVICE_STATUS = "Device Status"
    COMPUTED_LATENCY = "Computed Latency"
    USER_TIME_OFFSET = "User Time Offset"


@dataclass(frozen=True)
class Status:
    """State of one component.

    Attributes:
        level: how bad it is.
        message: one line for a person.
        values: figures by name; units in the names. Numbers are written with six digits.
    """

    level: Level
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def status_message(name: str, hardware_id: str, status: Status) -> DiagnosticStatus:
    """Make a ``DiagnosticStatus`` of a :class:`Status`."""
    message = DiagnosticStatus()
    message.level = status.level.value
    message.name = name
    message.hardware_id = hardware_id
    message.message = status.message
    for key, value in status.values.items():
        pair = KeyValue()
        pair.key, pair.value = key, _text(value)
        message.values.append(pair)
    return message


class Diagnostics:
    """Publishes what the components of a node say about themselves.

    Args:
        node: the node; its name leads every status name (``motor: turntable``).
        hardware_id: which device, such as a serial port or an address.
        period_s: time between publications.
    """

    def __init__(
        self, node: rclpy.node.Node, hardware_id: str = "", *, period_s: float = 1.0
    ) -> None:
        self._node = node
        self._hardware_id = hardware_id or node.get_name()
        self._components: dict[str, Callable[[], Status]] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", reliable_qos())
        self._timer = node.create_timer(period_s, self.publish)

    def add(self, component: str, status: Callable[[], Status]) -> None:
        """Ask ``status`` at every publication; an exception in it becomes an ERROR status."""
        self._components[component] = status

    def publish(self) -> None:
        """Publish now, without waiting for the next period."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        for component, ask in self._components.items():
            try:
                status = ask()
            except Exception as error:  # what watches the node must outlive what it watches
                status = Status(Level.ERROR, f"cannot tell its state: {error}")
            name = f"{self._node.get_name()}: {component}"
            message.status.append(status_message(name, self._hardware_id, status))
        try:
            self._publisher.publish(message)
        except RCLError as error:
            self._node.get_logger().debug(f"diagnostics were not sent: {error}")

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)


class Rate:
    """Events a second over the last few seconds; safe between threads.

    Args:
        window_s: time the rate is averaged over.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, window_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._events: list[tuple[float, float]] = []
        self._start_s = clock()

    def tick(self, amount: float = 1.0) -> None:
        """Count ``amount`` events now."""
        now_s = self._clock()
        recent_s = now_s - self._window_s
        self._events = [event for event in self._events if event[0] > recent_s] + [(now_s, amount)]

    @property
    def per_s(self) -> float:
        """Events a second; 0 when there were none in the window."""
        now_s = self._clock()
        since_s = max(now_s - self._window_s, self._start_s)
        total = sum(amount for at_s, amount in self._events if at_s > since_s)
        return total / max(now_s - since_s, 1e-3)
