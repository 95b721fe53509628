"""Who is who from frame to frame: a Kalman filter for everybody, and the cheapest assignment.

A track's state is where somebody stands (horizontal, depth) and how fast they go; their size is
smoothed beside it. Detections are given to tracks by the squared distance in units of what is
expected of it (Mahalanobis), those that cost least together (Kuhn 1955). A track is told once it
was seen a few times, and kept over a gap.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from rexo_ros.space import DEPTH, HORIZONTAL

GROUND = [HORIZONTAL, DEPTH]
"""Axes that somebody walks along."""

BACK_S = 0.25
"""Time that goes back by more has begun anew."""

_NEVER = 1e6


@dataclass(frozen=True)
class TrackerSettings:
    """How people are followed.

    Attributes:
        acceleration_mps2: standard deviation of how somebody's speed changes.
        position_m: standard deviation of a detection's place.
        speed_mps: standard deviation of a newcomer's speed.
        gate: largest squared distance of a detection from its track, in variances; 99 % of those of
            two numbers are below 9.21.
        seen: detections until a track is told.
        gap_s: time without a detection after which a track ends.
        trial_s: the same for one that was not seen often enough to be told.
        smoothing: share of a new size in a track's.

    Raises:
        ValueError: a number is out of its range.
    """

    acceleration_mps2: float = 1.5
    position_m: float = 0.15
    speed_mps: float = 1.0
    gate: float = 9.21
    seen: int = 3
    gap_s: float = 1.0
    trial_s: float = 0.25
    smoothing: float = 0.2

    def __post_init__(self) -> None:
        for name in (
            "acceleration_mps2",
            "position_m",
            "speed_mps",
            "gate",
            "seen",
            "gap_s",
            "trial_s",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 < self.smoothing <= 1:
            raise ValueError(f"smoothing must be over 0 and at most 1, got {self.smoothing}")


@dataclass
class Track:
    """Somebody.

    Attributes:
        number: the same as long as they are followed, never given twice.
        state: (4,) horizontal and depth in metres, then their speeds.
        covariance: (4, 4) of the state.
        vertical_m: vertical coordinate of the middle of the box.
        size_m: (3,) of the box.
        score: of the last detection.
        seen: detections so far.
        last_s: time of the last detection.
    """

    number: int
    state: NDArray[np.float64]
    covariance: NDArray[np.float64]
    vertical_m: float
    size_m: NDArray[np.float64]
    score: float
    seen: int
    last_s: float

    @property
    def box_m(self) -> NDArray[np.float64]:
        """(6,) centre and size."""
        return np.array([self.state[0], self.vertical_m, self.state[1], *self.size_m])

    @property
    def velocity_mps(self) -> NDArray[np.float64]:
        """(3,) horizontal, vertical, depth."""
        return np.array([self.state[2], 0.0, self.state[3]])


@dataclass
class Tracker:
    """Follows people; ``update`` takes the frames in order.

    Attributes:
        settings: see there.
        tracks: everybody, also those that are not told yet.
    """

    settings: TrackerSettings = field(default_factory=TrackerSettings)
    tracks: list[Track] = field(default_factory=list)
    _next: int = 1
    _time_s: float | None = None

    def update(
        self, boxes_m: NDArray[np.floating], scores: NDArray[np.floating], time_s: float
    ) -> list[Track]:
        """Take the detections of a frame.

        Args:
            boxes_m: (N, 6) centre and size.
            scores: (N,).
            time_s: of the frame. A little before the last one's, as where another radar leads,
                counts as the same time; further back everybody is forgotten: a bag was begun anew.

        Returns:
            Tracks that were seen often enough, those of this frame and those in a gap.

        Raises:
            ValueError: there is not one score a box.
        """
        if len(boxes_m) != len(scores):
            raise ValueError(f"{len(boxes_m)} boxes have {len(scores)} scores")
        if self._time_s is not None and self._time_s - BACK_S <= time_s < self._time_s:
            time_s = self._time_s
        if self._time_s is not None and time_s < self._time_s:
            self.tracks = []
        elif self._time_s is not None:
            self._end_old(time_s)  # before they are predicted far and wide
            for track in self.tracks:
                self._predict(track, time_s - self._time_s)
        self._time_s = time_s
        boxes = np.asarray(boxes_m, np.float64).reshape(-1, 6)
        pairs = self._assign(boxes[:, GROUND])
        for track, number in pairs:
            self._correct(track, boxes[number], float(scores[number]), time_s)
        taken = {number for _, number in pairs}
        for number in sorted(set(range(len(boxes))) - taken):
            self.tracks.append(self._begin(boxes[number], float(scores[number]), time_s))
        self._end_old(time_s)
        return [track for track in self.tracks if track.seen >= self.settings.seen]

    def _end_old(self, time_s: float) -> None:
        self.tracks = [one for one in self.tracks if time_s - one.last_s <= self._patience_s(one)]

    def _patience_s(self, track: Track) -> float:
        told = track.seen >= self.settings.seen
        return self.settings.gap_s if told else self.settings.trial_s

    def _predict(self, track: Track, passed_s: float) -> None:
        forward = np.eye(4)
        forward[:2, 2:] = passed_s * np.eye(2)
        push = np.vstack([passed_s**2 / 2 * np.eye(2), passed_s * np.eye(2)])
        noise = self.settings.acceleration_mps2**2 * push @ push.T
        track.state = forward @ track.state
        track.covariance = forward @ track.covariance @ forward.T + noise

    def _assign(self, places_m: NDArray[np.float64]) -> list[tuple[Track, int]]:
        """Tracks and the numbers of the detections that are theirs."""
        if not len(self.tracks) or not len(places_m):
            return []
        cost = np.stack([self._distance(track, places_m) for track in self.tracks])
        allowed = cost <= self.settings.gate
        rows, columns = linear_sum_assignment(np.where(allowed, cost, _NEVER))
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(self.tracks[row], column) for row, column in pairs if allowed[row, column]]

    def _distance(self, track: Track, places_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) squared distances in variances."""
        expected = track.covariance[:2, :2] + self.settings.position_m**2 * np.eye(2)
        off = places_m - track.state[:2]
        return np.einsum("ni,ij,nj->n", off, np.linalg.inv(expected), off)

    def _correct(
        self, track: Track, box_m: NDArray[np.float64], score: float, time_s: float
    ) -> None:
        measured = self.settings.position_m**2 * np.eye(2)
        gain = track.covariance[:, :2] @ np.linalg.inv(track.covariance[:2, :2] + measured)
        track.state = track.state + gain @ (box_m[GROUND] - track.state[:2])
        kept = np.eye(4)
        kept[:, :2] -= gain
        # Joseph's form: stays symmetric and positive
        track.covariance = kept @ track.covariance @ kept.T + gain @ measured @ gain.T
        share = self.settings.smoothing
        track.size_m = (1 - share) * track.size_m + share * box_m[3:]
        track.vertical_m = float((1 - share) * track.vertical_m + share * box_m[1])
        track.score, track.seen, track.last_s = score, track.seen + 1, time_s

    def _begin(self, box_m: NDArray[np.float64], score: float, time_s: float) -> Track:
        wanted = self.settings
        state = np.concatenate([box_m[GROUND], np.zeros(2)])
        covariance = np.diag([wanted.position_m**2] * 2 + [wanted.speed_mps**2] * 2)
        number, self._next = self._next, self._next + 1
        return Track(number, state, covariance, float(box_m[1]), box_m[3:].copy(), score, 1, time_s)
