"""How a lens bends the image of a pinhole camera (Brown 1966), as OpenCV and ROS have it.

The same lines work on NumPy arrays and on PyTorch tensors, with slopes.
"""

from typing import Any, TypeVar

import numpy as np

Plane = TypeVar("Plane", bound=Any)
"""Array or tensor."""

Coefficients = tuple[float, float, float, float, float]
"""k1, k2, p1, p2, k3: the model ``plumb_bob`` of a CameraInfo."""

STRAIGHT: Coefficients = (0.0, 0.0, 0.0, 0.0, 0.0)

_TINY = 1e-12  # keeps the slope of a root finite in the middle


def reach_of(
    focal_px: tuple[float, float], centre_px: tuple[float, float], size_px: tuple[int, int]
) -> float:
    """How far from the middle, at a depth of one, the lens is known: a tenth beyond the farthest
    corner of the image.
    """
    across = max(centre_px[0], size_px[0] - centre_px[0]) / focal_px[0]
    down = max(centre_px[1], size_px[1] - centre_px[1]) / focal_px[1]
    return 1.1 * float(np.hypot(across, down))


def bent(x: Plane, y: Plane, lens: Coefficients, reach: float) -> tuple[Plane, Plane]:
    """Where points at a depth of one appear.

    Beyond the reach the polynomial means nothing and may turn back: points there are moved as the
    one nearest to them within it, so that they stay outside.

    Args:
        x: to the right.
        y: down.
        lens: its coefficients.
        reach: see :func:`reach_of`.
    """
    k1, k2, p1, p2, k3 = lens
    beyond = ((x * x + y * y + _TINY) ** 0.5 / reach).clip(min=1.0)
    near_x, near_y = x / beyond, y / beyond
    square = near_x * near_x + near_y * near_y
    grown = 1 + square * (k1 + square * (k2 + square * k3))
    aside = 2 * p1 * near_x * near_y + p2 * (square + 2 * near_x * near_x)
    down = p1 * (square + 2 * near_y * near_y) + 2 * p2 * near_x * near_y
    return x * grown + aside, y * grown + down
