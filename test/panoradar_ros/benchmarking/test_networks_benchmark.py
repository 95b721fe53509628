"""The benchmark of the networks measures what is there and holds like against like."""

import json

import pytest

from mmwave.inference import ModelError
from panoradar_ros.benchmarking.networks import measure_networks
from panoradar_ros.cli import main
from panoradar_ros.recognition.models import INT8, SINGLE, model_path


def test_the_second_of_a_kind_is_held_against_the_first():
    paths = {"single": model_path(SINGLE[1]), "int8": model_path(INT8[1]), "first": model_path()}
    found = measure_networks(paths, rounds=1, runs=1)["networks"]
    assert [one["reference"] for one in found.values()] == ["single", "single", "first"]
    assert found["single"]["over_reference"] == found["first"]["over_reference"] == 1.0
    for one in found.values():
        assert 0 < one["fastest_ms"] <= one["median_ms"]
        assert one["provider"] == "CPUExecutionProvider"


def test_networks_of_another_system_are_refused():
    with pytest.raises(ModelError, match=r"rexo_step\.onnx is no network of PanoRadar"):
        measure_networks({"step": model_path().with_name("rexo_step.onnx")}, rounds=1, runs=1)


def test_the_command_prints_one_json_object(capsys):
    words = ["bench", "networks", "--rounds", "1", "--json", "--models", str(model_path(SINGLE[1]))]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["threads"] == 2
    assert found["machine"]["processor"]
    assert len(found["networks"]) == 1
