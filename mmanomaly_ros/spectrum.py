"""From raw samples of the watching radar to spectra: three pictures of one frame, in decibels.

A spectrum is float32 (channel, range, column), see :data:`CHANNELS`:

* ``range_azimuth``: power of the whole return by range and lateral sine (right is positive),
  averaged over the frame's loops;
* ``moving_azimuth``: the same of what does not stand still;
* ``range_doppler``: power of what does not stand still by range and radial speed (moving away is
  positive), summed over the antennas.

Row i is range ``i * range_bin_m``; the transmitters' leakage fills the first rows of the first
channel. Values are decibels over the calibrated noise floor: pure thermal noise has a mean power of
0 dB in every channel.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from mmanomaly_ros.watch import ANGLES, RANGES, SPEEDS
from mmwave.fixed_array import StaticClutter, doppler_window, steering, transmitter_turn
from mmwave.spectrum import range_spectrum, range_window
from mmwave.waveform import Waveform

WATCH_WAVEFORM = Waveform(
    start_hz=77.0e9,
    slope_hz_per_s=71.2e12,
    sample_rate_hz=2.56e6,
    samples_per_chirp=RANGES,
    ramp_end_s=52.0e-6,
    idle_s=70.0e-6,
    loops_per_frame=SPEEDS,
    frame_period_s=0.1,
)
"""Chirps to watch one person or a small room: bins of 4.21 cm to 5.39 m, speeds to 3.9 m/s in steps
of 0.12, 10 frames/s. Sampling starts with the ramp, as the rotating radar's does."""

CHANNELS = ("range_azimuth", "moving_azimuth", "range_doppler")
FLOOR_DB = -10.0
CEILING_DB = 70.0
_LEVELS = 255

LEARNED_FRAMES = 6
"""After a beginning: until as many were looked at, what stands still is not known."""

NOISE_COUNTS = 11.77056
"""RMS of complex thermal noise in ADC counts: k T B F of an AWR1843 (noise figure 15 dB, receiver
gain 30 dB, 290 K) in the bandwidth of WATCH_WAVEFORM, with full scale at 4 dBm. The simulated
radar's is the same; of a real one see :func:`measured_noise_counts`."""


@dataclass(frozen=True)
class SpectrumSettings:
    """How spectra are made.

    Attributes:
        forgetting_s: time after which the weight of what stood still has fallen to 1 / e.

    Raises:
        ValueError: it is not positive.
    """

    forgetting_s: float = 2.0

    def __post_init__(self) -> None:
        if not self.forgetting_s > 0:
            raise ValueError(f"forgetting_s must be positive, got {self.forgetting_s}")


class SpectrumMaker:
    """Makes spectra of one radar's frames, in order.

    Args:
        waveform: of the radar.
        settings: see there.
        noise_counts: RMS of the radar's complex noise in ADC counts, which becomes 0 dB.

    Raises:
        ValueError: the waveform has not as many samples and loops as a spectrum has rows and
            columns, or the noise is not positive.
    """

    def __init__(
        self,
        waveform: Waveform = WATCH_WAVEFORM,
        settings: SpectrumSettings | None = None,
        noise_counts: float = NOISE_COUNTS,
    ) -> None:
        found = (waveform.samples_per_chirp, waveform.loops_per_frame)
        if found != (RANGES, SPEEDS):
            raise ValueError(
                f"spectra need {RANGES} samples and {SPEEDS} loops, the waveform has {found}"
            )
        self.waveform, self.noise_counts = waveform, noise_counts
        self.settings = settings if settings is not None else SpectrumSettings()
        self._floor = 10 ** (floor_db(waveform, noise_counts) / 10)
        self._clutter = StaticClutter(self.settings.forgetting_s)
        self._turn = transmitter_turn(waveform)[..., None]
        self._window = doppler_window(waveform.loops_per_frame)[:, None, None]
        self._pairs = _pair_weights(waveform)

    def __call__(self, frame: NDArray[np.complex64], time_s: float) -> NDArray[np.float32]:
        """The spectrum of a frame.

        Args:
            frame: (loop, antenna, sample) IF samples in ADC counts; antenna = transmitter *
                receivers + receiver.
            time_s: of the frame; later than that of the frame before.

        Returns:
            (channel, range, column) dB from FLOOR_DB to CEILING_DB. Of the first frame its own mean
            is taken off as what stands still, later what the frames before had in common.

        Raises:
            ValueError: the frame is of another waveform or not finite, or time does not go on.
        """
        wave = self.waveform
        shape = (wave.loops_per_frame, wave.virtual_antennas, wave.samples_per_chirp)
        if np.shape(frame) != shape:
            raise ValueError(f"frames must be {shape}, got {np.shape(frame)}")
        whole = range_spectrum(_finite(frame))
        moving = self._clutter.remove(whole, time_s)
        doppler = scipy.fft.fft(moving * self._window, axis=0, overwrite_x=True)
        window_power = float((self._window**2).sum())
        power = np.stack(
            [
                self._azimuth(scipy.fft.fft(whole, axis=0), wave.loops_per_frame),
                self._azimuth(doppler, window_power),
                _speeds(doppler) / float(self._window.sum()) ** 2,
            ]
        )
        return decibels(power, self._floor)

    def reset(self) -> None:
        """Forget what stands still: time went back, or the radar was moved."""
        self._clutter.reset()

    def _azimuth(self, doppler: NDArray[np.complex64], window_power: float) -> NDArray[np.float64]:
        """(range, sine) power of beams, averaged over the loops with the squared window's weights.

        By Parseval's theorem it is the sum over Doppler, in which the phase that movers gain from
        one transmitter to the other can be turned back. It comes from the antennas' covariance,
        which is far smaller than the beams; in float64, for what a null cancels would be lost.

        Args:
            doppler: (doppler, antenna, range), as the FFT gives it.
            window_power: sum of the squared window.
        """
        turned = (doppler * self._turn).transpose(2, 1, 0).astype(np.complex128)
        covariance = turned @ turned.conj().transpose(0, 2, 1)
        ranges = len(covariance)
        power = (covariance.reshape(ranges, -1) @ self._pairs).real
        return np.asarray(np.maximum(power, 0.0) / (len(doppler) * window_power))


def _pair_weights(waveform: Waveform) -> NDArray[np.complex128]:
    """(antenna * antenna, sine) what a beam's power weighs the covariance of two antennas with."""
    beams = steering(waveform.virtual_antennas, ANGLES).astype(np.complex128)
    return (beams[:, :, None] * beams[:, None, :].conj()).reshape(ANGLES, -1).T.copy()


def _speeds(doppler: NDArray[np.complex64]) -> NDArray[np.float64]:
    """(range, speed) power summed over antennas, standing still in the middle column."""
    power = (doppler.real**2 + doppler.imag**2).sum(axis=1)
    return np.asarray(scipy.fft.fftshift(power, axes=0).T, np.float64)


def _finite(frame: ArrayLike) -> NDArray[np.complex64]:
    samples = np.ascontiguousarray(frame, np.complex64)
    bad = samples.size - np.count_nonzero(np.isfinite(samples))
    if bad:
        raise ValueError(f"samples must be finite: {bad} of {samples.size} are NaN or infinite")
    return samples


def floor_db(
    waveform: Waveform = WATCH_WAVEFORM, noise_counts: float = NOISE_COUNTS
) -> NDArray[np.float64]:
    """(channel,) expected power of thermal noise in dB over one squared count.

    White noise of power s^2 has s^2 sum(h^2) in a range bin of window h, of that sum(w^2) in a beam
    of weights w, and sum(g^2) / sum(g)^2 in each antenna's Doppler bin of window g (Harris 1978,
    Proc. IEEE 66, section IV.B). What the estimate of the still clutter adds is left out: about
    speed 0, at 10 frames/s and 2 s of memory, 0.2 dB after two seconds and 0.07 dB in the end.

    Args:
        waveform: of the radar.
        noise_counts: RMS of the complex noise in ADC counts.

    Raises:
        ValueError: the noise is not a positive number.
    """
    if not (np.isfinite(noise_counts) and noise_counts > 0):
        raise ValueError(f"noise_counts must be positive, got {noise_counts}")
    in_bin = noise_counts**2 * np.sum(range_window(waveform.samples_per_chirp) ** 2.0)
    beam = steering(waveform.virtual_antennas, ANGLES)[0]
    in_beam = in_bin * np.sum(np.abs(beam) ** 2.0)
    window = doppler_window(waveform.loops_per_frame)
    in_speed = in_bin * waveform.virtual_antennas * np.sum(window**2.0) / np.sum(window) ** 2.0
    return 10 * np.log10(np.array([in_beam, in_beam, in_speed], np.float64))


def measured_noise_counts(frame: NDArray[np.complex64]) -> float:
    """RMS of a radar's complex noise, from one frame with whatever is before the radar.

    Differences of neighbouring loops hold twice the noise and nothing that stands still. Of the
    power of noise in a range bin, which is exponentially distributed, the median is ln 2 of the
    mean. The median of that over the farther half of the ranges stands people who move in less than
    half of them.

    Args:
        frame: (loop, antenna, sample) IF samples in ADC counts.

    Raises:
        ValueError: the frame has another number of axes, too few loops or samples, or is not
            finite.
    """
    shape = np.shape(frame)
    if len(shape) != 3 or shape[0] < 2 or shape[1] < 1 or shape[2] < 4:
        raise ValueError(f"a frame is (loop > 1, antenna, sample > 3), got {shape}")
    far = range_spectrum(_finite(frame))[..., shape[2] // 2 :]
    change = np.diff(far, axis=0)
    power = change.real**2 + change.imag**2
    median = np.median(np.median(power, axis=(0, 1)))
    return float(np.sqrt(median / (2 * np.log(2) * np.sum(range_window(shape[2]) ** 2.0))))


def speeds_mps(waveform: Waveform = WATCH_WAVEFORM) -> NDArray[np.float64]:
    """(speed,) radial speeds of range_doppler's columns, moving away positive."""
    doppler_hz = np.fft.fftfreq(waveform.loops_per_frame, waveform.loop_interval_s)
    return np.asarray(scipy.fft.fftshift(doppler_hz) * waveform.wavelength_m / 2)


def decibels(
    power: NDArray[np.floating], floor: NDArray[np.floating] | float
) -> NDArray[np.float32]:
    """Powers (channel, range, column) in dB over floors (channel,), within the two limits."""
    over = power / np.asarray(floor)[..., None, None]
    low, high = 10 ** (FLOOR_DB / 10), 10 ** (CEILING_DB / 10)
    return (10 * np.log10(np.clip(over, low, high))).astype(np.float32)


def to_unit(spectrum_db: ArrayLike) -> NDArray[np.float32]:
    """Decibels as networks see them: FLOOR_DB is -1, CEILING_DB is 1; the same shape."""
    db = np.asarray(spectrum_db, np.float32)
    return np.asarray((db - FLOOR_DB) * (2 / (CEILING_DB - FLOOR_DB)) - 1, np.float32)


def from_unit(unit: ArrayLike) -> NDArray[np.float32]:
    """:func:`to_unit` backwards; what is beyond -1 or 1 is beyond the limits."""
    share = (np.asarray(unit, np.float32) + 1) / 2
    return np.asarray(share * (CEILING_DB - FLOOR_DB) + FLOOR_DB, np.float32)


def quantised(spectrum_db: ArrayLike) -> NDArray[np.uint8]:
    """Decibels in 256 levels from FLOOR_DB to CEILING_DB, 0.31 dB apart, as they are stored."""
    share = (np.asarray(spectrum_db, np.float64) - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
    return np.rint(np.clip(share, 0, 1) * _LEVELS).astype(np.uint8)


def dequantised(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """:func:`quantised` backwards, wrong by half a level at most."""
    share = np.asarray(levels, np.float32) / _LEVELS
    return np.asarray(share * (CEILING_DB - FLOOR_DB) + FLOOR_DB, np.float32)
