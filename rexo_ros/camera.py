"""The camera beside the radars: boxes in space become boxes in its image (equations 9 to 12)."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mmwave import camera
from rexo_ros.lens import STRAIGHT, Coefficients, bent, reach_of
from rexo_ros.space import corners_m

LARGEST = 4.0
"""Logarithm of how much a refinement makes a box larger or smaller, at most."""

NEAREST_M = camera.NEAREST_M
"""Corners nearer than this, or behind the camera, are seen at this depth."""


@dataclass(frozen=True)
class Camera(camera.Camera):
    """Pinhole camera in the room's axes that sees boxes; its extrinsics are equation (9).

    Attributes:
        lens: that bends its image, see :mod:`rexo_ros.lens`.

    Raises:
        ValueError: a coefficient is not finite; see :class:`mmwave.camera.Camera` too.
    """

    lens: Coefficients = STRAIGHT

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.lens) != 5 or not np.isfinite(self.lens).all():
            raise ValueError(f"lens must be five finite coefficients, got {self.lens}")

    def project(self, points_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 2) column and row of (..., 3) points."""
        seen = self.to_camera_m(points_m)
        plane = seen[..., :2] / np.maximum(seen[..., 2:], NEAREST_M)
        reach = reach_of(self.focal_px, self.centre_px, self.size_px)
        x, y = bent(plane[..., 0], plane[..., 1], self.lens, reach)
        return np.asarray(np.stack([x, y], axis=-1) * self.focal_px + self.centre_px)

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

    def mirrored(self) -> Self:
        """The camera that sees a room whose right is left as this one sees the room, but for its
        image, whose right is left too.
        """
        flip = np.diag([-1.0, 1.0, 1.0])
        turned = (flip @ np.asarray(self.rotation) @ flip).tolist()
        right, up, ahead = self.translation_m
        k1, k2, p1, p2, k3 = self.lens
        return replace(
            self,
            centre_px=(self.size_px[0] - self.centre_px[0], self.centre_px[1]),
            rotation=tuple((row[0], row[1], row[2]) for row in turned),
            translation_m=(-right, up, ahead),
            lens=(k1, k2, p1, -p2, k3),
        )


MMVR_CAMERA = Camera(
    focal_px=(379.476, 379.476),
    centre_px=(322.457, 241.627),
    rotation=(
        (0.99721, -0.06080, -0.04321),
        (-0.06305, -0.99661, -0.05284),
        (0.03985, -0.05542, 0.99767),
    ),
    translation_m=(-0.06486, 0.30297, 0.09141),
    lens=(-0.05664, 0.07004, 6.13e-5, -0.02228, -0.00019),
)
"""As the MMVR data set's calibration says."""

MOUNTED_CAMERA = Camera(translation_m=(0.0, 0.1, 0.0))
"""Of simulated rooms: ten centimetres above the radars, looking where they look."""

POSE_OFFSET_M = (0.4, 0.4, 0.2)
POSE_ANGLE_DEG = (10.0, 10.0, 3.0)
"""How far to the right, up and in depth, and how far up, to the right and rolled, a camera that was
mounted otherwise is from MOUNTED_CAMERA, at most, either way.
"""


def camera_pose(number: int) -> Camera:
    """A camera in one of many poses beside the radars.

    Args:
        number: of the pose; 0 is MOUNTED_CAMERA, the others are drawn within POSE_OFFSET_M and
            POSE_ANGLE_DEG of it, the same every time.

    Raises:
        ValueError: it is negative.
    """
    if number < 0:
        raise ValueError(f"a camera's pose must not be negative, got {number}")
    if number == 0:
        return MOUNTED_CAMERA
    generator = np.random.default_rng([number, 0xCA3])
    offset_m = generator.uniform(-1, 1, 3) * POSE_OFFSET_M
    angles_rad = np.radians(generator.uniform(-1, 1, 3) * POSE_ANGLE_DEG)
    return MOUNTED_CAMERA.moved(offset_m.tolist(), angles_rad.tolist())
