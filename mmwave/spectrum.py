"""Range spectra of chirps."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray


def as_complex(samples: NDArray[np.int16]) -> NDArray[np.complex64]:
    """Raw samples (..., sample, 2) with (I, Q) last as complex (..., sample)."""
    return samples.astype(np.float32).view(np.complex64)[..., 0]


def range_window(samples_per_chirp: int) -> NDArray[np.float32]:
    """Hann window over the ADC samples with coherent gain 1 (its sum is 1), shape (sample,)."""
    window = np.hanning(samples_per_chirp + 1)[:-1]
    return (window / window.sum()).astype(np.float32)


def narrow_window(samples_per_chirp: int) -> NDArray[np.float32]:
    """sin^1.5 over the ADC samples with coherent gain 1, shape (sample,).

    Between half a sine and Hann's window (powers 1 and 2 of Harris 1978, Proc. IEEE 66, section
    V.C): its noise bandwidth is 1.37 bins where Hann's is 1.5, its highest side lobe -27 dB instead
    of -31.
    """
    window = np.sin(np.pi * (np.arange(samples_per_chirp) + 0.5) / samples_per_chirp) ** 1.5
    return (window / window.sum()).astype(np.float32)


def range_spectrum(
    chirps: NDArray[np.complex64], workers: int = 1, window: NDArray[np.float32] | None = None
) -> NDArray[np.complex64]:
    """Windowed range FFT over the last axis.

    A reflector of IF amplitude A at distance d gives A exp(j 4 pi d / lambda_c) (up to a constant
    phase of its bin) at bin d / range_bin, lambda_c being the wavelength in the middle of the
    sweep.

    Args:
        chirps: (..., sample) complex IF samples.
        workers: threads of the FFT.
        window: (sample,); without it :func:`range_window`.

    Returns:
        (..., range) complex64, in the units of the samples.
    """
    if window is None:
        window = range_window(chirps.shape[-1])
    return scipy.fft.fft(chirps * window, axis=-1, workers=workers, overwrite_x=True)
