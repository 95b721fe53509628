"""How well the robot's motion is found in fresh rotations, beside the published method.

Both estimators see the same two turns of every trial, as when the radar runs: the turn before the
scored one gives leakage and a first guess.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2
from tqdm import tqdm

from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import StaticWorld, simulate_rotation
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.this_machine import machine
from mmwave.waveform import AntennaArray
from panoradar_ros.benchmarking import growth
from panoradar_ros.benchmarking.trials import Trial, TrialSettings, simulate_trial
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.hough_motion import HoughMotionEstimator
from panoradar_ros.imaging.leakage import LeakageFilter
from panoradar_ros.imaging.motion import MotionEstimate, MotionEstimator
from panoradar_ros.imaging.odometry import Odometer
from panoradar_ros.imaging.pipeline import ImagingSettings, turn_times_ns
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation
from panoradar_ros.imaging.votes import VoteSettings, vote_profiles
from panoradar_ros.imaging.yaw_prior import YawRatePrior
from panoradar_ros.scoring import score_motion

Record = dict[str, Any]
Estimator = MotionEstimator | HoughMotionEstimator

ESTIMATOR, BASELINE = "moments", "hough"
"""Names of the two in the records."""

DEFAULT = {
    "azimuths": VoteSettings().rays,
    "elevations": 2 * len(VoteSettings().elevations_rad) - 1,
    "window_deg": 60,
    "range_bins": 256,
}
SWEEPS: dict[str, tuple[int, ...]] = {
    "azimuths": (96, 192, 384, 768),
    "elevations": (3, 7, 13, 25),
    "window_deg": (30, 45, 60, 90, 120),
    "range_bins": (64, 128, 256, 512),
}


@cache
def _estimators() -> dict[str, Estimator]:
    """The estimators as the imaging pipeline makes them."""
    settings = ImagingSettings()
    beamformer = Beamformer(AntennaArray(), settings.window_rad, workers=settings.workers)
    return {
        ESTIMATOR: MotionEstimator(beamformer, settings.motion),
        BASELINE: HoughMotionEstimator(),
    }


def run_trial(number: int, settings: TrialSettings) -> Record:
    """Simulate one trial and let every estimator answer.

    Returns:
        JSON-able: number, truth, and by estimator's name its answer, as in :func:`answer_record`.
    """
    trial = simulate_trial(number, settings)
    record: Record = {
        "trial": number,
        "true": [*map(float, trial.velocity_mps), trial.yaw_rate_radps],
    }
    for name, estimator in _estimators().items():
        answer, cpu_s, wall_s = follow(estimator, (trial.before, trial.scored), trial.imu)
        record[name] = answer_record(answer, trial) | {
            "cpu_ms": 1e3 * cpu_s,
            "wall_ms": 1e3 * wall_s,
        }
    return record


def follow(
    estimator: Estimator, turns: Iterable[Rotation], yaw_rate: YawRatePrior | None = None
) -> tuple[MotionEstimate, float, float]:
    """Let an estimator answer turn after turn, as the pipeline does.

    The last answer is the next first guess; where that leads nowhere the estimator starts again
    without, and the odometer joins each answer with the turn before.

    Args:
        estimator: of the motion.
        turns: one after the other.
        yaw_rate: what an IMU says of the rate of turn meanwhile.

    Returns:
        Answer for the last turn, and CPU and wall seconds that it took,
        its range FFT included.
    """
    leakage = LeakageFilter(ImagingSettings().leakage_rotations)
    odometer = Odometer()
    guess: tuple[PlanarMotion, int] | None = None
    for rotation in turns:
        mean_chirp = leakage.update(rotation)
        initial = None
        if guess is not None:
            earlier_s = (guess[1] - rotation.reference_ns) * 1e-9
            initial = replace(guess[0], reference_s=guess[0].reference_s + earlier_s)
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        profiles = estimator.profiles(rotation, mean_chirp)
        answer = estimator.estimate(rotation, profiles, initial, yaw_rate)
        if not answer.reliable and initial is not None:
            answer = estimator.estimate(rotation, profiles, None, yaw_rate)
        answer = odometer.update(answer, *turn_times_ns(rotation)).estimate
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        guess = (answer.motion, rotation.reference_ns) if answer.reliable else None
    return answer, cpu_s, wall_s


def answer_record(answer: MotionEstimate, trial: Trial) -> Record:
    """What is kept of an answer.

    Returns:
        motion (x m/s, y m/s, yaw rate rad/s) in the middle of the turn, reliable, and the squared
        error normalised by the covariance with its number of dimensions: those whose variance is
        finite.
    """
    motion = answer.motion.at(trial.middle_s)
    found = np.array([motion.x_mps, motion.y_mps, motion.yaw_rate_radps])
    error = found - np.array([*trial.velocity_mps, trial.yaw_rate_radps])
    known = np.isfinite(np.diag(answer.covariance))
    covariance = answer.covariance[np.ix_(known, known)]
    squared = float(error[known] @ np.linalg.pinv(covariance) @ error[known])
    return {
        "motion": found.tolist(),
        "reliable": bool(answer.reliable),
        "normalised_error_squared": squared,
        "dimensions": int(known.sum()),
    }


def figures(records: list[Record], name: str) -> dict[str, Any]:
    """Errors and times of one estimator.

    Errors are of the answers that the estimator calls reliable; ``..._all_...`` count the others
    too. ``nees`` is the mean squared error normalised by the covariance: its number of dimensions
    where the covariance is honest, and then 95 % of the answers lie inside the 95 % ellipse.
    """
    answers = [record[name] for record in records]
    reliable = np.array([answer["reliable"] for answer in answers], bool)
    found = np.array([answer["motion"] for answer in answers]).reshape(-1, 3)
    true = np.array([record["true"] for record in records]).reshape(-1, 3)
    result: dict[str, Any] = {
        "trials": len(records),
        "unreliable_fraction": float(1 - reliable.mean()) if len(records) else None,
    }
    if not reliable.any():
        return result
    score = score_motion(found[reliable, :2], true[reliable, :2])
    every = score_motion(found[:, :2], true[:, :2])
    yaw_error_dps = np.rad2deg(np.abs(found - true)[reliable, 2])
    squared, dimensions = (
        np.array([answer[key] for answer in answers])[reliable]
        for key in ("normalised_error_squared", "dimensions")
    )
    result |= {
        "speed_mae_mps": score.speed_mae_mps,
        "speed_p95_mps": score.speed_p95_mps,
        "heading_mae_deg": score.heading_mae_deg,
        "heading_p95_deg": score.heading_p95_deg,
        "speed_mae_all_mps": every.speed_mae_mps,
        "heading_mae_all_deg": every.heading_mae_deg,
        "yaw_rate_mae_dps": float(yaw_error_dps.mean()),
        "yaw_rate_p95_dps": float(np.quantile(yaw_error_dps, 0.95)),
        "nees": float(squared.mean()),
        "nees_dimensions": float(dimensions.mean()),
        "inside_95": float(np.mean(squared <= chi2.ppf(0.95, np.maximum(dimensions, 1)))),
        "cpu_ms": float(np.median([answer["cpu_ms"] for answer in answers])),
        "wall_ms": float(np.median([answer["wall_ms"] for answer in answers])),
    }
    return {key: None if value != value else value for key, value in result.items()}


def with_subsets(records: list[Record], name: str) -> dict[str, Any]:
    """Figures over all trials, over those that do not turn and over those that do."""
    still = [record for record in records if record["true"][2] == 0]
    yawing = [record for record in records if record["true"][2] != 0]
    subsets = {"still_yaw": figures(still, name), "yawing": figures(yawing, name)}
    return figures(records, name) | {"subsets": subsets}


def measure_motion(
    trials: int,
    settings: TrialSettings | None = None,
    jobs: int = 1,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Run trials and sum up.

    Args:
        trials: rotations, each in a building of its own.
        settings: what they are like.
        jobs: processes; the times are honest with 1 only.
        keep: JSON lines; trials found in it are not run again.
    """
    settings = settings or TrialSettings()
    load = os.getloadavg()[0]
    records = _kept(keep, settings) if keep else {}
    records = {number: record for number, record in records.items() if number < trials}
    missing = [number for number in range(trials) if number not in records]
    with tqdm(total=trials, initial=len(records), unit="trial", desc="motion") as progress:
        for record in _run(missing, settings, jobs):
            records[record["trial"]] = record
            if keep:
                _append(keep, record)
            progress.update()
    ordered = [records[number] for number in sorted(records)]
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "load_before": load,
        "jobs": jobs,
        **asdict(settings),
        **with_subsets(ordered, ESTIMATOR),
        "baseline": with_subsets(ordered, BASELINE),
    }


def growth_of_passes(seed: int) -> dict[str, dict[str, Any]]:
    """How the time of one pass of votes and their solution grows, on a turn in a building."""
    workers = ImagingSettings().workers

    def one_pass(sizes: Mapping[str, int]) -> growth.Task:
        rotation = _turn_with_wide_margins(seed, sizes["range_bins"])
        mean_chirp = LeakageFilter(ImagingSettings().leakage_rotations).update(rotation)
        profiles = vote_profiles(rotation, mean_chirp)
        array = AntennaArray().at_wavelength(rotation.waveform.wavelength_m)
        former = Beamformer(array, np.deg2rad(sizes["window_deg"]), workers=workers)
        highest_rad, rows = VoteSettings().elevations_rad[-1], (sizes["elevations"] + 1) // 2
        elevations_rad = tuple(np.linspace(0, highest_rad, rows).tolist())
        votes = VoteSettings(rays=sizes["azimuths"], elevations_rad=elevations_rad)
        settings = replace(ImagingSettings().motion, votes=votes, max_iterations=1)
        return partial(MotionEstimator(former, settings).estimate, rotation, profiles)

    return {"one_pass": growth.measure_growth(one_pass, DEFAULT, SWEEPS)}


@cache
def _turn_with_wide_margins(seed: int, range_bins: int) -> Rotation:
    """A turn in a building with margins for a window of 120 degrees, the robot standing still."""
    building = generate_building(seed)
    start = building.drive_loop().pose(0.0)
    simulated = simulate_rotation(
        StaticWorld(building.scene),
        ConstantVelocity(float(start.x_m), float(start.y_m)),
        waveform=growth.waveform_with_bins(range_bins),
        seed=seed,
        rotations=1.4,
    )
    return Rotation(
        simulated.samples,
        np.ones(simulated.samples.shape[:2], bool),
        simulated.time_s,
        simulated.azimuth_rad,
        0,
        float(simulated.azimuth_rad[0] + np.deg2rad(65)),
        simulated.waveform,
    )


def _run(numbers: list[int], settings: TrialSettings, jobs: int) -> Iterator[Record]:
    if jobs == 1:
        for number in numbers:
            yield run_trial(number, settings)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_trial, number, settings) for number in numbers]
        for done in as_completed(waiting):
            yield done.result()


def _kept(path: Path, settings: TrialSettings) -> dict[int, Record]:
    """Trials of an earlier run; the file is begun if it is not there.

    Raises:
        ValueError: the file holds trials of other settings.
    """
    if not path.exists():
        _append(path, {"settings": asdict(settings)})
        return {}
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")  # the run ended in the middle of a line
    lines = [json.loads(line) for line in whole.splitlines()]
    if not lines or lines[0].get("settings") != asdict(settings):
        raise ValueError(f"{path} holds trials of other settings: give another file")
    return {record["trial"]: record for record in lines[1:]}


def _append(path: Path, record: Record) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    default = TrialSettings()
    parser.add_argument("--trials", type=int, default=40, help="rotations (40)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of the first building")
    parser.add_argument("--jobs", type=int, default=1, help="processes; times are honest with 1")
    parser.add_argument("--keep", type=Path, help="JSON lines of single trials; goes on from there")
    parser.add_argument("--loss", type=float, default=0.0, help="share of positions lost (0)")
    parser.add_argument("--jitter", type=float, default=0.0, help="swing of the rotor's speed (0)")
    parser.add_argument("--imu", type=float, default=0.0, help="error of an IMU, rad/s (none)")
    parser.add_argument("--people", action="store_true", help="people stand and walk in view")
    parser.add_argument(
        "--frame",
        choices=("world", "body"),
        default=default.frame,
        help="axes in which velocity changes evenly (world)",
    )
    growth.add_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    for name in ("trials", "jobs"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(arguments, name)}")
    settings = TrialSettings(
        seed=arguments.seed,
        lost_share=arguments.loss,
        speed_jitter=arguments.jitter,
        people=arguments.people,
        frame=arguments.frame,
        imu_radps=arguments.imu,
    )
    growth.check(arguments)
    result = measure_motion(arguments.trials, settings, arguments.jobs, arguments.keep)
    measure = partial(growth_of_passes, arguments.seed)
    return growth.added(result, arguments, "Votes and their solution", measure)
