"""Range spectra of the positions that beams are formed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmwave.spectrum import as_complex, range_spectrum
from panoradar_ros.imaging.rotation import Positions, Rotation

WIDEST_SHARE = 8.0
"""Largest share of azimuth a position stands for: beside a long hole none decides alone."""

LEAKAGE_BINS = 16
"""Range bins that the leakage's main and side lobes reach, about 60 cm."""


@dataclass(frozen=True)
class RangeProfiles:
    """Range spectra of the positions that are used for beams.

    Attributes:
        spectrum: (position, antenna, range) complex64; zero where not valid.
        weight: (position,) share of valid antennas, 0..1.
        time_s: (position,) float64, the middle of the transmitters' turns.
        azimuth_rad: (position,) float64, unwrapped boresight azimuth in base_link at that time.
    """

    spectrum: NDArray[np.complex64]
    weight: NDArray[np.float64]
    time_s: NDArray[np.float64]
    azimuth_rad: NDArray[np.float64]

    @property
    def direction(self) -> int:
        """+1 where the azimuth increases, -1 where it decreases."""
        return 1 if self.azimuth_rad[-1] > self.azimuth_rad[0] else -1

    def azimuth_share(self) -> NDArray[np.float64]:
        """Azimuth that each position stands for, half way to its neighbours, over the median.

        A beam is an integral over azimuth (Lai et al. 2024, equation 3 is one over time). A sum
        over positions leaves out the gaps between frames and what was lost, which puts side lobes
        of -27 dB beside every reflector; with the positions at a gap's ends standing for it they
        are 40 dB down. Positions without a valid antenna stand for nothing.

        Returns:
            (position,) 0..WIDEST_SHARE.
        """
        received = np.flatnonzero(self.weight > 0)
        share = np.zeros(len(self.weight))
        if len(received) > 1:
            width = np.abs(np.gradient(self.azimuth_rad[received]))
            share[received] = np.minimum(width / np.median(width), WIDEST_SHARE)
        return share


def range_profiles(
    rotation: Rotation | Positions,
    leakage: NDArray[np.complex64] | None = None,
    decimation: int = 1,
    workers: int = 1,
    window: NDArray[np.float32] | None = None,
) -> RangeProfiles:
    """Range FFT of every ``decimation``-th position, the leakage taken off the bins it is in.

    Only the bins near zero range (on both sides of it) are corrected: farther out the mean chirp
    holds no leakage, but a trace of every strong reflector, which would come back as a ring.

    Args:
        rotation: one turn, or the positions of one frame.
        leakage: (antenna, sample) complex mean chirp, in ADC counts.
        decimation: 1 keeps all positions.
        workers: threads of the FFT.
        window: (sample,) over a chirp's samples; without it Hann's.

    Raises:
        ValueError: decimation is not positive.
    """
    if decimation < 1:
        raise ValueError(f"decimation must be at least 1, got {decimation}")
    used = slice(None, None, decimation)
    spectrum = range_spectrum(as_complex(rotation.samples[used]), workers, window)
    valid = rotation.valid[used]
    if leakage is not None:
        mean = range_spectrum(leakage, window=window)
        for near in (slice(None, LEAKAGE_BINS), slice(-LEAKAGE_BINS // 4, None)):
            spectrum[..., near] -= mean[:, near]
    if not valid.all():
        spectrum[~valid] = 0
    late_s = float(np.mean(rotation.waveform.transmitter_offsets_s))
    speed_rad_s = np.gradient(rotation.azimuth_rad, rotation.time_s)
    return RangeProfiles(
        spectrum,
        valid.mean(axis=1),
        rotation.time_s[used] + late_s,
        (rotation.azimuth_rad + speed_rad_s * late_s)[used],
    )
