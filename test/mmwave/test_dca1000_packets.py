from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_pattern import SMALL

from mmwave.dca1000 import (
    PositionBlock,
    batch_packets,
    decode_iiqq,
    encode_iiqq,
    encode_packets,
    parse_headers,
)
from mmwave.dca1000.spans import SpanSet


def test_header_is_little_endian_with_a_six_byte_count():
    packet = bytes.fromhex("04030201 060504030201") + b"\1\2\3\4"
    headers = parse_headers(batch_packets([packet]))
    assert headers.sequence.tolist() == [0x01020304]
    assert headers.start.tolist() == [0x010203040506]
    assert headers.payload_bytes.tolist() == [4]
    assert headers.well_formed.tolist() == [True]


@pytest.mark.parametrize(
    ("size", "well_formed"),
    [
        *((0, False), (9, False), (10, False), (11, False), (12, True), (13, False)),
        *((1465, False), (1466, True), (1467, False), (1468, False), (3000, False)),
    ],
)
def test_only_possible_sizes_are_well_formed(size, well_formed):
    headers = parse_headers(batch_packets([bytes(size)]))
    assert headers.well_formed.tolist() == [well_formed]


@given(st.binary(min_size=1, max_size=5000), st.integers(1, 2**32), st.integers(0, 2**47))
def test_packets_cut_from_a_stream_hold_it_all(payload, sequence, start):
    packets, lengths = encode_packets(np.frombuffer(payload, np.uint8), sequence, start)
    rows = [bytes(row[:length]) for row, length in zip(packets, lengths, strict=True)]
    assert b"".join(row[10:] for row in rows) == payload
    assert all(len(row) == 1466 for row in rows[:-1])
    numbers = [int.from_bytes(row[:4], "little") for row in rows]
    assert numbers == [(sequence + k) % 2**32 for k in range(len(rows))]
    counts = [int.from_bytes(row[4:10], "little") for row in rows]
    assert counts == [start + 1456 * k for k in range(len(rows))]


def test_two_samples_lie_in_four_words_q_first():
    words = np.array([11, 12, 1, 2, 13, 14, 3, 4], np.int16)
    expected = [[1, 11], [2, 12], [3, 13], [4, 14]]
    assert decode_iiqq(words).tolist() == expected
    assert decode_iiqq(words.tobytes()).tolist() == expected
    assert encode_iiqq(np.array(expected, np.int16)).tolist() == words.tolist()


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=8, max_size=8))
def test_decoding_undoes_encoding(values):
    samples = np.array(values, np.int16).reshape(1, 2, 2, 2)
    assert np.array_equal(decode_iiqq(encode_iiqq(samples)), samples)


def test_decoding_keeps_leading_axes():
    words = np.arange(3 * 5 * 8, dtype=np.int16).reshape(3, 5, 8)
    decoded = decode_iiqq(words)
    assert decoded.shape == (3, 5, 4, 2)
    assert np.array_equal(decoded[2, 4], decode_iiqq(words[2, 4]))


def test_half_a_pair_is_refused():
    with pytest.raises(ValueError, match="6 words"):
        decode_iiqq(np.zeros(6, np.int16))
    with pytest.raises(ValueError, match="even number"):
        encode_iiqq(np.zeros((3, 2), np.int16))


def test_block_refuses_shapes_that_do_not_fit():
    positions, antennas = SMALL.loops_per_frame, SMALL.virtual_antennas
    samples = np.zeros((positions, antennas, SMALL.samples_per_chirp, 2), np.int16)
    times = np.arange(positions)
    valid = np.ones((positions, antennas), bool)
    samples[1, 2, 3] = 4, -5
    block = PositionBlock(0, samples, times, valid, SMALL)
    assert block.complex_samples[1, 2, 3] == 4 - 5j
    with pytest.raises(ValueError, match="samples"):
        PositionBlock(0, samples[1:], times, valid, SMALL)
    with pytest.raises(ValueError, match="int16"):
        PositionBlock(0, samples.astype(np.int32), times, valid, SMALL)
    with pytest.raises(ValueError, match="valid"):
        PositionBlock(0, samples, times, valid[:, 1:], SMALL)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12))))
def test_span_set_is_a_set_of_bytes(ranges):
    spans, members = SpanSet(), set()
    for start, size in ranges:
        wanted = set(range(start, start + size))
        missing = spans.missing(start, start + size)
        assert {byte for low, high in missing for byte in range(low, high)} == wanted - members
        for low, high in missing:
            spans.add(low, high)
        members |= wanted
        assert spans.covers(start, start + size)
    pairs = list(zip(spans.starts, spans.stops, strict=True))
    assert {byte for low, high in pairs for byte in range(low, high)} == members
    assert all(before[1] < after[0] for before, after in pairwise(pairs))
