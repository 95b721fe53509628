"""What ``panoradar train`` does for PanoRadar's networks."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmwave.learning.training import Task
    from panoradar_ros.learning.settings import PanoramaTraining


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of range and semantic alone."""
    group = parser.add_argument_group("range and semantic")
    group.add_argument(
        "--hold-out",
        nargs="+",
        metavar="STYLE",
        help="styles of buildings that are not learned from, and alone validated on",
    )
    group.add_argument(
        "--range-model", type=Path, help="of the frames that semantic learns from (the installed)"
    )
    group.add_argument(
        "--no-wrap", action="store_true", help="azimuth is no circle: the ablation of the paper"
    )


def settings(arguments: argparse.Namespace, common: dict[str, Any]) -> "PanoramaTraining":
    """Settings of the run."""
    from panoradar_ros.learning.settings import PanoramaTraining

    return PanoramaTraining(**common, wraps=not arguments.no_wrap)


def task(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "Task[Any]":
    """Frames, read from disk."""
    from panoradar_ros.learning.dataset import FrameSet, refuse_common_buildings
    from panoradar_ros.learning.range_task import RangeTask
    from panoradar_ros.learning.semantic_task import SemanticTask, seen
    from panoradar_ros.recognition.models import load_network, model_path

    if arguments.validation is None:
        raise ValueError("--validation is needed: a folder of frames of other buildings")
    frames, validation = FrameSet.under(arguments.data), FrameSet.under(arguments.validation)
    if arguments.hold_out:
        frames, _ = frames.hold_out(arguments.hold_out)
        _, validation = validation.hold_out(arguments.hold_out)
    refuse_common_buildings(frames, validation)
    if arguments.network == "range":
        return RangeTask(frames, validation)
    model = load_network(arguments.range_model or model_path(), "range")
    about = {**frames.describe(), "range_model_sha256": model.card.sha256}
    return SemanticTask(seen(frames, model, bar), seen(validation, model, bar), about)
