"""``panoradar train``: the networks, from frames on disk; goes on where a run stopped."""

import argparse
import json
from functools import partial
from pathlib import Path

from panoradar_ros.commands.errors import require_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("network", choices=("range",), help="what to train")
    parser.add_argument("--data", type=Path, required=True, help="frames to learn from")
    parser.add_argument("--validation", type=Path, required=True, help="frames of other buildings")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", default="small", help="of the network (small)")
    parser.add_argument("--steps", type=int, default=2000, help="of the optimiser (2000)")
    parser.add_argument("--batch", type=int, default=2, help="frames a step (2)")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3, help="the highest (0.0015)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation (0)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument(
        "--no-wrap", action="store_true", help="azimuth is no circle: the ablation of the paper"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Train, then print the last validation."""
    require_torch("training")
    from tqdm import tqdm

    from panoradar_ros.learning.dataset import FrameSet
    from panoradar_ros.learning.range_task import RangeTask
    from panoradar_ros.learning.training import TrainingSettings, train, use_all_cores

    use_all_cores()
    settings = TrainingSettings(
        network=arguments.network,
        size=arguments.size,
        steps=arguments.steps,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
        device=arguments.device,
        wraps=not arguments.no_wrap,
    )
    frames, validation = FrameSet.under(arguments.data), FrameSet.under(arguments.validation)
    bar = partial(tqdm, disable=arguments.json or None)
    done = train(RangeTask(frames, validation), arguments.output, settings, bar)
    log = [json.loads(line) for line in (arguments.output / "log.jsonl").read_text().splitlines()]
    last = [line["validation"] for line in log if "validation" in line][-1]
    result = {"steps": done.step, "seconds": done.seconds, "frames": len(frames), **last}
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{done.step} steps in {done.seconds / 60:.0f} min; validation: range "
            f"{last['range_mae_m']:.3f} m mean, {last['range_median_m']:.3f} m median, normals "
            f"{last['normal_mean_deg']:.1f} deg"
        )
    return 0
