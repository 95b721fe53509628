"""``panoradar quantise``: an exported network with convolutions in 8 bits, for slow processors."""

import argparse
import json
from pathlib import Path

from panoradar_ros.commands.errors import require_folders, require_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("network", choices=("range", "semantic"), help="which one")
    parser.add_argument(
        "--model", type=Path, help="exported, NAME.onnx (the installed, in single precision)"
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="frames to choose steps on, such as trained on"
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write, NAME.onnx")
    parser.add_argument("--frames", type=int, default=16, help="that steps are chosen on (16)")
    parser.add_argument("--range-model", type=Path, help="of the semantic network (the installed)")


def run(arguments: argparse.Namespace) -> int:
    """Quantise, compare, and write model and card."""
    require_torch("quantising")
    if arguments.output.suffix != ".onnx":
        raise ValueError(f"--output must be NAME.onnx, got {arguments.output}")
    require_folders((arguments.data,))
    if arguments.network == "range" and arguments.range_model:
        raise ValueError("--range-model is of the semantic network; of range give --model")
    if arguments.frames < 1:
        raise ValueError(f"--frames must be at least 1, got {arguments.frames}")
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.quantised import quantise_range_net, quantise_semantic_net
    from panoradar_ros.learning.semantic_task import seen
    from panoradar_ros.recognition.models import SEMANTIC_MODEL, load_network, mismatch, model_path

    frames = FrameSet.under(arguments.data)
    chosen = frames.only(frames.spread(arguments.frames))
    if arguments.network == "range":
        model = load_network(arguments.model or model_path(), "range").path
        read = [chosen[number] for number in range(len(chosen))]
        errors = quantise_range_net(model, arguments.output, read, frames.describe())
    else:
        single = load_network(arguments.model or model_path(SEMANTIC_MODEL), "semantic")
        model = single.path
        ranges = load_network(arguments.range_model or model_path(), "range")
        if problem := mismatch(ranges.card, single.card):
            raise ValueError(f"{problem}: give that range model as --range-model")
        looked = seen(chosen, ranges)
        errors = quantise_semantic_net(model, arguments.output, looked, frames.describe())
    print(json.dumps({"file": str(arguments.output), **errors}))
    return 0
