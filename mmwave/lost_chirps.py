"""Live frames of a radar that stands still: whole, although chirps were lost."""

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.spectrum import as_complex
from mmwave.waveform import Waveform

LOST_SHARE = 0.25
"""A frame that lost more of its samples, or an antenna altogether, is not used."""


def whole_frame(
    block: PositionBlock, waveform: Waveform, remedy: str
) -> NDArray[np.complex64] | None:
    """A frame with what was lost filled in; None where too much was lost.

    Args:
        block: a frame of samples.
        waveform: that the networks know.
        remedy: what to do about another one, for the message.

    Returns:
        (loop, antenna, sample).

    Raises:
        ValueError: the radar sends another waveform.
    """
    if wrong := block.waveform.differences(waveform):
        raise ValueError(f"the radar was configured with {', '.join(wrong)}: {remedy}")
    lost_antenna = not block.valid.any(axis=0).all()
    if lost_antenna or 1 - block.valid.mean() > LOST_SHARE:
        return None
    return filled(as_complex(block.samples), block.valid)


def filled(frame: NDArray[np.complex64], valid: NDArray[np.bool_]) -> NDArray[np.complex64]:
    """A frame whose lost chirps are those of the same antenna that are nearest in time.

    Zeros would make of everything that stands still something that flickers.

    Args:
        frame: (loop, antenna, sample).
        valid: (loop, antenna); an antenna of which nothing arrived stays as it is.
    """
    if valid.all():
        return frame
    result = frame.copy()
    for antenna in np.flatnonzero(~valid.all(axis=0)):
        there = np.flatnonzero(valid[:, antenna])
        lost = np.flatnonzero(~valid[:, antenna])
        if len(there):
            nearest = there[np.abs(lost[:, None] - there).argmin(axis=1)]
            result[lost, antenna] = frame[nearest, antenna]
    return result
