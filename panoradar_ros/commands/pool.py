"""Many independent pieces of work on several processes, or on the machines of a Dask cluster."""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from panoradar_ros.commands.dask_cluster import workers_of


def threads_each(jobs: int, dask: str | None) -> int:
    """Threads for each of the processes: one piece a core is faster than all cores on one."""
    return 1 if dask else max(1, len(os.sched_getaffinity(0)) // jobs)


def run_all(
    work: Callable[..., str],
    pieces: Sequence[tuple[Any, ...]],
    bar: tqdm,
    root: Path,
    jobs: int = 1,
    dask: str | None = None,
) -> list[str]:
    """Do all pieces; what has not begun is cancelled when one fails or somebody interrupts.

    Args:
        work: a function of a module; says what was wrong with a piece that is left out, or
            nothing.
        pieces: its arguments.
        bar: advanced once a piece, problems are written above it.
        root: folder that all of them write into.
        jobs: processes of this machine.
        dask: address of a scheduler, whose workers do it instead.

    Returns:
        What was wrong with the pieces that were left out.

    Raises:
        ValueError: see :func:`panoradar_ros.commands.dask_cluster.workers_of`.
    """
    skipped = []
    with bar, _workers(root, jobs, dask) as pool:
        waiting = [pool.submit(work, *one) for one in pieces]
        try:
            for done in as_completed(waiting):
                if problem := done.result():
                    skipped.append(problem)
                    bar.write(problem, file=sys.stderr)
                bar.update()
        except BaseException:  # a full disk is full for the next piece too
            for other in waiting:
                other.cancel()
            raise
    return skipped


def _workers(root: Path, jobs: int, dask: str | None) -> AbstractContextManager[Executor]:
    if dask:
        return workers_of(dask, root)
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
