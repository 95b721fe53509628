"""``panoradar simulate scenes``: sequences of many simulated places that are watched."""

import argparse
import json
import time
from pathlib import Path

from mmanomaly_ros.watch import TASKS
from panoradar_ros.commands.mmanomaly_models import CONDITIONS
from panoradar_ros.commands.pool import run_all, threads_each
from panoradar_ros.commands.progress import progress

KINDS = ("normal", "anomaly", "both")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder; goes on with what is missing there")
    parser.add_argument("--sequences", type=int, default=40, help="of each watch (40)")
    parser.add_argument(
        "--watches", nargs="+", choices=TASKS, default=list(TASKS), help="which (all)"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="normal", help="what networks learn is normal (normal)"
    )
    parser.add_argument(
        "--conditions",
        choices=CONDITIONS,
        default="seen",
        help="clothes and walls that networks learn with, or others (seen)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        help="of each sequence, ten a second (weapon 16, intruder 40, fall 60)",
    )
    parser.add_argument("--seed", type=int, default=500_000, help="of the first place (500000)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--dask",
        metavar="SCHEDULER",
        help="address of a Dask scheduler, whose workers simulate a sequence each; all machines "
        "must share the output folder under the same path",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate the sequences that are not there yet."""
    for name in ("sequences", "jobs", "frames"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be at least 1, got {value}")
    if arguments.seed < 0:
        raise ValueError(f"--seed must not be negative, got {arguments.seed}")
    root = arguments.output.resolve()
    root.mkdir(parents=True, exist_ok=True)
    begin_s = time.monotonic()
    kinds = {"normal": (False,), "anomaly": (True,), "both": (False, True)}[arguments.kind]
    threads = threads_each(arguments.jobs, arguments.dask)
    wanted = [
        (
            root,
            watch,
            arguments.seed + number,
            anomalous,
            arguments.conditions,
            arguments.frames,
            threads,
        )
        for number in range(arguments.sequences)
        for watch in arguments.watches
        for anomalous in kinds
    ]
    bar = progress(total=len(wanted), unit="sequence")
    run_all(_sequence, wanted, bar, root, arguments.jobs, arguments.dask)
    result = {
        "simulated": True,
        "folder": str(arguments.output),
        "sequences": len(wanted),
        "seconds": time.monotonic() - begin_s,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['sequences']} simulated sequences in {arguments.output}")
    return 0


def _sequence(
    root: Path,
    watch: str,
    seed: int,
    anomalous: bool,
    conditions: str,
    frames: int | None,
    threads: int,
) -> str:
    import numba

    from mmanomaly_ros.learning.simulated import FRAMES, Wanted, simulate_into

    numba.set_num_threads(threads)
    simulate_into(root, Wanted(watch, seed, anomalous, conditions, frames or FRAMES[watch]))
    return ""
