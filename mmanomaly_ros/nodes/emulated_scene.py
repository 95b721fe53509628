"""What the emulated camera gives, and what can be wrong with it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.simulation.watch_recording import WatchRecording

DARK_SHARE, DARK_NOISE = 0.02, 2.0
"""Of the light that is left at night, and the deviation of a pixel, of 255."""


@dataclass(frozen=True)
class CameraFaults:
    """What is wrong with a camera.

    Attributes:
        dark: there is next to no light.
        holes: share of the depth image that is missing, in squares.
        shift_px: columns that the image has moved to the left, as if the camera had been turned.
        seed: of noise and holes.

    Raises:
        ValueError: a share is not one.
    """

    dark: bool = False
    holes: float = 0.0
    shift_px: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.holes <= 1:
            raise ValueError(f"holes must be from 0 to 1, got {self.holes}")


class EmulatedCamera:
    """Colour and depth images of a recording.

    Args:
        recording: what is seen.
        faults: of the camera.
    """

    def __init__(self, recording: WatchRecording, faults: CameraFaults) -> None:
        self._recording, self._faults = recording, faults
        self._random = np.random.default_rng(faults.seed)

    def colour(self, number: int) -> NDArray[np.uint8]:
        """(row, column, 3) of a frame."""
        rgb = self._shifted(self._recording.rgb[number])
        if not self._faults.dark:
            return np.ascontiguousarray(rgb)
        noise = self._random.normal(0.0, DARK_NOISE, rgb.shape)
        return np.clip(np.rint(DARK_SHARE * rgb + noise), 0, 255).astype(np.uint8)

    def depth_m(self, number: int) -> NDArray[np.float32]:
        """(row, column) of a frame, NaN at holes."""
        stored = self._shifted(self._recording.depth_mm[number])
        depth_m = stored.astype(np.float32) / np.float32(1e3)
        depth_m[stored == 0] = np.nan
        side = 8
        squares = self._random.random(-(-np.array(depth_m.shape) // side)) < self._faults.holes
        holes = np.kron(squares, np.ones((side, side), bool))
        depth_m[holes[: depth_m.shape[0], : depth_m.shape[1]]] = np.nan
        return depth_m

    def _shifted(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Moved columns; at the edge the last one is repeated."""
        columns = pixels.shape[1]
        seen = np.clip(np.arange(columns) + self._faults.shift_px, 0, columns - 1)
        return np.asarray(pixels)[:, seen]
