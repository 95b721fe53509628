from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform
from panoradar_ros.imaging.turntable import AssemblySettings, RotationAssembler

WAVEFORM = Waveform(samples_per_chirp=4, sample_rate_hz=80e3)
START_NS = 1_700_000_000_000_000_000
RATE = 2 * np.pi * 2


def block(index: int, start_ns: int = START_NS) -> PositionBlock:
    times = start_ns + np.rint(
        1e9 * (index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s)
    ).astype(np.int64)
    samples = np.full((64, 8, 4, 2), index, np.int16)
    return PositionBlock(index, samples, times, np.ones((64, 8), bool), WAVEFORM)


def angle(time_ns: int) -> float:
    return RATE * (time_ns - START_NS) * 1e-9


def feed(assembler, blocks=range(70), angle_of=angle, hz=100.0, seconds=2.0):
    """Everything interleaved by time, as it would arrive."""
    angles = [START_NS - 20_000_000 + round(i * 1e9 / hz) for i in range(int(seconds * hz))]
    pending = [block(i) for i in blocks]
    rotations = []
    for time_ns in angles:
        while pending and pending[0].time_ns[-1] < time_ns:
            assembler.add_block(pending.pop(0))
        assembler.add_angle(time_ns, angle_of(time_ns))
        rotations += assembler.rotations()
    return rotations


@pytest.mark.parametrize("direction", [1, -1])
def test_rotations_cover_turn_and_margins_and_follow_each_other(direction):
    rotations = feed(RotationAssembler(), angle_of=lambda t: direction * angle(t))
    assert len(rotations) == 3 - 1
    margin = AssemblySettings().margin_rad
    for rotation in rotations:
        assert rotation.direction == direction
        turned = direction * (rotation.azimuth_rad - rotation.start_azimuth_rad)
        assert turned[0] <= -margin
        assert turned[-1] >= 2 * np.pi + margin
    starts = [r.start_azimuth_rad for r in rotations]
    assert np.diff(starts) == pytest.approx(direction * 2 * np.pi)


def test_azimuth_of_every_position_is_its_own():
    for rotation in feed(RotationAssembler()):
        truth = RATE * (rotation.reference_ns - START_NS) * 1e-9 + RATE * rotation.time_s
        assert np.abs(rotation.azimuth_rad - truth).max() < 1e-6


def test_serial_jitter_is_smoothed_away():
    rng = np.random.default_rng(2)
    rotations = feed(RotationAssembler(), angle_of=lambda t: angle(t) + rng.normal(0, 2e-3))
    for rotation in rotations:
        truth = RATE * (rotation.reference_ns - START_NS) * 1e-9 + RATE * rotation.time_s
        assert np.abs(rotation.azimuth_rad - truth).max() < 2.5e-3


def test_wrapped_angles_are_unwrapped():
    wrapped = feed(RotationAssembler(), angle_of=lambda t: (angle(t) + np.pi) % (2 * np.pi) - np.pi)
    assert len(wrapped) == 2
    assert np.all(np.diff(wrapped[0].azimuth_rad) > 0)


def troubled_blocks() -> list[PositionBlock]:
    """Frames with one missing, a pause and a restart of the capture device among them."""
    blocks = [block(i) for i in range(120) if i != 40 and not 85 <= i < 97]
    return [replace(b, stream=1) if b.frame_index < 18 else b for b in blocks]


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_result_does_not_depend_on_the_order_of_arrival(random):
    angles = [START_NS - 20_000_000 + i * 10_000_000 for i in range(330)]

    def assembled(kinds):
        queues = {"block": iter(troubled_blocks()), "angle": iter(angles)}
        assembler, rotations = RotationAssembler(), []
        for kind in kinds:
            item = next(queues[kind])
            if kind == "block":
                assembler.add_block(item)
            else:
                assembler.add_angle(item, angle(item))
            rotations += assembler.rotations()
        return rotations

    kinds = ["block"] * len(troubled_blocks()) + ["angle"] * len(angles)
    reference = assembled(kinds)
    assert len(reference) >= 2
    random.shuffle(kinds)  # any interleaving of the two streams, each in its own order
    rotations = assembled(kinds)
    assert len(rotations) == len(reference)
    for one, other in zip(rotations, reference, strict=True):
        assert one.reference_ns == other.reference_ns
        np.testing.assert_array_equal(one.azimuth_rad, other.azimuth_rad)
        np.testing.assert_array_equal(one.samples, other.samples)
        np.testing.assert_array_equal(one.valid, other.valid)


def test_a_frame_that_never_came_is_masked_not_closed_up():
    blocks = [i for i in range(70) if i != 25]
    rotation = feed(RotationAssembler(), blocks)[0]
    intervals = np.diff(rotation.time_s)
    assert intervals.max() == pytest.approx(WAVEFORM.frame_period_s - 63 * 390e-6, rel=1e-6)
    lost = ~rotation.valid.all(axis=1)
    assert lost.sum() == 64
    frames = np.unique(rotation.samples[~lost])
    assert 25 not in frames
    assert np.all(rotation.samples[lost] == 0)


def test_time_going_backwards_starts_again_and_says_why():
    assembler = RotationAssembler()
    feed(assembler, range(30), seconds=0.9)
    assembler.add_block(block(3))
    assembler.rotations()
    assert assembler.statistics.restarts == 1
    assert "radar time went backwards" in assembler.statistics.last_restart_reason
    assembler.add_angle(START_NS, 0.0)
    assert "turntable time went backwards" in assembler.statistics.last_restart_reason


@pytest.mark.parametrize("first", ["angle", "block"])
@pytest.mark.parametrize("step_s", [0.5, 60.0])
def test_after_a_step_of_the_clock_rotations_go_on_and_are_right(first, step_s):
    step_ns = round(step_s * 1e9)
    assembler = RotationAssembler()
    feed(assembler, range(40), seconds=1.1)
    later = [block(i, START_NS - step_ns) for i in range(42, 140)]
    angles = [START_NS - step_ns + 1_100_000_000 + i * 10_000_000 for i in range(260)]
    rotations = []
    if first == "block":
        assembler.add_block(later.pop(0))
        rotations += assembler.rotations()
    for time_ns in angles:
        while later and later[0].time_ns[-1] < time_ns:
            assembler.add_block(later.pop(0))
        assembler.add_angle(time_ns, angle(time_ns + step_ns))
        rotations += assembler.rotations()
    assert len(rotations) >= 3
    for rotation in rotations:
        since_s = (rotation.reference_ns + step_ns - START_NS) * 1e-9 + rotation.time_s
        error = np.angle(np.exp(1j * (rotation.azimuth_rad - RATE * since_s)))
        assert np.abs(error).max() < 1e-6


def test_memory_is_bounded_when_one_of_the_streams_stops():
    assembler = RotationAssembler()
    for i in range(2000):
        assembler.add_block(block(i))
        assert assembler.rotations() == []
    assert len(assembler._locator._waiting) * WAVEFORM.frame_period_s < 5
    assert "no turntable angles" in assembler.statistics.last_restart_reason
    lonely = RotationAssembler()
    for i in range(20_000):
        lonely.add_angle(START_NS + i * 10_000_000, 0.1 * i)
    assert len(lonely._locator._joint_ns) < 600


def test_a_standing_turntable_gives_no_rotation():
    assembler = RotationAssembler()
    assert feed(assembler, angle_of=lambda t: 0.1) == []
    assert "does not turn" in assembler.statistics.last_restart_reason


def test_a_turntable_that_reverses_starts_again_the_other_way_round():
    assembler = RotationAssembler()
    rotations = feed(assembler, angle_of=lambda t: 9.0 - abs(angle(t) - 9.0))
    assert "reversed" in assembler.statistics.last_restart_reason
    assert rotations
    assert all(rotation.direction == -1 for rotation in rotations)
    reversal_ns = START_NS + round(9.0 / RATE * 1e9)
    assert all(rotation.reference_ns > reversal_ns - 30_000_000 for rotation in rotations)


def test_a_hole_in_the_angles_starts_again():
    assembler = RotationAssembler()
    for i in range(70):
        assembler.add_block(block(i))
    for time_ns in range(START_NS - 20_000_000, START_NS + 2_000_000_000, 10_000_000):
        if not 0.4e9 < time_ns - START_NS < 0.8e9:
            assembler.add_angle(time_ns, angle(time_ns))
    rotations = assembler.rotations()
    assert "no turntable angles for 0.4" in assembler.statistics.last_restart_reason
    assert all(np.all(np.diff(r.time_s) < 0.03) for r in rotations)


def test_not_a_number_is_refused():
    assembler = RotationAssembler()
    assembler.add_block(block(0))
    assembler.add_angle(START_NS, float("nan"))
    assert "not finite" in assembler.statistics.last_restart_reason


def test_settings_are_checked():
    with pytest.raises(ValueError, match="margin_rad"):
        AssemblySettings(margin_rad=2.0)
    with pytest.raises(ValueError, match="longest_gap_s"):
        AssemblySettings(longest_gap_s=0)
