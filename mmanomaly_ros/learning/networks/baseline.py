"""An autoencoder of spectra that sees no camera: what the whole system is compared with."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from mmanomaly_ros.learning.networks.blocks import Residual, convolution
from mmanomaly_ros.learning.networks.sizes import SPECTRUM

BOTTLENECK = (8, 8, 4)


@dataclass(frozen=True)
class BaselineSize:
    """How large it is: channels at a half, a quarter, an eighth and a sixteenth of full size."""

    widths: tuple[int, int, int, int]


SIZES = {"tiny": BaselineSize((8, 8, 8, 8)), "small": BaselineSize((24, 32, 48, 64))}


class SpectrumAutoencoder(nn.Module):
    """Unit spectra (N, 3, 128, 64), through 256 numbers, to the same.

    Args:
        size: of the network.
    """

    def __init__(self, size: BaselineSize) -> None:
        super().__init__()
        first, second, third, fourth = size.widths
        self.encoder = nn.Sequential(
            convolution(4 * SPECTRUM[0], first),
            Residual(first, second, 2),
            Residual(second, third, 2),
            Residual(third, fourth, 2),
            nn.Conv2d(fourth, BOTTLENECK[0], 1),
        )
        self.decoder = nn.Sequential(
            convolution(BOTTLENECK[0], fourth),
            Residual(fourth, fourth),
            nn.Upsample(scale_factor=2.0),
            Residual(fourth, third),
            nn.Upsample(scale_factor=2.0),
            Residual(third, second),
            nn.Upsample(scale_factor=2.0),
            Residual(second, first),
            nn.Conv2d(first, 4 * SPECTRUM[0], 3, padding=1),
        )

    def forward(self, spectra: Tensor) -> Tensor:
        """Spectra as normal ones would look."""
        folded = self.decoder(self.encoder(functional.pixel_unshuffle(spectra, 2)))
        return functional.pixel_shuffle(folded, 2).float()
