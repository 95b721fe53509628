"""A trained network, from the folder of its run or from the file that was exported of it.

The second way a model is exported anew: its weights as they are, in the graph of today.
"""

from pathlib import Path
from typing import Any

from torch import nn

from mmwave.inference import read_card
from mmwave.learning.export import exported_weights
from mmwave.learning.training import Task, read_run


def read_trained(source: Path, task: Task[Any]) -> tuple[nn.Module, dict[str, Any]]:
    """The network, and what is known of its training.

    Args:
        source: folder of a run, or exported model, ``NAME.onnx``.
        task: that it was trained for.

    Returns:
        The network in evaluation mode; settings, data, machine and what it began with, for a card.

    Raises:
        ModelError: see :func:`mmwave.inference.read_card`.
        ValueError: see :func:`mmwave.learning.training.read_run`; the model is in 8 bits, its card
            does not tell how it was trained, or its weights are of another network.
    """
    if source.suffix != ".onnx":
        return read_run(source, task)
    card = read_card(source)
    if made_of := card.about.get("quantised"):
        raise ValueError(f"{source} is in 8 bits: give the model it was made of, {made_of['of']}")
    weights = exported_weights(source)
    about: dict[str, Any] = dict(card.about.get("training", {}))
    settings = about.get("settings", {})
    try:
        net = task.network(task.settings_type(**{**settings, "device": "cpu"}))
        net.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        kind = settings.get("network", "unknown")
        raise ValueError(f"{source} is not this network but a {kind} one: name that") from error
    return net.eval(), about


def earlier_files(source: Path) -> dict[str, list[str]]:
    """For a card: hashes of the files that hold the same weights; nothing for that of a run.

    Raises:
        ModelError: see :func:`mmwave.inference.read_card`.
    """
    if source.suffix != ".onnx":
        return {}
    card = read_card(source)
    return {"same_weights_as": [card.sha256, *card.about.get("same_weights_as", [])]}
