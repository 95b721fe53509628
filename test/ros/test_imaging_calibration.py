"""The imaging node with a calibration file."""

import numpy as np
import pytest
from rclpy.parameter import Parameter

from mmwave.ros.handover import Mailbox
from mmwave.ros.messages import joint_state, to_header
from mmwave.ros.parameters import ParameterError
from panoradar_ros.calibration.file import Calibration, write_calibration
from panoradar_ros.calibration.stream import TrueAngle
from panoradar_ros.nodes.imaging import ImagingNode


def node_with(graph, path):
    overrides = [Parameter("calibration_file", value=str(path))]
    return graph.add(ImagingNode, parameter_overrides=overrides)


def test_node_takes_rate_and_offset_and_gains_over(graph, tmp_path, monkeypatch):
    monkeypatch.setattr("panoradar_ros.imaging.pipeline.Imager.warm_up", lambda *_: None)
    path = tmp_path / "c.yaml"
    gain = tuple(complex(one) for one in (1, 1j, -1, -1j, 1, 1, 1, 1))
    write_calibration(path, Calibration(0.25, 1.01, gain))
    node = node_with(graph, path)
    assert node.trigger_configure()
    assert node._calibration.azimuth_offset_rad == pytest.approx(0.25)
    assert node._calibration.correction(8) == pytest.approx([1 / one for one in gain])

    class Chain:
        def __init__(self):
            self.angles = []

        def add_angle(self, *angle):
            self.angles.append(angle)

    chain, node._angles = Chain(), Mailbox(8)
    for time_ns, angle_rad in ((6, 1.0), (7, 3.5), (8, 6.0), (9, 1.0)):  # the next turn
        node._angles.put(joint_state(to_header(time_ns, ""), "turntable_joint", angle_rad, 0.0))
    node._angles.put(joint_state(to_header(10, ""), "arm_joint", 3.0, 0.0))
    node._take_angles(chain, TrueAngle(node._calibration.rate_ratio))
    assert chain.angles == [
        (6, pytest.approx(1.01)),
        (7, pytest.approx(3.535)),
        (8, pytest.approx(6.06)),
        (9, pytest.approx(1.01 * (1 + 2 * np.pi))),
    ]
    assert node.angles_taken == 5


@pytest.mark.parametrize(
    "content",
    [
        None,
        "format: 3",
        "format: 1\nrate_ratio: 9",
        "format: 1\nantennas: [{amplitude: 1.0, phase_deg: 0.0}]",
    ],
)
def test_bad_file_is_refused_by_name_at_start(graph, tmp_path, content):
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ParameterError, match=r"bad\.yaml"):
        node_with(graph, path)
