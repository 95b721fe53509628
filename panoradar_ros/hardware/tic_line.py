"""The serial line to a Pololu Tic: packets out, answers in, each with the time it was taken.

Section numbers are those of the Pololu "Tic Stepper Motor Controller User's Guide" (0J71).
"""

import contextlib
import os
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import serial

from mmwave.tic import (
    MAXIMUM_CRC_READ_BYTES,
    Command,
    crc7,
    encode_command,
)
from panoradar_ros.hardware.errors import HardwareError

_BITS_PER_BYTE = 10
_DRAIN_BYTES = 64
_LONGEST_DRAIN = 20


class StepperError(HardwareError):
    """The stepper or its controller is not in order."""


class StepperCommunicationError(StepperError):
    """The controller does not answer, or not correctly."""


@dataclass
class LineStatistics:
    """Counts since the line was opened."""

    exchanges: int = 0
    timeouts: int = 0
    crc_errors: int = 0


@dataclass(frozen=True)
class Exchange:
    """An answer and when it was taken.

    Attributes:
        data: the variables' bytes, without the CRC.
        earliest_ns: the controller cannot have taken the values before (command on the line).
        latest_ns: nor after (answer on the line).
    """

    data: bytes
    earliest_ns: int
    latest_ns: int

    @property
    def middle_ns(self) -> int:
        """Best guess without other knowledge."""
        return (self.earliest_ns + self.latest_ns) // 2


class TicLine:
    """Exchanges packets with a Tic over a serial port. Safe to use from several threads.

    Args:
        port: serial device, for example ``/dev/ttyUSB0``.
        baud_rate: bits/s, as set in the controller.
        device_number: Pololu protocol with this number; None for the compact protocol.
        crc_for_commands: append a CRC byte to commands.
        crc_for_responses: expect a CRC byte after answers.
        timeout_s: longest wait for an answer.
        retries: attempts after a failed exchange.
    """

    def __init__(
        self,
        port: str,
        *,
        baud_rate: int,
        device_number: int | None,
        crc_for_commands: bool,
        crc_for_responses: bool,
        timeout_s: float,
        retries: int,
    ) -> None:
        self.port = port
        self.statistics = LineStatistics()
        self._baud_rate = baud_rate
        self._device_number = device_number
        self._crc_out = crc_for_commands
        self._crc_in = crc_for_responses
        self._timeout_s = timeout_s
        self._retries = retries
        self._serial: serial.Serial | None = None
        self._lock = threading.RLock()
        self._crc_failed = False

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._serial is not None

    def open(self) -> None:
        """Open the port.

        Raises:
            StepperCommunicationError: there is no such port, it is in use, or it may not be opened.
        """
        if not os.path.exists(self.port):
            raise StepperCommunicationError(
                f"the stepper's serial port {self.port} does not exist: connect the USB-serial "
                "adapter of the Tic, or set the port to one of `ls /dev/ttyUSB* /dev/ttyACM*`"
            )
        try:
            self._serial = serial.Serial(
                self.port, self._baud_rate, timeout=self._timeout_s, write_timeout=self._timeout_s
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise StepperCommunicationError(
                f"the stepper's serial port {self.port} cannot be opened ({error}): close the "
                "program that uses it; if permission is denied, `sudo usermod -aG dialout $USER` "
                "and log in again"
            ) from error
        # FTDI adapters keep bytes back for 16 ms unless asked not to; others lack the option.
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            self._serial.set_low_latency_mode(True)
        self.statistics = LineStatistics()

    def close(self) -> None:
        """Close the port."""
        with self._lock:
            if self._serial is not None:
                self._serial.close()
                self._serial = None

    def send(self, command: Command, argument: int = 0) -> None:
        """Send a command that has no answer, in a single write.

        Raises:
            StepperCommunicationError: the port is closed or gone.
        """
        self._write(self._encode(command, argument))

    def read(self, offset: int, length: int, *, first: Command | None = None) -> Exchange:
        """Read a block of variables; retried when the answer is missing or its CRC is wrong.

        Args:
            offset: of the block (section 7).
            length: bytes of it, at most 13 so that the answer carries its CRC.
            first: a quick command to send in the same write before.

        Raises:
            StepperCommunicationError: no correct answer after all attempts.
            ValueError: the block is too long.
        """
        if not 1 <= length <= MAXIMUM_CRC_READ_BYTES:
            raise ValueError(f"length must be from 1 to {MAXIMUM_CRC_READ_BYTES}, got {length}")
        packet = b"" if first is None else self._encode(first)
        packet += self._encode(Command.GET_VARIABLE, offset, length)
        with self._lock:
            for _ in range(self._retries + 1):
                exchange = self._exchange(packet, length)
                if exchange is not None:
                    return exchange
        raise StepperCommunicationError(self._complaint())

    def _encode(self, command: Command, argument: int = 0, length: int = 0) -> bytes:
        return encode_command(
            command, argument, length, device_number=self._device_number, crc=self._crc_out
        )

    def _exchange(self, packet: bytes, length: int) -> Exchange | None:
        expected = length + self._crc_in
        self.statistics.exchanges += 1
        byte_ns = _BITS_PER_BYTE / self._baud_rate * 1e9
        sent_ns = time.time_ns()
        answer = self._write(packet, expected)
        received_ns = time.time_ns()
        if len(answer) < expected:
            self.statistics.timeouts += 1
            self._crc_failed = False
            self._await_silence()
            return None
        if self._crc_in and crc7(answer[:-1]) != answer[-1]:
            self.statistics.crc_errors += 1
            self._crc_failed = True
            return None
        earliest_ns = sent_ns + round(len(packet) * byte_ns)
        latest_ns = received_ns - round(expected * byte_ns)
        if latest_ns < earliest_ns:  # a line that is faster than its baud rate
            earliest_ns = latest_ns = (earliest_ns + latest_ns) // 2
        return Exchange(answer[:length], earliest_ns, latest_ns)

    def _await_silence(self) -> None:
        """Take an answer that comes too late off the line, so that the next one does not get it."""
        with self._lock:
            for _ in range(_LONGEST_DRAIN):
                if self._serial is None or not self._guarded(lambda port: port.read(_DRAIN_BYTES)):
                    return

    def _write(self, packet: bytes, expected: int = 0) -> bytes:
        def exchange(port: serial.Serial) -> bytes:
            if expected:
                port.reset_input_buffer()
            port.write(packet)
            return port.read(expected) if expected else b""

        with self._lock:
            return self._guarded(exchange)

    def _guarded(self, action: Callable[[serial.Serial], bytes]) -> bytes:
        """Use the port; its errors become ours."""
        if self._serial is None:
            raise StepperCommunicationError(
                f"the stepper's serial port {self.port} is not open: call connect() first"
            )
        try:
            return action(self._serial)
        except (serial.SerialException, OSError, termios.error) as error:
            raise StepperCommunicationError(
                f"the stepper's serial port {self.port} failed ({error}): check the USB cable "
                "and that no other program uses the port, then connect again"
            ) from error

    def _complaint(self) -> str:
        if self._crc_failed:
            return (
                f"the stepper controller on {self.port} answers with wrong CRC bytes: check ground "
                'and length of the serial wires and that "Enable CRC for responses" is '
                f"{'on' if self._crc_in else 'off'} in the Tic Control Center"
            )
        return (
            f"the stepper controller on {self.port} does not answer at {self._baud_rate} baud: "
            "check that its supply is on, that TX and RX are crossed, that the port is the Tic's, "
            "and that baud rate, device number and CRC options match the Tic Control Center"
        )
