"""Two radars together: what belongs to one time, and what is missing and why."""

import numpy as np
import pytest

from rexo_ros.pairing import ViewPairs
from rexo_ros.space import Space

SPACE = Space(rows=2, columns=3)
PERIOD_S = 0.05


def pairs(**other):
    return ViewPairs(SPACE, 4, PERIOD_S, **other)


def heatmap(number):
    return np.full((2, 3), number, np.float32)


def feed(both, frames, offset_s=0.02, views=("horizontal", "vertical"), first=0):
    """Frames of both radars as they come; the last window."""
    last = None
    for frame in range(first, first + frames):
        for number, view in enumerate(views):
            time_s = frame * PERIOD_S + number * offset_s
            window = both.add(view, heatmap(frame + 100 * number), time_s, time_s)
            last = window if window is not None else last
    return last


@pytest.mark.parametrize("offset_s", [0.001, 0.02, 0.049])
def test_frames_of_both_that_are_near_in_time_go_together(offset_s):
    window = feed(pairs(), 6, offset_s)
    assert window.missing == {}
    assert window.time_s == pytest.approx(5 * PERIOD_S)
    assert window.power[0, :, 0, 0].tolist() == [2, 3, 4, 5]
    # frame 5 of the other one has not arrived: 4 is the nearest of those that have
    assert window.power[1, :, 0, 0].tolist() == [101, 102, 103, 104]


def test_of_two_frames_the_nearer_one_is_taken():
    both = pairs()
    window = None
    for frame in range(6):
        time_s = frame * PERIOD_S
        window = both.add("horizontal", heatmap(frame), time_s, time_s)
        both.add("vertical", heatmap(100 + frame), time_s + 0.049, time_s + 0.049)
    # 1 ms off, not 49 ms
    assert window.power[1, -1, 0, 0] == 104


def test_a_radar_that_loses_frames_is_left_out_and_does_not_stop_the_other():
    both = pairs()
    told, missing = 0, set()
    for frame in range(60):
        time_s = frame * PERIOD_S
        if frame % 6 > 2:
            window = both.add("horizontal", heatmap(frame), time_s, time_s)
            assert window is None
        window = both.add("vertical", heatmap(frame), time_s + 0.01, time_s + 0.01)
        if window is not None:
            told += 1
            missing |= set(window.missing.items())
    assert told > 40
    assert {name for name, _ in missing} == {"horizontal"}
    assert any("frames are missing: up to 0.20 s" in why for _, why in missing)


def test_radars_of_another_period_are_told_as_that():
    both = pairs()
    for frame in range(10):
        time_s = 3 * frame * PERIOD_S
        for view in ("horizontal", "vertical"):
            assert both.add(view, heatmap(frame), time_s, time_s) is None
    assert "horizontal radar: frames are missing: up to 0.15 s" in both.problem(1.4)
    assert "no frame for 8.7 s" in both.problem(10.0)
    assert pairs().problem(0.0).count("no frame has come") == 2


def test_time_does_not_go_back_when_another_radar_leads():
    both = pairs()
    times = []
    for frame in range(60):
        time_s = frame * PERIOD_S
        for view, offset_s in (("horizontal", 0.0), ("vertical", 0.02)):
            if view == "horizontal" and 20 <= frame < 40:
                continue
            window = both.add(view, heatmap(frame), time_s + offset_s, time_s + offset_s)
            if window is not None:
                times.append(window.time_s)
    assert (np.diff(times) > 0).all()
    assert len(times) > 45


def test_nothing_is_told_before_there_are_enough_frames():
    assert feed(pairs(), 4) is None
    assert feed(pairs(), 5) is not None


def test_a_radar_that_never_came_or_fell_silent_is_left_out():
    both = pairs()
    assert feed(both, 9, views=("horizontal",)) is None  # the other may come yet
    window = feed(both, 8, views=("horizontal",), first=9)
    assert window.missing == {"vertical": "no frame has come"}
    assert np.isnan(window.power[1]).all()
    assert np.isfinite(window.power[0]).all()
    feed(both, 5, first=17)
    window = feed(both, 12, views=("horizontal",), first=22)
    assert window.missing["vertical"].startswith("no frame for 0.")
    assert feed(both, 5, first=34).missing == {}


def test_the_other_leads_when_the_first_is_silent():
    both = pairs()
    feed(both, 5)
    window = None
    for frame in range(5, 25):
        time_s = frame * PERIOD_S
        window = both.add("vertical", heatmap(frame), time_s, time_s)
    assert window is not None
    assert list(window.missing) == ["horizontal"]
    assert window.power[1, -1, 0, 0] == 24


def test_clocks_that_are_apart_are_told():
    both = pairs()
    window = None
    for frame in range(16):
        now_s = frame * PERIOD_S
        both.add("vertical", heatmap(0), now_s + 3.0, now_s)
        window = both.add("horizontal", heatmap(1), now_s, now_s)
    assert (
        "+3.00 s off: are the clocks of both computers synchronised?" in window.missing["vertical"]
    )
    assert np.isnan(window.power[1]).all()


def test_a_gap_is_not_a_sequence():
    both = pairs()
    feed(both, 4)
    feed(both, 1, first=4)
    late_s = 5 * PERIOD_S + 1.0
    assert both.add("horizontal", heatmap(9), late_s, late_s) is None


def test_time_that_goes_back_begins_anew():
    both = pairs()
    feed(both, 6, first=100)
    assert feed(both, 3) is None
    assert feed(both, 4, first=3).missing == {}


def test_one_lost_frame_is_put_up_with_and_a_moment_of_more_is_not_told_as_one_radar():
    both = pairs()
    feed(both, 6)
    for view in ("horizontal", "vertical"):  # frame 6 of both is lost
        window = both.add(view, heatmap(7), 7 * PERIOD_S + 0.01, 7 * PERIOD_S + 0.01)
        assert window is None or window.missing == {}
    assert feed(both, 2, first=8).missing == {}
    time_s = 14 * PERIOD_S
    assert both.add("horizontal", heatmap(14), time_s, time_s) is None
    told = [
        both.add("horizontal", heatmap(frame), frame * PERIOD_S, frame * PERIOD_S)
        for frame in range(15, 20)
    ]
    assert all(window is None or window.missing == {} for window in told)


@pytest.mark.parametrize("wrong", ["stands still", "goes back"])
def test_a_radar_whose_clock_is_wrong_is_left_out_and_does_not_stop_the_other(wrong):
    both = pairs()
    told, missing = 0, {}
    for frame in range(60):
        time_s = frame * PERIOD_S
        window = both.add("horizontal", heatmap(frame), time_s, time_s)
        stamp_s = 1.0 if wrong == "stands still" else time_s - 0.08 * (frame % 3 == 0)
        assert both.add("vertical", heatmap(frame), stamp_s, time_s + 0.01) is None
        if window is not None:
            told += 1
            missing = window.missing
    assert told > 40
    assert missing.keys() == {"vertical"}
    assert "is its clock right?" in missing["vertical"] or "off: " in missing["vertical"]


def test_numbers_must_be_positive():
    with pytest.raises(ValueError, match="must be positive"):
        pairs(silent_s=0.0)
