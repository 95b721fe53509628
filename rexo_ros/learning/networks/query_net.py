"""A detector by queries, to compare REXO with: learned queries look at both views at once.

After Yataka et al. 2024 (RETR) and Carion et al. 2020 (DETR), from their description: the features
of all views are one set of tokens that know where they are, depth by the same code in every view;
a decoder's queries attend to each other and to the tokens, and each says one box. The backbone is
REXO's.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rexo_ros.learning.networks.base import FRAMES, BoxDetector, RexoOutput, RexoSize
from rexo_ros.space import Space

POOLED = 2
"""Rows and columns of features that become one token."""


class QueryNet(BoxDetector):
    """The network; noisy boxes and times are taken as REXO's are, and not looked at.

    Args:
        size: how large; ``heads`` are layers of the decoder.
        space: the room and its views.
        grounded: boxes stand on the floor.
        frames: of a heatmap.
        queries: boxes that are said.
    """

    def __init__(
        self,
        size: RexoSize,
        space: Space,
        grounded: bool = True,
        frames: int = FRAMES,
        queries: int = 10,
    ) -> None:
        super().__init__(size, space, grounded, frames)
        self.views = nn.Parameter(torch.randn(len(space.views), size.channels) * 0.02)
        self.queries = nn.Parameter(torch.randn(queries, size.channels))
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(
                size.channels, size.attention, size.feedforward, 0.0, batch_first=True
            )
            for _ in range(size.heads)
        )
        self.boxes = nn.Linear(size.channels, 6)
        self.named, self.refinement = nn.Linear(size.channels, 2), nn.Linear(size.channels, 4)
        nn.init.zeros_(self.refinement.weight)
        nn.init.zeros_(self.refinement.bias)

    def forward(self, features: Tensor, boxes: Tensor, time: Tensor) -> list[RexoOutput]:
        """What every layer of the decoder says, see :meth:`BoxDetector.forward`."""
        number, views, channels = features.shape[:3]
        pooled = functional.avg_pool2d(features.flatten(0, 1), POOLED)
        code = position_code(channels, pooled.shape[-2], pooled.shape[-1], pooled.device)
        tokens = (pooled + code).reshape(number, views, channels, -1) + self.views[:, :, None]
        memory = tokens.permute(0, 1, 3, 2).flatten(1, 2)
        state = self.queries.expand(number, -1, -1)
        outputs = []
        for layer in self.layers:
            state = layer(state, memory)
            found = self.on_floor(self.boxes(state).float().sigmoid())
            said = self.named(state).float(), self.refinement(state).float()
            outputs.append(RexoOutput(found, *said))
        return outputs


def position_code(channels: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """(channel, row, column) sines and cosines, half of the channels for each axis."""
    quarter = channels // 4
    # from half a wave over the whole axis to one of two tokens
    waves = 0.5 * max(rows, columns) ** (torch.arange(quarter, device=device) / quarter)

    def along(count: int) -> Tensor:
        share = (torch.arange(count, device=device) + 0.5) / count
        angle = 2 * math.pi * waves[:, None] * share
        return torch.cat([angle.sin(), angle.cos()])

    down = along(rows)[:, :, None].expand(-1, -1, columns)
    across = along(columns)[:, None].expand(-1, rows, -1)
    return torch.cat([down, across])
