"""From the samples of one live radar to its heatmaps: lost chirps, and time that goes back."""

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000 import PositionBlock
from mmwave.spectrum import as_complex
from mmwave.waveform import Waveform
from rexo_ros.heatmaps import ROOM_WAVEFORM, HeatmapMaker, HeatmapSettings
from rexo_ros.space import Space

LOST_SHARE = 0.25
"""A frame that lost more of its samples, or an antenna altogether, makes no heatmap."""


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
        if wrong := block.waveform.differences(self._make.waveform):
            raise ValueError(
                f"the radar was configured with {', '.join(wrong)}: the networks need the chirps "
                "of config/rexo_radars.yaml"
            )
        time_s = float(block.time_ns[0]) * 1e-9
        if time_s <= self._last_s:  # a bag was begun anew
            self._make.clutter.reset()
        self._last_s = time_s
        lost_antenna = not block.valid.any(axis=0).all()
        if lost_antenna or 1 - block.valid.mean() > LOST_SHARE:
            return None, time_s
        return self._make(filled(as_complex(block.samples), block.valid), time_s), time_s


def filled(frame: NDArray[np.complex64], valid: NDArray[np.bool_]) -> NDArray[np.complex64]:
    """A frame whose lost chirps are those of the same antenna that are nearest in time.

    Zeros would make of everything that stands still something that flickers.

    Args:
        frame: (loop, antenna, sample).
        valid: (loop, antenna); an antenna of which nothing arrived stays as it is.
    """
    if valid.all():
        return frame
    result = frame.copy()
    for antenna in np.flatnonzero(~valid.all(axis=0)):
        there = np.flatnonzero(valid[:, antenna])
        lost = np.flatnonzero(~valid[:, antenna])
        if len(there):
            nearest = there[np.abs(lost[:, None] - there).argmin(axis=1)]
            result[lost, antenna] = frame[nearest, antenna]
    return result
