"""Removing what the transmitters leak into the receivers, with the past only."""

import numpy as np
from numpy.typing import NDArray

from panoradar_ros.imaging.rotation import Rotation


class LeakageFilter:
    """Running mean chirp of every virtual antenna.

    The leakage does not depend on where the antenna looks, the scene does: over a turn its phase
    runs through many cycles and averages out. The authors subtract the mean of the whole recording
    (not causal); here it is an exponential mean over rotations.

    Args:
        memory_rotations: time constant.

    Raises:
        ValueError: the memory is shorter than one rotation.
    """

    def __init__(self, memory_rotations: float = 6.0) -> None:
        if memory_rotations < 1:
            raise ValueError(f"memory_rotations must be at least 1, got {memory_rotations}")
        self._rate = 1.0 / memory_rotations
        self._sum: NDArray[np.complex128] | None = None
        self._weight = 0.0

    def reset(self) -> None:
        """Forget, for example after the radar was configured again."""
        self._sum, self._weight = None, 0.0

    def update(self, rotation: Rotation) -> NDArray[np.complex64]:
        """Take in one rotation and return the mean chirp, (antenna, sample) in ADC counts."""
        used = slice(None, None, 2)
        valid = rotation.valid[used]
        total = np.asarray(rotation.samples[used].sum(axis=0, dtype=np.int64))
        mean = (total[..., 0] + 1j * total[..., 1]) / np.maximum(valid.sum(axis=0), 1)[:, None]
        if self._sum is None or self._sum.shape != mean.shape:
            self._sum, self._weight = np.zeros_like(mean), 0.0
        self._sum = (1 - self._rate) * self._sum + self._rate * mean
        self._weight = (1 - self._rate) * self._weight + self._rate
        return (self._sum / self._weight).astype(np.complex64)
