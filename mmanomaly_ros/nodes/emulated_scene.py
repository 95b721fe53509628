"""What the emulated camera gives, and what can be wrong with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.camera import RGBD_CAMERA, Camera
from mmwave.simulation.watch_recording import WatchRecording

DARK_SHARE, DARK_NOISE = 0.02, 2.0
"""Of the light that is left at night, and the deviation of a pixel, of 255."""


@dataclass(frozen=True)
class CameraFaults:
    """What is wrong with a camera.

    Attributes:
        dark: there is next to no light.
        holes: share of the depth image that is missing, in squares.
        turn_rad: by which the camera has been turned to the right.
        seed: of noise and holes.

    Raises:
        ValueError: a share is not one, or the turn more than half a right angle.
    """

    dark: bool = False
    holes: float = 0.0
    turn_rad: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.holes <= 1:
            raise ValueError(f"holes must be from 0 to 1, got {self.holes}")
        if not abs(self.turn_rad) <= np.pi / 4:
            raise ValueError(f"turn_rad must be at most pi / 4, got {self.turn_rad}")


class EmulatedCamera:
    """Colour and depth images of a recording.

    Args:
        recording: what is seen.
        faults: of the camera.
        camera: that it was recorded with.
    """

    def __init__(
        self, recording: WatchRecording, faults: CameraFaults, camera: Camera = RGBD_CAMERA
    ) -> None:
        self._recording, self._faults = recording, faults
        self._random = np.random.default_rng(faults.seed)
        self._place, self._seen, self._longer = _turned(camera, faults.turn_rad)

    def colour(self, number: int) -> NDArray[np.uint8]:
        """(row, column, 3) of a frame."""
        rgb = self._recording.rgb[number][self._place]
        if not self._faults.dark:
            return np.ascontiguousarray(rgb)
        noise = self._random.normal(0.0, DARK_NOISE, rgb.shape)
        return np.clip(np.rint(DARK_SHARE * rgb + noise), 0, 255).astype(np.uint8)

    def depth_m(self, number: int) -> NDArray[np.float32]:
        """(row, column) of a frame, NaN at holes."""
        stored = self._recording.depth_mm[number][self._place]
        depth_m = (stored * self._longer / 1e3).astype(np.float32)
        depth_m[(stored == 0) | ~self._seen] = np.nan
        side = 8
        squares = self._random.random(-(-np.array(depth_m.shape) // side)) < self._faults.holes
        holes = np.kron(squares, np.ones((side, side), bool))
        depth_m[holes[: depth_m.shape[0], : depth_m.shape[1]]] = np.nan
        return depth_m


def _turned(
    camera: Camera, turn_rad: float
) -> tuple[tuple[NDArray[np.int64], ...], NDArray[np.bool_], NDArray[np.float64]]:
    """What a camera sees that was turned to the right about its own place.

    Returns:
        Rows and columns (row, column) of the image from before where each pixel looks, the nearest
        at its edge where it looks beyond; whether it does not; and by which factor depths, along
        the camera's own axis, are longer.
    """
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    columns, rows = camera.size_px
    right, down = np.meshgrid((np.arange(columns) - cx) / fx, (np.arange(rows) - cy) / fy)
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    ahead = cos - sin * right
    column = np.rint((cos * right + sin) / ahead * fx + cx).astype(np.int64)
    row = np.rint(down / ahead * fy + cy).astype(np.int64)
    seen = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    place = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    return place, np.asarray(seen), 1 / ahead
