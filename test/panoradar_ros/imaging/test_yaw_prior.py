import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panoradar_ros.imaging.yaw_prior import YawRateHistory, YawRatePrior, YawRateSettings

EPOCH_NS = 1_700_000_000_000_000_000


def history_of(time_s, rate, variance=None, **options) -> YawRateHistory:
    history = YawRateHistory(YawRateSettings(**options))
    for when, value in zip(time_s, rate, strict=True):
        history.add(EPOCH_NS + round(when * 1e9), value, variance)
    return history


def mean(history: YawRateHistory, start_s: float, end_s: float) -> YawRatePrior | None:
    return history.mean(EPOCH_NS + round(start_s * 1e9), EPOCH_NS + round(end_s * 1e9))


@settings(max_examples=50, deadline=None)
@given(
    st.floats(-2, 2),
    st.floats(-3, 3),
    st.floats(0.0, 0.4),
    st.floats(0.02, 0.5),
    st.integers(0, 100),
)
def test_mean_of_an_even_change_is_its_value_in_the_middle(at_zero, slope, start, length, seed):
    steps = np.random.default_rng(seed).uniform(0.002, 0.03, 100)
    time = np.cumsum(steps) - 0.05
    prior = mean(history_of(time, at_zero + slope * time), start, start + length)
    assert prior is not None
    assert prior.rate_radps == pytest.approx(at_zero + slope * (start + length / 2), abs=1e-8)


def test_variance_is_the_spread_of_the_means_and_the_bias_stays():
    rng = np.random.default_rng(0)
    time = np.arange(0, 1, 0.01)
    noise = 0.1
    means = []
    for _ in range(400):
        history = history_of(time, rng.normal(0, noise, len(time)), noise**2, bias_radps=1e-6)
        means.append(mean(history, 0.203, 0.703))
    told = means[0].variance
    assert np.var([one.rate_radps for one in means]) == pytest.approx(told, rel=0.25)
    assert told == pytest.approx(noise**2 / 50, rel=0.05)
    biased = mean(history_of(time, 0 * time, noise**2, bias_radps=0.2), 0.203, 0.703)
    assert biased.variance == pytest.approx(told + 0.04)


@pytest.mark.parametrize("unknown", [None, 0.0, np.nan])
def test_reading_without_a_variance_has_the_usual_noise(unknown):
    time = np.arange(0, 1, 0.01)
    usual = mean(history_of(time, 0 * time, unknown, noise_radps=0.3), 0.1, 0.6)
    told = mean(history_of(time, 0 * time, 0.09), 0.1, 0.6)
    assert usual.variance == pytest.approx(told.variance)


def test_a_turn_that_is_not_covered_has_no_mean():
    time = np.arange(0, 1.001, 0.01)
    history = history_of(time, 0 * time)
    assert mean(history, 0.0, 1.0) is not None
    assert mean(history, -0.001, 0.5) is None
    assert mean(history, 0.5, 1.001) is None
    assert mean(YawRateHistory(), 0.0, 1.0) is None
    hole = time[(time < 0.4) | (time > 0.46)]
    assert mean(history_of(hole, 0 * hole), 0.1, 0.6) is None
    assert mean(history_of(hole, 0 * hole), 0.5, 0.9) is not None
    with pytest.raises(ValueError, match="must be after"):
        mean(history, 0.5, 0.5)


def test_a_reading_that_is_not_a_number_is_a_gap():
    time = np.arange(0, 1, 0.02)
    rate = np.full(len(time), 0.3)
    rate[20] = np.nan
    assert mean(history_of(time, rate), 0.1, 0.9).rate_radps == pytest.approx(0.3)
    rate[21:23] = np.inf
    assert mean(history_of(time, rate), 0.1, 0.9) is None


def test_time_that_goes_back_starts_again_and_a_stamp_counts_once():
    time = np.arange(0, 1, 0.01)
    history = history_of(np.concatenate([time + 10, time]), np.repeat([5.0, 0.2], 100))
    assert mean(history, 0.1, 0.9).rate_radps == pytest.approx(0.2)
    assert mean(history, 10.1, 10.9) is None
    twice = history_of(np.repeat(time, 2), np.tile([0.2, 99.0], 100))
    assert mean(twice, 0.1, 0.9).rate_radps == pytest.approx(0.2)


def test_memory_is_bounded():
    time = np.arange(0, 20, 0.01)
    history = history_of(time, time, memory_s=2.0)
    assert len(history._readings) <= 202
    assert mean(history, 18.1, 19.9) is not None
    assert mean(history, 17.0, 19.0) is None


def test_adding_while_asking():
    history = history_of([0.0, 0.01], [0.1, 0.1])
    stop = threading.Event()

    def add():
        for index in range(2, 20000):
            history.add(EPOCH_NS + index * 10_000_000, 0.1)
        stop.set()

    thread = threading.Thread(target=add)
    thread.start()
    while not stop.is_set():
        latest = mean(history, 0.001, 0.009)
        assert latest is None or latest.rate_radps == pytest.approx(0.1)
    thread.join()


def test_values_that_make_no_sense_are_named():
    with pytest.raises(ValueError, match="variance must be positive, got 0"):
        YawRatePrior(0.1, 0.0)
    with pytest.raises(ValueError, match="rate_radps must be finite, got nan"):
        YawRatePrior(np.nan, 1.0)
    with pytest.raises(ValueError, match="longest_gap_s must be positive, got 0"):
        YawRateSettings(longest_gap_s=0.0)
