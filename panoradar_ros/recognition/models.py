"""The networks that come with the package, and which of them belong together."""

from pathlib import Path

from mmwave.inference import ModelCard, ModelError, OnnxModel
from mmwave.resources import share_path

RANGE_MODEL = "models/panoradar_range.onnx"
SEMANTIC_MODEL = "models/panoradar_semantic.onnx"
SINGLE = (RANGE_MODEL, SEMANTIC_MODEL)
"""The installed pair, in single precision."""

INT8 = ("models/panoradar_range_int8.onnx", "models/panoradar_semantic_int8.onnx")
"""The same in 8 bits, for processors that are too slow for single precision."""

_INPUTS = {"range": "echo", "semantic": "features"}


def model_path(path: str = RANGE_MODEL) -> Path:
    """Where a network lies that comes with the package, or a file of the user's.

    Raises:
        ModelError: it is not installed.
    """
    if path not in (*SINGLE, *INT8):
        return Path(path).expanduser()
    try:
        return share_path(path)
    except FileNotFoundError as error:
        raise ModelError(f"{error}; or give a file of yours") from error


def load_network(path: Path, kind: str, device: str = "cpu") -> OnnxModel:
    """A network of PanoRadar, seen to be of the kind that is wanted.

    Args:
        path: of the ``.onnx`` file.
        kind: ``range`` or ``semantic``.
        device: see :class:`mmwave.inference.OnnxModel`.

    Raises:
        ModelError: it cannot be loaded, or is another network.
    """
    model = OnnxModel(path, device)
    if set(model.input_shapes) != {_INPUTS[kind]}:
        raise ModelError(
            f"{path} is no {kind} network of PanoRadar, it takes {', '.join(model.input_shapes)} "
            f"and not {_INPUTS[kind]}: give a panoradar_{kind} model"
        )
    return model


def same_weights(card: ModelCard) -> list[str]:
    """Hashes of other files that a model was made of without learning: in single precision, or
    exported before.
    """
    made_of = card.about.get("quantised", {})
    in_single = [made_of["sha256"]] if "sha256" in made_of else []
    return [*in_single, *(made_of or card.about).get("same_weights_as", [])]


def mismatch(range_card: ModelCard, semantic_card: ModelCard) -> str:
    """Why a semantic network does not belong to a range network; empty if it does."""
    wanted = semantic_card.about.get("range_model_sha256")
    if wanted in (None, range_card.sha256, *same_weights(range_card)):
        return ""
    return (
        f"{semantic_card.name} was trained on the answers of another range model than "
        f"{range_card.name}: expect worse classes and boxes; train and export one on this range "
        "model, or use the pair that it came with"
    )
