"""Two rows at the horizon as one scan: the nearest of both, and free only where both say so."""

import numpy as np
from numpy.typing import NDArray


def level_scan(
    range_m: NDArray[np.floating], confidence: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ranges and confidences of a scan.

    Args:
        range_m: (2, column); +inf: nothing within reach, NaN: not known (REP-117).
        confidence: (2, column).

    Returns:
        The nearer range of each column. NaN where neither row has one and one is not known: beside
        +inf it may hide something. Its confidence is that of its row.
    """
    upper_m, lower_m = range_m
    nearest_m = np.fmin(upper_m, lower_m)
    nearest_m[np.isinf(nearest_m) & (np.isnan(upper_m) | np.isnan(lower_m))] = np.nan
    of_nearest = np.where(nearest_m == upper_m, confidence[0], confidence[1])
    return nearest_m.astype(np.float32), of_nearest.astype(np.float32)
