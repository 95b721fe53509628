"""What ``panoradar evaluate`` does for REXO."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import rexo_data
from panoradar_ros.commands.progress import progress
from panoradar_ros.commands.seeds import refuse_trained

if TYPE_CHECKING:
    from mmwave.inference import ModelCard, OnnxModel
    from rexo_ros.detector import Detector
    from rexo_ros.learning.evaluation import Fresh

SHOWN = ("ap", "ap50", "ap75", "ar1", "ar10", "ap_3d", "ap50_3d", "place_median_m")


THREADS = 1

OTHERS = ("styles", "pictures", "rotate", "range_model", "semantic_model")
"""Options of the other system."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this system alone."""
    group = parser.add_argument_group("rexo")
    group.add_argument("--backbone-model", type=Path, help="ONNX file (the one that is installed)")
    group.add_argument("--step-model", type=Path, help="ONNX file (the one that is installed)")
    group.add_argument(
        "--baselines",
        type=Path,
        metavar="DIR",
        help="of NAME_backbone.onnx and NAME_step.onnx, as panoradar ablate writes them: judged on "
        "the same frames",
    )
    group.add_argument(
        "--camera-poses",
        type=int,
        help="every simulated day has one of them, see panoradar simulate rooms (1)",
    )
    rexo_data.add_arguments(group)


def run(arguments: argparse.Namespace) -> int:
    """Simulate fresh rooms or read frames, evaluate, print."""
    from mmwave.this_machine import machine
    from rexo_ros.learning.evaluation import Evaluation, latency_ms
    from rexo_ros.learning.report import shown, write_report

    for name in OTHERS:
        if getattr(arguments, name):
            raise ValueError(f"--{name.replace('_', '-')} is of evaluate panoradar, not of rexo")
    if arguments.camera_poses is not None and arguments.camera_poses < 1:
        raise ValueError(f"--camera-poses must be at least 1, got {arguments.camera_poses}")
    if arguments.data is None:
        rexo_data.refuse_options_of_data(arguments)
    elif arguments.camera_poses is not None:
        raise ValueError("--camera-poses is of simulated rooms: frames on disk have their cameras")
    detector, card = _detector(arguments)
    baselines = _baselines(arguments)
    others = {name: other for name, (other, _) in baselines.items()}
    evaluation = Evaluation(detector, arguments.seed, others)
    frames, last = [], None
    cards = [card, *(one for _, one in baselines.values())]
    source, count = _frames(arguments, detector, cards)
    bar = progress(source, total=count, desc="judging", unit="frame")
    for one in bar:
        last = one
        found = evaluation.add(one)
        if arguments.report is not None:
            frames.append(shown(one.sample, found, one.space))
    assert last is not None  # for the type checker: --limit is at least 1
    figures = evaluation.as_json()
    figures["simulated"] = last.kind != "data" or arguments.data_set == "simulated"
    result = {
        "seed": arguments.seed,
        **({"camera_poses": arguments.camera_poses or 1} if arguments.data is None else {}),
        **figures,
        "baselines": figures.get("baselines", card.about.get("ablation")),
        "baselines_of": "these frames"
        if "baselines" in figures
        else {"the model's card, trained with": card.about.get("ablation_settings")},
        "baselines_sha256": {name: one.sha256 for name, (_, one) in baselines.items()},
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


def _baselines(arguments: argparse.Namespace) -> "dict[str, tuple[Detector, ModelCard]]":
    """Detectors to compare with, and the cards of their steps."""
    from rexo_ros.detector import Detector

    if arguments.baselines is None:
        return {}
    paths = sorted(arguments.baselines.glob("*_backbone.onnx"))
    if not paths:
        raise ValueError(f"--baselines {arguments.baselines} holds no NAME_backbone.onnx")
    found = {}
    for path in paths:
        name = path.name.removesuffix("_backbone.onnx")
        step = _model(path.with_name(f"{name}_step.onnx"), arguments)
        found[name] = Detector(_model(path, arguments), step), step.card
    return found


def _detector(arguments: argparse.Namespace) -> "tuple[Detector, Any]":
    from rexo_ros.detector import Detector
    from rexo_ros.models import BACKBONE_MODEL, STEP_MODEL, model_path

    backbone = _model(arguments.backbone_model or model_path(BACKBONE_MODEL), arguments)
    step = _model(arguments.step_model or model_path(STEP_MODEL), arguments)
    return Detector(backbone, step), step.card


def _model(path: Path, arguments: argparse.Namespace) -> "OnnxModel":
    """On one thread, as the node has it: boxes are too few to share, and threads that wait for each
    other on a busy machine take twice as long.
    """
    from mmwave.inference import OnnxModel

    return OnnxModel(path, arguments.device, THREADS)


def _frames(
    arguments: argparse.Namespace, detector: "Detector", cards: "list[ModelCard]"
) -> "tuple[Iterator[Fresh], int]":
    """Frames on disk; or half of new rooms, then half of other days in rooms trained in.

    Raises:
        ValueError: one of the networks, whose first card is the detector's, learned from them.
    """
    import numpy as np

    from rexo_ros.learning.evaluation import FIRST_SESSION, frames_on_disk, fresh_frames
    from rexo_ros.learning.samples import learned_days, refuse_learned, refuse_other_reading

    if arguments.data is not None:
        samples = rexo_data.sample_set(arguments, arguments.data, "test", lambda one, **_: one)
        for one in cards:
            refuse_other_reading(one.about["training"], samples, one.name)
            refuse_learned(one.about["training"], samples, one.name)
        return frames_on_disk(samples, arguments.limit), min(arguments.limit, len(samples))
    for one in cards:
        refuse_trained(one, arguments.seed, arguments.limit)
        last = max((session for _, session in learned_days(one.about["training"])), default=0)
        if last >= FIRST_SESSION:
            raise ValueError(
                f"{one.name} was trained on sessions up to {last}; those from {FIRST_SESSION} on "
                "are kept for evaluations"
            )
    card = cards[0]
    name = _space_name(detector, card)
    data = card.about["training"]["data"]
    trained = [
        seed for first, last in data.get("seed_ranges", []) for seed in range(first, last + 1)
    ]
    unseen = -(-arguments.limit // 2)
    seen = arguments.limit - unseen if trained else 0
    rooms = [arguments.seed + number for number in range(arguments.limit)]
    known = np.random.default_rng(arguments.seed).permutation(trained).tolist()
    session = FIRST_SESSION + 2 * (arguments.seed % 400)

    def source() -> "Iterator[Fresh]":
        poses = arguments.camera_poses or 1
        yield from fresh_frames("unseen", rooms, 0, unseen, name, poses)
        if seen:
            yield from fresh_frames("seen", known, session, seen, name, poses)

    return source(), unseen + seen


def _space_name(detector: "Detector", card: Any) -> str:
    """Of the rooms that are simulated for a network, whatever its views."""
    from rexo_ros.space import SPACES

    for name, space in SPACES.items():
        views = detector.space.views
        if set(views) <= set(space.views) and space.seen_by(*views) == detector.space:
            return name
    raise ValueError(
        f"{card.name} was trained for {detector.space}, of which no rooms are simulated: give "
        "frames with --data"
    )


def _print(result: dict[str, Any]) -> None:
    where = "frames on disk" if "data" in result else f"rooms from seed {result['seed']} on"
    simulated = "Simulated" if result["simulated"] else "Measured"
    if (poses := result.get("camera_poses", 1)) > 1:
        where += f", {poses} camera poses"
    print(f"{simulated}, {where}: {result['frames']} frames")
    kinds = ("unseen", "seen", "data")
    rows = {f"{kind} rooms": result[kind] for kind in kinds if kind in result}
    rows |= {f"{steps} steps": row for steps, row in result["by_steps"].items()}
    rows |= {f"unseen, pose {pose}": row for pose, row in result.get("by_camera_pose", {}).items()}
    rows |= {f"{view} radar alone": row for view, row in result["one_radar"].items()}
    if result["baselines_of"] == "these frames":
        rows |= result["baselines"]
    print(f"  {'':24}" + "".join(f"{name:>16}" for name in SHOWN))
    for text, row in rows.items():
        told = ("-" if row.get(name) is None else f"{row[name]:.4g}" for name in SHOWN)
        print(f"  {text:24}" + "".join(f"{one:>16}" for one in told))
    latency = ", ".join(f"{value:.0f} ms" for value in result["latency_ms"].values())
    print(f"  {'/'.join(result['latency_ms'])} steps take {latency}")
