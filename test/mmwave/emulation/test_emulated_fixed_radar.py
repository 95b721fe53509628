"""The emulated fixed radar: which frame is played depends on the time alone."""

import socket
import time

import numpy as np
import pytest

from mmwave.emulation.fixed import EmulatedFixedRadar
from mmwave.waveform import Waveform

WAVE = Waveform(samples_per_chirp=16, loops_per_frame=4, frame_period_s=20e-3)
FRAMES = np.arange(5)[:, None, None, None, None] + np.zeros((5, 4, 8, 16, 2), np.int64)


def port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def radar(epoch_ns, **other):
    return EmulatedFixedRadar(
        FRAMES.astype(np.int16), WAVE, epoch_ns, control_port=port(), data_port=port(), **other
    )


def test_radars_with_one_epoch_play_the_same_time():
    epoch_ns = 1_000_000_000
    one, other = radar(epoch_ns), radar(epoch_ns)
    times = epoch_ns + np.arange(0, 300_000_000, 7_000_000)
    assert [one.frame_at(t) for t in times] == [other.frame_at(t) for t in times]
    assert [one.frame_at(epoch_ns + n * 20_000_000) for n in range(7)] == [0, 1, 2, 3, 4, 0, 1]


def test_frames_of_another_waveform_are_refused():
    with pytest.raises(ValueError, match=r"frames must be \(frame > 0, \(4, 8, 16, 2\)\)"):
        EmulatedFixedRadar(np.zeros((3, 4, 8, 8, 2), np.int16), WAVE, 0)
    with pytest.raises(ValueError, match="frames must be"):
        EmulatedFixedRadar(np.zeros((0, 4, 8, 16, 2), np.int16), WAVE, 0)


def test_a_radar_with_other_chirps_sends_nothing(caplog):
    with radar(time.time_ns()) as one:
        one._started(Waveform(samples_per_chirp=32, loops_per_frame=4, frame_period_s=20e-3))
        assert "samples_per_chirp = 32 instead of 16" in caplog.text
        assert not one._running.is_set()


def test_it_stops_whether_it_plays_or_not():
    one = radar(time.time_ns()).start()
    one.stop()
    one.stop()
    two = radar(time.time_ns()).start()
    two._started(WAVE)
    two.stop()
