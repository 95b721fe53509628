"""What ``panoradar evaluate`` does for REXO."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands.seeds import refuse_trained, seeds_of

if TYPE_CHECKING:
    from rexo_ros.detector import Detector
    from rexo_ros.learning.evaluation import Fresh

SHOWN = ("ap", "ap50", "ap75", "ar1", "ar10", "ap_3d", "ap50_3d", "place_median_m")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this system alone."""
    group = parser.add_argument_group("rexo")
    group.add_argument("--backbone-model", type=Path, help="ONNX file (the one that is installed)")
    group.add_argument("--step-model", type=Path, help="ONNX file (the one that is installed)")


def run(arguments: argparse.Namespace) -> int:
    """Simulate fresh rooms, evaluate, print."""
    from tqdm import tqdm

    from mmwave.this_machine import machine
    from rexo_ros.learning.evaluation import Evaluation, latency_ms
    from rexo_ros.learning.report import shown, write_report

    detector, card = _detector(arguments)
    evaluation = Evaluation(detector, arguments.seed)
    frames, last = [], None
    source, count = _frames(arguments, detector, card)
    bar = tqdm(source, total=count, unit="frame", disable=arguments.json or None)
    for one in bar:
        last = one.sample
        found = evaluation.add(one)
        if arguments.report is not None:
            size_px = one.samples.camera.size_px
            frames.append(shown(one.sample, found, one.samples.space, size_px))
    assert last is not None  # for the type checker: --limit is at least 1
    result = {
        "seed": arguments.seed,
        **evaluation.as_json(),
        "baselines": card.about.get("baselines"),
        "latency_ms": latency_ms(detector, last),
        "model_sha256": card.sha256,
        "machine": machine(),
    }
    if arguments.report is not None:
        write_report(arguments.report, result, frames)
    if arguments.json:
        print(json.dumps(result))
    else:
        _print(result)
        if arguments.report is not None:
            print(f"Report: {arguments.report}")
    return 0


def _detector(arguments: argparse.Namespace) -> "tuple[Detector, Any]":
    from mmwave.inference import OnnxModel
    from rexo_ros.detector import Detector
    from rexo_ros.models import BACKBONE_MODEL, STEP_MODEL, model_path

    backbone = OnnxModel(arguments.backbone_model or model_path(BACKBONE_MODEL), arguments.device)
    step = OnnxModel(arguments.step_model or model_path(STEP_MODEL), arguments.device)
    return Detector(backbone, step), step.card


def _frames(
    arguments: argparse.Namespace, detector: "Detector", card: Any
) -> "tuple[Iterator[Fresh], int]":
    """Half of the frames of new rooms, then half of other days in rooms that were trained in."""
    from rexo_ros.learning.evaluation import FIRST_SESSION, fresh_frames
    from rexo_ros.space import SPACES

    refuse_trained(card, arguments.seed, arguments.limit)
    try:
        name = next(name for name, space in SPACES.items() if space == detector.space)
    except StopIteration:
        raise ValueError(
            f"{card.name} was trained for {detector.space}, of which no rooms are simulated"
        ) from None
    ranges = seeds_of(card.about["training"]["data"])
    trained = [seed for first, last in ranges for seed in range(first, last + 1)]
    unseen = -(-arguments.limit // 2)
    seen = arguments.limit - unseen if trained else 0
    rooms = [arguments.seed + number for number in range(arguments.limit)]
    # as far apart as there are rooms, other ones for other seeds
    first = arguments.seed % len(trained) if trained else 0
    known = [trained[(first + 37 * number) % len(trained)] for number in range(seen)]
    session = FIRST_SESSION + 2 * (arguments.seed % 400)

    def source() -> "Iterator[Fresh]":
        yield from fresh_frames("unseen", rooms, 0, unseen, name)
        if seen:
            yield from fresh_frames("seen", known, session, seen, name)

    return source(), unseen + seen


def _print(result: dict[str, Any]) -> None:
    print(f"Simulated rooms from seed {result['seed']} on: {result['frames']} frames")
    rows = {f"{kind} rooms": result[kind] for kind in ("unseen", "seen") if kind in result}
    rows |= {f"{steps} steps, unseen": row for steps, row in result["by_steps"].items()}
    rows |= {f"{view} radar alone": row for view, row in result["one_radar"].items()}
    print(f"  {'':24}" + "".join(f"{name:>16}" for name in SHOWN))
    for text, row in rows.items():
        told = ("-" if row.get(name) is None else f"{row[name]:.4g}" for name in SHOWN)
        print(f"  {text:24}" + "".join(f"{one:>16}" for one in told))
    latency = ", ".join(f"{value:.0f} ms" for value in result["latency_ms"].values())
    print(f"  {'/'.join(result['latency_ms'])} steps take {latency}")
