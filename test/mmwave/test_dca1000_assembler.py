import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.dca1000 import FrameAssembler, batch_packets, encode_packets

FRAME_BYTES = 4000  # no multiple of 1456: packets straddle frames
FRAMES = 8
HERE, THERE = 0x7F000002, 0x7F000003


def stream_bytes(seed=0, frames=FRAMES, frame_bytes=FRAME_BYTES):
    return np.random.default_rng(seed).integers(0, 256, frames * frame_bytes).astype(np.uint8)


def cut(stream):
    packets, lengths = encode_packets(stream, 1, 0)
    return [bytes(row[:length]) for row, length in zip(packets, lengths, strict=True)]


def batches(packets, size):
    for start in range(0, len(packets), size):
        yield batch_packets(packets[start : start + size])


def assemble(packets, batch=256, frame_bytes=FRAME_BYTES, **options):
    assembler = FrameAssembler(frame_bytes, **options)
    frames = [frame for each in batches(packets, batch) for frame in assembler.push(each)]
    return frames + assembler.flush(), assembler


def gap_bytes(frames, frame_bytes=FRAME_BYTES):
    return {
        frame.index * frame_bytes + byte
        for frame in frames
        for start, stop in frame.gaps
        for byte in range(start, stop)
    }


def assert_right_or_masked(frames, stream, frame_bytes=FRAME_BYTES):
    for frame in frames:
        expected = stream[frame.index * frame_bytes : (frame.index + 1) * frame_bytes]
        wrong = np.flatnonzero(frame.payload[: len(expected)] != expected)
        masked = gap_bytes([frame], frame_bytes)
        assert {frame.index * frame_bytes + int(byte) for byte in wrong} <= masked


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_packets_in_order_make_the_frames_exactly(batch):
    stream = stream_bytes()
    frames, assembler = assemble(cut(stream), batch)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert all(frame.gaps == () for frame in frames)
    assert assembler.counts["packets"] == len(cut(stream))
    assert assembler.counts["received_bytes"] == len(stream)
    assert assembler.counts["lost_bytes"] == 0


def test_complete_frame_is_handed_out_without_waiting_for_the_next():
    stream = stream_bytes()
    assembler = FrameAssembler(FRAME_BYTES)
    packets = cut(stream)
    assert assembler.push(batch_packets(packets[:2])) == []
    assert [frame.index for frame in assembler.push(batch_packets(packets[2:3]))] == [0]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_order_loss_and_duplication_is_right_or_masked(data):
    stream = stream_bytes()
    packets = cut(stream)
    entries = []
    for index in range(len(packets)):
        copies = data.draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
        entries += [(index + data.draw(st.integers(0, 12)), index) for _ in range(copies)]
    order = [index for _, index in sorted(entries, key=lambda entry: entry[0])]
    frames, assembler = assemble([packets[index] for index in order], data.draw(st.integers(1, 9)))
    assert_right_or_masked(frames, stream)
    indices = [frame.index for frame in frames]
    assert indices == list(range(len(indices)))
    assert {frame.stream for frame in frames} <= {0}
    counts = assembler.counts
    assert counts["lost_bytes"] == len(gap_bytes(frames))
    assert counts["packets"] + counts["duplicate"] + counts["too_late"] == len(order)


@settings(max_examples=60, deadline=None)
@given(lost=st.sets(st.integers(0, 21)), batch=st.integers(1, 30))
def test_gaps_are_exactly_the_lost_packets(lost, batch):
    stream = stream_bytes()
    packets = cut(stream)
    assert len(packets) == 22
    kept = [packet for index, packet in enumerate(packets) if index not in lost]
    frames, assembler = assemble(kept, batch)
    assert_right_or_masked(frames, stream)
    end = len(frames) * FRAME_BYTES
    expected = {
        byte
        for index in lost
        for byte in range(index * 1456, min((index + 1) * 1456, len(stream)))
        if byte < end
    }
    assert gap_bytes(frames) == expected
    assert assembler.counts["too_late"] == 0


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.integers(0, 2), min_size=22, max_size=22), batch=st.integers(1, 30))
def test_reordering_within_a_frame_loses_nothing(moves, batch):
    stream = stream_bytes()
    packets = cut(stream)
    order = sorted(range(len(packets)), key=lambda index: index + moves[index])
    frames, assembler = assemble([packets[index] for index in order], batch)
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["lost_bytes"] == 0


def test_late_packet_is_put_in_its_place_and_counted():
    stream = stream_bytes()
    packets = cut(stream)
    frames, assembler = assemble([packets[1], packets[0], *packets[2:]])
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["late"] == 1


def test_packet_after_its_frame_is_closed_is_counted_and_changes_nothing():
    stream = stream_bytes()
    packets = cut(stream)
    frames, assembler = assemble([packets[0], *packets[2:12], packets[1], *packets[12:]])
    assert frames[0].gaps == ((1456, 2912),)
    assert assembler.counts["too_late"] == 1
    assert_right_or_masked(frames, stream)


def test_duplicates_are_ignored_also_of_closed_frames():
    stream = stream_bytes()
    packets = cut(stream)
    frames, assembler = assemble([*packets[:6], packets[0], packets[5], *packets[6:]])
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["duplicate"] == 2
    assert assembler.counts["received_bytes"] == len(stream)


def test_frame_closes_when_data_of_the_frame_after_next_comes():
    packets = cut(stream_bytes())
    assembler = FrameAssembler(FRAME_BYTES)
    assert assembler.push(batch_packets(packets[1:5])) == []  # bytes 1456 to 7280: frames 0 and 1
    closed = assembler.push(batch_packets(packets[5:6]))  # to 8736: into frame 2
    assert [frame.index for frame in closed] == [0, 1]
    assert closed[0].gaps == ((0, 1456),)


def test_frames_that_are_lost_whole_are_handed_out_all_masked():
    stream = stream_bytes()
    packets = cut(stream)
    frames, _ = assemble(packets[:2] + packets[17:])
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames if frame.gaps == ((0, FRAME_BYTES),)] == [1, 2, 3, 4, 5]
    assert not frames[3].valid_rows(100).any()
    assert len(frames[3].packet_end) == 0


def test_rows_touched_by_a_gap_are_invalid():
    packets = cut(stream_bytes())
    frames, _ = assemble(packets[:1] + packets[2:])
    valid = frames[0].valid_rows(100)  # the gap is 1456 to 2912
    assert np.flatnonzero(~valid).tolist() == list(range(14, 30))
    with pytest.raises(ValueError, match="300 B"):
        frames[0].valid_rows(300)


def test_packet_ends_and_arrivals_go_with_the_frame_of_the_last_byte():
    packets = cut(stream_bytes())
    assembler = FrameAssembler(FRAME_BYTES)
    frames = assembler.push(batch_packets(packets, np.arange(len(packets)) + 100))
    assert frames[0].packet_end.tolist() == [1456, 2912]
    assert frames[0].arrival_ns.tolist() == [100, 101]
    assert frames[1].packet_end.tolist() == [4368 - 4000, 5824 - 4000, 7280 - 4000]
    assert frames[1].arrival_ns.tolist() == [102, 103, 104]


def test_malformed_packets_are_counted_and_ignored():
    stream = stream_bytes()
    packets = cut(stream)
    bad = [b"", b"123", packets[3][:10], packets[3][:-1], packets[3] + b"12", bytes(5000)]
    mixed = [packet for pair in zip(packets, bad * 4, strict=False) for packet in pair]
    frames, assembler = assemble(mixed)
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["malformed"] == len(packets)
    assert assembler.counts["duplicate"] == 0


def test_packet_that_was_cut_gives_what_is_left_of_it():
    stream = stream_bytes()
    packets = cut(stream)
    packets[1] = packets[1][: 10 + 600]
    frames, _ = assemble(packets)
    assert gap_bytes(frames) == set(range(1456 + 600, 2912))
    assert_right_or_masked(frames, stream)


def test_packets_from_another_address_are_counted_and_ignored():
    stream, other = stream_bytes(), stream_bytes(seed=1)
    mixed = [packet for pair in zip(cut(other), cut(stream), strict=True) for packet in pair]
    source = [THERE, HERE] * (len(mixed) // 2)
    assembler = FrameAssembler(FRAME_BYTES, device_address=HERE)
    frames = assembler.push(batch_packets(mixed, source=source)) + assembler.flush()
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["foreign"] == len(mixed) // 2


def test_last_packet_of_a_frame_may_be_short():
    stream = stream_bytes()
    packets = []
    for start in range(0, len(stream), FRAME_BYTES):
        rows, lengths = encode_packets(stream[start : start + FRAME_BYTES], 1, start)
        packets += [bytes(row[:length]) for row, length in zip(rows, lengths, strict=True)]
    frames, _ = assemble(packets)
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)


def test_joining_in_the_middle_masks_what_came_before():
    stream = stream_bytes(frames=100)
    packets = cut(stream)
    frames, _ = assemble(packets[201:], reorder_packets=16)
    first = 201 * 1456 // FRAME_BYTES
    assert [frame.index for frame in frames] == list(range(first, 100))
    assert frames[0].gaps == ((0, 201 * 1456 - first * FRAME_BYTES),)
    assert_right_or_masked(frames, stream)


def test_flush_hands_out_what_is_open_and_the_rest_of_it_is_too_late():
    stream = stream_bytes()
    packets = cut(stream)
    assembler = FrameAssembler(FRAME_BYTES)
    frames = assembler.push(batch_packets(packets[:4])) + assembler.flush()
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[1].gaps == ((5824 - 4000, 4000),)
    frames += assembler.push(batch_packets(packets[4:])) + assembler.flush()
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert_right_or_masked(frames, stream)
    assert assembler.flush() == []


@pytest.mark.parametrize("lost_at_start", [0, 1, 2, 30])
def test_restart_of_the_device_begins_a_clean_stream(lost_at_start):
    old, new = stream_bytes(1, frames=200), stream_bytes(2, frames=200)
    before = cut(old)[:501]
    frames, assembler = assemble(before + cut(new)[lost_at_start:], batch=50)
    first = [frame for frame in frames if frame.stream == 0]
    second = [frame for frame in frames if frame.stream == 1]
    assert len(first) + len(second) == len(frames)
    assert_right_or_masked(first, old)
    assert_right_or_masked(second, new)
    assert [frame.index for frame in second] == list(range(200))
    assert assembler.counts["restarts"] == 1
    # packets that were needed to believe it are given up, no more
    given_up = lost_at_start + (0 if lost_at_start == 0 else 2)
    assert len(gap_bytes(second)) <= given_up * 1456
    stop = 501 * 1456
    assert gap_bytes(first) == set(range(stop, -(-stop // FRAME_BYTES) * FRAME_BYTES))


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 400),
    lost=st.integers(0, 40),
    loss=st.floats(0, 0.3),
    batch=st.integers(1, 100),
    seed=st.integers(0, 1000),
)
def test_restart_at_any_age_never_mixes_streams(length, lost, loss, batch, seed):
    """With 16 packets of reorder window a stream of up to 16 packets cannot be told from late ones
    by place alone; one that lives longer can."""
    frame_bytes = 40_000
    old = stream_bytes(1, 20, frame_bytes)
    new = stream_bytes(2, 20, frame_bytes)
    random = np.random.default_rng(seed)
    before = [packet for packet in cut(old)[: length + 17] if random.random() >= loss]
    after = [packet for packet in cut(new)[lost:] if random.random() >= loss]
    newest, third = (int.from_bytes(packet[4:10], "little") for packet in (before[-1], after[2]))
    if newest + 1456 - third <= 16 * 1456:
        return  # what is left of the old stream is too short to tell
    frames, _ = assemble(before + after, batch, frame_bytes, reorder_packets=16, max_gap_frames=100)
    assert {frame.stream for frame in frames} == {0, 1}
    for number, stream in ((0, old), (1, new)):
        assert_right_or_masked(
            [frame for frame in frames if frame.stream == number], stream, frame_bytes
        )


def test_one_absurd_byte_count_is_ignored():
    stream = stream_bytes()
    packets = cut(stream)
    absurd = (99).to_bytes(4, "little") + (2**46).to_bytes(6, "little") + bytes(100)
    frames, assembler = assemble([*packets[:7], absurd, *packets[7:]])
    assert np.array_equal(np.concatenate([frame.payload for frame in frames]), stream)
    assert assembler.counts["too_late"] == 1


def test_leap_too_long_for_a_gap_begins_a_new_stream():
    stream = stream_bytes(frames=60)
    packets = cut(stream)
    frames, _ = assemble(packets[:10] + packets[120:], max_gap_frames=20, reorder_packets=16)
    assert {frame.stream for frame in frames} == {0, 1}
    assert_right_or_masked(frames, stream)
    assert len(frames) < 40


def test_restart_by_the_caller_begins_a_new_stream():
    stream = stream_bytes()
    packets = cut(stream)
    assembler = FrameAssembler(FRAME_BYTES)
    frames = assembler.push(batch_packets(packets[:4])) + assembler.restart()
    frames += assembler.push(batch_packets(packets)) + assembler.flush()
    assert [(frame.stream, frame.index) for frame in frames] == [(0, 0), (0, 1)] + [
        (1, index) for index in range(FRAMES)
    ]
    assert_right_or_masked(frames, stream)


@pytest.mark.parametrize("size", [0, -2, 3])
def test_impossible_frame_sizes_are_refused(size):
    with pytest.raises(ValueError, match="frame_bytes"):
        FrameAssembler(size)
    with pytest.raises(ValueError, match="reorder_packets"):
        FrameAssembler(10, reorder_packets=0)
