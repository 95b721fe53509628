import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panoradar_ros.imaging.planar_motion import PlanarMotion

small = st.floats(-1, 1)
motions = st.builds(PlanarMotion, small, small, small, small, small, small)


def close(a, b):
    return [a.x_m, a.y_m, a.yaw_rad] == pytest.approx([b.x_m, b.y_m, b.yaw_rad], abs=1e-9)


@given(motions, small, small, small)
@settings(deadline=None)
def test_ways_add_up(motion, first_s, second_s, third_s):
    whole = motion.pose_between(first_s, third_s)
    parts = motion.pose_between(first_s, second_s).then(motion.pose_between(second_s, third_s))
    assert close(whole, parts)


@given(motions, small, small, small)
@settings(deadline=None)
def test_another_reference_is_the_same_motion(motion, reference_s, from_s, to_s):
    assert close(
        motion.at(reference_s).pose_between(from_s, to_s), motion.pose_between(from_s, to_s)
    )


@given(motions, small)
@settings(deadline=None)
def test_velocity_is_the_derivative_of_the_way(motion, time_s):
    step_s = 1e-6
    here = motion.at(time_s)
    moved = motion.pose_between(time_s, time_s + step_s)
    assert moved.x_m / step_s == pytest.approx(here.x_mps, abs=1e-5)
    assert moved.y_m / step_s == pytest.approx(here.y_mps, abs=1e-5)
    assert moved.yaw_rad / step_s == pytest.approx(here.yaw_rate_radps, abs=1e-5)


def test_a_quarter_turn_while_driving_straight_ahead_in_the_world():
    motion = PlanarMotion(1.0, 0.0, yaw_rate_radps=np.pi / 2)
    later = motion.at(1.0)
    assert [later.x_mps, later.y_mps] == pytest.approx([0.0, -1.0], abs=1e-12)
    poses = motion.poses_from(0.0, np.array([0.0, 1.0]))
    assert poses == pytest.approx(np.array([[0, 0, 0], [1, 0, np.pi / 2]]))
    azimuth = np.array([0.3])
    assert motion.radial_mps(azimuth, np.zeros(1)) == pytest.approx(np.cos(azimuth))


def test_radial_path_is_the_way_towards_the_azimuth():
    motion = PlanarMotion(0.3, -0.2, 0.5, 0.1, 0.2, 0.4)
    azimuth, at_s, delay_s = np.array([1.1]), np.array([0.35]), np.array([[-0.04, 0.0, 0.04]])
    x_m, y_m = motion.position_m(at_s[:, None] + delay_s)
    x_0, y_0 = motion.position_m(at_s)
    expected = (x_m - x_0) * np.cos(1.1) + (y_m - y_0) * np.sin(1.1)
    assert motion.radial_path_m(azimuth, at_s, delay_s) == pytest.approx(expected, abs=1e-12)


def test_values_are_checked():
    with pytest.raises(ValueError, match="yaw_rate_radps must be finite, got nan"):
        PlanarMotion(yaw_rate_radps=float("nan"))
