import socket
import threading
import time

import numpy as np
import pytest
from radar_rig import IMPATIENT, Rig, assert_times_increase, running, take
from wire_pattern import (
    SMALL,
    assert_exact,
    frame_words,
    played_number,
    wait_until,
)

from mmwave.dca1000 import encode_packets
from mmwave.emulation.dca1000 import Command
from mmwave.emulation.link import LinkFaults
from panoradar_ros.hardware.radar import (
    FrontEndState,
)

HOST, DEVICE = "127.0.0.1", "127.0.0.2"


def test_every_frame_played_is_received_exactly():
    with running() as (rig, radar):
        before_s = time.time()
        blocks = take(radar, 40)
        assert radar.state == FrontEndState.STREAMING
    assert [block.frame_index for block in blocks] == list(range(40))
    for number, block in enumerate(blocks):
        assert block.valid.all()
        assert_exact(block, number)
        assert block.waveform == SMALL
    assert_times_increase(blocks)
    assert abs(blocks[0].time_ns[0] * 1e-9 - before_s) < 10
    assert radar.statistics.lost_bytes == 0
    assert radar.statistics.frames >= 40
    assert rig.sessions == [0]


def test_bad_link_gives_right_samples_or_masked_ones_and_true_counts():
    faults = LinkFaults(
        loss=0.05,
        reorder=0.02,
        duplicate=0.02,
        foreign=0.02,
        truncated=0.01,
        oversized=0.01,
        seed=1,
    )
    with running(faults) as (rig, radar):
        blocks = take(radar, 150)
        rig.pause()
        injected = rig.card.injected
    for block in blocks:
        assert_exact(block, block.frame_index)
    assert_times_increase(blocks)
    statistics = radar.statistics
    assert statistics.lost_fraction == pytest.approx(injected.lost_fraction, rel=0.1)
    assert statistics.restarts == 0
    assert statistics.too_late == 0
    for name in ("late", "duplicate", "foreign", "malformed"):
        assert getattr(statistics, name) > 0, name
    assert 0 < np.mean([block.valid.mean() for block in blocks]) < 0.95


def test_burst_of_a_hundred_lost_packets_is_masked():
    faults = LinkFaults(burst_packets=100, burst_interval_s=0.05)
    with running(faults) as (rig, radar):
        blocks = take(radar, 30)
        assert rig.card.injected.bursts >= 2
    assert [block.frame_index for block in blocks] == list(range(30))
    for number, block in enumerate(blocks):
        assert_exact(block, number)
    lost = sum(np.count_nonzero(~block.valid) for block in blocks)
    rows = 1456 / (SMALL.samples_per_chirp * 4)
    assert lost >= 200 * rows


def test_short_stop_of_the_link_is_masked_and_times_go_on():
    faults = LinkFaults(stall_start_s=0.1, stall_duration_s=0.15)
    with running(faults) as (_, radar):
        blocks = take(radar, 80)
    assert [block.frame_index for block in blocks] == list(range(80))
    assert sum(not block.valid.any() for block in blocks) >= 28
    for number, block in enumerate(blocks):
        assert_exact(block, number)
    assert_times_increase(blocks)
    starts_ns = np.array([block.time_ns[0] for block in blocks])
    assert np.diff(starts_ns).max() < 3 * SMALL.frame_period_s * 1e9
    assert radar.reconnects == 0


def test_card_that_restarts_begins_a_new_stream_without_mixing():
    with running(LinkFaults(restart_at_s=0.2)) as (_, radar):
        blocks = take(radar, 80)
    streams = [block.stream for block in blocks]
    assert sorted(set(streams)) == [0, 1]
    assert streams == sorted(streams)
    second = [block for block in blocks if block.stream == 1]
    assert [block.frame_index for block in second] == list(range(len(second)))
    played = [played_number(block, range(100)) for block in blocks if block.valid.any()]
    assert played == sorted(set(played))
    assert radar.statistics.restarts == 1


def test_stream_that_stops_is_started_again():
    with running(front_end=IMPATIENT) as (rig, radar):
        first = take(radar, 10)
        rig.pause()
        rest = take(radar, 40)
        assert radar.reconnects == 1
        assert radar.state == FrontEndState.STREAMING
        assert radar.problem == ""
        assert len(rig.sessions) == 2
    blocks = first + rest
    assert sorted({block.stream for block in blocks}) == [0, 1]
    for block in blocks:
        if block.valid.any():
            assert (
                played_number(block, range(200)) == rig.sessions[block.stream] + block.frame_index
            )
    assert all(block.valid.all() for block in rest[-20:])
    assert_times_increase(blocks)


def test_reconnecting_goes_on_until_the_devices_answer_again():
    with running(front_end=IMPATIENT) as (rig, radar):
        take(radar, 5)
        rig.card.silent = True
        rig.pause()
        states, problems = [], []

        def recover():
            wait_until(lambda: "does not answer" in radar.problem)
            states.append(radar.state)
            problems.append(radar.problem)
            rig.card.silent = False

        helper = threading.Thread(target=recover)
        helper.start()
        blocks = take(radar, 30)
        helper.join()
        assert states == [FrontEndState.RECONNECTING]
        assert "power" in problems[0]
        assert radar.problem == ""
        assert radar.state == FrontEndState.STREAMING
    assert_exact(blocks[-1], rig.sessions[-1] + blocks[-1].frame_index)


def test_reconnecting_survives_a_radar_that_is_unplugged_and_plugged_in_again(tmp_path):
    link = tmp_path / "radar"
    with Rig() as rig:
        link.symlink_to(rig.radar.port)
        with rig.front_end(serial_port=str(link), **IMPATIENT) as radar:
            radar.start()
            take(radar, 5)
            link.unlink()
            rig.card.refuse = frozenset({Command.RESET_AR_DEVICE})
            rig.pause()

            def plug_in():
                wait_until(lambda: "does not exist" in radar.problem or "refuses" in radar.problem)
                rig.card.refuse = frozenset()
                wait_until(lambda: "does not exist" in radar.problem)
                link.symlink_to(rig.radar.port)

            helper = threading.Thread(target=plug_in)
            helper.start()
            blocks = take(radar, 30)
            helper.join()
    assert_exact(blocks[-1], rig.sessions[-1] + blocks[-1].frame_index)


def test_only_foreign_packets_are_a_stall():
    with running(front_end=IMPATIENT) as (rig, radar):
        take(radar, 5)
        rig.pause()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.3", 0))
            closing = threading.Event()

            def shout():
                while not closing.wait(0.01):
                    stranger.sendto(bytes(1466), (HOST, rig.card.data_port))

            helper = threading.Thread(target=shout)
            helper.start()
            blocks = take(radar, 20)
            closing.set()
            helper.join()
    assert radar.statistics.foreign > 10
    assert_exact(blocks[-1], rig.sessions[-1] + blocks[-1].frame_index)


def test_what_was_under_way_before_the_start_is_thrown_away():
    with Rig() as rig, rig.front_end() as radar:
        stale, lengths = encode_packets(frame_words(900).view(np.uint8), 4000, 9 * 65536)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.bind((DEVICE, 0))
            for row, length in zip(stale, lengths, strict=True):
                device.sendto(row[:length].tobytes(), (HOST, rig.card.data_port))
        radar.start()
        blocks = take(radar, 20)
    for number, block in enumerate(blocks):
        assert block.frame_index == number
        assert block.valid.all()
        assert_exact(block, number)


def test_late_answer_of_the_card_is_not_taken_for_the_next_one():
    with Rig() as rig, rig.front_end() as radar:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
            refusal = bytes.fromhex("5aa5 0500 0100 aaee")
            late.sendto(refusal, (HOST, rig.card.control_port))
        radar.start()
        assert_exact(take(radar, 1)[0], 0)


def test_radar_that_is_stuck_is_freed_by_a_reset():
    with Rig(radar={"silent": True}) as rig:

        def reset():
            rig.radar.silent = False
            rig.radar.reset()

        rig.card.on_reset_radar = reset
        with rig.front_end() as radar:
            radar.start()
            assert_exact(take(radar, 1)[0], 0)


def test_stop_from_another_thread_ends_the_blocks_and_the_radar():
    with running() as (rig, radar):
        received = []
        reader = threading.Thread(target=lambda: received.extend(radar.blocks()))
        reader.start()
        wait_until(lambda: radar.statistics.frames > 5)
        radar.stop()
        reader.join(10.0)
        assert not reader.is_alive()
        assert radar.state == FrontEndState.CONNECTED
        assert not rig.radar.started
        assert not rig.card.recording
        assert len(received) > 5


def test_stop_ends_reconnecting():
    with running(front_end=IMPATIENT) as (rig, radar):
        take(radar, 3)
        rig.card.silent = True
        rig.pause()
        reader = threading.Thread(target=lambda: list(radar.blocks()))
        reader.start()
        wait_until(lambda: radar.state == FrontEndState.RECONNECTING)
        radar.stop()
        reader.join(10.0)
        assert not reader.is_alive()


def test_started_again_after_a_stop_it_counts_from_zero():
    with running() as (rig, radar):
        take(radar, 5)
        radar.stop()
        radar.start()
        blocks = take(radar, 10)
    assert [(block.stream, block.frame_index) for block in blocks] == [(1, k) for k in range(10)]
    for block in blocks:
        assert block.valid.all()
        assert_exact(block, rig.sessions[1] + block.frame_index)


def test_disconnecting_frees_ports_and_can_be_repeated():
    with Rig() as rig:
        for _ in range(2):
            radar = rig.front_end()
            radar.connect()
            assert radar.state == FrontEndState.CONNECTED
            radar.disconnect()
            radar.disconnect()
            assert radar.state == FrontEndState.DISCONNECTED


def test_blocks_before_start_are_an_error():
    with Rig() as rig, pytest.raises(RuntimeError, match="start"):
        next(rig.front_end().blocks())
