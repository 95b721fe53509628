"""From scores of frames to alarms: the same for evaluation and for the live node.

A decision is made over the last frames. Of a hidden object it is their mean score; of an intruder
the place where most evidence adds up (:mod:`mmanomaly_ros.lasting`); of a fall it is how much the
last three seconds look like one (:mod:`mmanomaly_ros.falls`). Where
somebody moves before the wall, mirror images and shadows of them move behind it, and normal scores
are higher: so much is taken off while it lasts. A sequence is anomalous if the alarm ever switched
on. Thresholds come from normal validation data for a stated share of false alarms.
"""

import hashlib
import json
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from mmanomaly_ros.alarm import Alarm, AlarmSettings, AlarmState
from mmanomaly_ros.comparison import Fusion, fusion_of
from mmanomaly_ros.falls import FallNovelty
from mmanomaly_ros.features import FrameFeatures
from mmanomaly_ros.lasting import lasting_score
from mmanomaly_ros.mirrors import STIRRED_DB
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import TASKS, watch_id
from mmwave.inference import ModelError
from mmwave.whole_file import whole_file

FALSE_ALARM_RATE = 1 / 200
CONFIDENCE = 0.95
FRAME_S = WATCH_WAVEFORM.frame_period_s
SHORTEST_LOOK = 10
"""Frames' time that a shorter window may look back, where not all of its frames came."""
LEAST_SHARE = 0.4
"""Of the frames of that time which must have come."""
WINDOWS = {"weapon": 4, "intruder": 20, "fall": 30}
LEAST_MARGIN = 0.5
"""In logits, above the highest normal score where those hardly differ."""
_CALM_FACTOR = 10.0
"""The alarm ends half-way down to the score that so many times more normal frames exceed."""


@dataclass(frozen=True)
class WatchDecision:
    """How one watch decides.

    Attributes:
        window: frames of FRAME_S that a decision looks at; before that is past nothing is known.
        alarm: thresholds and times.
        fusion: weights of the heatmap.
        novelty: of the fall watch, else None.
        stirred_excess: taken off the score where somebody moves before the wall.
        false_alarm_rate: share of normal frames above on_threshold that is not exceeded, with
            CONFIDENCE and for frames like those it was chosen on.
        normal_frames: scores that it was chosen on.
        peak_least: height in the heatmap of a place that is told.
        peak_count: so many places at most.
        peak_apart_m: between them.

    Raises:
        ValueError: a number is out of range.
    """

    window: int
    alarm: AlarmSettings
    fusion: Fusion = field(default_factory=Fusion)
    novelty: FallNovelty | None = None
    stirred_excess: float = 0.0
    false_alarm_rate: float = FALSE_ALARM_RATE
    normal_frames: int = 0
    peak_least: float = 0.5
    peak_count: int = 3
    peak_apart_m: float = 0.5

    def __post_init__(self) -> None:
        if self.window < 1 or self.peak_count < 1:
            raise ValueError(
                f"window {self.window} and peak_count {self.peak_count} must be at least 1"
            )
        if not 0 < self.false_alarm_rate < 1:
            raise ValueError(f"false_alarm_rate must be in 0..1, got {self.false_alarm_rate}")
        if not 0 <= self.stirred_excess < np.inf:
            raise ValueError(f"stirred_excess must be at least 0, got {self.stirred_excess}")

    def as_json(self) -> dict[str, Any]:
        """For a card."""
        told = {name: getattr(self, name) for name in _PLAIN}
        return {
            **told,
            "alarm": asdict(self.alarm),
            "fusion": asdict(self.fusion),
            "novelty": self.novelty and self.novelty.as_json(),
        }

    @staticmethod
    def of(told: Mapping[str, Any]) -> "WatchDecision":
        """The opposite of :meth:`as_json`.

        Raises:
            KeyError, TypeError, ValueError: something is missing or impossible.
        """
        novelty = told["novelty"]
        return WatchDecision(
            alarm=AlarmSettings(**told["alarm"]),
            fusion=fusion_of(told["fusion"]),
            novelty=None if novelty is None else FallNovelty.of(novelty),
            **{name: told[name] for name in _PLAIN},
        )


_PLAIN = (
    "window", "stirred_excess", "false_alarm_rate", "normal_frames", "peak_least", "peak_count",
    "peak_apart_m",
)  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """How all watches decide.

    Attributes:
        watches: by name.
        about: whatever else the card tells: ``comparator_sha256`` and so on, which networks it is
            for; ``samples`` and ``steps``, how expected spectra were drawn.
    """

    watches: Mapping[str, WatchDecision]
    about: Mapping[str, Any]

    def of_watch(self, watch: int) -> WatchDecision:
        """That of a watch by its number.

        Raises:
            ModelError: the card has none.
        """
        if TASKS[watch] not in self.watches:
            raise ModelError(f"the decision's card knows {', '.join(self.watches)}, not "
                             f"{TASKS[watch]}")  # fmt: skip
        return self.watches[TASKS[watch]]

    def write(self, path: Path) -> None:
        """Write a card, with a hash of how the watches decide.

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        watches = {name: one.as_json() for name, one in self.watches.items()}
        told = {**self.about, _WATCHES_SHA256: _sha256(watches), "watches": watches}
        text = json.dumps(told, indent=2, allow_nan=False)
        with whole_file(path) as partial:
            partial.write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> "Decision":
        """Read a card.

        Raises:
            ModelError: there is none, or it is none, or somebody changed how a watch decides.
        """
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            told = about.pop("watches")
            # cards that were written before there was one have none
            hashed = about.pop(_WATCHES_SHA256, None)
            watches = {name: WatchDecision.of(one) for name, one in told.items()}
            for name in watches:
                watch_id(name)
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{path} is no decision's card ({error!r}): get it again, or export it anew"
            ) from error
        if hashed is not None and hashed != _sha256(told):
            raise ModelError(
                f"how {path} decides was changed after it was chosen ({_WATCHES_SHA256} is of "
                "something else): get it again, or choose anew with panoradar decide mmanomaly"
            )
        return Decision(watches, about)


_WATCHES_SHA256 = "watches_sha256"


def _sha256(watches: Mapping[str, Any]) -> str:
    """Hexadecimal, of how watches decide, however it is laid out in a file."""
    return hashlib.sha256(json.dumps(watches, sort_keys=True).encode()).hexdigest()


class SequenceDecider:
    """Scores of the last frames of one watch.

    A window is a time: where a slow machine leaves frames out it holds fewer of them, and does not
    look back farther, or hardly: see SHORTEST_LOOK.

    Args:
        decision: of the watch.
    """

    def __init__(self, decision: WatchDecision) -> None:
        self._decision = decision
        self._last: deque[tuple[float, FrameFeatures]] = deque(maxlen=decision.window)
        self._began_s = np.nan

    def reset(self) -> None:
        """Forget the frames: some are missing after them."""
        self._last.clear()

    def update(self, features: FrameFeatures) -> float:
        """Take a frame in.

        Args:
            features: of the frame.

        Returns:
            Score of the last frames; NaN before there are as many as the window has, by time, or
            where fewer than LEAST_SHARE of them came: a mean of few is above its threshold by
            chance, which was chosen for means of all.
        """
        time_s = features.time_s
        if not np.isfinite(time_s):
            time_s = self._last[-1][0] + FRAME_S if self._last else 0.0
        if not self._last:
            self._began_s = time_s
        self._last.append((time_s, features))
        # half a frame either way, for stamps jitter
        window = self._decision.window
        most = max(window, SHORTEST_LOOK)
        least = min(ceil(LEAST_SHARE * most), window)
        while time_s - self._last[0][0] > (most - 0.5) * FRAME_S:
            self._last.popleft()
        if time_s - self._began_s < (window - 1.5) * FRAME_S or len(self._last) < least:
            return np.nan
        frames = [one for _, one in self._last]
        excess = self._decision.stirred_excess if is_stirred(frames) else 0.0
        if self._decision.novelty is not None:
            return self._decision.novelty(frames) - excess
        cells = [one.cells for one in frames if one.cells is not None]
        if len(cells) == len(frames):
            return lasting_score(cells) - excess
        return float(np.mean([one.score for one in frames])) - excess


def is_stirred(frames: Iterable[FrameFeatures]) -> bool:
    """Whether somebody moves before the wall in any of the frames."""
    return any(one.before_db > STIRRED_DB for one in frames)


@dataclass(frozen=True)
class SequenceVerdict:
    """What was decided of one sequence.

    Attributes:
        scores: (frame,) of the decider, NaN before its window is full.
        states: (frame,).
        score: the highest, NaN if the sequence is shorter than the window.
        anomalous: whether the alarm ever switched on.
    """

    scores: NDArray[np.float64]
    states: list[AlarmState]
    score: float
    anomalous: bool


def decide(frames: Iterable[FrameFeatures], decision: WatchDecision) -> SequenceVerdict:
    """Decide of a whole sequence, as the live node does frame by frame."""
    decider, alarm = SequenceDecider(decision), Alarm(decision.alarm)
    scores = [decider.update(one) for one in frames]
    states = [alarm.update(score) for score in scores]
    known = [score for score in scores if np.isfinite(score)]
    return SequenceVerdict(
        np.array(scores), states, max(known, default=np.nan), AlarmState.ANOMALY in states
    )


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
