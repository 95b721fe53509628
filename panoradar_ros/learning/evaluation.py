"""The exported networks on frames of buildings that they never saw, beside the classical answer."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmwave.inference import ModelError, OnnxModel
from mmwave.simulation.building import generate_building
from mmwave.this_machine import machine
from panoradar_ros.learning.breakdown import Breakdown
from panoradar_ros.learning.building_scores import BuildingScores, by_building, intervals
from panoradar_ros.learning.cloud_scores import CloudScores
from panoradar_ros.learning.dataset import FrameSet
from panoradar_ros.learning.error_distribution import ErrorDistribution
from panoradar_ros.learning.frames import Frame
from panoradar_ros.learning.range_scores import RangeScores, absolute_error_m, strongest_echo_m
from panoradar_ros.learning.seam_scores import SeamScores, half_turn
from panoradar_ros.learning.semantic_scores import SemanticScores
from panoradar_ros.learning.semantic_task import features_of
from panoradar_ros.learning.simulated import NoRoomError, draw_place, simulate_frame
from panoradar_ros.recognition.detections import PUBLISHED_SCORE, decode_cells
from panoradar_ros.recognition.semantics import labels_of

_LOG = logging.getLogger(__name__)

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
        speed_error_mps: of the estimated motion that its beams were formed with; NaN: not known.
        simulated: it is.
    """

    frame: Frame
    style: str
    seed: int
    speed_error_mps: float
    simulated: bool = True


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
            try:
                place = draw_place(building, generator, (seed + building_number) * 1000 + number)
            except NoRoomError as full:
                _LOG.warning("left out: %s", full)
                break
            frame, known = simulate_frame(building, place)
            yield FreshFrame(frame, style, seed + building_number, _speed_error_mps(known))
            made += 1
        building_number += 1


def frames_on_disk(frames: FrameSet, count: int) -> Iterator[FreshFrame]:
    """Frames that are there already, spread over all buildings.

    Args:
        frames: of any format.
        count: how many at most.
    """
    for number in frames.spread(count):
        building, index = frames.where(number)
        meta = building.meta
        error = float("nan")
        if "of_frames" in meta and "motion_true" in meta["of_frames"][index]:
            error = _speed_error_mps(meta["of_frames"][index])
        yield FreshFrame(
            building[index],
            str(meta.get("style", "unknown")),
            int(meta.get("seed", frames.buildings.index(building))),
            error,
            bool(meta.get("simulated")),
        )


def _speed_error_mps(known: Mapping[str, Any]) -> float:
    error = np.subtract(known["motion_estimated"][:2], known["motion_true"][:2])
    return float(np.hypot(*error))


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
        return (
            None if self.named is None else labels_of(self.named["logits"], self.found["range_m"])
        )


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
        self._strongest, self._detected = RangeScores(), RangeScores()
        self._clouds, self._cfar_clouds, self._strongest_clouds = (CloudScores() for _ in range(3))
        self._buildings: dict[tuple[str, int], BuildingScores] = {}
        self._breakdown, self._seam = Breakdown(), SeamScores()
        self._heard_s: list[tuple[float, float]] = []
        self._speed_error_mps: list[float] = []
        self._simulated = True

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
        place = one.style, one.seed
        building = self._buildings.setdefault(place, BuildingScores(*place))
        building.ranges.add(range_m, frame, normal)
        self.learned_errors.add(absolute_error_m(range_m, frame))
        strongest_m = strongest_echo_m(frame.echo)
        self._strongest.add(strongest_m, frame)
        self.strongest_errors.add(absolute_error_m(strongest_m, frame))
        self._detected.add(frame.classical, frame)
        self._clouds.add(range_m, frame)
        self._cfar_clouds.add(frame.classical, frame)
        self._strongest_clouds.add(strongest_m, frame)
        self._breakdown.add(range_m, frame, one.speed_error_mps, label)
        if heard.named is not None:
            logits, objects, edges = (heard.named[name] for name in ("logits", "objects", "edges"))
            building.semantic.add(logits, objects, edges, frame, range_m)
        if self._rotates:
            self._add_rolled(frame, range_m, label)
        self._simulated &= one.simulated
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
        decode_cells(named["objects"], named["edges"], PUBLISHED_SCORE)  # its time counts too
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

    def _mean_speed_error(self) -> float | None:
        known = [one for one in self._speed_error_mps if np.isfinite(one)]
        return float(np.mean(known)) if known else None

    def _by_style(self) -> dict[str, float]:
        styles = sorted({style for style, _ in self._buildings})
        result = {}
        for style in styles:
            own = [one.ranges for one in self._buildings.values() if one.style == style]
            joined = RangeScores.join(own)
            if joined.mae_m:
                result[style] = joined.as_json()["range_mae_m"]
        return result

    def as_json(self) -> dict[str, Any]:
        """JSON-able figures.

        Returns:
            ``baseline_...`` are those of the strongest echo of every ray, ``cfar_...`` those of the
            range image that the imaging node publishes; the others are the networks'.

        Raises:
            ValueError: no frame had a pixel that counts.
        """
        buildings = list(self._buildings.values())
        named = self._semantic_model is not None
        learned = RangeScores.join([one.ranges for one in buildings])
        figures, baseline, cfar = (
            scores.as_json() for scores in (learned, self._strongest, self._detected)
        )
        range_ms, semantic_ms = 1e3 * np.median(self._heard_s, axis=0)
        card = self._range_model.card
        result = {
            "simulated": self._simulated,
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
            **{f"baseline_{n}": value for n, value in self._strongest_clouds.as_json().items()},
            "range_mae_m_by_style": self._by_style(),
            "by_building": by_building(buildings, named),
            "intervals_90": intervals(buildings, named),
            **self._breakdown.as_json(),
            **self._seam.as_json(),
            "speed_error_mps": self._mean_speed_error(),
            "range_net_ms": float(range_ms),
            "machine": machine(),
            "range_model_sha256": card.sha256,
            "range_model_wraps": card.about.get("training", {}).get("settings", {}).get("wraps"),
        }
        if self._semantic_model is not None:
            result |= SemanticScores.join([one.semantic for one in buildings]).as_json()
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
