"""Graphs with the shapes of mmAnomaly's that are simple, with cards that belong together."""

import json

import numpy as np

from mmwave.inference import OnnxModel, file_sha256

KEPT = np.linspace(0.999, 0.0, 1000)
SHIFT, SCALE = np.arange(8) / 10, 1 + np.arange(8) / 10


def _save(path, name, nodes, inputs, outputs, constants, about):
    from onnx import TensorProto, helper, numpy_helper, save

    def told(shapes):
        return [
            helper.make_tensor_value_info(one, TensorProto.FLOAT, shape)
            for one, shape in shapes.items()
        ]

    graph = helper.make_graph(
        [helper.make_node(*one[:3], **(one[3] if len(one) > 3 else {})) for one in nodes],
        name,
        told(inputs),
        told(outputs),
        [numpy_helper.from_array(value, one) for one, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    save(model, path)
    card = {"name": name, "sha256": file_sha256(path), **about}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def f32(*shape, fill=0.0):
    return np.full(shape, fill, np.float32)


def context(folder, deviation=0.05):
    """Regression: the mean of red everywhere, in units; log variance of a fixed deviation."""
    outputs = {
        "tokens": f32(1, 24, 96), "latent_map": f32(1, 32, 16, 8),
        "log_variance": f32(1, 3, 128, 64, fill=2 * np.log(deviation)),
        "clothing": f32(1, 7), "wall": f32(1, 9), "pose": np.float32([[0, 0, 9, 0, 0]]),
    }  # fmt: skip
    nodes = [("Identity", [f"{name}_is"], [name]) for name in outputs]
    nodes += [
        ("Slice", ["image", "zero", "one", "one"], ["red"]),
        ("ReduceMean", ["red"], ["level"], {"keepdims": 1}),
        ("Expand", ["level", "shape"], ["mean"]),
        ("ReduceSum", ["polar"], ["unused"]),
        ("ReduceSum", ["watch"], ["unused_too"]),
    ]
    constants = {f"{name}_is": value for name, value in outputs.items()}
    constants |= {"zero": np.int64([0]), "one": np.int64([1]), "shape": np.int64([1, 3, 128, 64])}
    shapes = {name: value.shape for name, value in outputs.items()} | {"mean": (1, 3, 128, 64)}
    inputs = {"image": (1, 5, 96, 128), "polar": (1, 6, 128, 64), "watch": (1, 3)}
    return _save(folder / "context.onnx", "context", nodes, inputs, shapes, constants, {})


def denoiser(folder, truth, others, **about):
    """Knows the clean latents (8, 16, 8): v = (sqrt(a) x - truth) / sqrt(1 - a)."""
    nodes = [
        ("Cast", ["time"], ["index"], {"to": 7}),
        ("Gather", ["signals", "index"], ["signal"]),
        ("Gather", ["noises", "index"], ["noise"]),
        ("Reshape", ["signal", "column"], ["a"]),
        ("Reshape", ["noise", "column"], ["b"]),
        ("Mul", ["a", "latents"], ["scaled"]),
        ("Sub", ["scaled", "truth"], ["off"]),
        ("Div", ["off", "b"], ["prediction"]),
        ("ReduceSum", ["tokens"], ["unused"]),
        ("ReduceSum", ["latent_map"], ["unused_too"]),
    ]
    constants = {
        "signals": np.sqrt(KEPT).astype(np.float32),
        "noises": np.sqrt(1 - KEPT).astype(np.float32),
        "column": np.int64([-1, 1, 1, 1]),
        "truth": truth.astype(np.float32),
    }
    latents = ("samples", 8, 16, 8)
    inputs = {"latents": latents, "time": ("samples",), "tokens": (1, 24, 96)}
    inputs |= {"latent_map": (1, 32, 16, 8)}
    schedule = {"alphas_cumulative": KEPT.tolist(), "prediction": "v_prediction",
                "shift": SHIFT.tolist(), "scale": SCALE.tolist()}  # fmt: skip
    told = {f"{name}_sha256": file_sha256(path) for name, path in others.items()}
    about = {"schedule": schedule, **told, **about}
    path = folder / "denoiser.onnx"
    return _save(path, "denoiser", nodes, inputs, {"prediction": latents}, constants, about)


def decoder(folder):
    """Spectra that are everywhere the mean of the latents."""
    nodes = [
        ("ReduceMean", ["latents", "axes"], ["level"], {"keepdims": 1}),
        ("Expand", ["level", "shape"], ["spectra"]),
    ]
    constants = {"axes": np.int64([1, 2, 3]), "shape": np.int64([1, 3, 128, 64])}
    inputs = {"latents": ("samples", 8, 16, 8)}
    outputs = {"spectra": ("samples", 3, 128, 64)}
    return _save(folder / "decoder.onnx", "decoder", nodes, inputs, outputs, constants, {})


def comparator(folder):
    """Ten times what range_azimuth has more than expected; of the frame, its mean."""
    nodes = [
        ("Sub", ["measured", "expected"], ["more"]),
        ("Gather", ["more", "first"], ["channel"], {"axis": 1}),
        ("Mul", ["channel", "ten"], ["heatmap"]),
        ("ReduceMean", ["heatmap", "axes"], ["frame"], {"keepdims": 0}),
        ("ReduceSum", ["spread"], ["unused"]),
        ("ReduceSum", ["watch"], ["unused_too"]),
    ]
    constants = {"first": np.int64([0]), "ten": f32(1, fill=10.0), "axes": np.int64([2, 3])}
    inputs = dict.fromkeys(("measured", "expected", "spread"), (1, 3, 128, 64))
    inputs |= {"watch": (1, 3)}
    outputs = {"heatmap": (1, 1, 128, 64), "frame": (1, 1)}
    return _save(folder / "comparator.onnx", "comparator", nodes, inputs, outputs, constants, {})


def written(folder, level=-0.5, **about):
    """All four, by name; the decoder makes spectra of the given level in units."""
    truth = (np.full((8, 16, 8), level) - SHIFT[:, None, None]) / SCALE[:, None, None]
    paths = {"context": context(folder), "decoder": decoder(folder)}
    paths["denoiser"] = denoiser(folder, truth, paths, **about)
    paths["comparator"] = comparator(folder)
    return paths


def loaded(folder, **about):
    return {name: OnnxModel(path, threads=1) for name, path in written(folder, **about).items()}
