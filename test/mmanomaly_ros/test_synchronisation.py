"""Frames of the radar and images of the camera by their stamps."""

import math
import re

import pytest

from mmanomaly_ros.synchronisation import IMAGES, KEPT, Synchroniser

PERIOD_S = 0.1


def play(pairs, frames, *, offset_s=0.0, late_s=0.0, kinds=IMAGES, camera_s=PERIOD_S, images=True):
    """Everything told while frames and images arrive, each at its own time.

    Image ``n`` shows time ``n * camera_s``, is stamped ``offset_s`` later and comes ``late_s``
    after that time.
    """
    events = [(number * PERIOD_S, "frame", number * PERIOD_S, number) for number in range(frames)]
    count = round(frames * PERIOD_S / camera_s) if images else 0
    for number in range(count):
        time_s = number * camera_s
        events += [(time_s + late_s, kind, time_s + offset_s, number) for kind in kinds]
    told = []
    for now_s, kind, time_s, number in sorted(events, key=lambda one: one[0]):
        if kind == "frame":
            pairs.add_frame(number, time_s, now_s)
        else:
            pairs.add_image(kind, number, time_s, now_s)
        told += [(now_s, one) for one in pairs.take(now_s)]
    end_s = frames * PERIOD_S + 10
    return told + [(end_s, one) for one in pairs.take(end_s)]


@pytest.mark.parametrize("offset_s", [-0.04, -0.01, 0.0, 0.01, 0.04])
def test_images_of_the_same_time_go_with_their_frame(offset_s):
    told = play(Synchroniser(), 20, offset_s=offset_s)
    assert [one.frame for _, one in told] == list(range(20))
    for number, (now_s, one) in enumerate(told[:-1]):
        assert one.problem == ""
        assert now_s - one.time_s <= (PERIOD_S if offset_s < -0.02 else 0) + 1e-9
        assert one.images == {"colour": number, "depth": number}
        assert one.apart_s == pytest.approx(offset_s, abs=1e-9)


def test_the_nearest_image_is_waited_for_but_no_longer_than_needed():
    # frames at 0, 100 ... ms; images at 0, 33, 67, 100 ... ms that come 40 ms late
    told = play(Synchroniser(), 10, camera_s=PERIOD_S / 3, late_s=0.04)
    for now_s, one in told[:-1]:
        assert one.images["colour"] == 3 * one.frame
        assert now_s == pytest.approx(one.time_s + 0.04, abs=1e-9)


@pytest.mark.parametrize("late_s", [0.5, 2.0])
def test_images_that_come_late_are_not_used_and_it_is_told_by_how_much(late_s):
    told = play(Synchroniser(patience_s=0.3), 40, late_s=late_s)
    steady = [one for now_s, one in told if now_s > late_s + 0.5 and one.frame < 38]
    assert len(steady) > 10
    for one in steady:
        assert one.images == {}
        assert math.isnan(one.apart_s)
        told_s = float(re.search(r"colour image is ([+-]\d+\.\d+) s off", one.problem)[1])
        # when patience ends, the newest image shows what was late_s ago
        assert told_s == pytest.approx(0.3 - late_s, abs=PERIOD_S + 0.01)
        assert "60 ms are allowed" in one.problem


@pytest.mark.parametrize("offset_s", [-5.0, 0.2, 0.5, 5.0])
def test_clocks_that_are_apart_are_told_even_where_stamps_coincide(offset_s):
    told = play(Synchroniser(), 80, offset_s=offset_s)
    steady = [one for now_s, one in told if 1.0 < now_s < 8.0]
    assert len(steady) > 50
    for one in steady:
        assert one.images == {}
        assert "are the clocks of camera and radar synchronised" in one.problem


def test_a_computer_that_takes_the_radars_frames_late_is_no_clock_that_is_off():
    pairs = Synchroniser(patience_s=0.3)
    for number in range(20):
        time_s = number * PERIOD_S
        for kind in IMAGES:
            pairs.add_image(kind, number, time_s, time_s)
        if number % 10 == 9:  # it was busy for a second
            for late in range(number - 9, number + 1):
                pairs.add_frame(late, late * PERIOD_S, time_s + 0.1)
    told = pairs.take(2.0)
    assert [one.images.get("colour") for one in told] == list(range(20))


def test_a_kind_that_never_comes_is_named_and_the_other_is_kept():
    told = play(Synchroniser(), 10, kinds=("colour",))
    assert len(told) == 10
    for _, one in told[:-1]:
        assert one.problem.startswith("no depth image has come: does the camera's driver run")
        assert one.images["colour"] == one.frame


def test_a_camera_that_stops_is_told_with_the_time_since():
    pairs = Synchroniser(silent_s=1.0)
    play(pairs, 3)
    pairs.add_frame("later", 2.0, 2.0)
    (told,) = pairs.take(2.0)  # nothing is waited for
    assert told.frame == "later"
    assert told.problem == "no colour image for 1.8 s; no depth image for 1.8 s"


def test_frames_wait_no_longer_than_the_patience():
    pairs = Synchroniser(patience_s=0.2)
    pairs.add_frame(0, 0.0, 0.0)
    assert pairs.take(0.19) == []
    assert [one.problem for one in pairs.take(0.2)] == [
        "no colour image has come; no depth image has come: does the camera's driver run, are its "
        "topics remapped?"
    ]
    assert pairs.take(9.0) == []


def test_a_recording_begun_anew_is_followed():
    pairs = Synchroniser()
    play(pairs, 10)
    told = play(pairs, 10)
    assert [one.images.get("depth") for _, one in told[2:-1]] == list(range(2, 9))


def test_memory_is_bounded():
    pairs = Synchroniser()
    for number in range(10 * KEPT):
        pairs.add_image("colour", number, 0.1 * number, 0.1 * number)
    pairs.add_image("depth", 0, 99.0, 0.1 * number)
    pairs.add_frame(0, 0.0, 0.1 * number)
    (told,) = pairs.take(1e9)
    assert "colour" not in told.images


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ({"tolerance_s": 0.0}, "must be positive"),
        ({"silent_s": -1.0}, "must be positive"),
        ({"tolerance_s": 0.5, "patience_s": 0.3}, "at least tolerance_s = 0.5"),
    ],
)
def test_wrong_settings_are_refused(values, limit):
    with pytest.raises(ValueError, match=limit):
        Synchroniser(**values)
