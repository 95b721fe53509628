"""Workers of a Dask cluster, to be used as those of this machine are."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from panoradar_ros.commands.errors import require_dask

START = "dask worker {address} --nworkers CORES --nthreads 1"
"""How workers are started: compiled loops of two tasks must not run in one process at once."""


@contextmanager
def workers_of(address: str, folder: Path) -> Iterator[Executor]:
    """An executor whose tasks run on a cluster; what has not begun is cancelled at the end.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.
        folder: that all workers are going to write into; is there on this machine.

    Raises:
        ValueError: Dask is not installed, there are no workers, one runs more than one task at
            once, or one does not see the folder.
        OSError: no scheduler answers.
        RuntimeError: a task ended several workers.
    """
    require_dask("--dask")
    from distributed import Client, KilledWorker

    client = Client(address)
    try:
        _check_threads(client.nthreads(), address)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".seen-by-all-") as file:
            _check_sight(client.run(os.path.exists, file.name), folder)
        executor = client.get_executor(pure=False)
        try:
            yield executor
        except KilledWorker as error:
            raise RuntimeError(
                f"a building ended several workers ({error}): have they too little memory? What is "
                "complete stays, the same command goes on with the rest"
            ) from error
        finally:
            executor.shutdown(wait=False)
    finally:
        client.close()


def _check_threads(threads: dict[str, int], address: str) -> None:
    start = START.format(address=address)
    if not threads:
        raise ValueError(f"no worker is at {address}: start some on each machine with `{start}`")
    busy = sorted(worker for worker, count in threads.items() if count != 1)
    if busy:
        raise ValueError(
            f"{', '.join(busy)} would do several tasks at once: start workers with `{start}`"
        )


def _check_sight(seen: dict[str, bool], folder: Path) -> None:
    blind = sorted(worker for worker, sees in seen.items() if not sees)
    if blind:
        raise ValueError(
            f"{', '.join(blind)} cannot see {folder} as it is here: the output must be in a folder "
            "that all machines share under the same path"
        )
