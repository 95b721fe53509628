"""What a run of the networks costs, and how that compares with others in the same run."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmwave.inference import ModelError, OnnxModel
from mmwave.this_machine import machine
from panoradar_ros.recognition.models import INT8, SINGLE, model_path

ROUNDS = 3
RUNS = 6
WARM_UP = 2
_PANORAMA = (1, 1, 64, 512)
"""Batch, least channels, rows, columns."""


def measure_networks(
    models: dict[str, Path],
    *,
    device: str = "cpu",
    threads: int = 2,
    rounds: int = ROUNDS,
    runs: int = RUNS,
) -> dict[str, Any]:
    """Time of each of some models.

    One is loaded at a time, for threads of ONNX Runtime wait by turning in circles: two sessions
    would take the cores from each other. All take turns, so that a machine that becomes slower
    becomes it for all.

    Args:
        models: files by name; what is first of a kind of input is what the others are held against.
        device: see :class:`mmwave.inference.OnnxModel`.
        threads: of ONNX Runtime.
        rounds: times that each is loaded.
        runs: of each round, besides those to warm up.

    Returns:
        Of each: ``median_ms``, ``fastest_ms``, and ``over_reference``, its median in that of the
        first with the same input.

    Raises:
        ModelError: a model cannot be loaded.
        ValueError: nothing is to be measured.
    """
    if min(rounds, runs, len(models)) < 1:
        raise ValueError(f"rounds {rounds}, runs {runs} and models must be at least 1")
    load = os.getloadavg()[0]
    spent: dict[str, list[float]] = {name: [] for name in models}
    about: dict[str, dict[str, Any]] = {}
    turns = list(models.items()) * rounds
    for name, path in tqdm(turns, desc="networks", leave=False, disable=None):
        model = OnnxModel(path, device, threads)
        spent[name] += _times_ms(model, runs)
        kind = ",".join(model.input_shapes)
        about[name] = {"input": kind, "sha256": model.card.sha256, "provider": model.provider}
        del model
    medians = {name: float(np.median(times)) for name, times in spent.items()}
    references: dict[str, str] = {}
    result = {}
    for name, known in about.items():
        reference = references.setdefault(known["input"], name)
        result[name] = {
            "median_ms": medians[name],
            "fastest_ms": min(spent[name]),
            "reference": reference,
            "over_reference": medians[name] / medians[reference],
            **known,
        }
    return {
        "machine": machine(),
        "load_before": load,
        "threads": threads,
        "runs": rounds * runs,
        "networks": result,
    }


def _times_ms(model: OnnxModel, runs: int) -> list[float]:
    inputs = _inputs(model)
    for _ in range(WARM_UP):
        model.run(**inputs)
    times = []
    for _ in range(runs):
        begin_s = time.perf_counter()
        model.run(**inputs)
        times.append(1e3 * (time.perf_counter() - begin_s))
    return times


def _inputs(model: OnnxModel) -> dict[str, NDArray[Any]]:
    """Noise in the shape of a panorama."""
    generator = np.random.default_rng(0)
    shape = model.input_shapes.get("echo")
    if shape is not None:
        return {"echo": generator.integers(0, 255, tuple(map(int, shape)), dtype=np.uint8)}
    shape = model.input_shapes.get("features")
    if shape is None or len(shape) != 4:
        raise ModelError(f"{model.path.name} is no network of PanoRadar: it takes "
                         f"{', '.join(model.input_shapes)}")  # fmt: skip
    size = [
        one if isinstance(one, int) else least for one, least in zip(shape, _PANORAMA, strict=True)
    ]
    return {"features": generator.normal(size=size).astype(np.float32)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--models",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="ONNX files; the first with the same input is what others are held against (those "
        "that are installed)",
    )
    parser.add_argument("--device", choices=("cpu", "gpu", "auto"), default="cpu")
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime (2)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of {RUNS} runs ({ROUNDS})")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return figures."""
    if arguments.models:
        models = {str(path): path for path in arguments.models}
    else:
        models = {Path(one).stem: model_path(one) for one in (*SINGLE, *INT8)}
    return measure_networks(
        models, device=arguments.device, threads=arguments.threads, rounds=arguments.rounds
    )
