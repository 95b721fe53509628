"""Where and when the networks are wrong: by motion error, elevation, field of view, distance.

Lai et al. 2024 (section 8, figures 19 and 21) break their figures down by the error of the motion
and by distance. Their field of view (figure 24) is that of the synthetic aperture, and they hold
angular resolution against it; here it is the height of the part of the panorama that is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.metrics import intersection_over_union
from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import DISTANCES_M, absolute_error_m
from panoradar_ros.learning.semantic_scores import published_confusion

_CLASSES = len(SemanticClass)

SPEED_ERRORS_MPS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, np.inf)
ELEVATIONS_DEG = (-45.0, -30.0, -15.0, 15.0, 30.0, 45.0)
HEIGHTS_DEG = (30.0, 60.0, 90.0)


@dataclass
class Part:
    """Scores of one part of the images.

    Attributes:
        mae_m: mean absolute range error of every image that has pixels there that count.
        confusion: pixels of all images, see
            :func:`panoradar_ros.learning.semantic_scores.published_confusion`.
    """

    mae_m: list[float] = field(default_factory=list)
    confusion: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((_CLASSES + 1,) * 2, np.int64)
    )

    def add(
        self,
        inside: NDArray[np.bool_],
        error_m: NDArray[np.floating],
        frame: Frame,
        label: NDArray[np.integer] | None,
    ) -> None:
        """Add the pixels of an image that are inside.

        Args:
            inside: (row, column).
            error_m: (row, column), NaN where a pixel does not count.
            frame: the truth.
            label: (row, column) classes that were found, or None.
        """
        known_m = error_m[inside & np.isfinite(error_m)]
        if known_m.size:
            self.mae_m.append(float(known_m.mean()))
        if label is not None:
            true = np.where(inside, frame.label, np.uint8(IGNORED_CLASS))
            self.confusion += published_confusion(np.asarray(label, np.uint8), true)

    def as_json(self) -> dict[str, float | None]:
        """Mean over the images and mean intersection over union in percent; None without pixels."""
        union = intersection_over_union(self.confusion)[:_CLASSES]
        known = union[np.isfinite(union)]
        return {
            "range_mae_m": float(np.mean(self.mae_m)) if self.mae_m else None,
            "miou": 100 * float(known.mean()) if known.size else None,
        }


def _parts(edges: tuple[Any, ...]) -> list[Part]:
    return [Part() for _ in range(len(edges) - 1)]


@dataclass
class Breakdown:
    """Collects images by what may make them hard.

    Attributes:
        by_speed_error: one a bin of SPEED_ERRORS_MPS, whole images; a speed that is not known is in
            the last one.
        by_elevation: one a band of rows between ELEVATIONS_DEG.
        by_height: one an entry of HEIGHTS_DEG: the rows of a field of view of that height, half of
            it above the horizon.
        by_distance: one an entry of DISTANCES_M, by the true range.
    """

    by_speed_error: list[Part] = field(default_factory=lambda: _parts(SPEED_ERRORS_MPS))
    by_elevation: list[Part] = field(default_factory=lambda: _parts(ELEVATIONS_DEG))
    by_height: list[Part] = field(default_factory=lambda: [Part() for _ in HEIGHTS_DEG])
    by_distance: list[Part] = field(default_factory=lambda: [Part() for _ in DISTANCES_M])

    def add(
        self,
        range_m: NDArray[np.floating],
        frame: Frame,
        speed_error_mps: float,
        label: NDArray[np.integer] | None = None,
    ) -> None:
        """Add an image to its parts.

        Args:
            range_m: (row, column) learned.
            frame: the truth.
            speed_error_mps: of the motion that its beams were formed with; NaN: not known.
            label: (row, column) classes that were found, or None.
        """
        error_m = absolute_error_m(range_m, frame)
        rows, columns = range_m.shape
        elevation_deg = np.rad2deg(PanoramaGrid(columns, rows).elevation_rad).round(9)
        band = _bins(ELEVATIONS_DEG, elevation_deg)

        def whole(chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
            return np.broadcast_to(chosen[:, None], error_m.shape)

        for number, part in enumerate(self.by_elevation):
            part.add(whole(band == number), error_m, frame, label)
        for height_deg, part in zip(HEIGHTS_DEG, self.by_height, strict=True):
            part.add(whole(np.abs(elevation_deg) <= height_deg / 2), error_m, frame, label)
        for (low_m, high_m), part in zip(DISTANCES_M, self.by_distance, strict=True):
            there = (frame.range >= low_m) & (frame.range < high_m)
            part.add(there, error_m, frame, label)
        if np.isnan(speed_error_mps):
            return
        speed = int(_bins(SPEED_ERRORS_MPS, np.array([speed_error_mps]))[0])
        everywhere = np.ones(error_m.shape, bool)
        self.by_speed_error[speed].add(everywhere, error_m, frame, label)

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """Figures of every part, and what it is; None for no limit."""
        frames = [len(part.mae_m) for part in self.by_speed_error]
        speeds = [
            {"from_mps": low, "to_mps": high if np.isfinite(high) else None, "frames": number}
            for (low, high), number in zip(pairwise(SPEED_ERRORS_MPS), frames, strict=True)
        ]
        bands = [{"from_deg": low, "to_deg": high} for low, high in pairwise(ELEVATIONS_DEG)]
        heights = [{"height_deg": height} for height in HEIGHTS_DEG]
        distances = [{"from_m": low, "to_m": high} for low, high in DISTANCES_M]
        return {
            "by_speed_error": _beside(speeds, self.by_speed_error),
            "by_elevation": _beside(bands, self.by_elevation),
            "by_field_of_view": _beside(heights, self.by_height),
            "by_distance": _beside(distances, self.by_distance),
        }


def _beside(what: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [{**one, **part.as_json()} for one, part in zip(what, parts, strict=True)]


def _bins(edges: tuple[float, ...], values: NDArray[np.floating]) -> NDArray[np.intp]:
    """Which bin each value is in; those beyond the ends are in the last ones."""
    place = np.searchsorted(edges, values, side="right") - 1
    return np.clip(place, 0, len(edges) - 2)
