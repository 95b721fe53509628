import socket
import time

import numpy as np
import pytest
from test_dca1000_files import CAPTURED, PCAP, samples_by_hand
from wire_pattern import wait_until

from mmwave.dca1000 import (
    FrameAssembler,
    PacketReceiver,
    PositionStream,
    address_number,
    pcap_packets,
)


@pytest.fixture
def sockets():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device,
    ):
        host.bind(("127.0.0.1", 0))
        device.bind(("127.0.0.2", 0))
        yield host, device


@pytest.fixture(params=[True, False], ids=["recvmmsg", "recvmsg"])
def receiver(request, sockets):
    with PacketReceiver(sockets[0], gather_s=0.0, use_recvmmsg=request.param) as made:
        yield made


def receive(receiver, count):
    """Copies of packets until there are so many."""
    packets, sources, arrivals, lengths = [], [], [], []
    while len(packets) < count:
        batch = receiver.receive(10.0)
        assert batch is not None
        lengths += batch.length_bytes.tolist()
        packets += [
            bytes(row[:length]) for row, length in zip(batch.data, batch.length_bytes, strict=True)
        ]
        sources += batch.source.tolist()
        arrivals += (batch.arrival_ns + batch.epoch_offset_ns).tolist()
    return packets, sources, arrivals, lengths


def test_datagrams_arrive_whole_in_order_with_sender_and_kernel_time(sockets, receiver):
    host, device = sockets

    def kernel_stamps_arrivals():  # it needs a moment to begin when the first program asks for it
        device.sendto(b"is it stamped", host.getsockname())
        sent_ns = time.time_ns()
        wait_until(lambda: time.time_ns() > sent_ns + 5_000_000)
        return receive(receiver, 1)[2][0] < sent_ns + 2_000_000

    wait_until(kernel_stamps_arrivals)
    sent = [bytes([number % 256]) * (number * 7 % 1467) for number in range(600)]
    before_ns = time.time_ns()
    for packet in sent:
        device.sendto(packet, host.getsockname())
    after_ns = time.time_ns()
    # read late: the stamps must be those of the arrival
    wait_until(lambda: time.time_ns() > after_ns + 20_000_000)
    packets, sources, arrivals, _ = receive(receiver, len(sent))
    assert packets == sent
    assert set(sources) == {address_number("127.0.0.2")}
    slack_ns = 2_000_000
    assert before_ns - slack_ns <= min(arrivals)
    assert max(arrivals) <= after_ns + slack_ns
    assert np.all(np.diff(arrivals) >= -slack_ns)


def test_datagram_longer_than_its_slot_shows_its_true_length(sockets, receiver):
    host, device = sockets
    device.sendto(bytes(5000), host.getsockname())
    device.sendto(b"next", host.getsockname())
    packets, _, _, lengths = receive(receiver, 2)
    assert lengths == [5000, 4]
    assert packets[1] == b"next"


def test_silence_returns_nothing(receiver):
    assert receiver.receive(0.01) is None


def test_discard_throws_away_what_came(sockets, receiver):
    host, device = sockets
    for _ in range(300):
        device.sendto(b"old", host.getsockname())
    assert receiver.discard() == 300
    device.sendto(b"new", host.getsockname())
    assert receive(receiver, 1)[0] == [b"new"]


def test_socket_asks_for_a_large_buffer(sockets):
    with PacketReceiver(sockets[0], buffer_bytes=1 << 20) as receiver:
        assert receiver.buffer_bytes >= 212_992


def test_packets_the_kernel_dropped_are_counted(sockets):
    host, device = sockets
    with PacketReceiver(host, gather_s=0.0) as receiver:
        host.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(200):
            device.sendto(bytes(1466), host.getsockname())
        kept = receiver.discard()
        device.sendto(b"after", host.getsockname())
        receive(receiver, 1)
        assert kept + receiver.kernel_dropped == 200
        assert receiver.kernel_dropped > 0


def test_real_capture_through_a_real_socket_comes_out_exactly(sockets, receiver):
    host, device = sockets
    stream = PositionStream(
        CAPTURED,
        FrameAssembler(CAPTURED.bytes_per_frame, device_address=address_number("127.0.0.2")),
    )
    for batch in pcap_packets(PCAP):
        for row, length in zip(batch.data, batch.length_bytes, strict=True):
            device.sendto(row[:length].tobytes(), host.getsockname())
    blocks = []
    before_s = time.time()
    while not blocks:
        received = receiver.receive(10.0)
        assert received is not None
        blocks += stream.push(received)
    assert len(blocks) == 1
    assert blocks[0].valid.all()
    assert np.array_equal(blocks[0].samples, samples_by_hand())
    assert abs(blocks[0].time_ns[0] * 1e-9 - before_s) < 10
