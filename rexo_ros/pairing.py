"""Heatmaps of several radars together: what belongs to one time, and what is missing.

The radars need not be triggered together. The first of them that is alive leads: when one of its
frames arrives, the frames of the others that are nearest in time go with it. A radar that is
silent, or whose clock is elsewhere, is left out, and why is told.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rexo_ros.space import Space


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
        silent_s: a radar without a frame for this long is left out.

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
            What belongs together, if this view leads and has enough frames without a gap.
        """
        kept = self._kept[view]
        if kept and time_s <= kept[-1][0]:  # a bag was begun anew
            self.reset()
        self._kept[view].append((time_s, heatmap))
        self._arrived_s[view] = now_s
        if view != self._leader(now_s):
            return None
        own = self._newest(view, time_s)
        if own is None:
            return None
        power = np.full((len(self._space.views), *own.shape), np.nan, np.float32)
        missing = {}
        for number, name in enumerate(self._space.views):
            if name == view:
                power[number] = own
            elif (why := self._why_missing(name, time_s, now_s)) is not None:
                missing[name] = why
            else:
                other = self._newest(name, time_s + self._period_s)
                if other is None:
                    missing[name] = "frames are missing"
                else:
                    power[number] = other
        return Window(power, time_s, missing)

    def reset(self) -> None:
        """Forget everything."""
        for kept in self._kept.values():
            kept.clear()
        self._arrived_s.clear()

    def _leader(self, now_s: float) -> str:
        alive = [view for view in self._space.views if self._alive(view, now_s)]
        return alive[0]  # the one that a frame arrived of just now, at least

    def _alive(self, view: str, now_s: float) -> bool:
        return now_s - self._arrived_s.get(view, -np.inf) <= self._silent_s

    def _why_missing(self, view: str, time_s: float, now_s: float) -> str | None:
        if view not in self._arrived_s:
            return "no frame has come"
        if not self._alive(view, now_s):
            return f"no frame for {now_s - self._arrived_s[view]:.1f} s"
        apart_s = min(abs(time - time_s) for time, _ in self._kept[view])
        # the nearest of two frames is half a period off; one that is under way makes it a whole one
        if apart_s > 1.5 * self._period_s:
            newest_s = self._kept[view][-1][0]
            return (
                f"its stamps are {newest_s - time_s:+.2f} s off: are the clocks of both "
                "computers synchronised?"
            )
        return None

    def _newest(self, view: str, until_s: float) -> NDArray[np.float32] | None:
        """(frame, row, column) of a view up to a time; None if they are not consecutive."""
        kept = [(time, heatmap) for time, heatmap in self._kept[view] if time <= until_s]
        chosen = kept[-self._frames :]
        if len(chosen) < self._frames:
            return None
        longest_s = (self._frames - 1) * self._period_s * 1.5
        if chosen[-1][0] - chosen[0][0] > longest_s:
            return None
        return np.stack([heatmap for _, heatmap in chosen])
