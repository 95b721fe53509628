"""How much memory a task needs, in a process of its own."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

Task = Callable[[], Any]


def peak_growth_mb(prepare: Callable[[], Task]) -> float:
    """By how much the resident memory of a fresh process grows at most during a task.

    Args:
        prepare: makes the task and what it starts from, which does not count; a function of a
            module, as it is called in the other process.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_growth_mb, (prepare,))


def _growth_mb(prepare: Callable[[], Task]) -> float:
    task = prepare()
    Path("/proc/self/clear_refs").write_text(
        "5"
    )  # the peak so far is forgotten (proc_pid_clear_refs(5))
    before = _resident_mb("VmRSS")
    task()
    return _resident_mb("VmHWM") - before


def _resident_mb(name: str) -> float:
    """Resident memory now (VmRSS) or at its highest (VmHWM), from /proc."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status does not say {name}")
