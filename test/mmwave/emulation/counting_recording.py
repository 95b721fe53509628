"""A recording whose samples say where they come from, for tests of the player."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform

TURNS = 2
WAVEFORM = Waveform(samples_per_chirp=64, idle_s=140.0e-6, frame_period_s=25.0e-3)
FRAMES = TURNS * 20


def _samples() -> NDArray[np.int16]:
    shape = (FRAMES, WAVEFORM.loops_per_frame, WAVEFORM.virtual_antennas, 64, 2)
    samples = np.random.default_rng(7).integers(-(2**15), 2**15, shape, np.int16)
    samples[:, :, 0, 0, 0] = np.arange(FRAMES)[:, None]
    samples[:, :, 0, 0, 1] = np.arange(WAVEFORM.loops_per_frame)
    return samples


def _prelude() -> NDArray[np.int16]:
    prelude = np.zeros((720, WAVEFORM.virtual_antennas, 64, 2), np.int16)
    prelude[:, 0, 0, 0] = -1
    prelude[:, 0, 0, 1] = np.arange(720)
    return prelude


@dataclass
class CountingRecording:
    """First sample of the first antenna: (frame, loop), or (-1, azimuth in half degrees)."""

    waveform: Waveform = WAVEFORM
    samples: NDArray[np.int16] = field(default_factory=_samples)
    prelude: NDArray[np.int16] = field(default_factory=_prelude)
    duration_s: float = TURNS * 0.5
    loop: bool = True
    revolutions_per_s: float = 2.0

    def position_times_s(self) -> NDArray[np.float64]:
        """Drive time of each stored position, shape (frame, loop)."""
        starts = np.arange(len(self.samples))[:, None] * self.waveform.frame_period_s
        return starts + self.waveform.position_offsets_s


def drive_time_s(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Drive time that the samples (..., antenna, sample, 2) of a drive say they are of."""
    frame, loop = samples[..., 0, 0, 0], samples[..., 0, 0, 1]
    return frame * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s[loop]
