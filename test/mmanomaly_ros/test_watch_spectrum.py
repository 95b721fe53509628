"""Spectra of simulated reflectors whose place, speed and strength are known, and of noise alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmanomaly_ros.spectrum import (
    CEILING_DB,
    CHANNELS,
    FLOOR_DB,
    NOISE_COUNTS,
    WATCH_WAVEFORM,
    SpectrumMaker,
    SpectrumSettings,
    dequantised,
    floor_db,
    from_unit,
    measured_noise_counts,
    quantised,
    speeds_mps,
    to_unit,
)
from mmanomaly_ros.watch import (
    ANGLES,
    RANGES,
    SPEEDS,
    TASKS,
    cell_of,
    position_of,
    watch_id,
    watch_one_hot,
)
from mmwave.fixed_array import steering
from mmwave.simulation.fixed_radar import (
    ACROSS_BEAMWIDTH_RAD,
    ALONG_BEAMWIDTH_RAD,
    QuarterTurned,
)
from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize
from mmwave.simulation.receiver import LinkBudget
from mmwave.simulation.rotation import StaticWorld
from mmwave.simulation.scene import Scene
from mmwave.simulation.trajectory import Pose
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.hardware.radar_configuration import check_waveform

WAVE = WATCH_WAVEFORM
BIN_M = WAVE.range_bin_m
SHAPE = (WAVE.loops_per_frame, WAVE.virtual_antennas, WAVE.samples_per_chirp)
HEIGHT_M = 1.0
POSE = Pose(np.array(2.0), np.array(-3.0), np.array(0.7))
ARRAY = AntennaArray(
    WAVE.virtual_antennas,
    WAVE.wavelength_m,
    WAVE.wavelength_m / 2,
    0.0,
    ACROSS_BEAMWIDTH_RAD,
    ALONG_BEAMWIDTH_RAD,
)
RANGE_AZIMUTH, MOVING_AZIMUTH, RANGE_DOPPLER = range(3)


def as_the_radar_sees_it(points_m):
    """World (point, 3), turned as a fixed radar with a level line turns it."""
    empty = np.zeros(0)
    scene = Scene(
        np.asarray(points_m, float),
        np.zeros((0, 3), np.int64),
        empty.astype(np.uint8),
        empty.astype(np.int32),
        empty.astype(np.uint8),
    )
    return QuarterTurned(StaticWorld(scene), POSE, HEIGHT_M).scene.vertices_m


def echo(right_m, depth_m, away_mps=0.0, cross_section_m2=0.01):
    """A frame of one point at the radar's height, in the middle of the frame at its place."""
    yaw = float(POSE.yaw_rad)
    ahead, right = np.array([np.cos(yaw), np.sin(yaw), 0]), np.array([np.sin(yaw), -np.cos(yaw), 0])
    radar_m = np.array([float(POSE.x_m), float(POSE.y_m), HEIGHT_M])
    off_m = right_m * right + depth_m * ahead
    moved_m = away_mps * off_m / np.linalg.norm(off_m)
    place, later = as_the_radar_sees_it([radar_m + off_m, radar_m + off_m + moved_m])
    points = Scatterers.points(place, cross_section_m2, later - place)
    at_s = WAVE.position_offsets_s - WAVE.position_offsets_s.mean()
    time_s = at_s[:, None] + WAVE.transmitter_offsets_s
    zero = np.zeros_like(time_s)
    pose = (zero + POSE.x_m, zero + POSE.y_m, zero + POSE.yaw_rad)
    track = AntennaTrack.from_pose(time_s, zero, pose, 0.0, HEIGHT_M)
    return synthesize(points, track, WAVE, ARRAY)


def amplitude(right_m, depth_m, cross_section_m2=0.01):
    """In counts, by the radar equation and the antennas' pattern along their line."""
    gain = ARRAY.two_way_gain(np.float64(0.0), np.arctan2(right_m, depth_m))
    return LinkBudget().counts(WAVE, cross_section_m2, np.hypot(right_m, depth_m)) * gain


def noise(seed, rms=NOISE_COUNTS):
    generator = np.random.default_rng(seed)
    parts = generator.standard_normal((2, *SHAPE), np.float32) * np.float32(rms / np.sqrt(2))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def after_silence(frame):
    """The spectrum of a frame that follows one in which there was nothing."""
    make = SpectrumMaker()
    make(np.zeros(SHAPE, np.complex64), 0.0)
    return make(frame, 0.1)


def peak(channel):
    return np.unravel_index(channel.argmax(), channel.shape)


def test_the_waveform_is_what_its_description_says_and_the_radar_can_send_it():
    check_waveform(WAVE)
    assert WAVE.start_hz + WAVE.slope_hz_per_s * WAVE.ramp_end_s < 81e9
    assert pytest.approx(0.0421, abs=5e-5) == BIN_M
    assert WAVE.max_range_m == pytest.approx(5.39, abs=0.01)
    assert WAVE.loop_interval_s == pytest.approx(244e-6)
    speeds = speeds_mps()
    assert speeds[0] == pytest.approx(-3.9, abs=0.01)
    assert speeds[SPEEDS // 2] == 0
    np.testing.assert_allclose(np.diff(speeds), 0.12, atol=0.003)


def test_the_noise_is_that_of_the_simulated_radar():
    assert pytest.approx(LinkBudget().noise_counts(WAVE), rel=1e-5) == NOISE_COUNTS


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.85, 0.85), st.floats(0.8, 5.0))
def test_what_stands_still_is_at_its_cell(sine, range_m):
    right_m, depth_m = sine * range_m, range_m * np.sqrt(1 - sine**2)
    spectrum = SpectrumMaker()(echo(right_m, depth_m), 0.0)
    index, column = cell_of([right_m, depth_m], BIN_M)
    found = peak(spectrum[RANGE_AZIMUTH])
    assert found[0] == pytest.approx(index, abs=0.51)
    assert found[1] == pytest.approx(column, abs=0.51)
    assert spectrum[MOVING_AZIMUTH:].max() == FLOOR_DB


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.8, 0.8), st.floats(1.0, 5.0), st.floats(0.3, 3.7), st.sampled_from([-1.0, 1.0]))
def test_what_moves_is_at_its_cell_and_its_speed_whichever_way(sine, range_m, speed, way):
    right_m, depth_m = sine * range_m, range_m * np.sqrt(1 - sine**2)
    spectrum = after_silence(echo(right_m, depth_m, way * speed, 0.003))
    index, column = cell_of([right_m, depth_m], BIN_M)
    # the peak is where the mover is in the frame's middle; it crosses a bin in the frame
    for channel in (RANGE_AZIMUTH, MOVING_AZIMUTH):
        found = peak(spectrum[channel])
        assert found[0] == pytest.approx(index, abs=0.75)
        assert found[1] == pytest.approx(column, abs=1.0)
    row, at = peak(spectrum[RANGE_DOPPLER])
    assert row == pytest.approx(index, abs=0.75)
    assert speeds_mps()[at] == pytest.approx(way * speed, abs=0.075)


@pytest.mark.parametrize(("row", "column"), [(40, 32), (71, 10), (100, 50)])
def test_the_peak_is_as_high_as_the_radar_equation_says(row, column):
    right_m, depth_m = position_of(row, column, BIN_M)
    cross_section_m2 = 0.02
    spectrum = SpectrumMaker()(echo(right_m, depth_m, 0.0, cross_section_m2), 0.0)
    over_noise_db = 20 * np.log10(amplitude(right_m, depth_m, cross_section_m2) / NOISE_COUNTS)
    hann_db = 10 * np.log10(RANGES / 1.5)
    taper = np.hamming(8)
    beam_db = 10 * np.log10(taper.sum() ** 2 / (taper**2).sum())
    expected = over_noise_db + hann_db + beam_db
    assert FLOOR_DB < expected < CEILING_DB
    assert spectrum[RANGE_AZIMUTH, row, column] == pytest.approx(expected, abs=0.3)


def test_the_peak_of_a_mover_is_as_high_as_the_radar_equation_says():
    row, at, cross_section_m2 = 60, 36, 0.002
    depth_m = row * BIN_M
    spectrum = after_silence(echo(0.0, depth_m, float(speeds_mps()[at]), cross_section_m2))
    over_noise_db = 20 * np.log10(amplitude(0.0, depth_m, cross_section_m2) / NOISE_COUNTS)
    hann_db = 10 * np.log10(RANGES / 1.5) + 10 * np.log10((SPEEDS + 1) / 1.5)
    expected = over_noise_db + hann_db
    assert expected < CEILING_DB
    assert spectrum[RANGE_DOPPLER, row, at] == pytest.approx(expected, abs=0.5)


def test_azimuth_is_the_mean_power_of_the_loops_beams():
    frame = noise(3) + echo(-1.0, 2.0)
    window = np.hanning(RANGES + 1)[:-1] / (RANGES / 2)
    beams = steering(8, ANGLES) @ np.fft.fft(frame * window, axis=-1)
    mean = (np.abs(beams) ** 2).mean(axis=0).T
    expected = np.clip(10 * np.log10(mean) - floor_db()[RANGE_AZIMUTH], FLOOR_DB, CEILING_DB)
    # the transmitters' turn changes noise, and nothing of what stands still
    found = SpectrumMaker()(frame, 0.0)[RANGE_AZIMUTH]
    strong = expected > 25
    assert strong.sum() > 20
    np.testing.assert_allclose(found[strong], expected[strong], atol=0.3)


def test_a_null_beside_a_strong_echo_is_not_filled_by_rounding():
    strong = 1e4 * np.ones(SHAPE, np.complex64)
    quiet = SpectrumMaker(noise_counts=1e-2)(strong, 0.0)[RANGE_AZIMUTH, 0]
    pattern = np.abs(steering(8, ANGLES).astype(complex).sum(axis=1)) ** 2
    expected = 10 * np.log10(pattern * 1e8) - floor_db(WAVE, 1e-2)[0]
    np.testing.assert_allclose(quiet, np.clip(expected, FLOOR_DB, CEILING_DB), atol=0.1)


def test_noise_alone_has_a_mean_power_of_0_db_in_every_channel():
    make = SpectrumMaker()
    power = [10 ** (make(noise(seed), 0.1 * seed).astype(float) / 10) for seed in range(40)]
    mean_db = 10 * np.log10(np.mean(power[20:], axis=(0, 2, 3)))
    np.testing.assert_allclose(mean_db, 0.0, atol=0.05)
    # and in every column, but where a little of what seems to stand still is left
    by_column = 10 * np.log10(np.mean(power[20:], axis=(0, 2)))
    np.testing.assert_allclose(by_column, 0.0, atol=0.35)


@given(st.floats(0.1, 1e3))
def test_the_floor_goes_with_the_noise(noise_counts):
    change_db = 20 * np.log10(noise_counts / NOISE_COUNTS)
    change = floor_db(WAVE, noise_counts) - floor_db()
    np.testing.assert_allclose(change, change_db, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rms", [3.0, 11.8, 60.0])
def test_noise_is_measured_though_somebody_walks_near_and_a_wall_stands_far(rms):
    frame = noise(5, rms) + echo(0.3, 1.5, 1.2, 1.0) + echo(-0.2, 1.9, -0.8, 0.5)
    frame = frame + echo(0.4, 4.5, 0.0, 20.0) + echo(0.1, 3.6, 0.7, 0.3)
    assert measured_noise_counts(frame) == pytest.approx(rms, rel=0.04)


def test_forgetting_reset_and_the_past_alone():
    frames = [echo(0.2, 2.0 + 0.1 * k, 1.0, 0.001) for k in range(3)]
    make, again = SpectrumMaker(), SpectrumMaker()
    first = [make(frame, 0.1 * k) for k, frame in enumerate(frames)]
    np.testing.assert_array_equal(again(frames[0], 0.0), first[0])
    np.testing.assert_array_equal(again(frames[1], 0.1), first[1])
    make.reset()
    np.testing.assert_array_equal(make(frames[0], -5.0), first[0])
    assert first[0].shape == (len(CHANNELS), RANGES, SPEEDS)
    assert first[0].dtype == np.float32


def test_bad_frames_and_settings_are_refused():
    make = SpectrumMaker()
    with pytest.raises(ValueError, match=r"frames must be \(64, 8, 128\), got \(64, 8, 64\)"):
        make(np.zeros((64, 8, 64), np.complex64), 0.0)
    for bad in (np.nan, np.inf, complex(0, -np.inf)):
        frame = np.zeros(SHAPE, np.complex64)
        frame[3, 2, 1] = bad
        with pytest.raises(ValueError, match="samples must be finite: 1 of 65536"):
            make(frame, 0.0)
        with pytest.raises(ValueError, match="samples must be finite"):
            measured_noise_counts(frame)
    make(np.zeros(SHAPE, np.complex64), 1.0)
    with pytest.raises(ValueError, match="time must go on"):
        make(np.zeros(SHAPE, np.complex64), 1.0)
    with pytest.raises(ValueError, match="forgetting_s must be positive, got 0"):
        SpectrumSettings(forgetting_s=0)
    with pytest.raises(ValueError, match="noise_counts must be positive, got nan"):
        SpectrumMaker(noise_counts=float("nan"))
    with pytest.raises(ValueError, match="spectra need 128 samples and 64 loops"):
        SpectrumMaker(Waveform())
    with pytest.raises(ValueError, match="a frame is"):
        measured_noise_counts(np.zeros((1, 8, 128), np.complex64))


@given(arrays(np.float32, 32, elements=st.floats(FLOOR_DB, CEILING_DB, width=32)))
def test_stored_levels_are_wrong_by_half_a_level_at_most(spectrum_db):
    step_db = (CEILING_DB - FLOOR_DB) / 255
    levels = quantised(spectrum_db)
    assert levels.dtype == np.uint8
    back = dequantised(levels)
    assert np.abs(back - spectrum_db).max() <= step_db / 2 + 1e-4
    np.testing.assert_array_equal(quantised(back), levels)
    unit = to_unit(spectrum_db)
    assert np.abs(unit).max() <= 1
    np.testing.assert_allclose(from_unit(unit), spectrum_db, atol=1e-4)


def test_the_limits_are_the_ends_of_both_scales():
    ends = np.array([FLOOR_DB, CEILING_DB])
    np.testing.assert_array_equal(quantised(ends), [0, 255])
    np.testing.assert_array_equal(quantised([FLOOR_DB - 1, CEILING_DB + 1]), [0, 255])
    np.testing.assert_allclose(to_unit(ends), [-1, 1])


@given(st.floats(-5, 5), st.floats(1e-3, 5))
def test_places_and_cells_are_each_others_inverse(right_m, depth_m):
    index, column = cell_of([right_m, depth_m], BIN_M)
    assert 0 <= column <= ANGLES - 1
    # near the ends of the sines' grid depth hangs on the last digits
    np.testing.assert_allclose(position_of(index, column, BIN_M), [right_m, depth_m], atol=1e-5)


def test_cells_of_places_that_are_known():
    index, column = cell_of([[0.0, 2.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [np.nan] * 2], 0.5)
    np.testing.assert_allclose(index, [4, 4, 2, 0, np.nan])
    np.testing.assert_allclose(column, [31.5, 63, 0, 31.5, np.nan])
    with pytest.raises(ValueError, match=r"depth must not be behind the radar, got -0.1 m"):
        cell_of([[0.0, 1.0], [1.0, -0.1]], 0.5)
    with pytest.raises(ValueError, match="position_m must be"):
        cell_of([1.0, 2.0, 3.0], 0.5)
    with pytest.raises(ValueError, match="range_index must not be negative"):
        position_of(-1, 3, 0.5)
    with pytest.raises(ValueError, match="column must be from 0 to 63, got 64"):
        position_of(1, 64, 0.5)


def test_watches_have_numbers():
    assert [watch_id(name) for name in TASKS] == [0, 1, 2]
    with pytest.raises(ValueError, match="watch must be one of weapon, intruder, fall"):
        watch_id("burglar")
    np.testing.assert_array_equal(watch_one_hot([2, 0]), [[0, 0, 1], [1, 0, 0]])
    assert watch_one_hot(1).dtype == np.float32
    with pytest.raises(ValueError, match="watch must be from 0 to 2, got 3"):
        watch_one_hot(3)
