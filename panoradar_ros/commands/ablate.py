"""``panoradar ablate``: REXO and what it is compared with, trained the same, as one table."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import export_rexo
from panoradar_ros.commands.cards import card_of
from panoradar_ros.commands.errors import require_folders, require_torch
from panoradar_ros.commands.progress import progress

if TYPE_CHECKING:
    from rexo_ros.learning.ablation import Variant
    from rexo_ros.learning.samples import SimulatedSet
    from rexo_ros.learning.settings import RexoTraining
    from rexo_ros.learning.task import RexoTask

SHOWN = ("ap", "ap50", "ap75", "ar10", "ap_3d", "ap50_3d", "place_median_m")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("system", choices=("rexo",), help="whose ablations")
    parser.add_argument("--data", type=Path, required=True, help="sequences to learn from")
    parser.add_argument(
        "--test", type=Path, required=True, nargs="+",
        help="folders of sequences of other rooms or days, one column of figures each",
    )  # fmt: skip
    parser.add_argument(
        "--validation", type=Path, required=True, help="sequences for the logs of the trainings"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the runs, and of models/NAME_*.onnx"
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows to train (all)")
    parser.add_argument(
        "--backbone", type=Path, metavar="RUN|MODEL.onnx",
        help="a network whose backbone every row begins with, in place of an untrained one",
    )  # fmt: skip
    parser.add_argument(
        "--freeze-backbone", action="store_true",
        help="leave it as it begins: heads alone are trained, in half of the time",
    )  # fmt: skip
    parser.add_argument("--size", default="small", help="of the networks (small)")
    parser.add_argument("--steps", type=int, default=2000, help="of each training (2000)")
    parser.add_argument("--batch", type=int, default=8, help="samples a step (8)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="the highest (0.001)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (0)")
    parser.add_argument("--limit", type=int, default=400, help="samples of each test (400)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument(
        "--precision", default="float32", help="of products, see panoradar train (float32)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Train what is not trained yet, evaluate, print the table."""
    require_torch("training")
    require_folders((arguments.data, arguments.validation, *arguments.test))
    from mmwave.learning.training import use_all_cores
    from rexo_ros.learning.ablation import VARIANTS, as_table
    from rexo_ros.learning.samples import SimulatedSet, refuse_overlap
    from rexo_ros.learning.settings import RexoTraining
    from rexo_ros.learning.task import RexoTask

    use_all_cores()
    known = {one.name: one for one in VARIANTS}
    unknown = sorted(set(arguments.only or ()) - set(known))
    if unknown:
        raise ValueError(f"no row {', '.join(unknown)}; there are {', '.join(known)}")
    names = [path.resolve().name for path in arguments.test]
    if len(set(names)) < len(names):
        raise ValueError(f"--test folders are told apart by their names, got {', '.join(names)}")
    if arguments.freeze_backbone and not arguments.backbone:
        raise ValueError("--freeze-backbone needs --backbone: an untrained one tells heads nothing")
    if arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    common = RexoTraining(
        size=arguments.size,
        steps=arguments.steps,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
        device=arguments.device,
        precision=arguments.precision,
        begin_from=str(arguments.backbone or ""),
        begin_only="backbone." if arguments.backbone else "",
        backbone_frozen=arguments.freeze_backbone,
        validations=2,
    )
    samples = SimulatedSet.under(arguments.data, progress=progress)
    validation = SimulatedSet.under(arguments.validation, progress=progress)
    tests = {
        name: SimulatedSet.under(path, progress=progress)
        for name, path in zip(names, arguments.test, strict=True)
    }
    refuse_overlap(samples, validation, "the validation")
    for name, test in tests.items():
        refuse_overlap(samples, test, f"the test {name}")
    task = RexoTask(samples, validation)
    rows: dict[str, dict[str, Any]] = {}
    for name in arguments.only or known:
        rows |= _rows(known[name], common, arguments, task, tests)
    if arguments.json:
        print(json.dumps({"simulated": True, "settings": vars(common), "rows": rows}))
    else:
        print(as_table({f"{row}, {text}": figures for row, text_rows in rows.items()
                        for text, figures in text_rows.items()}))  # fmt: skip
    return 0


def _rows(
    variant: "Variant",
    common: "RexoTraining",
    arguments: argparse.Namespace,
    task: "RexoTask",
    tests: "dict[str, SimulatedSet]",
) -> dict[str, dict[str, Any]]:
    """Figures of one variant by test; of REXO itself for several boxes and steps too."""
    import numpy as np

    from mmwave.learning.training import read_run, train
    from rexo_ros.diffusion import Sampler
    from rexo_ros.learning.ablation import SEARCHES, evaluated
    from rexo_ros.learning.networks.base import BoxDetector

    settings = variant.settings(common)
    folder = arguments.output / variant.name
    train(task, folder, settings, progress)
    net, about = read_run(folder, task)
    assert isinstance(net, BoxDetector)
    output = arguments.output / "models" / f"{variant.name}.onnx"
    card = card_of(output, "Apache-2.0", about)
    export_rexo.write(net, settings, about, next(iter(tests.values())), output, card)
    searches = SEARCHES if variant.name == "rexo" else ((settings.boxes, 1),)
    result: dict[str, dict[str, Any]] = {}
    for boxes, steps in searches:
        text = f"{variant.what}; {boxes} boxes, {steps} step{'s' if steps > 1 else ''}"
        sampler = Sampler(boxes=boxes, steps=steps)
        for name, test in tests.items():
            count = min(arguments.limit, len(test))
            numbers = np.linspace(0, len(test) - 1, count).round().astype(int).tolist()
            chosen = progress(numbers, desc=f"{variant.name}, {name}", unit="frame", leave=False)
            scores = evaluated(net, settings, task.normalisation, test, chosen, sampler).as_json()
            result.setdefault(text, {})[name] = {one: scores[one] for one in SHOWN}
    return result
