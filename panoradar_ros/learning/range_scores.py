"""Range images and normals against the truth, as Lai et al. 2024 (section 8) hold them against it.

Absolute errors over the pixels whose true range is known and at most 9.6 m and whose first surface
is not glass; mean, median, 80 and 90 % quantile of every image, then their means over images.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmwave.metrics import angle_between_deg
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.dataset import FrameSet, range_batch
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.networks.range_net import LEAKAGE_M, RadarGrid, RangeNet

FARTHEST_M = 9.6
DISTANCES_M = ((0.0, 3.0), (3.0, 6.0), (6.0, 10.0))


def counted_pixels(frame: Frame) -> NDArray[np.bool_]:
    """(row, column) whether a pixel counts: something is within reach, and it is not glass."""
    return np.isfinite(frame.range) & (frame.range <= FARTHEST_M) & ~frame.glass


def absolute_error_m(range_m: NDArray[np.floating], frame: Frame) -> NDArray[np.floating]:
    """Absolute range errors.

    A pixel without an answer counts as FARTHEST_M: leaving hard pixels out must not pay.

    Args:
        range_m: (row, column).
        frame: the truth.

    Returns:
        (row, column); NaN where a pixel does not count.
    """
    true = np.where(counted_pixels(frame), frame.range, np.nan)
    found = np.where(np.isfinite(range_m), range_m, FARTHEST_M)
    return np.abs(np.clip(found, 0.0, FARTHEST_M) - true)


@dataclass
class RangeScores:
    """Errors over images; ``add`` collects them.

    Attributes:
        mae_m: mean absolute error of every image; NaN entries do not occur.
        quantiles_m: median, 80 and 90 % quantile of every image.
        missing: share of the counted pixels without an answer, of every image.
        normal_deg: mean and median angle of every image, where there are normals.
        by_distance_m: mean absolute error of every image in DISTANCES_M.
    """

    mae_m: list[float] = field(default_factory=list)
    quantiles_m: list[list[float]] = field(default_factory=list)
    missing: list[float] = field(default_factory=list)
    normal_deg: list[list[float]] = field(default_factory=list)
    by_distance_m: list[list[float]] = field(default_factory=list)

    def add(
        self,
        range_m: NDArray[np.floating],
        frame: Frame,
        normal: NDArray[np.floating] | None = None,
    ) -> None:
        """Hold an image against its frame, see :func:`absolute_error_m`.

        Args:
            range_m: (row, column).
            frame: the truth.
            normal: (row, column, 3) unit vectors outward, left, up.
        """
        counted = counted_pixels(frame)
        if not counted.any():
            return
        true = frame.range[counted]
        error = absolute_error_m(range_m, frame)[counted]
        self.mae_m.append(float(error.mean()))
        self.quantiles_m.append(np.quantile(error, (0.5, 0.8, 0.9)).tolist())
        self.missing.append(float(1 - np.isfinite(range_m[counted]).mean()))
        bands = [(true >= low) & (true < high) for low, high in DISTANCES_M]
        self.by_distance_m.append(
            [float(error[band].mean()) if band.any() else float("nan") for band in bands]
        )
        if normal is not None:
            there = counted & frame.normal.any(axis=-1)
            angle = angle_between_deg(normal[there], frame.normal[there])
            if angle.size:
                self.normal_deg.append([float(angle.mean()), float(np.median(angle))])

    @staticmethod
    def join(parts: "Sequence[RangeScores]") -> "RangeScores":
        """Of all images of several."""
        return RangeScores(
            *([one for part in parts for one in getattr(part, item.name)] for item in _PARTS)
        )

    def as_json(self) -> dict[str, Any]:
        """Means over the images.

        Raises:
            ValueError: there is none.
        """
        if not self.mae_m:
            raise ValueError("no image had a pixel that counts")
        median, p80, p90 = np.mean(self.quantiles_m, axis=0)
        result: dict[str, Any] = {
            "images": len(self.mae_m),
            "range_mae_m": float(np.mean(self.mae_m)),
            "range_median_m": float(median),
            "range_p80_m": float(p80),
            "range_p90_m": float(p90),
            "missing": float(np.mean(self.missing)),
            "range_mae_by_distance_m": self._by_distance(),
        }
        angles = np.mean(self.normal_deg, axis=0).tolist() if self.normal_deg else (None, None)
        return result | {"normal_mean_deg": angles[0], "normal_median_deg": angles[1]}

    def _by_distance(self) -> list[float | None]:
        """Means over the images that have pixels there; None where none has."""
        errors = np.array(self.by_distance_m)
        there = np.isfinite(errors)
        sums, counts = np.where(there, errors, 0).sum(axis=0), there.sum(axis=0)
        return [float(s / n) if n else None for s, n in zip(sums, counts, strict=True)]


_PARTS = fields(RangeScores)


def strongest_echo_m(
    echo: NDArray[np.uint8], radar: RadarGrid | None = None
) -> NDArray[np.float32]:
    """Range of the strongest echo of every ray beyond the leakage: the answer without learning.

    Args:
        echo: (row, column, range).
        radar: what the cells are.

    Returns:
        (row, column) from the turntable's axis.
    """
    radar = radar if radar is not None else RadarGrid(rows=echo.shape[0])
    first = int(np.ceil(LEAKAGE_M / radar.bin_m))
    bins = first + echo[..., first:].argmax(axis=-1)
    elevation_rad = PanoramaGrid(rows=echo.shape[0]).elevation_rad
    axis_m = radar.radius_m * np.cos(elevation_rad)[:, None]
    return (bins * radar.bin_m + axis_m).astype(np.float32)


def score_strongest_echo(frames: Iterable[Frame]) -> RangeScores:
    """:func:`strongest_echo_m` of every frame."""
    scores = RangeScores()
    for frame in frames:
        scores.add(strongest_echo_m(frame.echo), frame)
    return scores


def score_with(
    answer: Callable[[Frame], tuple[NDArray[np.floating], NDArray[np.floating]]],
    frames: Iterable[Frame],
) -> RangeScores:
    """Any function from a frame to (row, column) ranges and (row, column, 3) normals."""
    scores = RangeScores()
    for frame in frames:
        range_m, normal = answer(frame)
        scores.add(range_m, frame, normal)
    return scores


def score_range_net(
    net: RangeNet, frames: FrameSet, limit: int | None = None, device: str = "cpu"
) -> RangeScores:
    """The network in PyTorch on frames spread over all buildings.

    Args:
        net: goes to evaluation mode.
        frames: to look at.
        limit: so many of them at most.
        device: of the network.
    """
    net.eval()
    chosen = frames.spread(len(frames) if limit is None else limit)

    def answer(frame: Frame) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        with torch.no_grad():
            image = net(range_batch([frame], device)[0])
        normal = image.normal[0].permute(1, 2, 0)
        return image.range_m[0].cpu().numpy(), normal.cpu().numpy()

    return score_with(answer, (frames[number] for number in chosen))
