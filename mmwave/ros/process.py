"""A process of nodes: transport, spinning, and an end that leaves devices safe."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from mmwave.ros.node import AUTOSTART, LifecycleNode, bring_up, take_down
from mmwave.ros.publishing import RCLError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Where Fast DDS looks for its profile: the name up to Jazzy and the one after it."""

WATCH_S = 0.5

Result = TypeVar("Result")
Instance = TypeVar("Instance", bound="DataclassInstance")


def use_transport_profile(path: str | Path) -> bool:
    """Let Fast DDS read ``path``, unless the user has chosen a profile; call it before rclpy.init.

    Returns:
        Whether the profile is used.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return False
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Fast DDS profile {path} does not exist")
    for name in PROFILE_VARIABLES:
        os.environ[name] = str(path)
    return True


THREAD_SWITCH_S = 5e-4
"""A thread that asks for the interpreter gets it after this long; Python's 5 ms would hold up the
threads that form beams and receive packets whenever another one runs Python code."""


class NodeProcess:
    """Nodes in this process, spinning in one background thread.

    Use as a context manager; at its end every node is shut down, last one first, while the
    executor still spins.

    Attributes:
        nodes: in the order they were added.
        stopped: set when nodes are spun no more, or when somebody wants the process to end.
        error: why they are spun no more, when it was a bug in a callback.

    Args:
        arguments: command line for ROS (``--ros-args ...``), without the program's name.
        context: a context to use; by default a new one.
    """

    def __init__(self, arguments: Sequence[str] = (), *, context: Context | None = None) -> None:
        self.context = context or Context()
        self.nodes: list[LifecycleNode] = []
        sys.setswitchinterval(THREAD_SWITCH_S)
        self.stopped = threading.Event()
        self.error: Exception | None = None
        rclpy.init(
            args=[sys.argv[0], *arguments],
            context=self.context,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self._executor = SingleThreadedExecutor(context=self.context)
        self._thread = threading.Thread(target=self._spin, name="executor", daemon=True)
        self._thread.start()

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, make: Callable[..., LifecycleNode], **options: Any) -> LifecycleNode:
        """Make a node in this process's context and spin it.

        Args:
            make: the node's class.
            options: for the node, such as ``parameter_overrides`` or ``namespace``.
        """
        node = make(context=self.context, **options)
        self.nodes.append(node)
        self._executor.add_node(node)
        return node

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function in the executor's thread and return what it returns.

        Transitions of nodes belong there: they make and destroy subscriptions, and an executor
        that waits for one while another thread destroys it may fail.

        Raises:
            RuntimeError: the executor ended meanwhile.
        """
        if self.stopped.is_set():
            return function()
        outcome: Future[Result] = Future()

        def run_it() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # for the caller, not for the executor
                outcome.set_exception(error)

        self._executor.create_task(run_it)
        while not self.stopped.is_set():
            try:
                return outcome.result(WATCH_S)
            except TimeoutError:
                if outcome.done():
                    raise
        raise RuntimeError(f"the executor ended: {self.error}")

    def copied(self, seen: Instance) -> Instance:
        """A dataclass that callbacks fill, as it is now; its containers grow no more.

        Args:
            seen: whose fields are copied, one level deep, in the executor's thread.

        Raises:
            RuntimeError: see :meth:`call`.
        """
        return self.call(
            lambda: replace(
                seen, **{one.name: copy(getattr(seen, one.name)) for one in fields(seen)}
            )
        )

    def close(self) -> None:
        """Shut every node down, then ROS."""
        for node in reversed(self.nodes):
            self.call(partial(take_down, node))
        self._executor.shutdown()
        self._thread.join()
        for node in reversed(self.nodes):
            node.destroy_node()
        self.nodes.clear()
        if self.context.ok():
            rclpy.shutdown(context=self.context)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except Exception as error:  # told to whoever waits for the process to end
            if self.context.ok():
                self.error = error
        finally:
            self.stopped.set()


def run(
    *nodes: Callable[..., LifecycleNode],
    arguments: Sequence[str] | None = None,
    profile: str | Path | None = None,
    autostart: bool = False,
) -> int:
    """Run nodes until SIGINT or SIGTERM: the body of a node's executable.

    A node whose parameter ``autostart`` is true is configured and activated; the others wait for
    ``ros2 lifecycle set``. ``--help`` prints the parameters and runs nothing.

    Args:
        nodes: their classes.
        arguments: command line; by default the program's.
        profile: Fast DDS profile to use when the user chose none.
        autostart: configure and activate every node, whatever its parameter says.

    Returns:
        Exit status: 0, or 1 when a node could not be made (a line on stderr says why) or failed.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(words):
        print(_usage(nodes))
        return 0
    if profile is not None:
        use_transport_profile(profile)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # a launcher may send several: stay deaf to them
        signal.signal(number, lambda *_: stop.set())
    try:
        with NodeProcess(words) as process:
            for make in nodes:
                process.add(make)
            for node in process.nodes:
                if autostart or node.parameters["autostart"]:
                    process.call(partial(bring_up, node))
            while not (stop.wait(WATCH_S) or process.stopped.is_set()):
                pass
            if process.error is not None:
                lines = "".join(traceback.format_exception(process.error))
                print(f"error: a callback failed, this is a bug:\n{lines}", file=sys.stderr)
                return 1
    except (ValueError, RCLError) as error:  # a wrong parameter or parameter file
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:  # while Python itself ends, a handler in Python is gone already
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    return 0


def _usage(nodes: Sequence[Any]) -> str:
    """How an executable is called, and the parameters of its nodes."""
    lines = ["usage: --ros-args -p NAME:=VALUE ... --params-file FILE; parameters:"]
    for node in nodes:
        for one in (AUTOSTART, *getattr(node, "PARAMETERS", ())):
            lines.append(f"  {one.name} ({one.default!r}): {one.description}")
    return "\n".join(lines)
