"""What ``panoradar export mmanomaly`` does: all networks of the system, which belong together."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoradar_ros.commands.cards import card_of

if TYPE_CHECKING:
    from mmanomaly_ros.learning.expectations import Expectations, Generator
    from mmanomaly_ros.learning.samples import SceneSet
    from mmwave.learning.training import Task


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Export, score, and write models and cards.

    ``--trained`` holds the runs ``context``, ``vae``, ``denoiser``, ``comparator`` and, if it was
    trained, ``baseline``; ``NAME_context.onnx`` and so on are written.
    """
    from mmanomaly_ros.learning.expectations import cache_expectations
    from mmanomaly_ros.learning.runs import read_generator
    from mmanomaly_ros.learning.samples import SceneSet

    runs = arguments.trained
    samples = SceneSet.under(arguments.data, lambda one, **_: one)
    frames = samples.spread(arguments.frames)
    generator = read_generator(runs / "context", runs / "vae", runs / "denoiser")
    expected = cache_expectations(arguments.data, frames, generator)
    result = _seeing(arguments, samples, frames)
    result |= _drawing(arguments, frames, generator)
    result |= _comparing(arguments, frames, expected)
    if (runs / "baseline").is_dir():
        result |= _baseline(arguments, frames)
    return result


def _part(arguments: argparse.Namespace, name: str) -> Path:
    output: Path = arguments.output
    return output.with_name(f"{output.stem}_{name}.onnx")


def _card(
    arguments: argparse.Namespace, name: str, about: dict[str, Any], scores: dict[str, Any]
) -> dict[str, Any]:
    return card_of(_part(arguments, name), arguments.licence, about) | {"scores": scores}


def _scores(
    task: "Task[Any]", net: Any, about: dict[str, Any], frames: "SceneSet"
) -> dict[str, Any]:
    from mmanomaly_ros.learning.settings import AnomalyTraining

    settings: AnomalyTraining = AnomalyTraining(**{**about["settings"], "device": "cpu"})
    return {"of": frames.describe(), "learned": task.validate(net, settings)}


def _seeing(
    arguments: argparse.Namespace, samples: "SceneSet", frames: "SceneSet"
) -> dict[str, Any]:
    from mmanomaly_ros.learning.augmentation import clean_context
    from mmanomaly_ros.learning.context_task import ContextTask
    from mmanomaly_ros.learning.export import export_context
    from mmanomaly_ros.learning.known_walls import known_walls_card
    from mmanomaly_ros.learning.networks.context import ContextNet
    from mmanomaly_ros.learning.runs import read_network

    net, about = read_network(arguments.trained / "context", ContextNet)
    task = ContextTask(frames, frames)
    scores = _scores(task, net, about, frames)
    classes = task.describe()["classes"]
    card = _card(arguments, "context", about, scores) | {"classes": classes}
    walls = known_walls_card(samples, about["data"]["walls"])
    card |= walls
    context = clean_context(frames[0], frames)
    errors = export_context(net, context, _part(arguments, "context"), card)
    told = walls.get("wall_looks_missing", "in the card")
    return {"context": {"onnx_against_pytorch": errors, "wall_looks": told, **scores["learned"]}}


def _drawing(
    arguments: argparse.Namespace, frames: "SceneSet", generator: "Generator"
) -> dict[str, Any]:
    import numpy as np

    from mmanomaly_ros.learning.augmentation import clean_context
    from mmanomaly_ros.learning.denoiser_task import DenoiserTask
    from mmanomaly_ros.learning.export import export_decoder, export_denoiser, looked
    from mmanomaly_ros.learning.networks.denoiser import Denoiser
    from mmanomaly_ros.learning.networks.vae import SpectrumVae
    from mmanomaly_ros.learning.runs import read_network
    from mmanomaly_ros.learning.vae_task import VaeTask
    from mmwave.inference import read_card

    vae, about = read_network(arguments.trained / "vae", SpectrumVae)
    decoded = _scores(VaeTask(frames, frames), vae, about, frames)
    spectra = np.stack([frames[number].unit for number in range(min(4, len(frames)))])
    path = _part(arguments, "decoder")
    card = _card(arguments, "decoder", about, decoded)
    result = {
        "decoder": {
            "onnx_against_pytorch": export_decoder(vae, spectra, path, card),
            **decoded["learned"],
        }
    }
    net, about = read_network(arguments.trained / "denoiser", Denoiser)
    schedule = generator.schedule
    task = DenoiserTask(frames, frames, generator.context, vae, arguments.data, schedule)
    scores = _scores(task, net, about, frames)
    card = _card(arguments, "denoiser", about, scores) | {
        f"{name}_sha256": read_card(_part(arguments, name)).sha256
        for name in ("context", "decoder")
    }
    card["spread_scale"] = _spread_scale(arguments)
    seen = looked(generator.context, clean_context(frames[0], frames))
    errors = export_denoiser(net, schedule, _part(arguments, "denoiser"), card, seen)
    return result | {"denoiser": {"onnx_against_pytorch": errors, **scores["learned"]}}


def _spread_scale(arguments: argparse.Namespace) -> float:
    """That the comparator learned with."""
    from mmanomaly_ros.learning.networks.comparator import Comparator
    from mmanomaly_ros.learning.runs import read_network

    _, about = read_network(arguments.trained / "comparator", Comparator)
    return float(about["data"]["spread_scale"])


def _comparing(
    arguments: argparse.Namespace, frames: "SceneSet", expected: "Expectations"
) -> dict[str, Any]:
    from mmanomaly_ros.learning.comparator_task import ComparatorTask
    from mmanomaly_ros.learning.export import export_comparator
    from mmanomaly_ros.learning.networks.comparator import Comparator
    from mmanomaly_ros.learning.runs import read_network
    from mmwave.inference import read_card

    net, about = read_network(arguments.trained / "comparator", Comparator)
    task = ComparatorTask(frames, expected, frames, expected, _spread_scale(arguments))
    scores = _scores(task, net, about, frames)
    card = _card(arguments, "comparator", about, scores)
    card["denoiser_sha256"] = read_card(_part(arguments, "denoiser")).sha256
    mean, spread = expected[0]
    spectra = (frames[0].unit, mean, spread)
    errors = export_comparator(net, spectra, _part(arguments, "comparator"), card)
    return {"comparator": {"onnx_against_pytorch": errors, **scores["learned"]}}


def _baseline(arguments: argparse.Namespace, frames: "SceneSet") -> dict[str, Any]:
    from mmanomaly_ros.learning.export import export_baseline
    from mmanomaly_ros.learning.networks.baseline import SpectrumAutoencoder
    from mmanomaly_ros.learning.runs import read_network
    from mmanomaly_ros.learning.vae_task import BaselineTask

    net, about = read_network(arguments.trained / "baseline", SpectrumAutoencoder)
    scores = _scores(BaselineTask(frames, frames), net, about, frames)
    card = _card(arguments, "baseline", about, scores)
    errors = export_baseline(net, frames[0].unit, _part(arguments, "baseline"), card)
    return {"baseline": {"onnx_against_pytorch": errors, **scores["learned"]}}
