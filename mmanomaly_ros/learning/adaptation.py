"""Adapting to a place from a few minutes of its normal frames.

Nothing is trained. Of every frame the residual is measured less expected. Its mean by expected
level, then by cell, is what the place has of its own, each shrunk towards zero by an empirical
Bayes estimate (Efron and Morris 1973): the variance of the means over the cells around is that of
what is there plus that of the means' own errors, and so tells how much of each mean to believe.
Frames in a row are alike: n frames count as n (1 - r) / (1 + r), r the correlation of neighbours.

Thresholds move too: scores of normal frames spread between places and within one, and at a place
whose own mean is known the second is left.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmanomaly_ros.adaptation import LEVELS_DB, Adaptation
from mmanomaly_ros.comparison import Comparer
from mmanomaly_ros.context import context_of
from mmanomaly_ros.decision import WatchDecision, decide
from mmanomaly_ros.expectation import Expectation, Expecter
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.spectrum import CHANNELS, WATCH_WAVEFORM, dequantised
from mmwave.camera import Camera

_LEAST_CELLS = 50
_SPREAD_FRAMES = 20.0
"""So many independent frames count as much as the network's own opinion of its spread."""
_PRIOR_PIECES = 4.0
"""So many pieces of a place's scores count as much as what was known of all places."""
_PART_FRAMES = 90
_SCALES = (0.5, 4.0)
_AROUND = 7


@dataclass(frozen=True)
class Expected:
    """A frame and what was expected of it.

    Attributes:
        measured_db: (channel, range, column).
        expectation: before any adaptation.
        time_s: of the frame; NaN: one period after the last.
    """

    measured_db: NDArray[np.float32]
    expectation: Expectation
    time_s: float = np.nan


Run = Sequence[Expected]
"""Frames in a row."""


def expected_run(
    expecter: Expecter,
    sequence: SceneSequence,
    camera: Camera,
    range_bin_m: float,
    seed: int = 0,
    progress: Callable[..., Iterable[int]] = tqdm,
) -> list[Expected]:
    """What is expected of every frame of a sequence.

    Args:
        expecter: without adaptation.
        sequence: see there.
        camera: of it.
        range_bin_m: of the radar.
        seed: of the draws.
        progress: wraps the numbers of the frames.
    """
    generator = np.random.default_rng([seed, sequence.task, sequence.seed])
    result = []
    for number in progress(range(len(sequence)), desc=sequence.name, unit="frame"):
        depth_m = sequence.depth_mm[number].astype(np.float32) / 1000
        context = context_of(sequence.rgb[number], depth_m, camera, sequence.task, range_bin_m)
        found = expecter(context, generator)
        # hundreds of frames are kept: the draws themselves are not needed any more
        slim = replace(found, samples_db=found.mean_db[None], regression_db=found.mean_db)
        time_s = float(sequence.time_s[number])
        result.append(Expected(dequantised(sequence.spectra[number]), slim, time_s))
    return result


def fit_adaptation(runs: Sequence[Run]) -> Adaptation:
    """What a place has of its own.

    Args:
        runs: of its normal frames.

    Raises:
        ValueError: there is no frame.
    """
    frames = [one for run in runs for one in run]
    if not frames:
        raise ValueError("there is no frame to adapt to")
    none = Adaptation.none()
    begun = replace(none, level_shift_db=_level_shift(runs), frames=len(frames))
    count = len(frames)
    mean, square = np.zeros_like(none.cell_shift_db, np.float64), np.zeros_like(
        none.cell_shift_db, np.float64
    )  # fmt: skip
    for one in frames:
        residual = _residual(one, begun)
        mean += residual / count
        square += residual.astype(np.float64) ** 2 / count
    variance = np.maximum(square - mean**2, 0.0) * count / max(count - 1, 1)
    independent = independent_frames(runs, begun, mean)[:, None, None]
    if count == 1:  # one frame tells nothing of its own variance: take the network's word
        variance = frames[0].expectation.spread_db.astype(np.float64) ** 2
    shift = shrunk(mean, variance / independent, _AROUND)
    adapted = replace(begun, cell_shift_db=shift.astype(np.float32))
    deviations = np.zeros_like(mean)
    for one in frames:
        deviations += (_residual(one, adapted) / one.expectation.spread_db) ** 2 / count
    scale = np.sqrt((_SPREAD_FRAMES + independent * deviations) / (_SPREAD_FRAMES + independent))
    return replace(adapted, spread_scale=np.clip(scale, *_SCALES).astype(np.float32))


def shrunk(
    mean: NDArray[np.floating], error: NDArray[np.floating], around: int = 0
) -> NDArray[np.float64]:
    """Means, each as far as it can be believed.

    Args:
        mean: (channel, ...) of every cell.
        error: likewise, variance of the mean itself.
        around: cells in range and column (channel, range, column) whose means are alike: what a
            place has of its own is where something is. 0: all of a channel are.

    Returns:
        Mean times t / (t + error), where t is how much the mean of the squared means is above that
        of the errors, or 0.
    """
    excess = np.square(mean, dtype=np.float64) - error
    if around:
        true = np.stack([cv2.blur(one, (around, around)) for one in excess])
    else:
        true = excess.mean(axis=tuple(range(1, mean.ndim)), keepdims=True)
    true = np.maximum(true, 0.0)
    return np.asarray(mean * true / np.maximum(true + error, 1e-12))


def _residual(one: Expected, adaptation: Adaptation) -> NDArray[np.float32]:
    return np.asarray(one.measured_db - adaptation(one.expectation).mean_db, np.float32)


def _level_shift(runs: Sequence[Run]) -> NDArray[np.float32]:
    """(channel, level) shrunk mean residual by expected level.

    Each frame is one observation of a level, for its cells are alike: the error of the mean is that
    of the frames' means.
    """
    channels, levels = len(CHANNELS), len(LEVELS_DB)
    means: list[NDArray[np.float64]] = []
    for run in runs:
        for one in run:
            means.append(_by_level(one.measured_db, one.expectation.mean_db))
    every = np.array(means)
    there = np.isfinite(every)
    count = there.sum(axis=0)
    filled = np.where(there, every, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    square = (np.where(there, every - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count - 1, 1)
    share = independent_share([_filled_rows(run, mean) for run in _split(every, runs)])
    error = square / np.maximum(count * share[:, None], 1.0)
    known = count > 1
    shift = np.zeros((channels, levels))
    for channel in range(channels):
        rows = known[channel]
        if rows.any():
            shift[channel, rows] = shrunk(mean[channel, rows][None], error[channel, rows][None])[0]
    return shift.astype(np.float32)


def _by_level(
    measured_db: NDArray[np.floating], mean_db: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(channel, level) mean residual of the cells next to a level; NaN where there are few."""
    middles = (LEVELS_DB[1:] + LEVELS_DB[:-1]) / 2
    result = np.full((len(CHANNELS), len(LEVELS_DB)), np.nan)
    for channel, (measured, mean) in enumerate(zip(measured_db, mean_db, strict=True)):
        level = np.searchsorted(middles, mean.ravel())
        count = np.bincount(level, minlength=len(LEVELS_DB))
        total = np.bincount(level, (measured - mean).ravel(), len(LEVELS_DB))
        enough = count >= _LEAST_CELLS
        result[channel, enough] = total[enough] / count[enough]
    return result


def _split(every: NDArray[np.float64], runs: Sequence[Run]) -> list[NDArray[np.float64]]:
    return np.split(every, np.cumsum([len(run) for run in runs])[:-1])


def _filled_rows(rows: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(frame, channel, ...) less the mean, 0 where nothing is known."""
    return np.where(np.isfinite(rows), rows - mean, 0.0)


def independent_share(runs: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """(channel,) share of frames that count: (1 - r) / (1 + r).

    Args:
        runs: (frame, channel, ...) deviations from the mean; r is the correlation of neighbours.
    """
    axes = tuple(axis for axis in range(runs[0].ndim) if axis != 1)
    own = sum(np.square(one, dtype=np.float64).sum(axis=axes) for one in runs)
    both = sum(
        (one[1:].astype(np.float64) * one[:-1]).sum(axis=axes) for one in runs if len(one) > 1
    )
    correlation = np.clip(both / np.maximum(own, 1e-12), 0.0, 0.99)
    return np.asarray((1 - correlation) / (1 + correlation), np.float64)


def independent_frames(
    runs: Sequence[Run], adaptation: Adaptation, mean: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(channel,) as how many independent frames the frames count, at least 1."""
    own, both, count = np.zeros(len(mean)), np.zeros(len(mean)), 0
    for run in runs:
        before = None
        for one in run:
            now = (_residual(one, adaptation) - mean).astype(np.float64)
            own += np.square(now).sum(axis=(1, 2))
            both += 0 if before is None else (now * before).sum(axis=(1, 2))
            before, count = now, count + 1
    correlation = np.clip(both / np.maximum(own, 1e-12), 0.0, 0.99)
    return np.maximum(count * (1 - correlation) / (1 + correlation), 1.0)


def adapted_features(
    run: Run,
    adaptation: Adaptation,
    comparer: Comparer,
    decision: WatchDecision,
    watch: int,
    range_bin_m: float,
) -> list[FrameFeatures]:
    """Features of frames when the place is known."""
    result = []
    for one in run:
        expected = adaptation(one.expectation)
        found = comparer(one.measured_db, expected, watch, decision.fusion, range_bin_m)
        result.append(replace(found.features, time_s=one.time_s))
    return result


def own_features(
    runs: Sequence[Run],
    comparer: Comparer,
    decision: WatchDecision,
    watch: int,
    range_bin_m: float,
) -> list[list[FrameFeatures]]:
    """Features of a place's own frames, each half with what was learned from the other half.

    With what was learned from themselves they would be too normal.
    """
    halves = halved(runs)
    result = []
    for own, other in (halves, halves[::-1]):
        adaptation = fit_adaptation(other) if other else Adaptation.none()
        result += [
            adapted_features(run, adaptation, comparer, decision, watch, range_bin_m) for run in own
        ]
    return result


def halved(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Two halves of the frames: every other run; of a single one every other part of it, so that
    both know all of its time.
    """
    if len(runs) == 1:
        run = runs[0]
        count = max(len(run) // _PART_FRAMES, 2)
        edges = np.linspace(0, len(run), count + 1).round().astype(int).tolist()
        runs = [run[start:end] for start, end in pairwise(edges)]
    return list(runs[::2]), list(runs[1::2])


def fit_thresholds(
    decision: WatchDecision, normal: Sequence[Sequence[FrameFeatures]], spread: Mapping[str, float]
) -> WatchDecision:
    """Thresholds for a place.

    Of the validation data m and b are the mean and the deviation of the sequences' mean scores, w
    the deviation within one. The place's own scores are cut into pieces as long as those: their
    mean is a, what they differ by is p (visits: people who come and go), joined with b while there
    are few, and w' their deviation within, joined with w. The error of a is e^2 = p^2 / pieces +
    w'^2 / scores. What the place has of its own, s^2, is the larger of b^2 - p^2 and (a - m)^2 - 4
    e^2; B = s^2 / (s^2 + e^2) of the difference a - m is believed. A threshold t that was q =
    (t - m) / sqrt(b^2 + w^2) deviations over all places' scores becomes m + B (a - m) + q
    sqrt(w'^2 + p^2 + s^2 (1 - B)). It is never lower than the place's own scores allow: their
    share above it stays below the stated rate.

    Args:
        decision: of the watch.
        normal: features of the place's normal frames, see :func:`own_features`.
        spread: of scores, from the decision's card, see :func:`.calibration.spread_of_scores`.
    """
    runs = [decide(run, decision).scores for run in normal]
    runs = [run[np.isfinite(run)] for run in runs]
    pieces = [piece for run in runs for piece in _pieces(run, round(spread["frames"]))]
    if not pieces:
        return decision
    scores, before = np.concatenate(runs), spread["mean"]
    means = np.array([one.mean() for one in pieces])
    inside = float(np.mean([one.var() for one in pieces]))
    count = max(len(means) * _share_of(means), 1.0)
    between, within = spread["between"] ** 2, spread["within"] ** 2
    visits = _joined(between, float(means.var(ddof=1)) if len(means) > 1 else between, count - 1)
    inside = _joined(within, inside, count)
    error = visits / count + inside / len(scores)
    off = float(means.mean()) - before
    own = max(between - visits, off**2 - 4 * error, 0.0)
    believed = own / (own + error) if own else 0.0
    scale = np.sqrt((inside + visits + own * (1 - believed)) / max(between + within, 1e-12))
    alarm = decision.alarm
    on, calm = (
        float(before + believed * off + (one - before) * scale)
        for one in (alarm.on_threshold, alarm.off_threshold)
    )
    on = max(on, float(scores.max()))  # whatever was normal here is
    thresholds = replace(alarm, on_threshold=on, off_threshold=min(calm, on))
    return replace(decision, alarm=thresholds)


def _pieces(scores: NDArray[np.float64], length: int) -> list[NDArray[np.float64]]:
    """Pieces of at least a length; all of it if it is shorter."""
    count = max(len(scores) // max(length, 1), 1)
    return [one for one in np.array_split(scores, count) if one.size]


def _share_of(means: NDArray[np.float64]) -> float:
    return float(independent_share([(means - means.mean())[:, None]])[0])


def _joined(prior: float, own: float, count: float) -> float:
    """A variance that was believed before, and one of so many observations."""
    return (_PRIOR_PIECES * prior + count * own) / (_PRIOR_PIECES + count)


@dataclass(frozen=True)
class Trained:
    """What adapts.

    Attributes:
        expecter: without adaptation.
        comparer: of spectra.
        decision: of the watch.
        spread: of its normal scores, see :func:`.calibration.spread_of_scores`.
        range_bin_m: of the radar.
    """

    expecter: Expecter
    comparer: Comparer
    decision: WatchDecision
    spread: Mapping[str, float]
    range_bin_m: float = WATCH_WAVEFORM.range_bin_m


def adapt(
    runs: Sequence[Sequence[Expected]], trained: Trained, watch: int
) -> tuple[Adaptation, WatchDecision]:
    """Adapt to a place.

    Args:
        runs: of its normal frames.
        trained: what adapts.
        watch: its number.

    Raises:
        ValueError: there is no frame.
    """
    own = own_features(runs, trained.comparer, trained.decision, watch, trained.range_bin_m)
    return fit_adaptation(runs), fit_thresholds(trained.decision, own, trained.spread)
