"""How much memory a task needs, in a process of its own."""

import ctypes
import gc
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Task = Callable[[], Any]


@dataclass(frozen=True)
class PeakMemory:
    """Resident memory at its highest.

    Attributes:
        grown_mb: over what was there before the task.
        process_mb: of the whole process, interpreter, libraries and compiled code with it.
    """

    grown_mb: float
    process_mb: float


def peak_memory(prepare: Callable[[], Task]) -> PeakMemory:
    """How much memory a fresh process needs at most during a task.

    Args:
        prepare: makes the task and what it starts from, which does not count as growth; a function
            of a module, as it is called in the other process.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (prepare,))


def _peak(prepare: Callable[[], Task]) -> PeakMemory:
    task = prepare()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator keeps would hide growth
    # the peak so far is forgotten: man 5 proc_pid_clear_refs
    Path("/proc/self/clear_refs").write_text("5")
    before_mb = _resident_mb("VmRSS")
    task()
    peak_mb = _resident_mb("VmHWM")
    return PeakMemory(peak_mb - before_mb, peak_mb)


def _resident_mb(name: str) -> float:
    """Resident memory now (VmRSS) or at its highest (VmHWM), from /proc."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status does not say {name}")
