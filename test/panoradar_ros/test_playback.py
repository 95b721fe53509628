import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panoradar_ros.playback import PlaybackSchedule

SECOND_NS = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


def test_messages_are_due_at_the_recorded_spacing_divided_by_the_rate() -> None:
    clock = Clock()
    schedule = PlaybackSchedule(2.0, clock)
    assert schedule.wait_s(50 * SECOND_NS) == 0.0
    assert schedule.wait_s(51 * SECOND_NS) == pytest.approx(0.5)
    clock.time_s += 0.4
    assert schedule.remaining_s() == pytest.approx(0.1)
    clock.time_s += 0.4
    assert schedule.wait_s(51 * SECOND_NS) == 0.0  # late: nothing to wait for
    assert schedule.wait_s(53 * SECOND_NS) == pytest.approx(0.7)  # the delay does not add up


def test_without_a_rate_nothing_waits() -> None:
    schedule = PlaybackSchedule(None, Clock())
    assert [schedule.wait_s(second * SECOND_NS) for second in (1, 5, 500)] == [0.0, 0.0, 0.0]
    assert schedule.clock_ns() == 500 * SECOND_NS


def test_time_going_back_is_counted_and_does_not_stall() -> None:
    clock = Clock()
    schedule = PlaybackSchedule(1.0, clock)
    schedule.wait_s(100 * SECOND_NS)
    clock.time_s += 2
    schedule.wait_s(102 * SECOND_NS)
    assert schedule.wait_s(40 * SECOND_NS) == 0.0
    assert schedule.backward_count == 1
    assert schedule.largest_step_back_s == pytest.approx(62.0)
    assert schedule.clock_ns() == 102 * SECOND_NS


@given(
    times_ns=st.lists(st.integers(0, 10**12), min_size=1, max_size=30),
    waits=st.lists(st.floats(0, 100), min_size=30, max_size=30),
    rate=st.one_of(st.none(), st.floats(0.01, 100)),
)
def test_clock_never_goes_back_and_never_passes_the_latest_message(times_ns, waits, rate) -> None:
    clock = Clock()
    schedule = PlaybackSchedule(rate, clock)
    told = 0
    for time_ns, wait in zip(times_ns, waits, strict=False):
        assert schedule.wait_s(time_ns) >= 0.0
        for _ in range(2):
            now_ns = schedule.clock_ns()
            assert now_ns >= told
            told = now_ns
            clock.time_s += wait
    assert told <= max(times_ns)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_no_rate_is_refused(rate) -> None:
    with pytest.raises(ValueError, match="rate must be a positive number"):
        PlaybackSchedule(rate)
