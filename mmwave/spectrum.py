"""Range spectra and constant-false-alarm-rate detection."""

from dataclasses import dataclass

import numba
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


@dataclass(frozen=True)
class CellAveragingCfar:
    """Cell-averaging CFAR along range.

    For power of Rayleigh-distributed noise the false-alarm probability is known in closed form,
    P_fa = (1 + alpha / N)^-N with N training cells (Richards, Fundamentals of Radar Signal
    Processing, 2nd ed., equation 6.110), so the factor alpha follows from the probability.

    Attributes:
        guard: cells left out on each side of the cell under test.
        training: cells averaged on each side.
        false_alarm_probability: per cell.

    Raises:
        ValueError: a number of cells or the probability is out of range.
    """

    guard: int = 3
    training: int = 10
    false_alarm_probability: float = 1e-4

    def __post_init__(self) -> None:
        if self.guard < 0:
            raise ValueError(f"guard must not be negative, got {self.guard}")
        if self.training < 1:
            raise ValueError(f"training must be at least 1, got {self.training}")
        if not 0 < self.false_alarm_probability < 1:
            raise ValueError(
                f"false_alarm_probability must be in (0, 1), got {self.false_alarm_probability}"
            )

    def factor(self, cells: int) -> float:
        """Threshold over the mean of this many training cells."""
        return cells * (self.false_alarm_probability ** (-1.0 / cells) - 1.0)

    @property
    def factors(self) -> NDArray[np.float32]:
        """Threshold factor by number of training cells (fewer at the ends), index 0 unused."""
        counts = np.arange(1, 2 * self.training + 1)
        return np.array([np.inf, *(self.factor(int(n)) for n in counts)], dtype=np.float32)


@numba.njit(nogil=True, cache=True)
def _cell_mean(cumulative, cell, guard, training, bins):
    """Mean and number of the training cells around a cell from the running sum of power."""
    low_end = max(cell - guard, 0)
    low_start = max(low_end - training, 0)
    high_start = min(cell + guard + 1, bins)
    high_end = min(high_start + training, bins)
    count = (low_end - low_start) + (high_end - high_start)
    total = cumulative[low_end] - cumulative[low_start]
    total += cumulative[high_end] - cumulative[high_start]
    return total / max(count, 1), count


@numba.njit(nogil=True, cache=True)
def _detect(power, guard, training, factors, out):
    rows, bins = power.shape
    cumulative = np.empty(bins + 1, np.float64)
    for row in range(rows):
        cumulative[0] = 0.0
        for cell in range(bins):
            cumulative[cell + 1] = cumulative[cell] + power[row, cell]
        for cell in range(bins):
            mean, count = _cell_mean(cumulative, cell, guard, training, bins)
            out[row, cell] = power[row, cell] > factors[count] * mean


def detect(power: NDArray[np.float32], cfar: CellAveragingCfar) -> NDArray[np.bool_]:
    """Cells whose power is over the threshold, same shape; the last axis is range."""
    flat = np.ascontiguousarray(power).reshape(-1, power.shape[-1])
    out = np.empty(flat.shape, np.bool_)
    _detect(flat, cfar.guard, cfar.training, cfar.factors, out)
    return out.reshape(power.shape)


@numba.njit(nogil=True, cache=True)
def _strongest(power, guard, training, factors, first_bin, floor, bin_out, power_out):
    rows, bins = power.shape
    cumulative = np.empty(bins + 1, np.float64)
    for row in range(rows):
        cumulative[0] = 0.0
        for cell in range(bins):
            cumulative[cell + 1] = cumulative[cell] + power[row, cell]
        best = -1
        best_power = floor
        for cell in range(first_bin, bins):
            value = power[row, cell]
            if value <= best_power:
                continue
            mean, count = _cell_mean(cumulative, cell, guard, training, bins)
            if value > factors[count] * mean:
                best = cell
                best_power = value
        if best < 0:
            bin_out[row] = np.nan
            power_out[row] = np.nan
            continue
        offset = 0.0
        if 0 < best < bins - 1:
            left = np.log(power[row, best - 1] + 1e-30)
            middle = np.log(power[row, best] + 1e-30)
            right = np.log(power[row, best + 1] + 1e-30)
            curvature = left - 2.0 * middle + right
            if curvature < 0.0:
                offset = min(max(0.5 * (left - right) / curvature, -0.5), 0.5)
        bin_out[row] = best + offset
        power_out[row] = best_power


def strongest_detection(
    power: NDArray[np.float32],
    cfar: CellAveragingCfar,
    first_bin: int = 0,
    floor: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Strongest CFAR detection of each row, its bin refined by a parabola through the log power.

    Args:
        power: (..., range) power.
        cfar: detector.
        first_bin: bins before it are not candidates (they still train the threshold).
        floor: power below which nothing is a detection.

    Returns:
        Fractional bin and power, each of shape power.shape[:-1]; NaN where nothing was detected.
    """
    flat = power.reshape(-1, power.shape[-1])
    bins = np.empty(len(flat), np.float32)
    powers = np.empty(len(flat), np.float32)
    _strongest(
        flat, cfar.guard, cfar.training, cfar.factors, first_bin, np.float32(floor), bins, powers
    )
    return bins.reshape(power.shape[:-1]), powers.reshape(power.shape[:-1])
