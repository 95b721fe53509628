"""``panoradar train``: the networks, from frames on disk; goes on where a run stopped.

``torchrun --nproc_per_node=N -m panoradar_ros.cli train ...`` trains with N processes.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from panoradar_ros.commands import train_mmanomaly, train_panoradar, train_rexo
from panoradar_ros.commands.errors import require_folders, require_torch
from panoradar_ros.commands.progress import progress

PANORADAR, REXO = ("range", "semantic"), ("rexo", "flat", "query")
MMANOMALY = tuple(
    f"mmanomaly-{name}" for name in ("context", "vae", "denoiser", "comparator", "baseline")
)

SHOWN = (
    "range_mae_m",
    "range_median_m",
    "normal_mean_deg",
    "miou",
    "pixel_accuracy",
    "ap",
    "ap50",
    "mae_db",
    "weapon_pasted_auroc",
    "intruder_pasted_auroc",
    "fall_pasted_auroc",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "network",
        choices=(*PANORADAR, *REXO, *MMANOMALY),
        help="range or semantic of PanoRadar; rexo, or what it is compared with: flat, query; of "
        "mmAnomaly first context and vae, then denoiser, then comparator; baseline alone",
    )
    parser.add_argument("--data", type=Path, required=True, help="frames to learn from")
    parser.add_argument("--validation", type=Path, help="frames of other buildings or rooms")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--size", default="small", help="of the network: tiny, small, paper, ... (small)"
    )
    parser.add_argument("--steps", type=int, default=2000, help="of the optimiser (2000)")
    parser.add_argument("--batch", type=int, default=2, help="frames a step, of all processes (2)")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3, help="the highest (0.0015)")
    parser.add_argument("--weight-decay", type=float, default=1e-4, help="of AdamW (0.0001)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation (0)")
    parser.add_argument(
        "--begin-from",
        type=Path,
        help="folder of another run, or model such as models/panoradar_range.onnx, to begin with "
        "its weights",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument(
        "--precision", default="float32", help="of products in networks: bfloat16 is faster where "
        "the processor has AMX, or on a GPU (float32)",
    )  # fmt: skip
    train_panoradar.add_arguments(parser)
    train_rexo.add_arguments(parser)
    train_mmanomaly.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Train, then print the last validation."""
    require_torch("training")
    for name in ("hold_out", "range_model", "no_wrap"):
        if arguments.network not in PANORADAR and getattr(arguments, name):
            raise ValueError(
                f"--{name.replace('_', '-')} is of {' and '.join(PANORADAR)}, not of "
                f"{arguments.network}"
            )
    require_folders((arguments.data, arguments.validation))
    from mmwave.learning.distributed import processes_of_torchrun
    from mmwave.learning.training import step_of, train, use_all_cores

    processes = processes_of_torchrun()
    use_all_cores(processes)
    common: dict[str, Any] = {
        "network": arguments.network,
        "size": arguments.size,
        "steps": arguments.steps,
        "batch": arguments.batch,
        "learning_rate": arguments.learning_rate,
        "weight_decay": arguments.weight_decay,
        "seed": arguments.seed,
        "device": arguments.device,
        "begin_from": str(arguments.begin_from or ""),
        "precision": arguments.precision,
    }
    systems = ((train_panoradar, PANORADAR), (train_rexo, REXO), (train_mmanomaly, MMANOMALY))
    system: ModuleType = next(one for one, names in systems if arguments.network in names)
    settings = system.settings(arguments, common)
    processes.share(settings.batch)  # what is wrong with it is said before frames are read
    bar = progress if processes.first else partial(progress, disable=True)
    task = system.task(arguments, bar)
    begun = step_of(arguments.output)
    if begun and processes.first and not arguments.json:
        print(f"{arguments.output}: going on after step {begun} of {settings.steps}")
    try:
        done = train(task, arguments.output, settings, bar, processes)
    except KeyboardInterrupt:
        if processes.first:
            print("stopped: the same command goes on from here", file=sys.stderr)
        raise
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
