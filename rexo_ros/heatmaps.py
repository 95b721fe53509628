"""From raw samples of a fixed radar to heatmaps: range, Doppler, angle, and onto the room's axes.

Yataka et al. 2026, section 3: Fourier transforms over samples, chirps and antennas; powers are
summed over Doppler, and the polar picture is drawn into Cartesian axes. What stands still is taken
off before (see :mod:`mmwave.fixed_array`).
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from mmwave.fixed_array import StaticClutter, doppler_window, steering, transmitter_turn
from mmwave.spectrum import range_spectrum
from mmwave.waveform import Waveform
from rexo_ros.space import DEPTH, Space

ROOM_WAVEFORM = Waveform(
    start_hz=77.0e9,
    slope_hz_per_s=50.0e12,
    sample_rate_hz=5.0e6,
    samples_per_chirp=128,
    ramp_end_s=40.0e-6,
    idle_s=60.0e-6,
    loops_per_frame=32,
    frame_period_s=50.0e-3,
)
"""Chirps for a room: bins of 11.7 cm to 15 m, speeds to 4.8 m/s in steps of 0.3, 20 frames/s."""


@dataclass(frozen=True)
class HeatmapSettings:
    """How heatmaps are made.

    Attributes:
        angles: lateral sines that are looked at, from -1 to 1.
        forgetting_s: time after which what stands still is a third forgotten (1 / e of it is left).
        most_sine: beyond it nothing is drawn: antennas see little there.

    Raises:
        ValueError: a number is out of its range.
    """

    angles: int = 64
    forgetting_s: float = 2.0
    most_sine: float = 0.95

    def __post_init__(self) -> None:
        if self.angles < 2:
            raise ValueError(f"angles must be at least 2, got {self.angles}")
        if not self.forgetting_s > 0:
            raise ValueError(f"forgetting_s must be positive, got {self.forgetting_s}")
        if not 0 < self.most_sine <= 1:
            raise ValueError(f"most_sine must be over 0 and at most 1, got {self.most_sine}")


class HeatmapMaker:
    """Makes heatmaps of one radar's frames, in order.

    Args:
        space: the room.
        view: which of its lateral axes the radar's antennas lie along, their first at the low end.
        waveform: of the radar.
        settings: see there.
    """

    def __init__(
        self,
        space: Space,
        view: str,
        waveform: Waveform = ROOM_WAVEFORM,
        settings: HeatmapSettings | None = None,
    ) -> None:
        self.space, self.view, self.waveform = space, view, waveform
        self.settings = settings if settings is not None else HeatmapSettings()
        self.clutter = StaticClutter(self.settings.forgetting_s)
        self._bins = _bins_in_reach(space, view, waveform)
        self._steering = steering(waveform.virtual_antennas, self.settings.angles)
        self._doppler_window = doppler_window(waveform.loops_per_frame)
        self._turn = transmitter_turn(waveform)
        self._places = polar_places(space, view, waveform.range_bin_m, self._bins, self.settings)

    def __call__(self, frame: NDArray[np.complex64], time_s: float) -> NDArray[np.float32]:
        """The heatmap of a frame.

        Args:
            frame: (loop, antenna, sample) IF samples; antenna = transmitter * receivers + receiver.
            time_s: of the frame.

        Returns:
            (row, column) power in the squared unit of the samples; 0 where the radar does not look.

        Raises:
            ValueError: the frame is of another waveform, see also
                :meth:`mmwave.fixed_array.StaticClutter.remove`.
        """
        wave = self.waveform
        shape = (wave.loops_per_frame, wave.virtual_antennas, wave.samples_per_chirp)
        if frame.shape != shape:
            raise ValueError(f"frames must be {shape}, got {frame.shape}")
        spectra = range_spectrum(np.asarray(frame, np.complex64))[..., : self._bins]
        moving = self.clutter.remove(spectra, time_s)
        return self.draw(polar_power(moving, self._doppler_window, self._turn, self._steering))

    def draw(self, polar: NDArray[np.float32]) -> NDArray[np.float32]:
        """(angle, range) powers in the room's axes, between neighbours by their distance."""
        corners, weights = self._places
        flat = polar.reshape(-1)
        return np.asarray((flat[corners] * weights).sum(axis=0), np.float32)


def _bins_in_reach(space: Space, view: str, waveform: Waveform) -> int:
    """Range bins up to the farthest corner of the heatmap."""
    farthest = np.hypot(np.abs(space.lateral_m(view)).max(), space.high_m[DEPTH])
    return min(waveform.samples_per_chirp, int(np.ceil(farthest / waveform.range_bin_m)) + 2)


def polar_power(
    spectra: NDArray[np.complex64],
    window: NDArray[np.float32],
    turn: NDArray[np.complex64],
    weights: NDArray[np.complex64],
) -> NDArray[np.float32]:
    """Power by angle and range, summed over Doppler.

    Args:
        spectra: (loop, antenna, range).
        window: (loop,) see :func:`mmwave.fixed_array.doppler_window`.
        turn: (doppler, antenna), see :func:`mmwave.fixed_array.transmitter_turn`.
        weights: (angle, antenna), see :func:`mmwave.fixed_array.steering`.

    Returns:
        (angle, range).
    """
    doppler = scipy.fft.fft(spectra * window[:, None, None], axis=0)
    beams = np.matmul(weights, doppler * turn[..., None])
    return np.asarray((beams.real**2 + beams.imag**2).sum(axis=0), np.float32)


def polar_places(
    space: Space, view: str, range_bin_m: float, bins: int, settings: HeatmapSettings
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For every pixel of a heatmap, the four cells of the polar picture about it.

    Args:
        space: the room.
        view: name of the view.
        range_bin_m: from one bin to the next.
        bins: of range.
        settings: angles and where nothing is drawn.

    Returns:
        (4, row, column) numbers of the cells in (angle, range), and their weights.
    """
    lateral_m, depth_m = np.meshgrid(space.lateral_m(view), space.depth_m())
    range_m = np.hypot(lateral_m, depth_m)
    sine = lateral_m / np.maximum(range_m, 1e-9)
    angle = (sine + 1) / 2 * (settings.angles - 1)
    place = range_m / range_bin_m
    seen = (np.abs(sine) <= settings.most_sine) & (place <= bins - 1) & (depth_m > 0)
    low_angle = np.clip(np.floor(angle), 0, settings.angles - 2).astype(np.int32)
    low_bin = np.clip(np.floor(place), 0, bins - 2).astype(np.int32)
    over_angle, over_bin = angle - low_angle, place - low_bin
    corners, weights = [], []
    for up in (0, 1):
        for on in (0, 1):
            corners.append((low_angle + up) * bins + low_bin + on)
            share = (over_angle if up else 1 - over_angle) * (over_bin if on else 1 - over_bin)
            weights.append(np.where(seen, share, 0.0))
    return np.stack(corners).astype(np.int32), np.stack(weights).astype(np.float32)
