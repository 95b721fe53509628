"""A DCA1000 capture card on two UDP ports.

The command port takes the card's requests and answers them; the data port sends what
:meth:`DCA1000Emulator.send_frame` is given, cut into the card's packets and paced as the radar
samples them. Command codes, sizes and values: TI, DCA1000EVM user's guide, SPRUIJ4A, section 5.
"""

import contextlib
import enum
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000.clock import byte_ready_s
from mmwave.dca1000.packets import (
    CONTROL_PORT,
    DATA_PORT,
    HEADER_BYTES,
    MAX_PACKET_BYTES,
    MAX_PAYLOAD_BYTES,
    encode_packets,
)
from mmwave.emulation.link import FaultInjector, InjectedFaults, LinkFaults, Outgoing
from mmwave.emulation.sender import PacketSender, Punctuality
from mmwave.waveform import Waveform

logger = logging.getLogger(__name__)

HEADER = 0xA55A
FOOTER = 0xEEAA
_PREFIX = struct.Struct("<HHH")
_ANSWER = struct.Struct("<HHHH")
_SUCCESS, _FAILURE = 0, 1
_FPGA_VERSION = 2 | 8 << 7
_CHUNK_NS = 1_000_000


class Command(enum.IntEnum):
    """Request codes (SPRUIJ4A, table 12)."""

    RESET_FPGA = 0x01
    RESET_AR_DEVICE = 0x02
    CONFIG_FPGA = 0x03
    CONFIG_EEPROM = 0x04
    START_RECORD = 0x05
    STOP_RECORD = 0x06
    START_PLAYBACK = 0x07
    STOP_PLAYBACK = 0x08
    SYSTEM_ALIVENESS = 0x09
    ASYNC_STATUS = 0x0A
    CONFIG_RECORD = 0x0B
    CONFIG_AR_DEVICE = 0x0C
    INIT_FPGA_PLAYBACK = 0x0D
    READ_FPGA_VERSION = 0x0E


class DCA1000Emulator:
    """Answers commands and plays frames. Starts with :meth:`start`, or as a context manager.

    Args:
        waveform: how the radar samples, which sets the pace; may be changed between frames.
        host_address: where data goes and commands come from.
        device_address: the emulated card's own address.
        control_port: port of commands, on both addresses.
        data_port: port of data, on both addresses.
        faults: what the link does to the data.
        foreign_address: where foreign packets come from.
        on_reset_radar: called when the host resets the radar through the card.
        silent: never answer a command, as a card without power.
        refuse: commands that are answered with a failure.

    Raises:
        OSError: a port is in use or an address is not on this machine (from :meth:`start`).
    """

    def __init__(
        self,
        waveform: Waveform | None = None,
        *,
        host_address: str = "127.0.0.1",
        device_address: str = "127.0.0.2",
        control_port: int = CONTROL_PORT,
        data_port: int = DATA_PORT,
        faults: LinkFaults | None = None,
        foreign_address: str = "127.0.0.3",
        on_reset_radar: Callable[[], None] | None = None,
        silent: bool = False,
        refuse: frozenset[Command] = frozenset(),
    ) -> None:
        self.waveform = waveform or Waveform()
        self.host_address = host_address
        self.device_address = device_address
        self.control_port = control_port
        self.data_port = data_port
        self.on_reset_radar = on_reset_radar
        self.silent = silent
        self.refuse = refuse
        self.commands: list[Command] = []
        self._foreign_address = foreign_address
        self._faults = faults or LinkFaults()
        self._injector = FaultInjector(self._faults)
        self._lock = threading.RLock()
        self._punctuality = Punctuality()
        self._closing = threading.Event()
        self._configured = False
        self._record_configured = False
        self._recording = threading.Event()
        self._restarted = False
        self._recordings = 0
        self._first_ns: int | None = None
        self._stream_s = 0.0
        self._begin_stream()

    @property
    def injected(self) -> InjectedFaults:
        """What was done to the stream so far."""
        return self._injector.injected

    @property
    def recording(self) -> bool:
        """Whether the host has started recording."""
        return self._recording.is_set()

    def wait_for_recording(self, timeout_s: float) -> bool:
        """Wait until the host has started recording; returns whether it has."""
        return self._recording.wait(timeout_s)

    def start(self) -> None:
        """Open the ports and answer commands."""
        self._closing.clear()
        self._control = self._socket(self.device_address, self.control_port)
        self._control.settimeout(0.05)
        self._data = self._socket(self.device_address, self.data_port)
        self._foreign = self._socket(self._foreign_address, 0)
        self._sender = PacketSender((self.host_address, self.data_port))
        self._thread = threading.Thread(target=self._serve, name="dca1000-emulator", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and close the ports."""
        self._closing.set()
        self._recording.clear()
        self._thread.join()
        for opened in (self._control, self._data, self._foreign):
            opened.close()

    def __enter__(self) -> "DCA1000Emulator":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _socket(self, address: str, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        try:
            opened.bind((address, port))
        except OSError:
            opened.close()
            raise
        return opened

    # --- data ---

    def _begin_stream(self) -> None:
        self._sequence = 1
        self._byte_count = 0
        self._rest = np.empty(0, np.uint8)

    def send_frame(
        self, words: bytes | bytearray | memoryview | NDArray, at_time_ns: int | None = None
    ) -> bool:
        """Send one frame at the pace at which the radar samples it; returns when that is done.

        What does not fill a packet waits for the next frame, as in the card: packets straddle
        frames.

        Args:
            words: the frame's bytes on the wire (int16 words in the card's order).
            at_time_ns: UNIX time at which the frame starts; None sends at once and without pause.

        Returns:
            Whether the frame was sent: False if the host is not recording.
        """
        data = np.frombuffer(words, np.uint8) if not isinstance(words, np.ndarray) else words
        data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
        with self._lock:
            if not self.recording:
                return False
            recordings = self._recordings
            start_s = self._frame_start_s(at_time_ns)
            outgoing = self._outgoing(data, start_s)
        offset_ns = None if at_time_ns is None else at_time_ns - round(start_s * 1e9)
        return self._play(outgoing, offset_ns, recordings)

    def flush(self) -> None:
        """Send what waits for a full packet, as the card does some seconds after the last data."""
        with self._lock:
            rest, self._rest = self._rest, np.empty(0, np.uint8)
            if self.recording and len(rest):
                packets, lengths = encode_packets(rest, self._sequence, self._byte_count)
                self._count(packets, lengths)
                outgoing = self._injector.apply(packets, lengths, np.full(1, self._stream_s))
                self._play(outgoing, None, self._recordings)
            self._play(self._injector.flush(), None, self._recordings)

    def restart_stream(self) -> None:
        """Send what waits; with the next frame count from the start again, as after a reset."""
        with self._lock:
            self.flush()
            self._injector.count(restarts=1)
            self._begin_stream()

    def _frame_start_s(self, at_time_ns: int | None) -> float:
        """Stream time of a frame: since the first one after recording started."""
        if self._first_ns is None:
            self._first_ns = at_time_ns if at_time_ns is not None else 0
            self._stream_s = 0.0
        elif at_time_ns is None:
            self._stream_s += self.waveform.frame_period_s
        else:
            self._stream_s = (at_time_ns - self._first_ns) * 1e-9
        return self._stream_s

    def _outgoing(self, data: NDArray[np.uint8], start_s: float) -> Outgoing:
        waiting = len(self._rest)
        stream = np.concatenate((self._rest, data))
        whole = len(stream) // MAX_PAYLOAD_BYTES * MAX_PAYLOAD_BYTES
        packets, lengths = encode_packets(stream[:whole], self._sequence, self._byte_count)
        ends = np.arange(1, len(packets) + 1) * MAX_PAYLOAD_BYTES - waiting
        due_s = start_s + byte_ready_s(self.waveform, ends)
        restart_s = self._faults.restart_at_s
        if restart_s and not self._restarted and start_s + self.waveform.active_s >= restart_s:
            kept = int(np.searchsorted(due_s, restart_s))
            cut = len(stream) - kept * MAX_PAYLOAD_BYTES
            self._injector.count(restarts=1, payload_bytes=cut, lost_bytes=cut)
            self._restarted = True
            self._begin_stream()
            return self._injector.apply(packets[:kept], lengths[:kept], due_s[:kept])
        self._rest = stream[whole:].copy()
        self._count(packets, lengths)
        return self._injector.apply(packets, lengths, due_s)

    def _count(self, packets: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
        self._sequence += len(packets)
        self._byte_count += int((lengths - HEADER_BYTES).sum())

    def _play(self, outgoing: Outgoing, offset_ns: int | None, recordings: int) -> bool:
        """Send packets when they are due, about a millisecond's worth in one call.

        Ends early when the recording they belong to has ended, even if another has begun.
        """
        self._punctuality.ask()
        self._sender.load(outgoing)
        total = len(outgoing)
        if offset_ns is None:
            self._send(outgoing, 0, total)
            return True
        due_ns = offset_ns + np.round(outgoing.due_s * 1e9).astype(np.int64)
        sent = 0
        while sent < total:
            # the first alone: it is on time to some microseconds, as a card's packets are
            until_ns = due_ns[sent] + (_CHUNK_NS if sent else 0)
            chunk = int(np.searchsorted(due_ns, until_ns, side="right"))
            wait_s = (due_ns[chunk - 1] - time.time_ns()) * 1e-9
            if wait_s > 0 and self._closing.wait(wait_s):
                return False
            if not self.recording or recordings != self._recordings:
                return False
            ready = int(np.searchsorted(due_ns, time.time_ns(), side="right"))
            ready = max(ready, sent + 1)
            self._send(outgoing, sent, ready)
            sent = ready
        return True

    def _send(self, outgoing: Outgoing, first: int, last: int) -> None:
        """Send packets [first, last); those that are foreign from the other socket."""
        foreign = outgoing.foreign[first:last]
        if not foreign.any():
            self._sender.send(self._data, first, last)
            return
        for index in range(first, last):
            opened = self._foreign if outgoing.foreign[index] else self._data
            self._sender.send(opened, index, index + 1)

    # --- commands ---

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                request, address = self._control.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            answer = self._answer(request)
            if answer is not None and not self.silent:
                self._control.sendto(answer, address)

    def _answer(self, request: bytes) -> bytes | None:
        """Carry out one request; None if it is no request at all."""
        if len(request) < 8:
            return None
        header, code, size = _PREFIX.unpack_from(request)
        (footer,) = struct.unpack_from("<H", request, len(request) - 2)
        if header != HEADER or footer != FOOTER:
            return None
        status = _FAILURE
        if code in Command._value2member_map_ and len(request) == _PREFIX.size + size + 2:
            command = Command(code)
            self.commands.append(command)
            if command not in self.refuse:
                status = self._execute(command, request[_PREFIX.size : -2])
        return _ANSWER.pack(HEADER, code, status, FOOTER)

    def _execute(self, command: Command, data: bytes) -> int:
        if command == Command.CONFIG_FPGA:
            return self._configure_fpga(data)
        if command == Command.CONFIG_RECORD:
            return self._configure_record(data)
        if data:
            return _FAILURE
        if command == Command.READ_FPGA_VERSION:
            return _FPGA_VERSION
        if command == Command.SYSTEM_ALIVENESS:
            return _SUCCESS
        if command == Command.START_RECORD:
            return self._start_record()
        if command == Command.STOP_RECORD:
            self._recording.clear()
            return _SUCCESS
        if command == Command.RESET_FPGA:
            self._recording.clear()
            self._configured = self._record_configured = False
            return _SUCCESS
        if command == Command.RESET_AR_DEVICE:
            if self.on_reset_radar is not None:
                self.on_reset_radar()
            return _SUCCESS
        return _FAILURE  # storage, playback and the EEPROM are not there

    def _start_record(self) -> int:
        if not (self._configured and self._record_configured):
            return _FAILURE
        with self._lock:
            self._begin_stream()
            self._injector.flush()
            self._first_ns = None
            self._stream_s = 0.0
            self._recordings += 1
            self._recording.set()
        return _SUCCESS

    def _configure_fpga(self, data: bytes) -> int:
        """Raw mode, two lanes, capture, Ethernet, 16 bits: what an AWR1843 needs."""
        if len(data) != 6 or tuple(data[:5]) != (1, 2, 1, 2, 3):
            return _FAILURE
        self._configured = True
        return _SUCCESS

    def _configure_record(self, data: bytes) -> int:
        """Packet size and delay between packets, in units of 8 ns; 5 to 500 us are allowed."""
        if len(data) != 6:
            return _FAILURE
        size, delay, _ = struct.unpack("<HHH", data)
        if not MAX_PACKET_BYTES <= size <= 1470 or not 5.0 <= delay * 8e-3 <= 500.0:
            return _FAILURE
        self._record_configured = True
        return _SUCCESS
