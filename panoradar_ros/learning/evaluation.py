"""The exported networks on frames of buildings that they never saw, beside the classical answer."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import OnnxModel
from mmwave.simulation.building import generate_building
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import RangeScores, strongest_echo_m
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


def evaluate_range(model: OnnxModel, frames: Iterable[FreshFrame]) -> dict[str, Any]:
    """Range images and normals of a model beside what needs no learning.

    Args:
        model: of the range network.
        frames: to look at.

    Returns:
        JSON-able figures; ``baseline_...`` are those of the strongest echo of every ray,
        ``cfar_...`` those of the range image that the imaging node publishes.
    """
    learned, strongest, detected = RangeScores(), RangeScores(), RangeScores()
    by_style: dict[str, RangeScores] = {}
    elapsed_s: list[float] = []
    for one in frames:
        begin = time.perf_counter()
        found = model.run(echo=one.frame.echo[None])
        elapsed_s.append(time.perf_counter() - begin)
        for scores in (learned, by_style.setdefault(one.style, RangeScores())):
            scores.add(found["range_m"], one.frame, found["normal"])
        strongest.add(strongest_echo_m(one.frame.echo), one.frame)
        detected.add(one.frame.classical, one.frame)
    figures = learned.as_json()
    baseline = strongest.as_json()
    return {
        "simulated": True,
        "frames": len(elapsed_s),
        **{name: value for name, value in figures.items() if name != "images"},
        **{f"baseline_{name}": value for name, value in baseline.items() if name != "images"},
        "cfar_range_mae_m": detected.as_json()["range_mae_m"],
        "cfar_range_median_m": detected.as_json()["range_median_m"],
        "range_mae_over_baseline": figures["range_mae_m"] / baseline["range_mae_m"],
        "range_mae_m_by_style": {
            style: scores.as_json()["range_mae_m"] for style, scores in sorted(by_style.items())
        },
        "range_net_ms": 1e3 * float(np.median(elapsed_s)),
        "model_sha256": model.card.sha256,
    }


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
