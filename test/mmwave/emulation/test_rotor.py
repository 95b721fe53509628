"""Motion of the emulated turntable: closed forms of ramps, faults, index."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.emulation.rotor import Leg, Mechanics, Rotor, RotorFaults, plan_velocity

SECOND = 1_000_000_000
TURN = 6400.0


def spinning(faults: RotorFaults | None = None, rev_per_s: float = 2.0) -> Rotor:
    """Starts at the index at time 0 and accelerates at 2 rev/s^2."""
    rotor = Rotor(Mechanics(start_angle_rad=0.0), faults or RotorFaults(), 0)
    rotor.follow(plan_velocity(0, 0.0, 0.0, rev_per_s * TURN, 2 * TURN, 2 * TURN), spin=True)
    return rotor


def test_ramp_takes_half_the_product_of_speed_and_time():
    rotor = spinning()
    assert rotor.angle_rad(SECOND) == pytest.approx(2 * np.pi)  # 2 rev/s in 1 s: one turn
    assert rotor.angle_rad(SECOND // 2) == pytest.approx(np.pi / 2)  # a t^2 / 2 = a quarter turn
    assert rotor.speed_rad_s(SECOND // 2) == pytest.approx(2 * np.pi)


def test_constant_speed_is_exact_over_hours():
    rotor = spinning()
    hours = np.arange(1, 10, dtype=np.int64) * 3600 * SECOND
    turns = (rotor.angle_rad(hours) - rotor.angle_rad(SECOND)) / (2 * np.pi)
    np.testing.assert_allclose(turns, 2 * (hours / SECOND - 1), rtol=0, atol=1e-8)
    assert rotor.at_speed_since_ns(3600 * SECOND) == SECOND


@settings(deadline=None)
@given(
    velocity=st.floats(-2e4, 2e4),
    target=st.floats(-2e4, 2e4),
    acceleration=st.floats(1e3, 1e5),
    deceleration=st.floats(1e3, 1e5),
)
def test_any_change_of_velocity_is_continuous_and_within_its_limits(
    velocity, target, acceleration, deceleration
):
    legs = plan_velocity(5, 10.0, velocity, target, acceleration, deceleration)
    assert legs[0].start_ns == 5
    assert legs[0].velocity == velocity
    assert (legs[-1].velocity, legs[-1].acceleration) == (target, 0.0)
    for leg, following in itertools.pairwise(legs):
        assert following.position == leg.position_at(following.start_ns)
        one_ns = max(acceleration, deceleration) * 1e-9
        assert leg.velocity_at(following.start_ns) == pytest.approx(
            following.velocity, abs=2 * one_ns
        )
        slower = abs(following.velocity) < abs(leg.velocity)
        assert abs(leg.acceleration) == pytest.approx(deceleration if slower else acceleration)
        assert leg.velocity * following.velocity >= 0


def test_reversal_slows_down_first():
    legs = plan_velocity(0, 0.0, 1000.0, -1000.0, 500.0, 2000.0)
    assert [leg.acceleration for leg in legs] == [-2000.0, -500.0, 0.0]
    assert legs[-1].start_ns == round(2.5 * SECOND)


def test_positions_of_past_and_future_agree_with_single_times():
    rotor = spinning()
    times = np.array([-SECOND, 0, SECOND // 3, 2 * SECOND, 99 * SECOND])
    one_by_one = [float(rotor.commanded(int(time))) for time in times]
    np.testing.assert_array_equal(rotor.commanded(times), one_by_one)
    assert one_by_one[0] == 0.0


def test_stalled_rotor_stands_while_the_controller_counts():
    rotor = spinning(RotorFaults(stall_at_s=3.0))
    stands_at = rotor.angle_rad(3 * SECOND)
    assert rotor.angle_rad(9 * SECOND) == stands_at
    assert rotor.speed_rad_s(9 * SECOND) == 0.0
    assert rotor.at_speed_since_ns(9 * SECOND) is None
    assert rotor.commanded(9 * SECOND) == pytest.approx(TURN * (1 + 2 * 8))


def test_slipping_rotor_lags_by_the_lost_steps():
    rotor = spinning(RotorFaults(slip_at_s=2.0, slip_steps_per_turn=4.0))
    time_ns = 2 * SECOND + 5 * SECOND + 1000  # ten turns after the slip began: 40 full steps
    lag = float(rotor.commanded(time_ns) - rotor.physical(time_ns))
    assert lag == 40 * 32
    assert rotor.commanded(2 * SECOND) == rotor.physical(2 * SECOND)
    assert rotor.speed_rad_s(time_ns) == pytest.approx(2 * 2 * np.pi * (1 - 4 / 200))


def test_blocked_rotor_never_moves():
    rotor = spinning(RotorFaults(blocked=True))
    assert rotor.angle_rad(5 * SECOND) == rotor.angle_rad(0)


def test_index_is_a_sector_that_ends_at_zero():
    rotor = spinning()
    turn_ns = SECOND // 2
    start = 2 * SECOND  # the rotor passes zero at full turns: 1 s and every half second from there
    phase = np.array([-0.09, -0.08, -0.001, 0.001, 0.5])
    times = start + np.round(phase * turn_ns).astype(np.int64)
    assert rotor.index_active(times).tolist() == [False, True, True, False, False]


def test_next_index_change_finds_both_edges_to_the_nanosecond():
    rotor = spinning()
    falling = rotor.next_index_change(2 * SECOND - 1_000_000, active=False)
    assert falling == pytest.approx(2 * SECOND, abs=2)
    rising = rotor.next_index_change(falling, active=True)
    assert rising == pytest.approx(2 * SECOND + SECOND / 2 * (1 - 30 / 360), abs=2)


def test_no_index_change_without_motion_or_switch():
    still = Rotor(Mechanics(), RotorFaults(), 0)
    assert still.next_index_change(0, active=True) is None
    assert spinning(RotorFaults(index_broken=True)).next_index_change(0, active=True) is None


def test_halt_replaces_the_plan_from_then_on_only():
    rotor = spinning()
    before = rotor.angle_rad(SECOND // 2)
    position = float(rotor.commanded(2 * SECOND))
    rotor.follow((Leg(2 * SECOND, position, 0.0),))
    assert rotor.angle_rad(SECOND // 2) == before
    assert rotor.commanded(7 * SECOND) == position


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: RotorFaults(lost_bytes=1.5), "lost_bytes"),
        (lambda: RotorFaults(stall_at_s=-1.0), "stall_at_s"),
        (lambda: RotorFaults(slip_steps_per_turn=-1.0), "slip_steps_per_turn"),
        (lambda: Mechanics(steps_per_turn=0), "steps_per_turn"),
        (lambda: Mechanics(index_sector_rad=4.0), "index_sector_rad"),
        (lambda: plan_velocity(0, 0.0, 0.0, 1.0, 0.0, 1.0), "accelerations"),
    ],
)
def test_bad_values_are_named(build, name):
    with pytest.raises(ValueError, match=name):
        build()
