"""Bytes of the Tic's serial protocol against the examples of its user's guide (0J71, section 9)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.tic import (
    VARIABLES,
    Command,
    CommandParser,
    Form,
    ProtocolError,
    Request,
    crc7,
    decode_32,
    encode_32,
    encode_command,
    error_names,
)


def parse(data: bytes, **options) -> list:
    return list(CommandParser(**options).feed(data))


def test_crc_of_the_guides_worked_example():
    assert crc7(bytes([0x83, 0x01])) == 0x17


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (encode_command(Command.HALT_AND_HOLD), "89"),
        (encode_command(Command.SET_STEP_MODE, 3), "94 03"),
        (encode_command(Command.SET_TARGET_POSITION, 1_234_567_890), "e0 05 52 02 16 49"),
        (encode_command(Command.GET_VARIABLE, 0x0A, 4), "a1 0a 04"),
        (encode_command(Command.SET_STEP_MODE, 3, device_number=14), "aa 0e 14 03"),
        # 2 rev/s of 6400 microsteps: 128 000 000 = 0x07A12000; only byte 2 (0xA1) has its top bit
        (encode_command(Command.SET_TARGET_VELOCITY, 128_000_000), "e3 04 00 20 21 07"),
        (encode_command(Command.SET_TARGET_VELOCITY, -1), "e3 0f 7f 7f 7f 7f"),
        (encode_command(Command.GO_HOME, 0), "97 00"),
        (encode_command(Command.GET_VARIABLE, 0xFF, 1), "a1 7f 41"),
    ],
)
def test_packets(packet, expected):
    assert packet.hex(" ") == expected


def test_crc_closes_the_packet():
    # exit safe start, 0x83, alone: eight shifts of 0x83 under 0x91 by hand give 0x40 ...
    #   83 -> 12>>1=09 -> 98>>1=4c -> 26 -> 13 -> 82>>1=41 -> d0>>1=68 -> 34 -> 1a
    assert encode_command(Command.EXIT_SAFE_START, crc=True).hex(" ") == "83 1a"


@pytest.mark.parametrize(
    ("command", "argument", "length", "name"),
    [
        (Command.SET_STEP_MODE, 128, 0, "127"),
        (Command.SET_TARGET_VELOCITY, 1 << 32, 0, "32"),
        (Command.GET_VARIABLE, 0, 16, "15"),
        (Command.GET_VARIABLE, 256, 1, "255"),
    ],
)
def test_values_that_do_not_fit_are_refused(command, argument, length, name):
    with pytest.raises(ValueError, match=name):
        encode_command(command, argument, length)


@settings(deadline=None)
@given(st.integers(-(2**31), 2**31 - 1))
def test_32_bit_values_round_trip_in_7_bit_bytes(value):
    data = encode_32(value)
    assert max(data) < 0x80
    assert decode_32(data) == value


def arguments(command: Command):
    if command.form is Form.READ:
        return st.tuples(st.integers(0, 255), st.integers(1, 15))
    if command.form is Form.WRITE_7:
        return st.tuples(st.integers(0, 127), st.just(0))
    if command.form is Form.WRITE_32:
        return st.tuples(st.integers(-(2**31), 2**31 - 1), st.just(0))
    return st.just((0, 0))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(list(Command)).flatmap(lambda c: st.tuples(st.just(c), arguments(c))),
        max_size=8,
    ),
    st.booleans(),
    st.none() | st.just(14),
    st.integers(1, 7),
)
def test_any_commands_round_trip_however_they_are_cut(commands, crc, device_number, cut):
    stream = b"".join(
        encode_command(command, *values, device_number=device_number, crc=crc)
        for command, values in commands
    )
    parser = CommandParser(crc=crc)
    seen = []
    for begin in range(0, len(stream), cut):
        seen += parser.feed(stream[begin : begin + cut])
    assert [(r.command, (r.argument, r.length)) for r in seen] == commands


@settings(deadline=None)
@given(st.sampled_from(list(Command)), st.data())
def test_a_flipped_bit_is_never_taken_for_a_command(command, data):
    packet = bytearray(encode_command(command, *data.draw(arguments(command)), crc=True))
    where = data.draw(st.integers(0, 8 * len(packet) - 1))
    packet[where // 8] ^= 1 << where % 8
    outcome = parse(bytes(packet), crc=True)
    assert not any(isinstance(item, Request) for item in outcome)


def test_a_missing_byte_is_a_format_error_and_the_next_command_counts():
    cut = encode_command(Command.SET_TARGET_VELOCITY, 5)[:-1]
    outcome = parse(cut + encode_command(Command.ENERGIZE))
    assert outcome == [ProtocolError("serial_format"), Request(Command.ENERGIZE, packet_bytes=1)]


def test_packets_to_another_device_are_ignored():
    data = encode_command(Command.DEENERGIZE, device_number=3)
    assert parse(data, device_number=14) == []


def test_unknown_command_and_stray_data_are_format_errors():
    assert parse(b"\xf9") == [ProtocolError("serial_format")]
    assert parse(b"\x05") == [ProtocolError("serial_format")]


def test_variables_are_little_endian_and_inside_their_block():
    position = VARIABLES["current_position"]
    assert position.encode(-2) == b"\xfe\xff\xff\xff"
    assert position.decode(b"\x00\xfe\xff\xff\xff", 0x21) == -2
    with pytest.raises(ValueError, match="0x22"):
        position.decode(b"\x00\x00", 0x22)


def test_error_bits_have_their_names():
    assert error_names(0b10000110) == {"motor_driver_error", "low_vin", "safe_start_violation"}
    assert error_names(1 << 19) == {"serial_crc"}
