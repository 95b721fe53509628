"""What ``panoradar train`` does for mmAnomaly's networks, each of which may need those before."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmanomaly_ros.learning.samples import SceneSet
    from mmanomaly_ros.learning.settings import AnomalyTraining
    from mmwave.learning.training import Task

MOST_EXPECTED = 4000
"""Frames that a comparator learns from: of each its expectation is drawn, about 0.1 s long."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of mmanomaly-... alone."""
    group = parser.add_argument_group("mmanomaly-...")
    group.add_argument(
        "--context",
        type=Path,
        metavar="RUN",
        help="folder of the mmanomaly-context that denoiser and comparator build on",
    )
    group.add_argument(
        "--vae", type=Path, metavar="RUN", help="folder of their mmanomaly-vae, likewise"
    )
    group.add_argument(
        "--denoiser",
        type=Path,
        metavar="RUN",
        help="folder of the mmanomaly-denoiser that the comparator builds on",
    )
    group.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="of the normal sequences, that the comparator alone learns from: what the others have "
        "learned they expect too well (0.2)",
    )


def settings(arguments: argparse.Namespace, common: dict[str, Any]) -> "AnomalyTraining":
    """Settings of the run."""
    from mmanomaly_ros.learning.settings import AnomalyTraining

    return AnomalyTraining(**common)


def task(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "Task[Any]":
    """Scenes, read from disk, and what the networks before say of them."""
    from mmanomaly_ros.learning.context_task import ContextTask
    from mmanomaly_ros.learning.denoiser_task import DenoiserTask
    from mmanomaly_ros.learning.runs import read_context, read_vae
    from mmanomaly_ros.learning.samples import SceneSet, refuse_common_seeds
    from mmanomaly_ros.learning.vae_task import BaselineTask, VaeTask

    network = arguments.network.removeprefix("mmanomaly-")
    needed = {"denoiser": ("context", "vae"), "comparator": ("context", "vae", "denoiser")}
    for name in needed.get(network, ()):
        if getattr(arguments, name) is None:
            raise ValueError(
                f"--{name} is needed: the folder of a mmanomaly-{name} that is trained"
            )
    if arguments.validation is None:
        raise ValueError("--validation is needed: a folder of other scenes")
    whole = SceneSet.under(arguments.data, bar).normal()
    validation = SceneSet.under(arguments.validation, bar)
    refuse_common_seeds(whole, validation, "the validation")
    if network == "baseline":
        return BaselineTask(whole, validation)
    samples, held_out = whole.parted(arguments.held_out)
    if network == "vae":
        return VaeTask(samples, validation)
    if network == "context":
        return ContextTask(samples, validation)
    if network == "comparator":
        return _comparator(arguments, held_out, validation, bar)
    context, vae = read_context(arguments.context), read_vae(arguments.vae)
    return DenoiserTask(samples, validation, context, vae, arguments.data, progress=bar)


def _comparator(
    arguments: argparse.Namespace,
    samples: "SceneSet",
    validation: "SceneSet",
    bar: Callable[..., Any],
) -> "Task[Any]":
    from mmanomaly_ros.learning.comparator_task import VALIDATED, ComparatorTask
    from mmanomaly_ros.learning.expectations import cache_expectations
    from mmanomaly_ros.learning.runs import read_generator

    generator = read_generator(arguments.context, arguments.vae, arguments.denoiser)
    samples, judged = samples.spread(MOST_EXPECTED), validation.spread(VALIDATED)
    return ComparatorTask(
        samples,
        cache_expectations(arguments.data, samples, generator, progress=bar),
        judged,
        cache_expectations(arguments.validation, judged, generator, progress=bar),
    )
