"""Constant-false-alarm-rate detection along range, and along azimuth where asked for.

A cell is a detection if its power exceeds what its training cells say about the noise, times a
factor that follows from the wanted false-alarm probability. The training cells form a line, or a
cross if azimuth is used as well::

    azimuth          T                     T training, g guard, x the cell under test
       ^             T
       |             g                     the ends of range have fewer training cells (their own
       |     T T T g x g T T T             factor is used); azimuth wraps around, or ends as range
       |             g                     does
       |             T
       +---> range   T

*What the closed forms assume*: power of complex Gaussian noise behind a square-law detector, one
look, every cell independent of the others. The range FFT's Hann window correlates the amplitudes of
neighbouring bins (2/3; next but one 1/6), so the training cells of a line tell less than their
number: measured in Hann-windowed noise, the defaults give 3.2 times the designed 1e-4 with cell
averaging and 2.6 times with ordered statistics, 2.1 and 1.9 times 1e-3, 1.4 times 1e-2; with 2 x 8
cells along azimuth, independent of each other, 1.5 times 1e-4 (``panoradar bench cfar`` measures it
again). Ask for less where the rate itself matters.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from mmwave.cfar_kernels import average_lines, ordered_lines, strongest_lines


@dataclass(frozen=True)
class Cfar(ABC):
    """Which cells train the threshold of a cell; the detectors say how.

    Attributes:
        guard: cells left out on each side of the cell under test, along range.
        training: cells used on each side after them.
        false_alarm_probability: per cell, under the assumptions of the module.
        azimuth_guard: cells left out on each side along azimuth.
        azimuth_training: cells used on each side along azimuth; 0 detects along range alone.

    Raises:
        ValueError: a number of cells or the probability is out of range.
    """

    guard: int = 3
    training: int = 10
    false_alarm_probability: float = 1e-4
    azimuth_guard: int = 0
    azimuth_training: int = 0

    def __post_init__(self) -> None:
        for name in ("guard", "azimuth_guard", "azimuth_training"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.training < 1:
            raise ValueError(f"training must be at least 1, got {self.training}")
        if not 0 < self.false_alarm_probability < 1:
            raise ValueError(
                f"false_alarm_probability must be in (0, 1), got {self.false_alarm_probability}"
            )

    @property
    def cells(self) -> int:
        """Training cells of a cell in the middle."""
        return 2 * (self.training + self.azimuth_training)

    @abstractmethod
    def factor(self, cells: int) -> float:
        """Threshold over the noise estimate from this many training cells."""

    @abstractmethod
    def rank(self, cells: int) -> int:
        """Which of this many training cells in rising order is the estimate; 0 for their mean."""

    @cached_property
    def factors(self) -> NDArray[np.float32]:
        """Factors by number of training cells; none gives no detection."""
        counts = range(1, self.cells + 1)
        return np.array([np.inf, *(self.factor(n) for n in counts)], dtype=np.float32)

    @cached_property
    def ranks(self) -> NDArray[np.int32]:
        """Ranks by number of training cells."""
        return np.array([self.rank(n) for n in range(self.cells + 1)], dtype=np.int32)


@dataclass(frozen=True)
class CellAveragingCfar(Cfar):
    """The noise is the mean of the training cells: the best estimate where they hold noise alone.

    P_fa = (1 + alpha / N)^-N with N training cells (Richards, Fundamentals of Radar Signal
    Processing, 2nd ed., equation 6.110). A second reflector among the training cells raises the
    threshold and can hide the first.
    """

    def factor(self, cells: int) -> float:
        """Threshold over the mean of this many training cells."""
        return cells * (self.false_alarm_probability ** (-1.0 / cells) - 1.0)

    def rank(self, cells: int) -> int:
        """The mean."""
        del cells
        return 0


@dataclass(frozen=True)
class OrderedStatisticCfar(Cfar):
    """The noise is the k-th smallest training cell: other reflectors among them do not matter.

    P_fa = prod_{i=0}^{k-1} (N - i) / (N - i + alpha) with N training cells (Rohling, Radar CFAR
    thresholding in clutter and multiple target situations, IEEE Trans. AES 19(4), 1983).

    Attributes:
        rank_share: k / N; Rohling recommends about 3/4. 1 - rank_share of the training cells may
            hold reflectors.

    Raises:
        ValueError: as :class:`Cfar`, or the share is not in (0, 1].
    """

    rank_share: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rank_share <= 1:
            raise ValueError(f"rank_share must be in (0, 1], got {self.rank_share}")

    def rank(self, cells: int) -> int:
        """Which one in rising order, of this many training cells."""
        return max(1, round(self.rank_share * cells))

    def factor(self, cells: int) -> float:
        """Threshold over the k-th smallest of this many training cells."""
        return _ordered_factor(cells, self.rank(cells), self.false_alarm_probability)


@lru_cache(maxsize=4096)
def _ordered_factor(cells: int, rank: int, probability: float) -> float:
    """Alpha of Rohling's formula."""
    left = cells - np.arange(rank, dtype=float)

    def excess(log_factor: float) -> float:
        return float(-np.log1p(np.exp(log_factor) / left).sum() - np.log(probability))

    return float(np.exp(brentq(excess, -50.0, 50.0 - np.log(probability), xtol=1e-12)))


def _as_cube(power: NDArray[np.float32], cfar: Cfar, wraps: bool) -> NDArray[np.float32]:
    """Power as (row, column, range) float32 in the order of memory."""
    if power.ndim < 1 or power.shape[-1] < 1:
        raise ValueError(f"power must be (..., range), got {power.shape}")
    columns = power.shape[-2] if power.ndim > 1 else 1
    reach = 2 * (cfar.azimuth_guard + cfar.azimuth_training) + 1
    if cfar.azimuth_training and wraps and reach > columns:
        raise ValueError(
            f"azimuth_guard and azimuth_training need {reach} columns, the power has {columns}"
        )
    shape = (-1, columns, power.shape[-1])
    return np.ascontiguousarray(power, dtype=np.float32).reshape(shape)


def _in_parallel(task: Callable[..., Any], lines: int, workers: int) -> None:
    """Run ``task(first, last)`` over all lines, one part a worker."""
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    edges = np.linspace(0, lines, min(workers, max(lines, 1)) + 1).astype(int)
    if len(edges) == 2:
        task(0, lines)
        return
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        list(pool.map(task, edges[:-1], edges[1:]))


def _window(cfar: Cfar, wraps: bool) -> tuple[Any, ...]:
    """The detector as the inner loops take it."""
    # without training cells along azimuth the columns are independent: nothing to wrap
    return (
        (cfar.guard, cfar.azimuth_guard),
        (cfar.training, cfar.azimuth_training),
        bool(wraps or not cfar.azimuth_training),
        cfar.factors,
        cfar.ranks,
    )


def detect(
    power: NDArray[np.float32], cfar: Cfar, *, azimuth_wraps: bool = True, workers: int = 2
) -> NDArray[np.bool_]:
    """Cells whose power is over their threshold.

    Cells that are not finite are never detections. As training cells they count as empty in a mean
    and as the largest in an order.

    Args:
        power: (..., azimuth, range), or (..., range) for a detector along range alone.
        cfar: detector.
        azimuth_wraps: the azimuths are a whole turn; False for a sector.
        workers: threads.

    Returns:
        Same shape.

    Raises:
        ValueError: fewer azimuths than the detector's cells along azimuth need.
    """
    cube = _as_cube(power, cfar, azimuth_wraps)
    out = np.empty(cube.shape, np.bool_)
    run: Any = ordered_lines if cfar.ranks[-1] else average_lines
    window = _window(cfar, azimuth_wraps)
    lines = cube.shape[0] * cube.shape[1]
    _in_parallel(lambda first, last: run(cube, first, last, *window, out), lines, workers)
    return out.reshape(power.shape)


def strongest_detection(
    power: NDArray[np.float32],
    cfar: Cfar,
    first_bin: int = 0,
    floor: float = 0.0,
    *,
    azimuth_wraps: bool = True,
    workers: int = 2,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Strongest detection of each ray, its bin refined by a parabola through the log power.

    Args:
        power: (..., azimuth, range), or (..., range) for a detector along range alone.
        cfar: detector.
        first_bin: bins before it are not candidates (they still train the threshold).
        floor: power below which nothing is a detection.
        azimuth_wraps: the azimuths are a whole turn; False for a sector.
        workers: threads.

    Returns:
        Fractional bin and power, each of shape power.shape[:-1]; NaN where nothing was detected.

    Raises:
        ValueError: fewer azimuths than the detector's cells along azimuth need.
    """
    cube = _as_cube(power, cfar, azimuth_wraps)
    lines = cube.shape[0] * cube.shape[1]
    result = np.empty((2, lines), np.float32)
    run: Any = strongest_lines
    floor_bits = np.float32(max(floor, 0.0)).view(np.int32)
    rest = (*_window(cfar, azimuth_wraps), first_bin, floor_bits, result)
    _in_parallel(lambda first, last: run(cube, first, last, *rest), lines, workers)
    bins, peak = result.reshape(2, *power.shape[:-1])
    return bins, peak
