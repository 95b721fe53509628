import socket
import struct
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from wire_pattern import SMALL, free_port, wait_until
from wire_pattern import frame_words as words_of
from xwr.capture import DCA1000EVM, DCAError
from xwr.capture import defines as xwr_defines

from mmwave.dca1000 import PacketReceiver, byte_ready_s
from mmwave.emulation.dca1000 import Command, DCA1000Emulator
from mmwave.emulation.link import FaultInjector, LinkFaults

FRAME_BYTES = SMALL.bytes_per_frame


@contextmanager
def emulator(**options):
    control, data = (free_port("127.0.0.1", "127.0.0.2") for _ in range(2))
    with DCA1000Emulator(SMALL, control_port=control, data_port=data, **options) as made:
        yield made


@contextmanager
def host(card):
    """The driver that real hosts use, against the emulated card."""
    driver = DCA1000EVM("127.0.0.1", "127.0.0.2", card.data_port, card.control_port, timeout=5.0)
    driver.data_socket.settimeout(5.0)
    try:
        yield driver
    finally:
        driver.config_socket.close()
        driver.data_socket.close()


@contextmanager
def recording(**options):
    with emulator(**options) as card, host(card) as driver:
        driver.setup()
        driver.start()
        driver.data_socket.settimeout(5.0)
        yield card, driver


def received(driver, count):
    return [driver.data_socket.recvfrom(4096) for _ in range(count)]


def test_command_codes_are_those_of_the_driver():
    codes = {command.value for command in xwr_defines.Command}
    assert {command.value for command in Command} == codes


def test_driver_sets_up_starts_and_stops():
    with emulator() as card, host(card) as driver:
        driver.setup()
        assert driver.read_fpga_version() == (2, 8, False)
        assert not card.recording
        driver.start()
        assert card.wait_for_recording(5.0)
        driver.stop()
        assert not card.recording
        assert card.commands[:4] == [
            Command.SYSTEM_ALIVENESS,
            Command.READ_FPGA_VERSION,
            Command.CONFIG_RECORD,
            Command.CONFIG_FPGA,
        ]


def exchange(card, request):
    """Answer to one request, byte for byte; None if the next request is answered first."""
    next_request = bytes.fromhex("5aa5 0e00 0000 aaee")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.settimeout(5.0)
        for each in (request, next_request):
            plain.sendto(each, ("127.0.0.2", card.control_port))
        first = plain.recv(2048)
        return None if first[2:4] == next_request[2:4] else first


def test_answers_have_the_bytes_of_a_real_card():
    """The real capture in the test data holds these answers."""
    with emulator() as card:
        assert exchange(card, bytes.fromhex("5aa5 0900 0000 aaee")).hex() == "5aa509000000aaee"
        fpga = bytes.fromhex("5aa5 0300 0600 01020102031e aaee")
        assert exchange(card, fpga).hex() == "5aa503000000aaee"
        record = bytes.fromhex("5aa5 0b00 0600 be05350c0000 aaee")
        assert exchange(card, record).hex() == "5aa50b000000aaee"
        assert exchange(card, bytes.fromhex("5aa5 0500 0000 aaee")).hex() == "5aa505000000aaee"
        assert card.recording


@pytest.mark.parametrize(
    "request_hex",
    ["", "5aa5", "ffff 0900 0000 aaee", "5aa5 0900 0000 ffff", "5aa509000000aa"],
)
def test_what_is_no_request_is_not_answered(request_hex):
    with emulator() as card:
        assert exchange(card, bytes.fromhex(request_hex)) is None


@pytest.mark.parametrize(
    "body",
    [
        "0900 0200 aaee",  # a size that is not there
        "0900 0200 0000 aaee",  # data where none belongs
        "7700 0000 aaee",  # unknown
        "0400 0000 aaee",  # the EEPROM is not emulated
        "0300 0600 02020102031e aaee",  # data separated mode
        "0300 0600 01010102031e aaee",  # four lanes
        "0300 0500 0102010203 aaee",  # one byte short
        "0b00 0600 be05 0100 0000 aaee",  # 8 ns between packets
        "0b00 0600 ffff 350c 0000 aaee",  # packets too long
        "0500 0000 aaee",  # start before it was configured
    ],
)
def test_bad_requests_are_refused(body):
    request = bytes.fromhex("5aa5" + body)
    code = struct.unpack_from("<H", request, 2)[0]
    with emulator() as card:
        assert exchange(card, request) == struct.pack("<HHHH", 0xA55A, code, 1, 0xEEAA)


def test_refused_and_silent_cards():
    with emulator(refuse=frozenset({Command.START_RECORD})) as card, host(card) as driver:
        driver.setup()
        with pytest.raises(DCAError, match="Start recording"):
            driver.start()
    with emulator(silent=True) as card, host(card) as driver:
        driver.config_socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            driver.system_aliveness()


def test_reset_of_the_radar_is_passed_on():
    resets = []
    with emulator(on_reset_radar=lambda: resets.append(1)) as card, host(card) as driver:
        driver.reset_ar_device()
        assert resets == [1]
        assert not card.recording


def test_frames_arrive_byte_for_byte_across_packets():
    with recording() as (card, driver):
        assert all(card.send_frame(words_of(number).tobytes()) for number in range(3))
        card.flush()
        total = -(-3 * FRAME_BYTES // 1456)
        packets = received(driver, total)
    assert {address for _, address in packets} == {("127.0.0.2", card.data_port)}
    numbers = [int.from_bytes(packet[:4], "little") for packet, _ in packets]
    assert numbers == list(range(1, total + 1))
    counts = [int.from_bytes(packet[4:10], "little") for packet, _ in packets]
    assert counts == [1456 * k for k in range(total)]
    payload = b"".join(packet[10:] for packet, _ in packets)
    assert payload == b"".join(words_of(number).tobytes() for number in range(3))
    assert card.injected.sent_packets == total
    assert card.injected.lost_packets == 0


def test_nothing_is_sent_unless_recording():
    with emulator() as card, host(card) as driver:
        assert not card.send_frame(words_of(0))
        driver.setup()
        driver.start()
        driver.stop()
        assert not card.send_frame(words_of(0))
        assert card.injected.packets == 0


def test_every_recording_counts_from_the_start():
    with recording() as (card, driver):
        for _ in range(2):
            driver.start()
            card.send_frame(words_of(0))
            first = received(driver, FRAME_BYTES // 1456)[0][0]
            assert first[:10] == bytes.fromhex("01000000 000000000000")
            assert first[10:] == words_of(0).tobytes()[:1456]


def test_no_packet_leaves_before_it_was_sampled():
    """The kernel's stamps of the arrival are never earlier than the sampling."""
    with recording() as (card, driver), PacketReceiver(driver.data_socket) as receiver:
        start_ns = time.time_ns() + 20_000_000
        card.send_frame(words_of(0), start_ns)
        ends, arrivals = [], []
        while len(ends) < FRAME_BYTES // 1456:
            batch = receiver.receive(5.0)
            ends += [int.from_bytes(row[4:10], "little") + 1456 for row in batch.data]
            arrivals += (batch.arrival_ns + batch.epoch_offset_ns).tolist()
    due_ns = start_ns + byte_ready_s(SMALL, np.array(ends)) * 1e9
    assert np.all(np.array(arrivals) > due_ns - 100_000)


def test_stopping_ends_a_frame_that_is_being_sent():
    with recording() as (card, _):
        result = []
        start_ns = time.time_ns() + 3_000_000_000
        player = threading.Thread(
            target=lambda: result.append(card.send_frame(words_of(0), start_ns))
        )
        player.start()
        card.close()
        player.join(5.0)
        assert result == [False]
        card.start()


def test_frame_of_one_recording_is_not_sent_into_the_next():
    with recording() as (card, driver):
        result = []
        start_ns = time.time_ns() + 500_000_000
        player = threading.Thread(
            target=lambda: result.append(card.send_frame(words_of(0), start_ns))
        )
        player.start()
        wait_until(lambda: card.injected.packets > 0)
        driver.stop()
        driver.start()
        player.join(10.0)
        assert result == [False]
        card.send_frame(words_of(1))
        assert received(driver, 1)[0][0][10:] == words_of(1).tobytes()[:1456]


def test_restart_begins_the_next_frame_with_packet_one():
    faults = LinkFaults(restart_at_s=2.5 * SMALL.frame_period_s)
    with recording(faults=faults) as (card, driver):
        for number in range(5):
            card.send_frame(words_of(number))
        card.flush()
        packets = [packet for packet, _ in received(driver, card.injected.sent_packets)]
    starts = [k for k, packet in enumerate(packets) if packet[:4] == b"\1\0\0\0"]
    assert len(starts) == 2
    assert b"".join(packet[10:] for packet in packets[starts[1] :]) == b"".join(
        words_of(number).tobytes() for number in (3, 4)
    )
    assert card.injected.restarts == 1
    sent = sum(len(packet) - 10 for packet in packets)
    assert card.injected.lost_bytes == 5 * FRAME_BYTES - sent


def numbered(count):
    packets = np.zeros((count, 1466), np.uint8)
    packets[:, :4] = np.arange(count, dtype="<u4").view(np.uint8).reshape(count, 4)
    packets[:, 10:] = 7
    return packets, np.full(count, 1466), np.arange(count) * 1e-4


def sent_numbers(outgoing, own_only=True):
    numbers = outgoing.packets[:, :4].copy().view("<u4")[:, 0]
    return numbers[~outgoing.foreign].tolist() if own_only else numbers.tolist()


def test_harmless_link_changes_nothing():
    outgoing = FaultInjector(LinkFaults()).apply(*numbered(100))
    assert sent_numbers(outgoing) == list(range(100))


@pytest.mark.parametrize("loss", [0.05, 0.3])
def test_loss_is_as_asked_for_and_counted(loss):
    injector = FaultInjector(LinkFaults(loss=loss, seed=1))
    sent = sum(len(injector.apply(*numbered(500))) for _ in range(40))
    assert injector.injected.lost_packets == 20000 - sent
    assert injector.injected.lost_fraction == pytest.approx(loss, rel=0.05)
    assert injector.injected.lost_bytes == 1456 * injector.injected.lost_packets


def test_burst_takes_neighbours_also_across_batches():
    faults = LinkFaults(burst_packets=100, burst_interval_s=0.008)
    injector = FaultInjector(faults)
    packets, lengths, due_s = numbered(300)
    numbers = []
    for start in range(0, 300, 50):
        part = slice(start, start + 50)
        numbers += sent_numbers(injector.apply(packets[part], lengths[part], due_s[part]))
    lost = sorted(set(range(300)) - set(numbers))
    assert lost[:100] == list(range(80, 180))
    assert injector.injected.bursts == 3


def test_stall_takes_what_is_due_meanwhile():
    injector = FaultInjector(LinkFaults(stall_start_s=0.005, stall_duration_s=0.01))
    numbers = sent_numbers(injector.apply(*numbered(300)))
    assert numbers == [*range(50), *range(150, 300)]


def test_reordering_keeps_every_packet_and_its_distance():
    injector = FaultInjector(LinkFaults(reorder=0.2, reorder_distance=9, seed=2))
    packets, lengths, due_s = numbered(400)
    numbers = []
    for start in range(0, 400, 40):
        part = slice(start, start + 40)
        outgoing = injector.apply(packets[part], lengths[part], due_s[part])
        assert np.all(np.diff(outgoing.due_s) >= 0)
        numbers += sent_numbers(outgoing)
    numbers += sent_numbers(injector.flush())
    assert sorted(numbers) == list(range(400))
    late = [k for k, n in enumerate(numbers) if any(m > n for m in numbers[:k])]
    assert injector.injected.reordered >= len(late) > 20
    assert max(max(numbers[:k]) - numbers[k] for k in late) <= 9


def test_duplicates_come_after_their_first():
    injector = FaultInjector(LinkFaults(duplicate=0.3, seed=3))
    numbers = sent_numbers(injector.apply(*numbered(200))) + sent_numbers(injector.flush())
    assert set(numbers) == set(range(200))
    assert len(numbers) == 200 + injector.injected.duplicated
    assert injector.injected.duplicated > 30


def test_cut_packets_lose_what_is_cut():
    injector = FaultInjector(LinkFaults(truncated=0.5, seed=4))
    outgoing = injector.apply(*numbered(500))
    payload = outgoing.length_bytes - 10
    usable = np.where((payload > 0) & (payload % 2 == 0), payload, 0)
    assert injector.injected.lost_bytes == 500 * 1456 - usable.sum()
    assert injector.injected.truncated == np.count_nonzero(outgoing.length_bytes < 1466)


def test_foreign_and_oversized_packets_are_extra_and_hold_other_bytes():
    injector = FaultInjector(LinkFaults(foreign=0.2, oversized=0.2, seed=5))
    outgoing = injector.apply(*numbered(300))
    oversized = outgoing.length_bytes > 1466
    own = ~outgoing.foreign & ~oversized
    assert np.count_nonzero(own) == 300
    assert np.all(outgoing.packets[own][:, 10:1466] == 7)
    assert np.all(outgoing.packets[~own][:, 10:1466] != 7)
    assert injector.injected.foreign == np.count_nonzero(outgoing.foreign) > 20
    assert injector.injected.oversized == np.count_nonzero(oversized) > 20


def test_same_seed_same_faults():
    faults = LinkFaults(loss=0.1, reorder=0.1, duplicate=0.1, foreign=0.1, truncated=0.1, seed=6)
    first, second = (FaultInjector(faults).apply(*numbered(300)) for _ in range(2))
    assert np.array_equal(first.packets, second.packets)
    assert np.array_equal(first.length_bytes, second.length_bytes)
    other = FaultInjector(LinkFaults(loss=0.1, seed=7)).apply(*numbered(300))
    assert sent_numbers(first) != sent_numbers(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"loss": 1.1}, "loss"), ({"reorder": -0.1}, "reorder"), ({"burst_packets": -1}, "burst")],
)
def test_impossible_faults_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LinkFaults(**options)


def test_foreign_packets_come_from_another_address():
    with recording(faults=LinkFaults(foreign=0.3, seed=1)) as (card, driver):
        card.send_frame(words_of(0))
        packets = received(driver, card.injected.sent_packets)
    foreign = [address for _, address in packets if address[0] == "127.0.0.3"]
    assert len(foreign) == card.injected.foreign > 0


def test_second_card_on_the_same_port_is_refused():
    with emulator() as card:
        second = DCA1000Emulator(SMALL, control_port=card.control_port, data_port=card.data_port)
        with pytest.raises(OSError, match="in use"):
            second.start()
