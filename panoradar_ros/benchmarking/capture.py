"""How much work it is to receive the radar's data, beside ``xwr`` alone.

An emulated capture card in a process of its own sends at a given rate; each receiver runs in
another process and measures its own processor time from the first frame to the last. Three
receivers:

* ``xwr``: the driver's own stream of frames, zeros where packets are missing;
* ``frames``: our receiver and assembler: frames with the exact gaps and kernel time stamps;
* ``positions``: the same with samples decoded, masked and timed, as the capture node uses it.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from xwr.capture import DCA1000EVM

from mmwave.dca1000 import FrameAssembler, PacketReceiver, PositionStream, address_number
from mmwave.emulation.dca1000 import DCA1000Emulator
from mmwave.this_machine import machine
from mmwave.waveform import Waveform
from panoradar_ros.ports import free_udp_ports

RATES_MBPS = (150, 300, 600)
HOST_ADDRESS, DEVICE_ADDRESS = "127.0.0.1", "127.0.0.2"
_SILENCE_S = 1.0
_START_S = 30.0
_LATE_S = 0.1


def waveform_at(megabits_per_s: float) -> Waveform:
    """The default chirps, closer together or further apart, so that frames make this rate.

    Raises:
        ValueError: the chirps do not fit in the time.
    """
    default = Waveform()
    period_s = default.bytes_per_frame * 8e-6 / megabits_per_s
    chirps = default.loops_per_frame * default.transmitters
    idle_s = 0.985 * period_s / chirps - default.ramp_end_s
    if idle_s < 0:
        raise ValueError(f"{megabits_per_s:g} Mbit/s needs more chirps than fit in the time")
    return replace(default, idle_s=idle_s, frame_period_s=period_s)


class _MeasuredCard(DCA1000EVM):
    """The driver's card, which adds up what its stream says it lost."""

    dropped_bytes = 0

    def _warn_dropped(self, dropped: int) -> None:
        self.dropped_bytes += dropped


def _xwr_frames(card: _MeasuredCard, waveform: Waveform) -> Iterator[int]:
    shape = [waveform.bytes_per_frame // 2]
    dropped = 0
    for frame in card.stream(shape):
        lost, dropped = card.dropped_bytes - dropped, card.dropped_bytes
        yield len(frame.data) - lost


def _our_frames(card: _MeasuredCard, waveform: Waveform) -> Iterator[int]:
    assembler = FrameAssembler(
        waveform.bytes_per_frame, device_address=address_number(DEVICE_ADDRESS)
    )
    with PacketReceiver(card.data_socket) as receiver:
        while (batch := receiver.receive(_SILENCE_S)) is not None:
            for frame in assembler.push(batch):
                yield len(frame.payload) - frame.lost_bytes


def _our_positions(card: _MeasuredCard, waveform: Waveform) -> Iterator[int]:
    assembler = FrameAssembler(
        waveform.bytes_per_frame, device_address=address_number(DEVICE_ADDRESS)
    )
    stream = PositionStream(waveform, assembler)
    before = 0
    with PacketReceiver(card.data_socket) as receiver:
        while (batch := receiver.receive(_SILENCE_S)) is not None:
            for block in stream.push(batch):
                received = stream.statistics.received_bytes
                yield received - before if len(block.time_ns) else 0
                before = received


RECEIVERS: dict[str, Callable[[_MeasuredCard, Waveform], Iterator[int]]] = {
    "xwr": _xwr_frames,
    "frames": _our_frames,
    "positions": _our_positions,
}


def _send(waveform: Waveform, ports: tuple[int, int], seconds: float, link: Connection) -> None:
    """Process that plays noise as soon as someone records; reports the bytes it sent."""
    noise = np.random.default_rng(0).integers(-200, 200, waveform.bytes_per_frame // 2, np.int16)
    frames = round(seconds / waveform.frame_period_s)
    with DCA1000Emulator(waveform, control_port=ports[0], data_port=ports[1]) as card:
        link.send("ready")
        if not card.wait_for_recording(_START_S):
            return
        start_ns = time.time_ns() + 50_000_000
        for index in range(frames):
            card.send_frame(noise, start_ns + round(index * waveform.frame_period_s * 1e9))
        card.flush()
        late_s = (time.time_ns() - start_ns) * 1e-9 - frames * waveform.frame_period_s
        link.send({"bytes": card.injected.payload_bytes, "late_s": late_s})
        link.recv()


def _receive(name: str, waveform: Waveform, ports: tuple[int, int], link: Connection) -> None:
    """Process that receives; reports bytes, processor time and duration."""
    card = _MeasuredCard(
        HOST_ADDRESS, DEVICE_ADDRESS, ports[1], ports[0], _SILENCE_S, socket_buffer=8 << 20
    )
    card.setup()
    card.flush()
    stream = RECEIVERS[name](card, waveform)
    card.start()
    first_bytes = next(stream)
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    total, stop_s, stop_cpu_s = 0, start_s, start_cpu_s
    for received in stream:
        total += received
        stop_s, stop_cpu_s = time.perf_counter(), time.process_time()
    link.send(
        {
            "bytes": total + first_bytes,
            "megabits_per_s": total * 8e-6 / (stop_s - start_s),
            "cpu_fraction": (stop_cpu_s - start_cpu_s) / (stop_s - start_s),
        }
    )


def measure(name: str, megabits_per_s: float, seconds: float) -> dict[str, float]:
    """One receiver at one rate.

    Args:
        name: one of :data:`RECEIVERS`.
        megabits_per_s: rate of the sender.
        seconds: how long it sends.

    Returns:
        ``megabits_per_s`` received, ``cpu_fraction`` of one core that the receiver used,
        ``loss_fraction`` and ``sender_late_s``, how far the sender fell behind its rate.

    Raises:
        RuntimeError: sender or receiver ended without a result.
    """
    context = multiprocessing.get_context("spawn")
    waveform = waveform_at(megabits_per_s)
    control, data = free_udp_ports(2, (HOST_ADDRESS, DEVICE_ADDRESS))
    ports = (control, data)
    sender_link, sender_end = context.Pipe()
    receiver_link, receiver_end = context.Pipe()
    sender = context.Process(target=_send, args=(waveform, ports, seconds, sender_end), daemon=True)
    receiver = context.Process(
        target=_receive, args=(name, waveform, ports, receiver_end), daemon=True
    )
    try:
        sender.start()
        if not sender_link.poll(_START_S):
            raise RuntimeError("the emulated capture card did not start")
        sender_link.recv()
        receiver.start()
        if not receiver_link.poll(2 * _START_S + 3 * seconds) or not sender_link.poll(1.0):
            raise RuntimeError(f"the receiver '{name}' at {megabits_per_s:g} Mbit/s gave no result")
        got, sent = receiver_link.recv(), sender_link.recv()
        sender_link.send("done")
        sender.join(5.0)
        receiver.join(5.0)
    finally:
        for process in (sender, receiver):
            if process.is_alive():
                process.terminate()
    whole = sent["bytes"] // waveform.bytes_per_frame * waveform.bytes_per_frame
    return {
        "megabits_per_s": round(got["megabits_per_s"], 1),
        "cpu_fraction": round(got["cpu_fraction"], 4),
        "loss_fraction": round(1 - got["bytes"] / whole, 6),
        "sender_late_s": round(sent["late_s"], 4),
    }


def _measure_undisturbed(name: str, megabits_per_s: float, seconds: float) -> dict[str, float]:
    """Measure again, twice at most, if other work kept the sender from its rate."""
    for _ in range(3):
        result = measure(name, megabits_per_s, seconds)
        if result["sender_late_s"] < _LATE_S:
            break
    return result


def measure_rates(seconds: float = 5.0, rates_mbps: Sequence[float] = RATES_MBPS) -> dict[str, Any]:
    """Measure all receivers at all rates, one after the other.

    Args:
        seconds: how long each measurement sends.
        rates_mbps: rates of the sender in Mbit/s.

    Returns:
        ``machine``, ``seconds`` and ``rates``: for each rate what :func:`measure` returns for each
        receiver, and ``cpu_ratio``: ours over ``xwr``'s.

    Raises:
        ValueError: seconds is not positive, or a rate is impossible.
        RuntimeError: a measurement gave no result.
    """
    if seconds <= 0:
        raise ValueError(f"seconds must be positive, got {seconds}")
    result: dict[str, Any] = {"machine": machine(), "seconds": seconds, "rates": []}
    for rate in rates_mbps:
        entry: dict[str, Any] = {"sent_megabits_per_s": rate}
        for name in RECEIVERS:
            entry[name] = _measure_undisturbed(name, rate, seconds)
        reference = max(entry["xwr"]["cpu_fraction"], 1e-9)
        entry["cpu_ratio"] = {
            name: round(entry[name]["cpu_fraction"] / reference, 3)
            for name in RECEIVERS
            if name != "xwr"
        }
        result["rates"].append(entry)
    return result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--seconds", type=float, default=5.0, help="time per point (5)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure at the standard rates."""
    return measure_rates(arguments.seconds)
