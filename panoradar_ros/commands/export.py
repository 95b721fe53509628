"""``panoradar export``: a trained network as an ONNX file with its card."""

import argparse
import json
from pathlib import Path

from panoradar_ros.commands.errors import require_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("network", choices=("range",), help="what to export")
    parser.add_argument("--run", type=Path, required=True, help="folder of panoradar train")
    parser.add_argument("--data", type=Path, required=True, help="frames that were not trained on")
    parser.add_argument("--output", type=Path, required=True, help="file to write, NAME.onnx")
    parser.add_argument("--frames", type=int, default=64, help="that the card's scores are of (64)")


def run(arguments: argparse.Namespace) -> int:
    """Export, score, and write model and card."""
    require_torch("export")
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.export import export_range_net
    from panoradar_ros.learning.networks.range_net import RangeNet
    from panoradar_ros.learning.range_scores import score_range_net, score_strongest_echo
    from panoradar_ros.learning.range_task import RangeTask
    from panoradar_ros.learning.training import read_run

    frames = FrameSet.under(arguments.data)
    task = RangeTask(frames, frames)
    net, about = read_run(arguments.run, task)
    assert isinstance(net, RangeNet)
    chosen = frames.spread(arguments.frames)
    scores = score_range_net(net, frames, arguments.frames).as_json()
    strongest = score_strongest_echo(frames[number] for number in chosen).as_json()
    card = {
        "name": arguments.output.stem,
        "what": "range, spread, confidence and normals of a panorama of echoes",
        "input": "echo (1, row, column, range) uint8: quarter decibels over the cube's median",
        "simulated": True,
        "licence": "Apache-2.0",
        "training": about,
        "scores": {"frames": len(chosen), "buildings": frames.describe(), "learned": scores},
    }
    card["scores"]["strongest_echo"] = strongest
    errors = export_range_net(net, arguments.output, frames[chosen[0]].echo, card)
    print(json.dumps({"file": str(arguments.output), "onnx_against_pytorch": errors, **scores}))
    return 0
