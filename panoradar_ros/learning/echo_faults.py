"""What goes wrong with echoes: columns whose positions were lost, and ghosts.

All that is drawn comes from the generator that is given. Echoes are (row, column, range) uint8, see
:mod:`panoradar_ros.recognition.echo`, and are not changed; azimuth is a circle.
"""

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform
from panoradar_ros.recognition.echo import STEP_DB, decode_db, encode_echo

MOST_RUNS = 3
MOST_COLUMNS = 40
WHOLLY_SHARE = 0.5
"""Of the ranges of columns, those that received nothing; the others received a part."""

LEAST_PARTS, MOST_PARTS = 2, 5
BEAM_COLUMNS = 3
"""Width of a beam in columns, rounded down."""

MOST_GHOSTS = 4
GHOST_ROWS = (4, 32)
GHOST_COLUMNS = (4, 64)
GHOST_M = (0.3, 3.0)
GHOST_DB = (6.0, 20.0)

_POWER = 10 ** (decode_db(np.arange(256, dtype=np.uint8)) / 10)


def with_lost_columns(
    echo: NDArray[np.uint8], generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Echoes where positions did not arrive, in one to MOST_RUNS ranges of columns.

    A range of up to MOST_COLUMNS columns was received in part or not at all. A beam from the n-th
    part of its window is n times as wide, and its noise n times as strong as the echoes are scaled
    by what was received. What was not received at all is noise in one half of the frames, in the
    other 0, as the beamformer leaves a column without positions.

    Args:
        echo: (row, column, range).
        generator: decides.

    Returns:
        The echoes, and (column,) bool: nothing was received there.
    """
    columns = echo.shape[1]
    out, lost = echo.copy(), np.zeros(columns, bool)
    for _ in range(int(generator.integers(1, MOST_RUNS + 1))):
        width = int(generator.integers(1, min(MOST_COLUMNS, columns) + 1))
        first = int(generator.integers(columns))
        run = np.arange(first, first + width) % columns
        if generator.random() < WHOLLY_SHARE:
            lost[run] = True
        else:
            parts = int(generator.integers(LEAST_PARTS, MOST_PARTS + 1))
            out[:, run] = _smeared(echo, first, width, parts, generator)
    noisy = generator.random() < 0.5
    if lost.any():
        shape = (len(echo), int(lost.sum()), echo.shape[2])
        out[:, lost] = encode_echo(_noise(shape, generator), 1.0, workers=1) if noisy else 0
    return out, lost


def _smeared(
    echo: NDArray[np.uint8], first: int, width: int, parts: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    radius = BEAM_COLUMNS * (parts - 1) // 2
    around = np.arange(first - radius, first + width + radius) % echo.shape[1]
    power = _POWER[echo[:, around]]
    mean = (parts - 1) * _noise((len(echo), width, echo.shape[2]), generator)
    for shift in range(2 * radius + 1):
        mean += power[:, shift : shift + width] / np.float32(2 * radius + 1)
    return encode_echo(mean, 1.0, workers=1)


def _noise(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Power of speckle with a median of 1, which is 0 dB."""
    return generator.standard_exponential(shape, np.float32) / np.float32(np.log(2))


def with_ghosts(echo: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Echoes with one to MOST_GHOSTS patches seen once more, farther away and weaker.

    As after a detour over another surface. A ghost hides behind what is stronger; no echo gets
    weaker or goes away.

    Args:
        echo: (row, column, range).
        generator: decides where, how far by GHOST_M and how much weaker by GHOST_DB.
    """
    rows, columns, bins = echo.shape
    out = echo.copy()
    low_bins = int(np.ceil(GHOST_M[0] / Waveform().range_bin_m))
    high_bins = int(GHOST_M[1] / Waveform().range_bin_m)
    low_loss, high_loss = (round(one / STEP_DB) for one in GHOST_DB)
    for _ in range(int(generator.integers(1, MOST_GHOSTS + 1))):
        height, width = (
            min(int(generator.integers(low, high + 1)), most)
            for (low, high), most in ((GHOST_ROWS, rows), (GHOST_COLUMNS, columns))
        )
        top = int(generator.integers(rows - height + 1))
        across = (int(generator.integers(columns)) + np.arange(width)) % columns
        farther = min(int(generator.integers(low_bins, high_bins + 1)), bins - 1)
        loss = np.uint8(generator.integers(low_loss, high_loss + 1))
        patch = echo[top : top + height, across, : bins - farther]
        ghost = np.maximum(patch, loss) - loss
        place = out[top : top + height, :, farther:]
        place[:, across] = np.maximum(place[:, across], ghost)
    return out
