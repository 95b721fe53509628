"""Still clutter, windows and beams of a fixed line of antennas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.fixed_array import StaticClutter, doppler_window, steering, transmitter_turn
from mmwave.waveform import Waveform


def test_clutter_is_the_mean_of_the_past_weighted_by_its_age():
    clutter = StaticClutter(forgetting_s=2.0)
    generator = np.random.default_rng(3)
    frames = generator.standard_normal((30, 4, 2, 8)).astype(np.complex64)
    times_s = np.cumsum(generator.uniform(0.02, 0.3, 30))
    for number, (own, time_s) in enumerate(zip(frames, times_s, strict=True)):
        found = clutter.remove(own, time_s)
        if number == 0:
            continue
        weight = np.exp(-(times_s[number - 1] - times_s[:number]) / 2.0)
        means = frames[:number].mean(axis=1)
        past = np.einsum("k,k...->...", weight / weight.sum(), means)
        np.testing.assert_allclose(found, own - past, atol=1e-5)
    clutter.reset()
    wall = np.ones((4, 2, 8), np.complex64)
    assert np.abs(clutter.remove(wall, 0.0)).max() == 0


def test_clutter_refuses_another_shape_and_time_that_stands():
    clutter = StaticClutter(forgetting_s=2.0)
    clutter.remove(np.ones((4, 2, 8), np.complex64), 1.0)
    with pytest.raises(ValueError, match=r"frames were \(2, 8\), now \(2, 4\): reset first"):
        clutter.remove(np.ones((4, 2, 4), np.complex64), 2.0)
    with pytest.raises(ValueError, match="time must go on"):
        clutter.remove(np.ones((4, 2, 8), np.complex64), 1.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 16), st.integers(0, 63))
def test_a_beam_hears_a_reflector_from_its_sine_as_it_is_and_others_less(antennas, looked):
    sine = np.linspace(-1, 1, 64)
    heard = np.abs(
        steering(antennas, 64) @ np.exp(-1j * np.pi * np.arange(antennas) * sine[looked])
    )
    assert heard[looked] == pytest.approx(1.0, abs=1e-5)
    assert heard.max() == pytest.approx(1.0, abs=1e-5)
    # antennas half a wavelength apart cannot tell -1 from 1
    apart = np.abs((sine - sine[looked] + 1) % 2 - 1)
    if antennas >= 8:
        assert heard[apart > 4.0 / antennas].max(initial=0.0) < 0.05


def test_a_single_antenna_looks_everywhere():
    np.testing.assert_array_equal(steering(1, 5), np.ones((5, 1)))


@pytest.mark.parametrize("bin_", [-13, 0, 1, 20])
def test_transmitters_taking_turns_look_as_one_again(bin_):
    wave = Waveform(loops_per_frame=64)
    doppler_hz = bin_ / wave.active_s
    at_s = np.arange(64)[:, None] * wave.loop_interval_s + np.repeat(
        wave.transmitter_offsets_s, wave.receivers
    )
    doppler = np.fft.fft(np.exp(2j * np.pi * doppler_hz * at_s), axis=0)
    turned = (doppler * transmitter_turn(wave))[bin_]
    np.testing.assert_allclose(turned, 64.0, rtol=1e-5)


def test_the_doppler_window_wastes_no_loop():
    window = doppler_window(32)
    assert window.dtype == np.float32
    assert window.min() > 0
    np.testing.assert_array_equal(window, window[::-1])
    np.testing.assert_allclose(window, np.sin(np.pi * np.arange(1, 33) / 33) ** 2, atol=1e-6)
