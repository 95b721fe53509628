"""``panoradar evaluate``: what the networks are worth in buildings that they never saw."""

import argparse
import json
from contextlib import suppress
from pathlib import Path

from panoradar_ros.commands.errors import require_torch

SHOWN = (
    "normal_mean_deg", "chamfer_m", "hausdorff_m", "miou", "pixel_accuracy", "ap", "ap50",
    "person_range_m", "person_azimuth_deg", "range_net_ms", "semantic_net_ms",
)  # fmt: skip

TRAINED_ABOVE = 100_000
"""Buildings of seeds from here on are for training and validation: an evaluation takes others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("system", choices=("panoradar",), help="what to evaluate")
    parser.add_argument("--limit", type=int, default=60, help="frames (60)")
    parser.add_argument("--seed", type=int, default=50_000, help="of the first building (50000)")
    parser.add_argument("--styles", nargs="+", metavar="STYLE", help="of the buildings (all)")
    parser.add_argument("--range-model", type=Path, help="ONNX file (the one that is installed)")
    parser.add_argument("--semantic-model", type=Path, help="ONNX file (the installed, if any)")
    parser.add_argument("--device", choices=("cpu", "gpu", "auto"), default="cpu")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw the frames")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate fresh frames, evaluate, print."""
    require_torch("evaluation")
    from tqdm import tqdm

    from mmwave.inference import OnnxModel
    from mmwave.simulation.styles import STYLES
    from panoradar_ros.learning.evaluation import evaluate, fresh_frames
    from panoradar_ros.learning.evaluation_pictures import drawn
    from panoradar_ros.nodes.recognition import SEMANTIC_MODEL, ModelError, model_path

    if arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    if not 0 <= arguments.seed < TRAINED_ABOVE - arguments.limit:
        raise ValueError(
            f"--seed must be from 0 to below {TRAINED_ABOVE - arguments.limit}: buildings from "
            f"{TRAINED_ABOVE} on are for training; got {arguments.seed}"
        )
    styles = arguments.styles or sorted(STYLES)
    model = OnnxModel(arguments.range_model or model_path(), arguments.device)
    semantic = arguments.semantic_model
    if semantic is None:
        with suppress(ModelError):
            semantic = model_path(SEMANTIC_MODEL)
    names = OnnxModel(semantic, arguments.device) if semantic else None
    frames = fresh_frames(arguments.seed, arguments.limit, styles)
    if arguments.pictures:
        frames = drawn(frames, model, arguments.pictures)
    bar = tqdm(frames, total=arguments.limit, unit="frame", disable=arguments.json or None)
    result = {"seed": arguments.seed, **evaluate(bar, model, names)}
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"Simulated buildings from seed {arguments.seed} on, {result['frames']} frames:")
    for name in ("range_mae_m", "range_median_m", "range_p90_m"):
        print(f"  {name:<18} {result[name]:.3f}   strongest echo {result['baseline_' + name]:.3f}")
    for name in SHOWN:
        if result.get(name) is not None:
            print(f"  {name:<18} {result[name]:.3g}")
    return 0
