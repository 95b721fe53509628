"""How unlike all normal times the last seconds behind a wall are.

A fall is a burst of motion after which somebody lies still, elsewhere than before. A window of
frames becomes a few numbers about that; the Mahalanobis distance from those of normal windows is
the score (Mahalanobis 1936). It does not depend on the numbers' units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.features import FrameFeatures

WINDOW_FEATURES = (
    "most_score", "mean_score", "most_energy_db", "burst_db", "energy_after_db", "busy",
    "most_extent_mps", "extent_after_mps", "range_shift_m", "sine_shift",
)  # fmt: skip
_WINDOWS_PER_FEATURE = 5


def window_features(frames: Sequence[FrameFeatures]) -> NDArray[np.float64]:
    """Numbers of one window.

    Args:
        frames: at least three, in order.

    Returns:
        By WINDOW_FEATURES: highest and mean score; highest energy, how far it is above the median,
        and the mean of the last third; share of frames with more than half of the range of energy;
        highest speed, and that of the last third; how far the last third's place is from the
        first's, in range and in sine, 0 where it is not known.

    Raises:
        ValueError: there are fewer than three.
    """
    if len(frames) < 3:
        raise ValueError(f"a window has at least 3 frames, got {len(frames)}")
    score, energy, extent, range_m, sine = np.array(
        [(one.score, one.energy_db, one.extent_mps, one.range_m, one.sine) for one in frames]
    ).T
    third = len(frames) // 3
    middle = (energy.max() + energy.min()) / 2
    return np.array(
        [
            score.max(),
            score.mean(),
            energy.max(),
            energy.max() - np.median(energy),
            energy[-third:].mean(),
            np.mean(energy > middle),
            extent.max(),
            extent[-third:].mean(),
            _shift(range_m, third),
            _shift(sine, third),
        ]
    )


def _shift(place: NDArray[np.float64], third: int) -> float:
    first, last = (part[np.isfinite(part)] for part in (place[:third], place[-third:]))
    if not first.size or not last.size:
        return 0.0
    return float(np.median(last) - np.median(first))


@dataclass(frozen=True)
class Normals:
    """What is normal: mean and precision of numbers.

    Attributes:
        mean: (d,).
        precision: (d, d) inverse covariance.

    Raises:
        ValueError: shapes do not belong together, or the precision is not positive.
    """

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.precision.shape != (self.mean.size, self.mean.size):
            raise ValueError(
                f"precision must be {(self.mean.size,) * 2}, got {self.precision.shape}"
            )
        if not np.isfinite(self.mean).all() or not np.isfinite(self.precision).all():
            raise ValueError("mean and precision must be finite")
        least = np.linalg.eigvalsh(self.precision).min()
        if least <= 0:
            raise ValueError(f"precision must be positive, its least eigenvalue is {least}")

    @staticmethod
    def fitted(samples: NDArray[np.floating]) -> "Normals":
        """From (n, d) samples.

        Raises:
            ValueError: they are too few, or lie in fewer than d dimensions.
        """
        count, size = samples.shape
        if count < _WINDOWS_PER_FEATURE * size:
            raise ValueError(
                f"{size} numbers need at least {_WINDOWS_PER_FEATURE * size} normal windows, got "
                f"{count}"
            )
        # in units of each number's deviation, so that whether it is singular has no units either
        deviation = samples.std(axis=0, ddof=1)
        if not (deviation > 0).all():
            raise ValueError(f"numbers {np.flatnonzero(deviation == 0).tolist()} never change")
        covariance = np.cov(samples / deviation, rowvar=False).reshape(size, size)
        if np.linalg.cond(covariance) > 1e10:
            raise ValueError("some of the numbers follow from the others: they are singular")
        precision = np.linalg.inv(covariance) / np.outer(deviation, deviation)
        return Normals(samples.mean(axis=0), (precision + precision.T) / 2)

    def distance(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mahalanobis distance of (..., d) from the mean."""
        off = np.asarray(values, np.float64) - self.mean
        squared = np.einsum("...i,ij,...j->...", off, self.precision, off)
        return np.asarray(np.sqrt(np.maximum(squared, 0)))


@dataclass(frozen=True)
class FallNovelty:
    """Score of a window of frames.

    Attributes:
        normals: of window_features.
    """

    normals: Normals

    @staticmethod
    def fitted(windows: Sequence[Sequence[FrameFeatures]]) -> "FallNovelty":
        """From normal windows.

        Raises:
            ValueError: they are too few, or too much alike.
        """
        numbers = np.array([window_features(one) for one in windows])
        return FallNovelty(Normals.fitted(numbers.reshape(-1, len(WINDOW_FEATURES))))

    def __call__(self, frames: Sequence[FrameFeatures]) -> float:
        """Distance of a window from the normal ones."""
        return float(self.normals.distance(window_features(frames)))

    def as_json(self) -> dict[str, Any]:
        """For a card."""
        return {
            "features": list(WINDOW_FEATURES),
            "mean": self.normals.mean.tolist(),
            "precision": self.normals.precision.tolist(),
        }

    @staticmethod
    def of(told: dict[str, Any]) -> "FallNovelty":
        """The opposite of :meth:`as_json`.

        Raises:
            ValueError: it is of other numbers.
        """
        if tuple(told["features"]) != WINDOW_FEATURES:
            raise ValueError(f"features must be {WINDOW_FEATURES}, got {told['features']}")
        mean, precision = (np.asarray(told[name], np.float64) for name in ("mean", "precision"))
        return FallNovelty(Normals(mean, precision))
