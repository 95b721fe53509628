"""How far dead reckoning drifts over long drives of a base that turns meanwhile."""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmwave.dca1000 import PositionBlock
from mmwave.simulation.building import Building, generate_building
from mmwave.simulation.rotation import REVOLUTIONS_PER_S, DriveSimulator, World
from mmwave.simulation.route import Speed, plan_route
from mmwave.simulation.trajectory import Trajectory, Turning
from mmwave.this_machine import machine
from panoradar_ros.benchmarking.trials import STYLES
from panoradar_ros.imaging.pipeline import Imager, Panorama
from panoradar_ros.imaging.planar_pose import PlanarPose
from panoradar_ros.imaging.turntable import RotationAssembler

START_NS = 1_000_000_000_000
SEGMENT_M = 10.0

MEAN_TURN_RADPS, SWING_RADPS, SWING_PERIOD_S = np.deg2rad(15), np.deg2rad(45), 9.0
"""How the robot turns while it drives: from -30 to the 60 deg/s that the estimator is made for."""


def drive_of(
    building: Building, length_m: float, speed_mps: float, generator: np.random.Generator
) -> tuple[Turning, float]:
    """A long way through the building by a base that turns meanwhile.

    Args:
        building: a generated building.
        length_m: of the planned way.
        speed_mps: mean.
        generator: chooses the way.

    Returns:
        The drive, and how many seconds it takes.
    """
    way = plan_route(building, length_m, generator, Speed(speed_mps))
    return Turning(way, MEAN_TURN_RADPS, SWING_RADPS, SWING_PERIOD_S), float(way.time_s[-1])


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
        Mean and worst error of the position in percent of the segment and of the yaw in degrees;
        the same over the whole drive; how far apart the ends of a segment are on average, and the
        scale of the estimated distances between them beside the true ones, in percent off.
    """
    steps = [np.hypot(b.x_m - a.x_m, b.y_m - a.y_m) for a, b in pairwise(true)]
    way_m = np.concatenate([[0.0], np.cumsum(steps)])
    last = np.searchsorted(way_m, way_m + segment_m)
    whole = last < len(true)
    firsts, lasts = np.flatnonzero(whole), last[whole]
    wanted = [true[a].inverse().then(true[b]) for a, b in zip(firsts, lasts, strict=True)]
    got = [estimated[a].inverse().then(estimated[b]) for a, b in zip(firsts, lasts, strict=True)]
    position, yaw = np.array([_apart(*pair) for pair in zip(got, wanted, strict=True)]).T
    apart_m, found_m = (np.array([np.hypot(p.x_m, p.y_m) for p in ends]) for ends in (wanted, got))
    end = (poses[0].inverse().then(poses[-1]) for poses in (estimated, true))
    end_m, end_deg = _apart(*end)
    return {
        "distance_m": float(way_m[-1]),
        "segment_ends_apart_m": float(apart_m.mean()),
        "scale_error_percent": float(100 * (found_m @ apart_m / (apart_m @ apart_m) - 1)),
        "drift_percent_mean": float(100 * position.mean() / segment_m),
        "drift_percent_worst": float(100 * position.max() / segment_m),
        "yaw_drift_deg_per_10m_mean": float(yaw.mean() * 10 / segment_m),
        "yaw_drift_deg_per_10m_worst": float(yaw.max() * 10 / segment_m),
        "end_error_percent": 100 * end_m / float(way_m[-1]),
        "end_yaw_error_deg": end_deg,
    }


def _apart(one: PlanarPose, other: PlanarPose) -> tuple[float, float]:
    """Distance of two poses in metres and in degrees of yaw."""
    distance_m = float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m))
    return distance_m, abs(float(np.rad2deg(one.yaw_rad - other.yaw_rad)))


def measure_drive(seed: int, distance_m: float, speed_mps: float) -> dict[str, Any]:
    """Drive through one building and compare dead reckoning with the truth."""
    style = STYLES[seed % len(STYLES)]
    building = generate_building(seed, style)
    generator = np.random.default_rng([seed, 0x0D0])
    drive, duration_s = drive_of(building, distance_m, speed_mps, generator)
    estimated, at_s, unreliable = [], [], 0
    turns = panoramas(building, drive, duration_s, seed)
    total = int(duration_s * REVOLUTIONS_PER_S)
    for panorama in tqdm(turns, desc=f"{style} {seed}", unit="turn", total=total, leave=False):
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
    parser.add_argument("--jobs", type=int, default=1, help="drives at the same time (1)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    if arguments.drives < 1 or arguments.distance < 2 * SEGMENT_M or arguments.jobs < 1:
        raise ValueError("--drives and --jobs must be at least 1 and --distance at least 20")
    if not 0.05 <= arguments.speed <= 0.45:
        raise ValueError(f"--speed must be from 0.05 to 0.45 m/s, got {arguments.speed}")
    load, begin_s = os.getloadavg()[0], time.perf_counter()
    one = partial(measure_drive, distance_m=arguments.distance, speed_mps=arguments.speed)
    seeds = range(arguments.seed, arguments.seed + arguments.drives)
    if arguments.jobs == 1:
        drives = list(map(one, seeds))
    else:
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            drives = list(pool.map(one, seeds))
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "load_before": load,
        "seed": arguments.seed,
        "seconds": time.perf_counter() - begin_s,
        "drives": drives,
    }
