"""What the exported detector is worth on sequences that nothing was learned or chosen on.

Every sequence goes through the code of the live node, frame by frame. On the way other systems see
the same frames: parts of the whole one, and baselines without a camera
(:mod:`mmanomaly_ros.learning.sightings`).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.alarm import AlarmState
from mmanomaly_ros.context import Context, context_of
from mmanomaly_ros.decision import WatchDecision, decide
from mmanomaly_ros.detector import AnomalyDetector, Found
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.learning.scores import Outcome, by_group, counted, figures, median_of, short
from mmanomaly_ros.learning.sightings import ABLATIONS, BASELINES, WHOLE, Sources, sighting_of
from mmanomaly_ros.learning.simulated import CONDITIONS
from mmanomaly_ros.spectrum import WATCH_WAVEFORM, SpectrumMaker, dequantised
from mmanomaly_ros.watch import CLOTHINGS, POSES, TASKS, WALLS
from mmwave.camera import Camera
from mmwave.waveform import Waveform

MISALIGNED_M, MISALIGNED_DEG = 0.02, 2.0
HEADS = {"clothing": CLOTHINGS, "wall": WALLS, "pose": POSES}
_SEEN = {"clothing": CONDITIONS["seen"][0], "wall": CONDITIONS["seen"][1], "pose": POSES}
_NEAR_M = (0.0, 2.0, 3.5, np.inf)
_TIMED_SPECTRA = 15


@dataclass(frozen=True)
class Frame:
    """One judged frame of a sequence.

    Attributes:
        number: in the sequence.
        context: of the camera.
        found: by the detector.
        milliseconds: that the context and the detector took.
    """

    number: int
    context: Context
    found: Found
    milliseconds: float


def frames_of(
    detector: AnomalyDetector,
    sequence: SceneSequence,
    camera: Camera,
    generator: np.random.Generator,
) -> Iterator[Frame]:
    """Judge a sequence from its beginning, as the live node does.

    Args:
        detector: of the sequence's watch; begins anew.
        sequence: to judge.
        camera: as it is thought to be.
        generator: of the draws.
    """
    detector.reset()
    for number in range(len(sequence)):
        depth_m = sequence.depth_mm[number].astype(np.float32) / 1000
        measured = dequantised(sequence.spectra[number])
        begin_s = time.perf_counter()
        context = context_of(
            sequence.rgb[number], depth_m, camera, sequence.task, detector.range_bin_m
        )  # fmt: skip
        found = detector(measured, context, generator)
        yield Frame(number, context, found, 1e3 * (time.perf_counter() - begin_s))


@dataclass
class Record:
    """Collects what is told of one sequence.

    Args:
        sequence: see there.
        on_threshold: of the alarm.
    """

    sequence: SceneSequence
    on_threshold: float
    scores: list[float] = field(default_factory=list)
    states: list[AlarmState] = field(default_factory=list)
    errors_m: list[tuple[float, float]] = field(default_factory=list)

    def add(self, found: Found) -> None:
        """Take the next frame."""
        number = len(self.scores)
        self.scores.append(found.score)
        self.states.append(found.state)
        alarmed = found.state is AlarmState.ANOMALY and len(found.peaks.confidence) > 0
        if alarmed and self.sequence.anomalous[number]:
            told, true = found.peaks.position_m[0], self.sequence.position_m[number]
            range_error_m = abs(float(np.hypot(*told) - np.hypot(*true)))
            self.errors_m.append((float(np.hypot(*(told - true))), range_error_m))

    def outcome(self, groups: Mapping[str, str]) -> Outcome:
        """What became of the sequence."""
        place, range_m = np.median(self.errors_m or [(np.nan, np.nan)], axis=0)
        told = _told(np.array(self.scores), self.states, self.sequence.anomalous, self.on_threshold)
        return replace(
            told, place_error_m=float(place), range_error_m=float(range_m), groups=groups
        )


def outcome_of(
    features: Sequence[FrameFeatures], decision: WatchDecision, anomalous: NDArray[np.bool_]
) -> Outcome:
    """What becomes of a sequence of which only features are known: no places.

    Args:
        features: of its frames.
        decision: of the watch.
        anomalous: (frame,).
    """
    verdict = decide(features, decision)
    return _told(verdict.scores, verdict.states, anomalous, decision.alarm.on_threshold)


def _told(
    scores: NDArray[np.float64],
    states: Sequence[AlarmState],
    anomalous: NDArray[np.bool_],
    on_threshold: float,
) -> Outcome:
    """Of an anomaly only what is said while it lasts counts."""
    known = np.isfinite(scores)
    alarmed = np.array([one is AlarmState.ANOMALY for one in states])
    meant = anomalous if anomalous.any() else np.ones_like(anomalous)
    return Outcome(
        anomalous=bool(anomalous.any()),
        alarmed=bool((alarmed & meant).any()),
        score=float(scores[known & meant].max(initial=-np.inf))
        if (known & meant).any()
        else float("nan"),
        frames=int(known.sum()),
        alarm_frames=int((alarmed & known).sum()),
        above_frames=int((scores[known] > on_threshold).sum()),
    )


def groups_of(sequence: SceneSequence, activity: str = "") -> dict[str, str]:
    """What a sequence is told apart by.

    Args:
        sequence: see there.
        activity: of whoever is behind a wall, where it is known.
    """
    meta, groups = sequence.meta, {}
    if sequence.clothing > 0:
        groups["clothing"] = CLOTHINGS[sequence.clothing]
    if sequence.wall > 0:
        groups["wall"] = WALLS[sequence.wall]
        groups["person_in_front"] = "yes" if sequence.clothing > 0 else "no"
        groups["clutter"] = "yes" if meta.get("clutter") else "no"
        for name in meta.get("clutter", []):
            groups[f"clutter: {name}"] = "yes"
    if meta.get("hidden"):
        groups |= {"hidden": str(meta["hidden"]), "worn_at": str(meta.get("worn_at"))}
    poses = [POSES[one] for one in sequence.pose.tolist() if one > 0]
    if poses:
        groups["pose"] = Counter(poses).most_common(1)[0][0]
    if activity:
        groups["activity"] = activity
    there = sequence.position_m[sequence.anomalous]
    range_m = float(np.hypot(*np.median(there, axis=0))) if len(there) else np.nan
    for low, high in pairwise(_NEAR_M):
        if low <= range_m < high:
            groups["distance"] = f"{low:g} m and more" if np.isinf(high) else f"{low:g}-{high:g} m"
    return groups


def activity_of(sequence: SceneSequence) -> str:
    """What whoever is behind the wall does at first; "" where nobody is, or it is not known."""
    from mmwave.simulation.watched_drawing import draw_place

    meta = sequence.meta
    if not {"watch", "seed", "anomalous", "conditions", "frames"} <= set(meta):
        return ""
    if sequence.wall <= 0 or meta["conditions"] not in CONDITIONS:
        return ""
    seconds = float(sequence.time_s[-1]) + WATCH_WAVEFORM.frame_period_s
    place = draw_place(
        meta["watch"], meta["seed"], meta["anomalous"], seconds, *CONDITIONS[meta["conditions"]]
    )
    if place.resident is None:
        return ""
    return place.resident.activity(float(sequence.time_s[0]))


def misaligned(camera: Camera, generator: np.random.Generator, times: float = 1.0) -> Camera:
    """A camera that is 2 cm off and turned by 2 degrees, or so many times that, each in some
    direction.
    """
    move, turn = (generator.standard_normal(3) for _ in range(2))
    move *= times * MISALIGNED_M / np.linalg.norm(move)
    turn *= times * np.deg2rad(MISALIGNED_DEG) / np.linalg.norm(turn)
    return camera.moved(move.tolist(), turn.tolist())


@dataclass
class Evaluation:
    """Collects figures of the detectors of all watches.

    Attributes:
        detectors: by the watch's number.
        decisions: by watch and variant; of variants that are not in it nothing is told.
        sources: that see what variants decide on; None: the whole system alone.
        seed: of the draws.
        look: is called with every sequence, its frames and its outcome, for pictures.
    """

    detectors: Mapping[int, AnomalyDetector]
    decisions: Mapping[int, Mapping[str, WatchDecision]] = field(default_factory=dict)
    sources: Sources | None = None
    seed: int = 0
    look: Callable[[SceneSequence, Sequence[Frame], Outcome], None] | None = None
    milliseconds: list[float] = field(default_factory=list)
    _outcomes: dict[int, list[Outcome]] = field(default_factory=dict)
    _variants: dict[tuple[int, str], list[Outcome]] = field(default_factory=dict)
    _heads: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, sequence: SceneSequence, camera: Camera, activity: str = "") -> Outcome:
        """Judge a sequence.

        Args:
            sequence: of a watch that there is a detector of.
            camera: as it is thought to be.
            activity: see :func:`groups_of`.
        """
        watch, detector = sequence.task, self.detectors[sequence.task]
        record = Record(sequence, detector.decision.alarm.on_threshold)
        features: dict[str, list[FrameFeatures]] = {}
        kept: list[Frame] = []
        generator = _generator(self.seed, sequence)
        for frame in frames_of(detector, sequence, camera, generator):
            record.add(frame.found)
            self.milliseconds.append(frame.milliseconds)
            self._add_heads(sequence, frame)
            for name, one in self._seen(frame, watch).items():
                features.setdefault(name, []).append(one)
            if self.look is not None:
                kept.append(frame)
        outcome = record.outcome(groups_of(sequence, activity))
        self._outcomes.setdefault(watch, []).append(outcome)
        for name, run in features.items():
            told = outcome_of(run, self.decisions[watch][name], sequence.anomalous)
            self._variants.setdefault((watch, name), []).append(told)
        if self.look is not None:
            self.look(sequence, kept, outcome)
        return outcome

    def _seen(self, frame: Frame, watch: int) -> dict[str, FrameFeatures]:
        """What the variants but the whole make of a frame."""
        decisions = self.decisions.get(watch, {})
        if self.sources is None:
            return {}
        # the draws of the whole system must be the same with and without variants
        generator = np.random.default_rng([self.seed, frame.number])
        expected = self.sources.expected(frame.context, generator, ("regression",))
        seen = self.sources.seen(frame.found.measured_db, expected, watch)
        seen["camera"] = sighting_of(frame.found.comparison)
        return {
            name: seen[variant.source].scored(decisions[name].fusion)
            for name, variant in self.sources.variants.items()
            if name != WHOLE and name in decisions
        }

    def _add_heads(self, sequence: SceneSequence, frame: Frame) -> None:
        truths = (sequence.clothing, sequence.wall, int(sequence.pose[frame.number]))
        for name, truth in zip(HEADS, truths, strict=True):
            said = int(getattr(frame.found.expectation, name).argmax())
            least = 0 if name == "pose" else 1
            pair = (said, truth if truth >= least else -1)
            self._heads.setdefault(name, []).append(pair)

    def outcomes(self, watch: int) -> list[Outcome]:
        """Of all sequences of a watch."""
        return self._outcomes.get(watch, [])

    def curves(self, watch: int) -> dict[str, list[Outcome]]:
        """Outcomes of the whole system and of the baselines."""
        others = {
            name: self._variants[watch, name]
            for name in BASELINES
            if (watch, name) in self._variants
        }
        return {"mmAnomaly": self.outcomes(watch), **others}

    def as_json(self) -> dict[str, Any]:
        """All figures by watch, and those of the heads."""
        result: dict[str, Any] = {}
        for watch, outcomes in sorted(self._outcomes.items()):
            found = figures(outcomes, self.seed)
            found["baselines"] = self._others(watch, BASELINES)
            known = [one["f1"] for one in found["baselines"].values() if one["f1"] is not None]
            found["baseline_f1"] = max(known, default=None)
            # a fall is told from heights alone, whatever the witnesses of the heatmap say
            told = {} if TASKS[watch] == "fall" else ABLATIONS
            found["ablations"] = self._others(watch, told)
            found["by"] = by_group(outcomes)
            result[TASKS[watch]] = found
        result["heads"] = {
            name: counted(pairs, [one in _SEEN[name] for one in HEADS[name]])
            for name, pairs in self._heads.items()
        }
        return result

    def _others(self, watch: int, names: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: short(self._variants[watch, name])
            for name in names
            if (watch, name) in self._variants
        }


def _generator(seed: int, sequence: SceneSequence) -> np.random.Generator:
    kind = int(sequence.anomalous.any())
    return np.random.default_rng([seed, sequence.task, sequence.seed, kind])


def misaligned_of(camera: Camera, seed: int) -> Callable[[SceneSequence], Camera]:
    """A camera for each sequence, each off in another direction."""

    def of_sequence(sequence: SceneSequence) -> Camera:
        return misaligned(camera, np.random.default_rng([seed, 7, sequence.task, sequence.seed]))

    return of_sequence


def repeated(
    detectors: Mapping[int, AnomalyDetector],
    sequences: Iterable[SceneSequence],
    camera_of: Callable[[SceneSequence], Camera],
    seed: int,
) -> dict[str, Any]:
    """What other detectors, or other cameras, make of the same sequences with the same draws.

    Args:
        detectors: by the watch's number.
        sequences: of any watch.
        camera_of: where the camera is thought to be.
        seed: of the draws.

    Returns:
        See :func:`table_of`.
    """
    outcomes: dict[int, list[Outcome]] = {}
    milliseconds = []
    for one in sequences:
        if one.task not in detectors:
            continue
        detector = detectors[one.task]
        record = Record(one, detector.decision.alarm.on_threshold)
        for frame in frames_of(detector, one, camera_of(one), _generator(seed, one)):
            record.add(frame.found)
            milliseconds.append(frame.milliseconds)
        outcomes.setdefault(one.task, []).append(record.outcome({}))
    return table_of(outcomes, milliseconds)


def table_of(
    outcomes: Mapping[int, Sequence[Outcome]], milliseconds: Sequence[float]
) -> dict[str, Any]:
    """Few figures by watch, and the median time of a frame without its spectrum."""
    rows: dict[str, Any] = {
        TASKS[watch]: short(own) | {"localisation_median_m": figures(own)["localisation_median_m"]}
        for watch, own in sorted(outcomes.items())
        if own
    }
    return {**rows, "networks_ms": median_of(milliseconds, 1)}


def spectrum_ms(waveform: Waveform = WATCH_WAVEFORM) -> float:
    """Median time of making a spectrum of samples, on this machine."""
    make = SpectrumMaker(waveform)
    shape = (waveform.loops_per_frame, waveform.virtual_antennas, waveform.samples_per_chirp)
    generator = np.random.default_rng(0)
    frame = generator.standard_normal((*shape, 2), np.float32).view(np.complex64)[..., 0]
    times = []
    for number in range(_TIMED_SPECTRA):
        begin_s = time.perf_counter()
        make(frame, number * waveform.frame_period_s)
        times.append(1e3 * (time.perf_counter() - begin_s))
    return float(np.median(times))


def frame_ms(milliseconds: Sequence[float], making_ms: float) -> dict[str, float]:
    """Time of a whole frame: spectrum, context, expectation, comparison and decision.

    Args:
        milliseconds: of every frame, without its spectrum.
        making_ms: of a spectrum.
    """
    whole: NDArray[np.float64] = np.asarray(milliseconds) + making_ms
    return {
        "frame_ms": round(float(np.median(whole)), 1),
        "frame_ms_p95": round(float(np.quantile(whole, 0.95)), 1),
        "spectrum_ms": round(making_ms, 1),
    }
