"""Frames whose every word is known, so that a test can tell where a sample came from."""

import socket
import time
from collections.abc import Callable

import numpy as np

from mmwave.dca1000 import PositionBlock
from mmwave.waveform import Waveform

SMALL = Waveform(
    samples_per_chirp=64,
    ramp_end_s=20e-6,
    idle_s=40e-6,
    loops_per_frame=32,
    frame_period_s=5e-3,
)
"""A frame of 65536 B every 5 ms that the radar accepts."""


def frame_words(number: int, waveform: Waveform = SMALL) -> np.ndarray:
    """Words on the wire of a frame: a hash of the frame's number and the word's place in it."""
    count = waveform.bytes_per_frame // 2
    index = np.arange(number * count, (number + 1) * count, dtype=np.uint64)
    mixed = (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(48)).astype(np.uint16).view(np.int16)


def frame_samples(number: int, waveform: Waveform = SMALL) -> np.ndarray:
    """The same as samples (position, antenna, sample, 2), decoded word by word."""
    words = frame_words(number, waveform)
    samples = np.empty((len(words) // 2, 2), np.int16)
    samples[0::2, 0], samples[1::2, 0] = words[2::4], words[3::4]
    samples[0::2, 1], samples[1::2, 1] = words[0::4], words[1::4]
    return samples.reshape(
        waveform.loops_per_frame, waveform.virtual_antennas, waveform.samples_per_chirp, 2
    )


def assert_exact(block: PositionBlock, number: int, waveform: Waveform = SMALL) -> None:
    """Every valid sample is the one of that frame and place; all others are zero."""
    expected = frame_samples(number, waveform)
    assert np.array_equal(block.samples[block.valid], expected[block.valid])
    assert not block.samples[~block.valid].any()


def played_number(block: PositionBlock, numbers: range, waveform: Waveform = SMALL) -> int:
    """Which of the played frames a block is; fails if it is none or a mixture."""
    assert block.valid.any()
    position, antenna = np.argwhere(block.valid)[0]
    row = block.samples[position, antenna]
    for number in numbers:
        if np.array_equal(frame_samples(number, waveform)[position, antenna], row):
            assert_exact(block, number, waveform)
            return number
    raise AssertionError("the block holds samples that were never played")


def free_port(*addresses: str) -> int:
    """A UDP port that is free on all of these addresses."""
    while True:
        opened = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in addresses]
        try:
            opened[0].bind((addresses[0], 0))
            port = opened[0].getsockname()[1]
            for other, address in zip(opened[1:], addresses[1:], strict=True):
                other.bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for each in opened:
                each.close()


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for a condition; fails when it does not come true."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.005)
