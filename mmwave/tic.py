"""Wire format of the Pololu Tic stepper controllers: commands, CRC and variables as data.

Both ends use it: the driver encodes commands and decodes answers, the emulator the other way round.
Sections cited are those of the Pololu "Tic Stepper Motor Controller User's Guide" (document 0J71).

A command is a byte with its top bit set, followed by data bytes with their top bits clear
(section 9, compact protocol); in the Pololu protocol ``0xAA``, the device number and the command
with its top bit cleared come first. A CRC byte closes the packet where it is enabled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

POLOLU_START: Final = 0xAA
DEFAULT_DEVICE_NUMBER: Final = 14
MAXIMUM_READ_BYTES: Final = 15
MAXIMUM_CRC_READ_BYTES: Final = 13
MAXIMUM_STEP_RATE_HZ: Final = 50_000
VELOCITY_UNITS_PER_HZ: Final = 10_000
ACCELERATION_UNITS_PER_HZ2: Final = 100
MAXIMUM_BAUD_RATE: Final = 115_385
STEP_MODES: Final = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4, 32: 5, 64: 7, 128: 8, 256: 9}

ERROR_BITS: Final[dict[str, int]] = {
    "intentionally_deenergized": 0,
    "motor_driver_error": 1,
    "low_vin": 2,
    "kill_switch_active": 3,
    "required_input_invalid": 4,
    "serial_error": 5,
    "command_timeout": 6,
    "safe_start_violation": 7,
    "err_line_high": 8,
    "serial_framing": 16,
    "serial_rx_overrun": 17,
    "serial_format": 18,
    "serial_crc": 19,
    "encoder_skip": 20,
}
"""Bits of "error status" (0-8) and "errors occurred" (all), section 7."""

FLAG_ENERGIZED: Final = 1 << 0
FLAG_POSITION_UNCERTAIN: Final = 1 << 1
FLAG_FORWARD_LIMIT_ACTIVE: Final = 1 << 2
FLAG_REVERSE_LIMIT_ACTIVE: Final = 1 << 3
FLAG_HOMING_ACTIVE: Final = 1 << 4

GO_HOME_REVERSE: Final = 0
GO_HOME_FORWARD: Final = 1


class OperationState(IntEnum):
    """The Tic's overall state, section 5.4."""

    RESET = 0
    DEENERGIZED = 2
    SOFT_ERROR = 4
    WAITING_FOR_ERR_LINE = 6
    STARTING_UP = 8
    NORMAL = 10


class PlanningMode(IntEnum):
    """What the step planner follows, section 7."""

    OFF = 0
    TARGET_POSITION = 1
    TARGET_VELOCITY = 2


class InputState(IntEnum):
    """State of the Tic's main input, section 7."""

    NOT_READY = 0
    INVALID = 1
    HALT = 2
    POSITION = 3
    VELOCITY = 4


class Form(Enum):
    """The four packet forms of section 9 with the number of their data bytes."""

    QUICK = 0
    WRITE_7 = 1
    READ = 2
    WRITE_32 = 5


class Command(Enum):
    """The commands of section 8: code and packet form."""

    SET_TARGET_POSITION = (0xE0, Form.WRITE_32)
    SET_TARGET_VELOCITY = (0xE3, Form.WRITE_32)
    HALT_AND_SET_POSITION = (0xEC, Form.WRITE_32)
    HALT_AND_HOLD = (0x89, Form.QUICK)
    GO_HOME = (0x97, Form.WRITE_7)
    RESET_COMMAND_TIMEOUT = (0x8C, Form.QUICK)
    DEENERGIZE = (0x86, Form.QUICK)
    ENERGIZE = (0x85, Form.QUICK)
    EXIT_SAFE_START = (0x83, Form.QUICK)
    ENTER_SAFE_START = (0x8F, Form.QUICK)
    RESET = (0xB0, Form.QUICK)
    CLEAR_DRIVER_ERROR = (0x8A, Form.QUICK)
    SET_MAX_SPEED = (0xE6, Form.WRITE_32)
    SET_STARTING_SPEED = (0xE5, Form.WRITE_32)
    SET_MAX_ACCELERATION = (0xEA, Form.WRITE_32)
    SET_MAX_DECELERATION = (0xE9, Form.WRITE_32)
    SET_STEP_MODE = (0x94, Form.WRITE_7)
    SET_CURRENT_LIMIT = (0x91, Form.WRITE_7)
    GET_VARIABLE = (0xA1, Form.READ)
    GET_VARIABLE_AND_CLEAR_ERRORS_OCCURRED = (0xA2, Form.READ)

    @property
    def code(self) -> int:
        """Command byte, top bit set."""
        return self.value[0]

    @property
    def form(self) -> Form:
        """Packet form."""
        return self.value[1]


COMMAND_BY_CODE: Final = {command.code: command for command in Command}


@dataclass(frozen=True)
class Variable:
    """Place of a variable in the block that "get variable" reads, section 7 (little-endian)."""

    offset: int
    size: int
    signed: bool = False

    def encode(self, value: int) -> bytes:
        """Bytes of a value, wrapped to the variable's size."""
        return (value & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")

    def decode(self, data: bytes, data_offset: int = 0) -> int:
        """Value out of a block that was read from ``data_offset`` on.

        Raises:
            ValueError: the block does not contain the variable.
        """
        begin = self.offset - data_offset
        if begin < 0 or begin + self.size > len(data):
            raise ValueError(
                f"variable at {self.offset:#04x} is not inside the {len(data)} bytes "
                f"read from {data_offset:#04x}"
            )
        return int.from_bytes(data[begin : begin + self.size], "little", signed=self.signed)


VARIABLES: Final[dict[str, Variable]] = {
    "operation_state": Variable(0x00, 1),
    "misc_flags_1": Variable(0x01, 1),
    "error_status": Variable(0x02, 2),
    "errors_occurred": Variable(0x04, 4),
    "planning_mode": Variable(0x09, 1),
    "target_position": Variable(0x0A, 4, signed=True),
    "target_velocity": Variable(0x0E, 4, signed=True),
    "starting_speed": Variable(0x12, 4),
    "max_speed": Variable(0x16, 4),
    "max_deceleration": Variable(0x1A, 4),
    "max_acceleration": Variable(0x1E, 4),
    "current_position": Variable(0x22, 4, signed=True),
    "current_velocity": Variable(0x26, 4, signed=True),
    "device_reset": Variable(0x32, 1),
    "vin_voltage": Variable(0x33, 2),
    "up_time": Variable(0x35, 4),
    "digital_readings": Variable(0x47, 1),
    "step_mode": Variable(0x49, 1),
    "current_limit": Variable(0x4A, 1),
    "input_state": Variable(0x4C, 1),
    "input_after_scaling": Variable(0x51, 4, signed=True),
}


def _crc7_of_byte(value: int) -> int:
    for _ in range(8):
        value = (value ^ 0x91) >> 1 if value & 1 else value >> 1
    return value


_CRC7: Final = bytes(_crc7_of_byte(value) for value in range(256))


def crc7(data: bytes) -> int:
    """CRC-7 of a packet, polynomial 0x91, least significant bit first (section 9).

    The guide's worked example: the bytes 0x83 0x01 have the CRC 0x17.
    """
    crc = 0
    for value in data:
        crc = _CRC7[crc ^ value]
    return crc


def error_names(bits: int) -> frozenset[str]:
    """Names of the errors whose bits are set in "error status" or "errors occurred"."""
    return frozenset(name for name, bit in ERROR_BITS.items() if bits >> bit & 1)


def encode_32(value: int) -> bytes:
    """Five data bytes of a 32-bit write: the top bits gathered first, then the value without them.

    Raises:
        ValueError: the value fits neither a signed nor an unsigned 32-bit number.
    """
    if not -(1 << 31) <= value < 1 << 32:
        raise ValueError(f"a 32-bit value must be within [-2^31, 2^32), got {value}")
    raw = (value & 0xFFFFFFFF).to_bytes(4, "little")
    top_bits = sum((byte >> 7) << index for index, byte in enumerate(raw))
    return bytes([top_bits, *(byte & 0x7F for byte in raw)])


def decode_32(data: bytes) -> int:
    """Signed value of the five data bytes of a 32-bit write.

    Raises:
        ValueError: not five bytes, or one has its top bit set.
    """
    if len(data) != 5 or any(byte > 0x7F for byte in data):
        raise ValueError(f"a 32-bit write has five data bytes below 0x80, got {data.hex(' ')}")
    raw = bytes(byte | (data[0] >> index & 1) << 7 for index, byte in enumerate(data[1:]))
    return int.from_bytes(raw, "little", signed=True)


def encode_command(
    command: Command,
    argument: int = 0,
    length: int = 0,
    *,
    device_number: int | None = None,
    crc: bool = False,
) -> bytes:
    """Packet of one command.

    Args:
        command: what to do.
        argument: the 7-bit or 32-bit value, or the offset of a read; unused by quick commands.
        length: number of bytes to read, 1 to 15; only for reads.
        device_number: address in the Pololu protocol, 0 to 127; compact protocol if None.
        crc: append the CRC byte.

    Raises:
        ValueError: a value does not fit its field.
    """
    if command.form is Form.QUICK:
        data = b""
    elif command.form is Form.WRITE_7:
        if not 0 <= argument <= 0x7F:
            raise ValueError(f"{command.name} takes a value from 0 to 127, got {argument}")
        data = bytes([argument])
    elif command.form is Form.WRITE_32:
        data = encode_32(argument)
    else:
        if not 1 <= length <= MAXIMUM_READ_BYTES:
            raise ValueError(f"a read is of 1 to {MAXIMUM_READ_BYTES} bytes, got {length}")
        if not 0 <= argument <= 0xFF:
            raise ValueError(f"a read's offset is from 0 to 255, got {argument}")
        data = bytes([argument & 0x7F, length | argument >> 1 & 0x40])
    if device_number is None:
        packet = bytes([command.code]) + data
    else:
        if not 0 <= device_number <= 0x7F:
            raise ValueError(f"the device number is from 0 to 127, got {device_number}")
        packet = bytes([POLOLU_START, device_number, command.code & 0x7F]) + data
    return packet + bytes([crc7(packet)]) if crc else packet


@dataclass(frozen=True)
class Request:
    """A command as the Tic understood it. ``argument`` is the value or the offset of a read."""

    command: Command
    argument: int = 0
    length: int = 0
    packet_bytes: int = 0


@dataclass(frozen=True)
class ProtocolError:
    """Bytes that were no command; ``name`` is the bit of "errors occurred" that they set."""

    name: str


class CommandParser:
    """Cuts a stream of bytes into requests as the Tic does (sections 5.4 and 9).

    Args:
        device_number: packets of the Pololu protocol to other devices are ignored.
        crc: every packet ends with a CRC byte.
    """

    def __init__(self, device_number: int = DEFAULT_DEVICE_NUMBER, crc: bool = False) -> None:
        self._device_number = device_number
        self._crc = crc
        self._packet = bytearray()

    def feed(self, data: bytes) -> Iterator[Request | ProtocolError]:
        """Requests and errors that these bytes complete."""
        for byte in data:
            if byte & 0x80:
                if self._packet:
                    yield ProtocolError("serial_format")
                self._packet = bytearray([byte])
            elif self._packet:
                self._packet.append(byte)
            else:
                yield ProtocolError("serial_format")
            if self._packet:
                outcome = self._complete()
                if outcome is not None:
                    self._packet.clear()
                    if outcome is not _OTHER_DEVICE:
                        yield outcome

    def _complete(self) -> Request | ProtocolError | None:
        packet = self._packet
        pololu = packet[0] == POLOLU_START
        header = 3 if pololu else 1
        if len(packet) < header:
            return None
        command = COMMAND_BY_CODE.get(packet[header - 1] | 0x80)
        if command is None:
            return ProtocolError("serial_format")
        needed = header + command.form.value + self._crc
        if len(packet) < needed:
            return None
        if self._crc and crc7(bytes(packet[:-1])) != packet[-1]:
            return ProtocolError("serial_crc")
        if pololu and packet[1] != self._device_number:
            return _OTHER_DEVICE
        return _decode_request(command, bytes(packet[header : header + command.form.value]), needed)


_OTHER_DEVICE: Final = ProtocolError("other device")


def _decode_request(command: Command, data: bytes, packet_bytes: int) -> Request | ProtocolError:
    if command.form is Form.READ:
        length = data[1] & 0x3F
        if not 1 <= length <= MAXIMUM_READ_BYTES:
            return ProtocolError("serial_format")
        return Request(command, data[0] | (data[1] & 0x40) << 1, length, packet_bytes)
    if command.form is Form.WRITE_32:
        return Request(command, decode_32(data), 0, packet_bytes)
    argument = data[0] if data else 0
    return Request(command, argument, 0, packet_bytes)
