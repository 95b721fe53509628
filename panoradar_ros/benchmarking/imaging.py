"""How well and how fast rotations are imaged, beside direct summation in the same run."""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mmwave.simulation.building import Building, generate_building
from mmwave.simulation.rotation import simulate_rotation
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.this_machine import machine
from panoradar_ros.benchmarking.beamforming import noise_rotation
from panoradar_ros.benchmarking.memory import peak_memory
from panoradar_ros.benchmarking.trials import TURNS, consecutive_turns
from panoradar_ros.imaging.beamforming import phase_steering, range_profiles
from panoradar_ros.imaging.leakage import LeakageFilter
from panoradar_ros.imaging.pipeline import Imager
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.scoring import score_motion

REFERENCE_BEAMS = 24


def measure_imaging(trials: int = 10, seed: int = 1000) -> dict[str, Any]:
    """Image rotations at random constant velocities in simulated buildings.

    As when the radar runs, a turn came before the one that counts: the leakage is not estimated
    from the scored rotation alone, and the velocity has a first guess.

    Args:
        trials: rotations, each in a building of its own seed.
        seed: of the first building and of all velocities.

    Returns:
        Accuracy of the motion, time of each stage, relative error of the fast beamformer, and its
        speed-up over direct summation in double precision (timed on a few beams, scaled to all).
    """
    generator = np.random.default_rng(seed)
    estimated, true, stages, errors, reference_s = [], [], [], [], []
    warm = Imager()
    for trial in range(trials):
        velocity = _random_velocity(generator)
        before, rotation = _simulate(generate_building(seed + trial), velocity, seed + trial)
        if trial == 0:
            warm.image(rotation)  # compiles the kernels
        imager = Imager()
        imager.image(before)
        panorama = imager.image(rotation)
        motion = panorama.motion.motion
        estimated.append([motion.x_mps, motion.y_mps])
        true.append(velocity)
        stages.append(panorama.stage_ms)
        error, seconds = _against_direct(imager, (before, rotation), panorama, generator)
        errors.append(error)
        reference_s.append(seconds)
    score = score_motion(np.array(estimated), np.array(true))
    beams = 512 * 64
    peak = peak_memory(two_turns)
    beamforming_ms = float(np.median([stage["beamforming"] for stage in stages]))
    direct_ms = 1e3 * float(np.median(reference_s)) * beams
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "seed": seed,
        "trials": trials,
        "speed_mae_mps": score.speed_mae_mps,
        "speed_p95_mps": score.speed_p95_mps,
        "heading_mae_deg": score.heading_mae_deg,
        "heading_p95_deg": score.heading_p95_deg,
        "stage_ms": {
            name: float(np.median([stage[name] for stage in stages])) for name in stages[0]
        },
        "relative_error_decimated": float(max(errors)),
        "reference_ms_extrapolated": direct_ms,
        "beamforming_speed_up": direct_ms / beamforming_ms,
        "peak_rss_mb": peak.grown_mb,
        "process_peak_mb": peak.process_mb,
    }


def two_turns() -> Callable[[], None]:
    """A task that images two turns of noise with everything but the compiled code new."""
    rotation, _ = noise_rotation(256, 0)
    Imager().warm_up(rotation.waveform)

    def task() -> None:
        imager = Imager()
        for _ in range(2):
            imager.image(rotation)

    return task


def _random_velocity(generator: np.random.Generator) -> np.ndarray:
    speed, heading = generator.uniform(0.05, 0.6), generator.uniform(-np.pi, np.pi)
    return speed * np.array([np.cos(heading), np.sin(heading)])


def _simulate(building: Building, velocity: np.ndarray, seed: int) -> tuple[Rotation, Rotation]:
    start = building.drive_loop().pose(0.0)
    trajectory = ConstantVelocity(
        float(start.x_m), float(start.y_m), float(velocity[0]), float(velocity[1])
    )
    return consecutive_turns(simulate_rotation(building, trajectory, seed=seed, rotations=TURNS))


def _against_direct(
    imager: Imager, turns: tuple[Rotation, Rotation], panorama, generator: np.random.Generator
) -> tuple[float, float]:
    """Largest difference over the strongest beam of the panorama, and seconds a direct beam."""
    grid = imager.settings.grid
    leakage = LeakageFilter(imager.settings.leakage_rotations)
    leakage.update(turns[0])
    rotation = turns[1]
    profiles = range_profiles(rotation, leakage.update(rotation))
    rays = rotation.ray_azimuth_rad(grid.columns)
    largest, error, begin = float(np.sqrt(panorama.power.max())), 0.0, time.perf_counter()
    for _ in range(REFERENCE_BEAMS):
        ray, row = generator.integers(grid.columns), generator.integers(grid.rows)
        beam = phase_steering(
            rotation,
            profiles,
            panorama.motion.motion,
            imager.array,
            rays[ray],
            grid.elevation_rad[row],
            imager.settings.window_rad,
        )
        fast = np.sqrt(panorama.power[row, (-rotation.direction * ray) % grid.columns])
        error = max(error, float(np.abs(fast - np.abs(beam)).max()) / largest)
    return error, (time.perf_counter() - begin) / REFERENCE_BEAMS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--trials", type=int, default=10, help="rotations (10)")
    parser.add_argument("--seed", type=int, default=1000, help="of the simulated building (1000)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    if arguments.trials < 1:
        raise ValueError(f"--trials must be at least 1, got {arguments.trials}")
    return measure_imaging(arguments.trials, arguments.seed)
