"""From the samples of one live radar to its heatmaps: lost chirps, and time that goes back."""

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.lost_chirps import whole_frame
from mmwave.waveform import Waveform
from rexo_ros.heatmaps import ROOM_WAVEFORM, HeatmapMaker, HeatmapSettings
from rexo_ros.space import Space


class RadarView:
    """Heatmaps of one radar, frame after frame.

    Args:
        space: the room.
        view: that the radar's antennas lie along.
        waveform: that the networks know.
        settings: of the heatmaps.
    """

    def __init__(
        self,
        space: Space,
        view: str,
        waveform: Waveform = ROOM_WAVEFORM,
        settings: HeatmapSettings | None = None,
    ) -> None:
        self._make = HeatmapMaker(space, view, waveform, settings)
        self._last_s = -np.inf

    def __call__(self, block: PositionBlock) -> tuple[NDArray[np.float32] | None, float]:
        """A frame's heatmap.

        Args:
            block: a whole frame of samples.

        Returns:
            (row, column) power, None where too much of the frame was lost; the frame's time.

        Raises:
            ValueError: the frame is not whole, or of another waveform.
        """
        remedy = "the networks need the chirps of config/rexo_radars.yaml"
        frame = whole_frame(block, self._make.waveform, remedy)
        time_s = float(block.time_ns[0]) * 1e-9
        if time_s <= self._last_s:  # a bag was begun anew
            self._make.clutter.reset()
        self._last_s = time_s
        return None if frame is None else self._make(frame, time_s), time_s
