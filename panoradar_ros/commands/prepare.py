"""``panoradar prepare``: PanoRadar's raw recordings as frames to train on."""

import argparse
import json
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

from panoradar_ros.commands.errors import require_torch
from panoradar_ros.commands.progress import progress

FRAMES_PER_FOLDER = 60
"""Half a minute of turns: a folder is complete or not there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("source", type=Path, help="raw recordings: one, or folders of them")
    parser.add_argument("output", type=Path, help="folder of frames; goes on with what is missing")
    parser.add_argument(
        "--direction",
        choices=("ccw", "cw"),
        default="cw",
        help="of the turntable, which the recordings do not tell (cw, as the authors' code has it)",
    )
    parser.add_argument("--limit", type=int, help="turns of each recording at most")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Image every recording, write its frames."""
    require_torch("prepare")
    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    recordings = sorted(path.parent for path in arguments.source.rglob("radar_data.npy"))
    if not recordings:
        raise ValueError(
            f"no radar_data.npy in {arguments.source} or below: give the folder of PanoRadar's raw "
            "recordings; of processed data `panoradar train --data` takes the folder as it is"
        )
    frames = skipped = 0
    direction = 1 if arguments.direction == "ccw" else -1
    with progress(unit="turn") as bar:
        for recording in recordings:
            bar.set_description(recording.name)
            for taken in prepared(recording, arguments.output, direction, arguments.limit):
                frames, skipped = frames + taken, skipped + (not taken)
                bar.update()
    result = {
        "folder": str(arguments.output),
        "recordings": len(recordings),
        "frames": frames,
        "skipped": skipped,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{frames} frames of {len(recordings)} recordings in {arguments.output}; {skipped} "
            "turns without a reliable motion or a LiDAR turn near enough are left out"
        )
    return 0


def prepared(
    recording: Path, output: Path, direction: int, limit: int | None = None
) -> Iterator[bool]:
    """Write the frames of a recording, FRAMES_PER_FOLDER turns a folder; those that are there stay.

    Args:
        recording: its folder; the folder above it names the building.
        output: folder of the data set.
        direction: of the turntable, +1 counter-clockwise.
        limit: turns at most.

    Yields:
        Of every turn that is new, whether it became a frame.

    Raises:
        ValueError: a file of the recording is missing or wrong; the message names it.
        OSError: frames cannot be written; nothing is left of their folder then.
    """
    from panoradar_ros.commands.sources import rotations_from
    from panoradar_ros.imaging.pipeline import Imager
    from panoradar_ros.learning.authors_raw import frame_of, read_lidar
    from panoradar_ros.learning.frames import write_building

    lidar, imager = read_lidar(recording), Imager()
    building = recording.resolve().parent.name
    turns = enumerate(islice(rotations_from(recording, direction=direction), limit))
    for number, group in groupby(turns, lambda one: one[0] // FRAMES_PER_FOLDER):
        folder = output / f"{building}_{recording.resolve().name}_{number:03d}"
        if folder.exists():
            continue
        frames = []
        for _, rotation in group:
            frame = frame_of(imager.image(rotation), lidar)
            if frame is not None:
                frames.append(frame)
            yield frame is not None
        if frames:
            meta = {
                "simulated": False,
                "style": building,
                "building": building,
                "recording": recording.resolve().name,
            }
            write_building(folder, frames, meta)
