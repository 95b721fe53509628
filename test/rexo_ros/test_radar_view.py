"""Live samples of one radar: lost chirps do not flicker, much loss makes no heatmap."""

from dataclasses import replace

import numpy as np
import pytest

from mmwave.dca1000 import PositionBlock
from rexo_ros.heatmaps import ROOM_WAVEFORM
from rexo_ros.radar_view import RadarView
from rexo_ros.space import Space

SPACE = Space()
WAVE = ROOM_WAVEFORM


def block(number, amplitude=2000.0, bin_number=30, valid=None, moving=0.0):
    """A wall, or with ``moving`` something whose phase goes on by as much a chirp."""
    chirp = np.arange(WAVE.samples_per_chirp)
    loop = np.arange(WAVE.loops_per_frame)[:, None, None]
    phase = 2 * np.pi * bin_number * chirp / WAVE.samples_per_chirp + moving * loop
    tone = amplitude * np.exp(1j * np.broadcast_to(
        phase, (WAVE.loops_per_frame, WAVE.virtual_antennas, len(chirp))))  # fmt: skip
    samples = np.stack([tone.real, tone.imag], axis=-1).round().astype(np.int16)
    there = np.ones(samples.shape[:2], bool) if valid is None else valid
    samples[~there] = 0
    start_ns = round(number * WAVE.frame_period_s * 1e9)
    time_ns = start_ns + np.round(WAVE.position_offsets_s * 1e9).astype(np.int64)
    return PositionBlock(number, samples, time_ns, there, WAVE)


def test_lost_chirps_of_what_stands_still_do_not_flicker():
    valid = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    valid[5:9] = False
    valid[20, 3] = False
    whole, lossy = RadarView(SPACE, "horizontal"), RadarView(SPACE, "horizontal")
    for number in range(4):
        still, _ = whole(block(number))
        patched, _ = lossy(block(number, valid=valid))
    walking, _ = RadarView(SPACE, "horizontal")(block(0, moving=1.0))
    assert patched.max() < 1e-4 * walking.max()
    assert still.max() < 1e-4 * walking.max()


def test_a_frame_that_lost_much_makes_no_heatmap():
    view = RadarView(SPACE, "vertical")
    valid = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    valid[:12] = False
    assert view(block(0, valid=valid))[0] is None
    assert view(block(1, valid=np.zeros_like(valid)))[0] is None
    heatmap, time_s = view(block(2))
    assert heatmap.shape == (256, 128)
    assert time_s == pytest.approx(0.1, abs=0.01)


def test_time_that_goes_back_forgets_the_room():
    view = RadarView(SPACE, "horizontal")
    for number in range(3):
        view(block(number + 50, bin_number=20))
    again, _ = view(block(0, bin_number=40))
    fresh, _ = RadarView(SPACE, "horizontal")(block(0, bin_number=40))
    np.testing.assert_allclose(again, fresh)


def test_a_frame_without_an_antenna_makes_no_heatmap():
    valid = np.ones((WAVE.loops_per_frame, WAVE.virtual_antennas), bool)
    valid[:, 2] = False
    assert RadarView(SPACE, "horizontal")(block(0, valid=valid))[0] is None


def test_other_chirps_are_refused_by_name():
    one = block(0)
    other = replace(WAVE, frame_period_s=0.1)
    with pytest.raises(ValueError, match=r"frame_period_s = 0\.1 instead of 0\.05.*rexo_radars"):
        RadarView(SPACE, "horizontal")(replace(one, waveform=other))
