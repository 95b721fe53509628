"""What the imaging node makes of its parameters."""

import pytest

from mmwave.cfar import CellAveragingCfar, OrderedStatisticCfar
from panoradar_ros.nodes.imaging_parameters import PARAMETERS, detector

DEFAULTS = {one.name: one.default for one in PARAMETERS}


def test_detector_is_the_one_that_is_asked_for():
    assert detector(DEFAULTS) == CellAveragingCfar(azimuth_guard=4)
    asked = {
        "cfar_kind": "ordered_statistic",
        "cfar_guard_bins": 2,
        "cfar_training_bins": 7,
        "cfar_false_alarm_probability": 1e-3,
        "cfar_azimuth_guard_columns": 1,
        "cfar_azimuth_training_columns": 5,
        "cfar_rank_share": 0.5,
    }
    assert detector({**DEFAULTS, **asked}) == OrderedStatisticCfar(2, 7, 1e-3, 1, 5, 0.5)
    with pytest.raises(ValueError, match="rank_share"):
        detector({**DEFAULTS, "cfar_kind": "ordered_statistic", "cfar_rank_share": 0.0})
