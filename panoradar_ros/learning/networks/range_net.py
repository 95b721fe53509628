"""From a cube of echoes to range, normals and how sure both are.

The range is a distribution over bins of 15 cm, four of the radar's, and "nothing within reach". It
begins as the classical answer: the strongest echo of the ray. What the network adds to the
logarithms of that distribution starts at zero. A position within the bin is an expectation over
neighbouring bins and a correction. Normals begin as those of planes through the learned ranges;
what the network adds to them starts at zero too. On the way it says what each ray may be of, a hint
for the second network, which does not see the echoes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.networks.panoramic import Block, Down, UNet, unpatched
from panoradar_ros.learning.networks.surface import PlaneNormals
from panoradar_ros.recognition.echo import LOWEST_DB, STEP_DB
from panoradar_ros.recognition.features import CLASSES

REDUCTION = 4
PATCH = (2, 2)
SCALE_DB = 20.0
_EVIDENCE_PER_SCALE = 6.0
_NOTHING = 6.5
"""Logarithm of what noise makes of all bins together before training, and some more."""
LEAKAGE_M = 0.4
"""Nearer echoes are the radar's own."""


@dataclass(frozen=True)
class RangeNetSize:
    """How large the network is.

    Attributes:
        feature: numbers a ray that are made from its echoes.
        widths: channels of the U-Net's levels, the finest first.
        patches: (rows, columns) that become one cell from level to level.
        blocks: a level on the way down.
        head: channels of the last layers.
        surface: channels of the layers that improve normals.
    """

    feature: int
    widths: tuple[int, ...]
    patches: tuple[tuple[int, int], ...]
    blocks: int
    head: int
    surface: int = 32


SIZES = {
    "tiny": RangeNetSize(8, (16, 24), ((2, 2),), 1, 16, 8),
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
        columns: azimuths of the whole circle.

    Raises:
        ValueError: the bins are no multiple of REDUCTION.
    """

    bins: int = Waveform().samples_per_chirp
    bin_m: float = Waveform().range_bin_m
    radius_m: float = AntennaArray().radius_m
    rows: int = PanoramaGrid().rows
    columns: int = PanoramaGrid().columns

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
        range_m: (N, row, column); inf: nothing within reach.
        spread_m: (N, row, column) standard deviation of the distribution over all bins.
        confidence: (N, row, column) how much of it lies about ``range_m``.
        normal: (N, 3, row, column) unit vectors outward, left, up.
        hint: (N, class, row, column) logarithms of what the ray may be of.
    """

    logits: Tensor
    range_m: Tensor
    spread_m: Tensor
    confidence: Tensor
    normal: Tensor
    hint: Tensor


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
        self.radar = radar
        bins, self.coarse_m = radar.bins, radar.coarse_m
        self.coarse = bins // REDUCTION
        self.register_buffer("nearest_m", radar.nearest_m(), persistent=False)
        self.feature = nn.Linear(bins, size.feature)
        per_ray = size.feature + self.coarse
        self.stem = Down(per_ray, size.widths[0], PATCH)
        self.unet = UNet(size.widths, size.patches, size.blocks, wraps)
        self.spread = nn.Conv2d(size.widths[0], size.head * PATCH[0] * PATCH[1], 1)
        self.head = nn.Conv2d(size.head + per_ray, size.head, 1)
        self.answer = nn.Conv2d(size.head, self.coarse + 1 + 1 + CLASSES, 1)
        nn.init.zeros_(self.answer.weight)
        bias = torch.zeros(self.coarse + 2 + CLASSES)
        bias[: int(LEAKAGE_M / self.coarse_m)] = -10.0
        bias[self.coarse] = _NOTHING
        self.answer.bias = nn.Parameter(bias)
        self.evidence = nn.Parameter(torch.tensor(_EVIDENCE_PER_SCALE))
        self.planes = PlaneNormals(radar.rows, radar.columns, wraps)
        self.surface = Surface(size.widths[0], size.surface, wraps)

    def forward(self, echo: Tensor) -> RangeOutput:
        """Answer for panoramas.

        Args:
            echo: (N, row, column, range) uint8, see :mod:`panoradar_ros.recognition.echo`.
        """
        number, rows, columns, bins = echo.shape
        # of the steps themselves, and channels first at once, so that the cube is gone through once
        slope, first = STEP_DB / SCALE_DB, LOWEST_DB / SCALE_DB
        weight, bias = self.feature.weight, self.feature.bias
        steps = echo.reshape(number, rows * columns, bins).float()
        feature = (weight * slope) @ steps.transpose(1, 2)
        feature = feature + (bias + first * weight.sum(dim=1))[:, None]
        strongest = echo.reshape(number, rows * columns, self.coarse, REDUCTION).amax(-1)
        strongest_in_scale = strongest.transpose(1, 2).float() * slope + first
        per_ray = torch.cat([functional.relu(feature), strongest_in_scale], dim=1)
        per_ray = per_ray.reshape(number, -1, rows, columns)
        context = self.unet(self.stem(per_ray))
        fine = unpatched(self.spread(context), PATCH)
        answer = self.answer(functional.relu(self.head(torch.cat([fine, per_ray], dim=1)))).float()
        echoes = self.evidence * per_ray[:, -self.coarse :].float()
        logits, correction_m, hint = answer.split([self.coarse + 1, 1, CLASSES], dim=1)
        logits = torch.cat([logits[:, :-1] + echoes, logits[:, -1:]], dim=1)
        with torch.autocast(echo.device.type, enabled=False):  # metres are no half-precision sums
            position = read_position(logits, correction_m[:, 0], self.nearest_m, self.coarse_m)
            with torch.no_grad():  # normals do not bend ranges; the context is learned from both
                plane, share = self.planes(position.range_m)
        surface = self.surface(context, plane, share, position).float()
        normal = functional.normalize(surface, dim=1)
        return RangeOutput(logits, *position, normal, hint)


class Surface(nn.Module):
    """Adds to the normals of planes what the echoes and the neighbourhood tell.

    Args:
        context: channels of the U-Net's answer.
        width: channels of the layers.
        wraps: azimuth is a circle.
    """

    def __init__(self, context: int, width: int, wraps: bool) -> None:
        super().__init__()
        self.patch = Down(3 + 3, width, PATCH)
        self.join = nn.Conv2d(context + width, width, 1)
        self.blocks = nn.Sequential(Block(width, wraps), Block(width, wraps))
        self.spread = nn.Conv2d(width, 4 * PATCH[0] * PATCH[1], 1)
        for parameter in self.spread.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, context: Tensor, plane: Tensor, share: Tensor, position: "RangePosition"
    ) -> Tensor:
        """Normals of any length.

        Args:
            context: (N, channel, row / 2, column / 2).
            plane: (N, 3, row, column) normals.
            share: (N, row, column) of the neighbours that are of the plane.
            position: of the rays.
        """
        range_m = torch.where(torch.isfinite(position.range_m), position.range_m, 0.0)
        rest = torch.stack([share, range_m / 10.0, position.confidence], dim=1).detach()
        patches = self.patch(torch.cat([plane, rest], dim=1))
        joined = functional.relu(self.join(torch.cat([context, patches], dim=1)))
        more = unpatched(self.spread(self.blocks(joined)), PATCH)
        return plane * (1 + more[:, 3:]) + more[:, :3]


class RangePosition(NamedTuple):
    """Where rays end.

    Attributes:
        range_m: (N, row, column); inf: nothing within reach.
        spread_m: (N, row, column) standard deviation of the distribution over all bins.
        confidence: (N, row, column) how much of it lies about ``range_m``.
    """

    range_m: Tensor
    spread_m: Tensor
    confidence: Tensor


def read_position(
    logits: Tensor, correction_m: Tensor, nearest_m: Tensor, coarse_m: float
) -> RangePosition:
    """Turn a distribution into ranges: the most likely one, unless nothing within reach is more
    likely than all of them together.

    Args:
        logits: (N, bin + 1, row, column); the last: nothing within reach.
        correction_m: (N, row, column).
        nearest_m: (row,) middle of the first coarse bin, from the turntable's axis.
        coarse_m: from one bin to the next.
    """
    bins = logits.shape[1] - 1
    best = logits[:, :-1].argmax(dim=1, keepdim=True)
    likeliest = torch.maximum(logits.gather(1, best), logits[:, -1:])
    odds = (logits - likeliest.detach()).exp()
    # moments as a 1 x 1 convolution: sums over the axis of the channels are slow
    index = torch.arange(bins + 1, device=logits.device, dtype=logits.dtype)
    there = (index < bins).to(logits.dtype)
    moments = torch.stack([there, there * index, there * index**2])
    total, first, second = functional.conv2d(odds, moments[:, :, None, None]).unbind(dim=1)
    nothing = odds[:, -1]
    near = torch.cat([best - 1, best, best + 1], dim=1)
    inside = (near >= 0) & (near < bins)
    near = near.clamp(0, bins - 1)
    odds_near = odds.gather(1, near) * inside
    mass = odds_near.sum(dim=1).clamp_min(1e-9)
    place = (odds_near * near).sum(dim=1) / mass
    range_m = nearest_m[:, None] + coarse_m * place + correction_m
    # of a distribution over several surfaces, none may hold as much as nothing; all together do
    range_m = torch.where(nothing > total, torch.inf, range_m.clamp_min(0.0))
    something = total.clamp_min(1e-9)
    variance = second / something - (first / something) ** 2
    spread_m = coarse_m * variance.clamp_min(0.0).sqrt()
    confidence = torch.where(nothing > total, nothing, mass) / (total + nothing)
    return RangePosition(range_m, spread_m, confidence)
