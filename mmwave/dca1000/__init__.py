"""The DCA1000 capture card: its packets, and how they become positions with validity and time.

Live::

    PacketReceiver -> PacketBatch -> FrameAssembler -> RawFrame -> AcquisitionClock -> PositionBlock
                                     '------------- PositionStream ----------------'

Files go the same way: see :func:`read_pcap` and :func:`read_bin`. The wire format is described in
``docs/wire-formats.md``.
"""

from mmwave.dca1000.assembler import FrameAssembler, RawFrame
from mmwave.dca1000.clock import AcquisitionClock, byte_ready_s
from mmwave.dca1000.files import pcap_packets, read_bin, read_pcap
from mmwave.dca1000.packets import (
    CONTROL_PORT,
    DATA_PORT,
    HEADER_BYTES,
    MAX_PACKET_BYTES,
    MAX_PAYLOAD_BYTES,
    PacketBatch,
    PacketHeaders,
    batch_packets,
    encode_packets,
    parse_headers,
)
from mmwave.dca1000.receiver import PacketReceiver, address_number
from mmwave.dca1000.samples import PositionBlock, decode_iiqq, encode_iiqq
from mmwave.dca1000.statistics import ReceiverStatistics, RecentLoss
from mmwave.dca1000.stream import PositionStream, assemble

__all__ = [
    "CONTROL_PORT",
    "DATA_PORT",
    "HEADER_BYTES",
    "MAX_PACKET_BYTES",
    "MAX_PAYLOAD_BYTES",
    "AcquisitionClock",
    "FrameAssembler",
    "PacketBatch",
    "PacketHeaders",
    "PacketReceiver",
    "PositionBlock",
    "PositionStream",
    "RawFrame",
    "ReceiverStatistics",
    "RecentLoss",
    "address_number",
    "assemble",
    "batch_packets",
    "byte_ready_s",
    "decode_iiqq",
    "encode_iiqq",
    "encode_packets",
    "parse_headers",
    "pcap_packets",
    "read_bin",
    "read_pcap",
]
