"""What ``panoradar train`` does for REXO and what it is compared with."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmwave.learning.training import Task
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
    """Sequences, read from disk."""
    from rexo_ros.learning.samples import SimulatedSet
    from rexo_ros.learning.task import RexoTask

    if arguments.stride < 1:
        raise ValueError(f"--stride must be at least 1, got {arguments.stride}")
    samples = SimulatedSet.under(arguments.data, arguments.stride, bar)
    return RexoTask(samples, SimulatedSet.under(arguments.validation, arguments.stride, bar))
