"""Sectors as they come: order, time, content; the same from the same stamps however they arrive."""

import random
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.motion import MotionEstimate
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.resampling import COARSEST_SPREAD, AzimuthGrid
from panoradar_ros.imaging.rolling import RollingImager, _TurnResult
from panoradar_ros.imaging.rolling_sectors import RollingSettings
from panoradar_ros.imaging.turntable import AssemblySettings, RotationAssembler

START_NS = 1_700_000_000_000_000_000
RATE = 4 * np.pi
SMALL = Waveform(samples_per_chirp=16, sample_rate_hz=0.32e6)
CHAIN = ImagingSettings(grid=PanoramaGrid(columns=128, rows=4), workers=1)


class Turns:
    """Stands for the imager of whole turns: takes its time and says a known rate of turn."""

    def __init__(self, slowness_s=0.0, yaw_rate_radps=0.3):
        self.array, self.settings, self.leakage = AntennaArray(), CHAIN, None
        self._random = random.Random(1)
        self._slowness_s, self._yaw_rate_radps = slowness_s, yaw_rate_radps

    def image(self, rotation, on_motion, yaw_rate=None, wanted=None):
        time.sleep(self._random.uniform(0, self._slowness_s))
        motion = PlanarMotion(0.2, 0.1, 0.0, 0.0, 0.3, self._yaw_rate_radps)
        on_motion(MotionEstimate(motion, np.eye(3), 99, 1, True))
        return rotation


def noise_block(index, waveform=SMALL, start_ns=START_NS):
    rng = np.random.default_rng(index)
    times_s = index * waveform.frame_period_s + waveform.position_offsets_s
    samples = rng.integers(-900, 900, (64, 8, waveform.samples_per_chirp, 2), dtype=np.int16)
    times_ns = start_ns + np.rint(1e9 * times_s).astype(np.int64)
    return PositionBlock(index, samples, times_ns, np.ones((64, 8), bool), waveform)


def angle(time_ns, direction=1):
    return direction * (RATE * (time_ns - START_NS) * 1e-9 - 1.0)


def angle_times(seconds):
    return [START_NS - 20_000_000 + i * 10_000_000 for i in range(int(100 * seconds))]


def in_order(blocks, times, direction=1):
    """Both streams interleaved as a robot sends them."""
    pending = list(blocks)
    for time_ns in times:
        while pending and pending[0].time_ns[-1] < time_ns:
            yield pending.pop(0)
        yield time_ns, angle(time_ns, direction)


def roll(items, imager=None, **options):
    """All updates, and the turns, of items."""
    turns, updates = [], []
    with RollingImager(imager or Turns(), turns.append, **options) as rolling:
        for item in items:
            if isinstance(item, PositionBlock):
                rolling.add_block(item)
            else:
                rolling.add_angle(*item)
            updates += rolling.updates()
    return updates, turns, rolling


@pytest.mark.parametrize("direction", [1, -1])
def test_every_column_comes_once_a_turn_in_the_order_of_time(direction):
    blocks = [noise_block(i) for i in range(70)]
    updates, turns, _ = roll(in_order(blocks, angle_times(1.9), direction))
    columns = np.concatenate([u.columns for u in updates])
    assert np.all((columns[1:] - columns[:-1]) % 128 == (-direction) % 128)
    times = np.concatenate([u.ray_ns for u in updates])
    assert np.all(np.diff(times) > 0)
    azimuth = -2 * np.pi * columns / 128
    off = np.angle(np.exp(1j * (azimuth - [angle(t, direction) for t in times])))
    assert np.abs(off).max() < 1e-5
    assert {u.direction for u in updates} == {direction}
    assert len(turns) == 3
    assert len(columns) > 3.2 * 128


def test_a_ray_is_out_with_the_frame_that_completes_its_window():
    blocks = [noise_block(i) for i in range(40)]
    updates, _, _ = roll(in_order(blocks, angle_times(1.1)))
    half_window_s = np.deg2rad(30) / RATE
    points = AzimuthGrid.for_array(AntennaArray(), COARSEST_SPREAD)  # chirps reach half the taps
    reach_s = (points.taps / 2 + 1) * points.step_rad / RATE
    for update in updates:
        waited_s = (update.last_sample_ns - update.ray_ns) * 1e-9
        assert waited_s.min() >= half_window_s - 1e-6
        assert waited_s.max() <= half_window_s + SMALL.frame_period_s + reach_s + 1e-3


def troubled_blocks():
    """Frames with one missing, a pause and a restart of the capture device among them."""
    blocks = [noise_block(i) for i in range(100) if i != 20 and not 38 <= i < 50]
    return [replace(b, stream=1) if b.frame_index < 9 else b for b in blocks]


def same(one, other):
    np.testing.assert_array_equal(one.columns, other.columns)
    np.testing.assert_array_equal(one.ray_ns, other.ray_ns)
    np.testing.assert_array_equal(one.coverage, other.coverage)
    np.testing.assert_array_equal(one.image.range_m, other.image.range_m)
    np.testing.assert_array_equal(one.points_m, other.points_m)
    np.testing.assert_array_equal(one.scan.range_m, other.scan.range_m)
    assert one.motion == other.motion
    assert one.last_sample_ns == other.last_sample_ns


REFERENCE = {}


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_updates_depend_neither_on_the_order_of_arrival_nor_on_the_pace_of_the_turns(order):
    times = angle_times(2.7)
    if not REFERENCE:
        REFERENCE["updates"] = roll(in_order(troubled_blocks(), times))[0]
    kinds = ["block"] * len(troubled_blocks()) + ["angle"] * len(times)
    order.shuffle(kinds)
    queues = {"block": iter(troubled_blocks()), "angle": iter([(t, angle(t)) for t in times])}
    updates, _, rolling = roll((next(queues[k]) for k in kinds), Turns(slowness_s=0.05))
    assert rolling.statistics.restarts == 2
    assert len(updates) == len(REFERENCE["updates"])
    assert any(u.motion.yaw_rate_radps for u in updates)  # what a turn said came in
    for one, other in zip(updates, REFERENCE["updates"], strict=True):
        same(one, other)


def test_a_turn_speaks_only_of_frames_long_enough_after_it():
    blocks = [noise_block(i) for i in range(75)]
    updates, turns, _ = roll(in_order(blocks, angle_times(2.1)))
    last_ns = turns[0].reference_ns + round(turns[0].time_s[-1] * 1e9)
    told_ns = last_ns + round(RollingSettings().motion_delay_s * 1e9)
    for update in updates:
        expected = 0.3 if update.last_sample_ns >= told_ns else 0.0
        assert update.motion.yaw_rate_radps == expected


def test_after_a_gap_sectors_begin_again_with_whole_windows():
    pause = range(30, 50)
    blocks = [noise_block(i) for i in range(85) if i not in pause]
    updates, _, rolling = roll(in_order(blocks, angle_times(2.3)))
    assert rolling.statistics.restarts == 1
    gap_ns = next(int(b.time_ns[0]) for b in blocks if b.frame_index >= pause.stop)
    after = [u for u in updates if u.last_sample_ns > gap_ns]
    assert after[0].ray_ns[0] >= gap_ns + np.deg2rad(29.9) / RATE * 1e9
    points = AzimuthGrid.for_array(AntennaArray(), COARSEST_SPREAD)  # chirps reach half the taps
    reach_rad = points.taps / 2 * points.step_rad
    ray_rad = 2 * np.pi / 128
    latest_rad = np.deg2rad(30) + reach_rad + points.step_rad + ray_rad
    assert after[0].ray_ns[0] <= gap_ns + latest_rad / RATE * 1e9
    for update in updates:
        assert update.coverage.min() > 0.99
        assert not (update.ray_ns[0] < gap_ns < update.ray_ns[-1])


def test_a_lost_frame_lowers_the_coverage_and_leaves_no_hole():
    blocks = [noise_block(i) for i in range(40) if i not in (20, 21, 22)]
    updates, _, _ = roll(in_order(blocks, angle_times(1.1)))
    columns = np.concatenate([u.columns for u in updates])
    assert np.all((columns[:-1] - columns[1:]) % 128 == 1)
    coverage = np.concatenate([u.coverage for u in updates])
    ranges = np.concatenate([u.scan.range_m for u in updates])
    assert coverage.min() < 0.2
    assert np.isnan(ranges[coverage < 0.5]).all()
    assert not np.isnan(ranges[coverage >= 0.5]).any()


def test_jitter_of_the_angles_is_smoothed_with_the_past_alone():
    rng = np.random.default_rng(4)
    blocks = [noise_block(i) for i in range(60)]
    items = [
        item if isinstance(item, PositionBlock) else (item[0], item[1] + rng.normal(0, 2e-3))
        for item in in_order(blocks, angle_times(1.6))
    ]
    updates, _, _ = roll(items)
    errors = []
    for update in updates[20:]:
        azimuth = -2 * np.pi * update.columns / 128
        true = np.array([angle(t) for t in update.ray_ns])
        errors.append(np.angle(np.exp(1j * (azimuth - true))))
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 1.6e-3
    times = np.concatenate([u.ray_ns for u in updates])
    assert np.all(np.diff(times) > 0)


def test_whole_turns_are_those_of_the_imager_alone():
    blocks = [noise_block(i, Waveform()) for i in range(52)]
    items = list(in_order(blocks, angle_times(1.4)))
    chain = ImagingSettings(grid=PanoramaGrid(columns=128, rows=4), estimate_motion=False)
    seen = []

    def keep(panorama):
        seen.append((panorama.points_m, panorama.scan.range_m, panorama.odometry.pose))

    with RollingImager(Imager(settings=chain), keep) as rolling:
        for item in items:
            rolling.add_block(item) if isinstance(item, PositionBlock) else rolling.add_angle(*item)
            list(rolling.updates())
    alone, assembler, expected = Imager(settings=chain), RotationAssembler(AssemblySettings()), []
    for item in items:
        if isinstance(item, PositionBlock):
            assembler.add_block(item)
        else:
            assembler.add_angle(*item)
        for rotation in assembler.rotations():
            panorama = alone.image(rotation)
            expected.append((panorama.points_m, panorama.scan.range_m, panorama.odometry.pose))
    assert len(seen) == len(expected) == 2
    for one, other in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        assert one[2] == other[2]


def test_an_error_in_a_turn_is_not_lost():
    blocks = [noise_block(i) for i in range(60)]

    def refuse(_):
        raise RuntimeError("the disk is full")

    def feed(rolling):
        for item in in_order(blocks, angle_times(1.6)):
            rolling.add_block(item) if isinstance(item, PositionBlock) else rolling.add_angle(*item)
            list(rolling.updates())

    with RollingImager(Turns(), refuse) as rolling, pytest.raises(RuntimeError, match="disk"):
        feed(rolling)


def test_without_sectors_only_turns_come():
    blocks = [noise_block(i) for i in range(60)]
    updates, turns, _ = roll(in_order(blocks, angle_times(1.6)), sectors=lambda: False)
    assert updates == []
    assert len(turns) == 2


def test_sectors_say_how_the_robot_moves_and_where_things_are(rotation_of, cloud_of):
    """Two and a half turns of exact point reflectors past a robot that drives."""
    velocity = (0.45, -0.2)
    reflectors = [*cloud_of(11, count=24), (0.0, 3.0, 0.0, 3000.0)]
    long = rotation_of(reflectors, velocity, margin_rad=1.5 * np.pi)
    items = []
    start_ns = long.reference_ns
    for first in range(0, len(long.time_s) // 64 * 64, 64):
        used = slice(first, first + 64)
        time_ns = start_ns + np.rint(long.time_s[used] * 1e9).astype(np.int64)
        items.append(
            PositionBlock(first // 64, long.samples[used], time_ns, long.valid[used], long.waveform)
        )
    end_s = items[-1].time_ns[-1] * 1e-9 - start_ns * 1e-9
    for time_s in np.arange(-0.02, end_s + 0.02, 0.01):
        azimuth = np.interp(time_s, long.time_s, long.azimuth_rad)
        azimuth += RATE * (time_s - np.clip(time_s, long.time_s[0], long.time_s[-1]))
        items.append((start_ns + round(time_s * 1e9), float(azimuth)))
    imager = Imager(settings=ImagingSettings(workers=1))
    updates, _, _ = roll(items, imager)
    settled = [u for u in updates if u.ray_ns[0] > start_ns + 0.6e9]
    assert len(settled) > 15
    assert all(u.motion_known for u in settled)
    error = [np.hypot(u.motion.x_mps - velocity[0], u.motion.y_mps - velocity[1]) for u in settled]
    assert np.mean(error) < 0.03
    held = 0
    for update in settled:  # where is the bright one, 3 m to the left at the start
        passed_s = (update.ray_ns - start_ns) * 1e-9
        x_m, y_m = -velocity[0] * passed_s, 3 - velocity[1] * passed_s
        off = np.angle(np.exp(1j * (-2 * np.pi * update.columns / 512 - np.arctan2(y_m, x_m))))
        place = int(np.abs(off).argmin())
        if np.abs(off[place]) > np.pi / 512:
            continue
        held += 1
        assert update.scan.range_m[place] == pytest.approx(np.hypot(x_m, y_m)[place], abs=0.04)
        seen = np.nanmean(update.points_m[15:17, place], axis=0)[:2]
        # as seen from where the robot was at the first ray
        assert seen == pytest.approx([x_m[0], y_m[0]], abs=0.05)
    assert held


def test_frames_that_come_at_once_share_a_sector_and_leave_nothing_out():
    """The same rays at the same times in fewer updates; whole turns stay what they are."""
    blocks = [noise_block(i) for i in range(60)]
    alone, turns, _ = roll(in_order(blocks, angle_times(1.6)))
    together, found = [], []
    with RollingImager(Turns(), found.append) as rolling:
        for block in blocks:
            rolling.add_block(block)
        for time_ns in angle_times(1.6):
            rolling.add_angle(time_ns, angle(time_ns))
        together += rolling.updates(most_frames=3)
    assert len(together) < 0.4 * len(alone)
    for name, tolerance in (("columns", 0), ("ray_ns", 2000), ("coverage", 0.02)):
        one, other = (np.concatenate([getattr(u, name) for u in us]) for us in (alone, together))
        common = min(len(one), len(other))
        assert common > 0.97 * max(len(one), len(other))
        assert np.abs(one[:common] - other[:common]).max() <= tolerance
    assert len(found) == len(turns) > 1


def test_a_turn_that_contradicts_the_sectors_is_believed():
    with RollingImager(Turns(), lambda _: None) as rolling:
        for said_mps, forgotten in ((0.3, False), (-0.3, True)):
            tracked = PlanarMotion(0.25, reference_s=0.1)
            rolling._tracker._motion = tracked
            rolling._tracked.append(tracked)
            turn = PlanarMotion(said_mps, reference_s=0.2)
            rolling._hold_tracker(_TurnResult(turn, 0, None, SMALL))
            assert (rolling._tracker.motion is None) == forgotten
    assert rolling.rolling_statistics.diverged == 1


def test_settings_are_checked():
    with pytest.raises(ValueError, match="rows"):
        RollingSettings(rows=31)
    with pytest.raises(ValueError, match="motion_delay_s"):
        RollingSettings(motion_delay_s=-1)


def test_what_nobody_wants_is_not_made():
    """Sectors that are wanted again begin anew; a turn without an image still has its motion."""
    blocks = [noise_block(i) for i in range(90)]
    wanted = {"sectors": False}
    updates, panoramas = [], []
    imager = Imager(settings=CHAIN)
    with RollingImager(
        imager, panoramas.append, sectors=lambda: wanted["sectors"], turn_images=lambda: False
    ) as rolling:
        for item in in_order(blocks, angle_times(2.4)):
            if isinstance(item, PositionBlock):
                wanted["sectors"] = 20 <= item.frame_index < 40 or item.frame_index >= 60
                rolling.add_block(item)
            else:
                rolling.add_angle(*item)
            updates += rolling.updates()
    assert len(panoramas) == 4
    assert not any(one.has_image for one in panoramas)
    assert all(one.odometry is not None for one in panoramas)
    times = np.concatenate([u.ray_ns for u in updates])
    (pause,) = np.nonzero(np.diff(times) > 0.3e9)[0][None]
    assert len(pause) == 1
    assert all(u.coverage.min() > 0.99 for u in updates)
