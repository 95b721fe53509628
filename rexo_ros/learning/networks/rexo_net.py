"""REXO: noisy boxes in space, the features that they cut out of every view, boxes without noise.

Yataka et al. 2026, section 4 and appendix B: a box is projected onto every view (equation 4),
features are cut out there (5) and laid side by side (6), and heads, one after the other, say what
the box should be (7). The cost is linear in the number of views.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rexo_ros.diffusion import LEAST_SIZE
from rexo_ros.learning.networks.backbone import Backbone
from rexo_ros.learning.networks.cropping import crop
from rexo_ros.learning.networks.denoiser import Head, TimeEmbedding, moved
from rexo_ros.space import DEPTH, LATERAL, VERTICAL, Space

FRAMES = 4
"""M consecutive frames of a heatmap."""


@dataclass(frozen=True)
class RexoSize:
    """How large the network is.

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
    "small": RexoSize(32, 128, 2, 8, 32, 512),
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


class RexoNet(nn.Module):
    """The network.

    Args:
        size: how large.
        space: the room and its views.
        grounded: boxes stand on the floor (equation 14).
        frames: of a heatmap.
    """

    def __init__(
        self, size: RexoSize, space: Space, grounded: bool = True, frames: int = FRAMES
    ) -> None:
        super().__init__()
        self.size, self.space, self.grounded = size, space, grounded
        self.backbone = Backbone(frames, size.width, size.channels, size.blocks)
        self.time = TimeEmbedding(size.channels)
        cells = len(space.views) * size.cells**2
        self.heads = nn.ModuleList(
            Head(
                size.channels, cells, size.attention, size.hidden, size.feedforward,
                4 * size.channels,
            )
            for _ in range(size.heads)
        )  # fmt: skip

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

    def forward(self, features: Tensor, boxes: Tensor, time: Tensor) -> list[RexoOutput]:
        """Take the noise out of boxes.

        Args:
            features: (N, view, channel, row, column).
            boxes: (N, box, 6) noisy unit boxes, any number of them.
            time: (N,) of the diffusion.

        Returns:
            What every head says, the last the best.
        """
        embedded, state, outputs = self.time(time), None, []
        boxes = self.on_floor(boxes)
        for head in self.heads:
            said = head(self._cut(features, boxes), state, embedded)
            found = self.on_floor(moved(boxes, said.offsets, LEAST_SIZE))
            outputs.append(RexoOutput(found, said.logits, said.refinement))
            boxes, state = found.detach(), said.state
        return outputs

    def _cut(self, features: Tensor, boxes: Tensor) -> Tensor:
        """(N, box, cell, channel) of all views side by side."""
        crops = [
            crop(features[:, number], on_view(boxes, view), self.size.cells).flatten(3)
            for number, view in enumerate(self.space.views)
        ]
        return torch.cat(crops, dim=-1).transpose(2, 3)

    def on_floor(self, boxes: Tensor) -> Tensor:
        """Boxes with their lower face on the floor, where that is wanted."""
        if not self.grounded:
            return boxes
        low, extent = self.space.low_m[VERTICAL], float(self.space.extent_m[VERTICAL])
        vertical = (self.space.floor_m - low) / extent + boxes[..., 3 + VERTICAL] / 2
        parts = [boxes[..., :VERTICAL], vertical[..., None], boxes[..., VERTICAL + 1 :]]
        return torch.cat(parts, dim=-1)


def on_view(boxes: Tensor, view: str) -> Tensor:
    """Unit boxes (..., 6) on a heatmap, see :meth:`rexo_ros.space.Space.on_view`."""
    axis = LATERAL[view]
    across, half_across = boxes[..., axis], boxes[..., 3 + axis] / 2
    down, half_down = 1 - boxes[..., DEPTH], boxes[..., 3 + DEPTH] / 2
    edges = (across - half_across, down - half_down, across + half_across, down + half_down)
    return torch.stack(edges, dim=-1)
