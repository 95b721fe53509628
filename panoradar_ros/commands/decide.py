"""``panoradar decide``: thresholds of alarms, chosen on normal frames for a stated rate."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import mmanomaly_models
from panoradar_ros.commands.errors import require_folders, require_torch
from panoradar_ros.commands.progress import progress

if TYPE_CHECKING:
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.learning.calibration import Calibrated
    from mmanomaly_ros.learning.samples import SceneSet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("system", choices=("mmanomaly",), help="whose alarms")
    parser.add_argument(
        "--data", type=Path, required=True, help="normal sequences that no network learned from"
    )
    parser.add_argument("--output", type=Path, help="card (mmanomaly_decision.json in --models)")
    parser.add_argument(
        "--rate", type=float, default=1 / 200, help="of normal frames above a threshold (0.005)"
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="that the rate is not exceeded (0.95)"
    )
    parser.add_argument(
        "--pasted-frames",
        type=int,
        default=160,
        help="of each watch, to weigh the witnesses by anomalies that are pasted in (160)",
    )
    parser.add_argument("--draws", type=int, default=4, help="spectra expected a frame (4)")
    parser.add_argument("--draw-steps", type=int, default=4, help="from noise to a spectrum (4)")
    parser.add_argument("--seed", type=int, default=0, help="of draws and pastes (0)")
    parser.add_argument("--limit", type=int, help="sequences of each watch (all)")
    parser.add_argument("--device", choices=("cpu", "gpu", "auto"), default="cpu")
    mmanomaly_models.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Look at the frames, choose, write the card."""
    require_torch("choosing decisions")
    require_folders((arguments.data,))

    from mmanomaly_ros.learning.calibration import CalibrationSettings, calibrate, decision_of
    from mmanomaly_ros.learning.samples import SceneSet
    from mmanomaly_ros.watch import watch_id

    output = _checked(arguments)
    settings = CalibrationSettings(
        arguments.rate, arguments.confidence, arguments.pasted_frames, arguments.seed
    )
    networks = mmanomaly_models.load(
        arguments.models, arguments.device, arguments.threads, arguments.draws, arguments.draw_steps
    )
    samples = SceneSet.under(arguments.data, progress)
    mmanomaly_models.refuse_learned((one.seed for one in samples.sequences), networks)
    samples = _limited(samples, arguments.limit)
    found = {
        watch_id(name): calibrate(samples, watch_id(name), networks.sources, settings, progress)
        for name in arguments.watches
    }
    about = {
        "what": "how mmAnomaly decides, chosen on normal frames and pastes into them",
        "simulated": all(one.data["simulated"] for one in found.values()),
        **{f"{name}_sha256": sha for name, sha in networks.sha256.items()},
        "samples": arguments.draws,
        "steps": arguments.draw_steps,
        "rate": arguments.rate,
        "confidence": arguments.confidence,
    }
    _write(output, decision_of(found, about))
    _print(arguments, output, found, about["simulated"])
    return 0


def _write(output: Path, decision: "Decision") -> None:
    """Keep what the card there says of other watches, if it was chosen alike; else tell that it is
    gone, for thresholds of other networks are of no use.
    """
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.learning.calibration import joined

    older = Decision.read(output) if output.exists() else None
    both = joined(decision, older) if older else None
    (both or decision).write(output)
    if older and not both and (gone := sorted(set(older.watches) - set(decision.watches))):
        told = f"{output}: {', '.join(gone)} was of other networks or settings and is gone"
        print(f"{told}; choose it anew", file=sys.stderr)


def _checked(arguments: argparse.Namespace) -> Path:
    """Where to write.

    Raises:
        ValueError: there is no such folder, or a card in it that cannot be read: what it says of
            other watches would be lost.
    """
    from mmanomaly_ros.decision import Decision
    from mmwave.inference import ModelError

    mmanomaly_models.check(arguments)
    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {arguments.limit}")
    output: Path | None = arguments.output
    if output is None:
        if arguments.models is None:
            raise ValueError("--output is needed where --models is not given")
        output = arguments.models / "mmanomaly_decision.json"
    if not output.parent.is_dir():
        raise ValueError(f"{output.parent} is not a folder")
    if output.exists():
        try:
            Decision.read(output)
        except ModelError as error:
            raise ValueError(
                f"{error}. What it says of other watches would be lost: move it away, or give "
                "another --output"
            ) from error
    return output


def _limited(samples: "SceneSet", limit: int | None) -> "SceneSet":
    from mmanomaly_ros.learning.samples import SceneSet
    from mmanomaly_ros.watch import TASKS

    kept: list[Any] = []
    for number in range(len(TASKS)):
        own = [
            one for one in samples.sequences if one.task == number and not one.anomalous.any()
        ]  # fmt: skip
        kept += own[:limit]
    if not kept:
        raise ValueError("there is no normal sequence in --data")
    return SceneSet(kept, samples.camera, samples.waveform)


def _print(
    arguments: argparse.Namespace, output: Path, found: "dict[int, Calibrated]", simulated: bool
) -> None:  # fmt: skip
    from mmanomaly_ros.learning.sightings import WHOLE
    from mmanomaly_ros.watch import TASKS

    rows = {
        TASKS[watch]: {
            "sequences": one.sequences,
            "normal_scores": one.decisions[WHOLE].normal_frames,
            "rate": one.decisions[WHOLE].false_alarm_rate,
            "on_threshold": one.decisions[WHOLE].alarm.on_threshold,
            "off_threshold": one.decisions[WHOLE].alarm.off_threshold,
            "fusion": vars(one.decisions[WHOLE].fusion),
            "pasted_frame_auroc": one.auroc,
        }
        for watch, one in found.items()
    }
    if arguments.json:
        print(json.dumps({"file": str(output), "simulated": simulated, **rows}))
        return
    heads = ("sequences", "normal_scores", "rate", "on_threshold", "off_threshold")
    print(f"{'Simulated' if simulated else 'Measured'}, chosen on normal frames; pasted anomalies "
          "only weigh the witnesses")  # fmt: skip
    lines = [(name, [row[one] for one in heads]) for name, row in rows.items()]
    print(mmanomaly_models.columns(lines, heads))
    for watch, one in found.items():
        rate = one.decisions[WHOLE].false_alarm_rate
        if rate > arguments.rate:
            print(f"  {TASKS[watch]}: of so few frames no rate below {rate:.3g} can be told, "
                  f"{arguments.rate:g} was asked for: give more normal sequences")  # fmt: skip
        told = ", ".join(f"{variant} {value:.3f}" for variant, value in one.auroc.items())
        print(f"  {TASKS[watch]}: AUROC of single frames with a paste: {told}")
    print(f"written to {output}")
