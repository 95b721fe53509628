"""How fast detectors are, beside plain NumPy in the same run, and how often they are wrong."""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tqdm import tqdm

from mmwave.cfar import CellAveragingCfar, Cfar, OrderedStatisticCfar, detect, strongest_detection
from mmwave.spectrum import range_spectrum
from mmwave.this_machine import machine
from panoradar_ros.benchmarking import growth

SHAPE = (64, 512, 256)
"""Rows, columns and range bins of a frame."""

REPEATS = 7
REFERENCE_SHARE = 16
"""The reference of ordered statistics sorts: it is timed on this part of the rows and scaled."""

DEFAULT = {
    "azimuths": SHAPE[1],
    "elevations": SHAPE[0],
    "range_bins": SHAPE[2],
    "training": CellAveragingCfar().training,
}
SWEEPS: dict[str, tuple[int, ...]] = {
    "azimuths": (128, 256, 512, 1024),
    "elevations": (16, 32, 64, 128),
    "range_bins": (64, 128, 256, 512),
    "training": (5, 10, 20, 40),
}

PROBABILITIES = (1e-2, 1e-3, 1e-4)
DETECTORS: dict[str, Cfar] = {
    "cell_averaging": CellAveragingCfar(),
    "ordered_statistic": OrderedStatisticCfar(),
    "cell_averaging_azimuth": CellAveragingCfar(azimuth_guard=4, azimuth_training=8),
    "ordered_statistic_azimuth": OrderedStatisticCfar(azimuth_guard=4, azimuth_training=8),
}


def measure_cfar(seed: int = 0, trials: int = 8) -> dict[str, Any]:
    """Time and false alarms of every detector on frames of noise.

    Args:
        seed: of the noise.
        trials: frames of noise for each false-alarm rate.

    Raises:
        ValueError: no trials.
    """
    if trials < 1:
        raise ValueError(f"--trials must be at least 1, got {trials}")
    load = os.getloadavg()[0]
    rng = np.random.default_rng(seed)
    frame = rng.exponential(1.0, SHAPE).astype(np.float32)
    steps = tqdm(total=len(DETECTORS) + trials, desc="cfar", leave=False, disable=None)
    times = {}
    for name, cfar in DETECTORS.items():
        times[name] = _times(frame, cfar)
        steps.update()
    rates = _false_alarms(rng, trials, steps)
    steps.close()
    return {
        "simulated": True,
        "machine": machine()["processor"],
        "cores": os.cpu_count(),
        "load_before": load,
        "seed": seed,
        "trials": trials,
        "shape": SHAPE,
        "detectors": times,
        "false_alarms": rates,
    }


def _fastest_ms(task: Callable[[], Any], repeats: int = REPEATS) -> float:
    task()
    spent = []
    for _ in range(repeats):
        begin = time.perf_counter()
        task()
        spent.append(time.perf_counter() - begin)
    return 1e3 * min(spent)


def _times(frame: NDArray[np.float32], cfar: Cfar) -> dict[str, float]:
    own_ms = _fastest_ms(lambda: detect(frame, cfar))
    result = {
        "detect_ms": own_ms,
        "detect_one_worker_ms": _fastest_ms(lambda: detect(frame, cfar, workers=1)),
        "strongest_ms": _fastest_ms(lambda: strongest_detection(frame, cfar, 8, 8.0)),
    }
    if cfar.azimuth_training:
        return result  # the reference is along range
    share = REFERENCE_SHARE if cfar.ranks[-1] else 1
    part = frame[: len(frame) // share]
    reference_ms = share * _fastest_ms(lambda: reference(part, cfar), 2)
    inside = slice(cfar.guard + cfar.training, -cfar.guard - cfar.training)
    different = (detect(part, cfar) != reference(part, cfar))[..., inside].mean()
    return {
        **result,
        "reference_ms": reference_ms,
        "speed_up": reference_ms / own_ms,
        "different_cells": float(different),
    }


def reference(power: NDArray[np.float32], cfar: Cfar) -> NDArray[np.bool_]:
    """The detector along range in plain NumPy: running sums, or a partition of every window.

    The ends are padded with copies of the last cell, where :mod:`mmwave.cfar` uses fewer cells.
    """
    reach = cfar.guard + cfar.training
    padded = np.pad(power, ((0, 0), (0, 0), (reach, reach)), mode="edge")
    if not cfar.ranks[-1]:
        total = np.cumsum(padded, axis=-1, dtype=np.float64)
        total = np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)

        def sums(half: int) -> NDArray[np.float64]:
            first, width = reach - half, 2 * half + 1
            bins = power.shape[-1]
            return total[..., first + width : first + width + bins] - total[..., first:][..., :bins]

        level = sums(reach) - sums(cfar.guard)
        return power > cfar.factor(cfar.cells) / cfar.cells * level
    windows = sliding_window_view(padded, 2 * reach + 1, axis=-1)
    side = cfar.training
    training = np.concatenate([windows[..., :side], windows[..., -side:]], axis=-1)
    rank = cfar.rank(cfar.cells) - 1
    return power > cfar.factor(cfar.cells) * np.partition(training, rank, axis=-1)[..., rank]


def growth_of_detectors(seed: int) -> dict[str, dict[str, Any]]:
    """How the time of every detector for all cells of a frame of noise grows."""

    def detector(sizes: Mapping[str, int], cfar: Cfar) -> growth.Task:
        shape = (sizes["elevations"], sizes["azimuths"], sizes["range_bins"])
        power = np.random.default_rng(seed).exponential(1.0, shape).astype(np.float32)
        return partial(detect, power, replace(cfar, training=sizes["training"]))

    return {
        name: growth.measure_growth(partial(detector, cfar=cfar), DEFAULT, SWEEPS)
        for name, cfar in DETECTORS.items()
    }


def _false_alarms(rng: np.random.Generator, trials: int, steps: tqdm) -> dict[str, Any]:
    """Measured over designed rate, in independent noise and in noise behind the range window.

    Cells share their training cells, so that the hits of a frame are not a binomial's; the spread
    given is that of the mean over rows, which are independent.
    """
    hits: dict[tuple[str, str, float], list[NDArray[np.float64]]] = {}
    for _ in range(trials):
        rows = (SHAPE[0] // 4, *SHAPE[1:])
        samples = rng.standard_normal((*rows, 2), dtype=np.float32).view(np.complex64)[..., 0]
        noises = {
            "independent": rng.exponential(1.0, rows).astype(np.float32),
            "hann_window": np.abs(range_spectrum(samples)) ** 2,
        }
        for noise, power in noises.items():
            for name, cfar in DETECTORS.items():
                for probability in PROBABILITIES:
                    wanted = replace(cfar, false_alarm_probability=probability)
                    found = detect(power, wanted).mean(axis=(1, 2))
                    hits.setdefault((noise, name, probability), []).append(found)
        steps.update()
    result: dict[str, Any] = {}
    for (noise, name, probability), found in hits.items():
        rates = np.concatenate(found) / probability
        result.setdefault(noise, {}).setdefault(name, []).append(
            {
                "designed": probability,
                "measured": float(rates.mean() * probability),
                "ratio": float(rates.mean()),
                "ratio_standard_error": float(rates.std(ddof=1) / np.sqrt(len(rates))),
            }
        )
    return result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--trials", type=int, default=8, help="frames of noise a rate (8)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (0)")
    growth.add_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say."""
    growth.check(arguments)
    result = measure_cfar(arguments.seed, arguments.trials)
    return growth.added(result, arguments, "CFAR", partial(growth_of_detectors, arguments.seed))
