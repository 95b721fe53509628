"""Whether the networks know what they do not know: how far they spread over unseen materials."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmanomaly_ros.context import Context
from mmanomaly_ros.expectation import Expecter
from mmanomaly_ros.learning.samples import SceneSequence, contexts_of
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


def _frames(
    expecter: Expecter, sequence: SceneSequence, camera: Camera, range_bin_m: float, seed: int = 0
) -> list[tuple[float, float, float]]:
    """Of some frames the mean spread, the draws' deviation, and the mean square of the error."""
    result = []
    for frame, context in contexts_of(sequence, camera, FRAMES, range_bin_m):
        expected = expecter(context, np.random.default_rng([seed, sequence.seed, frame]))
        cells = surface(context)
        error_db = dequantised(sequence.spectra[frame]) - expected.mean_db
        result.append(
            (
                float(expected.spread_db[:2, cells].mean()),
                float(expected.samples_db[:, :2, cells].std(axis=0).mean()),
                float(np.square(error_db)[:2, cells].mean()),
            )
        )
    return result


def _mean(frames: Sequence[tuple[float, float, float]]) -> MaterialSpread:
    if not frames:
        raise ValueError("there is no sequence to look at")
    spread_db, samples_db, square = np.mean(frames, axis=0).tolist()
    return MaterialSpread(spread_db, samples_db, float(np.sqrt(square)))


def compared(
    expecter: Expecter,
    seen: Sequence[SceneSequence],
    new: Sequence[SceneSequence],
    camera: Camera,
    range_bin_m: float,
    progress: Callable[..., Iterable[SceneSequence]] = tqdm,
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
        frames = {
            kind: [
                (one, _frames(expecter, one, camera, range_bin_m))
                for one in progress(every, desc=f"spread, {name}, {kind}", unit="sequence")
            ]
            for kind, every in own.items()
        }
        found = {
            kind: _mean([row for _, rows in every for row in rows])
            for kind, every in frames.items()
        }
        result[name] = {
            kind: {what: round(value, 3) for what, value in vars(one).items()}
            for kind, one in found.items()
        }
        result[name]["spread_ratio"] = round(found["new"].spread_db / found["seen"].spread_db, 4)
        result[name]["error_ratio"] = round(found["new"].error_db / found["seen"].error_db, 4)
        result[name]["by_material"] = _by_material(frames["seen"], frames["new"])
    return result


_Rows = Sequence[tuple[SceneSequence, list[tuple[float, float, float]]]]


def _by_material(seen: _Rows, new: _Rows) -> dict[str, dict[str, float]]:
    """Ratios over each new material to the same places in those that were learned with."""
    result = {}
    for material in sorted({_material(one) for one, _ in new}):
        places = {one.seed for one, _ in new if _material(one) == material}
        there = [row for one, rows in new if one.seed in places for row in rows]
        known = [row for one, rows in seen if one.seed in places for row in rows]
        if not known:
            continue
        of_new, of_seen = _mean(there), _mean(known)
        result[material] = {
            "sequences": len(places),
            "spread_ratio": round(of_new.spread_db / of_seen.spread_db, 4),
            "error_ratio": round(of_new.error_db / of_seen.error_db, 4),
        }
    return result


def _material(sequence: SceneSequence) -> str:
    """What is between the radar and what is watched."""
    if is_behind_a_wall(sequence.task):
        return WALLS[sequence.wall]
    return CLOTHINGS[sequence.clothing]
