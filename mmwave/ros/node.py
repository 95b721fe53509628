"""Base of all nodes: lifecycle with errors a user can read, parameters, lazy topics."""

import difflib
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

import rclpy.lifecycle
from lifecycle_msgs.msg import State
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile

from mmwave.ros.diagnostics import Diagnostics
from mmwave.ros.handover import HandoverPublisher, HandoverSubscriber
from mmwave.ros.parameters import Parameter, ParameterSet
from mmwave.ros.publishing import LazyPublisher, RCLError

WORKER_STOP_TIMEOUT_S = 5.0

AUTOSTART = Parameter(
    "autostart",
    False,
    "Configure and activate at start, without waiting for a lifecycle manager",
    read_only=True,
)
"""Every node has it."""


class LifecycleNode(rclpy.lifecycle.LifecycleNode):
    """A lifecycle node (unconfigured, inactive, active) that cleans up by itself.

    A node overrides :meth:`configure` and :meth:`activate`. What these acquire they push on
    ``self.until_cleanup`` and ``self.until_deactivate`` (the methods below do it for what they
    make); it is released in reverse order when the node leaves the state, also after a failure half
    way.

    A user's mistake (:attr:`USER_ERRORS`) becomes one line in the log and the transition fails;
    anything else is a bug, logged with its traceback, after which the node is unconfigured again.

    Attributes:
        PARAMETERS: declared at start beside :data:`AUTOSTART`; read as ``self.parameters["name"]``.
        USER_ERRORS: exceptions whose message is meant for the user.
    """

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    USER_ERRORS: ClassVar[tuple[type[Exception], ...]] = (ValueError, OSError)

    def __init__(self, name: str, **options: Any) -> None:
        self.until_cleanup = ExitStack()
        self.until_deactivate = ExitStack()
        self.is_active = False
        super().__init__(name, **options)
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._change_state_if_possible
        try:
            self.parameters = ParameterSet(
                self,
                (AUTOSTART, *self.PARAMETERS),
                check=self.check_parameters,
                changed=self.parameters_changed,
            )
        except ValueError:
            self.destroy_node()
            raise
        self._tell_of_unknown_parameters()

    def _tell_of_unknown_parameters(self) -> None:
        """ROS takes values of parameters that there are not, and says nothing."""
        known = [parameter.name for parameter in self.PARAMETERS]
        for name in sorted(self._parameter_overrides):
            if self.has_parameter(name) or name.startswith("qos_overrides."):
                continue
            like = difflib.get_close_matches(name, known, 1)
            hint = f"; is {like[0]} meant?" if like else ""
            self.get_logger().warning(f"there is no parameter {name}: its value is ignored{hint}")

    # what a node fills in

    def configure(self) -> None:
        """Acquire what the node needs to work: devices, topics."""

    def activate(self) -> None:
        """Start working."""

    def check_parameters(self, values: Mapping[str, Any]) -> str:
        """Say what is wrong with the values together, or an empty string."""
        return ""

    def parameters_changed(self, values: Mapping[str, Any]) -> None:
        """Use new values while the node runs."""

    # what a node uses

    @property
    def state(self) -> str:
        """Label of the lifecycle state: unconfigured, inactive, active or finalized."""
        return str(self._state_machine.current_state[1])

    def publisher(self, message_type: type, topic: str, qos: QoSProfile) -> LazyPublisher[Any]:
        """A lazy publisher that lives until cleanup."""
        publisher: LazyPublisher[Any] = LazyPublisher(self, message_type, topic, qos)
        self.until_cleanup.callback(publisher.close)
        return publisher

    def handover_publisher(
        self,
        message_type: type,
        topic: str,
        to_message: Callable[[Any], Any],
        qos: QoSProfile,
    ) -> HandoverPublisher[Any]:
        """A publisher of objects by reference and messages, that lives until cleanup."""
        publisher: HandoverPublisher[Any] = HandoverPublisher(
            self, message_type, topic, to_message, qos
        )
        self.until_cleanup.callback(publisher.close)
        return publisher

    def handover_subscriber(
        self,
        message_type: type,
        topic: str,
        from_message: Callable[[Any], Any],
        qos: QoSProfile,
        *,
        depth: int = 2,
    ) -> HandoverSubscriber[Any]:
        """A reader of objects or messages that lives until deactivation: call it in activate."""
        subscriber: HandoverSubscriber[Any] = HandoverSubscriber(
            self, message_type, topic, from_message, qos, depth=depth
        )
        self.until_deactivate.callback(subscriber.close)
        return subscriber

    def subscriber(
        self, message_type: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile
    ) -> None:
        """Call ``callback`` with every message until deactivation: call it in activate."""
        subscription = self.create_subscription(message_type, topic, callback, qos)
        self.until_deactivate.callback(self.destroy_subscription, subscription)

    def service(self, service_type: type, name: str, callback: Callable[..., Any]) -> None:
        """Serve ``name`` until cleanup."""
        service = self.create_service(service_type, name, callback)
        self.until_cleanup.callback(self.destroy_service, service)

    def repeat(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the executor's thread every ``period_s`` until deactivation."""
        timer = self.create_timer(period_s, callback)
        self.until_deactivate.callback(self.destroy_timer, timer)

    def diagnostics(self, hardware_id: str = "") -> Diagnostics:
        """Diagnostics that are published once a second until cleanup."""
        diagnostics = Diagnostics(self, hardware_id)
        self.until_cleanup.callback(diagnostics.close)
        return diagnostics

    def work(self, name: str, loop: Callable[[threading.Event], None]) -> None:
        """Run ``loop`` in a thread of its own until deactivation.

        Args:
            name: of the thread.
            loop: gets an event that is set when it must return. An exception in it ends the work
                and is logged like one in a transition; :meth:`work_failed` is called with it.
        """
        stop = threading.Event()

        def run() -> None:
            try:
                loop(stop)
            except Exception as error:  # a thread has no caller to tell
                if not stop.is_set():
                    self._report(f"{name} stopped", error)
                    self.work_failed(error)

        thread = threading.Thread(target=run, name=f"{self.get_name()}-{name}", daemon=True)

        def join() -> None:
            stop.set()
            if thread is not threading.current_thread():
                thread.join(WORKER_STOP_TIMEOUT_S)
                if thread.is_alive():
                    self.get_logger().warning(f"{name} did not stop in {WORKER_STOP_TIMEOUT_S} s")

        self.until_deactivate.callback(join)
        thread.start()

    def work_failed(self, error: Exception) -> None:
        """Called in the thread of a worker that ended with an exception."""

    def destroy_node(self) -> None:
        """Destroy the node, and with the last of a context its DDS participant.

        rclpy leaves the state machine, and with it the participant, to the garbage collector. That
        would end participants at any time, under the interpreter's lock, while others discover
        each other: Fast DDS 2.14 can wait for ever then (``DomainParticipant::set_listener`` for a
        callback that waits for it).
        """
        super().destroy_node()
        self._state_machine.destroy_when_not_in_use()

    # transitions

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run :meth:`configure`; undo it when it fails."""
        return self._try("configure", self.configure, self.until_cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run :meth:`activate` with publishers open; undo it when it fails."""
        super().on_activate(state)
        self.is_active = True
        result = self._try("activate", self.activate, self.until_deactivate)
        if result != TransitionCallbackReturn.SUCCESS:
            self.is_active = False
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release what :meth:`activate` acquired."""
        result = self._try("deactivate", self.until_deactivate.close)
        self.is_active = False
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release what :meth:`configure` acquired."""
        return self._try("clean up", self.until_cleanup.close)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything."""
        if self.is_active:
            self.on_deactivate(state)
        return self.on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a bug: release everything and be unconfigured again."""
        self.on_shutdown(state)
        return TransitionCallbackReturn.SUCCESS

    def _change_state_if_possible(self, request: Any, response: Any) -> Any:
        """Refuse a transition that the present state does not have; rclpy would raise."""
        try:
            return self._change_state(request, response)
        except RCLError:
            wanted = request.transition.label or f"number {request.transition.id}"
            self.get_logger().warning(f"the node is {self.state}: no transition {wanted} from here")
            response.success = False
            return response

    def _try(
        self, what: str, action: Callable[[], None], undo: ExitStack | None = None
    ) -> TransitionCallbackReturn:
        try:
            action()
        except Exception as error:  # reported in full below
            self._report(f"cannot {what}", error)
            if undo is not None:
                self._try(f"undo {what}", undo.close)
            if isinstance(error, self.USER_ERRORS):
                return TransitionCallbackReturn.FAILURE
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _report(self, what: str, error: Exception) -> None:
        if isinstance(error, self.USER_ERRORS):
            self.get_logger().error(f"{what}: {error}")
        else:
            lines = "".join(traceback.format_exception(error))
            self.get_logger().fatal(f"{what}, this is a bug:\n{lines}")


def bring_up(node: rclpy.lifecycle.LifecycleNode) -> bool:
    """Configure and activate a node; it stays where it got to.

    Returns:
        Whether the node is active. If not, the node has logged why.
    """
    success = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == success and node.trigger_activate() == success


def take_down(node: rclpy.lifecycle.LifecycleNode) -> None:
    """Bring a node to its end from whatever state it is in, so that devices are left safe."""
    if node._state_machine.current_state[0] != State.PRIMARY_STATE_FINALIZED:
        node.trigger_shutdown()
