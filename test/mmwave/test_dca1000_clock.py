import numpy as np
import pytest

from mmwave.dca1000 import AcquisitionClock, byte_ready_s
from mmwave.waveform import Waveform

WAVEFORM = Waveform()
START_NS = 1_700_000_000_000_000_000
ENDS = np.arange(1, 361) * 1456


def true_times_ns(frame, drift=0.0, start_ns=START_NS):
    nominal_s = frame * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
    return start_ns + np.round(nominal_s * (1 + drift) * 1e9).astype(np.int64)


def arrivals_ns(frame, random, drift=0.0, jitter_s=2e-3, start_ns=START_NS, held_s=0.0):
    """Each packet is complete when its last byte is sampled, and then late by a random time."""
    nominal_s = frame * WAVEFORM.frame_period_s + byte_ready_s(WAVEFORM, ENDS)
    delay_s = random.exponential(jitter_s, len(ENDS)) if jitter_s else np.zeros(len(ENDS))
    elapsed_s = nominal_s * (1 + drift) + delay_s
    return start_ns + np.round(np.maximum(elapsed_s, held_s) * 1e9).astype(np.int64)


def test_byte_is_ready_when_the_sampling_of_its_chirp_ends():
    chirp_bytes = 4 * 256 * 4
    ready = byte_ready_s(WAVEFORM, np.array([1, chirp_bytes, chirp_bytes + 1]))
    first = WAVEFORM.idle_s + WAVEFORM.adc_start_s + WAVEFORM.sampling_s
    assert ready == pytest.approx([first, first, first + WAVEFORM.chirp_interval_s], abs=1e-12)
    last = byte_ready_s(WAVEFORM, np.array([WAVEFORM.bytes_per_frame]))
    assert last[0] <= WAVEFORM.active_s + 1e-12


@pytest.mark.parametrize("drift", [0.0, 100e-6, -100e-6])
def test_jitter_of_milliseconds_and_drift_leave_less_than_100_us(drift):
    random = np.random.default_rng(1)
    clock = AcquisitionClock(WAVEFORM)
    worst_ns, last = 0, 0
    for frame in range(1200):
        assert not clock.observe(frame, ENDS, arrivals_ns(frame, random, drift))
        times = clock.position_times_ns(frame)
        worst_ns = max(worst_ns, np.abs(times - true_times_ns(frame, drift)).max())
        assert times[0] > last
        assert np.all(np.diff(times) > 0)
        last = times[-1]
    assert worst_ns < 100_000
    assert clock.drift_ppm == pytest.approx(drift * 1e6, abs=5)
    assert clock.jumps == 0


def test_loss_and_unknown_arrivals_do_not_shift_times():
    random = np.random.default_rng(2)
    clock = AcquisitionClock(WAVEFORM)
    for frame in range(200):
        arrived = arrivals_ns(frame, random)
        kept = random.random(len(ENDS)) > 0.5
        arrived[random.random(len(ENDS)) < 0.1] = 0
        if frame % 3:
            clock.observe(frame, ENDS[kept], arrived[kept])
        else:
            clock.observe(frame, ENDS[:0], arrived[:0])
        times = clock.position_times_ns(frame)
        if frame:
            assert np.abs(times - true_times_ns(frame)).max() < 100_000


def test_sender_that_is_held_up_and_catches_up_is_no_jump():
    """300 ms of data come in one burst: the times stay those of the sampling."""
    random = np.random.default_rng(3)
    clock = AcquisitionClock(WAVEFORM)
    for frame in range(120):
        held_s = 2.0 if 1.7 < frame * WAVEFORM.frame_period_s < 2.0 else 0.0
        clock.observe(frame, ENDS, arrivals_ns(frame, random, held_s=held_s))
        times = clock.position_times_ns(frame)
        assert np.abs(times - true_times_ns(frame)).max() < 100_000
    assert clock.jumps == 0


def test_sender_that_catches_up_slowly_is_no_jump():
    """Half a second late, and less so during three seconds."""
    random = np.random.default_rng(7)
    clock = AcquisitionClock(WAVEFORM)
    for frame in range(220):
        now_s = frame * WAVEFORM.frame_period_s
        late_s = max(0.0, 0.5 - (now_s - 2.0) / 6) if now_s > 2.0 else 0.0
        arrived = arrivals_ns(frame, random) + round(late_s * 1e9)
        clock.observe(frame, ENDS, arrived)
        error_ns = np.abs(clock.position_times_ns(frame) - true_times_ns(frame))
        assert error_ns.max() < 200_000
    assert clock.jumps == 0


def test_first_packets_held_up_do_not_count_as_a_jump():
    random = np.random.default_rng(4)
    clock = AcquisitionClock(WAVEFORM)
    last = 0
    for frame in range(40):
        clock.observe(frame, ENDS, arrivals_ns(frame, random, held_s=0.09))
        times = clock.position_times_ns(frame)
        assert times[0] > last
        last = times[-1]
    assert np.abs(times - true_times_ns(39)).max() < 100_000
    assert clock.jumps == 0


@pytest.mark.parametrize("jump_s", [-1.0, -0.05, 0.05, 3.0])
def test_jump_of_the_time_is_found_reported_and_followed(jump_s):
    random = np.random.default_rng(5)
    clock = AcquisitionClock(WAVEFORM)
    noticed_frames = 0 if jump_s < 0 else 1 / WAVEFORM.frame_period_s
    reported = []
    for frame in range(140):
        start_ns = START_NS + (round(jump_s * 1e9) if frame >= 60 else 0)
        if clock.observe(frame, ENDS, arrivals_ns(frame, random, start_ns=start_ns)):
            reported.append(frame)
        times = clock.position_times_ns(frame)
        if frame < 60 or frame > 60 + noticed_frames:
            error_ns = np.abs(times - true_times_ns(frame, start_ns=start_ns))
            assert error_ns.max() < 100_000
    assert len(reported) == 1
    assert 60 <= reported[0] <= 60 + noticed_frames
    assert clock.jumps == 1


def test_times_are_nominal_before_anything_arrived():
    clock = AcquisitionClock(WAVEFORM)
    assert np.array_equal(clock.position_times_ns(3), true_times_ns(3, start_ns=0))


def test_reset_forgets_the_old_stream():
    random = np.random.default_rng(6)
    clock = AcquisitionClock(WAVEFORM)
    for frame in range(20):
        clock.observe(frame, ENDS, arrivals_ns(frame, random))
    clock.reset()
    later_ns = START_NS + 7_000_000_000
    for frame in range(20):
        clock.observe(frame, ENDS, arrivals_ns(frame, random, start_ns=later_ns))
        times = clock.position_times_ns(frame)
        assert np.abs(times - true_times_ns(frame, start_ns=later_ns)).max() < 100_000
    assert clock.jumps == 0


def test_constant_latency_is_taken_off():
    clock = AcquisitionClock(WAVEFORM, latency_s=0.01)
    for frame in range(3):
        arrived = arrivals_ns(frame, np.random.default_rng(0), jitter_s=0.0) + 10_000_000
        clock.observe(frame, ENDS, arrived)
    assert np.abs(clock.position_times_ns(2) - true_times_ns(2)).max() < 1000
