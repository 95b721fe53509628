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


def range_spectrum(chirps: NDArray[np.complex64], workers: int = 1) -> NDArray[np.complex64]:
    """Windowed range FFT over the last axis.

    A reflector of IF amplitude A at distance d gives A exp(j 4 pi d / lambda_c) (up to a constant
    phase of its bin) at bin d / range_bin, lambda_c being the wavelength in the middle of the
    sweep.

    Args:
        chirps: (..., sample) complex IF samples.
        workers: threads of the FFT.

    Returns:
        (..., range) complex64, in the units of the samples.
    """
    window = range_window(chirps.shape[-1])
    return scipy.fft.fft(chirps * window, axis=-1, workers=workers, overwrite_x=True)
