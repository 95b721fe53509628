"""Heatmaps of reflectors whose place is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.waveform import SPEED_OF_LIGHT_MPS
from rexo_ros.heatmaps import ROOM_WAVEFORM, HeatmapMaker, HeatmapSettings
from rexo_ros.space import LATERAL, Space

SPACE = Space()
WAVE = ROOM_WAVEFORM


def frame(lateral_m, depth_m, speed_mps=0.0, time_s=0.0, amplitude=1.0):
    """Samples of one reflector that moves radially, by the equations of the far field."""
    range_m, sine = np.hypot(lateral_m, depth_m), lateral_m / np.hypot(lateral_m, depth_m)
    at_s = time_s + WAVE.position_offsets_s[:, None] + WAVE.transmitter_offsets_s
    moved_m = range_m + speed_mps * np.repeat(at_s, WAVE.receivers, axis=1)  # (loop, antenna)
    wavelength_m = WAVE.wavelength_m
    path_m = moved_m - np.arange(WAVE.virtual_antennas) * wavelength_m / 4 * sine
    phase = 4 * np.pi * path_m[..., None] * WAVE.sample_hz / SPEED_OF_LIGHT_MPS
    return (amplitude * np.exp(1j * phase)).astype(np.complex64)


def where(heatmap, view):
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return SPACE.lateral_m(view)[column], SPACE.depth_m()[row]


def test_the_waveform_is_what_its_description_says():
    assert WAVE.range_bin_m == pytest.approx(0.117, abs=0.001)
    fastest = WAVE.wavelength_m / (4 * WAVE.loop_interval_s)
    assert fastest == pytest.approx(4.8, abs=0.1)
    assert 2 * fastest / WAVE.loops_per_frame == pytest.approx(0.3, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-0.6, 0.6), st.floats(1.5, 6.5), st.floats(0.4, 4.0), st.sampled_from(sorted(LATERAL))
)
def test_a_moving_reflector_is_where_it_is_however_fast(sine, range_m, speed, view):
    depth_m = range_m * np.sqrt(1 - sine**2)
    lateral_m = range_m * sine
    if abs(lateral_m) > 1.4:
        lateral_m = np.sign(lateral_m) * 1.4
    make = HeatmapMaker(SPACE, view)
    make(np.zeros_like(frame(0.0, 3.0)), -1.0)
    found = make(frame(lateral_m, depth_m, speed), 0.0)
    beside_m, away_m = where(found, view)
    range_now_m = np.hypot(lateral_m, depth_m)
    # half a bin of range, a tenth of the beam of eight antennas (14 degrees and more)
    assert np.hypot(beside_m, away_m) == pytest.approx(range_now_m, abs=0.09)
    beam = 2 / WAVE.virtual_antennas
    assert beside_m / np.hypot(beside_m, away_m) == pytest.approx(
        lateral_m / range_now_m, abs=0.2 * beam
    )


def test_what_stands_still_goes_and_what_moves_stays():
    make = HeatmapMaker(SPACE, "horizontal")
    wall = frame(0.5, 5.0, amplitude=30.0)
    first = make(wall, 0.0)
    assert first.max() < 1e-6 * 30**2
    later = make(wall + frame(-1.0, 3.0, 1.0), 0.05)
    assert where(later, "horizontal") == pytest.approx((-1.0, 3.0), abs=0.15)
    alone = HeatmapMaker(SPACE, "horizontal")
    alone(np.zeros_like(wall), 0.0)
    np.testing.assert_allclose(later, alone(frame(-1.0, 3.0, 1.0), 0.05), atol=1e-4)


def test_the_past_alone_counts():
    frames = [frame(0.2, 4.0 + 0.1 * k, 1.0) for k in range(4)]
    whole = HeatmapMaker(SPACE, "horizontal")
    before = [whole(one, 0.05 * k) for k, one in enumerate(frames[:3])]
    again = HeatmapMaker(SPACE, "horizontal")
    for k, one in enumerate(frames[:3]):
        np.testing.assert_array_equal(again(one, 0.05 * k), before[k])
    assert not np.array_equal(whole(frames[3], 0.2), before[2])


def test_nothing_is_drawn_where_the_radar_does_not_look():
    make = HeatmapMaker(SPACE, "horizontal", settings=HeatmapSettings(most_sine=0.5))
    drawn = make.draw(np.ones((64, make._bins), np.float32))
    lateral_m, depth_m = np.meshgrid(SPACE.lateral_m("horizontal"), SPACE.depth_m())
    inside = np.abs(lateral_m) <= 0.5 * np.hypot(lateral_m, depth_m)
    np.testing.assert_allclose(drawn, inside, atol=1e-6)


def test_wrong_frames_and_times_are_refused():
    make = HeatmapMaker(SPACE, "horizontal")
    with pytest.raises(ValueError, match=r"frames must be \(32, 8, 128\)"):
        make(np.zeros((32, 8, 64), np.complex64), 0.0)
    make(frame(0.0, 3.0), 1.0)
    with pytest.raises(ValueError, match="time must go on"):
        make(frame(0.0, 3.0), 1.0)
    with pytest.raises(ValueError, match="angles must be at least 2"):
        HeatmapSettings(angles=1)
