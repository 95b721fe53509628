"""ONNX models: checked against their cards, loaded on the best provider there is, and run.

Beside every ``NAME.onnx`` lies its card ``NAME.json``: what it is, what it was trained on, how good
it is, and the SHA-256 of the file. A file that does not fit its card is not loaded.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.device_memory import BoundRun

_LOG = logging.getLogger(__name__)

PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "gpu": ("CUDAExecutionProvider",),
    "auto": ("CUDAExecutionProvider", "CPUExecutionProvider"),
}
MEMORY = {"CUDAExecutionProvider": "cuda"}
"""Providers whose inputs and outputs stay in memory of the device."""

Shape = tuple[int | str | None, ...]
"""None: one fixed number, whichever; a word: an axis of any length."""


class ModelError(ValueError):
    """A model cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model.

    Attributes:
        name: of the model.
        sha256: of its file, in hexadecimal.
        about: the whole card as JSON holds it: data, seeds, metrics, licence.
    """

    name: str
    sha256: str
    about: Mapping[str, Any]


def card_path(model: Path) -> Path:
    """Where the card of a model lies."""
    return model.with_suffix(".json")


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_card(model: Path, content: bytes | None = None) -> ModelCard:
    """Read the card of a model and hold the file against it.

    Args:
        model: its path.
        content: of the file, if it was read already; what is checked is what is loaded then.

    Raises:
        ModelError: file or card is missing, the card is not one, or the hash is another.
    """
    if model.is_dir():
        raise ModelError(f"{model} is a folder: give a model in it, NAME.onnx")
    if not model.is_file():
        raise ModelError(f"there is no model {model}: give a file that `panoradar export` wrote")
    path = card_path(model)
    if not path.is_file():
        raise ModelError(f"{model} has no card {path.name} beside it: get both files again")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        card = ModelCard(str(about["name"]), str(about["sha256"]), about)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{model} has no usable card {path} ({error!r}): get both files again, or export the "
            "model anew"
        ) from error
    found = file_sha256(model) if content is None else hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"{model} is not the file that its card describes (SHA-256 {found[:12]}..., the card "
            f"says {card.sha256[:12]}...): it is damaged or of another version; get both again"
        )
    return card


class OnnxModel:
    """A model that is ready to run.

    Args:
        path: of the ``.onnx`` file, its card beside it.
        device: ``cpu``, ``gpu`` (refused where none answers), or ``auto``.
        threads: of a run on the CPU; 0 leaves it to ONNX Runtime.

    Attributes:
        card: of the model.
        provider: that runs it.
        input_shapes: by name; a string is any number.
        output_shapes: likewise.

    Raises:
        ModelError: see :func:`read_card`; the file is no model; a GPU is wanted and none answers.
        ValueError: the device has another name.
    """

    def __init__(self, path: Path, device: str = "cpu", threads: int = 0) -> None:
        import onnxruntime

        if device not in PROVIDERS:
            raise ValueError(f"device must be one of {', '.join(PROVIDERS)}, got {device!r}")
        self.path = path
        content = path.read_bytes() if path.is_file() else None
        self.card = read_card(path, content)
        there = onnxruntime.get_available_providers()
        wanted = [name for name in PROVIDERS[device] if name in there]
        if not wanted:
            raise ModelError(
                f"ONNX Runtime has no {PROVIDERS[device][0]} here (it has {', '.join(there)}): "
                "install onnxruntime-gpu instead of onnxruntime, or set device to cpu"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=wanted)
        except Exception as error:  # ONNX Runtime raises its own
            raise ModelError(
                f"{path} cannot be loaded ({error}): export it anew, or get it again"
            ) from error
        self.provider = self._session.get_providers()[0]
        if device == "gpu" and self.provider != wanted[0]:
            raise ModelError(f"{path}: no GPU answers; set device to cpu")
        self.input_shapes = {one.name: tuple(one.shape) for one in self._session.get_inputs()}
        self.output_shapes = {one.name: tuple(one.shape) for one in self._session.get_outputs()}
        self._types = {one.name: one.type for one in self._session.get_inputs()}
        self._outputs = [one.name for one in self._session.get_outputs()]
        memory = MEMORY.get(self.provider)
        self._bound = BoundRun(self._session, memory) if memory else None
        _LOG.info("%s runs on %s", path.name, self.provider)

    def require(
        self,
        inputs: Mapping[str, tuple[str, Shape]],
        outputs: Mapping[str, Shape],
        what: str,
    ) -> None:
        """Hold the model against what is wanted of it, before anything is run.

        Args:
            inputs: type and shape by name, see Shape.
            outputs: shape by name; it may have others too.
            what: it should take, for the message.

        Raises:
            ModelError: it takes or gives something else.
        """
        for name, (kind, shape) in inputs.items():
            found = self.input_shapes.get(name)
            type_fits = _TYPES.get(self._types.get(name, "")) == np.dtype(kind)
            fixed = found is not None and all(
                isinstance(its, int) or isinstance(one, str)
                for its, one in zip(found, shape, strict=False)
            )
            if found is None or not (type_fits and fixed and _fits(found, shape)):
                raise ModelError(f"{self.path.name} takes {self.input_shapes}, not {what}")
        for name, shape in outputs.items():
            found = self.output_shapes.get(name)
            if found is None or not _fits(found, shape):
                wanted = " x ".join("any" if one is None else str(one) for one in shape)
                raise ModelError(
                    f"{self.path.name} gives {self.output_shapes}, no {name} of {wanted}: it is of "
                    "another version; get model and card of this one, or export it anew"
                )

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Run the model once.

        Args:
            **inputs: arrays by the names of the model's inputs.

        Returns:
            Arrays by the names of its outputs.

        Raises:
            ModelError: inputs are missing or too many, or of another shape or type.
        """
        if set(inputs) != set(self.input_shapes):
            raise ModelError(
                f"{self.path.name} takes {', '.join(self.input_shapes)}, got {', '.join(inputs)}"
            )
        for name, array in inputs.items():
            shape = self.input_shapes[name]
            fits = len(shape) == array.ndim and all(
                not isinstance(wanted, int) or wanted == found
                for wanted, found in zip(shape, array.shape, strict=True)
            )
            if not fits or _TYPES.get(self._types[name]) != array.dtype:
                raise ModelError(
                    f"{self.path.name}: {name} must be {self._types[name]} {shape}, got "
                    f"{array.dtype} {array.shape}"
                )
        if self._bound is not None:
            return self._bound(inputs)
        found = self._session.run(self._outputs, inputs)
        return dict(zip(self._outputs, found, strict=True))


def _fits(found: tuple[Any, ...], wanted: Shape) -> bool:
    """Whether a shape is the one wanted; names in it, and None in what is wanted, fit anything."""
    return len(found) == len(wanted) and all(
        one is None or not isinstance(its, int) or its == one
        for its, one in zip(found, wanted, strict=True)
    )


_TYPES = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(int64)": np.dtype(np.int64),
}
