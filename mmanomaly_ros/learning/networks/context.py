"""What a radar should see, as far as a camera tells it.

A narrow ResNet (He et al. 2016) looks at the RGB-D image, a U-Net at the same points drawn into the
radar's own axes; the watch, and what is known of the whole scene, modulates the second. Tokens and
the latent map condition the diffusion; mean and log-variance of every cell are the regression that
it is compared with.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.learning.networks.blocks import Modulation, Residual, convolution, pooled
from mmanomaly_ros.learning.networks.sizes import (
    IMAGE,
    LATENT_MAP,
    POLAR,
    SPECTRUM,
    TOKENS,
    WATCHES,
)

LEAST_LOG_VARIANCE = -9.0
"""In unit scale, half a decibel: less than quantisation and noise leave."""
MOST_LOG_VARIANCE = 1.0
_POOL = (3, 4)
"""Of the image's last map, 6 x 8, with stride 1: 4 x 5 tokens."""


@dataclass(frozen=True)
class ContextSize:
    """How large the network is.

    Attributes:
        image: channels of the ResNet's stages.
        blocks: of a stage.
        polar: channels at a half, a quarter and an eighth of the spectrum's size.
        known: numbers that describe the whole scene.
    """

    image: tuple[int, int, int, int]
    blocks: int
    polar: tuple[int, int, int]
    known: int


SIZES = {
    "tiny": ContextSize((8, 8, 8, 16), 1, (8, 8, 16), 16),
    "small": ContextSize((24, 48, 96, 128), 1, (16, 32, 64), 128),
}


@dataclass(frozen=True)
class Classes:
    """How many classes the heads tell apart."""

    clothing: int
    wall: int
    pose: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """In the order of :class:`Seen`'s logits."""
        return self.clothing, self.wall, self.pose


class Seen(NamedTuple):
    """What the network says.

    Attributes:
        tokens: (N, 24, 96).
        latent_map: (N, 32, 16, 8).
        mean: (N, 3, 128, 64) of the spectrum, unit scale.
        log_variance: (N, 3, 128, 64), of the same.
        clothing: (N, class) logits of what the person wears.
        wall: (N, class) of what it is made of.
        pose: (N, class) of the person.
    """

    tokens: Tensor
    latent_map: Tensor
    mean: Tensor
    log_variance: Tensor
    clothing: Tensor
    wall: Tensor
    pose: Tensor


class ImageNet(nn.Module):
    """An RGB-D image to a map of features (N, channel, 6, 8).

    Args:
        size: of the network.
    """

    def __init__(self, size: ContextSize) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(IMAGE[0], size.image[0], 2, 5)]
        before = size.image[0]
        for stage, width in enumerate(size.image):
            for block in range(size.blocks):
                layers.append(Residual(before, width, 2 if stage and not block else 1))
                before = width
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Features of (N, 5, 96, 128)."""
        features: Tensor = self.layers(image)
        return features


class ContextNet(nn.Module):
    """See the module.

    Args:
        size: of the network.
        classes: that its heads tell apart.
    """

    def __init__(self, size: ContextSize, classes: Classes) -> None:
        super().__init__()
        last, (near, middle, far) = size.image[-1], size.polar
        self.image = ImageNet(size)
        self.place = nn.Conv2d(last, TOKENS[1], 1)
        self.positions = nn.Parameter(0.02 * torch.randn(1, 20, TOKENS[1]))
        self.watch_token = nn.Linear(WATCHES, TOKENS[1])
        self.known = nn.Sequential(
            nn.Linear(2 * last + 2 * near + WATCHES, size.known), nn.ReLU(inplace=True)
        )
        self.heads = nn.ModuleList(nn.Linear(size.known, count) for count in classes.counts)
        self.meanings = nn.ModuleList(
            nn.Linear(count, TOKENS[1], bias=False) for count in classes.counts
        )
        # folded 2 x 2, as the spectra in their autoencoder
        self.near = nn.Sequential(convolution(4 * POLAR[0], near), Residual(near, near))
        self.middle = nn.Sequential(Residual(near, middle, 2), Residual(middle, middle))
        self.far = Residual(middle, far, 2)
        self.scene = Modulation(size.known, far)
        self.joined = Residual(far, far)
        self.to_map = nn.Conv2d(far, LATENT_MAP[0], 1)
        self.from_map = Residual(LATENT_MAP[0], far)
        self.scene_again = Modulation(size.known, far)
        self.up_quarter = Residual(far + middle, middle)
        self.scene_quarter = Modulation(size.known, middle)
        self.up_half = Residual(middle + near, near)
        self.out = nn.Conv2d(near, 2 * 4 * SPECTRUM[0], 3, padding=1)

    def forward(self, image: Tensor, polar: Tensor, watch: Tensor) -> Seen:
        """Look at a scene.

        Args:
            image: (N, 5, 96, 128), see :class:`mmanomaly_ros.context.Context`.
            polar: (N, 6, 128, 64), likewise.
            watch: (N, 3) one-hot.
        """
        features = self.image(image)
        half = self.near(functional.pixel_unshuffle(polar, 2))
        known = self.known(torch.cat((pooled(features), pooled(half), watch), dim=1))
        logits = [head(known).float() for head in self.heads]
        quarter = self.middle(half)
        latent_map = self.to_map(self.joined(self.scene(self.far(quarter), known)))
        mean, log_variance = self._spectrum(latent_map, quarter, half, known)
        tokens = self._tokens(features, logits, watch)
        return Seen(tokens, latent_map, mean, log_variance, *logits)

    def _tokens(self, features: Tensor, logits: list[Tensor], watch: Tensor) -> Tensor:
        places = functional.avg_pool2d(self.place(features), _POOL, stride=1)
        places = places.flatten(2).transpose(1, 2) + self.positions
        believed = [
            meaning(one.softmax(dim=1)) for meaning, one in zip(self.meanings, logits, strict=True)
        ]
        whole = torch.stack((*believed, self.watch_token(watch)), dim=1)
        return torch.cat((places, whole), dim=1)

    def _spectrum(
        self, latent_map: Tensor, quarter: Tensor, half: Tensor, known: Tensor
    ) -> tuple[Tensor, Tensor]:
        features = self.scene_again(self.from_map(latent_map), known)
        features = _doubled(features)
        features = self.up_quarter(torch.cat((features, quarter), dim=1))
        features = _doubled(self.scene_quarter(features, known))
        features = self.up_half(torch.cat((features, half), dim=1))
        mean, log_variance = functional.pixel_shuffle(self.out(features).float(), 2).chunk(2, dim=1)
        return mean, log_variance.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
