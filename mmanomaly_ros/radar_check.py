"""Whether a radar's samples can be judged: a radar that sees nothing must not be taken for calm.

Three things tell. Its thermal noise is there, and as strong as is assumed: spectra are decibels
over it, and thresholds with them. Its transmitters' leakage is there. And its receivers are not
driven to their limits.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.spectrum import WATCH_WAVEFORM, floor_db, measured_noise_counts
from mmwave.spectrum import range_spectrum, range_window
from mmwave.waveform import Waveform

FRAMES = 15
"""Frames whose median counts: somebody who moves close by makes more of the noise for a moment."""
WARN_DB, MOST_OFF_DB = 1.0, 2.0
"""By which the noise may be off: more is told, and more than the second is judged no longer."""
_LIMIT_COUNTS = 32_700
"""Of the converters, whose samples have 16 bits."""
_MOST_LIMITED = 0.02
"""Share of the samples at the limits."""
_LEAKAGE_BINS = 6
_LEAST_LEAKAGE_DB = 10.0
"""Over the noise of one chirp, in the strongest of the first range bins. A choice: what leaks is
tens of decibels over it, and the receivers' high-pass filters take some of that."""


class RadarCheck:
    """Looks at a radar's frames one by one.

    Args:
        noise_counts: RMS of the complex noise in ADC counts that the spectra take for 0 dB.
        waveform: of the frames.

    Attributes:
        noise_counts: that was measured, the median over the last frames; NaN before the first.

    Raises:
        ValueError: the noise is not a positive number.
    """

    def __init__(self, noise_counts: float, waveform: Waveform = WATCH_WAVEFORM) -> None:
        floor_db(waveform, noise_counts)  # refuses what is no noise
        self._assumed_counts = noise_counts
        window = range_window(waveform.samples_per_chirp)
        self._floor_counts = noise_counts * float(np.sqrt(np.sum(window**2.0)))
        self._last: deque[float] = deque(maxlen=FRAMES)
        self.noise_counts = np.nan

    @property
    def off_db(self) -> float:
        """The measured noise over the assumed one; -inf where there is none, NaN before a frame."""
        with np.errstate(divide="ignore"):
            return float(20 * np.log10(self.noise_counts / self._assumed_counts))

    def reset(self) -> None:
        """Forget the frames: another recording has begun."""
        self._last.clear()
        self.noise_counts = np.nan

    def update(self, frame: NDArray[np.complex64]) -> str:
        """Look at a frame.

        Args:
            frame: (loop, antenna, sample) IF samples in ADC counts.

        Returns:
            Why nothing can be judged by it; empty where it can.
        """
        highest = np.maximum(np.abs(frame.real), np.abs(frame.imag))
        limited = np.count_nonzero(highest >= _LIMIT_COUNTS) / frame.size
        if limited > _MOST_LIMITED:
            return (
                f"{limited:.0%} of the radar's samples are at the converters' limits: is something "
                "of metal right before it, or the receivers' gain too high?"
            )
        self._last.append(measured_noise_counts(frame))
        self.noise_counts = float(np.median(self._last))
        if not self.noise_counts > 0:
            return "the radar's samples hold no noise, they are no radar's: is a board broken?"
        if abs(self.off_db) > MOST_OFF_DB:
            return self.told
        if _leakage_counts(frame) < 10 ** (_LEAST_LEAKAGE_DB / 20) * self._floor_counts:
            return "the radar's samples hold no leakage of its transmitters: do they transmit?"
        return ""

    @property
    def told(self) -> str:
        """How the noise is off, and what to do about it."""
        return (
            f"the radar's noise is {self.noise_counts:.2f} counts, noise_counts is "
            f"{self._assumed_counts:.2f}, it is {self.off_db:+.1f} dB off: where that stays, set "
            "noise_counts to what is measured and choose thresholds anew (panoradar adapt)"
        )


def _leakage_counts(frame: NDArray[np.complex64]) -> float:
    """Of the strongest of the first range bins, RMS over the antennas; what moves averages out."""
    still = range_spectrum(frame.mean(axis=0))[:, :_LEAKAGE_BINS]
    return float(np.sqrt((still.real**2 + still.imag**2).mean(axis=0).max()))
