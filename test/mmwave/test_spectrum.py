import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.spectrum import as_complex, narrow_window, range_spectrum, range_window
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


@pytest.mark.parametrize(
    ("window_of", "bandwidth_bins", "side_lobe_db"),
    [(range_window, 1.5, -31.5), (narrow_window, 1.3709, -27.3)],
)
def test_windows_have_their_bandwidth_and_side_lobes(window_of, bandwidth_bins, side_lobe_db):
    window = window_of(256).astype(np.float64)
    assert window.sum() == pytest.approx(1.0, abs=1e-6)
    assert 256 * (window**2).sum() == pytest.approx(bandwidth_bins, rel=1e-3)
    lobes_db = 20 * np.log10(np.abs(np.fft.fft(window, 64 * 256))[: 64 * 20] + 1e-12)
    first_null = int(np.argmax(np.diff(lobes_db) > 0))
    assert lobes_db[first_null:].max() == pytest.approx(side_lobe_db, abs=0.1)


def test_a_reflector_has_its_amplitude_under_another_window():
    chirp = 7 * np.exp(2j * np.pi * 40 * np.arange(256) / 256).astype(np.complex64)
    spectrum = range_spectrum(chirp, window=narrow_window(256))
    assert np.argmax(np.abs(spectrum)) == 40
    assert abs(spectrum[40]) == pytest.approx(7, rel=1e-3)
