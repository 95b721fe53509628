"""What ``panoradar export`` does for REXO, and ``panoradar ablate`` with its rows."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands import rexo_data
from panoradar_ros.commands.cards import card_of

if TYPE_CHECKING:
    from rexo_ros.learning.networks.base import BoxDetector
    from rexo_ros.learning.samples import SampleSet
    from rexo_ros.learning.settings import RexoTraining


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of rexo alone."""
    group = parser.add_argument_group("rexo")
    group.add_argument(
        "--ablation", type=Path, help="what panoradar ablate --json printed, for the card"
    )
    rexo_data.add_arguments(group)


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Export, score, and write models and cards."""
    import numpy as np

    from mmwave.learning.training import read_run
    from rexo_ros.learning.ablation import evaluated
    from rexo_ros.learning.export import PARTS
    from rexo_ros.learning.networks.base import BoxDetector
    from rexo_ros.learning.samples import refuse_learned, refuse_other_reading
    from rexo_ros.learning.settings import RexoTraining
    from rexo_ros.learning.task import RexoTask, normalisation_of

    more = {}
    if arguments.ablation is not None:
        more = ablation_of(arguments.ablation)
    samples = rexo_data.sample_set(arguments, arguments.data, "val", lambda one, **_: one)
    net, about = read_run(arguments.trained, RexoTask(samples, samples))
    assert isinstance(net, BoxDetector)
    refuse_other_reading(about, samples, str(arguments.trained))
    refuse_learned(about, samples, str(arguments.trained))
    settings = RexoTraining(**about["settings"])
    places = np.linspace(0, len(samples) - 1, arguments.frames).round().astype(int)
    numbers = dict.fromkeys(places.tolist())
    scores = evaluated(net, settings, normalisation_of(about), samples, numbers).as_json()
    card = {
        **card_of(arguments.output, arguments.licence, about),
        "scores": {"of": samples.describe(), "learned": scores},
        **more,
    }
    errors = write(net, settings, about, samples, arguments.output, card)
    stem = arguments.output
    files = [str(stem.with_name(f"{stem.stem}_{part}.onnx")) for part in PARTS]
    return {"files": files, "onnx_against_pytorch": errors, **scores}


def write(
    net: "BoxDetector",
    settings: "RexoTraining",
    about: dict[str, Any],
    samples: "SampleSet",
    output: Path,
    card: dict[str, Any],
) -> dict[str, dict[str, float]]:
    """Write both models of a trained network; see :func:`rexo_ros.learning.export.export_rexo`.

    Args:
        net: trained.
        settings: that it was trained with.
        about: of its training.
        samples: the first of them is compared on.
        output: ``NAME.onnx``; ``NAME_backbone.onnx`` and ``NAME_step.onnx`` are written.
        card: what is known of it.
    """
    from rexo_ros.learning.export import export_rexo
    from rexo_ros.learning.task import normalisation_of, only

    whole = normalisation_of(about)
    heatmaps = only(whole(samples[0].power), samples.space, settings)
    names = settings.view_names(samples.space)
    own = whole.of_views([samples.space.views.index(name) for name in names])
    what = "people in the heatmaps of fixed radars, by diffusion of boxes in space"
    card = {**card, "what": what}
    return export_rexo(net, output.parent, output.stem, heatmaps, own, card)


def ablation_of(path: Path) -> dict[str, Any]:
    """The rows of an ablation for a card.

    Raises:
        ValueError: the file is none that ``panoradar ablate --json`` printed.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        rows = {
            f"{text}, {test}": figures
            for text, tests in table["rows"].items()
            for test, figures in tests.items()
        }
        return {"ablation": rows, "ablation_settings": table["settings"]}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(
            f"--ablation {path} is not what panoradar ablate --json printed: {error!r}"
        ) from error
