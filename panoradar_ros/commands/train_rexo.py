"""What ``panoradar train`` does for REXO and what it is compared with."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmwave.learning.training import Task
    from rexo_ros.learning.samples import SampleSet
    from rexo_ros.learning.settings import RexoTraining

VIEWS = ("both", "horizontal", "vertical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of rexo, flat and query alone."""
    group = parser.add_argument_group("rexo, flat and query")
    group.add_argument("--views", choices=VIEWS, default="both", help="that it sees (both)")
    group.add_argument(
        "--no-floor", action="store_true", help="boxes need not stand on the floor: an ablation"
    )
    group.add_argument("--boxes", type=int, default=10, help="noisy boxes of a frame (10)")
    group.add_argument(
        "--image-weight", type=float, default=1.0, help="of the boxes in the image (1)"
    )
    group.add_argument(
        "--data-set",
        choices=("simulated", "mmvr", "hiber"),
        default="simulated",
        help="what --data and --validation are: sequences of panoradar simulate rooms, the folder "
        "of MMVR that holds data_split.npz, that of one split of HIBER (simulated)",
    )
    group.add_argument(
        "--split",
        help="P1S1, P1S2, P2S1 or P2S2, of the sequences or of MMVR (where it is needed): parts "
        "train and val of --data; --validation is not read then",
    )
    group.add_argument("--stride", type=int, default=1, help="frames between two samples (1)")


def settings(arguments: argparse.Namespace, common: dict[str, Any]) -> "RexoTraining":
    """Settings of the run."""
    from rexo_ros.learning.settings import RexoTraining

    return RexoTraining(
        **common,
        views=arguments.views,
        grounded=not arguments.no_floor,
        boxes=arguments.boxes,
        image_weight=arguments.image_weight,
    )


def task(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "Task[Any]":
    """Samples, read from disk."""
    from rexo_ros.learning.task import RexoTask

    if arguments.stride < 1:
        raise ValueError(f"--stride must be at least 1, got {arguments.stride}")
    return RexoTask(
        *{"simulated": _simulated, "mmvr": _mmvr, "hiber": _hiber}[arguments.data_set](
            arguments, bar
        )
    )


def _simulated(
    arguments: argparse.Namespace, bar: Callable[..., Any]
) -> "tuple[SampleSet, SampleSet]":
    from rexo_ros.learning.samples import SimulatedSet
    from rexo_ros.learning.splits import split

    samples = SimulatedSet.under(arguments.data, arguments.stride, bar)
    if not arguments.split:
        folder = _validation(arguments)
        return samples, SimulatedSet.under(folder, arguments.stride, bar)
    parts = split(samples.sequences, arguments.split)
    train, val = (
        SimulatedSet([samples.sequences[one] for one in numbers], arguments.stride)
        for numbers in (parts.train, parts.val)
    )
    return train, val


def _mmvr(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "tuple[SampleSet, SampleSet]":
    from rexo_ros.learning.mmvr import MmvrSet

    if not arguments.split:
        raise ValueError("--data-set mmvr needs --split, one of P1S1, P1S2, P2S1, P2S2")
    train, val = (
        MmvrSet.of_split(arguments.data, arguments.split, part) for part in ("train", "val")
    )
    return train, val


def _hiber(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "tuple[SampleSet, SampleSet]":
    from rexo_ros.learning.hiber import HiberSet, sequences

    if arguments.split:
        raise ValueError("HIBER has its splits in folders: give them as --data and --validation")
    folder = _validation(arguments)
    return HiberSet(sequences(arguments.data)), HiberSet(sequences(folder))


def _validation(arguments: argparse.Namespace) -> Path:
    if arguments.validation is None:
        raise ValueError("--validation is needed: a folder of other rooms or days")
    folder: Path = arguments.validation
    return folder
