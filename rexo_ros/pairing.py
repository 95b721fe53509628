"""Heatmaps of several radars together: what belongs to one time, and what is missing.

The radars need not be triggered together. The first of them that is alive and has enough frames in
a row leads: when one of its frames arrives, the frames of the others that are nearest in time go
with it. One lost frame is put up with, for a moment of more nothing is told; a radar that is silent
or loses frames for longer, or whose clock is elsewhere, is left out, and why is told.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rexo_ros.space import Space

_GAP = 2.5
"""Periods from a frame to the next, from which on they are not consecutive: one may be lost."""


@dataclass(frozen=True)
class Window:
    """Consecutive heatmaps of all views that belong together.

    Attributes:
        power: (view, frame, row, column); NaN throughout a view that is missing.
        time_s: of the newest frame of the view that leads.
        missing: why each of the views is missing that are, by name.
    """

    power: NDArray[np.float32]
    time_s: float
    missing: dict[str, str]


class ViewPairs:
    """Puts the views' heatmaps together.

    Args:
        space: names the views.
        frames: consecutive heatmaps of a view.
        period_s: from frame to frame of a radar.
        silent_s: a radar without enough frames for this long is left out.

    Raises:
        ValueError: a number is not positive.
    """

    def __init__(self, space: Space, frames: int, period_s: float, silent_s: float = 0.5) -> None:
        if frames < 1 or not period_s > 0 or not silent_s > 0:
            raise ValueError(
                f"frames, period_s and silent_s must be positive: {frames}, {period_s}, {silent_s}"
            )
        self._space, self._frames = space, frames
        self._period_s, self._silent_s = period_s, silent_s
        self._kept: dict[str, deque[tuple[float, NDArray[np.float32]]]] = {
            view: deque(maxlen=2 * frames) for view in space.views
        }
        self._arrived_s: dict[str, float] = {}
        self._went_back: set[str] = set()
        self._joined_s: dict[str, float] = {}
        self._began_s: float | None = None
        self._told_s = -np.inf

    def add(
        self, view: str, heatmap: NDArray[np.float32], time_s: float, now_s: float
    ) -> Window | None:
        """Take a heatmap.

        Args:
            view: whose it is.
            heatmap: (row, column).
            time_s: when the radar saw it, by its stamp.
            now_s: when it arrived, of one clock for all views.

        Returns:
            What belongs together, if this view leads.
        """
        kept = self._kept[view]
        self._arrived_s[view] = now_s
        if kept and time_s <= kept[-1][0]:  # a bag was begun anew, or this radar's clock is wrong
            kept.clear()
            self._went_back.add(view)
        kept.append((time_s, heatmap))
        if self._ending(view, len(kept)) is not None:
            self._went_back.discard(view)
        self._began_s = now_s if self._began_s is None else self._began_s
        if view != self._leader(now_s):
            return None
        if 0 <= self._told_s - time_s < self._silent_s:
            return None  # another led before, with a frame from after this one
        parts: dict[str, NDArray[np.float32]] = {}
        missing = {}
        for name in self._space.views:
            found = self._near(name, time_s, now_s)
            if not isinstance(found, str):
                parts[name] = found
                self._joined_s[name] = now_s
            elif now_s - self._joined_s.get(name, self._began_s) <= self._silent_s:
                return None  # it was there just now
            else:
                missing[name] = found
        self._told_s = time_s
        shape = (self._frames, *heatmap.shape)
        blank = np.full(shape, np.nan, np.float32)
        power = np.stack([parts.get(name, blank) for name in self._space.views])
        return Window(power, time_s, missing)

    def reset(self) -> None:
        """Forget everything."""
        for kept in self._kept.values():
            kept.clear()
        self._arrived_s.clear()
        self._went_back.clear()
        self._joined_s.clear()
        self._began_s = None
        self._told_s = -np.inf

    def problem(self, now_s: float) -> str:
        """Why nothing is told; empty while a view leads.

        Args:
            now_s: of the same clock as in :meth:`add`.
        """
        if self._leader(now_s):
            return ""
        reasons = []
        for view in self._space.views:
            silent = self._silent(view, now_s)
            reasons.append(f"{view} radar: {silent or self._gaps(view)}")
        return "; ".join(reasons)

    def _leader(self, now_s: float) -> str:
        """The first view that is alive and has enough frames without a gap; empty: none."""
        for view in self._space.views:
            whole = self._ending(view, len(self._kept[view])) is not None
            if whole and not self._silent(view, now_s):
                return view
        return ""

    def _silent(self, view: str, now_s: float) -> str:
        if view not in self._arrived_s:
            return "no frame has come"
        since_s = now_s - self._arrived_s[view]
        return f"no frame for {since_s:.1f} s" if since_s > self._silent_s else ""

    def _near(self, view: str, time_s: float, now_s: float) -> NDArray[np.float32] | str:
        """(frame, row, column) of a view that end nearest to a time, or why there are none."""
        if silent := self._silent(view, now_s):
            return silent
        apart_s = [abs(time - time_s) for time, _ in self._kept[view]]
        nearest = int(np.argmin(apart_s))
        # half a period off at most; a whole one while the nearest is under way
        if apart_s[nearest] > 1.25 * self._period_s:
            off_s = self._kept[view][-1][0] - time_s
            why = "are the clocks of both computers synchronised?"
            if abs(off_s) < self._silent_s:
                why = "is the computer too slow?"
            return f"its stamps are {off_s:+.2f} s off: {why}"
        found = self._ending(view, nearest + 1)
        return self._gaps(view) if found is None else found

    def _gaps(self, view: str) -> str:
        """Why frames that come are not enough."""
        if view in self._went_back:
            return "its stamps stand still or go back: is its clock right?"
        times = [time for time, _ in self._kept[view]]
        longest_s = max((after - before for before, after in pairwise(times)), default=0.0)
        if longest_s > _GAP * self._period_s:
            return (
                f"frames are missing: up to {longest_s:.2f} s from one to the next, "
                f"{self._period_s:.2f} s are expected"
            )
        return f"{len(times)} of {self._frames} frames have come"

    def _ending(self, view: str, end: int) -> NDArray[np.float32] | None:
        """Consecutive heatmaps before place ``end`` of those kept; None if there are not enough."""
        chosen = list(self._kept[view])[max(0, end - self._frames) : end]
        gaps = (after - before for (before, _), (after, _) in pairwise(chosen))
        if len(chosen) < self._frames or any(gap > _GAP * self._period_s for gap in gaps):
            return None
        return np.stack([heatmap for _, heatmap in chosen])
