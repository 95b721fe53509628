"""Features inside of boxes (He et al. 2017, RoIAlign), as two products of matrices.

A box along the axes is sampled on a grid, and a bilinear sample is a product of a weight along rows
and one along columns. So a crop is A F B^T with hat functions in A and B: differentiable in
features and in boxes, and exported to ONNX with any number of boxes.
"""

import torch
from torch import Tensor

SAMPLES = 2
"""Along each axis of a cell, averaged."""


def by_rows(features: Tensor) -> Tensor:
    """(N, channel, row, column) as :func:`crop` takes them: (N, row, channel, column)."""
    return features.permute(0, 2, 1, 3).contiguous()


def crop(features: Tensor, boxes: Tensor, cells: int) -> Tensor:
    """Features inside of boxes.

    Args:
        features: (N, row, channel, column), see :func:`by_rows`.
        boxes: (N, box, 4) left, top, right, bottom as shares of columns and rows.
        cells: rows and columns of a crop.

    Returns:
        (N, box, channel, cells, cells). Beyond the edge of the features is what is at the edge.
    """
    _, rows, channels, columns = features.shape
    down = _weights(boxes[..., 1], boxes[..., 3], rows, cells)
    across = _weights(boxes[..., 0], boxes[..., 2], columns, cells)
    # (N, box, cells, row) with (N, channel, row, column): sums over rows, then over columns
    number, count = boxes.shape[:2]
    flat = features.reshape(number, rows, channels * columns)
    strips = torch.matmul(down.reshape(number, count * cells, rows), flat)
    strips = strips.reshape(number, count, cells, channels, columns)
    cut = torch.matmul(strips.permute(0, 1, 3, 2, 4), across.transpose(2, 3)[:, :, None])
    return torch.as_tensor(cut)


def _weights(low: Tensor, high: Tensor, size: int, cells: int) -> Tensor:
    """(N, box, cells, size) hat functions about the samples of each cell, averaged."""
    share = (torch.arange(cells * SAMPLES, device=low.device) + 0.5) / (cells * SAMPLES)
    place = (low[..., None] + (high - low)[..., None] * share) * size - 0.5
    place = place.clamp(0.0, size - 1.0)
    index = torch.arange(size, device=low.device)
    hat = (1 - (place[..., None] - index).abs()).clamp_min(0.0)
    return hat.reshape(*low.shape, cells, SAMPLES, size).mean(dim=-2)
