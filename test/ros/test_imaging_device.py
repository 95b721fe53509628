"""The imaging node's choice of CPU or GPU."""

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
