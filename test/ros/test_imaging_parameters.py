"""What the imaging node makes of its parameters."""

import numpy as np
import pytest

from mmwave.cfar import CellAveragingCfar, OrderedStatisticCfar
from panoradar_ros.calibration.file import Calibration, CalibrationError, write_calibration
from panoradar_ros.nodes.imaging_parameters import PARAMETERS, calibration, detector

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


def test_calibration_is_read_from_its_file(tmp_path):
    assert calibration(DEFAULTS) == Calibration(0.0)
    assert calibration({**DEFAULTS, "mounting_offset_deg": 90.0}) == Calibration(np.pi / 2)
    path = tmp_path / "c.yaml"
    write_calibration(path, Calibration(None, 1.002, (1.0, 1j) * 4))
    found = calibration({**DEFAULTS, "calibration_file": str(path), "mounting_offset_deg": 90.0})
    assert found.azimuth_offset_rad == pytest.approx(np.pi / 2)
    assert found.rate_ratio == 1.002
    assert found.antenna_gain == pytest.approx((1, 1j) * 4)
    write_calibration(path, Calibration(0.5))
    asked = {**DEFAULTS, "calibration_file": str(path)}
    assert calibration(asked).azimuth_offset_rad == pytest.approx(0.5)
    with pytest.raises(CalibrationError, match="leave one of them out"):
        calibration({**asked, "mounting_offset_deg": 1.0})
    with pytest.raises(CalibrationError, match=r"none\.yaml"):
        calibration({**DEFAULTS, "calibration_file": str(tmp_path / "none.yaml")})
