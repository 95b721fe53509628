"""Thresholds of watches, from what normal frames score, for a stated share of false alarms."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from mmanomaly_ros.alarm import AlarmSettings, AlarmState
from mmanomaly_ros.comparison import Fusion
from mmanomaly_ros.decision import (
    CONFIDENCE,
    FALSE_ALARM_RATE,
    WINDOWS,
    WatchDecision,
    decide,
    is_stirred,
)
from mmanomaly_ros.falls import FallNovelty
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.watch import TASKS

LEAST_MARGIN = 0.5
"""In logits, above the highest normal score where those hardly differ."""
_CALM_FACTOR = 10.0
"""The alarm ends half-way down to the score that so many times more normal frames exceed."""


@dataclass(frozen=True)
class Threshold:
    """Of a stated share of false alarms.

    Attributes:
        value: scores above it are alarms.
        rate: share of normal scores above it that is not exceeded, with the confidence asked for.
    """

    value: float
    rate: float


def threshold_for(
    scores: NDArray[np.floating],
    rate: float = FALSE_ALARM_RATE,
    confidence: float = CONFIDENCE,
) -> Threshold:
    """The threshold that normal scores exceed as rarely as wanted.

    It is the lowest order statistic that bounds the (1 - rate) quantile from above with the given
    confidence (Wilks 1941's tolerance limit): the share of the distribution below the k-th of n
    sorted scores is Beta(k, n + 1 - k) distributed, whatever the distribution. The plain quantile
    would be exceeded more often than wanted half the time. With too few scores (598 are needed for
    1 in 200 and 95 %) it is the highest, and the rate is what can be said of that.

    Args:
        scores: (n,) independent ones; of neighbouring frames, which are not, take this as a guide.
        rate: wanted.
        confidence: that it holds.

    Raises:
        ValueError: there are no scores, or some are no numbers, or a share is not within 0..1.
    """
    values = np.sort(np.ravel(scores))
    if not values.size or not np.isfinite(values).all():
        raise ValueError(f"scores must be finite numbers, at least one; got {values.size}")
    if not (0 < rate < 1 and 0 < confidence < 1):
        raise ValueError(f"rate {rate} and confidence {confidence} must be within 0..1")
    ranks = np.arange(1, values.size + 1)
    enough = beta.sf(1 - rate, ranks, values.size + 1 - ranks) >= confidence
    if enough.any():
        return Threshold(float(values[np.argmax(enough)]), rate)
    return Threshold(float(values[-1]), float(1 - (1 - confidence) ** (1 / values.size)))


@dataclass(frozen=True)
class _NormalScores:
    """Of normal windows.

    Attributes:
        calm: of those in which nobody moves before the wall.
        stirred: of the others.
        calm_highest: of every sequence with calm windows, the highest of their scores.
    """

    calm: NDArray[np.float64]
    stirred: NDArray[np.float64]
    calm_highest: NDArray[np.float64]

    @staticmethod
    def of(runs: Sequence[Sequence[FrameFeatures]], decision: WatchDecision) -> "_NormalScores":
        calm: list[float] = []
        stirred: list[float] = []
        highest: list[float] = []
        for run in runs:
            scores = decide(run, decision).scores
            own: tuple[list[float], list[float]] = ([], [])
            for last in np.flatnonzero(np.isfinite(scores)).tolist():
                window = run[last + 1 - decision.window : last + 1]
                own[is_stirred(window)].append(float(scores[last]))
            calm += own[False]
            stirred += own[True]
            highest += [max(own[False])] if own[False] else []
        return _NormalScores(np.array(calm), np.array(stirred), np.array(highest))

    @property
    def size(self) -> int:
        return self.calm.size + self.stirred.size

    def quantile(self, share: float, excess: float) -> float:
        """The higher one of the two, the excess taken off."""
        known = [
            float(np.quantile(one, share)) - taken
            for one, taken in ((self.calm, 0.0), (self.stirred, excess))
            if one.size
        ]
        return max(known)

    def threshold(self, rate: float, confidence: float) -> tuple[Threshold, float]:
        """The threshold, and the excess of the stirred windows.

        Calm scores hardly differ, so that their threshold can be above all of them, and all false
        alarms that are allowed may come where somebody stirs. Above the highest by what that is
        above nine in ten of the sequences' highest: if those have an exponential tail, of n
        sequences n^2 / 10 would be needed for one to exceed it.
        """
        if not (self.calm.size and self.stirred.size):
            return threshold_for(np.concatenate([self.calm, self.stirred]), rate, confidence), 0.0
        highest = float(self.calm.max())
        tail = highest - float(np.quantile(self.calm_highest, 0.9))
        calm = highest + max(tail, LEAST_MARGIN)
        share = self.stirred.size / self.size
        stirred = threshold_for(self.stirred, min(rate / share, 0.5), confidence)
        return Threshold(calm, stirred.rate * share), max(stirred.value - calm, 0.0)


def fit_decision(
    watch: int,
    normal: Sequence[Sequence[FrameFeatures]],
    fusion: Fusion | None = None,
    window: int | None = None,
    rate: float = FALSE_ALARM_RATE,
    confidence: float = CONFIDENCE,
    rise_frames: int = 1,
    fall_frames: int = 5,
) -> WatchDecision:
    """Choose how a watch decides from normal validation sequences.

    Args:
        watch: its number.
        normal: features of every frame of every sequence, in order.
        fusion: that the features were made with.
        window: in frames; WINDOWS without it.
        rate: wanted share of normal scores above the threshold; nor are more of the normal frames
            given in alarm.
        confidence: that the first holds for frames like these.
        rise_frames: see :class:`AlarmSettings`.
        fall_frames: likewise.

    Raises:
        ValueError: sequences are too few or too short.
    """
    frames = WINDOWS[TASKS[watch]] if window is None else window
    novelty = None
    if TASKS[watch] == "fall":
        novelty = FallNovelty.fitted(
            [run[start : start + frames] for run in normal
             for start in range(len(run) - frames + 1)]
        )  # fmt: skip
    first = WatchDecision(frames, AlarmSettings(0.0, 0.0), fusion or Fusion(), novelty)
    scores = _NormalScores.of(normal, first)
    if not scores.size:
        raise ValueError(f"no normal sequence of {TASKS[watch]} is as long as {frames} frames")
    on, excess = scores.threshold(rate, confidence)
    usual = min(scores.quantile(max(1 - _CALM_FACTOR * rate, 0.5), excess), on.value)

    def with_threshold(value: float) -> WatchDecision:
        return WatchDecision(
            window=frames,
            alarm=AlarmSettings(value, (usual + value) / 2, rise_frames, fall_frames),
            fusion=fusion or Fusion(),
            novelty=novelty,
            stirred_excess=excess,
            false_alarm_rate=on.rate,
            normal_frames=int(scores.size),
            peak_apart_m=0.2 if TASKS[watch] == "weapon" else 0.5,
        )

    higher = np.concatenate([scores.calm, scores.stirred - excess])
    choices = [on.value, *np.unique(higher[higher > on.value]).tolist()]
    rare = bisect_left(
        choices, True, key=lambda one: alarm_share(normal, with_threshold(one)) <= rate
    )
    return with_threshold(choices[min(rare, len(choices) - 1)])


def alarm_share(normal: Sequence[Sequence[FrameFeatures]], decision: WatchDecision) -> float:
    """Share of the judged frames of normal sequences that are in alarm: an alarm that has switched
    on lasts, so that it is more than the share of scores above the threshold.
    """
    verdicts = [decide(run, decision) for run in normal]
    judged = sum(np.count_nonzero(np.isfinite(one.scores)) for one in verdicts)
    alarmed = sum(one.states.count(AlarmState.ANOMALY) for one in verdicts)
    return alarmed / max(judged, 1)
