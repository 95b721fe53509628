"""Trained networks as ONNX files with half-precision weights, checked against PyTorch."""

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mmwave.inference import OnnxModel, card_path, file_sha256, read_card

OPSET = 17
_NET = "net."
_HALF = "_half"
_TRANSPOSED = "_transposed"
SMALL = 256
"""Initialisers with fewer numbers stay in single precision: they cost nothing."""

Compare = Callable[[list[np.ndarray], list[np.ndarray]], dict[str, float]]
"""From PyTorch's and ONNX Runtime's answers to how far they are apart; raises ValueError if too
far."""


def export(
    module: nn.Module,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[str],
    path: Path,
    card: Mapping[str, Any],
    compare: Compare,
    any_length: Mapping[str, Mapping[int, str]] | None = None,
) -> dict[str, float]:
    """Write a model and its card; neither appears if it disagrees with PyTorch.

    Args:
        module: in evaluation mode; its weights are under ``net.``.
        inputs: arguments of the module in their order, by name, to trace and compare on.
        outputs: names of what it returns.
        path: of the ``.onnx`` file.
        card: what is known of the model; hash, size and errors are added.
        compare: see Compare.
        any_length: axes of inputs and outputs that may have any length, with a name for it.

    Returns:
        What ``compare`` says.

    Raises:
        ValueError: see Compare.
    """
    examples = tuple(torch.from_numpy(np.array(one)) for one in inputs.values())
    partial = path.with_name(f".{path.stem}.{os.getpid()}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_graph(module, examples, partial, tuple(inputs), outputs, any_length)
        model = onnx.load(str(partial))
        name_weights(model, module)
        halve_weights(model)
        onnx.checker.check_model(model)
        onnx.save(model, str(partial))
        about = {**card, "sha256": file_sha256(partial), "bytes": partial.stat().st_size}
        card_path(partial).write_text(json.dumps(about), encoding="utf-8")
        with torch.no_grad():
            answer = module(*examples)
        parts = [answer] if isinstance(answer, Tensor) else answer
        expected = [one.numpy() for one in parts]
        found = OnnxModel(partial).run(**inputs)
        errors = compare(expected, [found[name] for name in outputs])
        about["onnx_against_pytorch"] = errors
        text = json.dumps(about, indent=1)
        card_path(path).write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        card_path(partial).unlink(missing_ok=True)
    return errors


def _write_graph(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    any_length: Mapping[str, Mapping[int, str]] | None,
) -> None:
    """The module as ONNX, its weights by their own names: who has the file can train on from it.

    ONNX Runtime joins convolutions with their normalisation when it loads the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that never change here
        torch.onnx.export(
            module,
            examples,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=any_length,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            dynamo=False,
        )


def exported_weights(path: Path) -> dict[str, Tensor]:
    """A network's weights by their names in PyTorch, from the files that were exported of it.

    Args:
        path: of the model, or one of several that the card calls ``parts`` of a network.

    Raises:
        ModelError: see :func:`mmwave.inference.read_card`.
        ValueError: the files hold no weights by name.
    """
    parts = read_card(path).about.get("parts", [path.name])
    weights = {}
    for part in parts:
        read_card(path.with_name(part))
        for one in onnx.load(str(path.with_name(part))).graph.initializer:
            if one.name.startswith(_NET):
                name = one.name.removeprefix(_NET).removesuffix(_HALF)
                value = numpy_helper.to_array(one).astype(np.float32)
                if name.endswith(_TRANSPOSED):
                    name, value = name.removesuffix(_TRANSPOSED), value.T.copy()
                weights[name] = torch.from_numpy(value)
    if not any(name.endswith(("running_var", "running_mean")) for name in weights):
        raise ValueError(f"{path} does not hold its network's weights by name: export it anew")
    return weights


def name_weights(model: onnx.ModelProto, module: nn.Module) -> None:
    """Give weights their names back that the exporter transposed and numbered: matrices of layers
    over sequences.
    """
    known = {initializer.name for initializer in model.graph.initializer}
    matrices = {
        name: value.detach().cpu().numpy()
        for name, value in module.state_dict().items()
        if value.ndim == 2 and name not in known
    }
    renamed = {}
    for one in model.graph.initializer:
        if one.name.startswith(_NET) or len(one.dims) != 2:
            continue
        value = numpy_helper.to_array(one)
        for name, matrix in matrices.items():
            if matrix.T.shape == value.shape and np.array_equal(matrix.T, value):
                renamed[one.name] = name + _TRANSPOSED
                one.name = renamed[one.name]
                del matrices[name]
                break
    for node in model.graph.node:
        for number, name in enumerate(node.input):
            node.input[number] = renamed.get(name, name)


def halve_weights(model: onnx.ModelProto) -> None:
    """Keep large weights in half precision, with a cast before their use: half the file."""
    graph = model.graph
    casts, kept = [], []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            kept.append(weight)
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        kept.append(numpy_helper.from_array(half, weight.name + _HALF))
        casts.append(
            helper.make_node("Cast", [weight.name + _HALF], [weight.name], to=TensorProto.FLOAT)
        )
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(casts + nodes)
