"""How exact and how fast the ways to form beams are, beside phase steering in the same run."""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmwave.this_machine import machine
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.benchmarking import growth
from panoradar_ros.benchmarking.beamforming_cost import gflop_per_frame
from panoradar_ros.benchmarking.beamforming_pictures import (
    half_power_width_deg,
    save_beam_width,
    save_two_reflectors,
)
from panoradar_ros.benchmarking.memory import peak_memory
from panoradar_ros.benchmarking.trials import Trial, TrialSettings, simulate_trial
from panoradar_ros.imaging.beamforming import Beamformer, phase_steering, range_profiles
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.leakage import LeakageFilter
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles
from panoradar_ros.imaging.rotation import Rotation

WINDOW_RAD = np.deg2rad(60.0)
RANDOM_BEAMS = 16
NEAR_STRONGEST = (-43, -42, -24, -4, -2, -1, 0, 1, 2, 4, 24, 42, 43)
"""Rays after the one of the strongest beam: about it, and where it enters and leaves windows."""
REPEATS = 5
PAPER_GFLOP = 11.36
"""Lai et al. 2024, section 5: their beamforming of one frame."""

PATHS = {
    "full": {"method": "banded", "decimation": 1},
    "moving": {"method": "banded", "decimation": 2},
    "static": {"method": "static", "decimation": 2},
}

GPU_PATHS = {
    "gpu": {"method": "banded", "decimation": 2, "device": "gpu"},
    "gpu_full": {"method": "banded", "decimation": 1, "device": "gpu"},
}

DEFAULT = {"azimuths": 512, "elevations": 64, "window_deg": 60, "range_bins": 256}
SWEEPS: dict[str, tuple[int, ...]] = {
    "azimuths": (256, 512, 1024, 2048),
    "elevations": (16, 32, 64, 128),
    "window_deg": (30, 45, 60, 90, 120),
    "range_bins": (64, 128, 256, 512),
}


@dataclass
class Measurements:
    """What the trials gave.

    Attributes:
        errors: per path, of each trial, over the strongest beam of the panorama.
        frame_ms: per path, the fastest repetition of each trial.
        range_fft_ms: likewise.
        beam_s: time of phase steering for a beam.
    """

    errors: dict[str, list[float]]
    frame_ms: dict[str, list[float]]
    range_fft_ms: list[float]
    beam_s: list[float]


def measure_beamforming(trials: int = 4, seed: int = 1000, gpu: bool = False) -> dict[str, Any]:
    """Image rotations in simulated buildings with motion that is known, and as if still.

    The turntable's speed swings by 5 %; the motion is the trial's velocity and rate of turn with an
    acceleration of up to 0.5 m/s^2 on each axis. Static beams are compared with phase steering
    without motion, whatever the robot did.

    Args:
        trials: rotations.
        seed: of the first trial and of the beams that are compared.
        gpu: the array path runs too, on the GPU.

    Returns:
        Times, errors and ratios as JSON holds them.

    Raises:
        RuntimeError: a GPU is wanted and none answers.
    """
    load = os.getloadavg()[0]
    array, grid = AntennaArray(), PanoramaGrid()
    paths = PATHS | (GPU_PATHS if gpu else {})
    formers = {name: Beamformer(array, WINDOW_RAD, **how) for name, how in paths.items()}  # type: ignore[arg-type]
    found = Measurements({name: [] for name in paths}, {name: [] for name in paths}, [], [])
    settings = TrialSettings(seed=seed, speed_jitter=0.05)
    for number in tqdm(range(trials), desc="rotations", leave=False, disable=None):
        generator = np.random.default_rng([seed, number, 0xBEA])
        _measure_trial(simulate_trial(number, settings), formers, grid, generator, found)
    reference_ms = 1e3 * float(np.median(found.beam_s)) * grid.rows * grid.columns
    times = {name: min(values) for name, values in found.frame_ms.items()}
    sizes = {name: gflop_per_frame(array, grid, WINDOW_RAD, **how) for name, how in PATHS.items()}  # type: ignore[arg-type]
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "load_before": load,
        "seed": seed,
        "trials": trials,
        "moving_ms": times["moving"],
        "static_ms": times["static"],
        "full_ms": times["full"],
        "range_fft_ms": min(found.range_fft_ms),
        "median_ms": {name: float(np.median(v)) for name, v in found.frame_ms.items()},
        "relative_error_full": max(found.errors["full"]),
        "relative_error_decimated": max(found.errors["moving"]),
        "relative_error_static": max(found.errors["static"]),
        **{f"{name}_ms": times[name] for name in paths if name in GPU_PATHS},
        **{
            f"relative_error_{name}": max(found.errors[name]) for name in paths if name in GPU_PATHS
        },
        "azimuth_fwhm_deg": half_power_width_deg(),
        "reference_ms": reference_ms,
        "speed_up": {name: reference_ms / value for name, value in times.items()},
        "gflop_per_frame": sizes | {"paper": PAPER_GFLOP},
        "peak_rss_mb": peak_memory(frames_on_every_path).grown_mb,
    }


def _measure_trial(
    trial: Trial,
    formers: dict[str, Beamformer],
    grid: PanoramaGrid,
    generator: np.random.Generator,
    found: Measurements,
) -> None:
    leakage = LeakageFilter(6.0)
    leakage.update(trial.before)
    rotation, mean_chirp = trial.scored, leakage.update(trial.scored)
    found.range_fft_ms.append(
        fastest_ms(partial(range_profiles, rotation, mean_chirp, workers=2), REPEATS)
    )
    profiles = range_profiles(rotation, mean_chirp)
    x_mps2, y_mps2 = generator.uniform(-0.5, 0.5, 2)
    moving = PlanarMotion(
        float(trial.velocity_mps[0]),
        float(trial.velocity_mps[1]),
        float(x_mps2),
        float(y_mps2),
        trial.middle_s,
        trial.yaw_rate_radps,
    )
    out = np.empty((grid.rows, grid.columns, profiles.spectrum.shape[-1]), np.float32)
    for name, former in formers.items():
        motion = PlanarMotion() if name == "static" else moving
        former.power(rotation, profiles, motion, grid, out)
        largest = float(np.sqrt(out.max()))
        error = 0.0
        for row, ray in _compared_beams(out, rotation, generator):
            begin = time.perf_counter()
            direct = phase_steering(
                rotation,
                profiles,
                motion,
                former.array,
                rotation.ray_azimuth_rad(grid.columns)[ray],
                grid.elevation_rad[row],
                former.window_rad,
            )
            found.beam_s.append(time.perf_counter() - begin)
            fast = np.sqrt(out[row, (-rotation.direction * ray) % grid.columns])
            error = max(error, float(np.abs(fast - np.abs(direct)).max()) / largest)
        found.errors[name].append(error)
        found.frame_ms[name].append(
            fastest_ms(partial(former.power, rotation, profiles, motion, grid, out), REPEATS)
        )


def _compared_beams(
    power: NDArray[np.float32], rotation: Rotation, generator: np.random.Generator
) -> list[tuple[int, int]]:
    """Row and ray of the beams around the strongest one, at the seam, and others."""
    rows, columns, _ = power.shape
    row, column, _ = np.unravel_index(power.argmax(), power.shape)
    top = -rotation.direction * int(column)
    beams = [(int(row), (top + step) % columns) for step in NEAR_STRONGEST]
    beams += [(int(row), ray) for ray in (0, columns - 1)]
    others = zip(
        generator.integers(rows, size=RANDOM_BEAMS),
        generator.integers(columns, size=RANDOM_BEAMS),
        strict=True,
    )
    return beams + [(int(row), int(ray)) for row, ray in others]


def fastest_ms(task: Callable[[], Any], repeats: int) -> float:
    """Wall time of the fastest repetition, which other programs disturbed least."""
    task()
    elapsed = []
    for _ in range(repeats):
        begin = time.perf_counter()
        task()
        elapsed.append(time.perf_counter() - begin)
    return 1e3 * min(elapsed)


def growth_of_frames(seed: int) -> dict[str, dict[str, Any]]:
    """How the time of a frame grows; it does not depend on the samples, which are noise here."""
    motion = PlanarMotion(0.3, -0.2, 0.1, 0.1, 0.25, 0.3)

    def frame(sizes: Mapping[str, int], method: str) -> growth.Task:
        rotation, profiles = noise_rotation(sizes["range_bins"], seed)
        former = Beamformer(
            AntennaArray(), np.deg2rad(sizes["window_deg"]), method=method, decimation=2
        )
        grid = PanoramaGrid(sizes["azimuths"], sizes["elevations"])
        out = np.empty((grid.rows, grid.columns, sizes["range_bins"]), np.float32)
        how = PlanarMotion() if method == "static" else motion
        return partial(former.power, rotation, profiles, how, grid, out)

    return {
        name: growth.measure_growth(partial(frame, method=method), DEFAULT, SWEEPS)
        for name, method in (("moving", "banded"), ("static", "static"))
    }


def noise_rotation(range_bins: int, seed: int) -> tuple[Rotation, RangeProfiles]:
    """A turn with margins of 65 degrees that holds noise."""
    waveform = Waveform()
    positions = round(waveform.positions_per_s * 0.5 * (1 + 130 / 360)) + waveform.loops_per_frame
    frame, loop = np.divmod(np.arange(positions), waveform.loops_per_frame)
    time_s = frame * waveform.frame_period_s + waveform.position_offsets_s[loop]
    samples = np.zeros((positions, 8, waveform.samples_per_chirp, 2), np.int16)
    azimuth_rad = 4 * np.pi * time_s - np.deg2rad(66)
    valid = np.ones((positions, 8), bool)
    rotation = Rotation(samples, valid, time_s, azimuth_rad, 0, 0.0, waveform)
    noise = np.random.default_rng(seed).standard_normal((positions, 8, 2 * range_bins), np.float32)
    return rotation, replace(range_profiles(rotation), spectrum=noise.view(np.complex64))


def frames_on_every_path() -> Callable[[], None]:
    """A task that images a rotation on every path of the CPU."""
    rotation, _ = noise_rotation(256, 0)
    motion, grid = PlanarMotion(0.3, -0.2, 0.1, 0.1, 0.25, 0.3), PanoramaGrid()

    def task() -> None:
        for how in PATHS.values():
            profiles = range_profiles(rotation, workers=2)
            Beamformer(AntennaArray(), WINDOW_RAD, **how).power(rotation, profiles, motion, grid)  # type: ignore[arg-type]

    return task


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--trials", type=int, default=4, help="rotations (4)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first trial (1000)")
    parser.add_argument("--gpu", action="store_true", help="measure the array path on a GPU too")
    growth.add_arguments(parser)
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="draw the beam and two reflectors"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    if arguments.trials < 1:
        raise ValueError(f"--trials must be at least 1, got {arguments.trials}")
    growth.check(arguments)
    result = measure_beamforming(arguments.trials, arguments.seed, arguments.gpu)
    if arguments.pictures:
        save_beam_width(arguments.pictures / "beam_width.png")
        save_two_reflectors(arguments.pictures / "two_reflectors.png")
    return growth.added(result, arguments, "Frame", partial(growth_of_frames, arguments.seed))
