"""``panoradar train``: the networks, from frames on disk; goes on where a run stopped.

``torchrun --nproc_per_node=N -m panoradar_ros.cli train ...`` trains with N processes.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands.errors import require_torch

if TYPE_CHECKING:
    from panoradar_ros.learning.training import Task

SHOWN = ("range_mae_m", "range_median_m", "normal_mean_deg", "miou", "pixel_accuracy", "ap50")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("network", choices=("range", "semantic"), help="what to train")
    parser.add_argument("--data", type=Path, required=True, help="frames to learn from")
    parser.add_argument("--validation", type=Path, required=True, help="frames of other buildings")
    parser.add_argument(
        "--hold-out",
        nargs="+",
        metavar="STYLE",
        help="styles of buildings that are not learned from, and alone validated on",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--range-model", type=Path, help="of the frames that semantic learns from (the installed)"
    )
    parser.add_argument(
        "--size", default="small", help="of the network: tiny, small, paper, ... (small)"
    )
    parser.add_argument("--steps", type=int, default=2000, help="of the optimiser (2000)")
    parser.add_argument("--batch", type=int, default=2, help="frames a step, of all processes (2)")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3, help="the highest (0.0015)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation (0)")
    parser.add_argument(
        "--begin-from",
        type=Path,
        help="folder of another run, or model such as models/panoradar_range.onnx, to begin with "
        "its weights",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument(
        "--no-wrap", action="store_true", help="azimuth is no circle: the ablation of the paper"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Train, then print the last validation."""
    require_torch("training")
    from tqdm import tqdm

    from panoradar_ros.learning.distributed import processes_of_torchrun
    from panoradar_ros.learning.training import TrainingSettings, train, use_all_cores

    processes = processes_of_torchrun()
    use_all_cores(processes)
    settings = TrainingSettings(
        network=arguments.network,
        size=arguments.size,
        steps=arguments.steps,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
        device=arguments.device,
        wraps=not arguments.no_wrap,
        begin_from=str(arguments.begin_from or ""),
    )
    processes.share(settings.batch)  # what is wrong with it is said before frames are read
    bar = partial(tqdm, disable=arguments.json or not processes.first or None)
    done = train(_task(arguments, bar), arguments.output, settings, bar, processes)
    if not processes.first:
        return 0
    log = [json.loads(line) for line in (arguments.output / "log.jsonl").read_text().splitlines()]
    last = [line["validation"] for line in log if "validation" in line][-1]
    result = {"steps": done.step, "seconds": done.seconds, **last}
    if arguments.json:
        print(json.dumps(result))
    else:
        scores = ", ".join(
            f"{name} {last[name]:.3g}" for name in SHOWN if last.get(name) is not None
        )
        print(f"{done.step} steps in {done.seconds / 60:.1f} min; validation: {scores}")
    return 0


def _task(arguments: argparse.Namespace, bar: Callable[..., Any]) -> "Task":
    from mmwave.inference import OnnxModel
    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.range_task import RangeTask
    from panoradar_ros.learning.semantic_task import SemanticTask, seen
    from panoradar_ros.recognition.models import model_path

    frames, validation = FrameSet.under(arguments.data), FrameSet.under(arguments.validation)
    if arguments.hold_out:
        frames, _ = frames.hold_out(arguments.hold_out)
        _, validation = validation.hold_out(arguments.hold_out)
    if arguments.network == "range":
        return RangeTask(frames, validation)
    model = OnnxModel(arguments.range_model or model_path())
    about = {**frames.describe(), "range_model_sha256": model.card.sha256}
    return SemanticTask(seen(frames, model, bar), seen(validation, model, bar), about)
