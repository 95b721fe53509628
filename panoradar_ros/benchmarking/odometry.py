"""How far dead reckoning drifts over long drives of a base that turns meanwhile."""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmwave.dca1000 import PositionBlock
from mmwave.simulation.building import Building, generate_building
from mmwave.simulation.rotation import DriveSimulator, World
from mmwave.simulation.styles import STYLES
from mmwave.simulation.trajectory import ClosedLoop, Trajectory, Turning
from panoradar_ros.imaging.pipeline import Imager, Panorama
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.imaging.turntable import RotationAssembler

START_NS = 1_000_000_000_000
SEGMENT_M = 10.0

MEAN_TURN_RADPS, SWING_RADPS, SWING_PERIOD_S = np.deg2rad(15), np.deg2rad(30), 9.0
"""How the robot turns while it drives."""


def drive_of(building: Building, speed_mps: float) -> Turning:
    """Laps of the building's closed drive by a base that turns meanwhile.

    The speed rises and falls by 30 % twice a lap and the rate of turn between -15 and 45 deg/s: the
    loops are half a metre wide, and a base that faced along its way would spin there faster than
    the 60 deg/s that the estimator is made for.

    Args:
        building: a generated building.
        speed_mps: mean.
    """
    points = building.drive_points_m
    length_m = ClosedLoop(points, 1e6).length_m
    way = ClosedLoop(points, length_m / speed_mps, speed_variation=0.3)
    return Turning(way, MEAN_TURN_RADPS, SWING_RADPS, SWING_PERIOD_S)


def panoramas(world: World, drive: Trajectory, duration_s: float, seed: int) -> Iterator[Panorama]:
    """Motion and odometry of every rotation of a simulated drive; no beams are formed.

    Args:
        world: the building.
        drive: of the robot.
        duration_s: of the drive.
        seed: of surfaces, leakage and noise.
    """
    simulator = DriveSimulator(world, drive, seed=seed)
    waveform = simulator.waveform
    assembler, imager = RotationAssembler(), Imager()
    frames = int(duration_s / waveform.frame_period_s)
    valid = np.ones((waveform.loops_per_frame, waveform.virtual_antennas), bool)
    for number, samples in enumerate(simulator.frames(frames)):
        time_s = number * waveform.frame_period_s + waveform.position_offsets_s
        time_ns = START_NS + np.round(time_s * 1e9).astype(np.int64)
        assembler.add_block(PositionBlock(number, samples, time_ns, valid, waveform))
        for at_s in (time_s[0] - 1e-4, time_s[len(time_s) // 2], time_s[-1] + 1e-4):
            angle = 2 * np.pi * simulator.revolutions_per_s * at_s
            assembler.add_angle(START_NS + round(at_s * 1e9), angle)
        for rotation in assembler.rotations():
            yield imager.image(rotation, wanted=lambda: False)


def true_poses(drive: Trajectory, time_s: NDArray[np.float64]) -> list[PlanarPose]:
    """Poses of the drive, yaw unwrapped."""
    pose = drive.pose(time_s)
    yaw = np.unwrap(pose.yaw_rad)
    return [PlanarPose(*map(float, row)) for row in zip(pose.x_m, pose.y_m, yaw, strict=True)]


def drift(
    estimated: list[PlanarPose], true: list[PlanarPose], segment_m: float = SEGMENT_M
) -> dict[str, float]:
    """Errors of the way over segments of equal length, as KITTI's odometry benchmark has them.

    Args:
        estimated: poses in odom.
        true: poses at the same times.
        segment_m: length of a segment.

    Returns:
        Mean and worst error of the position in percent of the segment, and of the yaw in degrees;
        and the same over the whole drive.
    """
    steps = [np.hypot(b.x_m - a.x_m, b.y_m - a.y_m) for a, b in pairwise(true)]
    way_m = np.concatenate([[0.0], np.cumsum(steps)])

    def error(first: int, last: int) -> tuple[float, float]:
        wanted = true[first].inverse().then(true[last])
        got = estimated[first].inverse().then(estimated[last])
        distance = np.hypot(got.x_m - wanted.x_m, got.y_m - wanted.y_m)
        return float(distance), abs(float(np.rad2deg(got.yaw_rad - wanted.yaw_rad)))

    segments = []
    for first in range(len(true)):
        last = int(np.searchsorted(way_m, way_m[first] + segment_m))
        if last < len(true):
            segments.append(error(first, last))
    position, yaw = np.array(segments).T
    end_m, end_deg = error(0, len(true) - 1)
    return {
        "distance_m": float(way_m[-1]),
        "drift_percent_mean": float(100 * position.mean() / segment_m),
        "drift_percent_worst": float(100 * position.max() / segment_m),
        "yaw_drift_deg_per_10m_mean": float(yaw.mean() * 10 / segment_m),
        "yaw_drift_deg_per_10m_worst": float(yaw.max() * 10 / segment_m),
        "end_error_percent": 100 * end_m / float(way_m[-1]),
        "end_yaw_error_deg": end_deg,
    }


def measure_drive(seed: int, distance_m: float, speed_mps: float) -> dict[str, Any]:
    """Drive laps through one building and compare dead reckoning with the truth."""
    style = sorted(STYLES)[seed % len(STYLES)]
    building = generate_building(seed, style)
    drive = drive_of(building, speed_mps)
    estimated, at_s, unreliable = [], [], 0
    turns = panoramas(building, drive, distance_m / speed_mps, seed)
    for panorama in tqdm(turns, desc=f"{style} {seed}", unit="turn", leave=False):
        estimated.append(panorama.odometry.pose)
        at_s.append((panorama.end_ns - START_NS) * 1e-9)
        unreliable += not panorama.motion.reliable
    result = drift(estimated, true_poses(drive, np.array(at_s)))
    return {
        "seed": seed,
        "style": style,
        "rotations": len(estimated),
        "unreliable_fraction": unreliable / len(estimated),
        **result,
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--drives", type=int, default=2, help="each in its own building (2)")
    parser.add_argument("--distance", type=float, default=100.0, help="metres of each drive (100)")
    parser.add_argument("--speed", type=float, default=0.4, help="mean speed in m/s (0.4)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first building (1000)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    if arguments.drives < 1 or arguments.distance < 2 * SEGMENT_M:
        raise ValueError("--drives must be at least 1 and --distance at least 20")
    if not 0.05 <= arguments.speed <= 0.45:
        raise ValueError(f"--speed must be from 0.05 to 0.45 m/s, got {arguments.speed}")
    begin_s = time.perf_counter()
    drives = [
        measure_drive(arguments.seed + number, arguments.distance, arguments.speed)
        for number in range(arguments.drives)
    ]
    return {
        "simulated": True,
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "seed": arguments.seed,
        "seconds": time.perf_counter() - begin_s,
        "drives": drives,
    }
