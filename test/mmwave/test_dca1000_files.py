import struct
from pathlib import Path

import numpy as np
import pytest
from wire_pattern import SMALL, assert_exact, frame_words

from mmwave.dca1000 import encode_packets, pcap_packets, read_bin, read_pcap
from mmwave.waveform import Waveform

PCAP = Path(__file__).parent.parent / "data" / "dca1000_one_frame.pcap"
# what it was taken with is not known; this waveform has the frame's size, 16384 B
CAPTURED = Waveform(samples_per_chirp=64, loops_per_frame=8)


def payload_by_hand():
    """Records of the file one by one, without any code of the package."""
    data = PCAP.read_bytes()
    payload, position = {}, 24
    while position < len(data):
        (size,) = struct.unpack_from("<I", data, position + 8)
        frame = data[position + 16 : position + 16 + size]
        position += 16 + size
        if struct.unpack_from(">H", frame, 36)[0] == 4098:
            datagram = frame[42 : 34 + struct.unpack_from(">H", frame, 38)[0]]
            payload[struct.unpack_from("<I", datagram)[0]] = datagram[10:]
    return payload


def samples_by_hand():
    words = np.frombuffer(
        b"".join(packet for _, packet in sorted(payload_by_hand().items())), "<i2"
    )
    samples = np.empty((len(words) // 2, 2), np.int16)
    for sample in range(0, len(samples), 2):
        q0, q1, i0, i1 = words[2 * sample : 2 * sample + 4]
        samples[sample], samples[sample + 1] = (i0, q0), (i1, q1)
    return samples.reshape(8, 8, 64, 2)


def test_file_holds_eleven_full_packets_and_a_short_one():
    sizes = [len(packet) for _, packet in sorted(payload_by_hand().items())]
    assert sizes == [1456] * 11 + [368]


def test_real_capture_comes_out_exactly():
    blocks = list(read_pcap(PCAP, CAPTURED))
    assert len(blocks) == 1
    assert blocks[0].valid.all()
    assert np.array_equal(blocks[0].samples, samples_by_hand())
    assert blocks[0].samples.any()


def test_real_capture_has_times_from_its_stamps():
    (block,) = read_pcap(PCAP, CAPTURED)
    assert np.all(np.diff(block.time_ns) > 0)
    assert abs(block.time_ns[0] * 1e-9 - 1685137893.9) < 0.01


def records():
    data = PCAP.read_bytes()
    position = 24
    while position < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, position)
        yield seconds, micros, data[position + 16 : position + 16 + size]
        position += 16 + size


def write(path, order, magic, tick_ns, frames):
    out = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, 1)
    for seconds, micros, frame in frames:
        ticks = micros * 1000 // tick_ns
        out += struct.pack(f"{order}IIII", seconds, ticks, len(frame), len(frame)) + frame
    path.write_bytes(out)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "tick_ns"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_both_byte_orders_and_resolutions(tmp_path, order, magic, tick_ns):
    path = write(tmp_path / "a.pcap", order, magic, tick_ns, records())
    (block,), (original,) = read_pcap(path, CAPTURED), read_pcap(PCAP, CAPTURED)
    assert np.array_equal(block.samples, original.samples)
    assert np.array_equal(block.time_ns, original.time_ns)


def test_other_traffic_in_the_file_is_passed_over(tmp_path):
    ipv6 = bytes(12) + b"\x86\xdd" + bytes(60)
    arp = bytes(12) + b"\x08\x06" + bytes(40)
    original = list(records())
    _, _, data = original[5]
    other = data[:52] + bytes(byte ^ 0xFF for byte in data[52:])  # the same place, other samples
    fragment = other[:20] + b"\x20\x00" + other[22:]
    tcp = other[:23] + b"\x06" + other[24:]
    runt = data[:30]
    tagged = [(s, m, f[:12] + b"\x81\x00\x00\x05" + f[12:]) for s, m, f in original]
    noise = [(1, 0, frame) for frame in (ipv6, arp, fragment, tcp, runt, b"")]
    path = write(tmp_path / "a.pcap", "<", 0xA1B2C3D4, 1000, [*noise, *tagged])
    (block,) = read_pcap(path, CAPTURED)
    assert block.valid.all()
    assert np.array_equal(block.samples, samples_by_hand())


def test_other_ports_can_be_read():
    assert sum(len(batch) for batch in pcap_packets(PCAP, data_port=4096)) == 6
    assert list(read_pcap(PCAP, CAPTURED, data_port=5000)) == []


def test_capture_that_ends_in_the_middle_is_masked_from_there(tmp_path):
    path = tmp_path / "cut.pcap"
    path.write_bytes(PCAP.read_bytes()[:-1500])
    (block,) = read_pcap(path, CAPTURED)
    expected = samples_by_hand()
    assert 0 < np.count_nonzero(block.valid) < block.valid.size
    assert np.array_equal(block.samples[block.valid], expected[block.valid])
    assert not block.samples[~block.valid].any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no classic pcap"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "editcap"),
        (b"something else entirely, but long enough", "no classic pcap"),
        (struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101), "link type 101"),
    ],
)
def test_what_is_no_capture_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "bad.pcap"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        list(read_pcap(path, CAPTURED))
    assert "bad.pcap" in str(caught.value)


def test_raw_payload_comes_out_exactly_with_nominal_times(tmp_path):
    path = tmp_path / "raw.bin"
    path.write_bytes(b"".join(frame_words(number).tobytes() for number in range(9)))
    blocks = list(read_bin(path, SMALL, start_time_ns=1_000_000_000))
    assert [block.frame_index for block in blocks] == list(range(9))
    for number, block in enumerate(blocks):
        assert block.valid.all()
        assert_exact(block, number)
        expected_s = 1 + number * SMALL.frame_period_s + SMALL.position_offsets_s
        assert block.time_ns == pytest.approx(expected_s * 1e9, abs=2)


def test_raw_payload_that_ends_in_a_frame_is_masked_from_there(tmp_path):
    path = tmp_path / "raw.bin"
    path.write_bytes(frame_words(0).tobytes() + frame_words(1).tobytes()[:20001])
    blocks = list(read_bin(path, SMALL))
    assert blocks[0].valid.all()
    assert np.count_nonzero(blocks[1].valid) == 20000 // (SMALL.samples_per_chirp * 4)
    assert_exact(blocks[1], 1)


def test_empty_recording_is_refused(tmp_path):
    path = tmp_path / "raw.bin"
    path.touch()
    with pytest.raises(ValueError, match="empty"):
        list(read_bin(path, SMALL))


def test_packets_of_the_file_are_those_of_the_encoder():
    """The real card cuts as the emulator does."""
    payload = np.frombuffer(b"".join(p for _, p in sorted(payload_by_hand().items())), np.uint8)
    packets, lengths = encode_packets(payload, 1, 0)
    (batch,) = pcap_packets(PCAP)
    assert np.array_equal(batch.length_bytes, lengths)
    for row, captured, length in zip(packets, batch.data, lengths, strict=True):
        assert np.array_equal(row[:length], captured[:length])
