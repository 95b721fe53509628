"""People found live against the truth."""

import numpy as np
import pytest

from rexo_ros.live_score import Seen, matched, score_live
from rexo_ros.pictures import live_picture
from rexo_ros.space import Space


def test_found_missed_false_and_changed_numbers_are_counted():
    truth = {t: [Seen(1, 3.0, 0.0), Seen(2, 5.0, 1.0)] for t in (0, 100, 200)}
    tracks = {
        5: [Seen(7, 3.1, 0.0), Seen(8, 1.0, -2.0)],
        105: [Seen(7, 3.2, 0.0), Seen(9, 5.0, 1.3)],
        205: [Seen(9, 3.0, 0.1)],
        900: [Seen(1, 3.0, 0.0)],
    }
    score = score_live(tracks, truth, apart_ns=50)
    assert (score.frames, score.people) == (3, 6)
    assert score.found == pytest.approx(4 / 6)
    assert score.false_per_frame == pytest.approx(1 / 3)
    assert score.switches == 1  # person 1 was 7, then 9
    assert score.place_median_m == pytest.approx(0.15)


def test_without_truth_nothing_is_judged():
    score = score_live({0: [Seen(1, 0, 0)]}, {}, 10)
    assert score.frames == 0
    assert np.isnan(score.found)


def test_pairs_are_the_nearest_together_and_not_far():
    people, tracks = np.array([[0.0, 0.0], [0.4, 0.0]]), np.array([[0.3, 0.0], [-0.2, 0.0]])
    assert {(a, b) for a, b, _ in matched(people, tracks)} == {(0, 1), (1, 0)}
    assert matched(people, tracks + 5) == []
    assert matched(people[:0], tracks) == []


def test_the_picture_shows_people_where_they_are():
    space = Space()
    picture = live_picture({}, [Seen(1, 4.0, 0.0)], [Seen(1, 4.0, 1.0)], space)
    assert picture.dtype == np.uint8
    across = round(3.0 * 64)
    assert picture[256, across].max() > 200  # the track: ahead, in the middle
    assert picture[256, across - 64 - 14].max() > 200  # the truth: a ring, to the left
