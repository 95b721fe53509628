"""What a simulated rotation costs, stage by stage, beside real time and beside a direct sum."""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
import numpy as np
from tqdm import tqdm

from mmwave.simulation import rotation
from mmwave.simulation.building import generate_building
from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize, synthesize_direct
from mmwave.simulation.rotation import REVOLUTIONS_PER_S, DriveSimulator
from mmwave.this_machine import machine
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.benchmarking import growth

STAGES = ("between", "synthesize", "leakage", "receive")
"""Functions that :mod:`mmwave.simulation.rotation` calls for every frame or interval. Their wall
times overlap with ``view``, the visibility, which is found on a thread of its own."""

DEFAULT = {"scatterers": 20_000, "positions": 256, "range_bins": 256}
SWEEPS: dict[str, tuple[int, ...]] = {
    "scatterers": (5_000, 10_000, 20_000, 40_000),
    "positions": (64, 128, 256, 512),
    "range_bins": (64, 128, 256, 512),
}
FARTHEST = 0.83
"""Distance of the farthest point of the synthesis over the largest range: 8 m with 256 bins."""

DIRECT_POSITIONS = 2
REPEATS = 3


def measure_simulator(rotations: float = 4.0, seed: int = 1) -> dict[str, Any]:
    """Time the stages of a drive through one building, and the synthesis beside a direct sum.

    Args:
        rotations: turns of the drive.
        seed: of the building, and of the points of the synthesis.

    Raises:
        ValueError: less than a quarter of a rotation.
    """
    if not rotations >= 0.25:
        raise ValueError(f"--rotations must be at least 0.25, got {rotations}")
    load = os.getloadavg()[0]
    drive = _drive(rotations, seed)
    rng = np.random.default_rng(seed)
    direct = _against_direct(rng)
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "threads": numba.get_num_threads(),
        "load_before": load,
        "seed": seed,
        **drive,
        "direct_sum": direct,
    }


def _drive(rotations: float, seed: int) -> dict[str, Any]:
    building = generate_building(seed)
    begin = time.perf_counter()
    simulator = DriveSimulator(building, building.drive_loop())
    sampling_s = time.perf_counter() - begin
    begin = time.perf_counter()
    next(simulator.frames(1))  # compiles the kernels
    first_s = time.perf_counter() - begin
    turn_s = 1 / simulator.revolutions_per_s
    frames = max(1, round(rotations * turn_s / simulator.waveform.frame_period_s))
    turns = frames * simulator.waveform.frame_period_s / turn_s
    with _timed([(rotation, stage) for stage in STAGES] + [(simulator, "view")]) as spent_s:
        begin, cpu = time.perf_counter(), time.process_time()
        for _ in tqdm(
            simulator.frames(frames), total=frames, desc="drive", leave=False, disable=None
        ):
            pass
        wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    return {
        "rotations": turns,
        "surface_sampling_s": sampling_s,
        "first_frame_s": first_s,
        "wall_s_per_rotation": wall_s / turns,
        "cpu_s_per_rotation": cpu_s / turns,
        "wall_over_real_time": wall_s / (turns * turn_s),
        "stage_wall_s_per_rotation": {name: value / turns for name, value in spent_s.items()},
    }


@contextmanager
def _timed(functions: list[tuple[Any, str]]) -> Iterator[dict[str, float]]:
    """Sum up the seconds spent in functions, by name, until the end of the block."""
    spent_s: dict[str, float] = {}
    originals = [(owner, name, getattr(owner, name)) for owner, name in functions]

    def timing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                spent_s[name] = spent_s.get(name, 0.0) + time.perf_counter() - begin

        return wrapper

    try:
        for owner, name, function in originals:
            setattr(owner, name, timing(name, function))
        yield spent_s
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def growth_of_synthesis(seed: int) -> dict[str, dict[str, Any]]:
    """How the time of the synthesis, the largest stage, grows."""

    def synthesis(sizes: Mapping[str, int]) -> growth.Task:
        waveform, rng = growth.waveform_with_bins(sizes["range_bins"]), np.random.default_rng(seed)
        array = AntennaArray().at_wavelength(waveform.wavelength_m)
        points = _points(rng, sizes["scatterers"], waveform)
        return partial(synthesize, points, _track(waveform, sizes["positions"]), waveform, array)

    return {"synthesis": growth.measure_growth(synthesis, DEFAULT, SWEEPS)}


def _points(rng: np.random.Generator, count: int, waveform: Waveform) -> Scatterers:
    """Points all around, from 1 m to most of the largest range."""
    azimuth = rng.uniform(-np.pi, np.pi, count)
    distance = rng.uniform(1, FARTHEST * waveform.max_range_m, count)
    places = [distance * np.cos(azimuth), distance * np.sin(azimuth), rng.uniform(-1, 1, count)]
    return Scatterers.points(np.stack(places, axis=1), 1e-3, phase_rad=rng.uniform(0, 6, count))


def _track(waveform: Waveform, positions: int) -> AntennaTrack:
    """Positions without gaps, the robot standing at the origin."""
    middle_s = waveform.loop_interval_s * np.arange(positions)
    time_s = middle_s[:, None] + waveform.transmitter_offsets_s
    still = np.zeros_like(time_s)
    turned = 2 * np.pi * REVOLUTIONS_PER_S * time_s
    return AntennaTrack.from_pose(time_s, turned, (still, still, still), 0.08, 0.0)


def _synthesis_s(rng: np.random.Generator, scatterers: int, positions: int) -> float:
    waveform, array = Waveform(), AntennaArray()
    points, track = _points(rng, scatterers, waveform), _track(waveform, positions)
    spent = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        synthesize(points, track, waveform, array)
        spent.append(time.perf_counter() - begin)
    return min(spent)


def _against_direct(rng: np.random.Generator) -> dict[str, float]:
    """Time and largest error of the synthesis beside summing term by term, on few positions."""
    waveform, array = Waveform(), AntennaArray()
    points, track = _points(rng, 2_000, waveform), _track(waveform, DIRECT_POSITIONS)
    begin = time.perf_counter()
    exact = synthesize_direct(points, track, waveform, array)
    direct_s = time.perf_counter() - begin
    fast_s = _synthesis_s(rng, 2_000, 256) * DIRECT_POSITIONS / 256
    error = np.abs(synthesize(points, track, waveform, array) - exact).max() / np.abs(exact).max()
    return {
        "direct_s_per_position": direct_s / DIRECT_POSITIONS,
        "synthesis_s_per_position": fast_s / DIRECT_POSITIONS,
        "speed_up": direct_s / fast_s,
        "relative_error": float(error),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--rotations", type=float, default=4.0, help="turns of the drive (4)")
    parser.add_argument("--seed", type=int, default=1, help="of the building (1)")
    growth.add_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    growth.check(arguments)
    result = measure_simulator(arguments.rotations, arguments.seed)
    measure = partial(growth_of_synthesis, arguments.seed)
    return growth.added(result, arguments, "Simulated echoes", measure)
