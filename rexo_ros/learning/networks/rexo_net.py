"""REXO: noisy boxes in space, the features that they cut out of every view, boxes without noise.

Yataka et al. 2026, section 4 and appendix B: a box is projected onto every view (equation 4),
features are cut out there (5) and laid side by side (6), and heads, one after the other, say what
the box should be (7). The cost is linear in the number of views.
"""

import torch
from torch import Tensor, nn

from rexo_ros.diffusion import LEAST_SIZE
from rexo_ros.learning.networks.base import FRAMES, BoxDetector, RexoOutput, RexoSize, on_view
from rexo_ros.learning.networks.cropping import by_rows, crop
from rexo_ros.learning.networks.denoiser import Head, TimeEmbedding, moved
from rexo_ros.space import Space


class RexoNet(BoxDetector):
    """The network. With one level view and a height that is given it is the baseline that diffuses
    boxes in the plane (Chen et al. 2023, as Yataka et al. 2026 compare with it).

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
        super().__init__(size, space, grounded, frames, height_m)
        self.time = TimeEmbedding(size.channels)
        cells = len(space.views) * size.cells**2
        self.heads = nn.ModuleList(
            Head(
                size.channels, cells, size.attention, size.hidden, size.feedforward,
                4 * size.channels,
            )
            for _ in range(size.heads)
        )  # fmt: skip

    def forward(self, features: Tensor, boxes: Tensor, time: Tensor) -> list[RexoOutput]:
        """Take the noise out of boxes, see :meth:`BoxDetector.forward`."""
        embedded, state, outputs = self.time(time), None, []
        boxes = self.on_floor(boxes)
        views = [by_rows(one) for one in features.unbind(dim=1)]
        for head in self.heads:
            said = head(self._cut(views, boxes), boxes, state, embedded)
            found = self.on_floor(moved(boxes, said.offsets, LEAST_SIZE))
            outputs.append(RexoOutput(found, said.logits, said.refinement))
            boxes, state = found.detach(), said.state
        return outputs

    def _cut(self, features: list[Tensor], boxes: Tensor) -> Tensor:
        """(N, box, cell, channel) of all views side by side."""
        crops = [
            crop(own, on_view(boxes, self.space, view), self.size.cells).flatten(3)
            for own, view in zip(features, self.space.views, strict=True)
        ]
        return torch.cat(crops, dim=-1).transpose(2, 3)
