"""The camera beside the radars: boxes in space become boxes in its image (equations 9 to 12)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rexo_ros.space import corners_m

LARGEST = 4.0
"""Logarithm of how much a refinement makes a box larger or smaller, at most."""

NEAREST_M = 0.1
"""Corners nearer than this, or behind the camera, are seen at this depth."""


@dataclass(frozen=True)
class Camera:
    """Pinhole camera in the room's axes.

    Its own axes are to the right, down, and ahead. ``inverse`` says which way the extrinsics go:
    False for camera = R p + t (equation 9), True for camera = R^-1 (p - t).

    Attributes:
        focal_px: along columns and rows.
        centre_px: column and row of the principal point.
        size_px: columns and rows of the image.
        rotation: (3, 3) R, nested tuples.
        translation_m: (3,) t.
        inverse: direction of the extrinsics.

    Raises:
        ValueError: a size or focal length is not positive, or R is not orthogonal to a hundredth.
    """

    focal_px: tuple[float, float] = (380.0, 380.0)
    centre_px: tuple[float, float] = (320.0, 240.0)
    size_px: tuple[int, int] = (640, 480)
    rotation: tuple[tuple[float, float, float], ...] = (
        (1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0),
    )  # fmt: skip
    translation_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    inverse: bool = False

    def __post_init__(self) -> None:
        if min(self.focal_px) <= 0 or min(self.size_px) <= 0:
            raise ValueError(
                f"focal_px {self.focal_px} and size_px {self.size_px} must be positive"
            )
        matrix = np.asarray(self.rotation, np.float64)
        if matrix.shape != (3, 3) or np.abs(matrix @ matrix.T - np.eye(3)).max() > 0.01:
            raise ValueError(f"rotation must be an orthogonal 3 x 3 matrix, got {self.rotation}")

    def to_camera_m(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) points of the room in the camera's axes.

        The inverse is the transpose: a reflection inside of R (MMVR's has determinant -1) is kept.
        """
        matrix = np.asarray(self.rotation, np.float64)
        if self.inverse:
            return np.asarray((points_m - np.asarray(self.translation_m)) @ matrix)
        return np.asarray(points_m @ matrix.T + self.translation_m)

    def project(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 2) column and row of points of the room."""
        seen = self.to_camera_m(points_m)
        depth = np.maximum(seen[..., 2:], NEAREST_M)
        return np.asarray(seen[..., :2] / depth * self.focal_px + self.centre_px)

    def around(self, boxes_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Boxes about the eight corners of boxes in space, equations (10) and (39) to (43).

        Args:
            boxes_m: (..., 6) centre and size.

        Returns:
            (..., 4) left, top, right, bottom in pixels, beyond the image too.
        """
        pixels = self.project(corners_m(boxes_m))
        return np.concatenate([pixels.min(axis=-2), pixels.max(axis=-2)], axis=-1)

    def refined(
        self, boxes_m: NDArray[np.floating], offsets: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Image boxes after the learned refinement, equation (12), cut at the image's edges.

        Args:
            boxes_m: (..., 6).
            offsets: (..., 4) of the centre in shares of the box, logarithms of the size.
        """
        around = self.around(boxes_m)
        size = around[..., 2:] - around[..., :2]
        centre = (around[..., :2] + around[..., 2:]) / 2 + size * offsets[..., :2]
        half = size * np.exp(np.clip(offsets[..., 2:], -LARGEST, LARGEST)) / 2
        edges = np.concatenate([centre - half, centre + half], axis=-1)
        return np.clip(edges, 0, np.tile(self.size_px, 2))


MMVR_CAMERA = Camera(
    focal_px=(379.476, 379.476),
    centre_px=(322.457, 241.627),
    rotation=(
        (0.99721, -0.06080, -0.04321),
        (-0.06305, -0.99661, -0.05284),
        (0.03985, -0.05542, 0.99767),
    ),
    translation_m=(-0.06486, 0.30297, 0.09141),
)
"""As the MMVR data set's calibration says, but for its lens distortion, which is not modelled: over
the image pixels are 6 off at the median, 33 in the worst corner."""

MOUNTED_CAMERA = Camera(translation_m=(0.0, 0.1, 0.0))
"""Of simulated rooms: ten centimetres above the radars, looking where they look."""
