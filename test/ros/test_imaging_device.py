"""What the imaging node refuses at once: a GPU that is not there, ranges in the wrong order."""

import pytest
from rclpy.parameter import Parameter

from mmwave.ros.parameters import ParameterError
from panoradar_ros.nodes import imaging
from panoradar_ros.nodes.imaging import ImagingNode


def no_gpu(device):
    if device == "gpu":
        raise RuntimeError("no GPU array module: set device to cpu")


def test_device_reaches_the_chain(graph):
    node = graph.add(ImagingNode, parameter_overrides=[Parameter("device", value="auto")])
    assert node._settings(node.parameters.values()).device == "auto"


def test_a_gpu_that_does_not_answer_is_refused_at_once(graph, monkeypatch):
    monkeypatch.setattr(imaging, "array_module", no_gpu)
    with pytest.raises(ParameterError, match="set device to cpu"):
        graph.add(ImagingNode, parameter_overrides=[Parameter("device", value="gpu")])


def test_ranges_in_the_wrong_order_are_refused(graph):
    wrong = {"minimum_range_m": 4.0, "maximum_range_m": 2.0}
    overrides = [Parameter(name, value=value) for name, value in wrong.items()]
    with pytest.raises(ParameterError, match="minimum_range_m must be less than maximum_range_m"):
        graph.add(ImagingNode, parameter_overrides=overrides)
