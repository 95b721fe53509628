"""How often errors of each size occur, without keeping them: a histogram, images counting alike."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

EDGES_M = np.concatenate([[0.0], np.logspace(-3, 1, 401)])
"""Of the histogram's bins: one below 1 mm, then steps of 2.3 % up to 10 m."""

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Of the quantiles that are written down."""


@dataclass
class ErrorDistribution:
    """Cumulative distribution of errors over images (Lai et al. 2024, figure 19).

    Every image adds its shares, not its counts, so that images with more pixels do not count more.
    A quantile of this distribution is not the mean of the images' quantiles, which
    :class:`panoradar_ros.learning.range_scores.RangeScores` gives.

    Attributes:
        share: (bin,) of the pixels, summed over images.
        images: that were added.
    """

    share: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(EDGES_M) - 1))
    images: int = 0

    def add(self, error_m: NDArray[np.floating]) -> None:
        """Add an image.

        Args:
            error_m: any shape, at least 0; NaN where a pixel does not count. More than 10 m counts
                as 10 m.
        """
        known_m = error_m[np.isfinite(error_m)]
        if not known_m.size:
            return
        counts, _ = np.histogram(np.minimum(known_m, EDGES_M[-1]), EDGES_M)
        self.share += counts / known_m.size
        self.images += 1

    def cumulative(self) -> NDArray[np.float64]:
        """(edge,) share of the errors below each of EDGES_M, from 0 to 1.

        Raises:
            ValueError: there is no image.
        """
        if not self.images:
            raise ValueError("no image had a pixel that counts")
        return np.concatenate([[0.0], np.cumsum(self.share) / self.images])

    def quantile_m(self, share: float) -> float:
        """The error that a share of the pixels stays below, exact to a bin's width.

        Args:
            share: above 0, up to 1.

        Raises:
            ValueError: the share is outside of that, or there is no image.
        """
        if not 0 < share <= 1:
            raise ValueError(f"a share must be above 0 and at most 1, got {share}")
        below = self.cumulative()
        wanted = min(share, below[-1])
        place = int(np.searchsorted(below, wanted, side="left"))  # below[place - 1] < wanted
        part = (wanted - below[place - 1]) / (below[place] - below[place - 1])
        return float(EDGES_M[place - 1] + part * (EDGES_M[place] - EDGES_M[place - 1]))

    def as_json(self) -> dict[str, float]:
        """Quantiles in metres by their percentage."""
        return {f"{100 * share:.0f}": self.quantile_m(share) for share in SHARES}
