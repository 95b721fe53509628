"""How alarms are decided, chosen on normal frames of places that no network learned from.

First the weights of the witnesses: from cells of normal frames and of the same frames with an
anomaly pasted in (:mod:`mmanomaly_ros.learning.pastes`); nothing is learned of anomalies that were
simulated. Then thresholds from what normal frames score, for a stated rate of false alarms. What
the whole system is compared with is treated in the same way.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmanomaly_ros.comparison import EVIDENCE, Fusion, fit_fusion
from mmanomaly_ros.decision import (
    CONFIDENCE,
    FALSE_ALARM_RATE,
    Decision,
    WatchDecision,
    decide,
)
from mmanomaly_ros.expectation import Expectation
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.learning.comparator_task import scene_of
from mmanomaly_ros.learning.pastes import Scene, pasted
from mmanomaly_ros.learning.samples import SceneSet
from mmanomaly_ros.learning.scores import auroc
from mmanomaly_ros.learning.sightings import (
    LEVEL_FUSION,
    WHOLE,
    Sighting,
    Sources,
    Variant,
)
from mmanomaly_ros.learning.thresholds import fit_decision
from mmanomaly_ros.spectrum import dequantised
from mmanomaly_ros.watch import TASKS, watch_id
from mmwave.inference import ModelError

FRAME_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the comparator's logit of the whole frame, to choose from."""
_NORMAL_CELLS, _PASTED_CELLS = 200, 60
_LEVEL_WINDOW = 4
_VARIANTS = "variants"
_BY_WATCH = (
    "data", "restored_db", "normal_scores", "pasted_frame_auroc", "normal_sequences", _VARIANTS,
)  # fmt: skip
"""What a card tells of each watch, by its name."""


@dataclass(frozen=True)
class CalibrationSettings:
    """How decisions are chosen.

    Attributes:
        rate: wanted share of normal scores above a threshold.
        confidence: that it holds.
        pasted_frames: normal frames of each watch, and as many with a paste, for the weights.
        seed: of pastes, draws and cells.

    Raises:
        ValueError: there are no frames, or a share is not within 0..1.
    """

    rate: float = FALSE_ALARM_RATE
    confidence: float = CONFIDENCE
    pasted_frames: int = 160
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pasted_frames < 1:
            raise ValueError(f"pasted_frames must be at least 1, got {self.pasted_frames}")
        for name in ("rate", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be within 0..1, got {getattr(self, name)}")


@dataclass(frozen=True)
class Calibrated:
    """How one watch decides.

    Attributes:
        decisions: by variant.
        restored_db: (channel,) root mean square errors of the autoencoder.
        normal_scores: see :func:`spread_of_scores`.
        auroc: of single frames with a paste against normal ones, by variant.
        sequences: that it was chosen on.
        data: what they are, JSON-able.
    """

    decisions: dict[str, WatchDecision]
    restored_db: list[float]
    normal_scores: dict[str, float]
    auroc: dict[str, float]
    sequences: int
    data: dict[str, Any]


def calibrate(
    samples: SceneSet,
    watch: int,
    sources: Sources,
    settings: CalibrationSettings | None = None,
    progress: Callable[..., Iterable[int]] = tqdm,
) -> Calibrated:
    """Choose how a watch decides.

    Args:
        samples: their normal sequences are used.
        watch: its number.
        sources: whose ``restored_db`` of the watch is set.
        settings: see there.
        progress: wraps the numbers of what is looked at.

    Raises:
        ValueError: sequences are too few or too short.
    """
    settings = settings or CalibrationSettings()
    frames = normal_frames(samples, watch)
    runs = runs_of(frames)
    if not runs:
        raise ValueError(f"there is no normal sequence of {TASKS[watch]}: simulate some")
    chosen = frames.spread(settings.pasted_frames)
    sources.restored_db[watch] = _restored_db(chosen, sources)
    seen = _pasted_pairs(chosen, watch, sources, settings, progress)
    fusions, judged = {}, {}
    for name, variant in sources.variants.items():
        fusions[name] = fitted_fusion(variant, seen, settings.seed)
        judged[name] = _frame_auroc(variant, seen, fusions[name])
    features: dict[str, list[list[FrameFeatures]]] = {name: [] for name in fusions}
    for number in progress(range(len(runs)), desc=f"{TASKS[watch]}: thresholds", unit="sequence"):
        found = run_features(frames, runs[number], sources, fusions, settings.seed)
        for name, one in found.items():
            features[name].append(one)
    decisions = {
        name: _decision(watch, sources.variants[name], features[name], fusions[name], settings)
        for name in fusions
    }
    return Calibrated(
        decisions,
        [round(float(one), 3) for one in sources.restored_db[watch]],
        spread_of_scores(features[WHOLE], decisions[WHOLE]),
        {name: round(one, 4) for name, one in judged.items()},
        len(runs),
        frames.describe(),
    )


def normal_frames(samples: SceneSet, watch: int) -> SceneSet:
    """Frames of a watch's sequences in which everything is always normal.

    Raises:
        ValueError: there are none.
    """
    places = [
        (number, frame)
        for number, frame in samples.places
        if samples.sequences[number].task == watch and not samples.sequences[number].anomalous.any()
    ]
    if not places:
        raise ValueError(f"there is no normal sequence of {TASKS[watch]} in the data")
    return SceneSet(samples.sequences, samples.camera, samples.waveform, places)


def runs_of(frames: SceneSet) -> list[list[int]]:
    """Numbers of the frames of each sequence, in order."""
    runs: dict[int, list[int]] = {}
    for number, (which, _) in enumerate(frames.places):
        runs.setdefault(which, []).append(number)
    return list(runs.values())


def run_features(
    frames: SceneSet,
    run: Sequence[int],
    sources: Sources,
    fusions: Mapping[str, Fusion],
    seed: int,
) -> dict[str, list[FrameFeatures]]:
    """Features of every frame of a sequence, by variant.

    Args:
        frames: of one watch.
        run: numbers of the sequence's frames.
        sources: that see them.
        fusions: by variant.
        seed: of the draws.
    """
    result: dict[str, list[FrameFeatures]] = {name: [] for name in fusions}
    generator = np.random.default_rng([seed, 1, run[0]])
    for number in run:
        scene = scene_of(frames, number)
        watch = scene.context.watch
        seen = sources.seen(
            scene.measured_db, sources.expected(scene.context, generator), watch
        )  # fmt: skip
        for name, fusion in fusions.items():
            result[name].append(seen[sources.variants[name].source].scored(fusion))
    return result


@dataclass(frozen=True)
class Pair:
    """A normal frame and the same with a paste, by source.

    Attributes:
        normal: sightings.
        pasted: likewise.
        mask: (range, column) where the paste stands out.
        visible: it stands out somewhere.
    """

    normal: dict[str, Sighting]
    pasted: dict[str, Sighting]
    mask: NDArray[np.bool_]
    visible: bool


def _pasted_pairs(
    frames: SceneSet,
    watch: int,
    sources: Sources,
    settings: CalibrationSettings,
    progress: Callable[..., Iterable[int]],
) -> list[Pair]:
    pairs = []
    for number in progress(range(len(frames)), desc=f"{TASKS[watch]}: weights", unit="frame"):
        generator = np.random.default_rng([settings.seed, 2, number])
        scene = scene_of(frames, number)
        other = scene_of(frames, int(generator.integers(len(frames))))
        expected = sources.expected(scene.context, generator)
        pairs.append(_pair(scene, other, expected, sources, generator))
    return pairs


def _pair(
    scene: Scene,
    other: Scene,
    expected: Mapping[str, Expectation],
    sources: Sources,
    generator: np.random.Generator,
) -> Pair:
    watch = scene.context.watch
    changed = pasted(scene, other, generator)
    both = [
        {name: _smaller(one) for name, one in sources.seen(measured, expected, watch).items()}
        for measured in (scene.measured_db, changed.measured_db)
    ]
    return Pair(both[0], both[1], changed.mask, changed.visible)


def _smaller(sighting: Sighting) -> Sighting:
    return replace(sighting, evidence=sighting.evidence.astype(np.float16))


def _restored_db(frames: SceneSet, sources: Sources) -> NDArray[np.float64]:
    """(channel,) root mean square errors of the autoencoder on normal frames."""
    if "autoencoder" not in sources.variants:
        return np.ones(3)
    squares = []
    for number in range(len(frames)):
        measured = dequantised(frames[number].spectrum)
        error = measured - sources.restored(measured)
        squares.append(np.square(error, dtype=np.float64).mean(axis=(1, 2)))
    return np.maximum(np.sqrt(np.mean(squares, axis=0)), 0.1)


def fitted_fusion(variant: Variant, pairs: Sequence[Pair], seed: int = 0) -> Fusion:
    """Weights of a variant's witnesses.

    Those of the cells by logistic regression, see :func:`mmanomaly_ros.comparison.fit_fusion`;
    that of the comparator's logit of the frame is the one of FRAME_WEIGHTS that tells frames with
    a visible paste from normal ones best.

    Args:
        variant: see there.
        pairs: of frames.
        seed: of the choice of cells.

    Raises:
        ValueError: no paste stands out anywhere.
    """
    if variant.source == "level":
        return LEVEL_FUSION
    evidence, truth = _cells(variant, pairs, np.random.default_rng([seed, 3]))
    fusion = fit_fusion(evidence, truth, frame=0.0)
    if "frame" not in variant.witnesses:
        return fusion
    choices = [replace(fusion, frame=weight) for weight in FRAME_WEIGHTS]
    return max(choices, key=lambda one: _frame_auroc(variant, pairs, one))


def _cells(
    variant: Variant, pairs: Sequence[Pair], generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n, evidence) of cells that are heard, and (n,) whether they are of a paste; a witness who is
    not heard says 0.
    """
    heard = np.array([name in variant.witnesses for name in EVIDENCE], np.float64)
    every, truth = [], []
    for pair in pairs:
        for sighting, there, anomalous in (
            (pair.normal[variant.source], np.ones_like(pair.mask), False),
            (pair.pasted[variant.source], pair.mask, True),
            (pair.pasted[variant.source], ~pair.mask, False),
        ):
            heard_there = there if sighting.somebody is None else there & sighting.somebody
            most = _PASTED_CELLS if anomalous else _NORMAL_CELLS
            cells = generator.permutation(np.flatnonzero(heard_there))[:most]
            every.append(sighting.evidence.reshape(len(EVIDENCE), -1)[:, cells].T * heard)
            truth.append(np.full(len(cells), anomalous))
    if not any(one.any() for one in truth):
        raise ValueError("no pasted anomaly stands out in any frame: are the frames all noise?")
    return np.concatenate(every).astype(np.float64), np.concatenate(truth)


def _frame_auroc(variant: Variant, pairs: Sequence[Pair], fusion: Fusion) -> float:
    """Of single frames with a visible paste against normal ones."""
    normal = [one.normal[variant.source].scored(fusion).score for one in pairs]
    changed = [one.pasted[variant.source].scored(fusion).score for one in pairs if one.visible]
    return auroc(normal, changed)


def _decision(
    watch: int,
    variant: Variant,
    normal: Sequence[Sequence[FrameFeatures]],
    fusion: Fusion,
    settings: CalibrationSettings,
) -> WatchDecision:
    if TASKS[watch] == "fall" and not variant.novelty:
        # as an intruder is: by the mean of a few frames
        judged, window = watch_id("intruder"), _LEVEL_WINDOW
    else:
        judged, window = watch, None
    return fit_decision(judged, normal, fusion, window, settings.rate, settings.confidence)


def spread_of_scores(
    normal: Sequence[Sequence[FrameFeatures]], decision: WatchDecision
) -> dict[str, float]:
    """How normal scores of a watch spread: what an adaptation to one place begins from.

    Args:
        normal: features of normal sequences.
        decision: of the watch.

    Returns:
        ``mean``; ``within``, the standard deviation in a sequence; ``between``, that of the
        sequences' means; ``frames``, how many scores a sequence has.
    """
    scores = [decide(run, decision).scores for run in normal]
    known = [one[np.isfinite(one)] for one in scores]
    known = [one for one in known if one.size]
    means = np.array([one.mean() for one in known])
    inside = [np.square(one - one.mean()).sum() for one in known]
    degrees = sum(len(one) - 1 for one in known)
    within = float(np.sqrt(sum(inside) / degrees)) if degrees else 0.0
    between = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    length = float(np.median([one.size for one in known]))
    return {"mean": float(means.mean()), "within": within, "between": between, "frames": length}


def decision_of(calibrated: Mapping[int, Calibrated], about: Mapping[str, Any]) -> Decision:
    """The card of all watches.

    Args:
        calibrated: by watch.
        about: hashes of the models, rate.
    """
    names = {watch: TASKS[watch] for watch in calibrated}
    told = {
        "data": {names[w]: one.data for w, one in calibrated.items()},
        "restored_db": {names[w]: one.restored_db for w, one in calibrated.items()},
        "normal_scores": {names[w]: one.normal_scores for w, one in calibrated.items()},
        "pasted_frame_auroc": {names[w]: one.auroc for w, one in calibrated.items()},
        "normal_sequences": {names[w]: one.sequences for w, one in calibrated.items()},
        "variants": {
            variant: {names[w]: one.decisions[variant].as_json() for w, one in calibrated.items()}
            for variant in next(iter(calibrated.values())).decisions
            if variant != WHOLE
        },
    }
    whole = {names[watch]: one.decisions[WHOLE] for watch, one in calibrated.items()}
    return Decision(whole, {**about, **told})


def joined(new: Decision, older: Decision) -> Decision | None:
    """A card with the watches of both, where they are of the same networks and settings.

    Args:
        new: its watches count where both have one.
        older: the others are kept from it.

    Returns:
        The card, or None where the two do not belong together.
    """
    parts = [{k: v for k, v in one.about.items() if k not in _BY_WATCH} for one in (new, older)]
    if json.dumps(parts[0], sort_keys=True) != json.dumps(parts[1], sort_keys=True):
        return None
    told = {name: {**older.about.get(name, {}), **new.about[name]} for name in _BY_WATCH[:-1]}
    told[_VARIANTS] = {
        variant: {**older.about.get(_VARIANTS, {}).get(variant, {}), **by_watch}
        for variant, by_watch in new.about[_VARIANTS].items()
    }
    watches = {**older.watches, **new.watches}
    ordered = {name: watches[name] for name in TASKS if name in watches}
    return Decision(ordered, {**new.about, **told})


def variants_of(decision: Decision, watch: int) -> dict[str, WatchDecision]:
    """How all variants of a watch decide that the card knows.

    Raises:
        ModelError: the card is damaged.
    """
    try:
        told = decision.about.get("variants", {})
        others = {
            name: WatchDecision.of(by_watch[TASKS[watch]])
            for name, by_watch in told.items()
            if TASKS[watch] in by_watch
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the decision's card has no usable variants: {error!r}") from error
    return {WHOLE: decision.of_watch(watch), **others}
