"""Where what is measured is not what was to be expected.

One branch looks at the two spectra over range and azimuth, another at range and Doppler; what the
second finds at a range counts for all azimuths of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.learning.networks.blocks import Modulation, Residual, convolution, pooled
from mmanomaly_ros.learning.networks.sizes import SPECTRUM, WATCHES

LEAST_SPREAD = 0.0125
"""Half a decibel in unit scale: deviations are not measured in less."""
_MOST_DEVIATIONS = 10.0
_AZIMUTH = 2
"""Channels over range and azimuth, the first of a spectrum."""


@dataclass(frozen=True)
class ComparatorSize:
    """How large the comparator is.

    Attributes:
        widths: channels at a half, a quarter and an eighth of the spectrum's size.
        full: channels at its full size.
        doppler: channels of the branch over Doppler.
    """

    widths: tuple[int, int, int]
    full: int
    doppler: int


SIZES = {
    "tiny": ComparatorSize((8, 8, 8), 8, 8),
    "small": ComparatorSize((32, 48, 64), 16, 24),
}


class Comparator(nn.Module):
    """See the module.

    Args:
        size: of the network.
    """

    places: Tensor

    def __init__(self, size: ComparatorSize) -> None:
        super().__init__()
        half, quarter, eighth = size.widths
        self.azimuth = convolution(4 * (5 * _AZIMUTH + 2), half)
        self.doppler = nn.Sequential(
            convolution(4 * (5 * (SPECTRUM[0] - _AZIMUTH) + 2), size.doppler),
            Residual(size.doppler, size.doppler),
            Residual(size.doppler, size.doppler),
        )
        self.near = nn.Sequential(convolution(half + 2 * size.doppler, half), Residual(half, half))
        self.watch = Modulation(WATCHES, half)
        self.middle = nn.Sequential(Residual(half, quarter, 2), Residual(quarter, quarter))
        self.far = nn.Sequential(Residual(quarter, eighth, 2), Residual(eighth, eighth))
        self.watch_again = Modulation(WATCHES, eighth)
        self.up_quarter = convolution(quarter + eighth, quarter)
        self.up_half = convolution(half + quarter, half)
        self.out = nn.Sequential(
            convolution(half, 4 * size.full, kernel=1),
            nn.PixelShuffle(2),
            nn.Conv2d(size.full, 1, 3, padding=1),
        )
        self.whole = nn.Sequential(
            nn.Linear(2 * (half + eighth) + 2 + WATCHES, 32),
            nn.ReLU(inplace=True),
            nn.Linear(32, 1),
        )
        rows = torch.linspace(-1, 1, SPECTRUM[1])[:, None].expand(SPECTRUM[1:])
        columns = torch.linspace(-1, 1, SPECTRUM[2])[None].expand(SPECTRUM[1:])
        self.register_buffer("places", torch.stack((rows, columns))[None].clone())

    def forward(
        self, measured: Tensor, expected: Tensor, spread: Tensor, watch: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compare.

        Args:
            measured: (N, 3, 128, 64) unit spectra.
            expected: (N, 3, 128, 64) mean of the samples.
            spread: (N, 3, 128, 64) their standard deviation, unit scale.
            watch: (N, 3) one-hot.

        Returns:
            Logits of an anomaly at each place (N, 1, 128, 64), and somewhere (N, 1).
        """
        difference = measured - expected
        deviations = difference / spread.clamp(min=LEAST_SPREAD)
        deviations = deviations.clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS) / _MOST_DEVIATIONS
        parts = (measured, expected, spread, difference, deviations)
        places = self.places.expand(measured.shape[0], -1, -1, -1)
        azimuth = torch.cat((*(one[:, :_AZIMUTH] for one in parts), places), dim=1)
        doppler = torch.cat((*(one[:, _AZIMUTH:] for one in parts), places), dim=1)
        moving = self.doppler(functional.pixel_unshuffle(doppler, 2))
        over = torch.cat((moving.mean(dim=3), moving.amax(dim=3)), dim=1)[..., None]
        half = self.azimuth(functional.pixel_unshuffle(azimuth, 2))
        over = over.expand(-1, -1, -1, half.shape[3])
        half = self.watch(self.near(torch.cat((half, over), dim=1)), watch)
        quarter = self.middle(half)
        eighth = self.watch_again(self.far(quarter), watch)
        features = self.up_quarter(torch.cat((quarter, _doubled(eighth)), dim=1))
        features = self.up_half(torch.cat((half, _doubled(features)), dim=1))
        heatmap = self.out(features).float()
        known = torch.cat((pooled(features), pooled(eighth), pooled(heatmap), watch), dim=1)
        return heatmap, self.whole(known).float()


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
