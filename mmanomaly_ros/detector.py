"""Anomalies in spectra: what the scene lets expect, what was measured, and what to say of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.alarm import Alarm, AlarmState
from mmanomaly_ros.comparison import QUIET, Comparer, Comparison, Peaks, peaks, sigmoid
from mmanomaly_ros.context import Context
from mmanomaly_ros.decision import Decision, SequenceDecider
from mmanomaly_ros.expectation import Expectation, Expecter
from mmanomaly_ros.features import upright_body
from mmanomaly_ros.spectrum import CHANNELS, WATCH_WAVEFORM
from mmanomaly_ros.watch import ANGLES, RANGES, TASKS, is_upright

_LEAST_TOLD = float(2 * sigmoid(np.array(QUIET)))
"""In the heatmap, of a place that is told in an alarm: somebody can be there."""


@dataclass(frozen=True)
class Found:
    """Of one frame.

    Attributes:
        measured_db: (channel, range, column).
        expectation: of the scene.
        comparison: of the two.
        heatmap: (range, column) probability of an anomaly, 0 to 1; of a fall watch, where the body
            is that moves most, how much it is like one who lies.
        peaks: places of what is not expected; if there is an alarm at least one, unless nobody can
            be anywhere.
        score: of the last frames, NaN before there are enough.
        state: of the alarm.
    """

    measured_db: NDArray[np.float32]
    expectation: Expectation
    comparison: Comparison
    heatmap: NDArray[np.float32]
    peaks: Peaks
    score: float
    state: AlarmState


class AnomalyDetector:
    """Watches frame by frame.

    Args:
        expecter: draws what should be seen.
        comparer: holds it against what is.
        decision: of all watches.
        watch: number of the one that this is.
        range_bin_m: of the radar.

    Attributes:
        alarm: its state, and the problem of the last frame.
        caution: what to warn of: thresholds that were chosen with other draws; else empty.

    Raises:
        ModelError: the decision's card does not know the watch.
    """

    def __init__(
        self,
        expecter: Expecter,
        comparer: Comparer,
        decision: Decision,
        watch: int,
        range_bin_m: float = WATCH_WAVEFORM.range_bin_m,
    ) -> None:
        self._expecter, self._comparer = expecter, comparer
        self.watch, self.range_bin_m = watch, range_bin_m
        self.decision = decision.of_watch(watch)
        self.caution = _caution(expecter, decision)
        self._decider = SequenceDecider(self.decision)
        self.alarm = Alarm(self.decision.alarm)

    @property
    def state(self) -> AlarmState:
        """Of the alarm."""
        return self.alarm.state

    def reset(self) -> None:
        """Begin anew."""
        self._decider.reset()
        self.alarm.reset()

    def forget(self) -> None:
        """Forget the frames, for some are missing after them; an alarm outlives that."""
        self._decider.reset()

    def blind(self, problem: str) -> AlarmState:
        """A frame that cannot be judged.

        Args:
            problem: why.

        Returns:
            ``unknown``.

        Raises:
            ValueError: no problem is told.
        """
        if not problem:
            raise ValueError("say what the problem is")
        self._decider.reset()
        return self.alarm.update(np.nan, problem)

    def __call__(
        self,
        spectrum_db: NDArray[np.floating],
        context: Context,
        generator: np.random.Generator,
        time_s: float = np.nan,
    ) -> Found:
        """Judge one frame.

        Args:
            spectrum_db: (channel, range, column) as measured.
            context: of the same time.
            generator: of the draws.
            time_s: of the frame; NaN: one period after the last.

        Raises:
            ValueError: the spectrum has another shape or holds what is no number, or the context
                is of another watch; the state is ``unknown`` then.
            ModelError: a model gives no numbers; likewise.
        """
        try:
            measured, expectation, comparison = self._compared(spectrum_db, context, generator)
        except ValueError as error:
            self.blind(str(error))
            raise
        score = self._decider.update(replace(comparison.features, time_s=time_s))
        state = self.alarm.update(score)
        heatmap = self._heatmap(measured, expectation, comparison)
        places = self._places(heatmap, comparison, state)
        return Found(measured, expectation, comparison, heatmap, places, score, state)

    def _compared(
        self,
        spectrum_db: NDArray[np.floating],
        context: Context,
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float32], Expectation, Comparison]:
        shape = (len(CHANNELS), RANGES, ANGLES)
        if spectrum_db.shape != shape:
            raise ValueError(f"spectrum_db must be {shape}, got {spectrum_db.shape}")
        if not np.isfinite(spectrum_db).all():
            raise ValueError("the spectrum holds values that are no numbers")
        if context.watch != self.watch:
            raise ValueError(f"the context is of the watch {TASKS[context.watch]}, this one is "
                             f"{TASKS[self.watch]}")  # fmt: skip
        measured = np.asarray(spectrum_db, np.float32)
        expectation = self._expecter(context, generator)
        comparison = self._comparer(
            measured, expectation, self.watch, self.decision.fusion, self.range_bin_m
        )
        return measured, expectation, comparison

    def _heatmap(
        self,
        measured_db: NDArray[np.float32],
        expectation: Expectation,
        comparison: Comparison,
    ) -> NDArray[np.float32]:
        if self.decision.novelty is None:
            return comparison.heatmap
        # as the alarm is decided: who stands or sits there is not expected either, but did not fall
        body = upright_body(measured_db, self.range_bin_m, expectation.surface_m)
        return np.asarray(body.cells * self.decision.novelty.lying(body.low_share), np.float32)

    def _places(
        self, heatmap: NDArray[np.float32], comparison: Comparison, state: AlarmState
    ) -> Peaks:
        told = self.decision
        found = peaks(
            heatmap,
            self.range_bin_m,
            told.peak_least,
            told.peak_count,
            told.peak_apart_m,
            is_upright(self.watch),
        )
        if state is AlarmState.ANOMALY and not len(found.confidence):
            upright = is_upright(self.watch)
            return peaks(comparison.heatmap, self.range_bin_m, _LEAST_TOLD, 1, upright=upright)
        return found


_PARAMETERS = {"samples": "draws", "steps": "draw_steps"}
"""What the card calls them, and what the node."""


def _caution(expecter: Expecter, decision: Decision) -> str:
    """Other draws score otherwise."""
    chosen = {name: decision.about[name] for name in ("samples", "steps") if name in decision.about}
    own = {name: getattr(expecter, name) for name in chosen}
    if own == chosen:
        return ""
    words = [
        ", ".join(f"{_PARAMETERS[name]} {value}" for name, value in one.items())
        for one in (chosen, own)
    ]
    return (
        f"thresholds were chosen with {words[0]}, not with {words[1]}: alarms may be false or "
        "missing; set the same, or choose anew with panoradar decide mmanomaly"
    )
