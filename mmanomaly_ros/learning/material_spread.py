"""Whether the networks know what they do not know: how far they spread over unseen materials."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.context import Context, context_of
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.spectrum import dequantised
from mmanomaly_ros.watch import CLOTHINGS, TASKS, WALLS, is_behind_a_wall
from mmwave.camera import Camera

FRAMES = 3
"""Of a sequence, evenly spread."""
_AROUND = np.ones((7, 3), np.uint8)
"""Rows and columns about a surface that its echo fills."""


@dataclass(frozen=True)
class MaterialSpread:
    """Over the cells about the nearest surface, of the two azimuth channels.

    Attributes:
        spread_db: mean of what was expected.
        samples_db: mean standard deviation of the draws alone.
        error_db: root mean square of what was measured less what was expected.
    """

    spread_db: float
    samples_db: float
    error_db: float


def surface(context: Context) -> NDArray[np.bool_]:
    """(range, column) cells about the surfaces nearest to the camera: people, or the wall."""
    nearest = np.asarray(context.polar[5] > 0, np.uint8)
    return np.asarray(cv2.dilate(nearest, _AROUND), bool)


def spread_over(
    expecter: Expecter,
    sequences: Iterable[SceneSequence],
    camera: Camera,
    range_bin_m: float,
    seed: int = 0,
) -> MaterialSpread:
    """Spread and error over some frames of normal sequences.

    Raises:
        ValueError: there are no sequences.
    """
    spreads, samples, squares = [], [], []
    for one in sequences:
        for frame in np.unique(np.linspace(0, len(one) - 1, FRAMES).round().astype(int)).tolist():
            depth_m = one.depth_mm[frame].astype(np.float32) / 1000
            context = context_of(one.rgb[frame], depth_m, camera, one.task, range_bin_m)
            expected = expecter(context, np.random.default_rng([seed, one.seed, frame]))
            cells = surface(context)
            measured = dequantised(one.spectra[frame])
            spreads.append(expected.spread_db[:2, cells].mean())
            samples.append(expected.samples_db[:, :2, cells].std(axis=0).mean())
            squares.append(np.square(measured - expected.mean_db)[:2, cells].mean())
    if not spreads:
        raise ValueError("there is no sequence to look at")
    return MaterialSpread(
        float(np.mean(spreads)), float(np.mean(samples)), float(np.sqrt(np.mean(squares)))
    )


def compared(
    expecter: Expecter,
    seen: Sequence[SceneSequence],
    new: Sequence[SceneSequence],
    camera: Camera,
    range_bin_m: float,
) -> dict[str, Any]:
    """Spread over new materials against that over those learned with, by watch and material."""
    result: dict[str, Any] = {}
    for number, name in enumerate(TASKS):
        kinds = {"seen": seen, "new": new}
        own = {
            kind: [one for one in every if one.task == number and not one.anomalous.any()]
            for kind, every in kinds.items()
        }
        if not all(own.values()):
            continue
        found = {
            kind: spread_over(expecter, every, camera, range_bin_m) for kind, every in own.items()
        }
        result[name] = {
            kind: {what: round(value, 3) for what, value in vars(one).items()}
            for kind, one in found.items()
        }
        result[name]["spread_ratio"] = round(found["new"].spread_db / found["seen"].spread_db, 4)
        result[name]["error_ratio"] = round(found["new"].error_db / found["seen"].error_db, 4)
        result[name]["by_material"] = _by_material(expecter, own, camera, range_bin_m)
    return result


def _by_material(
    expecter: Expecter,
    sequences: Mapping[str, Sequence[SceneSequence]],
    camera: Camera,
    range_bin_m: float,
) -> dict[str, dict[str, float]]:
    """Ratios over each new material to the same places in those that were learned with."""
    result = {}
    for material in sorted({_material(one) for one in sequences["new"]}):
        new = [one for one in sequences["new"] if _material(one) == material]
        places = {one.seed for one in new}
        seen = [one for one in sequences["seen"] if one.seed in places]
        if not seen:
            continue
        of_new, of_seen = (spread_over(expecter, kind, camera, range_bin_m) for kind in (new, seen))
        result[material] = {
            "sequences": len(new),
            "spread_ratio": round(of_new.spread_db / of_seen.spread_db, 4),
            "error_ratio": round(of_new.error_db / of_seen.error_db, 4),
        }
    return result


def _material(sequence: SceneSequence) -> str:
    """What is between the radar and what is watched."""
    if is_behind_a_wall(sequence.task):
        return WALLS[sequence.wall]
    return CLOTHINGS[sequence.clothing]
