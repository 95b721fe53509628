"""What ``panoradar train`` does for REXO and what it is compared with."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import rexo_data

if TYPE_CHECKING:
    from mmwave.learning.training import Task
    from rexo_ros.learning.settings import RexoTraining
    from rexo_ros.normalisation import Normalisation

VIEWS = ("all", "both", "horizontal", "vertical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of rexo, flat and query alone."""
    group = parser.add_argument_group("rexo, flat and query")
    group.add_argument(
        "--views",
        choices=VIEWS,
        default="both",
        help="that it sees: all that the data have, or some (both)",
    )
    group.add_argument(
        "--no-floor", action="store_true", help="boxes need not stand on the floor: an ablation"
    )
    group.add_argument("--boxes", type=int, default=10, help="noisy boxes of a frame (10)")
    group.add_argument(
        "--image-weight", type=float, default=1.0, help="of the boxes in the image (1)"
    )
    group.add_argument("--space-weight", type=float, default=1.0, help="of the boxes in space (1)")
    group.add_argument(
        "--centre-weight",
        type=float,
        default=1.0,
        help="of a map of people's middles that the backbone learns beside; 0 as in the paper (1)",
    )
    group.add_argument(
        "--one-view-share",
        type=float,
        default=0.1,
        help="of the frames in which one radar is taken away (0.1)",
    )
    group.add_argument(
        "--mixed-share",
        type=float,
        default=0.5,
        help="of simulated frames to which the people of another one are added; 0 as in the paper "
        "(0.5)",
    )
    group.add_argument(
        "--early-matches",
        type=int,
        default=3,
        help="boxes that everybody is given in all heads but the last; 1 as in the paper (3)",
    )
    group.add_argument(
        "--freeze-backbone",
        action="store_true",
        help="leave the backbone as it is in --begin-from: heads alone are trained, in half of the "
        "time",
    )
    group.add_argument(
        "--normalisation",
        default="set",
        metavar="set|frame|M:D,M:D",
        help="of powers: by the training set, by every frame, or given mean and deviation of the "
        "logarithms of each view (set)",
    )
    rexo_data.add_arguments(group)


def settings(arguments: argparse.Namespace, common: dict[str, Any]) -> "RexoTraining":
    """Settings of the run."""
    from rexo_ros.learning.settings import RexoTraining

    return RexoTraining(
        **common,
        views=arguments.views,
        grounded=not arguments.no_floor,
        boxes=arguments.boxes,
        space_weight=arguments.space_weight,
        image_weight=arguments.image_weight,
        centre_weight=arguments.centre_weight,
        one_view_share=arguments.one_view_share,
        mixed_share=arguments.mixed_share,
        early_matches=arguments.early_matches,
        backbone_frozen=arguments.freeze_backbone,
    )


def normalisation(text: str) -> "Normalisation | None":
    """What ``--normalisation`` asks for; None: statistics of the training set.

    Raises:
        ValueError: it is no such text.
    """
    from rexo_ros.normalisation import Normalisation

    if text == "set":
        return None
    if text == "frame":
        return Normalisation()
    try:
        pairs = [tuple(map(float, pair.split(":"))) for pair in text.split(",")]
        means, deviations = zip(*pairs, strict=True)
        return Normalisation(means, deviations)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"--normalisation must be set, frame, or MEAN:DEVIATION of every view, got {text!r}"
        ) from error


def task(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "Task[Any]":
    """Samples, read from disk; of a split its parts to train on and to validate."""
    from rexo_ros.learning.samples import refuse_floating, refuse_overlap
    from rexo_ros.learning.task import RexoTask

    given = normalisation(arguments.normalisation)
    divided = bool(arguments.split) or arguments.data_set == "mmvr"
    if divided and arguments.validation is not None:
        raise ValueError("--validation is not wanted with --split, which divides --data itself")
    if not divided and arguments.validation is None:
        raise ValueError("--validation is needed: a folder of other rooms or days")
    samples = rexo_data.sample_set(arguments, arguments.data, "train", bar)
    folder = arguments.data if divided else arguments.validation
    validation = rexo_data.sample_set(arguments, folder, "val", bar)
    refuse_overlap(samples, validation, "the validation")
    if not arguments.no_floor:
        refuse_floating(samples)
    return RexoTask(samples, validation, given)
