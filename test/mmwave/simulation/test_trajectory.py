import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.simulation.trajectory import (
    ClosedLoop,
    ConstantAcceleration,
    ConstantVelocity,
    Turning,
    Waypoints,
)

TIMES = np.linspace(-3.0, 25.0, 101)
STEP_S = 1e-5


def circle(radius_m: float, points: int = 24) -> np.ndarray:
    angle = 2 * np.pi * np.arange(points) / points
    return radius_m * np.column_stack([np.cos(angle), np.sin(angle)])


def numeric_velocity(trajectory, time_s: np.ndarray) -> np.ndarray:
    after = np.array(trajectory.pose(time_s + STEP_S))
    before = np.array(trajectory.pose(time_s - STEP_S))
    change = after - before
    change[2] = (change[2] + np.pi) % (2 * np.pi) - np.pi
    return change / (2 * STEP_S)


def loops() -> st.SearchStrategy[ClosedLoop]:
    return st.builds(
        lambda width, height, variation, cycles, phase, follow: ClosedLoop(
            circle(1.0) * [width, height],
            duration_s=21.0,
            yaw_rad=None if follow else 0.3,
            speed_variation=variation,
            speed_cycles=cycles,
            speed_phase_rad=phase,
        ),
        st.floats(0.3, 0.9),
        st.floats(0.3, 0.9),
        st.floats(0.0, 0.6),
        st.integers(1, 4),
        st.floats(0, 6.28),
        st.booleans(),
    )


@settings(max_examples=25, deadline=None)
@given(loops())
def test_loop_repeats_pose_and_velocity(loop):
    later = TIMES + 2 * loop.duration_s
    np.testing.assert_allclose(loop.pose(later)[:2], loop.pose(TIMES)[:2], atol=1e-9)
    np.testing.assert_allclose(loop.velocity(later), loop.velocity(TIMES), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(loops())
def test_loop_velocity_is_the_derivative_of_its_pose(loop):
    np.testing.assert_allclose(
        loop.velocity(TIMES), numeric_velocity(loop, TIMES), atol=2e-4, rtol=2e-3
    )


@settings(max_examples=25, deadline=None)
@given(loops())
def test_loop_has_no_jump_in_velocity_or_acceleration(loop):
    time = np.linspace(0, loop.duration_s, 20001)
    velocity = np.array(loop.velocity(time)[:2])
    acceleration = np.diff(velocity, axis=1) / (time[1] - time[0])
    assert np.abs(np.diff(velocity, axis=1)).max() < 5e-3
    assert np.abs(np.diff(acceleration, axis=1)).max() < 0.1 * np.abs(acceleration).max() + 1e-3


def test_loop_round_a_circle_has_the_circle_s_length_and_constant_speed():
    loop = ClosedLoop(circle(0.8), duration_s=10.5, speed_variation=0.0)
    assert loop.length_m == pytest.approx(2 * np.pi * 0.8, rel=1e-4)
    velocity = loop.velocity(TIMES)
    speed = np.hypot(velocity.vx_mps, velocity.vy_mps)
    np.testing.assert_allclose(speed, 2 * np.pi * 0.8 / 10.5, rtol=1e-3)
    pose = loop.pose(TIMES)
    np.testing.assert_allclose(np.hypot(pose.x_m, pose.y_m), 0.8, rtol=1e-3)


def test_loop_speed_varies_as_asked():
    loop = ClosedLoop(circle(0.5), duration_s=10.5, speed_variation=0.5, speed_cycles=2)
    velocity = loop.velocity(np.linspace(0, 10.5, 500))
    speed = np.hypot(velocity.vx_mps, velocity.vy_mps)
    mean = np.pi / 10.5
    assert speed.max() == pytest.approx(1.5 * mean, rel=1e-3)
    assert speed.min() == pytest.approx(0.5 * mean, rel=1e-3)
    assert loop.distance_m(10.5) == pytest.approx(loop.length_m)


def test_loop_heading_follows_the_curve_or_stays():
    following = ClosedLoop(circle(0.5), yaw_rad=None)
    pose, velocity = following.pose(TIMES), following.velocity(TIMES)
    along = velocity.vx_mps * np.cos(pose.yaw_rad) + velocity.vy_mps * np.sin(pose.yaw_rad)
    np.testing.assert_allclose(along, np.hypot(velocity.vx_mps, velocity.vy_mps), rtol=1e-9)
    fixed = ClosedLoop(circle(0.5), yaw_rad=0.7)
    assert set(fixed.pose(TIMES).yaw_rad) == {0.7}
    assert not np.any(fixed.velocity(TIMES).yaw_rate_radps)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClosedLoop(circle(2.0)), "limit of 0.6 m/s"),
        (lambda: ConstantVelocity(vx_mps=0.5, vy_mps=0.4), "limit of 0.6 m/s"),
        (
            lambda: Waypoints(np.array([0.0, 1.0]), np.array([[0, 0, 0], [1.0, 0, 0]])),
            "limit of 0.6 m/s",
        ),
        (lambda: ConstantAcceleration(vx_mps=0.5, ax_mps2=0.2), "limit of 0.6 m/s"),
        (
            lambda: ConstantAcceleration(vx_mps=0.5, ax_mps2=-0.2, reference_s=1.0),
            "0.700 m/s at 0.00 s",
        ),
        (lambda: ConstantAcceleration(start_s=1.0, end_s=0.0), "before start_s"),
        (lambda: ConstantAcceleration(frame="wheel"), "'world' or 'body', got 'wheel'"),
        (lambda: ClosedLoop(circle(0.5), duration_s=0.0), "duration_s"),
        (lambda: ClosedLoop(circle(0.5), speed_variation=1.0), "speed_variation"),
        (lambda: ClosedLoop(circle(0.5), speed_cycles=0), "speed_cycles"),
        (lambda: ClosedLoop(np.zeros((2, 2))), "points_m"),
        (lambda: ClosedLoop(np.zeros((4, 2))), "repeat"),
        (lambda: Waypoints(np.array([0.0, 0.0]), np.zeros((2, 3))), "increase"),
        (lambda: Waypoints(np.array([0.0, 1.0]), np.zeros((3, 3))), "poses"),
        (lambda: Turning(ConstantVelocity(), 0.1, 0.2, period_s=0.0), "period_s"),
    ],
)
def test_what_the_robot_cannot_do_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_constant_velocity_is_a_straight_line():
    drive = ConstantVelocity(1.0, 2.0, 0.3, -0.4, 0.5, 0.1)
    pose, velocity = drive.pose(TIMES), drive.velocity(TIMES)
    np.testing.assert_allclose(pose.x_m, 1.0 + 0.3 * TIMES)
    np.testing.assert_allclose(pose.y_m, 2.0 - 0.4 * TIMES)
    np.testing.assert_allclose(pose.yaw_rad, 0.5 + 0.1 * TIMES)
    np.testing.assert_allclose(velocity, numeric_velocity(drive, TIMES), atol=1e-8)
    assert drive.pose(0.0).x_m.shape == ()


def test_waypoints_are_reached_and_stand_still_outside():
    time = np.array([0.0, 5.0, 9.0])
    poses = np.array([[0, 0, 0], [1.0, 0.5, 0.2], [1.5, 1.5, -0.3]])
    drive = Waypoints(time, poses)
    np.testing.assert_allclose(np.array(drive.pose(time)).T, poses, atol=1e-12)
    np.testing.assert_allclose(drive.velocity([-1.0, 0.0, 9.0, 20.0]), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.array(drive.pose(30.0)), poses[-1], atol=1e-12)
    inside = np.linspace(0.1, 8.9, 50)
    np.testing.assert_allclose(drive.velocity(inside), numeric_velocity(drive, inside), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["world", "body"]),
    st.lists(st.floats(-0.4, 0.4), min_size=4, max_size=4),
    st.floats(-3, 3),
    st.one_of(st.floats(-2, 2), st.floats(-1e-2, 1e-2)),
    st.floats(-1, 1),
)
def test_accelerated_velocity_is_the_derivative_of_the_pose(frame, vectors, yaw, rate, reference):
    drive = ConstantAcceleration(
        1.0, -2.0, *vectors, yaw, rate, frame, reference, max_speed_mps=np.inf
    )
    time = np.linspace(-2, 2, 81)
    np.testing.assert_allclose(drive.velocity(time), numeric_velocity(drive, time), atol=1e-7)
    at = drive.pose(reference)
    assert (at.x_m, at.y_m, at.yaw_rad) == pytest.approx((1.0, -2.0, yaw))


def test_acceleration_in_the_world_bends_the_way_to_a_parabola():
    drive = ConstantAcceleration(0.5, 0.0, 0.3, 0.1, -0.2, 0.1, 0.4, 1.0, end_s=2.0)
    time = np.linspace(0, 2, 9)
    pose, velocity = drive.pose(time), drive.velocity(time)
    np.testing.assert_allclose(pose.x_m, 0.5 + 0.3 * time - 0.1 * time**2, atol=1e-12)
    np.testing.assert_allclose(pose.y_m, 0.1 * time + 0.05 * time**2, atol=1e-12)
    np.testing.assert_allclose(pose.yaw_rad, 0.4 + time)
    np.testing.assert_allclose(velocity.vx_mps, 0.3 - 0.2 * time, atol=1e-12)


def test_constant_velocity_of_a_turning_body_is_a_circle():
    drive = ConstantAcceleration(vx_mps=0.5, yaw_rate_radps=0.8, frame="body")
    pose, velocity = drive.pose(TIMES), drive.velocity(TIMES)
    np.testing.assert_allclose(np.hypot(pose.x_m, pose.y_m - 0.5 / 0.8), 0.5 / 0.8, atol=1e-12)
    np.testing.assert_allclose(
        np.arctan2(velocity.vy_mps, velocity.vx_mps),
        np.arctan2(np.sin(pose.yaw_rad), np.cos(pose.yaw_rad)),
        atol=1e-9,
    )


def test_small_and_ordinary_rates_of_turn_join_without_a_step():
    ways = []
    for rate in (0.29999999, 0.30000001):
        drive = ConstantAcceleration(
            vx_mps=0.3, ax_mps2=0.2, ay_mps2=-0.1, yaw_rate_radps=rate, frame="body"
        )
        ways.append(np.array(drive.pose(1.0)))
    np.testing.assert_allclose(ways[0], ways[1], atol=3e-8)


@settings(max_examples=25, deadline=None)
@given(loops(), st.floats(-1, 1), st.floats(-1, 1), st.floats(2, 20))
def test_a_base_that_turns_drives_the_same_way_and_its_rate_is_that_of_its_yaw(
    loop, mean, swing, period
):
    drive = Turning(loop, mean, swing, period)
    np.testing.assert_array_equal(drive.pose(TIMES)[:2], loop.pose(TIMES)[:2])
    np.testing.assert_allclose(
        np.array(drive.velocity(TIMES)), numeric_velocity(drive, TIMES), atol=1e-5
    )
    laps = drive.pose(TIMES + period).yaw_rad - drive.pose(TIMES).yaw_rad
    np.testing.assert_allclose(laps, mean * period, atol=1e-9)
