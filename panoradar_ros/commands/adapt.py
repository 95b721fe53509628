"""``panoradar adapt``: to a new place, from a few minutes of its normal frames."""

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import mmanomaly_models
from panoradar_ros.commands.errors import require_folders, require_torch
from panoradar_ros.commands.progress import progress

if TYPE_CHECKING:
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.learning.adaptation import Trained
    from mmanomaly_ros.learning.adaptation_curve import Site

MINUTES = (0.0, 0.25, 0.5, 1.0, 2.0)
SEED = 60_003
"""Of it and the two after it walls are of all three new materials."""
SHOWN = ("f1", "recall", "auroc", "false_alarms", "normal", "false_alarm_frame_share")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("system", choices=("mmanomaly",), help="what to adapt")
    parser.add_argument("--data", type=Path, help="normal sequences of the place, in order")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder for the networks, the place's card and its thresholds; what it holds of other "
        "watches stays",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="+",
        help="of the data, at most (all of it); with --curve several (0 0.25 0.5 1 2)",
    )
    parser.add_argument(
        "--curve",
        action="store_true",
        help="instead: simulate places of new materials and tell what minutes of data gain",
    )
    parser.add_argument("--places", type=int, default=3, help="of each watch, for --curve (3)")
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"of the first place, for --curve ({SEED})"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes that simulate (1)")
    parser.add_argument("--chart", type=Path, help="picture of the curve to write")
    parser.add_argument("--device", choices=("cpu", "gpu", "auto"), default="cpu")
    mmanomaly_models.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Adapt to a place; or say what that gains."""
    require_torch("adapting")
    require_folders((arguments.data,))
    mmanomaly_models.check(arguments)
    for value in arguments.minutes or ():
        if not 0 <= value <= 60:
            raise ValueError(f"--minutes must be from 0 to 60, got {value}")
    return _curve(arguments) if arguments.curve else _adapt(arguments)


def _trained(
    arguments: argparse.Namespace,
) -> "tuple[dict[int, Trained], Decision, mmanomaly_models.Networks]":
    from mmanomaly_ros.comparison import Comparer
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.learning.adaptation import Trained
    from mmanomaly_ros.models import paths_of, require_one_export
    from mmanomaly_ros.watch import watch_id
    from mmwave.inference import ModelError

    decision = Decision.read(paths_of(arguments.models)["decision"])
    networks = mmanomaly_models.load(
        arguments.models,
        arguments.device,
        arguments.threads,
        int(decision.about.get("samples", mmanomaly_models.SAMPLES)),
        int(decision.about.get("steps", mmanomaly_models.STEPS)),
    )
    require_one_export(networks.graphs, decision)
    if "adapted" in decision.about:
        raise ModelError("these networks were adapted to a place: adapt those that were not")
    comparer = Comparer(networks.graphs["comparator"])
    spreads = decision.about.get("normal_scores", {})
    trained = {
        watch_id(name): Trained(
            networks.expecter, comparer, decision.of_watch(watch_id(name)), spreads[name]
        )
        for name in arguments.watches
        if name in spreads
    }
    if not trained:
        raise ModelError("the decision's card does not tell how normal scores spread: run "
                         "panoradar decide mmanomaly anew")  # fmt: skip
    return trained, decision, networks


def _adapt(arguments: argparse.Namespace) -> int:
    from mmanomaly_ros.adapted_folder import Adapted, read_adapted, write_adapted
    from mmanomaly_ros.learning.adaptation import adapt, expected_run
    from mmanomaly_ros.learning.adaptation_curve import first_part, frames_in
    from mmanomaly_ros.learning.samples import SceneSet
    from mmanomaly_ros.models import paths_of
    from mmanomaly_ros.watch import TASKS

    if arguments.data is None or arguments.output is None:
        raise ValueError("--data and --output are needed, or --curve")
    if arguments.minutes is not None and len(arguments.minutes) != 1:
        raise ValueError("--minutes takes one number without --curve")
    trained, decision, networks = _trained(arguments)
    if paths_of(arguments.models)["decision"].parent.resolve() == arguments.output.resolve():
        raise ValueError(
            f"--output {arguments.output} is the folder of the networks that are adapted, whose "
            "thresholds would be lost: give another"
        )
    denoiser_sha256 = networks.sha256["denoiser"]
    before = read_adapted(arguments.output, decision, denoiser_sha256)
    samples = SceneSet.under(arguments.data, progress)
    adapted: dict[str, Adapted] = {}
    for watch, one in trained.items():
        own = [run for run in samples.sequences if run.task == watch]
        if not own:
            continue
        if bad := [run.name for run in own if run.anomalous.any()]:
            raise ValueError(f"{bad[0]} has an anomaly in it: adapt to normal frames alone")
        if arguments.minutes:
            own = first_part(own, frames_in(arguments.minutes[0]))
        runs = [
            expected_run(one.expecter, run, samples.camera, one.range_bin_m, 0, progress)
            for run in own
        ]
        adaptation, after = adapt(runs, one, watch)
        to = SceneSet(own, samples.camera, samples.waveform).describe()
        told = {"to": to, **_told(adaptation, one.decision, after)}
        adapted[TASKS[watch]] = Adapted(after, adaptation, told)
    if not adapted:
        raise ValueError(f"{arguments.data} holds no sequence of {', '.join(arguments.watches)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    _copy_networks(arguments)
    write_adapted(arguments.output, decision, {**before, **adapted}, denoiser_sha256)
    _print(arguments, {name: one.told for name, one in adapted.items()}, set(before) - set(adapted))
    return 0


def _print(
    arguments: argparse.Namespace, told: "dict[str, Mapping[str, Any]]", stayed: set[str]
) -> None:  # fmt: skip
    if arguments.json:
        print(json.dumps({"output": str(arguments.output), "stayed": sorted(stayed), **told}))
    else:
        for name, row in told.items():
            kept = row["on_threshold"] == row["on_threshold_before"]
            print(f"{name}: {row['frames']} frames; expectations move by {row['shift_db']} dB "
                  f"(root mean square), their spread to {row['spread_scale']} times; threshold "
                  f"{row['on_threshold_before']} -> {row['on_threshold']}"
                  + (", kept: give sequences of 15 s and more" if kept else ""))  # fmt: skip
        for name in sorted(stayed):
            print(f"{name}: stays as this folder was adapted before")
        print(f"written to {arguments.output}; next: set the parameter models of the anomaly node")


def _told(adaptation: Any, before: Any, after: Any) -> dict[str, Any]:
    import numpy as np

    shift = float(np.sqrt(np.mean(np.square(adaptation.cell_shift_db))))
    return {
        "frames": adaptation.frames,
        "shift_db": round(shift, 3),
        "largest_shift_db": round(float(np.abs(adaptation.cell_shift_db).max()), 2),
        "level_shift_db": np.round(adaptation.level_shift_db, 2).tolist(),
        "spread_scale": round(float(np.median(adaptation.spread_scale)), 3),
        "on_threshold_before": round(before.alarm.on_threshold, 3),
        "on_threshold": round(after.alarm.on_threshold, 3),
    }


def _copy_networks(arguments: argparse.Namespace) -> None:
    """A folder of models is whole: what is not adapted lies in it too, and what an evaluation
    compares with.
    """
    from mmanomaly_ros.models import paths_of
    from mmwave.inference import card_path

    paths = paths_of(arguments.models)
    del paths["decision"]
    if (baseline := mmanomaly_models.baseline_of(arguments.models)) is not None:
        paths["baseline"] = baseline
    for path in paths.values():
        if path.parent.resolve() == arguments.output.resolve():
            continue
        for one in (path, card_path(path)):
            shutil.copy2(one, arguments.output / one.name)


def _curve(arguments: argparse.Namespace) -> int:
    from mmanomaly_ros.learning.adaptation_curve import MATERIAL, judged_at, rows_of
    from mmanomaly_ros.watch import TASKS
    from mmwave.camera import RGBD_CAMERA
    from mmwave.this_machine import machine
    from panoradar_ros.commands.seeds import refuse_trained

    if min(arguments.places, arguments.jobs) < 1 or arguments.seed < 0:
        raise ValueError(f"--places {arguments.places} and --jobs {arguments.jobs} must be at "
                         f"least 1 and --seed {arguments.seed} not negative")  # fmt: skip
    trained, decision, networks = _trained(arguments)
    minutes = sorted(set(arguments.minutes or MINUTES))
    for card in mmanomaly_models.cards_of(networks, decision):
        refuse_trained(card, arguments.seed, arguments.places)
    curve, names = {}, {}
    for watch, one in trained.items():
        sites = [
            _site(arguments, TASKS[watch], arguments.seed + number, max(minutes))
            for number in range(arguments.places)
        ]
        judged = [judged_at(site, one, RGBD_CAMERA, minutes, progress) for site in sites]
        curve[TASKS[watch]] = rows_of(judged)
        names[TASKS[watch]] = {"new": MATERIAL[TASKS[watch]], "places": [s.name for s in sites]}
    result = {"simulated": True, "seed": arguments.seed, "minutes": minutes, "of": names,
              "curve": curve, "models_sha256": networks.sha256, "machine": machine()}  # fmt: skip
    if arguments.chart is not None:
        _draw(arguments.chart, curve)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"Simulated places of new materials, seeds from {arguments.seed}")
    for name, rows in curve.items():
        lines = [(f"{row['minutes']:g} min, {row['adapted']}", [row[one] for one in SHOWN])
                 for row in rows]  # fmt: skip
        print(f"{name}, new {names[name]['new']}: {', '.join(names[name]['places'])}")
        print(mmanomaly_models.columns(lines, SHOWN))
    return 0


def _site(arguments: argparse.Namespace, watch: str, seed: int, minutes: float) -> "Site":
    """A simulated place; what was simulated before is read."""
    from mmanomaly_ros.learning.adaptation_curve import site_of, wanted_of
    from mmanomaly_ros.learning.samples import read_scene

    wanted = wanted_of(watch, seed, minutes)
    # the name of a file does not tell how long it is
    folder = mmanomaly_models.scenes_folder() / f"{watch}_{seed}_{minutes:g}_minutes"
    folder.mkdir(exist_ok=True)
    bar = progress(total=len(wanted), desc=f"simulating {watch} {seed}", unit="sequence")
    paths = mmanomaly_models.simulate(folder, wanted, arguments.jobs, bar)
    return site_of(watch, [read_scene(path) for path in paths], minutes)


def _draw(path: Path, curve: dict[str, list[dict[str, Any]]]) -> None:
    """F1 and the share of normal frames in alarm by minutes, everything adapted."""
    import numpy as np

    from mmwave.line_chart import Chart, Line, save

    charts = []
    for key, title in (("f1", "F1"), ("false_alarm_frame_share", "false alarms, share of frames")):
        lines = []
        for name, rows in curve.items():
            own = [row for row in rows if row["adapted"] in ("nothing", "both")]
            own = [row for row in own if row[key] is not None]
            x, y = (np.array([row[one] for row in own], float) for one in ("minutes", key))
            lines.append(Line(name, x, y, markers=True))
        top = 1.0 if key == "f1" else max(0.01, *(float(line.y.max()) for line in lines))
        charts.append(Chart(f"simulated: {title}", "minutes of normal data", "", lines,
                            y_limits=(0.0, top)))  # fmt: skip
    save(path, charts)
