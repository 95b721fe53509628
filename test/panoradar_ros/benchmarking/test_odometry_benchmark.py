import numpy as np
import pytest

from panoradar_ros.benchmarking.odometry import drift
from panoradar_ros.imaging.planar_pose import PlanarPose


def straight(count, scale=1.0, turn_rad=0.0):
    """Poses 10 cm apart along x, with an error of scale and one of yaw at every step."""
    poses = [PlanarPose()]
    for _ in range(count):
        poses.append(poses[-1].then(PlanarPose(0.1 * scale, 0.0, turn_rad)))
    return poses


def test_no_error_is_no_drift():
    result = drift(straight(300), straight(300))
    assert result["distance_m"] == pytest.approx(30.0)
    assert result["drift_percent_worst"] == pytest.approx(0.0, abs=1e-9)


def test_two_percent_of_scale_are_two_percent_of_drift():
    result = drift(straight(300, scale=1.02), straight(300))
    assert result["drift_percent_mean"] == pytest.approx(2.0, rel=0.01)
    assert result["end_error_percent"] == pytest.approx(2.0, rel=1e-6)


def test_a_yaw_error_a_step_is_counted_per_ten_metres():
    result = drift(straight(300, turn_rad=np.deg2rad(0.01)), straight(300))
    assert result["yaw_drift_deg_per_10m_mean"] == pytest.approx(1.0, rel=0.02)
    assert result["end_yaw_error_deg"] == pytest.approx(3.0, rel=1e-6)


def test_an_error_of_scale_is_told_from_other_drift():
    scaled = drift(straight(300, scale=1.02), straight(300))
    assert scaled["scale_error_percent"] == pytest.approx(2.0, rel=1e-6)
    assert scaled["segment_ends_apart_m"] == pytest.approx(10.0, abs=0.1)
