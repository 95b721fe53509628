"""A Pololu Tic on a pseudo-terminal: the device's bytes at the speed of its line.

A serial driver that opens :attr:`TicEmulator.port` finds a controller in "Serial / I2C / USB" mode
(Pololu "Tic Stepper Motor Controller User's Guide", document 0J71).
"""

import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import Callable
from types import TracebackType

import numpy as np

from mmwave.emulation.rotor import Mechanics, Rotor, RotorFaults
from mmwave.emulation.tic_device import TicDevice, TicSettings
from mmwave.tic import ERROR_BITS, CommandParser, ProtocolError

_POLL_S = 0.02
_BITS_PER_BYTE = 10

__all__ = ["Mechanics", "RotorFaults", "TicEmulator", "TicSettings"]


class TicEmulator:
    """An emulated stepper controller with its turntable.

    A command takes effect when its last byte has crossed the line; its answer is there when the
    answer's last byte has. Use as a context manager, or call :meth:`start` and :meth:`stop`.

    Args:
        settings: what is stored in the controller.
        mechanics: the turntable.
        faults: what goes wrong.
        clock: UNIX time in nanoseconds.
    """

    def __init__(
        self,
        settings: TicSettings | None = None,
        mechanics: Mechanics | None = None,
        faults: RotorFaults | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.settings = settings or TicSettings()
        self.faults = faults or RotorFaults()
        self._clock = clock
        self._device = TicDevice(
            self.settings, mechanics or Mechanics(), self.faults, start_ns=clock()
        )
        self._parser = CommandParser(self.settings.device_number, self.settings.crc_for_commands)
        self._random = np.random.default_rng(self.faults.seed)
        self._lock = threading.Lock()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.bytes_lost = 0
        self.answers_corrupted = 0
        self.answers_late = 0

    @property
    def port(self) -> str:
        """Path of the serial port to open."""
        return os.ttyname(self._slave)

    @property
    def rotor(self) -> Rotor:
        """The turntable: its real angle and speed at any time."""
        return self._device.rotor

    def force_error(self, name: str, active: bool = True) -> None:
        """Switch an error condition of :data:`mmwave.tic.ERROR_BITS` on or off.

        Raises:
            ValueError: no such error.
        """
        if name not in ERROR_BITS:
            raise ValueError(f"no error is called {name!r}; there are {', '.join(ERROR_BITS)}")
        with self._lock:
            if active:
                self._device.forced_errors.add(name)
            else:
                self._device.forced_errors.discard(name)
            self._device.update(self._clock())

    def start(self) -> "TicEmulator":
        """Begin to listen; returns itself."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="tic emulator", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close the port."""
        if self._closed:
            return
        self._closed = True
        os.write(self._wake_write, b"x")
        if self._thread is not None:
            self._thread.join()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def __enter__(self) -> "TicEmulator":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        while not self._closed:
            ready, _, _ = select.select([self._master, self._wake_read], [], [], _POLL_S)
            if self._closed:
                return
            if self._master in ready:
                self._receive(os.read(self._master, 4096))
            else:
                with self._lock:
                    self._device.update(self._clock())

    def _receive(self, data: bytes) -> None:
        byte_ns = round(_BITS_PER_BYTE / self.settings.baud_rate * 1e9)
        now_ns = self._clock()
        for request in self._parser.feed(self._lose(data)):
            with self._lock:
                if isinstance(request, ProtocolError):
                    self._device.protocol_error(request, now_ns)
                    continue
                now_ns += request.packet_bytes * byte_ns
                answer = self._device.execute(request, now_ns)
            if answer and not self.faults.silent:
                now_ns += len(answer) * byte_ns
                if self._random.random() < self.faults.late_answers:
                    self.answers_late += 1
                    now_ns += round(self.faults.lateness_s * 1e9)
                time.sleep(max(0, now_ns - self._clock()) / 1e9)
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._random.random() < self.faults.corrupted_answers:
            self.answers_corrupted += 1
            damaged = bytearray(answer)
            damaged[int(self._random.integers(len(damaged)))] ^= 1 << int(self._random.integers(8))
            answer = bytes(damaged)
        answer = self._lose(answer)
        with contextlib.suppress(BlockingIOError):  # nobody reads: the bytes go nowhere
            os.write(self._master, answer)

    def _lose(self, data: bytes) -> bytes:
        if not self.faults.lost_bytes:
            return data
        kept = self._random.random(len(data)) >= self.faults.lost_bytes
        self.bytes_lost += int(np.count_nonzero(~kept))
        return bytes(np.frombuffer(data, np.uint8)[kept])
