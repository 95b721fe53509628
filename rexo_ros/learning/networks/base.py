"""What REXO and the detector that it is compared with have in common."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rexo_ros.learning.networks.backbone import Backbone
from rexo_ros.space import VERTICAL, Space, edges_on_view

SOMEBODY = 0.01
"""Probability of somebody's middle in a cell that a network begins with (Lin et al. 2017, Focal
loss, section 4.1)."""

FRAMES = 4
"""M consecutive frames of a heatmap."""


@dataclass(frozen=True)
class RexoSize:
    """How large a network is.

    Attributes:
        width: channels of the backbone's first stage.
        channels: of features.
        heads: one after the other.
        attention: heads of the self-attention.
        hidden: of the dynamic convolution.
        feedforward: channels between its layers.
        cells: rows and columns of a crop.
        blocks: of a stage of the backbone.
    """

    width: int
    channels: int
    heads: int
    attention: int = 8
    hidden: int = 64
    feedforward: int = 2048
    cells: int = 7
    blocks: int = 2


SIZES = {
    "tiny": RexoSize(8, 16, 2, 2, 8, 32, 3, 1),
    "small": RexoSize(24, 96, 3, 8, 32, 384, 7, 1),
    "medium": RexoSize(32, 128, 3, 8, 32, 512),
    "paper": RexoSize(64, 256, 6),
}


class RexoOutput(NamedTuple):
    """What a head says.

    Attributes:
        boxes: (N, box, 6) unit boxes.
        logits: (N, box, 2) background, person.
        refinement: (N, box, 4) of the image box.
    """

    boxes: Tensor
    logits: Tensor
    refinement: Tensor


class BoxDetector(nn.Module):
    """Finds boxes in the features of heatmaps; see the two kinds of it.

    Args:
        size: how large.
        space: the room and its views.
        grounded: boxes stand on the floor (equation 14).
        frames: of a heatmap.
        height_m: of every box; None: it is found.
    """

    def __init__(
        self,
        size: RexoSize,
        space: Space,
        grounded: bool = True,
        frames: int = FRAMES,
        height_m: float | None = None,
    ) -> None:
        super().__init__()
        self.size, self.space, self.grounded, self.height_m = size, space, grounded, height_m
        self.backbone = Backbone(frames, size.width, size.channels, size.blocks)
        self.centres = nn.Conv2d(size.channels, 1, 1)
        # nobody is in nearly all cells: begun at even odds, those alone would shake the backbone
        assert self.centres.bias is not None  # for the type checker
        nn.init.zeros_(self.centres.weight)  # nor is a trained backbone shaken by a new map
        nn.init.constant_(self.centres.bias, -math.log((1 - SOMEBODY) / SOMEBODY))

    def features(self, heatmaps: Tensor) -> Tensor:
        """Features of all views.

        Args:
            heatmaps: (N, view, frame, row, column) in the order of the space's views.

        Returns:
            (N, view, channel, row / 4, column / 4).
        """
        number, views = heatmaps.shape[:2]
        found = self.backbone(heatmaps.flatten(0, 1))
        return torch.as_tensor(found.reshape(number, views, *found.shape[1:]))

    def centre_logits(self, features: Tensor) -> Tensor:
        """(N, view, row, column) odds of somebody's middle there; for training alone."""
        found = self.centres(features.flatten(0, 1)).float()
        return torch.as_tensor(found.reshape(*features.shape[:2], *found.shape[-2:]))

    def forward(self, features: Tensor, boxes: Tensor, time: Tensor) -> list[RexoOutput]:
        """Find boxes.

        Args:
            features: (N, view, channel, row, column).
            boxes: (N, box, 6) noisy unit boxes, any number of them.
            time: (N,) of the diffusion.

        Returns:
            What every head says, the last the best.
        """
        raise NotImplementedError

    def on_floor(self, boxes: Tensor) -> Tensor:
        """Boxes of the height that is given, with their lower face on the floor, where either is
        wanted.
        """
        low, extent = self.space.low_m[VERTICAL], float(self.space.extent_m[VERTICAL])
        parts = list(boxes.split(1, dim=-1))
        if self.height_m is not None:
            parts[3 + VERTICAL] = torch.full_like(parts[3 + VERTICAL], self.height_m / extent)
        if self.grounded:
            floor = (self.space.floor_m - low) / extent
            parts[VERTICAL] = floor + parts[3 + VERTICAL] / 2
        return torch.cat(parts, dim=-1)


def on_view(boxes: Tensor, space: Space, view: str) -> Tensor:
    """Unit boxes (..., 6) on a heatmap, see :meth:`rexo_ros.space.Space.on_view`."""
    parts = space.seen_parts([boxes[..., part] for part in range(6)], view)
    return torch.stack(edges_on_view(parts, view), dim=-1)
