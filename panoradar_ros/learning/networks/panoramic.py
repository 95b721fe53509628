"""Layers for panoramas: the last axis is a circle, the one before it is not.

Lai et al. 2024, section 6.3: a panorama has no left and right edge, so convolutions wrap there; top
and bottom are padded with zeros.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CircularConv(nn.Module):
    """3 x 3 convolution that wraps around the last axis, with normalisation behind it.

    Args:
        channels_in: channels that come in.
        channels_out: and go out.
        wraps: False pads with zeros there too; for the ablation.
    """

    def __init__(self, channels_in: int, channels_out: int, wraps: bool = True) -> None:
        super().__init__()
        self.wraps = wraps
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=(1, 0), bias=False)
        self.normalisation = nn.BatchNorm2d(channels_out)

    def forward(self, image: Tensor) -> Tensor:
        """(N, channel, row, column) of the same rows and columns."""
        if self.wraps:
            padded = torch.cat([image[..., -1:], image, image[..., :1]], dim=-1)
        else:
            padded = functional.pad(image, (1, 1))
        result: Tensor = self.normalisation(self.convolution(padded))
        return result


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, channels: int, wraps: bool = True) -> None:
        super().__init__()
        self.first = CircularConv(channels, channels, wraps)
        self.second = CircularConv(channels, channels, wraps)

    def forward(self, image: Tensor) -> Tensor:
        """Same shape."""
        return functional.relu(image + self.second(functional.relu(self.first(image))))


class Down(nn.Module):
    """Patches of rows and columns become one cell: no padding, no overlap.

    Args:
        channels_in: channels that come in.
        channels_out: and go out.
        patch: (rows, columns) of a patch.
    """

    def __init__(self, channels_in: int, channels_out: int, patch: tuple[int, int]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, patch, stride=patch, bias=False)
        self.normalisation = nn.BatchNorm2d(channels_out)

    def forward(self, image: Tensor) -> Tensor:
        """(N, channel, row / patch rows, column / patch columns)."""
        return functional.relu(self.normalisation(self.convolution(image)))


class Up(nn.Module):
    """The opposite of :class:`Down`, joined with what was there before it."""

    def __init__(self, channels_in: int, channels_out: int, patch: tuple[int, int]) -> None:
        super().__init__()
        self.patch = patch
        self.channels = channels_out
        self.spread = nn.Conv2d(channels_in, channels_out * patch[0] * patch[1], 1)
        self.join = nn.Conv2d(2 * channels_out, channels_out, 1, bias=False)
        self.normalisation = nn.BatchNorm2d(channels_out)

    def forward(self, image: Tensor, before: Tensor) -> Tensor:
        """(N, channel, row, column) of ``before``."""
        spread = unpatched(self.spread(image), self.patch)
        joined = self.join(torch.cat([spread, before], dim=1))
        return functional.relu(self.normalisation(joined))


def unpatched(image: Tensor, patch: tuple[int, int]) -> Tensor:
    """(N, channel * patch, row, column) to (N, channel, row * patch rows, column * columns)."""
    number, channels, rows, columns = image.shape
    down, right = patch
    # one axis at a time: ONNX Runtime takes four times as long to move both at once
    wide = image.reshape(number * channels // right, right, rows * columns).transpose(1, 2)
    cut = wide.reshape(number, channels // (down * right), down, rows, columns * right)
    return cut.transpose(2, 3).reshape(number, -1, rows * down, columns * right)


class UNet(nn.Module):
    """Residual blocks at halved resolutions, and back (Ronneberger et al. 2015).

    Args:
        widths: channels of every level, the finest first.
        patches: (rows, columns) that become one cell from each level to the next, one fewer.
        blocks: on the way down at every level; one on the way up.
        wraps: the last axis is a circle.

    Raises:
        ValueError: the numbers of widths and patches do not fit.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        patches: tuple[tuple[int, int], ...],
        blocks: int = 1,
        wraps: bool = True,
    ) -> None:
        super().__init__()
        if len(patches) != len(widths) - 1:
            raise ValueError(f"{len(widths)} levels need {len(widths) - 1} patches: {patches}")
        pairs = list(zip(widths[:-1], widths[1:], patches, strict=True))

        def stage(width: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(width, wraps) for _ in range(count)))

        self.encoder = nn.ModuleList(stage(width, blocks) for width in widths)
        self.down = nn.ModuleList(Down(fine, coarse, patch) for fine, coarse, patch in pairs)
        self.up = nn.ModuleList(Up(coarse, fine, patch) for fine, coarse, patch in pairs)
        self.decoder = nn.ModuleList(stage(width, 1) for width in widths[:-1])

    def forward(self, image: Tensor) -> Tensor:
        """Same shape."""
        kept = []
        for encode, down in zip(self.encoder, [*self.down, None], strict=True):
            image = encode(image)
            if down is not None:
                kept.append(image)
                image = down(image)
        for level in reversed(range(len(kept))):
            image = self.decoder[level](self.up[level](image, kept[level]))
        return image
