"""How much the last seconds behind a wall look like a fall, next to all normal times.

The radar's line of antennas is upright. Who has fallen is low, and was not before: two numbers of a
window of frames say so. How far each is above its mean over normal windows, in deviations, adds up
to the score; what is higher than usual does not count against it. Nothing is learned of falls:
which numbers count is our choice, what is usual comes from normal times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.features import FrameFeatures

WINDOW_FEATURES = ("low_half_gain", "low_half")
_LOW = WINDOW_FEATURES.index("low_half")
_USUAL, _LYING = 1.0, 3.0
"""Deviations above its mean, up to which a low share is one of who stands, and from which of who
lies: those of half windows, which a single frame exceeds more often than they do."""
_WINDOWS_PER_FEATURE = 5
_LEAST, _MOST = -1.0, 4.0
"""Deviations that a number counts with: one that is far off must not decide alone."""
_KNOWN_FRAMES = 3
"""Of a part of a window, with a body in them, that tell of it."""


def window_features(frames: Sequence[FrameFeatures]) -> NDArray[np.float64]:
    """Numbers of one window.

    Args:
        frames: at least three, in order.

    Returns:
        By WINDOW_FEATURES: by how much the share of the body that is low rose from the first third
        to the last half, and how large it is in that. NaN where either tells nothing.

    Raises:
        ValueError: there are fewer than three.
    """
    if len(frames) < 3:
        raise ValueError(f"a window has at least 3 frames, got {len(frames)}")
    low = np.array([one.low_share for one in frames])
    # who lies stays there; who bends down, or walks close by, is low for a moment
    first, last = _mean(low[: len(low) // 3]), _mean(low[len(low) // 2 :])
    return np.array([last - first, last])


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size >= min(_KNOWN_FRAMES, values.size) else np.nan


@dataclass(frozen=True)
class Normals:
    """What is normal: mean and deviation of numbers.

    Attributes:
        mean: (d,).
        deviation: (d,).

    Raises:
        ValueError: shapes do not belong together, or a deviation is not positive.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.deviation.shape != self.mean.shape or self.mean.ndim != 1:
            raise ValueError(
                f"mean and deviation must be (d,), got {self.mean.shape} and {self.deviation.shape}"
            )
        if not np.isfinite(self.mean).all() or not np.isfinite(self.deviation).all():
            raise ValueError("mean and deviation must be finite")
        if not (self.deviation > 0).all():
            raise ValueError(f"deviation must be positive, got {self.deviation.tolist()}")

    @staticmethod
    def fitted(samples: NDArray[np.floating]) -> "Normals":
        """From (n, d) samples; those with a NaN in them do not count.

        Raises:
            ValueError: they are too few, or a number never changes.
        """
        samples = samples[np.isfinite(samples).all(axis=1)]
        count, size = samples.shape
        if count < _WINDOWS_PER_FEATURE * size:
            raise ValueError(
                f"{size} numbers need at least {_WINDOWS_PER_FEATURE * size} normal windows, got "
                f"{count}"
            )
        deviation = samples.std(axis=0, ddof=1)
        if not (deviation > 0).all():
            raise ValueError(f"numbers {np.flatnonzero(deviation == 0).tolist()} never change")
        return Normals(samples.mean(axis=0), deviation)

    def excess(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """(...) sum over the numbers (..., d) of how many deviations each is above its mean; of one
        that is not known, the least.
        """
        deviations = (np.asarray(values, np.float64) - self.mean) / self.deviation
        deviations = np.where(np.isnan(deviations), _LEAST, deviations)
        return np.asarray(np.clip(deviations, _LEAST, _MOST).sum(axis=-1))


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
        """How much a window exceeds the normal ones."""
        return float(self.normals.excess(window_features(frames)))

    def lying(self, low_share: float) -> float:
        """How much a body looks like somebody who lies.

        Args:
            low_share: see :class:`mmanomaly_ros.features.UprightBody`; NaN where nobody is.

        Returns:
            0 of who stands or sits and where nobody is, to 1 of who lies.
        """
        mean, deviation = self.normals.mean[_LOW], self.normals.deviation[_LOW]
        above = ((low_share - mean) / deviation - _USUAL) / (_LYING - _USUAL)
        return float(np.clip(np.nan_to_num(above, nan=0.0), 0.0, 1.0))

    def as_json(self) -> dict[str, Any]:
        """For a card."""
        return {
            "features": list(WINDOW_FEATURES),
            "mean": self.normals.mean.tolist(),
            "deviation": self.normals.deviation.tolist(),
        }

    @staticmethod
    def of(told: dict[str, Any]) -> "FallNovelty":
        """The opposite of :meth:`as_json`.

        Raises:
            ValueError: it is of other numbers.
        """
        if tuple(told["features"]) != WINDOW_FEATURES:
            raise ValueError(f"features must be {WINDOW_FEATURES}, got {told['features']}")
        mean, deviation = (np.asarray(told[name], np.float64) for name in ("mean", "deviation"))
        return FallNovelty(Normals(mean, deviation))
