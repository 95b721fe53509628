import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.spectrum import (
    CellAveragingCfar,
    as_complex,
    detect,
    range_spectrum,
    strongest_detection,
)
from mmwave.waveform import SPEED_OF_LIGHT_MPS, Waveform

WAVEFORM = Waveform()


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 9.0), st.floats(1, 1000))
def test_a_reflector_has_its_amplitude_at_its_bin_and_the_phase_of_its_distance(
    distance, amplitude
):
    phase = 4 * np.pi * distance * WAVEFORM.sample_hz / SPEED_OF_LIGHT_MPS
    chirp = (amplitude * np.exp(1j * phase)).astype(np.complex64)
    spectrum = range_spectrum(chirp)
    cell = int(np.argmax(np.abs(spectrum)))
    assert cell == pytest.approx(distance / WAVEFORM.range_bin_m, abs=0.51)
    assert abs(spectrum[cell]) == pytest.approx(amplitude, rel=0.16)  # Hann scalloping
    moved = distance + 0.2e-3
    phase = 4 * np.pi * moved * WAVEFORM.sample_hz / SPEED_OF_LIGHT_MPS
    turned = range_spectrum((amplitude * np.exp(1j * phase)).astype(np.complex64))[cell]
    expected = 4 * np.pi * 0.2e-3 / WAVEFORM.wavelength_m
    assert np.angle(turned / spectrum[cell]) == pytest.approx(expected, abs=2e-3)


def test_raw_samples_become_complex():
    samples = np.array([[[1, 2], [-3, 4]]], np.int16)
    np.testing.assert_array_equal(as_complex(samples), [[1 + 2j, -3 + 4j]])


@pytest.mark.parametrize("probability", [1e-2, 1e-3])
def test_false_alarm_rate_in_noise_is_the_one_asked_for(probability):
    rng = np.random.default_rng(8)
    power = rng.exponential(3.0, (4000, 256)).astype(np.float32)
    cfar = CellAveragingCfar(guard=2, training=8, false_alarm_probability=probability)
    rate = detect(power, cfar).mean()
    assert rate == pytest.approx(probability, rel=0.1)


def test_strongest_detection_is_refined_between_bins_and_absent_in_noise():
    cells = np.arange(256)
    power = np.exp(-((cells - 100.3) ** 2) / 2).astype(np.float32)[None] * 1e4 + 1
    bins, peak = strongest_detection(power, CellAveragingCfar())
    assert bins[0] == pytest.approx(100.3, abs=0.02)
    assert peak[0] == power[0, 100]
    flat = np.ones((1, 256), np.float32)
    bins, peak = strongest_detection(flat, CellAveragingCfar())
    assert np.isnan(bins[0])
    assert np.isnan(peak[0])


def test_first_bin_and_floor_are_respected():
    power = np.ones((1, 256), np.float32)
    power[0, 5], power[0, 60] = 1e6, 1e3
    bins, _ = strongest_detection(power, CellAveragingCfar(), first_bin=10)
    assert round(float(bins[0])) == 60
    bins, _ = strongest_detection(power, CellAveragingCfar(), first_bin=10, floor=1e4)
    assert np.isnan(bins[0])


def test_settings_are_checked():
    with pytest.raises(ValueError, match="guard"):
        CellAveragingCfar(guard=-1)
    with pytest.raises(ValueError, match="training"):
        CellAveragingCfar(training=0)
    with pytest.raises(ValueError, match="false_alarm_probability"):
        CellAveragingCfar(false_alarm_probability=2)
