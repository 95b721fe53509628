"""The exported networks on frames of buildings that they never saw, beside the classical answer."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import OnnxModel
from mmwave.metrics import chamfer_distance, modified_hausdorff_distance
from mmwave.simulation.building import generate_building
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import FARTHEST_M, RangeScores, strongest_echo_m
from panoradar_ros.learning.semantic_scores import SemanticScores
from panoradar_ros.learning.semantic_task import features_of
from panoradar_ros.learning.simulated import draw_place, simulate_frame

FRAMES_PER_BUILDING = 3


@dataclass(frozen=True)
class FreshFrame:
    """A frame that was just simulated.

    Attributes:
        frame: with its truth.
        style: of its building.
        seed: of its building.
        speed_error_mps: of the estimated motion that its beams were formed with.
    """

    frame: Frame
    style: str
    seed: int
    speed_error_mps: float


def fresh_frames(seed: int, count: int, styles: list[str]) -> Iterator[FreshFrame]:
    """Frames of buildings from a seed on, a few of each, the styles in turn.

    Args:
        seed: of the first building.
        count: how many frames.
        styles: names.
    """
    made, building_number = 0, 0
    while made < count:
        style = styles[building_number % len(styles)]
        building = generate_building(seed + building_number, style)
        generator = np.random.default_rng([seed + building_number, 0xF4A3E])
        for number in range(min(FRAMES_PER_BUILDING, count - made)):
            place = draw_place(building, generator, (seed + building_number) * 1000 + number)
            frame, known = simulate_frame(building, place)
            error = np.subtract(known["motion_estimated"][:2], known["motion_true"][:2])
            yield FreshFrame(frame, style, seed + building_number, float(np.hypot(*error)))
            made += 1
        building_number += 1


@dataclass
class CloudScores:
    """Distances of point clouds, of every image; ``add`` collects them.

    Attributes:
        chamfer_m: see :func:`mmwave.metrics.chamfer_distance`.
        hausdorff_m: see :func:`mmwave.metrics.modified_hausdorff_distance`.
    """

    chamfer_m: list[float] = field(default_factory=list)
    hausdorff_m: list[float] = field(default_factory=list)

    def add(self, range_m: NDArray[np.floating], frame: Frame) -> None:
        """Points of a range image beside those of the truth, glass left out in both.

        Args:
            range_m: (row, column).
            frame: the truth.
        """
        found, true = cloud_m(range_m, frame), cloud_m(frame.range, frame)
        if len(found) and len(true):
            self.chamfer_m.append(chamfer_distance(found, true))
            self.hausdorff_m.append(modified_hausdorff_distance(found, true))

    def as_json(self) -> dict[str, float | None]:
        """Means over the images."""
        return {
            "chamfer_m": float(np.mean(self.chamfer_m)) if self.chamfer_m else None,
            "hausdorff_m": float(np.mean(self.hausdorff_m)) if self.hausdorff_m else None,
        }


def cloud_m(range_m: NDArray[np.floating], frame: Frame) -> NDArray[np.float64]:
    """(point, 3) of the rays that have a range within reach and do not end on glass."""
    counted = np.isfinite(range_m) & (range_m <= FARTHEST_M) & ~frame.glass
    rows, columns = range_m.shape
    return range_m[counted, None] * PanoramaGrid(columns, rows).directions[counted]


def evaluate(
    frames: Iterable[FreshFrame], range_model: OnnxModel, semantic_model: OnnxModel | None = None
) -> dict[str, Any]:
    """Both networks on frames, beside what needs no learning.

    Args:
        frames: to look at.
        range_model: of the range network.
        semantic_model: of the semantic network, or None.

    Returns:
        JSON-able figures; ``baseline_...`` are those of the strongest echo of every ray,
        ``cfar_...`` those of the range image that the imaging node publishes.
    """
    learned, strongest, detected = RangeScores(), RangeScores(), RangeScores()
    clouds, cfar_clouds = CloudScores(), CloudScores()
    semantic = SemanticScores()
    by_style: dict[str, RangeScores] = {}
    range_s, semantic_s, speed_error_mps = [], [], []
    for one in frames:
        begin = time.perf_counter()
        found = range_model.run(echo=one.frame.echo[None])
        range_s.append(time.perf_counter() - begin)
        for scores in (learned, by_style.setdefault(one.style, RangeScores())):
            scores.add(found["range_m"], one.frame, found["normal"])
        strongest.add(strongest_echo_m(one.frame.echo), one.frame)
        detected.add(one.frame.classical, one.frame)
        clouds.add(found["range_m"], one.frame)
        cfar_clouds.add(one.frame.classical, one.frame)
        speed_error_mps.append(one.speed_error_mps)
        if semantic_model is not None:
            begin = time.perf_counter()
            features = features_of(one.frame.echo, found)
            named = semantic_model.run(features=features[None])
            semantic_s.append(time.perf_counter() - begin)
            logits, objects, edges = (named[name] for name in ("logits", "objects", "edges"))
            semantic.add(logits, objects, edges, one.frame, found["range_m"])
    figures, baseline, cfar = (one.as_json() for one in (learned, strongest, detected))
    result = {
        "simulated": True,
        "frames": len(range_s),
        **{name: value for name, value in figures.items() if name != "images"},
        **{f"baseline_{name}": value for name, value in baseline.items() if name != "images"},
        "range_mae_over_baseline": figures["range_mae_m"] / baseline["range_mae_m"],
        "cfar_range_mae_m": cfar["range_mae_m"],
        "cfar_range_median_m": cfar["range_median_m"],
        **clouds.as_json(),
        **{f"cfar_{name}": value for name, value in cfar_clouds.as_json().items()},
        "range_mae_m_by_style": {
            style: scores.as_json()["range_mae_m"] for style, scores in sorted(by_style.items())
        },
        "speed_error_mps": float(np.mean(speed_error_mps)),
        "range_net_ms": 1e3 * float(np.median(range_s)),
        "range_model_sha256": range_model.card.sha256,
    }
    if semantic_model is not None:
        result |= semantic.as_json()
        result["semantic_net_ms"] = 1e3 * float(np.median(semantic_s))
        result["semantic_model_sha256"] = semantic_model.card.sha256
    return result


def coloured_error(
    range_m: NDArray[np.floating], frame: Frame, limit_m: float = 1.0
) -> NDArray[np.uint8]:
    """Where a range image is wrong: black right, red too near, blue too far, grey not counted.

    Args:
        range_m: (row, column).
        frame: the truth.
        limit_m: the error of the full colour.

    Returns:
        (row, column, 3) rgb8.
    """
    counted = np.isfinite(frame.range) & ~frame.glass
    found = np.where(np.isfinite(range_m), range_m, 9.6)
    with np.errstate(invalid="ignore"):
        share = np.clip((found - frame.range) / limit_m, -1, 1)
    picture = np.zeros((*frame.range.shape, 3), np.uint8)
    picture[..., 0] = np.where(counted & (share < 0), -255 * np.nan_to_num(share), 0)
    picture[..., 2] = np.where(counted & (share > 0), 255 * np.nan_to_num(share), 0)
    picture[~counted] = 90
    return picture
