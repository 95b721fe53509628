"""From a cube of echoes to range, normals and how sure both are.

The range is a distribution over bins of 15 cm, four of the radar's, and "nothing within reach". It
begins as the classical answer: the strongest echo of the ray. What the network adds to the
logarithms of that distribution starts at zero. A position within the bin is an expectation over
neighbouring bins and a correction.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.networks.panoramic import UNet, unpatched
from panoradar_ros.recognition.echo import LOWEST_DB, STEP_DB

REDUCTION = 4
PATCH = (2, 2)
SCALE_DB = 20.0
_EVIDENCE_PER_SCALE = 6.0
_NOTHING = 3.5
LEAKAGE_M = 0.4
"""Nearer echoes are the radar's own."""

_WINDOW = 1


@dataclass(frozen=True)
class RangeNetSize:
    """How large the network is.

    Attributes:
        feature: numbers a ray that are made from its echoes.
        widths: channels of the U-Net's levels, the finest first.
        patches: (rows, columns) that become one cell from level to level.
        blocks: a level on the way down.
        head: channels of the last layers.
    """

    feature: int
    widths: tuple[int, ...]
    patches: tuple[tuple[int, int], ...]
    blocks: int
    head: int


SIZES = {
    "tiny": RangeNetSize(8, (16, 24), ((2, 2),), 1, 16),
    "small": RangeNetSize(32, (64, 96, 192, 256), ((2, 2), (2, 2), (2, 2)), 1, 64),
    "medium": RangeNetSize(48, (96, 160, 256, 384), ((2, 2), (2, 2), (2, 2)), 1, 96),
    # as many stages and channels as Lai et al. 2024, section 6.2
    "paper": RangeNetSize(
        64, (64, 128, 256, 512, 512, 512), ((2, 2), (2, 2), (1, 2), (1, 2), (1, 2)), 4, 128
    ),
}


@dataclass(frozen=True)
class RadarGrid:
    """What the cells of a cube are.

    Attributes:
        bins: of range.
        bin_m: from one to the next.
        radius_m: of the antenna's circle: a bin measures from the antenna, a range image from the
            turntable's axis.
        rows: elevations.

    Raises:
        ValueError: the bins are no multiple of REDUCTION.
    """

    bins: int = 256
    bin_m: float = 0.03747
    radius_m: float = 0.08
    rows: int = 64

    def __post_init__(self) -> None:
        if self.bins % REDUCTION:
            raise ValueError(f"bins must be a multiple of {REDUCTION}, got {self.bins}")

    @property
    def coarse_m(self) -> float:
        """From one coarse bin to the next."""
        return self.bin_m * REDUCTION

    def nearest_m(self) -> Tensor:
        """(row,) range of the middle of the first coarse bin, from the turntable's axis."""
        elevation_rad = torch.from_numpy(PanoramaGrid(rows=self.rows).elevation_rad).float()
        return self.radius_m * elevation_rad.cos() + self.bin_m * (REDUCTION - 1) / 2


class RangeOutput(NamedTuple):
    """What :class:`RangeNet` says.

    Attributes:
        logits: (N, bin + 1, row, column); the last: nothing within reach.
        correction_m: (N, row, column) of the position within the bin.
        normal: (N, 3, row, column) outward, left, up; any length.
    """

    logits: Tensor
    correction_m: Tensor
    normal: Tensor


class RangeNet(nn.Module):
    """The network; echoes in, distribution, correction and normals out.

    Args:
        size: how large.
        radar: what the cells of a cube are.
        wraps: azimuth is a circle; False for the ablation.
    """

    nearest_m: Tensor

    def __init__(
        self,
        size: RangeNetSize,
        radar: "RadarGrid | None" = None,
        wraps: bool = True,
    ) -> None:
        super().__init__()
        radar = radar if radar is not None else RadarGrid()
        bins, self.coarse_m = radar.bins, radar.coarse_m
        self.coarse = bins // REDUCTION
        self.register_buffer("nearest_m", radar.nearest_m(), persistent=False)
        self.feature = nn.Linear(bins, size.feature)
        per_ray = size.feature + self.coarse
        self.stem = nn.Sequential(
            nn.Conv2d(per_ray * PATCH[0] * PATCH[1], size.widths[0], 1, bias=False),
            nn.BatchNorm2d(size.widths[0]),
            nn.ReLU(),
        )
        self.unet = UNet(size.widths, size.patches, size.blocks, wraps)
        self.spread = nn.Conv2d(size.widths[0], size.head * PATCH[0] * PATCH[1], 1)
        self.head = nn.Conv2d(size.head + per_ray, size.head, 1)
        self.answer = nn.Conv2d(size.head, self.coarse + 1 + 1 + 3, 1)
        nn.init.zeros_(self.answer.weight)
        bias = torch.zeros(self.coarse + 5)
        bias[: int(LEAKAGE_M / self.coarse_m)] = -10.0
        bias[self.coarse] = _NOTHING
        bias[self.coarse + 2] = -1.0  # a surface that looks back at the radar
        self.answer.bias = nn.Parameter(bias)
        self.evidence = nn.Parameter(torch.tensor(_EVIDENCE_PER_SCALE))

    def forward(self, echo: Tensor) -> RangeOutput:
        """Answer for panoramas.

        Args:
            echo: (N, row, column, range) uint8, see :mod:`panoradar_ros.recognition.echo`.
        """
        number, rows, columns, _ = echo.shape
        strength = echo.float() * (STEP_DB / SCALE_DB) + LOWEST_DB / SCALE_DB
        evidence = strength.reshape(number, rows, columns, self.coarse, REDUCTION).amax(-1)
        rays = torch.cat([functional.relu(self.feature(strength)), evidence], dim=-1)
        down, right = PATCH
        cut = rays.reshape(number, rows // down, down, columns // right, right, -1)
        patches = cut.permute(0, 2, 4, 5, 1, 3).reshape(number, -1, rows // down, columns // right)
        context = unpatched(self.spread(self.unet(self.stem(patches))), PATCH)
        per_ray = rays.permute(0, 3, 1, 2)
        answer = self.answer(functional.relu(self.head(torch.cat([context, per_ray], dim=1))))
        logits = answer[:, : self.coarse + 1]
        echoes = self.evidence * per_ray[:, -self.coarse :]
        logits = torch.cat([logits[:, :-1] + echoes, logits[:, -1:]], dim=1)
        return RangeOutput(logits, answer[:, self.coarse + 1], answer[:, self.coarse + 2 :])

    def read(self, output: RangeOutput) -> "RangeImage":
        """Turn an answer into ranges."""
        return read_range(output, self.nearest_m, self.coarse_m)


class RangeImage(NamedTuple):
    """What the distribution says.

    Attributes:
        range_m: (N, row, column); inf: nothing within reach.
        spread_m: (N, row, column) standard deviation of the distribution over all bins.
        confidence: (N, row, column) how much of it lies about ``range_m``.
        normal: (N, 3, row, column) unit vectors outward, left, up.
    """

    range_m: Tensor
    spread_m: Tensor
    confidence: Tensor
    normal: Tensor


def read_range(output: RangeOutput, nearest_m: Tensor, coarse_m: float) -> RangeImage:
    """Turn the network's answer into ranges.

    Args:
        output: of :class:`RangeNet`.
        nearest_m: (row,) middle of the first coarse bin, from the turntable's axis.
        coarse_m: from one bin to the next.
    """
    probability = output.logits.softmax(dim=1)
    bins, nothing = probability[:, :-1], probability[:, -1]
    index = torch.arange(bins.shape[1], device=bins.device).float()[None, :, None, None]
    best = bins.argmax(dim=1, keepdim=True).float()
    near = bins * ((index - best).abs() < _WINDOW + 0.5)
    mass = near.sum(dim=1).clamp_min(1e-9)
    place = (near * index).sum(dim=1) / mass
    range_m = nearest_m[:, None] + coarse_m * place + output.correction_m
    something = bins.sum(dim=1).clamp_min(1e-9)
    mean = (bins * index).sum(dim=1) / something
    variance = (bins * index**2).sum(dim=1) / something - mean**2
    spread_m = coarse_m * variance.clamp_min(0.0).sqrt()
    range_m = torch.where(nothing > mass, torch.inf, range_m.clamp_min(0.0))
    normal = functional.normalize(output.normal, dim=1)
    return RangeImage(range_m, spread_m, torch.maximum(mass, nothing), normal)
