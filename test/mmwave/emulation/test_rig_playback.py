"""Which stored samples are played for a time and a rotor angle."""

import dataclasses

import numpy as np
import pytest
from counting_recording import FRAMES, TURNS, WAVEFORM, CountingRecording, drive_time_s
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.emulation.playback import Playback

RATE = 4 * np.pi
RECORDING = CountingRecording()
PLAYBACK = Playback(RECORDING)
FAST_SPACING_S = WAVEFORM.loop_interval_s
GAP_S = WAVEFORM.frame_period_s - WAVEFORM.active_s + FAST_SPACING_S


def frame_times(start_s: float) -> np.ndarray:
    return start_s + WAVEFORM.position_offsets_s


@settings(deadline=None)
@given(st.integers(0, 5 * FRAMES), st.integers(-3, 3))
def test_a_rotor_in_step_plays_the_stored_frames_round_and_round(frame, extra_turns):
    elapsed = frame_times(frame * WAVEFORM.frame_period_s)
    played = PLAYBACK.drive_frame(elapsed, RATE * elapsed + 2 * np.pi * extra_turns)
    assert played.stored_frame == frame % FRAMES
    np.testing.assert_array_equal(played.samples, RECORDING.samples[frame % FRAMES])


@settings(deadline=None)
@given(st.floats(0, 20), st.floats(-20, 20))
def test_played_azimuth_is_the_rotors_within_half_a_turn_of_the_time(elapsed, angle):
    played = float(PLAYBACK.played_s(elapsed, angle))
    assert 0 <= played < TURNS * 0.5
    turn_error = np.mod(RATE * played - angle + np.pi, 2 * np.pi) - np.pi
    assert turn_error == pytest.approx(0, abs=1e-6)
    half_turn_s = 0.25
    difference = np.mod(played - elapsed + 0.5, TURNS * 0.5) - 0.5
    assert abs(difference) <= half_turn_s + 1e-9


@settings(deadline=None)
@given(st.floats(0, TURNS * 0.5, exclude_max=True))
def test_nearest_is_nearest(time_s):
    frame, loop = PLAYBACK.nearest(np.array([time_s]))
    stored = RECORDING.position_times_s()
    period = TURNS * 0.5
    distance = np.abs(np.mod(stored - time_s + period / 2, period) - period / 2)
    assert distance[frame[0], loop[0]] <= distance.min() + 1e-9


@settings(deadline=None)
@given(st.floats(0, 6), st.floats(0, 2 * np.pi))
def test_samples_of_a_standing_rotor_all_look_the_same_way(start_s, angle):
    elapsed = frame_times(start_s)
    played = PLAYBACK.drive_frame(elapsed, np.full(len(elapsed), angle))
    seen = RATE * drive_time_s(played.samples)
    error = np.mod(seen - angle + np.pi, 2 * np.pi) - np.pi
    assert np.max(np.abs(error)) <= RATE * GAP_S / 2 + 1e-6
    assert played.stored_frame is None


@settings(deadline=None)
@given(st.floats(-50, 50))
def test_still_frame_is_the_nearest_azimuth_of_the_prelude(angle):
    angles = angle + RATE * WAVEFORM.position_offsets_s
    frame = PLAYBACK.still_frame(angles)
    assert (frame.samples[:, 0, 0, 0] == -1).all()
    seen = np.deg2rad(frame.samples[:, 0, 0, 1] / 2)
    error = np.mod(seen - angles + np.pi, 2 * np.pi) - np.pi
    assert np.max(np.abs(error)) <= np.deg2rad(0.25) + 1e-6


def test_a_drive_that_does_not_loop_ends_with_its_last_turn():
    playback = Playback(CountingRecording(loop=False))
    elapsed = np.array([0.3, 0.99, 1.01, 1.49, 1.51, 7.77])
    played = playback.played_s(elapsed, RATE * elapsed)
    np.testing.assert_allclose(played, [0.3, 0.99, 0.51, 0.99, 0.51, 0.77], atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"samples": RECORDING.samples[:, :-1]}, "samples"),
        ({"samples": RECORDING.samples[:0]}, "samples"),
        ({"prelude": RECORDING.prelude[:, :-1]}, "prelude"),
        ({"duration_s": 0.9}, "whole turns"),
    ],
)
def test_inconsistent_recordings_are_refused(changes, name):
    with pytest.raises(ValueError, match=name):
        Playback(dataclasses.replace(RECORDING, **changes))
