"""The autoencoder whose latents the diffusion lives in (Rombach et al. 2022, section 3.1).

Spectra (3, 128, 64) become (12, 64, 32) by folding 2 x 2 cells into channels, then latents
(8, 16, 8): the folding is free, convolutions at full size are not.
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.learning.networks.sizes import LATENTS, SPECTRUM

_FOLD = 2


@dataclass(frozen=True)
class VaeSize:
    """How large the autoencoder is.

    Attributes:
        widths: channels at a half, a quarter and an eighth of the spectrum's size.
        groups: of its normalisation; divides every width.
    """

    widths: tuple[int, int, int]
    groups: int


SIZES = {"tiny": VaeSize((8, 8, 16), 4), "small": VaeSize((32, 64, 96), 8)}


class SpectrumVae(nn.Module):
    """Unit spectra to latents and back.

    Args:
        size: of the network.
    """

    def __init__(self, size: VaeSize) -> None:
        super().__init__()
        channels = SPECTRUM[0] * _FOLD**2
        self.coder: Any = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * len(size.widths),
            up_block_types=("UpDecoderBlock2D",) * len(size.widths),
            block_out_channels=size.widths,
            layers_per_block=1,
            latent_channels=LATENTS[0],
            norm_num_groups=size.groups,
            mid_block_add_attention=False,
        )

    def moments(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (N, 8, 16, 8) of the latents of unit spectra (N, 3, 128, 64)."""
        folded = functional.pixel_unshuffle(spectra, _FOLD)
        distribution = self.coder.encode(folded).latent_dist
        return distribution.mean.float(), distribution.logvar.float()

    def decode(self, latents: Tensor) -> Tensor:
        """Unit spectra (N, 3, 128, 64) of latents (N, 8, 16, 8)."""
        folded: Tensor = self.coder.decode(latents).sample.float()
        return functional.pixel_shuffle(folded, _FOLD)

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Spectra as they come back from drawn latents, and the latents' moments."""
        mean, log_variance = self.moments(spectra)
        drawn = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return self.decode(drawn), mean, log_variance
