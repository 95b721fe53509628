"""The observer in a process of its own, as a user's RViz or planner is.

In the robot's process it would share Python's interpreter with the nodes that it measures: a
subscriber to 38 sectors a second would hold them up.
"""

import copy
import multiprocessing
import signal
import time
from multiprocessing.connection import Connection
from typing import Any

PERIOD_S = 0.05
READY_TIMEOUT_S, STOP_TIMEOUT_S = 60.0, 15.0


def _observe(
    connection: Connection, to_turns: bool, to_sectors: bool, to_learned: bool, to_names: bool
) -> None:
    """Body of the process: observe, and answer until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    from mmwave.ros.node import bring_up
    from mmwave.ros.process import NodeProcess
    from panoradar_ros.nodes.observer import ObserverNode

    with NodeProcess(["--ros-args", "--log-level", "warn"]) as process:
        observer = process.add(ObserverNode)
        assert isinstance(observer, ObserverNode)  # for the type checker: add() returns its base
        observer.to_turns, observer.to_sectors = to_turns, to_sectors
        observer.to_learned, observer.to_names = to_learned, to_names
        ready = process.call(lambda: bring_up(observer))
        answers = {
            "ready": lambda: ready,
            "at_speed": observer.at_speed.is_set,
            "first": observer.first.is_set,
            "learned": lambda: bool(observer.seen.learned_scans),
            "turns": lambda: len(observer.seen.velocity),
            "seen": lambda: copy.deepcopy(observer.seen),  # the nodes go on publishing
        }
        while True:
            try:
                question = connection.recv()
            except EOFError:
                return
            if process.error is not None:  # a callback failed: told by the traceback on stderr
                raise process.error
            with observer.lock:
                answer = answers[question]()
            connection.send(answer)


class ObserverProcess:
    """Asks an observer node in another process what it saw. Use as a context manager.

    Args:
        to_turns: listen to what is made of whole turns beside their motion.
        to_sectors: listen to sectors.
        to_learned: listen to the recognition node's ranges.
        to_names: listen to its classes and people.
    """

    def __init__(
        self, to_turns: bool, to_sectors: bool, to_learned: bool = False, to_names: bool = False
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_observe, args=(theirs, to_turns, to_sectors, to_learned, to_names), daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> "ObserverProcess":
        try:
            if self._ask("ready"):
                return self
        except BaseException:
            self.__exit__()
            raise
        self.__exit__()
        raise RuntimeError("the observer did not start; its messages above say why")

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join(STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def wait_for(self, event: str, timeout_s: float) -> bool:
        """Wait until ``at_speed``, ``first`` or ``learned`` is so; False where it never is."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ask(event):
            if time.monotonic() > deadline_s:
                return False
            time.sleep(PERIOD_S)
        return True

    @property
    def turns(self) -> int:
        """Turns whose velocity came so far."""
        return int(self._ask("turns"))

    def seen(self) -> Any:
        """Everything seen so far, :class:`panoradar_ros.nodes.observer.Observations`."""
        return self._ask("seen")

    def _ask(self, question: str) -> Any:
        """What the other process answers.

        Raises:
            RuntimeError: it ended, or does not answer.
        """
        try:
            self._connection.send(question)
            if self._connection.poll(READY_TIMEOUT_S):
                return self._connection.recv()
        except (EOFError, OSError):
            pass
        raise RuntimeError("the observer does not answer; its messages above say why")
