"""The index switch as a witness of the rotor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panoradar_ros.hardware.exchange_clock import ExchangeClock
from panoradar_ros.hardware.index_monitor import IndexMonitor
from panoradar_ros.hardware.tic_line import Exchange

TURN = 6400.0
SECTOR = TURN / 12
TOLERANCE = 32.0


def watch(counts, lag=0.0, broken=False, monitor=None):
    """Poll a rotor whose real place is count - lag."""
    monitor = monitor or IndexMonitor(TURN, TOLERANCE, SECTOR)
    for count, late in zip(counts, np.broadcast_to(lag, np.shape(counts)), strict=True):
        active = not broken and (count - late) % TURN >= TURN - SECTOR
        monitor.update(float(count), bool(active))
    return monitor.state


@settings(deadline=None)
@given(st.floats(5, 0.9 * SECTOR), st.floats(0, 100))
def test_a_sound_rotor_raises_nothing_at_any_polling(step, start):
    state = watch(np.arange(start, 10 * TURN, step))
    assert not state.slipped
    assert not state.stalled
    assert state.slip_microsteps == 0
    assert state.passages == 9 or state.passages == 10


@settings(deadline=None)
@given(st.floats(-0.3 * TURN, 0.3 * TURN), st.floats(5, 200))
def test_proved_slip_never_exceeds_the_true_one_and_misses_less_than_a_poll(lag, step):
    state = watch(np.arange(1.0, 5 * TURN, step), lag)
    assert abs(state.slip_microsteps) <= abs(lag) + 1e-6
    assert abs(state.slip_microsteps) >= abs(lag) - step - 1e-6
    assert state.slip_microsteps * lag >= 0


def test_four_steps_lost_each_turn_are_found_within_two_turns():
    counts = np.arange(0.0, 4 * TURN, 100.0)
    lost = np.floor(counts / TURN) * 4 * 32
    first = next(n for n in range(len(counts)) if watch(counts[:n], lost[:n]).slipped)
    assert counts[first] <= 2.1 * TURN


def test_a_standing_rotor_is_found_after_one_and_a_half_turns():
    monitor = IndexMonitor(TURN, TOLERANCE, SECTOR)
    watch(np.arange(0.0, 3.0 * TURN, 128.0), monitor=monitor)
    assert not monitor.state.stalled
    counts = np.arange(3.0 * TURN, 6 * TURN, 128.0)
    first = None
    for count in counts:
        if monitor.update(count, False).stalled and first is None:
            first = count
    assert first == pytest.approx(4.5 * TURN, abs=2 * 128)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_switch_stuck_either_way_is_found(stuck):
    monitor = IndexMonitor(TURN, TOLERANCE, SECTOR)
    for count in np.arange(0.0, 2 * TURN, 100.0):
        state = monitor.update(count, stuck)
    assert state.stalled


def test_a_pause_in_polling_longer_than_the_vane_is_no_stall():
    monitor = IndexMonitor(TURN, TOLERANCE, SECTOR)
    for turn in range(5):  # asleep around every passage
        watch(turn * TURN + np.arange(0.1 * TURN, 0.85 * TURN, 100.0), monitor=monitor)
        assert not monitor.state.stalled
    assert monitor.state.passages == 0


def test_reset_forgets():
    monitor = IndexMonitor(TURN, TOLERANCE, SECTOR)
    watch(np.arange(0.0, 3 * TURN, 100.0), lag=500.0, monitor=monitor)
    assert monitor.state.slipped
    monitor.reset()
    assert not monitor.state.slipped
    assert monitor.state.passages == 0


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((0.0, 1.0, 1.0), "microsteps_per_turn"),
        ((TURN, 0.0, 1.0), "tolerance_microsteps"),
        ((TURN, 1.0, TURN), "sector_microsteps"),
    ],
)
def test_bad_widths_are_named(values, name):
    with pytest.raises(ValueError, match=name):
        IndexMonitor(*values)


def exchanges(rate_hz, delays_ns):
    """Counts taken every 10 ms, each with random delays before and after."""
    for number, (before, after) in enumerate(delays_ns):
        taken_ns = 10**18 + number * 10_000_000
        count = round(rate_hz * number * 0.01)
        yield taken_ns, count, Exchange(b"", taken_ns - before, taken_ns + after)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_clock_beats_the_middle_of_jittered_exchanges(seed):
    random = np.random.default_rng(seed)
    delays = (random.exponential(1.5e6, (300, 2)) + 50e3).astype(int)
    clock, error, middle_error = ExchangeClock(), [], []
    for taken_ns, count, exchange in exchanges(12_800.0, delays.tolist()):
        time_ns = clock.time_ns(exchange, count, 12_800.0)
        assert exchange.earliest_ns <= time_ns <= exchange.latest_ns
        error.append(time_ns - taken_ns)
        middle_error.append(exchange.middle_ns - taken_ns)
    assert np.std(error[100:]) < 0.5 * np.std(middle_error[100:])


def test_clock_follows_a_controller_whose_crystal_is_off():
    clock, errors = ExchangeClock(), []
    for taken_ns, count, exchange in exchanges(12_800.0 * 1.002, [(200_000, 200_000)] * 500):
        errors.append(clock.time_ns(exchange, count, 12_800.0) - taken_ns)
    assert np.max(np.abs(errors)) <= 200_000


def test_clock_takes_the_middle_when_the_speed_changes():
    clock = ExchangeClock()
    clock.time_ns(Exchange(b"", 0, 100), 0, 10.0)
    assert clock.time_ns(Exchange(b"", 1000, 3000), 5, 11.0) == 2000


def test_clock_refuses_a_bad_gain():
    with pytest.raises(ValueError, match="gain"):
        ExchangeClock(0.0)


def test_late_answers_are_not_taken_for_slip():
    """Polls whose counts may be 200 microsteps off prove no lag of 150, but one of 500."""
    for lag, slipped in ((150, False), (500, True)):
        monitor = IndexMonitor(6400.0, 53.0, 533.0)
        for count in range(0, 30_000, 64):
            rotor = count - lag
            active = -533 <= (rotor + 3200) % 6400 - 3200 < 0
            state = monitor.update(float(count), active, 200.0)
        assert state.passages > 3
        assert state.slipped is slipped
