"""``panoradar simulate dataset``: frames of many simulated buildings."""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder; goes on with what is missing there")
    parser.add_argument("--buildings", type=int, default=60, help="how many (60)")
    parser.add_argument("--frames", type=int, default=6, help="of each building (6)")
    parser.add_argument("--seed", type=int, default=100_000, help="of the first building (100000)")
    parser.add_argument("--styles", nargs="+", metavar="STYLE", help="of the buildings (all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate the buildings that are not there yet."""
    from mmwave.simulation.styles import STYLES

    for name in ("buildings", "frames", "jobs"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(arguments, name)}")
    styles = arguments.styles or sorted(STYLES)
    unknown = sorted(set(styles) - set(STYLES))
    if unknown:
        raise ValueError(f"no style {', '.join(unknown)}; there are {', '.join(sorted(STYLES))}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    begin_s = time.monotonic()
    # a building a core is faster than all cores on one
    threads = max(1, len(os.sched_getaffinity(0)) // arguments.jobs)
    wanted = [
        (
            arguments.output,
            styles[number % len(styles)],
            arguments.seed + number,
            arguments.frames,
            threads,
        )
        for number in range(arguments.buildings)
    ]
    bar = tqdm(total=len(wanted), unit="building", disable=arguments.json or None)
    skipped = []
    with bar, ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_building, *one): one for one in wanted}
        for done in as_completed(waiting):
            problem = done.result()
            if problem:
                skipped.append(problem)
                bar.write(problem)
            bar.update()
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


def _building(root: Path, style: str, seed: int, frames: int, threads: int) -> str:
    """Simulate one building; what is wrong with it if the robot has no room there, else nothing."""
    import numba

    from panoradar_ros.learning.simulated import simulate_building

    numba.set_num_threads(threads)
    try:
        simulate_building(root, style, seed, frames)
    except ValueError as error:
        return f"{style} {seed} left out: {error}"
    return ""
