"""The state of the alarm: it takes time to switch on and off, and what is not known is said so."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class AlarmState(StrEnum):
    """What is said of a scene."""

    NORMAL = "normal"
    ANOMALY = "anomaly"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AlarmSettings:
    """When the alarm switches.

    Attributes:
        on_threshold: scores above it speak for an anomaly.
        off_threshold: scores below it end one; at most on_threshold.
        rise_frames: so many above in a row switch the alarm on.
        fall_frames: so many calm frames in a row switch it off, or make the unknown normal.

    Raises:
        ValueError: thresholds are not in order or no numbers, or frames are less than 1.
    """

    on_threshold: float
    off_threshold: float
    rise_frames: int = 1
    fall_frames: int = 5

    def __post_init__(self) -> None:
        if not -np.inf < self.off_threshold <= self.on_threshold < np.inf:
            raise ValueError(
                f"off_threshold {self.off_threshold} must be at most on_threshold "
                f"{self.on_threshold}, both finite"
            )
        if min(self.rise_frames, self.fall_frames) < 1:
            raise ValueError(
                f"rise_frames {self.rise_frames} and fall_frames {self.fall_frames} must be at "
                "least 1"
            )


class Alarm:
    """Switches with hysteresis.

    Nothing is normal before it has been calm for some frames: not at the beginning, and not after
    something was wrong. An alarm outlives the time in which nothing is known.

    Args:
        settings: see there.

    Attributes:
        state: after the last frame.
        problem: of the last frame, "" if there was none.
    """

    def __init__(self, settings: AlarmSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything, as at the beginning."""
        self.state = AlarmState.UNKNOWN
        self.problem = ""
        self._alarmed = False
        self._above = self._calm = 0

    def update(self, score: float, problem: str = "") -> AlarmState:
        """Take one frame in.

        Args:
            score: of the frame; one that is no number is a problem.
            problem: why the frame cannot be judged, "" if it can.

        Returns:
            ``unknown`` whenever there is a problem, and until it is long enough past.
        """
        self.problem = problem or ("" if np.isfinite(score) else "no score yet")
        if self.problem:
            self._above = self._calm = 0
            self.state = AlarmState.UNKNOWN
            return self.state
        settings = self.settings
        self._above = self._above + 1 if score > settings.on_threshold else 0
        calm = score < settings.off_threshold if self._alarmed else score <= settings.on_threshold
        self._calm = self._calm + 1 if calm else 0
        if self._above >= settings.rise_frames:
            self._alarmed = True
        if self._calm >= settings.fall_frames:
            self._alarmed = False
            self.state = AlarmState.NORMAL
        elif self._alarmed:
            self.state = AlarmState.ANOMALY
        return self.state
