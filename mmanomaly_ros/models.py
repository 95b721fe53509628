"""The networks of mmAnomaly that come with the package, and how its decisions were chosen."""

from collections.abc import Mapping
from pathlib import Path

from mmanomaly_ros.adaptation import ADAPTATION, AdaptedExpecter, read_adaptation
from mmanomaly_ros.comparison import Comparer
from mmanomaly_ros.decision import Decision
from mmanomaly_ros.detector import AnomalyDetector
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import watch_id
from mmwave.inference import ModelError, OnnxModel
from mmwave.resources import share_path

CONTEXT_MODEL = "models/mmanomaly_context.onnx"
DENOISER_MODEL = "models/mmanomaly_denoiser.onnx"
DECODER_MODEL = "models/mmanomaly_decoder.onnx"
COMPARATOR_MODEL = "models/mmanomaly_comparator.onnx"
DECISION = "models/mmanomaly_decision.json"
MODELS = {
    "context": CONTEXT_MODEL,
    "denoiser": DENOISER_MODEL,
    "decoder": DECODER_MODEL,
    "comparator": COMPARATOR_MODEL,
    "decision": DECISION,
}


def model_path(path: str) -> Path:
    """Where a file lies that comes with the package.

    Raises:
        ModelError: it is not installed.
    """
    try:
        return share_path(path)
    except FileNotFoundError as error:
        raise ModelError(f"{error}; or give a file of yours") from error


def paths_of(folder: Path | None) -> dict[str, Path]:
    """Files by the names of MODELS: those of a folder of the user's, or those that are installed.

    Raises:
        ModelError: they are not installed.
    """
    if folder is None:
        return {name: model_path(path) for name, path in MODELS.items()}
    return {name: folder.expanduser() / Path(path).name for name, path in MODELS.items()}


def load_detector(
    watch: str,
    paths: Mapping[str, Path | str] | None = None,
    samples: int = 4,
    steps: int = 4,
    device: str = "cpu",
    threads: int = 0,
    range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
) -> AnomalyDetector:
    """Load everything one watch needs.

    A decision that was adapted to a place needs the file of its adaptation beside it.

    Args:
        watch: its name.
        paths: other files than the package's, by the names of MODELS.
        samples: draws of the expected spectrum.
        steps: of each draw.
        device: see :class:`mmwave.inference.OnnxModel`.
        threads: of a run on the CPU; 0 leaves it to ONNX Runtime.
        range_bin_m: of the radar.

    Raises:
        ModelError: a file is missing or damaged, or they do not belong together.
        ValueError: the watch or a file's name is unknown, or a number is out of range.
    """
    number = watch_id(watch)
    unknown = set(paths or {}) - set(MODELS)
    if unknown:
        raise ValueError(f"files are named {', '.join(MODELS)}, got {', '.join(sorted(unknown))}")
    given = {name: Path(path).expanduser() for name, path in (paths or {}).items()}
    installed = {name: path for name, path in MODELS.items() if name not in given}
    found = given | {name: model_path(path) for name, path in installed.items()}
    place = found["decision"].with_name(ADAPTATION)
    decision = Decision.read(found.pop("decision"))
    graphs = {name: OnnxModel(path, device, threads) for name, path in found.items()}
    require_one_export(graphs, decision)
    expecter = Expecter(graphs["context"], graphs["denoiser"], graphs["decoder"], samples, steps)
    if watch in decision.about.get("adapted", {}):
        adaptation = read_adaptation(place, watch, graphs["denoiser"].card.sha256)
        if adaptation is None:
            raise ModelError(f"{place} is not of {watch}: adapt to the place anew")
        expecter = AdaptedExpecter(expecter, adaptation)
    comparer = Comparer(graphs["comparator"])
    return AnomalyDetector(expecter, comparer, decision, number, range_bin_m)


def require_one_export(graphs: Mapping[str, OnnxModel], decision: Decision | None = None) -> None:
    """Hold networks, and how they decide, against each other, as far as their cards tell.

    What the denoiser was trained with :class:`.expectation.Expecter` looks at.

    Args:
        graphs: by the names of MODELS; ``baseline`` too if it is used.
        decision: that was chosen with them.

    Raises:
        ModelError: they do not belong together.
    """
    own = {name: graph.card.sha256 for name, graph in graphs.items()}
    comparator = graphs["comparator"]
    if comparator.card.about.get("denoiser_sha256", own["denoiser"]) != own["denoiser"]:
        raise ModelError(
            f"{comparator.path.name} was not trained with {graphs['denoiser'].path.name}: give "
            "those of one export"
        )
    if decision is None:
        return
    # of the comparator every card tells
    told = {**own, "comparator": None} | {
        name: decision.about[f"{name}_sha256"] for name in own if f"{name}_sha256" in decision.about
    }
    if other := [name for name in own if told[name] != own[name]]:
        raise ModelError(
            f"the decision was not chosen with {graphs[other[0]].path.name}: give those of one "
            "export, or choose anew with panoradar decide mmanomaly"
        )
