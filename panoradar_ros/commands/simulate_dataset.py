"""``panoradar simulate dataset``: frames of many simulated buildings."""

import argparse
import json
import math
import time
from pathlib import Path

from panoradar_ros.commands.pool import run_all, threads_each
from panoradar_ros.commands.progress import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder; goes on with what is missing there")
    parser.add_argument("--buildings", type=int, default=60, help="how many (60)")
    parser.add_argument("--frames", type=int, default=6, help="of each building (6)")
    parser.add_argument("--seed", type=int, default=100_000, help="of the first building (100000)")
    parser.add_argument("--styles", nargs="+", metavar="STYLE", help="of the buildings (all)")
    parser.add_argument(
        "--people", type=int, help="in each building, where they have room (as its style has)"
    )
    parser.add_argument(
        "--motion-error",
        type=float,
        default=0.0,
        metavar="MPS",
        help="standard deviation, m/s, of errors that are put into the estimated velocity of every "
        "second frame (0)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--dask",
        metavar="SCHEDULER",
        help="address of a Dask scheduler, whose workers simulate a building each; all machines "
        "must share the output folder under the same path",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate the buildings that are not there yet."""
    from mmwave.simulation.styles import STYLES

    for name in ("buildings", "frames", "jobs"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(arguments, name)}")
    if not 0 <= arguments.motion_error < math.inf:
        raise ValueError(f"--motion-error must be 0 or more, in m/s, got {arguments.motion_error}")
    if arguments.motion_error and arguments.frames < 2:
        raise ValueError("--motion-error is for every second frame: give --frames of 2 or more")
    styles = arguments.styles or sorted(STYLES)
    unknown = sorted(set(styles) - set(STYLES))
    if unknown:
        raise ValueError(f"no style {', '.join(unknown)}; there are {', '.join(sorted(STYLES))}")
    if arguments.dask and arguments.jobs != 1:
        raise ValueError(
            "--jobs is for this machine alone: with --dask as many buildings are simulated at once "
            "as there are workers"
        )
    root = arguments.output.resolve()
    root.mkdir(parents=True, exist_ok=True)
    begin_s = time.monotonic()
    threads = threads_each(arguments.jobs, arguments.dask)
    wanted = [
        (
            root,
            styles[number % len(styles)],
            arguments.seed + number,
            arguments.frames,
            arguments.people,
            arguments.motion_error,
            threads,
        )
        for number in range(arguments.buildings)
    ]
    bar = progress(total=len(wanted), unit="building")
    skipped = run_all(_building, wanted, bar, root, arguments.jobs, arguments.dask)
    result = {
        "simulated": True,
        "folder": str(arguments.output),
        "buildings": len(wanted) - len(skipped),
        "frames": (len(wanted) - len(skipped)) * arguments.frames,
        "skipped": skipped,
        "seconds": time.monotonic() - begin_s,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['frames']} simulated frames of {result['buildings']} buildings")
    return 0


def _building(
    root: Path,
    style: str,
    seed: int,
    frames: int,
    people: int | None,
    motion_error_mps: float,
    threads: int,
) -> str:
    """Simulate one building; what is wrong with it if the robot has no room there, else nothing."""
    import numba

    from panoradar_ros.learning.simulated import NoRoomError, simulate_building

    numba.set_num_threads(threads)
    try:
        simulate_building(
            root, style, seed, frames, people=people, motion_error_mps=motion_error_mps
        )
    except NoRoomError as error:
        return f"{style} {seed} left out: {error}"
    return ""
