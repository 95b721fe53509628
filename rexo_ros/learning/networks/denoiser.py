"""From noisy boxes and the features inside of them to boxes without noise (appendix B).

Self-attention between the boxes, a convolution whose weights each box chooses for itself (Sun et
al. 2021, Sparse R-CNN), and the time of the diffusion as scale and shift of what comes out.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

LARGEST_GROWTH = math.log(1e5 / 16)
"""Logarithm of how much larger a box may become in one step (equation 32)."""


class Said(NamedTuple):
    """What a head says of boxes, before it is applied to them.

    Attributes:
        offsets: (N, box, 6) of centre in sizes and of the size's logarithm, equation (31).
        logits: (N, box, 2) background, person.
        refinement: (N, box, 4) of the image box, equation (11).
        state: (N, box, channel) for the next head.
    """

    offsets: Tensor
    logits: Tensor
    refinement: Tensor
    state: Tensor


class Attention(nn.Module):
    """Self-attention between the boxes of a frame (Vaswani et al. 2017).

    Args:
        channels: of a box.
        heads: that share them.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(channels, 3 * channels)
        self.join = nn.Linear(channels, channels)

    def forward(self, state: Tensor) -> Tensor:
        """(N, box, channel)."""
        number, count, channels = state.shape
        asked = self.ask(state).reshape(number, count, 3, self.heads, channels // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind(0)
        weight = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(channels // self.heads)
        mixed = torch.matmul(weight.softmax(dim=-1), value)
        return torch.as_tensor(self.join(mixed.transpose(1, 2).reshape(number, count, channels)))


class DynamicConvolution(nn.Module):
    """Two layers over the cells of a crop whose weights come from the box's state.

    Args:
        channels: of a cell.
        hidden: between the layers.
        cells: of all views' crops together.
    """

    def __init__(self, channels: int, hidden: int, cells: int) -> None:
        super().__init__()
        self.channels, self.hidden = channels, hidden
        self.weights = nn.Linear(channels, 2 * channels * hidden)
        self.first, self.second = nn.LayerNorm(hidden), nn.LayerNorm(channels)
        self.join = nn.Linear(cells * channels, channels)
        self.last = nn.LayerNorm(channels)

    def forward(self, crops: Tensor, state: Tensor) -> Tensor:
        """(N, box, cell, channel) and (N, box, channel) to (N, box, channel)."""
        inward, outward = self.weights(state).chunk(2, dim=-1)
        shape = state.shape[:2]
        inward = inward.reshape(*shape, self.channels, self.hidden)
        outward = outward.reshape(*shape, self.hidden, self.channels)
        cells = functional.relu(self.first(torch.matmul(crops, inward)))
        cells = functional.relu(self.second(torch.matmul(cells, outward)))
        return functional.relu(self.last(self.join(cells.flatten(2))))


class Head(nn.Module):
    """One step of refinement.

    Args:
        channels: of features and states.
        cells: of all views' crops together.
        attention: heads of the self-attention.
        hidden: of the dynamic convolution.
        feedforward: channels between its two layers.
        time: channels of the time's embedding.
    """

    def __init__(
        self, channels: int, cells: int, attention: int, hidden: int, feedforward: int, time: int
    ) -> None:
        super().__init__()
        self.place = nn.Linear(6, channels)
        self.attention = Attention(channels, attention)
        self.dynamic = DynamicConvolution(channels, hidden, cells)
        self.feedforward = nn.Sequential(
            nn.Linear(channels, feedforward), nn.ReLU(), nn.Linear(feedforward, channels)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.time = nn.Sequential(nn.SiLU(), nn.Linear(time, 2 * channels))
        self.tower = nn.Sequential(
            nn.Linear(channels, channels), nn.LayerNorm(channels), nn.ReLU(),
            nn.Linear(channels, channels), nn.LayerNorm(channels), nn.ReLU(),
        )  # fmt: skip
        self.offsets, self.refinement = nn.Linear(channels, 6), nn.Linear(channels, 4)
        self.named = nn.Linear(channels, 2)
        for layer in (self.offsets, self.refinement):  # begins by leaving boxes as they are
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, crops: Tensor, boxes: Tensor, state: Tensor | None, time: Tensor) -> Said:
        """Refine.

        A crop does not tell where in the room it was cut out, nor how large it was; the box does.
        Neither is in the paper's head.

        Args:
            crops: (N, box, cell, channel) features inside of the boxes, of all views.
            boxes: (N, box, 6) unit boxes that they were cut out by.
            state: (N, box, channel) of the head before; None of the first.
            time: (N, channel) embedding of the diffusion's time.
        """
        state = (crops.mean(dim=2) if state is None else state) + self.place(boxes)
        state = self.norms[0](state + self.attention(state))
        state = self.norms[1](state + self.dynamic(crops, state))
        state = self.norms[2](state + self.feedforward(state))
        scale, shift = self.time(time)[:, None].chunk(2, dim=-1)
        told = self.tower(state * (1 + scale) + shift)
        offsets, named, refinement = self.offsets(told), self.named(told), self.refinement(told)
        return Said(offsets.float(), named.float(), refinement.float(), state)


class TimeEmbedding(nn.Module):
    """Sines and cosines of the time, then two layers (Ho et al. 2020).

    Args:
        channels: of the sines; four times as many come out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.sines = channels // 2
        wide = 4 * channels
        self.layers = nn.Sequential(nn.Linear(channels, wide), nn.GELU(), nn.Linear(wide, wide))

    def forward(self, time: Tensor) -> Tensor:
        """(N,) times to (N, 4 * channels)."""
        place = torch.arange(self.sines, device=time.device) / (self.sines - 1)
        phase = time[:, None].float() * torch.exp(-math.log(1e4) * place)
        return torch.as_tensor(self.layers(torch.cat([phase.sin(), phase.cos()], dim=-1)))


def moved(boxes: Tensor, offsets: Tensor, least_size: float) -> Tensor:
    """Boxes after their offsets, equation (32).

    Args:
        boxes: (..., 6) centre and size.
        offsets: (..., 6).
        least_size: no box is smaller, nor larger than the room.
    """
    size = boxes[..., 3:]
    centre = boxes[..., :3] + size * offsets[..., :3]
    grown = size * offsets[..., 3:].clamp_max(LARGEST_GROWTH).exp()
    return torch.cat([centre, grown.clamp(least_size, 1.0)], dim=-1)
