"""Powers of heatmaps as a network sees them: logarithms of zero mean and unit deviation."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalisation:
    """Mean and deviation of the logarithms, one a view; None: of every heatmap itself.

    Statistics of the training set are the same for any frame and tell how strong echoes are; those
    of the frame itself do not depend on the radar's gain.

    Attributes:
        mean: (view,) or None.
        deviation: (view,) or None.

    Raises:
        ValueError: only one is given, or a deviation is not positive.
    """

    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if (self.mean is None) != (self.deviation is None):
            raise ValueError("mean and deviation belong together: give both or none")
        if self.deviation is not None and not min(self.deviation) > 0:
            raise ValueError(f"deviations must be positive, got {self.deviation}")

    @staticmethod
    def of(powers: Iterable[NDArray[np.floating]]) -> "Normalisation":
        """Statistics of a training set.

        Args:
            powers: (view, row, column) each; what is not finite, or 0, does not count.

        Raises:
            ValueError: a view has no finite power, or always the same.
        """
        sums: NDArray[np.float64] | None = None
        for power in powers:
            value, known = _logarithm(power)
            flat, weight = value.reshape(len(value), -1), known.reshape(len(value), -1)
            own = np.stack(
                [weight.sum(1), (flat * weight).sum(1), (flat**2 * weight).sum(1)]
            ).astype(np.float64)
            sums = own if sums is None else sums + own
        if sums is None or not (sums[0] > 0).all():
            raise ValueError("a view has no power at all: no statistics can be made")
        mean = sums[1] / sums[0]
        deviation = np.sqrt(np.maximum(sums[2] / sums[0] - mean**2, 0.0))
        return Normalisation(tuple(mean.tolist()), tuple(deviation.tolist()))

    def of_views(self, numbers: list[int]) -> "Normalisation":
        """Of some of the views.

        Args:
            numbers: of the views, in the order wanted.
        """
        if self.mean is None or self.deviation is None:
            return self
        return Normalisation(
            tuple(self.mean[number] for number in numbers),
            tuple(self.deviation[number] for number in numbers),
        )

    def __call__(self, power: NDArray[np.floating]) -> NDArray[np.float32]:
        """Heatmaps for the network.

        Args:
            power: (view, ..., row, column) linear; what is not finite, or 0, becomes the mean.

        Returns:
            The same shape.

        Raises:
            ValueError: there are other views than in the statistics.
        """
        value, known = _logarithm(power)
        shape = (len(value), *(1,) * (value.ndim - 1))
        if self.mean is None or self.deviation is None:
            count = np.maximum(known.reshape(len(value), -1).sum(axis=1), 1)
            mean = (value * known).reshape(len(value), -1).sum(axis=1) / count
            off = (value - mean.reshape(shape)) * known
            deviation = np.sqrt((off**2).reshape(len(value), -1).sum(axis=1) / count)
            deviation = np.maximum(deviation, 1e-6)
        else:
            mean, deviation = np.asarray(self.mean), np.asarray(self.deviation)
            if len(mean) != len(value):
                raise ValueError(f"statistics are of {len(mean)} views, heatmaps of {len(value)}")
        scaled = (value - mean.reshape(shape)) / deviation.reshape(shape)
        return np.where(known, scaled, 0.0).astype(np.float32)


def _logarithm(power: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    known = np.isfinite(power) & (power > 0)  # 0 is where the radar does not look
    value = np.log(np.where(known, power, 1.0))
    return np.asarray(value, np.float64), known
