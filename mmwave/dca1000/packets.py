"""The DCA1000's data packets, as arrays.

One UDP datagram of the data port::

    offset  0         4               10                          up to 1466
            | sequence | byte count    | payload, at most 1456 B  |
            | uint32   | uint48        | int16 words             |

Both numbers are little-endian. The sequence number starts at 1 when recording starts; the byte
count is the number of payload bytes sent before this packet (TI, DCA1000EVM user's guide, SPRUIJ4A,
section 5.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 10
MAX_PAYLOAD_BYTES = 1456
MAX_PACKET_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES
CONTROL_PORT = 4096
DATA_PORT = 4098


@dataclass(frozen=True)
class PacketBatch:
    """Datagrams as they arrived, one a row.

    Attributes:
        data: uint8, shape (packet, slot). What of a datagram did not fit in a slot is not here.
        length_bytes: int64, shape (packet,). True size of each datagram, also if longer than a
            slot.
        arrival_ns: int64, shape (packet,). Arrival on a clock that is never set; 0 where unknown.
        source: uint32, shape (packet,). IPv4 address of the sender as a number; 0 where unknown.
        epoch_offset_ns: add to ``arrival_ns`` to get UNIX time.
    """

    data: NDArray[np.uint8]
    length_bytes: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    source: NDArray[np.uint32]
    epoch_offset_ns: int = 0

    def __len__(self) -> int:
        return len(self.length_bytes)


@dataclass(frozen=True)
class PacketHeaders:
    """What the headers of a batch say, each of shape (packet,).

    Attributes:
        sequence: int64, from 1.
        start: int64, payload bytes sent before this packet.
        payload_bytes: int64.
        well_formed: whether header and payload have a possible size; the rest is void where not.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    payload_bytes: NDArray[np.int64]
    well_formed: NDArray[np.bool_]


def parse_headers(batch: PacketBatch) -> PacketHeaders:
    """Read all headers of a batch at once.

    A packet is malformed if it has no payload, an odd number of payload bytes (samples are 2 B
    words), or more than the 1456 B the card can send.
    """
    payload = batch.length_bytes - HEADER_BYTES
    well_formed = (payload > 0) & (payload <= MAX_PAYLOAD_BYTES) & (payload % 2 == 0)
    fields = np.zeros((len(batch), 12), np.uint8)
    fields[:, :HEADER_BYTES] = batch.data[:, :HEADER_BYTES]
    words = fields.view("<u4").astype(np.int64)
    return PacketHeaders(
        sequence=words[:, 0],
        start=words[:, 1] + (words[:, 2] << 32),
        payload_bytes=payload,
        well_formed=well_formed,
    )


def encode_packets(
    payload: NDArray[np.uint8], sequence: int, start: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Cut a stretch of the stream into datagrams of 1456 B, the last as short as needed.

    Args:
        payload: uint8, shape (byte,).
        sequence: sequence number of the first packet.
        start: payload bytes sent before it.

    Returns:
        The packets, uint8 of shape (packet, 1466), and their lengths in bytes, int64 of shape
        (packet,).
    """
    count = -(-len(payload) // MAX_PAYLOAD_BYTES)
    packets = np.zeros((count, MAX_PACKET_BYTES), np.uint8)
    lengths = np.full(count, MAX_PACKET_BYTES, np.int64)
    full = len(payload) // MAX_PAYLOAD_BYTES
    whole = full * MAX_PAYLOAD_BYTES
    packets[:full, HEADER_BYTES:] = payload[:whole].reshape(full, MAX_PAYLOAD_BYTES)
    if full < count:
        rest = len(payload) - whole
        packets[full, HEADER_BYTES : HEADER_BYTES + rest] = payload[whole:]
        lengths[full] = HEADER_BYTES + rest
    index = np.arange(count, dtype=np.uint64)
    numbers = ((index + np.uint64(sequence)) & np.uint64(0xFFFFFFFF)).astype("<u4")
    counts = (index * np.uint64(MAX_PAYLOAD_BYTES) + np.uint64(start)).astype("<u8")
    packets[:, :4] = numbers.view(np.uint8).reshape(count, 4)
    packets[:, 4:10] = counts.view(np.uint8).reshape(count, 8)[:, :6]
    return packets, lengths


def batch_packets(
    packets: Sequence[bytes],
    arrival_ns: Sequence[int] | NDArray[np.int64] | None = None,
    source: Sequence[int] | NDArray[np.uint32] | None = None,
    slot_bytes: int = 2048,
) -> PacketBatch:
    """Put datagrams that are already in memory into a batch (files, tests).

    Args:
        packets: the datagrams without their UDP header.
        arrival_ns: when each arrived; unknown if not given.
        source: IPv4 address of each sender as a number; unknown if not given.
        slot_bytes: room for each packet; what is longer is cut, as a receiver would.
    """
    count = len(packets)
    data = np.zeros((count, slot_bytes), np.uint8)
    for row, packet in zip(data, packets, strict=True):
        kept = packet[:slot_bytes]
        row[: len(kept)] = np.frombuffer(kept, np.uint8)
    return PacketBatch(
        data=data,
        length_bytes=np.array([len(packet) for packet in packets], np.int64),
        arrival_ns=np.zeros(count, np.int64)
        if arrival_ns is None
        else np.asarray(arrival_ns, np.int64),
        source=np.zeros(count, np.uint32) if source is None else np.asarray(source, np.uint32),
    )
