"""``panoradar evaluate``: what the networks are worth in buildings that they never saw."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import evaluate_mmanomaly, evaluate_rexo
from panoradar_ros.commands.errors import require_folders, require_torch
from panoradar_ros.commands.progress import progress
from panoradar_ros.commands.seeds import refuse_trained

if TYPE_CHECKING:
    from mmwave.inference import OnnxModel
    from panoradar_ros.learning.evaluation import FreshFrame

LIMIT = 60
SHOWN = (
    "normal_mean_deg", "chamfer_m", "hausdorff_m", "chamfer_2d_m", "hausdorff_2d_m", "miou",
    "pixel_accuracy", "ap", "ap50", "person_range_m", "person_azimuth_deg", "range_net_ms",
    "semantic_net_ms",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "system", choices=("panoradar", "rexo", "mmanomaly"), help="what to evaluate"
    )
    parser.add_argument(
        "--limit",
        type=int,
        help="frames (60); of mmanomaly normal sequences of each watch, and as many others (20)",
    )
    parser.add_argument(
        "--data", type=Path, help="folder of frames on disk, instead of simulating fresh ones"
    )
    parser.add_argument("--seed", type=int, default=50_000, help="of the first building (50000)")
    parser.add_argument("--styles", nargs="+", metavar="STYLE", help="of the buildings (all)")
    parser.add_argument("--range-model", type=Path, help="ONNX file (the one that is installed)")
    parser.add_argument("--semantic-model", type=Path, help="ONNX file (the installed, if any)")
    parser.add_argument("--device", choices=("cpu", "gpu", "auto"), default="cpu")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw the frames")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write an HTML page of it all")
    parser.add_argument(
        "--rotate", action="store_true", help="also roll every frame by half a turn"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate_rexo.add_arguments(parser)
    evaluate_mmanomaly.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Simulate fresh frames or read some, evaluate, print."""
    require_torch("evaluation")
    require_folders((arguments.data,))
    if arguments.limit is None:
        arguments.limit = evaluate_mmanomaly.LIMIT if arguments.system == "mmanomaly" else LIMIT
    if arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    if arguments.seed < 0:
        raise ValueError(f"--seed must not be negative, got {arguments.seed}")
    if arguments.report is not None:
        prepare_report(arguments.report)
    systems = {"panoradar": _run, "rexo": evaluate_rexo.run, "mmanomaly": evaluate_mmanomaly.run}
    return systems[arguments.system](arguments)


def _run(arguments: argparse.Namespace) -> int:
    """Evaluate PanoRadar."""
    from panoradar_ros.learning.evaluation import Evaluation
    from panoradar_ros.learning.evaluation_gallery import Gallery
    from panoradar_ros.learning.evaluation_pictures import save_sheet
    from panoradar_ros.learning.evaluation_report import write_report

    if arguments.camera_poses is not None:
        raise ValueError("--camera-poses is of evaluate rexo, not of panoradar")
    report: Path | None = arguments.report
    evaluation, gallery = Evaluation(*_models(arguments), arguments.rotate), Gallery()
    frames, count, source = _frames(arguments)
    bar = progress(frames, total=count, desc="judging", unit="frame")
    for number, one in enumerate(bar):
        answer = evaluation.add(one)
        if arguments.pictures:
            save_sheet(arguments.pictures, number, one, answer)
        if report is not None:
            gallery.add(one, answer)
    result = source | evaluation.as_json()
    if report is not None:
        errors = evaluation.learned_errors, evaluation.strongest_errors
        write_report(report, result, *errors, gallery)
    if arguments.json:
        print(json.dumps(result))
    else:
        _print(result)
        if report is not None:
            print(f"Report: {report}")
    return 0


def _models(arguments: argparse.Namespace) -> "tuple[OnnxModel, OnnxModel | None]":
    """Both models; those that were not given are the installed ones."""
    from mmwave.inference import ModelError
    from panoradar_ros.recognition.models import (
        SEMANTIC_MODEL,
        load_network,
        mismatch,
        model_path,
    )

    model = load_network(arguments.range_model or model_path(), "range", arguments.device)
    semantic = arguments.semantic_model
    if semantic is None:
        with suppress(ModelError):
            semantic = model_path(SEMANTIC_MODEL)
    names = load_network(semantic, "semantic", arguments.device) if semantic else None
    for used in (model, names):
        if used is not None and arguments.data is None:
            refuse_trained(used.card, arguments.seed, arguments.limit)
    if names is not None and (problem := mismatch(model.card, names.card)):
        print(f"warning: {problem}", file=sys.stderr)
    return model, names


def _frames(
    arguments: argparse.Namespace,
) -> "tuple[Iterator[FreshFrame], int, dict[str, Any]]":
    """Frames, how many, and what is told of where they come from."""
    from mmwave.simulation.styles import STYLES
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.evaluation import frames_on_disk, fresh_frames

    if arguments.data is not None:
        there = FrameSet.under(arguments.data)
        count = min(arguments.limit, len(there))
        return frames_on_disk(there, count), count, {"data": there.describe()}
    styles = arguments.styles or sorted(STYLES)
    source = {"seed": arguments.seed, "styles": styles}
    return fresh_frames(arguments.seed, arguments.limit, styles), arguments.limit, source


def _print(result: Mapping[str, Any]) -> None:
    where = f"buildings from seed {result['seed']} on" if "seed" in result else "frames on disk"
    simulated = "Simulated" if result["simulated"] else "Measured"
    print(f"{simulated}, {where}: {result['frames']} frames")
    for name in ("range_mae_m", "range_median_m", "range_p90_m"):
        print(f"  {name:<18} {result[name]:.3f}   strongest echo {result['baseline_' + name]:.3f}")
    for name in SHOWN:
        if result.get(name) is not None:
            print(f"  {name:<18} {result[name]:.3g}{_swing(result, name)}")
    if "people" in result:
        found = f"{result['people_found']} of {result['people']}, {result['people_false']} false"
        print(f"  people found       {found}")
    for place, change in result.get("seam_range_change_m", {}).items():
        print(f"  rolled, {place:<11} range changes by {change['mean']:.4f} m")


def _swing(result: Mapping[str, Any], name: str) -> str:
    ends = result["intervals_90"].get(name)
    return f"   90 % of draws of buildings {ends[0]:.3g} to {ends[1]:.3g}" if ends else ""


def prepare_report(path: Path) -> None:
    """Make the folder of a report before an hour of work is lost for want of it.

    Args:
        path: of the HTML file.

    Raises:
        ValueError: it is no HTML file's name, or its folder cannot be made.
    """
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise ValueError(f"--report must be the name of an HTML file, like report.html, got {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.exists()
        path.open("a").close()
        if not before:
            path.unlink()
    except OSError as error:
        raise ValueError(f"--report {path} cannot be written ({error}): choose another") from error
