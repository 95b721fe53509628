"""The camera beside the radars: boxes in space become boxes in its image (equations 9 to 12)."""

import numpy as np
from numpy.typing import NDArray

from mmwave import camera
from rexo_ros.space import corners_m

LARGEST = 4.0
"""Logarithm of how much a refinement makes a box larger or smaller, at most."""

NEAREST_M = camera.NEAREST_M
"""Corners nearer than this, or behind the camera, are seen at this depth."""


class Camera(camera.Camera):
    """Pinhole camera in the room's axes that sees boxes; its extrinsics are equation (9)."""

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
