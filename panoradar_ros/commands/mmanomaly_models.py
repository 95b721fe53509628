"""Networks, decisions and simulated sequences that several commands of mmAnomaly need."""

import argparse
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmanomaly_ros.watch import TASKS
from panoradar_ros.commands.pool import run_all, threads_each

if TYPE_CHECKING:
    from mmanomaly_ros.decision import Decision
    from mmanomaly_ros.detector import AnomalyDetector
    from mmanomaly_ros.expectation import Expecter
    from mmanomaly_ros.learning.sightings import Sources
    from mmanomaly_ros.learning.simulated import Wanted
    from mmwave.inference import ModelCard, OnnxModel

CONDITIONS = ("seen", "new", "new_clothes", "new_walls")
BASELINE_MODEL = "models/mmanomaly_baseline.onnx"
SAMPLES = STEPS = 4
"""As the live node has them."""
_GENERATIONS_KEPT = 2


def add_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Declare where the networks are and how they run."""
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="of mmanomaly_context.onnx and so on, and how they decide (those that are installed)",
    )
    parser.add_argument("--watches", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="of a network (all cores)"
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: a number is too small, or there is no such folder.
    """
    if arguments.threads < 1:
        raise ValueError(f"--threads must be at least 1, got {arguments.threads}")
    if arguments.models is not None and not arguments.models.is_dir():
        raise ValueError(f"--models {arguments.models} is no folder")


def baseline_of(folder: Path | None) -> Path | None:
    """The autoencoder without a camera, if there is one."""
    from mmwave.resources import share_path

    if folder is not None:
        path = folder / Path(BASELINE_MODEL).name
        return path if path.exists() else None
    try:
        return share_path(BASELINE_MODEL)
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class Networks:
    """What is loaded once.

    Attributes:
        graphs: by name, ``baseline`` too if there is one.
        sources: that see with them.
        expecter: of the camera.
    """

    graphs: "dict[str, OnnxModel]"
    sources: "Sources"
    expecter: "Expecter"

    @property
    def sha256(self) -> dict[str, str]:
        """Of every file."""
        return {name: one.card.sha256 for name, one in self.graphs.items()}


def load(
    folder: Path | None, device: str, threads: int, samples: int = SAMPLES, steps: int = STEPS
) -> Networks:
    """Load the networks, without a decision.

    Raises:
        ModelError: one is missing or damaged, or they do not belong together.
        ValueError: a number is out of range.
    """
    from mmanomaly_ros.comparison import Comparer
    from mmanomaly_ros.expectation import Expecter
    from mmanomaly_ros.learning.sightings import Sources
    from mmanomaly_ros.models import paths_of, require_one_export
    from mmwave.inference import OnnxModel

    paths = paths_of(folder)
    del paths["decision"]
    if (baseline := baseline_of(folder)) is not None:
        paths["baseline"] = baseline
    graphs = {name: OnnxModel(path, device, threads) for name, path in paths.items()}
    require_one_export(graphs)
    drawing = graphs["context"], graphs["denoiser"], graphs["decoder"]
    expecter, regression = Expecter(*drawing, samples, steps), Expecter(*drawing, 0, steps)
    comparer = Comparer(graphs["comparator"])
    sources = Sources(expecter, regression, comparer, graphs.get("baseline"))
    return Networks(graphs, sources, expecter)


def detectors(
    arguments: argparse.Namespace, samples: int = SAMPLES, steps: int = STEPS
) -> "dict[int, AnomalyDetector]":
    """Those of the live node, by the watch's number.

    Raises:
        ModelError: see :func:`load`.
    """
    from mmanomaly_ros.models import load_detector, paths_of
    from mmanomaly_ros.watch import watch_id

    files = paths_of(arguments.models)
    return {
        watch_id(name): load_detector(
            name, files, samples, steps, arguments.device, arguments.threads
        )
        for name in arguments.watches
    }


def cards_of(networks: Networks, decision: "Decision") -> "list[ModelCard]":
    """Everything that was learned or chosen on some seeds."""
    from mmwave.inference import ModelCard

    chosen = ModelCard("mmanomaly_decision", "", decision.about)
    return [*(one.card for one in networks.graphs.values()), chosen]


def refuse_learned(seeds: Iterable[int], networks: Networks) -> None:
    """Thresholds and figures on what was trained on would be too good.

    What a training was validated on is allowed: it is frames of the same kind.

    Raises:
        ValueError: a sequence has a seed that a network learned from.
    """
    own = set(seeds)
    for name, graph in networks.graphs.items():
        data = graph.card.about.get("training", {}).get("data", {})
        low, high = data.get("seeds", (1, 0))
        learned = sorted(seed for seed in own if low <= seed <= high)
        if learned:
            raise ValueError(
                f"sequences with seeds like {learned[0]} are in --data, and {name} learned from "
                f"seeds {low} to {high}: give others"
            )


def scenes_folder() -> Path:
    """Of simulated sequences in the user's cache; another one when the simulator was changed."""
    from mmwave.simulation.recording import cache_folder
    from mmwave.source_digest import source_digest

    root = cache_folder() / "anomaly_scenes"
    folder = root / source_digest("mmanomaly_ros.learning.simulated")
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    others = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[_GENERATIONS_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def simulate(
    folder: Path, wanted: "Sequence[Wanted]", jobs: int, bar: Any
) -> list[Path]:  # fmt: skip
    """Simulate the sequences that are not there yet.

    Args:
        folder: to put them.
        wanted: see there.
        jobs: processes.
        bar: of all of them.
    """
    missing = [one for one in wanted if not (folder / one.file_name).exists()]
    bar.update(len(wanted) - len(missing))
    if missing:
        threads = threads_each(jobs, None)
        run_all(_sequence, [(folder, one, threads) for one in missing], bar, folder, jobs)
    else:
        bar.close()
    return [folder / one.file_name for one in wanted]


def _sequence(folder: Path, wanted: "Wanted", threads: int) -> str:
    import numba

    from mmanomaly_ros.learning.simulated import simulate_into

    numba.set_num_threads(threads)
    simulate_into(folder, wanted)
    return ""


def columns(rows: Iterable[tuple[str, Sequence[Any]]], heads: Sequence[str]) -> str:
    """A table of plain text."""
    lines = [f"  {'':28}" + "".join(f"{head:>14}" for head in heads)]
    for name, values in rows:
        told = ("-" if one is None else one if isinstance(one, str) else f"{one:.4g}"
                for one in values)  # fmt: skip
        lines.append(f"  {name:28}" + "".join(f"{one:>14}" for one in told))
    return "\n".join(lines)
