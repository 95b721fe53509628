"""Features of a heatmap: a residual network and a feature pyramid, shared by all views.

He et al. 2016 (ResNet18) and Lin et al. 2017 (FPN), as Yataka et al. 2026, section 4.1, take them;
the pyramid's finest level, a quarter of the heatmap's rows and columns, is what boxes are cut from.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
"""Rows and columns of a heatmap that become one cell."""


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut.

    Args:
        channels_in: channels that come in.
        channels_out: and go out.
        stride: rows and columns that become one.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels_out, 3, stride)
        self.second = _convolution(channels_out, channels_out, 3)
        same = channels_in == channels_out and stride == 1
        self.shortcut = (
            nn.Identity() if same else _convolution(channels_in, channels_out, 1, stride)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, channel, row, column)."""
        return functional.relu(
            self.shortcut(image) + self.second(functional.relu(self.first(image)))
        )


def _convolution(channels_in: int, channels_out: int, size: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))


class Backbone(nn.Module):
    """Heatmaps in, features of a quarter of their size out.

    Args:
        frames: M consecutive frames, the channels of a heatmap.
        width: channels of the first stage; each of the three others has twice those before it.
        channels: of the features.
        blocks: of a stage; two make a ResNet18.
    """

    def __init__(self, frames: int, width: int, channels: int, blocks: int = 2) -> None:
        super().__init__()
        self.stem = _convolution(frames, width, 7, 2)
        widths = [width * 2**level for level in range(4)]
        stages, before = [], width
        for level, after in enumerate(widths):
            first = ResidualBlock(before, after, 1 if level == 0 else 2)
            more = (ResidualBlock(after, after) for _ in range(blocks - 1))
            stages.append(nn.Sequential(first, *more))
            before = after
        self.stages = nn.ModuleList(stages)
        self.lateral = nn.ModuleList(nn.Conv2d(one, channels, 1) for one in widths)
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)
        # a good half faster on CPUs; PyTorch's types do not know this argument
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, heatmaps: Tensor) -> Tensor:
        """Features.

        Args:
            heatmaps: (N, frame, row, column), both numbers of cells a multiple of STRIDE.

        Returns:
            (N, channel, row / STRIDE, column / STRIDE).
        """
        heatmaps = heatmaps.contiguous(memory_format=torch.channels_last)
        image = functional.max_pool2d(functional.relu(self.stem(heatmaps)), 3, 2, 1)
        levels = []
        for stage in self.stages:
            image = stage(image)
            levels.append(image)
        result = self.lateral[-1](levels[-1])
        for lateral, level in zip(reversed(self.lateral[:-1]), reversed(levels[:-1]), strict=True):
            rows, columns = level.shape[-2:]
            larger = functional.interpolate(result, scale_factor=2.0, mode="nearest")
            result = lateral(level) + larger[..., :rows, :columns]
        return torch.as_tensor(self.smooth(result))
