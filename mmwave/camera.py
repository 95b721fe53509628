"""A pinhole camera beside a radar: points in space become pixels, and depths become points.

Axes of a radar are to the right, up, and depth, in metres from its phase centre; a camera's own are
to the right, down, and ahead. The centre of pixel (column c, row r) is at (c, r).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAREST_M = 0.1
"""Points nearer than this, or behind the camera, are seen at this depth."""

_Row = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Pinhole camera in a radar's axes.

    ``inverse`` says which way the extrinsics go: False for camera = R p + t, True for
    camera = R^-1 (p - t).

    Attributes:
        focal_px: along columns and rows.
        centre_px: column and row of the principal point.
        size_px: columns and rows of the image.
        rotation: (3, 3) R, nested tuples.
        translation_m: (3,) t.
        inverse: direction of the extrinsics.

    Raises:
        ValueError: a size or focal length is not positive, a number is not finite, or R is not
            orthogonal to a hundredth.
    """

    focal_px: tuple[float, float] = (380.0, 380.0)
    centre_px: tuple[float, float] = (320.0, 240.0)
    size_px: tuple[int, int] = (640, 480)
    rotation: tuple[_Row, ...] = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
    translation_m: _Row = (0.0, 0.0, 0.0)
    inverse: bool = False

    def __post_init__(self) -> None:
        numbers = (*self.focal_px, *self.centre_px, *self.translation_m)
        if not np.isfinite(numbers).all() or min(self.focal_px) <= 0 or min(self.size_px) <= 0:
            raise ValueError(
                f"focal_px {self.focal_px} and size_px {self.size_px} must be positive, centre_px "
                f"{self.centre_px} and translation_m {self.translation_m} finite"
            )
        matrix = np.asarray(self.rotation, np.float64)
        if matrix.shape != (3, 3) or not np.abs(matrix @ matrix.T - np.eye(3)).max() <= 0.01:
            raise ValueError(f"rotation must be an orthogonal 3 x 3 matrix, got {self.rotation}")

    def to_camera_m(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) points in the camera's axes.

        The inverse is the transpose: a reflection inside of R (MMVR's has determinant -1) is kept.
        """
        if self.inverse:
            return np.asarray((points_m - np.asarray(self.translation_m)) @ self._to_camera.T)
        return np.asarray(points_m @ self._to_camera.T + self.translation_m)

    def project(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 2) column and row of (..., 3) points."""
        seen = self.to_camera_m(points_m)
        depth = np.maximum(seen[..., 2:], NEAREST_M)
        return np.asarray(seen[..., :2] / depth * self.focal_px + self.centre_px)

    @property
    def position_m(self) -> NDArray[np.float64]:
        """(3,) where the camera is, in the radar's axes."""
        if self.inverse:
            return np.asarray(self.translation_m, np.float64)
        return -self._from_camera @ np.asarray(self.translation_m, np.float64)

    def rays(self) -> NDArray[np.float64]:
        """(row, column, 3) from the camera to where each pixel sees at a depth of 1, in the radar's
        axes: :attr:`position_m` + depth * ray is the point.
        """
        columns, rows = self.size_px
        across, down = np.meshgrid(
            (np.arange(columns) - self.centre_px[0]) / self.focal_px[0],
            (np.arange(rows) - self.centre_px[1]) / self.focal_px[1],
        )
        return np.stack([across, down, np.ones_like(across)], axis=-1) @ self._from_camera.T

    def back_projected_m(self, depth_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points that a depth image shows.

        Args:
            depth_m: (row, column) along the camera's axis, NaN where it has holes.

        Returns:
            (row, column, 3) in the radar's axes, NaN at holes.

        Raises:
            ValueError: the image has another size than the camera's.
        """
        columns, rows = self.size_px
        if depth_m.shape != (rows, columns):
            raise ValueError(f"depth_m must be ({rows}, {columns}), got {depth_m.shape}")
        return self.position_m + depth_m[..., None] * self.rays()

    def resized(self, columns: int, rows: int) -> Self:
        """The camera of an image that was resampled to another size.

        Edges of the image stay where they were, so that centres of pixels, half a pixel from them,
        move: centre' = (centre + 1/2) scale - 1/2.

        Raises:
            ValueError: a size is not positive.
        """
        if min(columns, rows) <= 0:
            raise ValueError(f"columns and rows must be positive, got {columns} and {rows}")
        scale = np.array([columns, rows]) / self.size_px
        focal = np.asarray(self.focal_px) * scale
        centre = (np.asarray(self.centre_px) + 0.5) * scale - 0.5
        return replace(
            self,
            focal_px=(float(focal[0]), float(focal[1])),
            centre_px=(float(centre[0]), float(centre[1])),
            size_px=(columns, rows),
        )

    def moved(
        self,
        translation_m: Sequence[float] = (0.0, 0.0, 0.0),
        rotation_rad: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> Self:
        """The camera elsewhere, as where a calibration is off.

        Args:
            translation_m: (3,) how much further to the right, up and in depth it is.
            rotation_rad: (3,) rotation vector in the camera's axes: it then looks up, turns to the
                right, and rolls clockwise.

        Raises:
            ValueError: another number of values than three.
        """
        if len(translation_m) != 3 or len(rotation_rad) != 3:
            raise ValueError(
                f"three metres and three angles are needed, got {translation_m} and {rotation_rad}"
            )
        position = self.position_m + np.asarray(translation_m)
        to_camera = _rotation(rotation_rad).T @ self._to_camera
        matrix = to_camera.T if self.inverse else to_camera
        offset = position if self.inverse else -to_camera @ position
        return replace(
            self,
            rotation=tuple((float(a), float(b), float(c)) for a, b, c in matrix),
            translation_m=(float(offset[0]), float(offset[1]), float(offset[2])),
        )

    @property
    def _to_camera(self) -> NDArray[np.float64]:
        """(3, 3) from directions in the radar's axes to those in the camera's."""
        matrix = np.asarray(self.rotation, np.float64)
        return matrix.T if self.inverse else matrix

    @property
    def _from_camera(self) -> NDArray[np.float64]:
        # calibrations are given to a few digits: their transpose would not undo them exactly
        return np.asarray(np.linalg.inv(self._to_camera), np.float64)


def _rotation(vector_rad: ArrayLike) -> NDArray[np.float64]:
    """(3, 3) rotation about a vector by its length, Rodrigues' formula."""
    vector = np.asarray(vector_rad, np.float64)
    angle = float(np.linalg.norm(vector))
    if not angle:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


RGBD_CAMERA = Camera(
    focal_px=(110.0, 110.0),
    centre_px=(63.5, 47.5),
    size_px=(128, 96),
    translation_m=(0.0, 0.1, 0.0),
)
"""A camera of colour and depth ten centimetres above the radar, looking where it looks."""
