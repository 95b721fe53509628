from dataclasses import replace

import numpy as np
import pytest
from wire_pattern import SMALL, assert_exact, frame_words

from mmwave.dca1000 import (
    FrameAssembler,
    PositionStream,
    assemble,
    batch_packets,
    byte_ready_s,
    encode_packets,
)

START_NS = 5_000_000_000
EPOCH_NS = 1_700_000_000_000_000_000


def packets_and_arrivals(frames, start_ns=START_NS):
    payload = np.concatenate([frame_words(number) for number in range(frames)]).view(np.uint8)
    packets, lengths = encode_packets(payload, 1, 0)
    ends = np.cumsum(lengths - 10)
    frame, inside = np.divmod(ends - 1, SMALL.bytes_per_frame)
    nominal_s = frame * SMALL.frame_period_s + byte_ready_s(SMALL, inside + 1)
    rows = [bytes(row[:length]) for row, length in zip(packets, lengths, strict=True)]
    return rows, start_ns + np.round(nominal_s * 1e9).astype(np.int64)


def true_times_ns(number):
    nominal_s = number * SMALL.frame_period_s + SMALL.position_offsets_s
    return START_NS + EPOCH_NS + np.round(nominal_s * 1e9).astype(np.int64)


def batches(frames, size=50):
    packets, arrivals = packets_and_arrivals(frames)
    for start in range(0, len(packets), size):
        batch = batch_packets(packets[start : start + size], arrivals[start : start + size])
        yield replace(batch, epoch_offset_ns=EPOCH_NS)


def test_blocks_are_exact_with_unix_times():
    blocks = list(assemble(batches(30), SMALL))
    assert [block.frame_index for block in blocks] == list(range(30))
    for number, block in enumerate(blocks):
        assert block.valid.all()
        assert_exact(block, number)
        assert np.abs(block.time_ns - true_times_ns(number)).max() < 1000
        assert block.stream == 0


def test_lost_rows_are_masked_and_zero_and_their_times_stay():
    packets, arrivals = packets_and_arrivals(10)
    kept = [k for k in range(len(packets)) if k % 7 and not 150 < k < 300]
    batch = batch_packets([packets[k] for k in kept], arrivals[kept])
    blocks = list(assemble([replace(batch, epoch_offset_ns=EPOCH_NS)], SMALL))
    assert [block.frame_index for block in blocks] == list(range(10))
    assert not blocks[5].valid.any()
    assert not blocks[5].samples.any()
    for number, block in enumerate(blocks):
        assert_exact(block, number)
        assert np.abs(block.time_ns - true_times_ns(number)).max() < 1000
        assert not block.valid.all()


@pytest.mark.parametrize("step_ns", [-3_600_000_000_000, 3_600_000_000_000])
def test_setting_the_computers_clock_is_reported_and_followed(step_ns):
    stream = PositionStream(SMALL)
    blocks = []
    for index, batch in enumerate(batches(30)):
        offset = EPOCH_NS + (step_ns if index >= 14 else 0)
        if index == 14:  # half of these were stamped before the step
            batch.arrival_ns[:25] -= step_ns
        blocks += stream.push(replace(batch, epoch_offset_ns=offset))
    assert stream.statistics.time_jumps == 1
    assert {block.stream for block in blocks} == {0, 1}
    for block in blocks:
        expected = true_times_ns(block.frame_index) + (step_ns if block.stream else 0)
        assert np.abs(block.time_ns - expected).max() < 1000
        assert_exact(block, block.frame_index)


def test_restart_of_the_device_starts_times_anew():
    stream = PositionStream(SMALL)
    first, arrivals = packets_and_arrivals(20)
    blocks = stream.push(batch_packets(first, arrivals))
    blocks += stream.push(batch_packets(first, arrivals + 700_000_000))
    assert [block.stream for block in blocks] == [0] * 20 + [1] * 20
    assert stream.statistics.restarts == 1
    for before, after in zip(blocks[:20], blocks[20:], strict=True):
        assert np.array_equal(before.samples, after.samples)
        assert np.abs(after.time_ns - before.time_ns - 700_000_000).max() < 1000


def test_statistics_count_what_was_lost():
    stream = PositionStream(SMALL)
    packets, arrivals = packets_and_arrivals(20)
    kept = [k for k in range(len(packets)) if k % 10]
    stream.push(batch_packets([packets[k] for k in kept], arrivals[kept]))
    stream.flush()
    statistics = stream.statistics
    assert statistics.frames == 20
    assert statistics.packets == len(kept) == stream.received_packets
    assert statistics.lost_fraction == pytest.approx(0.1, rel=0.02)
    assert statistics.received_bytes + statistics.lost_bytes == 20 * SMALL.bytes_per_frame


def test_nothing_received_is_nothing_lost():
    assert PositionStream(SMALL).statistics.lost_fraction == 0


def test_assembler_of_another_frame_size_is_refused():
    with pytest.raises(ValueError, match="4000 B"):
        PositionStream(SMALL, FrameAssembler(4000))
