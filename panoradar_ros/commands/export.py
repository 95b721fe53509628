"""``panoradar export``: a trained network as an ONNX file with its card."""

import argparse
import json
from pathlib import Path
from typing import Any

from panoradar_ros.commands import export_mmanomaly, export_rexo
from panoradar_ros.commands.cards import card_of
from panoradar_ros.commands.errors import require_folders, require_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "network", choices=("range", "semantic", "rexo", "mmanomaly"), help="what to export"
    )
    parser.add_argument(
        "--trained",
        type=Path,
        required=True,
        help="folder of panoradar train, or of range and semantic an exported model, to export it "
        "anew; of mmanomaly a folder of its runs context, vae, denoiser, "
        "comparator and, if you like, baseline",
    )
    parser.add_argument("--data", type=Path, required=True, help="frames that were not trained on")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="file to write, NAME.onnx; of rexo NAME_backbone.onnx and NAME_step.onnx, of "
        "mmanomaly NAME_context.onnx and so on",
    )
    parser.add_argument("--frames", type=int, default=64, help="that the card's scores are of (64)")
    parser.add_argument("--range-model", type=Path, help="of the semantic network (the installed)")
    export_rexo.add_arguments(parser)
    parser.add_argument(
        "--licence", default="Apache-2.0", help="of the weights, for the card (Apache-2.0)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export, score, and write model and card."""
    require_torch("export")
    if arguments.output.suffix != ".onnx":
        raise ValueError(f"--output must be NAME.onnx, got {arguments.output}")
    anew = arguments.network in ("range", "semantic") and arguments.trained.suffix == ".onnx"
    require_folders((arguments.data, None if anew else arguments.trained))
    if anew and arguments.output.resolve() == arguments.trained.resolve():
        raise ValueError(f"{arguments.output} is the model itself: give another file")
    exports = {
        "range": _range,
        "semantic": _semantic,
        "rexo": export_rexo.export,
        "mmanomaly": export_mmanomaly.export,
    }
    export = exports[arguments.network]
    result = export(arguments)
    told = {} if "files" in result else {"file": str(arguments.output)}
    print(json.dumps({**told, **result}))
    return 0


def _range(arguments: argparse.Namespace) -> dict[str, Any]:
    from mmwave.learning.trained import earlier_files, read_trained
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.export import export_range_net
    from panoradar_ros.learning.networks.range_net import RangeNet
    from panoradar_ros.learning.range_scores import score_range_net, score_strongest_echo
    from panoradar_ros.learning.range_task import RangeTask

    frames = FrameSet.under(arguments.data)
    net, about = read_trained(arguments.trained, RangeTask(frames, frames))
    assert isinstance(net, RangeNet)
    chosen = frames.spread(arguments.frames)
    scores = score_range_net(net, frames, arguments.frames).as_json()
    strongest = score_strongest_echo(frames[number] for number in chosen).as_json()
    card = card_of(arguments.output, arguments.licence, about) | earlier_files(arguments.trained)
    card |= {
        "what": "range, spread, confidence and normals of a panorama of echoes",
        "input": "echo (1, row, column, range) uint8: quarter decibels over the cube's median",
        "scores": {
            "of": frames.describe() | {"frames": len(chosen)},
            "learned": scores,
            "strongest_echo": strongest,
        },
    }
    errors = export_range_net(net, arguments.output, frames[chosen[0]].echo, card)
    return {"onnx_against_pytorch": errors, **scores}


def _semantic(arguments: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from mmwave.learning.trained import earlier_files, read_trained
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.export import export_semantic_net
    from panoradar_ros.learning.networks.semantic_net import SemanticNet
    from panoradar_ros.learning.semantic_task import SemanticTask, seen
    from panoradar_ros.learning.settings import PanoramaTraining
    from panoradar_ros.recognition.models import load_network, model_path, same_weights

    frames = FrameSet.under(arguments.data)
    model = load_network(arguments.range_model or model_path(), "range")
    looked = seen(frames.only(frames.spread(arguments.frames)), model)
    task = SemanticTask(looked, looked, {})
    net, about = read_trained(arguments.trained, task)
    assert isinstance(net, SemanticNet)
    learned_from = about["data"].get("range_model_sha256")
    if learned_from not in (None, model.card.sha256, *same_weights(model.card)):
        raise ValueError(
            f"{arguments.trained} was trained on the answers of another range model than "
            f"{model.path}: give that one as --range-model"
        )
    scores = task.validate(net, PanoramaTraining(network="semantic"))
    card = card_of(arguments.output, arguments.licence, about) | earlier_files(arguments.trained)
    card |= {
        "what": "classes of pixels and boxes of people and things, from a learned range image",
        "input": "features (1, channel, row, column), see panoradar_ros.recognition.features",
        "range_model_sha256": model.card.sha256,
        "scores": {"of": frames.describe() | {"frames": len(looked)}, "learned": scores},
    }
    features = looked[0].features.astype(np.float32)
    errors = export_semantic_net(net, arguments.output, features, card)
    return {"onnx_against_pytorch": errors, **scores}
