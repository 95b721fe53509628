"""How strong the noise of a power cube is."""

import numpy as np
from numpy.typing import NDArray

_STRIDE = 8
"""Rows and columns from one that is looked at to the next."""


def median_power(power: NDArray[np.float32], received: NDArray[np.bool_] | None = None) -> float:
    """Median power of a cube, most of which is empty: its noise.

    Args:
        power: (row, column, range) in any unit; what is not finite does not count.
        received: (column,) columns whose echoes arrived; None: all. A sector without echoes must
            not change what is made of the others.

    Returns:
        The median over every eighth row and received column, in the unit of the power; NaN where
        nothing was received.
    """
    sample = power[::_STRIDE]
    sample = sample if received is None else sample[:, received]
    sample = sample[:, ::_STRIDE]
    sample = sample[np.isfinite(sample)]
    return float(np.median(sample)) if sample.size else float("nan")
