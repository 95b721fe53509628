"""People are followed: numbers stay, speeds are found, gaps are crossed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rexo_ros.tracking import Tracker, TrackerSettings

STEP_S = 0.1
SIZE = (0.6, 1.7, 0.5)


def box(x_m, z_m):
    return np.array([x_m, -0.15, z_m, *SIZE])


def follow(ways, noise_m=0.0, seed=0, missing=lambda who, frame: False, tracker=None):
    """Tracks told of every frame, for ways of (x, z) by frame."""
    rng = np.random.default_rng(seed)
    tracker = tracker if tracker is not None else Tracker()
    told = []
    for frame in range(len(ways[0])):
        there = [who for who in range(len(ways)) if not missing(who, frame)]
        rng.shuffle(there)
        found = [box(*(ways[who][frame] + rng.normal(0, noise_m, 2))) for who in there]
        boxes = np.array(found).reshape(-1, 6)
        told.append(
            {
                track.number: track.state.copy()
                for track in tracker.update(boxes, np.full(len(boxes), 0.9), frame * STEP_S)
            }
        )
    return told


def straight(start, velocity, frames=40):
    return np.array(start) + STEP_S * np.arange(frames)[:, None] * np.array(velocity)


@settings(deadline=None, max_examples=20)
@given(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2), st.integers(0, 999))
def test_somebody_keeps_their_number_and_their_speed_is_found(vx, vz, seed):
    way = straight((0.0, 4.0), (vx, vz))
    told = follow([way], 0.05, seed)
    numbers = {number for frame in told for number in frame}
    assert numbers == {1}
    state = told[-1][1]
    np.testing.assert_allclose(state[:2], way[-1], atol=0.25)
    np.testing.assert_allclose(state[2:], (vx, vz), atol=0.5)


def test_a_track_is_told_after_three_frames():
    told = follow([straight((0, 3), (0, 0), 5)])
    assert [len(frame) for frame in told] == [0, 0, 1, 1, 1]


def test_people_who_cross_keep_their_numbers():
    one, other = straight((-2.0, 3.0), (1.0, 0.2)), straight((2.0, 4.4), (-1.0, -0.2))
    told = follow([one, other], 0.03, 3)
    at_first, at_last = told[3], told[-1]
    assert at_first.keys() == at_last.keys()
    assert len(at_last) == 2
    for number in at_first:
        way = one if np.hypot(*(at_first[number][:2] - one[3])) < 0.5 else other
        assert np.hypot(*(at_last[number][:2] - way[-1])) < 0.3


def test_a_gap_is_crossed_and_a_long_one_ends_the_track():
    way = straight((-1.5, 3.0), (1.0, 0.0))
    told = follow([way], 0.02, 1, missing=lambda who, frame: 15 <= frame < 22)
    assert all(set(frame) == {1} for frame in told[2:])
    told = follow([way], 0.02, 1, missing=lambda who, frame: 12 <= frame < 30)
    assert set(told[11]) == {1}
    assert set(told[29]) == set()
    assert set(told[-1]) == {2}  # a number is never given twice


def test_a_number_is_not_handed_on_over_a_time_in_which_nobody_looked():
    tracker = Tracker()
    follow([straight((0, 3), (0, 0), 6)], tracker=tracker)
    after_s = tracker.tracks[0].last_s + 60
    assert tracker.update(np.array([box(2.5, 7)]), np.ones(1), after_s) == []
    assert [track.number for track in tracker.tracks] == [2]


def test_false_detections_are_not_told():
    rng = np.random.default_rng(5)
    tracker, told = Tracker(), set()
    for frame in range(60):
        boxes = np.array([box(*rng.uniform((-3, 1), (3, 8)))])
        told |= {one.number for one in tracker.update(boxes, np.ones(1), frame * STEP_S)}
    assert len(told) <= 6  # of sixty
    assert len(tracker.tracks) < 25


def test_time_that_goes_back_a_little_keeps_numbers():
    tracker = Tracker()
    follow([straight((0, 3), (0, 0), 6)], tracker=tracker)
    (before,) = tracker.tracks
    (again,) = tracker.update(np.array([box(0, 3)]), np.ones(1), before.last_s - 0.02)
    assert again.number == before.number


def test_time_that_goes_back_begins_anew():
    tracker = Tracker()
    follow([straight((0, 3), (0, 0), 6)], tracker=tracker)
    assert tracker.update(np.array([box(0, 3)]), np.ones(1), 0.0) == []
    assert [track.number for track in tracker.tracks] == [2]


def test_boxes_of_tracks_are_those_of_their_detections():
    tracker = Tracker()
    for frame in range(5):
        (*_, last) = [None, *tracker.update(np.array([box(0.5, 3)]), np.ones(1), frame * STEP_S)]
    np.testing.assert_allclose(last.box_m, box(0.5, 3), atol=1e-9)
    np.testing.assert_allclose(last.velocity_mps, 0, atol=1e-9)
    eigenvalues = np.linalg.eigvalsh(last.covariance)
    assert (eigenvalues > 0).all()


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="1 boxes have 2 scores"):
        Tracker().update(np.array([box(0, 3)]), np.ones(2), 0.0)
    with pytest.raises(ValueError, match="gap_s must be positive"):
        TrackerSettings(gap_s=0)
    with pytest.raises(ValueError, match="smoothing"):
        TrackerSettings(smoothing=2)
