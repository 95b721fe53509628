"""From blocks and images to what is said: nothing is normal that was not seen."""

from dataclasses import replace

import numpy as np
import pytest
from watched_frames import (
    COLUMNS,
    PLACE_M,
    ROWS,
    WAVE,
    bin_of,
    block,
    colour,
    depth_mm,
    detector,
    number_of,
)

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.live import LiveWatch
from mmanomaly_ros.radar_check import RadarCheck
from mmanomaly_ros.spectrum import NOISE_COUNTS, SpectrumMaker
from mmanomaly_ros.synchronisation import Synchroniser
from mmwave.camera import RGBD_CAMERA

START_NS = 1_700_000_000_000_000_000
PERIOD_S = WAVE.frame_period_s
DEPTH_M = depth_mm().astype(np.float32) / 1e3


class Blank:
    """A maker of spectra in no time."""

    waveform = WAVE

    def __call__(self, frame, time_s):
        return np.zeros((3, 128, 64), np.float32)

    def reset(self):
        pass


def live_watch(found, make, **options):
    pairs, random = Synchroniser(), np.random.default_rng(0)
    return LiveWatch(found, pairs, random, make, RadarCheck(NOISE_COUNTS), **options)


class Live:
    """A watch with frames and images that are fed to it in step."""

    def __init__(self, make=None, **options):
        make = make or Blank()
        self.detector = detector(**options)
        self.watch = live_watch(self.detector, make)
        self.watch.set_camera(RGBD_CAMERA)
        self.number = 0

    def step(
        self, rgb=colour, depth_m=DEPTH_M, frame=True, judge=True, off_s=0.0, valid=None, radar=None
    ):
        """One period; the image's arguments may be None for none."""
        number, self.number = self.number % 20, self.number + 1
        now_s = self.number * PERIOD_S
        time_ns = START_NS + round(now_s * 1e9)
        if rgb is not None:
            self.watch.add_image("colour", lambda: rgb(number), time_ns * 1e-9 + off_s, now_s)
        if depth_m is not None:
            self.watch.add_image("depth", lambda: depth_m.copy(), time_ns * 1e-9 + off_s, now_s)
        if frame:
            self.watch.add_block(block(number, time_ns, valid, radar), now_s)
        # every frame waits for its images no longer than to the end of the next steps
        return self.watch.judge(now_s) if judge else None

    def steps(self, count, **options):
        """The last of what was said."""
        told = [self.step(**options) for _ in range(count)]
        return [one for one in told if one is not None][-1]


def test_calm_frames_are_normal_and_high_scores_an_anomaly_at_its_place():
    live = Live()
    first = live.step()
    assert (first.state, bool(first.reason)) == (AlarmState.UNKNOWN, True)
    calm = live.steps(4)
    assert (calm.state, calm.reason) == (AlarmState.NORMAL, "")
    assert calm.apart_s == pytest.approx(0, abs=0.002)
    live.detector.compares.score = 1.0
    found = live.steps(4)
    assert (found.state, found.reason) == (AlarmState.ANOMALY, "")
    np.testing.assert_allclose(found.found.peaks.position_m[0], PLACE_M, atol=0.03)
    assert found.depth_m.shape == (ROWS, COLUMNS)


def test_spectrum_and_image_are_of_the_same_frame():
    live = Live(SpectrumMaker())
    live.steps(15)
    pairs = zip(live.detector.compares.spectra, live.detector.expects.contexts, strict=True)
    numbers = [(bin_of(spectrum), number_of(context)) for spectrum, context in pairs]
    assert numbers == [(number, number) for number in range(15)]


def dark(number):
    return (colour(number) * 0.03).astype(np.uint8)


def covered(number):
    return np.full((ROWS, COLUMNS, 3), 120, np.uint8)


def small(number):
    return colour(number)[::2, ::2]


def torn(number):
    raise ValueError("the image has 7 bytes")


def noisier(samples, share):
    """With as much noise again as a share of the usual."""
    deviation = NOISE_COUNTS * np.sqrt(share / 2)
    noise = np.random.default_rng(1).normal(0, deviation, samples.shape)
    return (samples + noise).round().astype(np.int16)


HOLES = np.where(np.arange(COLUMNS) < 0.8 * COLUMNS, np.nan, DEPTH_M).astype(np.float32)
TURNED = DEPTH_M[:, np.clip(np.arange(COLUMNS) + 20, 0, COLUMNS - 1)]

FAULTS = {
    "no depth image": {"depth_m": None},
    "no colour image": {"rgb": None},
    "are holes": {"depth_m": HOLES},
    "nothing but holes": {"depth_m": DEPTH_M * np.float32(np.nan)},
    "too dark": {"rgb": dark},
    "lens covered": {"rgb": covered},
    "registered to colour": {"rgb": small},
    "colour: the image has 7 bytes": {"rgb": torn},
    "camera moved": {"depth_m": TURNED},
    "off the radar's frame": {"off_s": 0.5},
    "hold no noise": {"radar": np.zeros_like},
    "noise is 1.24 counts": {"radar": lambda samples: (samples * 0.1).astype(np.int16)},
    "+3.0 dB off": {"radar": lambda samples: noisier(samples, 1.0)},
    "no leakage": {"radar": lambda samples: noisier(0 * samples, 1.0)},
    "at the converters' limits": {"radar": lambda samples: np.sign(samples) * np.int16(32767)},
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_cannot_be_judged_is_unknown_with_the_reason_and_normal_only_after_it(words):
    live = Live()
    assert live.steps(11).state is AlarmState.NORMAL  # the camera's place is remembered by then
    wrong = live.steps(18, **FAULTS[words])
    assert wrong.state is AlarmState.UNKNOWN
    assert words in wrong.reason
    assert wrong.found is None
    assert live.step().state is AlarmState.UNKNOWN  # one frame is not enough
    # what the noise was is a median over more than a second
    assert live.steps(18).state is AlarmState.NORMAL


@pytest.mark.parametrize(("watch", "put_up_with"), [("weapon", 4), ("fall", 2)])
@pytest.mark.parametrize("lost", ["rgb", "depth_m"])
def test_a_few_lost_images_are_put_up_with_and_more_are_not(watch, put_up_with, lost):
    live = Live(window=4, watch=watch)
    live.steps(8)
    for _ in range(put_up_with):
        assert live.step(**{lost: None}) is None
    again = live.steps(4)  # those without wait for it until the next images have come
    assert again.state is AlarmState.NORMAL
    assert live.watch.skipped == put_up_with
    states = [live.step(**{lost: None}) for _ in range(put_up_with + 8)]
    assert [one.state for one in states if one is not None][-1] is AlarmState.UNKNOWN


def test_without_calibration_nothing_is_known():
    live = Live()
    live.watch.set_camera(None, "camera_info is not calibrated")
    assert live.steps(3).reason == "camera_info is not calibrated"
    live.watch.set_camera(replace(RGBD_CAMERA, size_px=(640, 480)))
    assert "640" in live.steps(3).reason


def test_a_computer_too_slow_judges_the_newest_and_counts_the_others():
    live = Live(SpectrumMaker())
    live.steps(4)
    for _ in range(3):
        live.step(judge=False)
    live.step()
    assert live.watch.skipped == 3
    assert bin_of(live.detector.compares.spectra[-1]) == 7
    assert number_of(live.detector.expects.contexts[-1]) == 7


@pytest.mark.parametrize(("watch", "put_up_with"), [("weapon", 4), ("fall", 2)])
def test_frames_before_a_gap_count_no_longer(watch, put_up_with):
    live = Live(window=4, watch=watch)
    assert live.steps(8).state is AlarmState.NORMAL
    for _ in range(put_up_with):
        live.step(judge=False)
    assert live.step().state is AlarmState.NORMAL
    for _ in range(put_up_with + 1):
        live.step(judge=False)
    assert live.step().state is AlarmState.UNKNOWN


def test_lost_frames_are_not_judged_and_long_silence_is_told():
    live = Live()
    assert live.watch.silence(0.0) == ""
    live.steps(5)
    lost = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    lost[: WAVE.loops_per_frame // 2] = False
    assert all(live.step(valid=lost) is None for _ in range(9))
    now_s = live.number * PERIOD_S
    assert live.watch.silence(now_s) == ""
    assert "no whole frame of the radar" in live.watch.silence(now_s + 1.0)
    told = live.watch.blind(0.0, live.watch.silence(now_s + 1.0))
    assert told.state is AlarmState.UNKNOWN
    assert live.watch.silence(now_s) == ""


def test_silence_from_the_beginning_is_told():
    live = Live()
    assert live.watch.silence(100.0) == ""
    assert "no whole frame" in live.watch.silence(103.0)


def test_a_recording_begun_anew_is_as_the_first_time():
    live = Live(SpectrumMaker())
    live.steps(5)
    live.number = 0
    assert live.step().state is AlarmState.UNKNOWN
    np.testing.assert_array_equal(
        live.detector.compares.spectra[-1], live.detector.compares.spectra[0]
    )


def test_other_chirps_are_refused_by_name():
    live = Live()
    other = block(0, START_NS)
    with pytest.raises(ValueError, match=r"idle_s.*anomaly_radar\.yaml"):
        live.watch.add_block(replace(other, waveform=replace(WAVE, idle_s=8e-5)), 0.0)


def test_an_alarm_outlives_a_camera_that_is_dark_for_a_second():
    live = Live()
    live.steps(4)
    live.detector.compares.score = 1.0
    assert live.steps(4).state is AlarmState.ANOMALY
    assert live.steps(12, rgb=lambda number: np.zeros_like(colour(0))).state is AlarmState.UNKNOWN
    # as high as keeps an alarm, and as would never begin one
    live.detector.compares.score = 0.0
    assert live.steps(3).state is AlarmState.ANOMALY
    live.detector.compares.score = -1.0
    assert live.steps(4).state is AlarmState.NORMAL


def test_two_cameras_with_other_clocks_are_no_calm():
    live = Live()
    assert live.steps(5).state is AlarmState.NORMAL
    told = []
    for _ in range(30):
        live.watch.add_image("colour", lambda: colour(0), START_NS * 1e-9 - 50, live.number / 10)
        told.append(live.step(judge=False))
        told.append(live.watch.judge(live.number * PERIOD_S + 0.05))
    told = [one for one in told if one is not None]
    assert len(told) > 10
    for one in told:
        assert one.state is not AlarmState.NORMAL or abs(one.apart_s) < 0.05


def test_who_judges_nothing_says_so():
    live = Live()
    assert live.steps(3).reason == ""
    begin_s = live.number * PERIOD_S
    assert live.watch.silence(begin_s) == ""
    for _ in range(30):  # frames come, and never have images: an image that goes back clears them
        live.step(rgb=None, depth_m=None, judge=False)
        live.watch._pairs.reset()
    assert "nothing could be judged for 3 s" in live.watch.silence(live.number * PERIOD_S)


def test_frames_before_it_is_known_what_stands_still_are_not_judged():
    live = Live()
    live.watch = live_watch(live.detector, Blank(), learned_frames=6)
    live.watch.set_camera(RGBD_CAMERA)
    assert [live.step() for _ in range(6)] == [None] * 6
    assert live.step().state is AlarmState.UNKNOWN  # the first of a window of two
    assert live.steps(3).state is AlarmState.NORMAL


def test_a_wall_with_no_room_behind_it_is_not_calm():
    live = Live(watch="intruder")
    assert live.steps(5).state is AlarmState.NORMAL
    far = np.where(DEPTH_M > 0, 5.1, np.nan).astype(np.float32)
    told = live.steps(5, depth_m=far)
    assert told.state is AlarmState.UNKNOWN
    assert "5.1 m away" in told.reason or "camera moved" in told.reason
    fresh = Live(watch="intruder").steps(5, depth_m=far)
    assert "the farthest surface that the camera sees is 5.1 m away" in fresh.reason


def test_a_wall_with_an_open_door_is_not_calm():
    open_door = np.full((ROWS, COLUMNS), 2.0, np.float32)
    assert Live(watch="intruder").steps(5, depth_m=open_door).state is AlarmState.NORMAL
    open_door[20:, 60:72] = 4.2  # 7 % of the image
    told = Live(watch="intruder").steps(5, depth_m=open_door)
    assert told.state is AlarmState.UNKNOWN
    assert "past the wall at 2.0 m (7% of it is 4.2 m away)" in told.reason


def test_a_recording_of_another_place_is_no_camera_that_moved():
    live = Live()
    assert live.steps(12).state is AlarmState.NORMAL
    live.number = 0
    assert live.steps(24, depth_m=TURNED).state is AlarmState.NORMAL


def test_another_calibration_is_no_camera_that_moved_and_one_that_jitters_no_other():
    live = Live()
    assert live.steps(12).state is AlarmState.NORMAL
    focal = tuple(1.3 * one for one in RGBD_CAMERA.focal_px)
    live.watch.set_camera(replace(RGBD_CAMERA, focal_px=focal))
    assert live.steps(24).state is AlarmState.NORMAL
    for number in range(12):
        live.watch.set_camera(replace(RGBD_CAMERA, focal_px=focal).moved([1e-9 * number, 0, 0]))
        live.step()
    assert "camera moved" in live.steps(12, depth_m=TURNED).reason
