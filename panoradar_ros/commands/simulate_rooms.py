"""``panoradar simulate rooms``: sequences of many simulated rooms before two fixed radars."""

import argparse
import json
import time
from pathlib import Path

from panoradar_ros.commands.pool import run_all, threads_each
from panoradar_ros.commands.progress import progress

LEAST_FRAMES = 4
SPACE_NAMES = ("room", "three", "mmvr", "hiber")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder; goes on with what is missing there")
    parser.add_argument("--rooms", type=int, default=60, help="how many (60)")
    parser.add_argument(
        "--sessions", type=int, default=2, help="days in each, with one and several people (2)"
    )
    parser.add_argument("--first-session", type=int, default=0, help="number of the first day (0)")
    parser.add_argument("--frames", type=int, default=32, help="of each session (32)")
    parser.add_argument("--seed", type=int, default=400_000, help="of the first room (400000)")
    parser.add_argument(
        "--space",
        choices=SPACE_NAMES,
        default="room",
        help="axes of the heatmaps: straight ahead, the same with a second level radar beside the "
        "two, or those of the MMVR or HIBER data set (room)",
    )
    parser.add_argument(
        "--camera-poses",
        type=int,
        default=1,
        help="every day has one of them, drawn: all but the first look up to 10 degrees up or down "
        "and to a side, are rolled by up to 3, and stand up to 40 cm to a side, above or below and "
        "20 before or behind the first; what the radars see stays the same (1)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--dask",
        metavar="SCHEDULER",
        help="address of a Dask scheduler, whose workers simulate a session each; all machines "
        "must share the output folder under the same path",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate the sequences that are not there yet."""
    for name in ("rooms", "sessions", "frames", "camera_poses", "jobs"):
        if getattr(arguments, name) < 1:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} must be at least 1, got {getattr(arguments, name)}")
    if arguments.frames < LEAST_FRAMES:
        raise ValueError(
            f"--frames must be at least {LEAST_FRAMES}, what a network looks at, got "
            f"{arguments.frames}"
        )
    for name in ("seed", "first_session"):
        if getattr(arguments, name) < 0:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} must not be negative, got {getattr(arguments, name)}")
    root = arguments.output.resolve()
    root.mkdir(parents=True, exist_ok=True)
    begin_s = time.monotonic()
    threads = threads_each(arguments.jobs, arguments.dask)
    wanted = [
        (
            root,
            arguments.seed + room,
            session,
            arguments.frames,
            arguments.space,
            arguments.camera_poses,
            threads,
        )
        for room in range(arguments.rooms)
        for session in range(arguments.first_session, arguments.first_session + arguments.sessions)
    ]
    bar = progress(total=len(wanted), unit="sequence")
    run_all(_sequence, wanted, bar, root, arguments.jobs, arguments.dask)
    result = {
        "simulated": True,
        "folder": str(arguments.output),
        "sequences": len(wanted),
        "frames": len(wanted) * arguments.frames,
        "camera_poses": arguments.camera_poses,
        "seconds": time.monotonic() - begin_s,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['frames']} simulated frames in {result['sequences']} sequences")
    return 0


def _sequence(
    root: Path, seed: int, session: int, frames: int, space: str, camera_poses: int, threads: int
) -> str:
    import numba

    from rexo_ros.learning.simulated import pose_of_day, simulate_into

    numba.set_num_threads(threads)
    pose = pose_of_day(seed, session, camera_poses)
    simulate_into(root, seed, session, frames, space, pose)
    return ""
