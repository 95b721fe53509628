"""From a learned range image to classes of pixels and boxes of objects (the paper's second stage).

One network for both: Lai et al. 2024 (section 6.3, 6.4) use DeepLab and Faster R-CNN on one
backbone; here a U-Net has a head for the classes of the pixels, and one that says for every cell of
2 x 2 rays whether it is part of a person or of another object and how far the box's edges are.
Edges have no limit in azimuth: a box may go across the seam.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from panoradar_ros.learning.networks.panoramic import UNet, unpatched
from panoradar_ros.recognition.detections import OBJECTS
from panoradar_ros.recognition.features import CHANNELS, CLASSES

PATCH = (2, 2)
_RARE = -4.6
"""Logarithm of the odds of an object before training: one cell in a hundred (Lin et al. 2017)."""


@dataclass(frozen=True)
class SemanticNetSize:
    """How large the network is.

    Attributes:
        widths: channels of the U-Net's levels, the finest first.
        patches: (rows, columns) that become one cell from level to level.
        blocks: a level on the way down.
        head: channels of the last layers.
    """

    widths: tuple[int, ...]
    patches: tuple[tuple[int, int], ...]
    blocks: int
    head: int


SIZES = {
    "tiny": SemanticNetSize((16, 24), ((2, 2),), 1, 16),
    "small": SemanticNetSize((48, 96, 160, 224), ((2, 2), (2, 2), (2, 2)), 1, 48),
    "paper": SemanticNetSize((64, 128, 256, 512, 512), ((2, 2), (2, 2), (1, 2), (1, 2)), 4, 128),
}


class SemanticOutput(NamedTuple):
    """What :class:`SemanticNet` says.

    Attributes:
        logits: (N, class, row, column).
        objects: (N, kind, row / 2, column / 2) logarithm of the odds that the cell is part of one.
        edges: (N, 4, row / 2, column / 2) rays from the middle of the cell to the left, upper,
            right and lower edge of its box; columns go to the right.
    """

    logits: Tensor
    objects: Tensor
    edges: Tensor


class SemanticNet(nn.Module):
    """The network; features in, classes and boxes out.

    Args:
        size: how large.
        wraps: azimuth is a circle; False for the ablation.
    """

    def __init__(self, size: SemanticNetSize, wraps: bool = True) -> None:
        super().__init__()
        channels = len(CHANNELS)
        self.stem = nn.Sequential(
            nn.Conv2d(channels * PATCH[0] * PATCH[1], size.widths[0], 1, bias=False),
            nn.BatchNorm2d(size.widths[0]),
            nn.ReLU(),
        )
        self.unet = UNet(size.widths, size.patches, size.blocks, wraps)
        self.spread = nn.Conv2d(size.widths[0], size.head * PATCH[0] * PATCH[1], 1)
        self.classes = nn.Sequential(
            nn.Conv2d(size.head + channels, size.head, 1),
            nn.ReLU(),
            nn.Conv2d(size.head, CLASSES, 1),
        )
        last = nn.Conv2d(2 * size.head, len(OBJECTS) + 4, 1)
        self.cells = nn.Sequential(nn.Conv2d(size.widths[0], 2 * size.head, 1), nn.ReLU(), last)
        nn.init.zeros_(last.weight)
        bias = torch.full((len(OBJECTS) + 4,), 2.0)  # edges some seven rays away
        bias[: len(OBJECTS)] = _RARE
        last.bias = nn.Parameter(bias)

    def forward(self, features: Tensor) -> SemanticOutput:
        """Answer for panoramas.

        Args:
            features: (N, channel, row, column) in the order of CHANNELS.
        """
        number, _, rows, columns = features.shape
        down, right = PATCH
        cut = features.reshape(number, -1, rows // down, down, columns // right, right)
        patches = cut.permute(0, 1, 3, 5, 2, 4).reshape(number, -1, rows // down, columns // right)
        context = self.unet(self.stem(patches))
        fine = functional.relu(unpatched(self.spread(context), PATCH))
        logits = self.classes(torch.cat([fine, features], dim=1)).float()
        cells = self.cells(context).float()
        edges = cells[:, len(OBJECTS) :].clamp_max(7.0).exp()
        return SemanticOutput(logits, cells[:, : len(OBJECTS)], edges)
