"""``panoradar evaluate``: what the networks are worth in buildings that they never saw."""

import argparse
import json
from contextlib import suppress
from pathlib import Path

from panoradar_ros.commands.errors import require_torch

SHOWN = (
    "normal_mean_deg", "chamfer_m", "hausdorff_m", "chamfer_2d_m", "hausdorff_2d_m", "miou",
    "pixel_accuracy", "ap", "ap50", "person_range_m", "person_azimuth_deg", "range_net_ms",
    "semantic_net_ms",
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
    parser.add_argument("--report", type=Path, metavar="FILE", help="write an HTML page of it all")
    parser.add_argument(
        "--rotate", action="store_true", help="also roll every frame by half a turn"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Simulate fresh frames, evaluate, print."""
    require_torch("evaluation")
    from tqdm import tqdm

    from mmwave.inference import OnnxModel
    from mmwave.simulation.styles import STYLES
    from panoradar_ros.learning.evaluation import Evaluation, fresh_frames
    from panoradar_ros.learning.evaluation_gallery import Gallery
    from panoradar_ros.learning.evaluation_pictures import save_sheet
    from panoradar_ros.learning.evaluation_report import write_report
    from panoradar_ros.nodes.recognition import SEMANTIC_MODEL, ModelError, model_path

    if arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    if not 0 <= arguments.seed < TRAINED_ABOVE - arguments.limit:
        raise ValueError(
            f"--seed must be from 0 to below {TRAINED_ABOVE - arguments.limit}: buildings from "
            f"{TRAINED_ABOVE} on are for training; got {arguments.seed}"
        )
    report: Path | None = arguments.report
    if report is not None:
        prepare_report(report)
    styles = arguments.styles or sorted(STYLES)
    model = OnnxModel(arguments.range_model or model_path(), arguments.device)
    semantic = arguments.semantic_model
    if semantic is None:
        with suppress(ModelError):
            semantic = model_path(SEMANTIC_MODEL)
    names = OnnxModel(semantic, arguments.device) if semantic else None
    evaluation, gallery = Evaluation(model, names, arguments.rotate), Gallery()
    frames = fresh_frames(arguments.seed, arguments.limit, styles)
    bar = tqdm(frames, total=arguments.limit, unit="frame", disable=arguments.json or None)
    for number, one in enumerate(bar):
        answer = evaluation.add(one)
        if arguments.pictures:
            save_sheet(arguments.pictures, number, one, answer)
        if report is not None:
            gallery.add(one, answer)
    result = {"seed": arguments.seed, "styles": styles, **evaluation.as_json()}
    if report is not None:
        errors = evaluation.learned_errors, evaluation.strongest_errors
        write_report(report, result, *errors, gallery)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"Simulated buildings from seed {arguments.seed} on, {result['frames']} frames:")
    for name in ("range_mae_m", "range_median_m", "range_p90_m"):
        print(f"  {name:<18} {result[name]:.3f}   strongest echo {result['baseline_' + name]:.3f}")
    for name in SHOWN:
        if result.get(name) is not None:
            print(f"  {name:<18} {result[name]:.3g}")
    for place, change in result.get("seam_range_change_m", {}).items():
        print(f"  rolled, {place:<11} range changes by {change['mean']:.4f} m")
    if report is not None:
        print(f"Report: {report}")
    return 0


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
