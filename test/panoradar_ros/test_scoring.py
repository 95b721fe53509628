import numpy as np
import pytest

from panoradar_ros.scoring import score_motion, score_scan


def test_motion_errors_of_known_velocities():
    true = np.array([[0.3, 0.0], [0.0, 0.4], [0.05, 0.0]])
    estimated = np.array([[0.33, 0.0], [-0.4, 0.0], [0.0, 0.05]])
    score = score_motion(estimated, true)
    assert score.rotations == 3
    assert score.speed_mae_mps == pytest.approx(0.01)
    assert score.heading_mae_deg == pytest.approx(45.0)  # 0 and 90; the slow one does not count


def test_heading_error_wraps():
    true = np.array([[-0.3, 0.001]])
    assert score_motion(np.array([[-0.3, -0.001]]), true).heading_mae_deg < 1


def test_a_standing_robot_has_no_heading_error():
    assert np.isnan(score_motion(np.zeros((2, 2)), np.zeros((2, 2))).heading_mae_deg)


def test_scan_errors_over_the_rays_that_both_have():
    measured = np.array([1.0, 2.0, np.inf, np.nan, 5.0, 3.0])
    true = np.array([1.1, 2.0, 4.0, 3.0, np.inf, 20.0])
    score = score_scan(measured, true, maximum_m=9.5)
    assert score.median_error_m == pytest.approx(0.05)
    assert score.detected_fraction == pytest.approx(0.5)


def test_nothing_to_compare_is_said():
    with pytest.raises(ValueError, match="no rotation"):
        score_motion(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="no ray"):
        score_scan(np.array([np.inf]), np.array([1.0]), 9.5)
    with pytest.raises(ValueError, match="shapes"):
        score_scan(np.zeros(2), np.zeros(3), 9.5)
