"""Noise on latents for training; the way back is :mod:`mmanomaly_ros.expectation`'s.

Time 0 is nearly clean, time 999 nothing but noise: the signal-to-noise ratio ends at 0 (Lin et al.
2024, section 3.1), which v can be told at and noise cannot.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmanomaly_ros.expectation import Schedule

TIMES = 1000
_OFFSET = 0.008


def kept_shares() -> NDArray[np.float64]:
    """(time,) alpha bar, the share of the signal's power (cosine, Nichol and Dhariwal 2021)."""
    part = (np.arange(TIMES + 1) / TIMES + _OFFSET) / (1 + _OFFSET)
    curve = np.cos(part * np.pi / 2) ** 2
    kept = curve[1:] / curve[0]
    kept[-1] = 0.0
    return np.asarray(kept)


def schedule_with(shift: NDArray[np.floating], scale: NDArray[np.floating]) -> Schedule:
    """The schedule, with how the latents are normalised.

    Args:
        shift: (latent channel,).
        scale: (latent channel,).
    """
    return Schedule(
        kept_shares(), "v_prediction", np.asarray(shift, float), np.asarray(scale, float)
    )


def noisy(clean: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Latents on the way to noise.

    Args:
        clean: (N, ...).
        noise: (N, ...) standard normal.
        kept: (N,) of :func:`kept_shares`.
    """
    share = _beside(kept, clean)
    return torch.sqrt(share) * clean + torch.sqrt(1 - share) * noise


def v_of(clean: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """What the network is to say of them (Salimans and Ho 2022, section 4)."""
    share = _beside(kept, clean)
    return torch.sqrt(share) * noise - torch.sqrt(1 - share) * clean


def _beside(kept: Tensor, latents: Tensor) -> Tensor:
    return kept.to(latents).reshape(-1, *[1] * (latents.ndim - 1))
