"""The network that takes noise from latents, told what the camera sees.

A small U-Net with cross-attention (Rombach et al. 2022, section 3.3). What lies at a place goes
in at that place, as channels beside the latents; what the whole scene is like goes in by attention.
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from mmanomaly_ros.learning.networks.sizes import LATENT_MAP, LATENTS, TOKENS


@dataclass(frozen=True)
class DenoiserSize:
    """How large the denoiser is.

    Attributes:
        widths: channels at the latents' size, its half and its quarter.
        head: numbers of one attention head; divides every width.
        groups: of its normalisation; divides every width.
    """

    widths: tuple[int, int, int]
    head: int
    groups: int


SIZES = {"tiny": DenoiserSize((16, 16, 32), 8, 8), "small": DenoiserSize((32, 64, 128), 16, 8)}


class Denoiser(nn.Module):
    """From noisy latents, a time and the context to v (Salimans and Ho 2022, section 4).

    Args:
        size: of the network.
    """

    def __init__(self, size: DenoiserSize) -> None:
        super().__init__()
        self.unet: Any = UNet2DConditionModel(
            in_channels=LATENTS[0] + LATENT_MAP[0],
            out_channels=LATENTS[0],
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            mid_block_type="UNetMidBlock2DCrossAttn",
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            block_out_channels=size.widths,
            layers_per_block=1,
            cross_attention_dim=TOKENS[1],
            attention_head_dim=tuple(width // size.head for width in size.widths),
            norm_num_groups=size.groups,
        )

    def forward(self, latents: Tensor, time: Tensor, tokens: Tensor, latent_map: Tensor) -> Tensor:
        """The v of each.

        Args:
            latents: (N, 8, 16, 8) noisy, normalised.
            time: (N,) 0 to 999.
            tokens: (N or 1, 24, 96).
            latent_map: (N or 1, 32, 16, 8).

        Returns:
            (N, 8, 16, 8).
        """
        count = latents.shape[0]
        tokens = tokens.expand(count, -1, -1)
        latent_map = latent_map.expand(count, -1, -1, -1)
        seen = torch.cat((latents, latent_map), dim=1)
        v: Tensor = self.unet(seen, time, tokens, return_dict=False)[0]
        return v.float()
