"""Exported models with convolutions in 8 bits: faster on processors, a little less exact.

Weights are whole numbers by channel, what goes into a convolution is one by tensor; their steps are
chosen on real inputs (static quantisation, Jacob et al. 2018). Weights have seven bits: AVX2 sums
two products in 16 bits. All else stays in single precision.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from mmwave.inference import OnnxModel, card_path, file_sha256, read_card

NOT_ITS_OWN = ("scores", "onnx_against_pytorch", "same_weights_as")
"""Of the card of a model that was not quantised: they do not hold of what is made of it."""

Inputs = Mapping[str, NDArray[Any]]
Answers = Mapping[str, NDArray[Any]]


def quantise(
    model: Path,
    output: Path,
    inputs: Iterable[Inputs],
    layers: Callable[[str], bool],
    compare: Callable[[Answers, Answers], dict[str, float]],
    data: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Write a model in 8 bits and its card; neither appears if it is too far from the first.

    Args:
        model: that :func:`mmwave.learning.export.export` wrote, its card beside it.
        output: file to write; it gets that card without its scores, with the hash of what it was
            made of.
        inputs: real ones to choose steps on; on the last it is held against the model.
        layers: tells by a convolution's name whether it may be in 8 bits.
        compare: from the model's answers and those in 8 bits to how far they are apart; raises
            ValueError if too far.
        data: what the inputs are of, for the card.

    Returns:
        What ``compare`` says.

    Raises:
        ModelError: see :func:`mmwave.inference.read_card`.
        ValueError: there is no input, no convolution fits, the model is in 8 bits already, the
            output is the model, or see ``compare``.
    """
    card = read_card(model)
    if "quantised" in card.about:
        raise ValueError(f"{model} is in 8 bits already: give the model that it was made of")
    if output.resolve() == model.resolve():
        raise ValueError(f"{output} is the model itself: give another file")
    chosen = list(inputs)
    if not chosen:
        raise ValueError("there is no input to choose steps on")
    output.parent.mkdir(parents=True, exist_ok=True)
    prepared, partial = (
        output.with_name(f".{output.stem}.{os.getpid()}.{what}.onnx")
        for what in ("prepared", "quantised")
    )
    try:
        names = _prepare(model, prepared, layers)
        _write(prepared, partial, chosen, names)
        about = {
            **{key: value for key, value in card.about.items() if key not in NOT_ITS_OWN},
            "name": output.stem,
            "sha256": file_sha256(partial),
            "bytes": partial.stat().st_size,
            "chosen_on": card.about.get("scores", {}).get("of", {}),
            "quantised": {
                "of": card.name,
                "sha256": card.sha256,
                "same_weights_as": card.about.get("same_weights_as", []),
                "convolutions": len(names),
                "steps_from": {**(data or {}), "inputs": len(chosen)},
            },
        }
        card_path(partial).write_text(json.dumps(about), encoding="utf-8")
        errors = compare(OnnxModel(model).run(**chosen[-1]), OnnxModel(partial).run(**chosen[-1]))
        about["quantised"]["against_single"] = errors
        card_path(output).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        partial.replace(output)
    finally:
        for path in (prepared, partial, card_path(partial)):
            path.unlink(missing_ok=True)
    return errors


def _prepare(model: Path, prepared: Path, layers: Callable[[str], bool]) -> list[str]:
    """Fold what is constant; names of the convolutions that are meant."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
    graph = onnx.load(str(prepared)).graph
    names = [node.name for node in graph.node if node.op_type == "Conv" and layers(node.name)]
    if not names:
        raise ValueError(f"{model} has no convolution that may be in 8 bits")
    return names


def _write(prepared: Path, path: Path, inputs: list[Inputs], names: list[str]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """Hands out one input after the other."""

        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            one = next(self._left, None)
            return None if one is None else {k: np.ascontiguousarray(v) for k, v in one.items()}

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises what was done before
    try:
        quantize_static(
            str(prepared),
            str(path),
            Reader(),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # 7 bits: two products of 8 overflow on processors without VNNI
            nodes_to_quantize=names,
        )
    finally:
        logging.disable(before)
