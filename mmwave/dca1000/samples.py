"""From the words on the wire to complex samples with a mask and times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform


@dataclass(frozen=True)
class PositionBlock:
    """The positions of one frame.

    Attributes:
        frame_index: number of the frame in its stream, from 0.
        samples: int16, shape (position, antenna, sample, 2), the last axis (I, Q). Rows that are
            not valid are zero.
        time_ns: int64, shape (position,). UNIX time of the middle of each position's sampling.
        valid: bool, shape (position, antenna). False where any sample of that row was lost.
        waveform: what the radar was told to send.
        stream: counts the discontinuities before this frame: restarts of the device and steps of
            the system's clock. Times increase strictly inside one stream.

    Raises:
        ValueError: shapes or types do not fit each other.
    """

    frame_index: int
    samples: NDArray[np.int16]
    time_ns: NDArray[np.int64]
    valid: NDArray[np.bool_]
    waveform: Waveform
    stream: int = 0

    def __post_init__(self) -> None:
        shape = (
            len(self.time_ns),
            self.waveform.virtual_antennas,
            self.waveform.samples_per_chirp,
            2,
        )
        if self.samples.shape != shape or self.samples.dtype != np.int16:
            raise ValueError(
                f"samples must be int16 of shape {shape}, "
                f"got {self.samples.dtype} of shape {self.samples.shape}"
            )
        if self.valid.shape != shape[:2]:
            raise ValueError(f"valid must have shape {shape[:2]}, got {self.valid.shape}")

    @property
    def complex_samples(self) -> NDArray[np.complex64]:
        """The samples as I + jQ, shape (position, antenna, sample)."""
        return self.samples.astype(np.float32).view(np.complex64)[..., 0]


def _as_words(data: bytes | bytearray | memoryview | NDArray) -> NDArray[np.int16]:
    words = data if isinstance(data, np.ndarray) else np.frombuffer(data, np.int16)
    return np.ascontiguousarray(words).view(np.int16)


def decode_iiqq(data: bytes | bytearray | memoryview | NDArray) -> NDArray[np.int16]:
    """Reorder the card's words into (I, Q) pairs.

    With two LVDS lanes the card interleaves two samples in four words, ``Q0 Q1 I0 I1`` (TI, mmWave
    radar device ADC raw capture data, SWRA581B, figure 11, with I in the high half).

    Args:
        data: little-endian int16 words, bytes or an array whose last axis counts words (or bytes).

    Returns:
        int16, shape (..., sample, 2); the leading axes are those of ``data``.

    Raises:
        ValueError: the last axis is not a multiple of four words.
    """
    words = _as_words(data)
    if words.shape[-1] % 4:
        raise ValueError(f"two samples take 4 words; {words.shape[-1]} words are no multiple of 4")
    # two 32-bit numbers hold (Q0, Q1) and (I0, I1), the first of each in the low half
    pairs = words.view("<u4").reshape(*words.shape[:-1], -1, 2)
    quadrature, in_phase = pairs[..., 0], pairs[..., 1]
    half, high = np.uint32(16), np.uint32(0xFFFF0000)
    decoded = np.empty_like(pairs)
    np.bitwise_or(in_phase & ~high, quadrature << half, out=decoded[..., 0])
    np.bitwise_or(in_phase >> half, quadrature & high, out=decoded[..., 1])
    return decoded.view(np.int16).reshape(*words.shape[:-1], -1, 2)


def encode_iiqq(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Put (I, Q) pairs into the card's order; inverse of :func:`decode_iiqq`.

    Args:
        samples: int16, shape (..., sample, 2), an even number of samples.

    Returns:
        int16, shape (..., 2 * sample): ``Q0 Q1 I0 I1 Q2 Q3 I2 I3`` and so on.

    Raises:
        ValueError: the number of samples is odd or the last axis is not 2.
    """
    if samples.shape[-1] != 2 or samples.shape[-2] % 2:
        raise ValueError(f"need shape (..., even number of samples, 2), got {samples.shape}")
    leading = samples.shape[:-2]
    # two samples are two 32-bit numbers, I in the low half and Q in the high half
    pairs = np.ascontiguousarray(samples, np.int16).view("<u4").reshape(*leading, -1, 2)
    first, second = pairs[..., 0], pairs[..., 1]
    half, high = np.uint32(16), np.uint32(0xFFFF0000)
    encoded = np.empty_like(pairs)
    np.bitwise_or(first >> half, second & high, out=encoded[..., 0])
    np.bitwise_or(first & ~high, second << half, out=encoded[..., 1])
    return encoded.view(np.int16).reshape(*leading, -1)
