"""Other Python processes that a command starts and stops."""

import ctypes
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

STOP_TIMEOUT_S = 15.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _end_with_parent() -> None:
    """In the child, before it starts: the kernel interrupts it should this process be killed."""
    # of a command in the background of a script the shell has interrupts ignored, and so had this
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class ChildProcess:
    """A Python process that gets SIGINT at the end of the context, and is killed if it ignores it.

    Its standard output goes to this process's standard error, which keeps JSON on ours clean.

    Args:
        arguments: what follows ``python``.

    Attributes:
        usage: for its processor time and memory.
    """

    def __init__(self, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        self.usage = psutil.Process(self._process.pid)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def __enter__(self) -> "ChildProcess":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def node_arguments(node: str, ros_arguments: list[str] | None = None, **parameters: object) -> list:
    """Arguments of ``python`` that run a node by itself and bring it up.

    Args:
        node: module in :mod:`panoradar_ros.nodes`.
        ros_arguments: more after ``--ros-args``.
        parameters: of the node.
    """
    pairs = [f"{name}:={value}" for name, value in {"autostart": "true", **parameters}.items()]
    words = [word for pair in pairs for word in ("-p", pair)]
    return ["-m", f"panoradar_ros.nodes.{node}", "--ros-args", *(ros_arguments or []), *words]


def wait_for_emulator(folder: Path, emulator: ChildProcess, timeout_s: float) -> None:
    """Wait until the emulator node has linked its serial ports.

    Raises:
        RuntimeError: it ended, or they did not come in time.
    """
    deadline_s = time.monotonic() + timeout_s
    while not ((folder / "radar").exists() and (folder / "stepper").exists()):
        if not emulator.alive or time.monotonic() > deadline_s:
            raise RuntimeError("the emulator did not start; its messages above say why")
        time.sleep(0.05)
