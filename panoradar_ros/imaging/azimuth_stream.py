"""Frames brought to the even grid of azimuth as they come.

As :mod:`panoradar_ros.imaging.resampling` does for a whole turn: every chirp is spread to the ten
points of the grid around it. A point is complete when no later chirp reaches it, five points after
the boresight passed it (4 ms at 2 rev/s); what is not complete waits for the next frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.pair_kernels import antenna_pairs
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import WIDEST_SHARE, RangeProfiles
from panoradar_ros.imaging.resampling import AzimuthGrid, spreading_weights
from panoradar_ros.imaging.sector_kernels import spread_antennas

SETTLED_CHANGE_MPS, UNSETTLED_CHANGE_MPS = 0.1, 0.6
"""While a window passes the velocity may turn out to differ by so much from what was known when its
first position came."""


@dataclass(frozen=True)
class GridPiece:
    """Consecutive points of the grid that became complete.

    Attributes:
        pairs: (point, 2, half, 2, range) of :func:`~.pair_kernels.antenna_pairs`.
        time_s: (point,) when the boresight passed.
        azimuth_rad: (point,) unwrapped azimuth in base_link.
    """

    pairs: NDArray[np.float32]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]


@dataclass(frozen=True)
class StreamPositions:
    """Positions of the newest frames.

    Attributes:
        time_s: (position,).
        turned_rad: (position,) unwrapped azimuth in base_link, in the sense of the turntable.
        weight: (position,) share of valid antennas.
        azimuth_share: (position,) azimuth that each stands for, in points of the grid.
    """

    time_s: NDArray[np.float64]
    turned_rad: NDArray[np.float64]
    weight: NDArray[np.float64]
    azimuth_share: NDArray[np.float64]

    def joined(self, other: "StreamPositions") -> "StreamPositions":
        """These and later ones."""
        return StreamPositions(
            *(np.concatenate([getattr(one, name) for one in (self, other)]) for name in _COLUMNS)
        )

    def since(self, turned_rad: float) -> "StreamPositions":
        """Those from an azimuth on."""
        first = int(np.searchsorted(self.turned_rad, turned_rad))
        return StreamPositions(*(getattr(self, name)[first:] for name in _COLUMNS))


_COLUMNS = ("time_s", "turned_rad", "weight", "azimuth_share")


class AzimuthStream:
    """Spreads the chirps of frames that follow each other.

    Args:
        azimuths: the grid; point m lies at m steps from azimuth zero, in the sense of the
            turntable.
        middle_cosine: of the elevations that beams are formed at.

    Attributes:
        positions: of the newest frames.
    """

    def __init__(self, azimuths: AzimuthGrid, middle_cosine: float) -> None:
        self.azimuths = azimuths
        self.positions: StreamPositions | None = None
        self._middle_cosine = middle_cosine
        self._next_point = 0
        self._unfinished = np.empty((0, 0, 0), np.complex64)  # (antenna, point, range)
        self._last_received_rad: float | None = None

    def forget_before(self, turned_rad: float) -> None:
        """Drop positions before an azimuth, in the sense of the turntable."""
        if self.positions is not None:
            self.positions = self.positions.since(turned_rad)

    def add(
        self,
        profiles: RangeProfiles,
        motion: PlanarMotion,
        array: AntennaArray,
        waveform: Waveform,
        direction: int,
        settled: bool = True,
    ) -> GridPiece:
        """Spread the chirps of one frame.

        Args:
            profiles: all positions of the frame.
            motion: of the robot, in the time of the profiles.
            array: antenna array.
            waveform: when the transmitters sample, and when the next frame begins.
            direction: +1 counter-clockwise, -1 clockwise.
            settled: False where the robot's velocity may be quite another. Then all positions count
                alike: that those beside a gap stand for more of the azimuth helps beams that are in
                focus, and misleads what is to be learned from beams that are not.

        Returns:
            The points that no later chirp reaches; possibly none.
        """
        step, reach = self.azimuths.step_rad, self.azimuths.taps // 2
        turned = direction * profiles.azimuth_rad
        speed_rad_s, next_s = _what_follows(profiles, waveform)
        next_rad = turned[-1] + speed_rad_s * (next_s - profiles.time_s[-1])
        share = self._share(turned, profiles.weight, next_rad, settled)
        added = StreamPositions(profiles.time_s, turned, profiles.weight, share)
        if self.positions is None:
            self._next_point = int(np.ceil(turned[0] / step)) + reach
            antennas, bins = profiles.spectrum.shape[1:]
            self._unfinished = np.empty((antennas, 0, bins), np.complex64)
            self.positions = added
        else:
            self.positions = self.positions.joined(added)
        late_s = waveform.transmitter_offsets_s - waveform.transmitter_offsets_s.mean()
        first_later = (next_rad + speed_rad_s * late_s.min()) / step
        complete = max(int(np.floor(first_later)) - reach + 1 - self._next_point, 0)
        last_point = int(np.floor((turned[-1] + speed_rad_s * late_s.max()) / step)) + reach
        carried = self._unfinished.shape[1]
        reached = max(last_point + 1 - self._next_point, complete, carried)
        points = np.arange(self._next_point, self._next_point + reached)
        grid_turned = points.astype(np.float64) * step
        inside_s = np.interp(grid_turned, self.positions.turned_rad, self.positions.time_s)
        grid_s = inside_s + np.maximum(grid_turned - turned[-1], 0) / speed_rad_s
        first, weight = spreading_weights(
            profiles,
            share,
            waveform.transmitter_offsets_s,
            motion,
            array,
            self.azimuths,
            grid_s,
            direction * grid_turned,
            self._middle_cosine,
            SETTLED_CHANGE_MPS if settled else UNSETTLED_CHANGE_MPS,
        )
        antennas, bins = profiles.spectrum.shape[1:]
        gridded = np.zeros((antennas, len(points), bins), np.complex64)
        gridded[:, :carried] = self._unfinished
        spread_antennas(profiles.spectrum, first, weight, gridded)
        pairs = np.empty((complete, 2, (antennas + 1) // 2, 2, bins), np.float32)
        antenna_pairs(gridded, 0, complete, pairs)
        self._unfinished = gridded[:, complete:].copy()
        self._next_point += complete
        return GridPiece(pairs, grid_s[:complete], direction * grid_turned[:complete])

    def _share(
        self,
        turned: NDArray[np.float64],
        weight: NDArray[np.float64],
        next_rad: float,
        settled: bool,
    ) -> NDArray[np.float64]:
        """:meth:`RangeProfiles.azimuth_share` of a frame between its neighbours.

        The next frame is not there yet: it is taken to begin when it should, with a position that
        is received.
        """
        received = np.flatnonzero(weight > 0)
        usual = np.median(np.diff(turned))
        share = np.zeros(len(turned))
        if len(received):
            before = [] if self._last_received_rad is None else [self._last_received_rad]
            around = np.concatenate([before, turned[received], [next_rad]])
            width = np.gradient(around)[len(before) : -1]
            share[received] = np.minimum(width, WIDEST_SHARE * usual) if settled else usual
            self._last_received_rad = float(turned[received[-1]])
        return share / self.azimuths.step_rad


def _what_follows(profiles: RangeProfiles, waveform: Waveform) -> tuple[float, float]:
    """Mean speed of the turntable in a frame, positive, and when the next frame begins."""
    time_s, azimuth_rad = profiles.time_s, profiles.azimuth_rad
    speed_rad_s = abs(azimuth_rad[-1] - azimuth_rad[0]) / (time_s[-1] - time_s[0])
    offsets_s = waveform.position_offsets_s
    pause_s = waveform.frame_period_s - (offsets_s[-1] - offsets_s[0])
    return float(speed_rad_s), float(profiles.time_s[-1] + pause_s)
