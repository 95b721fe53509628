"""What systems with a fixed line of antennas share: still clutter, windows, looks in a direction.

With an IF phase of e^{+j 4 pi d / lambda} (see :mod:`mmwave.simulation.fmcw`) virtual antenna n of
a line with half a wavelength between neighbours sees a reflector at lateral sine u with a phase of
-pi n u. What stands still is what the frames so far had in common: only the past counts, so that a
live radar can take it off as a recording does.
"""

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import Waveform


class StaticClutter:
    """What the frames so far had in common, weighted by how long ago they were.

    Args:
        forgetting_s: time in which its weight falls to 1 / e.
    """

    def __init__(self, forgetting_s: float) -> None:
        self._forgetting_s = forgetting_s
        self._mean: NDArray[np.complex64] | None = None
        self._weight = 0.0
        self._time_s = 0.0

    def remove(self, spectra: NDArray[np.complex64], time_s: float) -> NDArray[np.complex64]:
        """A frame without what stands still; the frame is remembered afterwards.

        Args:
            spectra: (loop, antenna, range).
            time_s: of the frame; later than that of the frame before.

        Returns:
            The same shape. Of the first frame its own mean is taken off.

        Raises:
            ValueError: the shape is another than before, or time does not go on.
        """
        own = spectra.mean(axis=0)
        if self._mean is None:
            self._mean, self._weight, self._time_s = own, 1.0, time_s
            return spectra - own
        if own.shape != self._mean.shape:
            raise ValueError(f"frames were {self._mean.shape}, now {own.shape}: reset first")
        if time_s <= self._time_s:
            raise ValueError(f"time must go on: {time_s} s is not after {self._time_s} s")
        result = spectra - self._mean
        # a weighted mean from the second frame on: who stood there at first is soon gone from it
        kept = np.exp(-(time_s - self._time_s) / self._forgetting_s)
        self._weight = self._weight * float(kept) + 1.0
        fresh = np.float32(1 / self._weight)
        self._mean, self._time_s = self._mean + fresh * (own - self._mean), time_s
        return result

    def reset(self) -> None:
        """Forget everything: time went back, or the radar was moved."""
        self._mean = None


def doppler_window(loops: int) -> NDArray[np.float32]:
    """(loop,) Hann window over the loops of a frame, without the zeros at its ends."""
    return np.asarray(np.hanning(loops + 2)[1:-1], np.float32)


def steering(antennas: int, angles: int) -> NDArray[np.complex64]:
    """(angle, antenna) tapered weights that look along lateral sines from -1 to 1."""
    sine = np.linspace(-1, 1, angles)
    taper = np.hamming(antennas) if antennas > 1 else np.ones(1)
    phase = np.pi * np.arange(antennas) * sine[:, None]
    return (taper / taper.sum() * np.exp(1j * phase)).astype(np.complex64)


def transmitter_turn(waveform: Waveform) -> NDArray[np.complex64]:
    """(doppler, antenna) what turns back the phase that a moving reflector gains from one
    transmitter's chirp to the next one's; Doppler in the order of the FFT.
    """
    doppler_hz = np.fft.fftfreq(waveform.loops_per_frame, waveform.loop_interval_s)
    delay_s = np.repeat(waveform.transmitter_offsets_s, waveform.receivers)
    return np.exp(-2j * np.pi * doppler_hz[:, None] * delay_s).astype(np.complex64)
