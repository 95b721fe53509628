"""Pieces that several networks are made of."""

import torch
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """A convolution with its normalisation, which ONNX Runtime joins, and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions and a way around them (He et al. 2016).

    Args:
        inputs: channels.
        outputs: channels.
        stride: of the first convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.around: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, row, column) to (N, outputs, row / stride, column / stride)."""
        around: Tensor = self.around(features)
        return torch.relu(self.second(self.first(features)) + around)


class Modulation(nn.Module):
    """Scale and shift of every channel by what is known of the whole (Perez et al. 2018, FiLM).

    Args:
        known: numbers that are known of the whole.
        channels: to modulate.
    """

    def __init__(self, known: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(known, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor, known: Tensor) -> Tensor:
        """(N, channels, row, column) and (N, known) to (N, channels, row, column)."""
        scale, shift = self.linear(known)[:, :, None, None].chunk(2, dim=1)
        modulated: Tensor = features * (1 + scale) + shift
        return modulated


def pooled(features: Tensor) -> Tensor:
    """Mean and maximum of every channel: (N, channel, row, column) to (N, 2 channel)."""
    flat = features.flatten(2)
    return torch.cat((flat.mean(dim=2), flat.amax(dim=2)), dim=1)
