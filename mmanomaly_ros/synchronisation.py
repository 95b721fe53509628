"""Frames of the radar and the camera's images of the same time, or why there are none.

The radar leads: each of its frames is told once, in order, with the colour and the depth image that
are nearest in time. A frame waits a while for its images; what does not come, comes late or is
stamped by another clock is told in words, so that nothing is judged by an image of another time.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

Frame = TypeVar("Frame")

IMAGES = ("colour", "depth")
KEPT = 32
"""Images kept of a kind: a second of a camera of 30 Hz."""

CLOCK_S = 0.15
"""By which stamps of images may be ahead of the radar's, against when both arrive: what the radar's
frames may take longer to come. Stamps that are behind cannot be told from images that take long,
up to the patience."""

_AT_ONCE = 1 / 3
"""Share of the tolerance within which the next image need not be waited for."""


@dataclass(frozen=True)
class Together(Generic[Frame]):
    """A frame of the radar with its images.

    Attributes:
        frame: of the radar.
        time_s: its stamp.
        images: by kind; only those within the tolerance.
        apart_s: from the frame to the farthest of its images, positive if the image is later; NaN
            where one is missing.
        problem: what is missing and why; empty if nothing is.
    """

    frame: Frame
    time_s: float
    images: dict[str, Any]
    apart_s: float
    problem: str


@dataclass(frozen=True)
class _Kept:
    time_s: float
    arrived_s: float
    content: Any


class Synchroniser(Generic[Frame]):
    """Puts frames and images together by their stamps. Not safe between threads.

    Args:
        tolerance_s: an image farther from a frame is of another time.
        patience_s: a frame waits as long for its images.
        silent_s: a camera without an image for this long is silent.

    Raises:
        ValueError: a number is not positive, or the patience is less than the tolerance.
    """

    def __init__(
        self, tolerance_s: float = 0.06, patience_s: float = 0.3, silent_s: float = 1.0
    ) -> None:
        if not (tolerance_s > 0 and patience_s > 0 and silent_s > 0):
            raise ValueError(
                f"tolerance_s, patience_s and silent_s must be positive: {tolerance_s}, "
                f"{patience_s}, {silent_s}"
            )
        if patience_s < tolerance_s:
            raise ValueError(
                f"patience_s must be at least tolerance_s = {tolerance_s}, got {patience_s}"
            )
        self._tolerance_s, self._patience_s = tolerance_s, patience_s
        self._silent_s = silent_s
        self._images: dict[str, deque[_Kept]] = {kind: deque(maxlen=KEPT) for kind in IMAGES}
        self._frames: deque[_Kept] = deque()
        self._newest_s = -np.inf
        self._offsets_s: deque[float] = deque(maxlen=KEPT)

    def add_image(self, kind: str, image: Any, time_s: float, now_s: float) -> None:
        """Take an image.

        Args:
            kind: one of :data:`IMAGES`.
            image: handed out again as it is.
            time_s: its stamp.
            now_s: when it arrived, of one clock for all.
        """
        kept = self._images[kind]
        if kept and time_s < kept[-1].time_s:  # a bag was begun anew, or two cameras publish
            kept.clear()
        kept.append(_Kept(time_s, now_s, image))

    def add_frame(self, frame: Frame, time_s: float, now_s: float) -> None:
        """Take a frame of the radar; arguments as of :meth:`add_image`."""
        if time_s < self._newest_s:  # a bag was begun anew; images of its beginning may be here
            self._frames.clear()
            self._offsets_s.clear()
            for kept in self._images.values():
                of_now = [one for one in kept if one.time_s <= time_s + self._patience_s]
                kept.clear()
                kept.extend(of_now)
        self._newest_s = time_s
        self._offsets_s.append(time_s - now_s)
        self._frames.append(_Kept(time_s, now_s, frame))

    def take(self, now_s: float) -> list[Together[Frame]]:
        """Frames that need not wait any more, oldest first.

        Args:
            now_s: of the same clock as above.
        """
        told: list[Together[Frame]] = []
        while self._frames and self._decided(self._frames[0], now_s):
            told.append(self._together(self._frames.popleft(), now_s))
        return told

    def reset(self) -> None:
        """Forget everything."""
        for kept in (*self._images.values(), self._frames):
            kept.clear()
        self._offsets_s.clear()
        self._newest_s = -np.inf

    def _decided(self, frame: _Kept, now_s: float) -> bool:
        if now_s - frame.arrived_s >= self._patience_s:
            return True
        # with a camera that is silent nothing is worth waiting for
        return any(self._silent(kind, now_s) for kind in IMAGES if self._images[kind]) or all(
            self._has_come(kind, frame.time_s) for kind in IMAGES
        )

    def _has_come(self, kind: str, time_s: float) -> bool:
        """Whether no image to come can be much nearer."""
        kept = self._images[kind]
        if not kept:
            return False
        nearest = self._nearest(kind, time_s)
        near = abs(nearest.time_s - time_s) <= _AT_ONCE * self._tolerance_s
        return near or kept[-1].time_s >= time_s

    def _nearest(self, kind: str, time_s: float) -> _Kept:
        return min(self._images[kind], key=lambda one: abs(one.time_s - time_s))

    def _together(self, frame: _Kept, now_s: float) -> Together[Frame]:
        images: dict[str, Any] = {}
        apart_s: list[float] = []
        problems = []
        for kind in IMAGES:
            if problem := self._problem(kind, frame.time_s, now_s):
                problems.append(problem)
                continue
            nearest = self._nearest(kind, frame.time_s)
            images[kind] = nearest.content
            apart_s.append(nearest.time_s - frame.time_s)
        if not all(self._images.values()):
            problems[-1] += ": does the camera's driver run, are its topics remapped?"
        whole = len(apart_s) == len(IMAGES)
        return Together(
            frame.content,
            frame.time_s,
            images,
            max(apart_s, key=abs) if whole else float("nan"),
            "; ".join(problems),
        )

    def _problem(self, kind: str, time_s: float, now_s: float) -> str:
        kept = self._images[kind]
        if not kept:
            return f"no {kind} image has come"
        # stamps against arrivals, of what came fastest: a busy computer is no clock that is off
        ahead_s = max(one.time_s - one.arrived_s for one in kept) - max(self._offsets_s)
        if ahead_s > CLOCK_S:
            return (
                f"the {kind} image is {ahead_s:+.2f} s off the radar's frame, by when both come: "
                "are the clocks of camera and radar synchronised?"
            )
        off_s = self._nearest(kind, time_s).time_s - time_s
        if abs(off_s) <= self._tolerance_s:
            return ""
        return self._silent(kind, now_s) or self._apart(kind, off_s)

    def _silent(self, kind: str, now_s: float) -> str:
        since_s = now_s - self._images[kind][-1].arrived_s
        return f"no {kind} image for {since_s:.1f} s" if since_s > self._silent_s else ""

    def _apart(self, kind: str, off_s: float) -> str:
        why = "does the camera make too few images, or is the computer too slow?"
        if abs(off_s) > self._patience_s:
            why = "are the clocks of camera and radar synchronised, or do images come late?"
        return (
            f"the {kind} image is {off_s:+.2f} s off the radar's frame, "
            f"{1e3 * self._tolerance_s:.0f} ms are allowed: {why}"
        )
