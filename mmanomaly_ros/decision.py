"""From scores of frames to alarms: the same for evaluation and for the live node.

A decision is made over the last frames. Of a hidden object it is their mean score; of an intruder
the place where most evidence adds up (:mod:`mmanomaly_ros.lasting`); of a fall it is how much the
last three seconds look like one (:mod:`mmanomaly_ros.falls`). Where somebody moves before the wall,
shadows of them move behind it, and normal scores are higher: so much is taken off while it lasts.
A sequence is anomalous if the alarm ever switched on. How thresholds are chosen is told in
:mod:`mmanomaly_ros.learning.thresholds`.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.alarm import Alarm, AlarmSettings, AlarmState
from mmanomaly_ros.comparison import Fusion, fusion_of
from mmanomaly_ros.falls import FallNovelty
from mmanomaly_ros.features import STIRRED_DB, FrameFeatures
from mmanomaly_ros.lasting import lasting_score
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
