"""``panoradar simulate drive``: rotations of a simulated drive and their truth on disk."""

import argparse
import json
from pathlib import Path

import numpy as np

from panoradar_ros.commands.progress import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder to make")
    parser.add_argument("--style", default="office", help="style of the building (office)")
    parser.add_argument("--seed", type=int, default=100, help="seed of building and drive (100)")
    parser.add_argument(
        "--format",
        choices=("drive", "raw"),
        default="drive",
        help="drive: for the emulator and panoradar image; raw: PanoRadar's .npy layout",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate the drive, then ray-cast its truth."""
    from mmwave.simulation.building import generate_building
    from mmwave.simulation.raw_npy import write_raw_npy
    from mmwave.simulation.recording import simulate_drive
    from mmwave.simulation.trajectory import DRIVE_DURATION_S

    if arguments.output.exists() and any(arguments.output.iterdir()):
        raise ValueError(f"{arguments.output} is not empty; choose another folder")
    building = generate_building(arguments.seed, arguments.style)
    arguments.output.mkdir(parents=True, exist_ok=True)
    recording = simulate_drive(
        building,
        building.drive_loop(),
        DRIVE_DURATION_S,
        seed=arguments.seed,
        folder=arguments.output / "drive",
        progress=progress,
    )
    turns = round(DRIVE_DURATION_S * recording.revolutions_per_s)
    _write_truth(arguments.output / "truth", building, recording, turns)
    if arguments.format == "raw":
        write_raw_npy(
            arguments.output / "raw",
            recording.samples,
            recording.waveform,
            recording.array,
            recording.revolutions_per_s,
            recording.trajectory,
        )
    result = {"folder": str(arguments.output), "rotations": turns, "simulated": True}
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{turns} simulated rotations; next: panoradar image {arguments.output}")
    return 0


def _write_truth(folder: Path, building, recording, turns: int) -> None:
    """Range, normals, classes, instances and glass of each turn, column by column in time."""
    from mmwave.simulation.truth import COLUMNS, RayCaster, panorama_truth

    folder.mkdir(parents=True, exist_ok=True)
    turn_s = 1 / recording.revolutions_per_s
    column = -np.arange(COLUMNS) % COLUMNS
    for turn in progress(range(turns), desc="truth", unit="rotation", leave=False):
        time_s = np.empty(COLUMNS)
        time_s[column] = turn_s * (turn + np.arange(COLUMNS) / COLUMNS)
        pose = recording.trajectory.pose(time_s)
        places = np.column_stack([pose.x_m, pose.y_m, np.full(COLUMNS, recording.height_m)])
        caster = RayCaster(building.scene_at(turn * turn_s))
        truth = panorama_truth(caster, places, pose.yaw_rad)
        np.savez_compressed(
            folder / f"{turn:05d}.npz",
            range_m=truth.range_m,
            normal=truth.normal.astype(np.float16),
            class_id=truth.class_id,
            instance_id=truth.instance_id,
            glass=truth.glass,
            pose=np.column_stack([pose.x_m, pose.y_m, pose.yaw_rad]),
            time_s=time_s,
        )
