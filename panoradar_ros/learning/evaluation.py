"""The exported networks on frames of buildings that they never saw, beside the classical answer."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import ModelError, OnnxModel
from mmwave.simulation.building import generate_building
from panoradar_ros.learning.breakdown import Breakdown
from panoradar_ros.learning.cloud_scores import CloudScores
from panoradar_ros.learning.error_distribution import ErrorDistribution
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import RangeScores, absolute_error_m, strongest_echo_m
from panoradar_ros.learning.seam_scores import SeamScores, half_turn
from panoradar_ros.learning.semantic_scores import SemanticScores
from panoradar_ros.learning.semantic_task import features_of
from panoradar_ros.learning.simulated import draw_place, simulate_frame

FRAMES_PER_BUILDING = 3

OUTPUTS = {"range_m", "normal"}
"""Of the range network, that are judged."""

TOLD = OUTPUTS | {"spread_m", "confidence", "hint"}
"""Of the range network, that the semantic network is told too."""


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


class Answer(NamedTuple):
    """What the networks say of a frame.

    Attributes:
        range_m: (row, column); inf or NaN: none.
        normal: (row, column, 3) outward, left, up.
        label: (row, column) classes; None without a semantic network.
    """

    range_m: NDArray[np.float32]
    normal: NDArray[np.float32]
    label: NDArray[np.uint8] | None


class _Heard(NamedTuple):
    """Outputs of both networks by name, and how long they took."""

    found: dict[str, NDArray[Any]]
    named: dict[str, NDArray[Any]] | None
    range_s: float
    semantic_s: float

    @property
    def label(self) -> NDArray[np.uint8] | None:
        return None if self.named is None else self.named["logits"].argmax(axis=0).astype(np.uint8)


class Evaluation:
    """Both networks on frames, beside what needs no learning; ``add`` collects them.

    Args:
        range_model: of the range network.
        semantic_model: of the semantic network, or None.
        rotates: every frame is seen rolled by half a turn too.

    Attributes:
        learned_errors: of the learned ranges.
        strongest_errors: of the strongest echoes.
    """

    def __init__(
        self,
        range_model: OnnxModel,
        semantic_model: OnnxModel | None = None,
        rotates: bool = False,
    ) -> None:
        self._range_model, self._semantic_model = range_model, semantic_model
        self._rotates = rotates
        self.learned_errors, self.strongest_errors = ErrorDistribution(), ErrorDistribution()
        self._learned, self._strongest, self._detected = (RangeScores() for _ in range(3))
        self._clouds, self._cfar_clouds = CloudScores(), CloudScores()
        self._semantic = SemanticScores()
        self._by_style: dict[str, RangeScores] = {}
        self._breakdown, self._seam = Breakdown(), SeamScores()
        self._heard_s: list[tuple[float, float]] = []
        self._speed_error_mps: list[float] = []

    def add(self, one: FreshFrame) -> Answer:
        """Ask the networks about a frame.

        Returns:
            What they said.

        Raises:
            ModelError: a model does not take what the frame or the other one gives.
            ValueError: the frame cannot be rolled, see
                :func:`panoradar_ros.learning.seam_scores.half_turn`.
        """
        frame = one.frame
        heard = self._ask(frame.echo)
        range_m, normal, label = heard.found["range_m"], heard.found["normal"], heard.label
        for scores in (self._learned, self._by_style.setdefault(one.style, RangeScores())):
            scores.add(range_m, frame, normal)
        self.learned_errors.add(absolute_error_m(range_m, frame))
        strongest_m = strongest_echo_m(frame.echo)
        self._strongest.add(strongest_m, frame)
        self.strongest_errors.add(absolute_error_m(strongest_m, frame))
        self._detected.add(frame.classical, frame)
        self._clouds.add(range_m, frame)
        self._cfar_clouds.add(frame.classical, frame)
        self._breakdown.add(range_m, frame, one.speed_error_mps, label)
        if heard.named is not None:
            logits, objects, edges = (heard.named[name] for name in ("logits", "objects", "edges"))
            self._semantic.add(logits, objects, edges, frame, range_m)
        if self._rotates:
            self._add_rolled(frame, range_m, label)
        self._speed_error_mps.append(one.speed_error_mps)
        self._heard_s.append((heard.range_s, heard.semantic_s))
        return Answer(range_m, normal, label)

    def _ask(self, echo: NDArray[np.uint8]) -> _Heard:
        begin = time.perf_counter()
        found = self._range_model.run(echo=echo[None])
        middle = time.perf_counter()
        missing = sorted((OUTPUTS if self._semantic_model is None else TOLD) - found.keys())
        if missing:
            raise ModelError(
                f"{self._range_model.path} gives no {', '.join(missing)}: it is of another version "
                "or no range network; export one with panoradar export range"
            )
        if self._semantic_model is None:
            return _Heard(found, None, middle - begin, 0.0)
        named = self._semantic_model.run(features=features_of(echo, found)[None])
        return _Heard(found, named, middle - begin, time.perf_counter() - middle)

    def _add_rolled(
        self, frame: Frame, range_m: NDArray[np.floating], label: NDArray[np.uint8] | None
    ) -> None:
        half = half_turn(range_m.shape[1])
        rolled = self._ask(np.roll(frame.echo, half, axis=1))
        rolled_back_m = np.roll(rolled.found["range_m"], -half, axis=1)
        if label is None or rolled.label is None:
            labels = None
        else:
            labels = label, np.roll(rolled.label, -half, axis=1)
        self._seam.add(range_m, rolled_back_m, frame, labels)

    def as_json(self) -> dict[str, Any]:
        """JSON-able figures.

        Returns:
            ``baseline_...`` are those of the strongest echo of every ray, ``cfar_...`` those of the
            range image that the imaging node publishes; the others are the networks'.

        Raises:
            ValueError: no frame had a pixel that counts.
        """
        figures, baseline, cfar = (
            scores.as_json() for scores in (self._learned, self._strongest, self._detected)
        )
        range_ms, semantic_ms = 1e3 * np.median(self._heard_s, axis=0)
        card = self._range_model.card
        result = {
            "simulated": True,
            "frames": len(self._heard_s),
            **{name: value for name, value in figures.items() if name != "images"},
            **{f"baseline_{name}": value for name, value in baseline.items() if name != "images"},
            "range_mae_over_baseline": figures["range_mae_m"] / baseline["range_mae_m"],
            "cfar_range_mae_m": cfar["range_mae_m"],
            "cfar_range_median_m": cfar["range_median_m"],
            "range_error_quantiles_m": self.learned_errors.as_json(),
            "baseline_range_error_quantiles_m": self.strongest_errors.as_json(),
            **self._clouds.as_json(),
            **{f"cfar_{name}": value for name, value in self._cfar_clouds.as_json().items()},
            "range_mae_m_by_style": {
                style: scores.as_json()["range_mae_m"]
                for style, scores in sorted(self._by_style.items())
                if scores.mae_m
            },
            **self._breakdown.as_json(),
            **self._seam.as_json(),
            "speed_error_mps": float(np.mean(self._speed_error_mps)),
            "range_net_ms": float(range_ms),
            "range_model_sha256": card.sha256,
            "range_model_wraps": card.about.get("training", {}).get("settings", {}).get("wraps"),
        }
        if self._semantic_model is not None:
            result |= self._semantic.as_json()
            result["semantic_net_ms"] = float(semantic_ms)
            result["semantic_model_sha256"] = self._semantic_model.card.sha256
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
