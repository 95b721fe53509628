"""Recordings of the DCA1000 on disk: packet captures and raw payload."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmwave.dca1000.packets import (
    DATA_PORT,
    MAX_PAYLOAD_BYTES,
    PacketBatch,
    batch_packets,
    encode_packets,
)
from mmwave.dca1000.samples import PositionBlock
from mmwave.dca1000.stream import assemble
from mmwave.waveform import Waveform

_BATCH_PACKETS = 256
_GLOBAL_HEADER_BYTES = 24
_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_ETHERNET = 1
_VLAN_TYPES = (b"\x81\x00", b"\x88\xa8")
_UDP = 17


def pcap_packets(path: str | Path, data_port: int = DATA_PORT) -> Iterator[PacketBatch]:
    """Read the DCA1000's datagrams out of a packet capture.

    Takes classic pcap files (both byte orders, micro- and nanoseconds) with Ethernet, IPv4 and UDP;
    everything else in the file is passed over. A capture that ends inside a record ends there.

    Args:
        path: the file.
        data_port: UDP port the datagrams were sent to.

    Yields:
        Batches in the file's order; ``arrival_ns`` is the capture's UNIX time.

    Raises:
        ValueError: the file is no classic pcap file or not of Ethernet.
    """
    data = Path(path).read_bytes()
    if data[:4] not in _MAGIC or len(data) < _GLOBAL_HEADER_BYTES:
        hint = " (pcapng: convert it with `editcap -F pcap`)" if data[:4] == b"\n\r\r\n" else ""
        raise ValueError(f"{path} is no classic pcap file{hint}")
    order, tick_ns = _MAGIC[data[:4]]
    (link,) = struct.unpack_from(f"{order}I", data, 20)
    if link & 0xFFFF != _ETHERNET:
        raise ValueError(f"{path} holds link type {link & 0xFFFF}; only Ethernet (1) is read")
    record = struct.Struct(f"{order}IIII")
    packets: list[bytes] = []
    arrivals: list[int] = []
    sources: list[int] = []
    position = _GLOBAL_HEADER_BYTES
    while position + record.size <= len(data):
        seconds, ticks, captured, _ = record.unpack_from(data, position)
        position += record.size
        if position + captured > len(data):
            break
        datagram = _udp_payload(data[position : position + captured], data_port)
        position += captured
        if datagram is not None:
            packets.append(datagram[0])
            sources.append(datagram[1])
            arrivals.append(seconds * 1_000_000_000 + ticks * tick_ns)
        if len(packets) == _BATCH_PACKETS:
            yield batch_packets(packets, arrivals, sources)
            packets, arrivals, sources = [], [], []
    if packets:
        yield batch_packets(packets, arrivals, sources)


def _udp_payload(ethernet: bytes, port: int) -> tuple[bytes, int] | None:
    """Payload and sender of an Ethernet frame, if it is a whole UDP datagram to ``port``."""
    offset = 12
    while ethernet[offset : offset + 2] in _VLAN_TYPES:
        offset += 4
    if ethernet[offset : offset + 2] != b"\x08\x00":
        return None
    packet = ethernet[offset + 2 :]
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != _UDP:
        return None
    fragment = int.from_bytes(packet[6:8], "big") & 0x3FFF
    header = (packet[0] & 0xF) * 4
    if fragment or len(packet) < header + 8:
        return None
    destination, length = struct.unpack_from(">HH", packet, header + 2)
    if destination != port:
        return None
    return packet[header + 8 : header + length], int.from_bytes(packet[12:16], "big")


def read_pcap(
    path: str | Path, waveform: Waveform, data_port: int = DATA_PORT
) -> Iterator[PositionBlock]:
    """Read a packet capture of the DCA1000 through the same assembler as live packets.

    Args:
        path: a classic pcap file.
        waveform: what the radar was told to send; the file does not say.
        data_port: UDP port the datagrams were sent to.

    Yields:
        The blocks, with UNIX times estimated from the capture's time stamps.

    Raises:
        ValueError: the file is no classic pcap file of Ethernet.
    """
    return assemble(pcap_packets(path, data_port), waveform)


def read_bin(
    path: str | Path, waveform: Waveform, start_time_ns: int = 0
) -> Iterator[PositionBlock]:
    """Read the payload of a recording without packet headers, as TI's tools write it.

    Args:
        path: the file; a last frame that is not whole comes out masked where it ends.
        waveform: what the radar was told to send; the file does not say.
        start_time_ns: UNIX time at which the first frame started; the file does not say.

    Yields:
        The blocks, with nominal times.

    Raises:
        ValueError: the file is empty.
    """
    data = (
        np.memmap(path, np.uint8, mode="r") if Path(path).stat().st_size else np.empty(0, np.uint8)
    )
    if not len(data):
        raise ValueError(f"{path} is empty")
    for block in assemble(_bin_packets(data), waveform):
        yield PositionBlock(
            frame_index=block.frame_index,
            samples=block.samples,
            time_ns=start_time_ns
            + np.round(
                (block.frame_index * waveform.frame_period_s + waveform.position_offsets_s) * 1e9
            ).astype(np.int64),
            valid=block.valid,
            waveform=waveform,
        )


def _bin_packets(data: np.ndarray) -> Iterator[PacketBatch]:
    step = _BATCH_PACKETS * MAX_PAYLOAD_BYTES
    for index, start in enumerate(range(0, len(data) - len(data) % 2, step)):
        payload = np.asarray(data[start : min(start + step, len(data) - len(data) % 2)])
        packets, lengths = encode_packets(payload, 1 + index * _BATCH_PACKETS, start)
        unknown = np.zeros(len(packets), np.int64)
        yield PacketBatch(packets, lengths, unknown, unknown.astype(np.uint32))
