"""IF samples against closed forms: the radar equation, phases of geometry, motion and noise."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.simulation import spreading
from mmwave.simulation.fmcw import (
    EDGE,
    AntennaTrack,
    Scatterers,
    synthesize,
    synthesize_direct,
)
from mmwave.simulation.receiver import BOLTZMANN_J_PER_K, LinkBudget, leakage, receive
from mmwave.waveform import SPEED_OF_LIGHT_MPS, AntennaArray, Waveform

WAVEFORM = Waveform()
ARRAY = AntennaArray()
BUDGET = LinkBudget()
HEIGHT_M = 0.9


def facing(boresight_rad=0.0, positions=1, centre=(0.0, 0.0, HEIGHT_M)):
    """Antenna array standing still at ``centre``, looking one way."""
    shape = (positions, WAVEFORM.transmitters)
    return AntennaTrack(
        np.zeros(shape),
        np.broadcast_to(np.asarray(centre, float), (*shape, 3)).copy(),
        np.full(shape, boresight_rad),
        np.zeros(positions),
    )


def turning(
    positions, interval_s=0.41e-3, velocity=(0.0, 0.0), yaw_rate=0.0, start_s=0.0, turns_per_s=2.0
):
    """Array on its turning arm, the robot moving at constant velocity."""
    time_s = start_s + interval_s * np.arange(positions)[:, None] + WAVEFORM.transmitter_offsets_s
    return AntennaTrack.from_pose(
        time_s,
        2 * np.pi * turns_per_s * time_s,
        (velocity[0] * time_s, velocity[1] * time_s, yaw_rate * time_s),
        ARRAY.radius_m,
        HEIGHT_M,
        np.linspace(0, 1, positions),
    )


def at(distance_m, azimuth_rad=0.0, elevation_rad=0.0):
    """World position seen from (0, 0, HEIGHT_M)."""
    horizontal = distance_m * np.cos(elevation_rad)
    return np.array(
        [
            horizontal * np.cos(azimuth_rad),
            horizontal * np.sin(azimuth_rad),
            HEIGHT_M + distance_m * np.sin(elevation_rad),
        ]
    )


def power_db(samples):
    return 10 * np.log10(np.mean(np.abs(samples) ** 2))


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def test_point_target_peaks_at_its_range_bin():
    for bins in (20.0, 77.0, 200.0):
        track = facing()
        x = synthesize(
            Scatterers.points(at(bins * WAVEFORM.range_bin_m), 1.0), track, WAVEFORM, ARRAY
        )
        spectrum = np.abs(np.fft.fft(x[0, 3] * np.hanning(256), 4096))
        assert np.argmax(spectrum) / 16 == pytest.approx(bins, abs=0.07)


def test_samples_are_the_exponential_of_the_range_phase():
    distance_m = 3.217
    x = synthesize(Scatterers.points(at(distance_m), 0.5), facing(), WAVEFORM, ARRAY)
    amplitude = BUDGET.counts(WAVEFORM, 0.5, distance_m)
    expected = amplitude * np.exp(4j * np.pi * distance_m * WAVEFORM.sample_hz / SPEED_OF_LIGHT_MPS)
    assert relative_error(x[0, 0], expected) < 1e-4


def test_phase_follows_the_distance_as_the_rotor_turns():
    target = at(4.0, np.deg2rad(3.0))
    track = turning(60, start_s=-0.01)
    x = synthesize(Scatterers.points(target, 1.0), track, WAVEFORM, ARRAY)
    middle_hz = WAVEFORM.sample_hz[128]
    for transmitter, antenna in ((0, 0), (1, 7)):
        distance = np.linalg.norm(target - track.position_m[:, transmitter], axis=1)
        expected = 4 * np.pi * distance * middle_hz / SPEED_OF_LIGHT_MPS
        error = np.angle(x[:, antenna, 128] * np.exp(-1j * expected))
        assert np.abs(error).max() < 1e-3


def test_power_falls_with_the_fourth_power_of_distance():
    near, far = (
        power_db(synthesize(Scatterers.points(at(d), 1.0), facing(), WAVEFORM, ARRAY))
        for d in (2.0, 4.0)
    )
    assert near - far == pytest.approx(40 * np.log10(2), abs=0.001)


def test_amplitude_obeys_the_radar_equation_and_the_pattern():
    azimuth, elevation = np.deg2rad(12.0), np.deg2rad(-20.0)
    x = synthesize(Scatterers.points(at(5.0, azimuth, elevation), 2.0), facing(), WAVEFORM, ARRAY)
    received_dbm = (
        12 + 2 * 10 + 20 * np.log10(WAVEFORM.wavelength_m) + 10 * np.log10(2.0)
        - 30 * np.log10(4 * np.pi) - 40 * np.log10(5.0)
    )  # fmt: skip
    gain = ARRAY.two_way_gain(np.array(azimuth), np.array(elevation))
    expected = 32767 * 10 ** ((received_dbm + 30 - 4) / 20) * gain
    assert np.abs(x).mean() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("elevation_deg", [-35.0, -5.0, 0.0, 20.0, 40.0])
def test_phase_steps_from_antenna_to_antenna_with_the_elevation(elevation_deg):
    elevation = np.deg2rad(elevation_deg)
    x = synthesize(Scatterers.points(at(3.0, 0.0, elevation), 1.0), facing(), WAVEFORM, ARRAY)
    step = np.angle(x[0, 1:, 128] * np.conj(x[0, :-1, 128]))
    spacing_m = ARRAY.wavelength_m / 4
    wavenumber = 4 * np.pi * WAVEFORM.sample_hz[128] / SPEED_OF_LIGHT_MPS
    assert step == pytest.approx(-wavenumber * spacing_m * np.sin(elevation), abs=2e-3)


@pytest.mark.parametrize("distance_m", [1.0, 2.0, 4.0])
def test_plane_answers_with_pi_r_squared_gamma_squared(distance_m):
    plane = Scatterers.mirrors([[distance_m, 0, 0]], [[1.0, 0, 0]], [[0.6, 0.6]])
    x = synthesize(plane, facing(centre=(0, 0.3, HEIGHT_M)), WAVEFORM, ARRAY)
    expected = BUDGET.counts(WAVEFORM, np.pi * distance_m**2 * 0.6**2, distance_m)
    assert np.abs(x).mean() == pytest.approx(expected, rel=1e-4)
    # the image method: the radar hears itself at twice the distance
    image_dbm = 12 + 20 + 20 * np.log10(0.6 * WAVEFORM.wavelength_m / (8 * np.pi * distance_m))
    assert np.abs(x).mean() == pytest.approx(BUDGET.counts_at_port(image_dbm), rel=1e-4)


def test_power_of_a_plane_falls_with_the_square_of_distance():
    near, far = (
        power_db(
            synthesize(
                Scatterers.mirrors([[d, 0, 0]], [[1.0, 0, 0]], [[1.0, 1.0]]),
                facing(), WAVEFORM, ARRAY,
            )
        )
        for d in (2.0, 4.0)
    )  # fmt: skip
    assert near - far == pytest.approx(20 * np.log10(2), abs=0.001)


def test_plane_stays_at_its_perpendicular_distance_while_the_radar_moves():
    normal = np.array([np.cos(0.2), np.sin(0.2), 0.0])
    track = turning(40, velocity=(0.5, -0.3))
    x = synthesize(
        Scatterers.mirrors([3.0 * normal], [normal], [[1.0, 1.0]]), track, WAVEFORM, ARRAY
    )
    distance = 3.0 - track.position_m[:, 0] @ normal
    expected = 4 * np.pi * distance * WAVEFORM.sample_hz[128] / SPEED_OF_LIGHT_MPS + np.pi
    assert np.abs(np.angle(x[:, 0, 128] * np.exp(-1j * expected))).max() < 1e-3


def test_vertical_edge_answers_at_the_height_of_the_antenna():
    edge = Scatterers.mirrors([[2.0, 0.5, 0.0]], [[0.0, 0, 1]], [[0.3, 0.3]], kind=EDGE)
    x = synthesize(edge, facing(), WAVEFORM, ARRAY)
    phases = np.angle(x[0, :, 128] * np.conj(x[0, 0, 128]))
    assert np.abs(phases).max() < 1e-3
    distance = np.hypot(2.0, 0.5)
    expected = 4 * np.pi * distance * WAVEFORM.sample_hz[128] / SPEED_OF_LIGHT_MPS + np.pi
    assert np.abs(np.angle(x[0, 0, 128] * np.exp(-1j * expected))) < 1e-3


def test_corner_reflector_has_the_signal_to_noise_ratio_of_the_link_budget():
    side_m = 0.05
    sigma = 4 * np.pi * side_m**4 / (3 * WAVEFORM.wavelength_m**2)
    distance_m = 133 * WAVEFORM.range_bin_m  # in the middle of a bin: no sidelobes in the others
    target = Scatterers.points(at(distance_m), sigma)
    signal = synthesize(target, facing(positions=200), WAVEFORM, ARRAY)
    out = receive(signal, BUDGET, WAVEFORM, np.random.default_rng(1)).astype(float)
    spectrum = np.abs(np.fft.fft(out[..., 0] + 1j * out[..., 1], axis=-1)) ** 2
    noise = np.delete(spectrum, np.arange(131, 136), axis=-1).mean()
    measured_db = 10 * np.log10(spectrum[..., 133].mean() / noise - 1)
    noise_dbm = 10 * np.log10(BOLTZMANN_J_PER_K * 290 * 5.12e6 * 1e3) + 15
    expected_db = BUDGET.received_dbm(WAVEFORM, sigma, distance_m) - noise_dbm
    assert measured_db == pytest.approx(float(expected_db) + 10 * np.log10(256), abs=0.1)


@pytest.mark.parametrize("speed_mps", [-0.6, 0.1, 0.37])
def test_ego_motion_turns_the_phase_at_the_doppler_rate(speed_mps):
    interval_s = 0.39e-3
    time_s = interval_s * np.arange(64)[:, None] + WAVEFORM.transmitter_offsets_s
    position = np.zeros((64, 2, 3))
    position[..., 0], position[..., 2] = speed_mps * time_s, HEIGHT_M
    track = AntennaTrack(time_s, position, np.zeros((64, 2)), np.zeros(64))
    x = synthesize(Scatterers.points(at(5.0), 1.0), track, WAVEFORM, ARRAY)
    rate = np.angle(x[1:, 2, 128] * np.conj(x[:-1, 2, 128])) / interval_s
    wavelength_m = SPEED_OF_LIGHT_MPS / WAVEFORM.sample_hz[128]
    assert rate == pytest.approx(-4 * np.pi * speed_mps / wavelength_m, rel=1e-3, abs=0.5)


def test_moving_scatterer_and_moving_radar_look_the_same():
    time_s = 0.4e-3 * np.arange(30)[:, None] + WAVEFORM.transmitter_offsets_s
    position = np.zeros((30, 2, 3))
    position[..., 2] = HEIGHT_M
    still = AntennaTrack(time_s, position.copy(), np.zeros((30, 2)), np.zeros(30))
    position[..., 0] = 0.5 * time_s
    moving = AntennaTrack(time_s, position, np.zeros((30, 2)), np.zeros(30))
    approaching = Scatterers.points(at(4.0), 1.0, np.array([[-0.5, 0.0, 0.0]]))
    one = synthesize(approaching, still, WAVEFORM, ARRAY)
    two = synthesize(Scatterers.points(at(4.0), 1.0), moving, WAVEFORM, ARRAY)
    assert relative_error(one, two) < 1e-4


def test_second_transmitter_sees_the_motion_since_the_first():
    speed_mps = 0.5
    time_s = WAVEFORM.transmitter_offsets_s[None, :]
    position = np.zeros((1, 2, 3))
    position[..., 0], position[..., 2] = speed_mps * time_s, HEIGHT_M
    track = AntennaTrack(time_s, position, np.zeros((1, 2)), np.zeros(1))
    x = synthesize(Scatterers.points(at(5.0), 1.0), track, WAVEFORM, ARRAY)
    step = np.angle(x[0, 4, 128] * np.conj(x[0, 3, 128]))
    wavelength_m = SPEED_OF_LIGHT_MPS / WAVEFORM.sample_hz[128]
    expected = -4 * np.pi * speed_mps * WAVEFORM.chirp_interval_s / wavelength_m
    assert step == pytest.approx(expected, abs=2e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_fast_transform_equals_the_direct_sum(seed):
    generator = np.random.default_rng(seed)
    count = 40
    position = generator.uniform([-6, -6, 0], [6, 6, 3], (count, 3))
    points = Scatterers.points(
        position,
        generator.uniform(0, 1, count),
        generator.normal(0, 0.5, (count, 3)),
        generator.uniform(0, 6, count),
    )
    axis = generator.normal(size=(2, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    mirrors = Scatterers.mirrors(generator.uniform(-4, 4, (2, 3)), axis, generator.random((2, 2)))
    everything = Scatterers.join([points, mirrors])
    track = turning(6, velocity=(0.4, 0.3), yaw_rate=0.5, start_s=generator.uniform(0, 0.5))
    direct = synthesize_direct(everything, track, WAVEFORM, ARRAY)
    fast = synthesize(everything, track, WAVEFORM, ARRAY)
    if np.abs(direct).max() > 0:
        assert relative_error(fast, direct) < 1e-4


def test_strength_fades_linearly_over_the_interval():
    point = Scatterers.points(at(4.0), 1.0)
    fading = Scatterers(
        point.position_m, point.velocity_mps, np.array([[1.0, 0.0]], np.float32),
        point.phase_rad, point.kind, point.axis,
    )  # fmt: skip
    track = facing(positions=5)
    track = AntennaTrack(track.time_s, track.position_m, track.boresight_rad, np.linspace(0, 1, 5))
    levels = np.abs(synthesize(fading, track, WAVEFORM, ARRAY)).mean(axis=(1, 2))
    assert levels / levels[0] == pytest.approx([1, 0.75, 0.5, 0.25, 0], abs=1e-4)


def test_nothing_behind_or_beyond_the_range_is_heard():
    behind = Scatterers.points(at(3.0, np.pi), 100.0)
    beyond = Scatterers.points(at(9.7), 100.0)
    for scatterers in (behind, beyond):
        assert not synthesize(scatterers, facing(), WAVEFORM, ARRAY).any()
        assert not synthesize_direct(scatterers, facing(), WAVEFORM, ARRAY).any()


def test_result_does_not_depend_on_the_number_of_threads():
    generator = np.random.default_rng(3)
    points = Scatterers.points(generator.uniform(-5, 5, (500, 3)), 1.0)
    track = turning(100)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = synthesize(points, track, WAVEFORM, ARRAY)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(one, synthesize(points, track, WAVEFORM, ARRAY))


def test_noise_has_the_power_k_t_b_f():
    silence = np.zeros((50, 8, 256), np.complex64)
    out = receive(silence, BUDGET, WAVEFORM, np.random.default_rng(0)).astype(float)
    at_adc_dbm = 10 * np.log10(BOLTZMANN_J_PER_K * 290 * 5.12e6 * 1e3) + 15 + 30
    expected = 32767**2 * 10 ** ((at_adc_dbm - 4) / 10) + 2 / 12  # rounding adds 1/12 each
    assert np.mean(out[..., 0] ** 2 + out[..., 1] ** 2) == pytest.approx(expected, rel=0.02)
    assert np.mean(out[..., 0] * out[..., 1]) == pytest.approx(0.0, abs=0.02 * expected)


def test_adc_saturates_and_rounds():
    signal = np.full((1, 8, 256), 1e6 - 1e6j, np.complex64)
    out = receive(signal, BUDGET, WAVEFORM, np.random.default_rng(0))
    assert out.dtype == np.int16
    assert np.all(out[..., 0] == 32767)
    assert np.all(out[..., 1] == -32768)
    silent = LinkBudget(noise_figure_db=-200.0)
    out = receive(np.full((1, 8, 256), 2.6 - 3.4j), silent, WAVEFORM, np.random.default_rng(0))
    assert np.all(out == [3, -3])


def test_leakage_is_strong_short_and_closes_its_drift():
    turns = np.linspace(0, 1, 9)
    x = leakage(BUDGET, WAVEFORM, turns, seed=5)
    assert relative_error(x[-1], x[0]) < 1e-6
    assert 0 < relative_error(x[4], x[0]) < 0.1
    spectrum = np.abs(np.fft.fft(x[0] * np.hanning(256), 4096, axis=-1))
    range_m = np.argmax(spectrum, axis=-1) / 16 * WAVEFORM.range_bin_m
    assert np.all((range_m > 0.04) & (range_m < 0.09))
    assert np.abs(x).max() < 32767
    assert np.abs(x).mean() > 50 * BUDGET.noise_counts(WAVEFORM)


def test_kernel_polynomials_fit_the_kernel():
    fraction = np.linspace(-0.2, 1.2, 91)
    for tap, coefficients in enumerate(spreading.tap_polynomials()):
        fit = np.polyval(coefficients.astype(float), fraction - 0.5)
        assert np.abs(fit - spreading.kernel(tap - 2 - fraction)).max() < 1e-5


@pytest.mark.parametrize(
    ("waveform", "array", "message"),
    [
        (WAVEFORM, AntennaArray(antennas=4), "array has 4 antennas"),
        (WAVEFORM, AntennaArray(spacing_m=0.01), "grid cells"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(waveform, array, message):
    with pytest.raises(ValueError, match=message):
        synthesize(Scatterers.points(at(3.0), 1.0), facing(), waveform, array)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="velocity_mps must be"):
        Scatterers.points(np.zeros((3, 3)), 1.0, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="antenna track"):
        AntennaTrack(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="temperature_k"):
        LinkBudget(temperature_k=0)
