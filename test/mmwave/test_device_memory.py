"""Models in memory that stays say what they say without, on the device that all machines have."""

import json

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from mmwave import inference
from mmwave.device_memory import BoundRun
from mmwave.inference import ModelError, OnnxModel, card_path, file_sha256


def model(shape):
    """Sums of rows, and the numbers doubled."""
    nodes = [
        helper.make_node("Add", ["numbers", "numbers"], ["doubled"]),
        helper.make_node("ReduceSum", ["numbers"], ["sums"], keepdims=0, axes=[1]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "sums",
        [value("numbers", TensorProto.FLOAT, shape)],
        [
            value("sums", TensorProto.FLOAT, shape[:1]),
            value("doubled", TensorProto.FLOAT, shape),
        ],
    )
    opsets = [helper.make_opsetid("", 11)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def session(shape):
    return onnxruntime.InferenceSession(model(shape), providers=["CPUExecutionProvider"])


@pytest.fixture(params=[(3, 4), ("rows", 4)], ids=["fixed", "any-length"])
def shape(request):
    return request.param


def numbers(seed, rows=3):
    return np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)


def test_answers_are_those_of_a_plain_run(shape):
    plain = session(shape)
    bound = BoundRun(plain, "cpu")
    for seed in range(3):
        found = bound({"numbers": numbers(seed)})
        sums, doubled = plain.run(["sums", "doubled"], {"numbers": numbers(seed)})
        np.testing.assert_array_equal(found["sums"], sums)
        np.testing.assert_array_equal(found["doubled"], doubled)


def test_an_answer_is_not_changed_by_the_next_run(shape):
    bound = BoundRun(session(shape), "cpu")
    first = bound({"numbers": numbers(0)})
    kept = first["doubled"].copy()
    bound({"numbers": numbers(1)})
    np.testing.assert_array_equal(first["doubled"], kept)


def test_what_is_given_is_not_written_to(shape):
    bound = BoundRun(session(shape), "cpu")
    first = numbers(0)
    bound({"numbers": first})
    bound({"numbers": numbers(1)})
    np.testing.assert_array_equal(first, numbers(0))


def test_lengths_may_change_from_run_to_run():
    bound = BoundRun(session(("rows", 4)), "cpu")
    for rows in (2, 5, 1, 2):
        found = bound({"numbers": numbers(rows, rows)})
        np.testing.assert_array_equal(found["doubled"], 2 * numbers(rows, rows))
        assert found["sums"].shape == (rows,)


def test_every_second_column_can_be_given(shape):
    bound = BoundRun(session(shape), "cpu")
    wide = np.arange(24, dtype=np.float32).reshape(3, 8)
    np.testing.assert_array_equal(bound({"numbers": wide[:, ::2]})["doubled"], 2 * wide[:, ::2])


def test_memory_of_a_fixed_shape_stays():
    bound = BoundRun(session((3, 4)), "cpu")
    places = []
    for seed in range(3):
        bound({"numbers": numbers(seed)})
        outputs = bound._binding.get_outputs()
        places.append([bound._inputs["numbers"].data_ptr(), *(one.data_ptr() for one in outputs)])
    assert places[0] == places[1] == places[2]


def test_a_model_on_a_device_with_memory_of_its_own_says_the_same(tmp_path, monkeypatch):
    path = tmp_path / "sums.onnx"
    path.write_bytes(model((3, 4)))
    card_path(path).write_text(json.dumps({"name": "sums", "sha256": file_sha256(path)}))
    plain = OnnxModel(path)
    monkeypatch.setattr(inference, "MEMORY", {"CPUExecutionProvider": "cpu"})
    bound = OnnxModel(path)
    first = bound.run(numbers=numbers(0))
    second = bound.run(numbers=numbers(1))
    for seed, found in enumerate((first, second)):
        for name, expected in plain.run(numbers=numbers(seed)).items():
            np.testing.assert_array_equal(found[name], expected)
    with pytest.raises(ModelError, match="numbers must be"):
        bound.run(numbers=numbers(0, 2))
