"""Normals of a range image inside of a network: planes through a ray and its neighbours.

On a plane n.p = d the inverse range is linear in the direction of the ray: 1 / r = n.u / d. So the
plane about a ray is a weighted least squares fit of three numbers to inverse ranges. Neighbours
whose range is another one are of another surface, and count little (Black & Rangarajan 1996,
Geman-McClure's weights).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from panoradar_ros.imaging.grid import PanoramaGrid

_ROWS = (-3, -1, 0, 1, 3)
_COLUMNS = (-9, -6, -3, 0, 3, 6, 9)
_TOLERANCE = 0.1
"""Relative difference of range at which a neighbour counts a quarter."""

_REGULAR = 1e-4
"""Holds the slopes where hardly any neighbour counts."""


class PlaneNormals(nn.Module):
    """Fits planes; has no weights.

    Args:
        rows: elevations of the range image.
        columns: of the whole circle, for the angle from one to the next.
        wraps: azimuth is a circle; else rays have no neighbours across the seam.
    """

    products: Tensor
    parts: Tensor

    def __init__(self, rows: int, columns: int, wraps: bool = True) -> None:
        super().__init__()
        self._wraps = wraps
        elevation = np.asarray(PanoramaGrid(columns, rows).elevation_rad, np.float64)
        step = float(elevation[0] - elevation[1]) if rows > 1 else 0.0
        parts = []
        for down in _ROWS:
            for right in _COLUMNS:
                azimuth, other = -right * 2 * np.pi / columns, elevation - down * step
                outward = np.cos(other) * np.cos(elevation) * np.cos(azimuth)
                outward += np.sin(other) * np.sin(elevation)
                up = np.sin(other) * np.cos(elevation)
                up -= np.cos(other) * np.sin(elevation) * np.cos(azimuth)
                parts.append(np.stack([outward, np.cos(other) * np.sin(azimuth), up]))
        part = np.stack(parts, axis=-1).transpose(1, 0, 2)  # (row, 3, neighbour)
        pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        product = np.stack([part[:, one] * part[:, other] for one, other in pairs], axis=1)
        self.register_buffer("parts", torch.from_numpy(part).float(), persistent=False)
        self.register_buffer("products", torch.from_numpy(product).float(), persistent=False)

    def forward(self, range_m: Tensor) -> tuple[Tensor, Tensor]:
        """Normals and how many neighbours they rest on.

        Args:
            range_m: (N, row, column); what is not finite and positive is not known.

        Returns:
            (N, 3, row, column) unit vectors outward, left, up, facing the radar; (N, row, column)
            share of the neighbours that count. Where there is none, the surface faces the radar.
        """
        known = torch.isfinite(range_m) & (range_m > 0.05)
        inverse = torch.where(known, 1 / range_m.clamp(0.05, 1e3), 0.0)
        near = _neighbours(inverse, self._wraps)  # (N, row, neighbour, column)
        middle = inverse[:, :, None].clamp_min(1e-3)
        off = (near - middle) / (_TOLERANCE * middle)
        weight = (near > 0) / (1 + off * off) ** 2
        sums = self.products @ weight
        right = self.parts @ (weight * near)
        a, b, c, d, e, f = (sums[:, :, index] for index in range(6))
        a, d, f = a + 1e-6, d + _REGULAR, f + _REGULAR
        x, y, z = (right[:, :, index] for index in range(3))
        # inverse of a symmetric matrix by its cofactors; its length does not matter
        one, two, three = d * f - e * e, c * e - b * f, b * e - c * d
        four, five, six = a * f - c * c, b * c - a * e, a * d - b * b
        normal = -torch.stack(
            [
                one * x + two * y + three * z,
                two * x + four * y + five * z,
                three * x + five * y + six * z,
            ],
            dim=1,
        )
        share = weight.sum(dim=2) / weight.shape[2]
        length = normal.square().sum(dim=1, keepdim=True).sqrt()
        facing = torch.tensor([-1.0, 0.0, 0.0], device=normal.device)[:, None, None]
        return torch.where(length > 1e-15, normal / length.clamp_min(1e-15), facing), share


def _neighbours(image: Tensor, wraps: bool) -> Tensor:
    """(N, row, column) to (N, row, neighbour, column); beyond the ends is 0, but for azimuth where
    that wraps.
    """
    down, right = max(_ROWS), max(_COLUMNS)
    rows, columns = image.shape[1:]
    beyond = (right, right, 0, 0)
    around = (
        torch.cat([image[..., -right:], image, image[..., :right]], dim=-1)
        if wraps
        else functional.pad(image, beyond)
    )
    padded = functional.pad(around, (0, 0, down, down))
    cut = [
        padded[:, down + row : down + row + rows, right + column : right + column + columns]
        for row in _ROWS
        for column in _COLUMNS
    ]
    return torch.stack(cut, dim=2)
