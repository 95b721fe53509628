"""What ``panoradar evaluate`` does for mmAnomaly."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import mmanomaly_models
from panoradar_ros.commands.mmanomaly_models import CONDITIONS, SAMPLES, STEPS
from panoradar_ros.commands.progress import progress
from panoradar_ros.commands.seeds import refuse_trained

if TYPE_CHECKING:
    from mmanomaly_ros.expectation import Expecter
    from mmanomaly_ros.learning.evaluation import Evaluation
    from mmanomaly_ros.learning.samples import SceneSequence
    from mmwave.camera import Camera

LIMIT = 20
OTHERS = (
    "styles", "pictures", "rotate", "range_model", "semantic_model", "backbone_model",
    "step_model", "baselines", "camera_poses",
)  # fmt: skip
"""Options of the other systems."""
SHOWN = (
    "f1", "precision", "recall", "auroc", "localisation_median_m", "range_median_m", "misses",
    "false_alarms", "false_alarm_frame_share", "baseline_f1",
)  # fmt: skip
VARIANT_SHOWN = ("f1", "precision", "recall", "auroc", "false_alarms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this system alone."""
    group = parser.add_argument_group("mmanomaly")
    mmanomaly_models.add_arguments(group)
    group.add_argument(
        "--conditions",
        choices=CONDITIONS,
        default="new",
        help="clothes and walls: others than networks learned with, or those (new); places and "
        "people are always new",
    )
    group.add_argument("--jobs", type=int, default=1, help="processes that simulate (1)")
    group.add_argument(
        "--draws", type=int, nargs="+", default=[SAMPLES], help="expected spectra; several: compare"
    )
    group.add_argument(
        "--draw-steps", type=int, nargs="+", default=[STEPS], help="of a draw; several: compare"
    )
    group.add_argument(
        "--misaligned",
        action="store_true",
        help="also with a camera that is 2 cm and 2 degrees off, and what one that is off by more "
        "and less does to what is expected",
    )
    group.add_argument(
        "--spread",
        action="store_true",
        help="also how far expectations spread over seen and new materials",
    )
    group.add_argument(
        "--alone", action="store_true", help="without baselines and ablations: faster"
    )


@dataclass(frozen=True)
class Source:
    """Where sequences come from.

    Attributes:
        sequences: to read one after another; may be gone through again.
        camera: of all.
    """

    sequences: "Sequence[Path | SceneSequence]"
    camera: "Camera"

    def __iter__(self) -> "Iterator[SceneSequence]":
        from mmanomaly_ros.learning.samples import read_scene

        for one in self.sequences:
            yield read_scene(one) if isinstance(one, Path) else one


def run(arguments: argparse.Namespace) -> int:
    """Simulate sequences or read some, evaluate, print."""
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.learning.calibration import variants_of
    from mmanomaly_ros.learning.evaluation import Evaluation, activity_of
    from mmanomaly_ros.learning.report import Gallery, write_report
    from mmanomaly_ros.models import paths_of, require_one_export
    from mmanomaly_ros.watch import watch_id

    _check(arguments)
    samples, steps = _first(arguments.draws, SAMPLES), _first(arguments.draw_steps, STEPS)
    networks = mmanomaly_models.load(
        arguments.models, arguments.device, arguments.threads, samples, steps
    )
    decision = Decision.read(paths_of(arguments.models)["decision"])
    detectors = mmanomaly_models.detectors(arguments, samples, steps)
    if arguments.data is None:
        for card in mmanomaly_models.cards_of(networks, decision):
            refuse_trained(card, arguments.seed, arguments.limit)
    decisions = {watch: variants_of(decision, watch) for watch in detectors}
    sources = None if arguments.alone else networks.sources
    if sources is not None:
        require_one_export(networks.graphs, decision)
        sources.set_restored(decision.about.get("restored_db", {}))
    gallery = None if arguments.report is None else Gallery()
    evaluation = Evaluation(
        detectors, decisions, sources, arguments.seed, look=gallery.add if gallery else None
    )
    source = _source(arguments)
    if arguments.data is not None:
        mmanomaly_models.refuse_learned((one.seed for one in source), networks)
    simulated = True
    bar = progress(source, total=len(source.sequences), desc="judging", unit="sequence")
    for one in bar:
        simulated &= bool(one.meta.get("simulated"))
        if one.task in detectors:
            evaluation.add(one, source.camera, activity_of(one))
    if not evaluation.milliseconds:
        names = ", ".join(arguments.watches)
        raise ValueError(f"there is no sequence of {names}: nothing was evaluated")
    result = {
        "simulated": simulated,
        **_about(arguments, evaluation, samples, steps),
        **evaluation.as_json(),
        **_more(arguments, source, evaluation, (samples, steps), networks.expecter),
        **(_spread(arguments, networks.expecter) if arguments.spread else {}),
        "decision": {
            name: {
                "rate": detectors[watch_id(name)].decision.false_alarm_rate,
                "normal_scores": detectors[watch_id(name)].decision.normal_frames,
                "on_threshold": detectors[watch_id(name)].decision.alarm.on_threshold,
            }
            for name in arguments.watches
        },
        "models_sha256": networks.sha256,
        **_machine(),
    }
    if gallery is not None:
        curves = {watch: evaluation.curves(watch) for watch in detectors}
        write_report(arguments.report, result, curves, gallery)
    if arguments.json:
        print(json.dumps(result))
    else:
        _print(result, arguments.watches)
        if arguments.report is not None:
            print(f"Report: {arguments.report}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    mmanomaly_models.check(arguments)
    for name in OTHERS:
        if getattr(arguments, name):
            raise ValueError(f"--{name.replace('_', '-')} is of another system, not of mmanomaly")
    if arguments.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {arguments.jobs}")
    for name, least in (("draws", 2), ("draw_steps", 1)):
        for value in getattr(arguments, name):
            if value < least:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} must be at least {least}, got {value}")


def _first(values: list[int], usual: int) -> int:
    """What the figures are of: as the live node has it if that is among them."""
    return usual if usual in values else values[0]


def _source(arguments: argparse.Namespace, conditions: str | None = None) -> Source:
    """Sequences on disk; or so many normal and as many anomalous ones of each watch, simulated."""
    from mmanomaly_ros.learning.samples import SceneSet
    from mmanomaly_ros.learning.simulated import FRAMES, Wanted
    from mmwave.camera import RGBD_CAMERA

    if arguments.data is not None and conditions is None:
        samples = SceneSet.under(arguments.data, progress)
        return Source(_limited(samples.sequences, arguments), samples.camera)
    wanted = [
        Wanted(
            watch,
            arguments.seed + number,
            kind,
            conditions or arguments.conditions,
            FRAMES[watch],
        )
        for watch in arguments.watches
        for number in range(arguments.limit)
        for kind in (False, True)
    ]
    bar = progress(total=len(wanted), desc="simulating", unit="sequence")
    folder = mmanomaly_models.scenes_folder()
    return Source(mmanomaly_models.simulate(folder, wanted, arguments.jobs, bar), RGBD_CAMERA)


def _limited(
    sequences: "list[SceneSequence]", arguments: argparse.Namespace
) -> "list[SceneSequence]":
    """So many of each watch and kind, at most."""
    from mmanomaly_ros.watch import watch_id

    kept: list[SceneSequence] = []
    for name in arguments.watches:
        own = [one for one in sequences if one.task == watch_id(name)]
        for kind in (False, True):
            kept += [one for one in own if one.anomalous.any() == kind][: arguments.limit]
    return kept


def _about(
    arguments: argparse.Namespace, evaluation: "Evaluation", samples: int, steps: int
) -> dict[str, Any]:
    from mmanomaly_ros.learning.evaluation import frame_ms, spectrum_ms

    where = (
        {"seed": arguments.seed, "conditions": arguments.conditions}
        if arguments.data is None
        else {"seed": arguments.seed, "data": str(arguments.data)}
    )
    times = frame_ms(evaluation.milliseconds, spectrum_ms())
    return {
        **where,
        "frames": len(evaluation.milliseconds),
        "draws": samples,
        "draw_steps": steps,
        **times,
        "threads": arguments.threads,
    }


def _more(
    arguments: argparse.Namespace,
    source: Source,
    evaluation: "Evaluation",
    own: tuple[int, int],
    expecter: "Expecter",
) -> dict[str, Any]:
    """What was asked for beside: other numbers of draws and steps, a camera that is off, spread."""
    from mmanomaly_ros.learning.evaluation import misaligned_of, repeated, table_of
    from mmanomaly_ros.learning.misalignment import misalignment_errors

    result: dict[str, Any] = {}
    samples, steps = own
    for name, values in (("steps", arguments.draw_steps), ("draws", arguments.draws)):
        rows = {}
        for value in values if len(values) > 1 else []:
            pair = (samples, value) if name == "steps" else (value, steps)
            if pair == own:
                outcomes = {watch: evaluation.outcomes(watch) for watch in evaluation.detectors}
                rows[str(value)] = table_of(outcomes, evaluation.milliseconds)
            else:
                others = mmanomaly_models.detectors(arguments, *pair)
                rows[str(value)] = repeated(others, source, lambda _: source.camera, arguments.seed)
        if rows:
            result[f"by_{name}"] = rows
    if arguments.misaligned:
        moved = misaligned_of(source.camera, arguments.seed)
        result["misaligned"] = repeated(evaluation.detectors, source, moved, arguments.seed)
        result["misaligned_error_db"] = misalignment_errors(
            expecter, source, source.camera, arguments.seed
        )
    return result


def _spread(arguments: argparse.Namespace, expecter: "Expecter") -> dict[str, Any]:
    """Over the same places in materials that were learned with and in others."""
    from mmanomaly_ros.learning.material_spread import compared
    from mmanomaly_ros.spectrum import WATCH_WAVEFORM

    bin_m = WATCH_WAVEFORM.range_bin_m
    seen, new = (_source(arguments, conditions) for conditions in ("seen", "new"))
    told = compared(expecter, list(seen), list(new), seen.camera, bin_m, progress)
    return {"spread": told}


def _machine() -> dict[str, Any]:
    import onnxruntime

    from mmwave.this_machine import machine

    return {"onnxruntime": onnxruntime.__version__, "machine": machine()}


def _print(result: dict[str, Any], watches: Sequence[str]) -> None:
    where = result.get("data") or f"{result['conditions']} conditions, seeds from {result['seed']}"
    simulated = "Simulated" if result["simulated"] else "Measured"
    print(f"{simulated}, {where}: {result['frames']} frames")
    told = [name for name in watches if name in result]
    rows = [(name, [result[name][one] for one in SHOWN]) for name in told]
    print(mmanomaly_models.columns(rows, [_short_head(one) for one in SHOWN]))
    print("  F1 in 95 % of draws: "
          + ", ".join(f"{name} {result[name]['f1_95']}" for name in told))  # fmt: skip
    for kind in ("baselines", "ablations"):
        lines = [
            (f"{name}, {one}", [figures[head] for head in VARIANT_SHOWN])
            for name in told
            for one, figures in result[name][kind].items()
        ]
        if lines:
            print(mmanomaly_models.columns(lines, VARIANT_SHOWN))
    tables = {f"{value} {name}": row for name in ("steps", "draws")
              for value, row in result.get(f"by_{name}", {}).items()}  # fmt: skip
    if "misaligned" in result:
        tables["2 cm and 2 degrees off"] = result["misaligned"]
    for text, table in tables.items():
        lines = [(f"{text}: {name}", [table[name][head] for head in VARIANT_SHOWN])
                 for name in told if name in table]  # fmt: skip
        print(mmanomaly_models.columns(lines, VARIANT_SHOWN))
    for name, one in result.get("misaligned_error_db", {}).items():
        told_db = ", ".join(f"{times} times {error_db} dB" for times, error_db in one.items())
        print(f"  {name}: error of what is expected with a camera off by 2 cm and 2 degrees "
              f"{told_db}")  # fmt: skip
    for name, one in result.get("spread", {}).items():
        print(f"  {name}: spread {one['seen']['spread_db']} dB over seen materials, "
              f"{one['new']['spread_db']} dB over new ones; errors {one['seen']['error_db']} "
              f"and {one['new']['error_db']} dB")  # fmt: skip
        for material, ratios in one["by_material"].items():
            print(f"    {material}: spread {ratios['spread_ratio']} of that over known ones, "
                  f"errors {ratios['error_ratio']}")  # fmt: skip
    known = {name: one["accuracy"] for name, one in result["heads"].items()}
    heads = ", ".join(f"{name} {one:.2f}" for name, one in known.items() if one is not None)
    print(f"  heads are right on known classes: {heads or 'none of these was trained'}")
    print(f"  a frame takes {result['frame_ms']} ms (95 %: {result['frame_ms_p95']}) on "
          f"{result['threads']} threads")  # fmt: skip


def _short_head(name: str) -> str:
    return {"localisation_median_m": "place_m", "range_median_m": "range_m",
            "false_alarm_frame_share": "false_frames",
            "false_alarms": "false_alarms"}.get(name, name)  # fmt: skip
