"""The chirp and the antenna array: one place for every number that comes from the radar's settings.

Timing of one frame (TDM-MIMO, two transmitters take turns)::

    frame m                                             gap          frame m+1
    |<------------------- loops_per_frame ------------>|<---->|
    | loop 0      | loop 1      | ... | loop L-1       |      | loop 0 ...
    | TX0  | TX1  | TX0  | TX1  |
    |idle ramp|idle ramp|

One *position* is one loop: every virtual antenna measured once. Its time is the middle of the
loop's sampling, so transmitter ``k`` samples at ``position time + transmitter_offsets_s[k]``.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SPEED_OF_LIGHT_MPS = 299_792_458.0


_SAME = 1e-4


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True)
class Waveform:
    """FMCW chirps in TDM-MIMO frames. The defaults are the rotating radar's.

    The sweep is the one PanoRadar published (77 to 81 GHz, 79.951 MHz/us, 256 complex samples at
    5.12 Msps; Lai et al. 2024, section 7). Sampling starts with the ramp, so that the whole sweep
    stays inside the 77-81 GHz band; the first samples, taken while the synthesiser settles, lie
    under the zero of the range window.

    Raises:
        ValueError: a value is not positive, or a time does not fit in the time that contains it.
    """

    start_hz: float = 77.0e9
    slope_hz_per_s: float = 79.951e12
    sample_rate_hz: float = 5.12e6
    samples_per_chirp: int = 256
    adc_start_s: float = 0.0
    ramp_end_s: float = 50.0e-6
    idle_s: float = 145.0e-6
    loops_per_frame: int = 64
    frame_period_s: float = 26.25e-3
    transmitters: int = 2
    receivers: int = 4

    def differences(self, other: "Waveform") -> list[str]:
        """What is not as in another one, to a ten-thousandth: texts that name both values."""
        return [
            f"{one.name} = {getattr(self, one.name)} instead of {getattr(other, one.name)}"
            for one in fields(self)
            if not np.isclose(getattr(self, one.name), getattr(other, one.name), rtol=_SAME, atol=0)
        ]

    def __post_init__(self) -> None:
        for name in (
            "start_hz",
            "slope_hz_per_s",
            "sample_rate_hz",
            "samples_per_chirp",
            "ramp_end_s",
            "loops_per_frame",
            "frame_period_s",
            "transmitters",
            "receivers",
        ):
            value = getattr(self, name)
            _require(np.isfinite(value) and value > 0, f"{name} must be positive, got {value}")
        _require(self.adc_start_s >= 0, f"adc_start_s must not be negative, got {self.adc_start_s}")
        _require(self.idle_s >= 0, f"idle_s must not be negative, got {self.idle_s}")
        needed_s = self.adc_start_s + self.sampling_s
        _require(
            needed_s <= self.ramp_end_s * (1 + 1e-9),
            f"sampling ends {needed_s:.3e} s into the ramp, "
            f"after ramp_end_s = {self.ramp_end_s:.3e}",
        )
        _require(
            self.active_s <= self.frame_period_s,
            f"{self.loops_per_frame} loops take {self.active_s:.4e} s, "
            f"longer than frame_period_s = {self.frame_period_s:.4e}",
        )

    @property
    def sampling_s(self) -> float:
        """Time the ADC samples in one chirp."""
        return self.samples_per_chirp / self.sample_rate_hz

    @property
    def chirp_interval_s(self) -> float:
        """From the start of one chirp to the start of the next (idle and ramp)."""
        return self.idle_s + self.ramp_end_s

    @property
    def loop_interval_s(self) -> float:
        """From one position to the next inside a frame."""
        return self.transmitters * self.chirp_interval_s

    @property
    def active_s(self) -> float:
        """Time of a frame that carries loops; the rest of the period is the gap."""
        return self.loops_per_frame * self.loop_interval_s

    @property
    def bandwidth_hz(self) -> float:
        """Sampled bandwidth."""
        return self.slope_hz_per_s * self.sampling_s

    @property
    def range_bin_m(self) -> float:
        """Spacing of the range FFT bins without zero padding, c / (2 B)."""
        return SPEED_OF_LIGHT_MPS / (2 * self.bandwidth_hz)

    @property
    def max_range_m(self) -> float:
        """Range of the last bin of complex sampling."""
        return self.range_bin_m * self.samples_per_chirp

    @property
    def first_sample_hz(self) -> float:
        """Transmitted frequency at the first ADC sample."""
        return self.start_hz + self.slope_hz_per_s * self.adc_start_s

    @property
    def center_hz(self) -> float:
        """Transmitted frequency in the middle of the sampling (between the two middle samples)."""
        return self.first_sample_hz + self.slope_hz_per_s * (self.samples_per_chirp - 1) / (
            2 * self.sample_rate_hz
        )

    @property
    def wavelength_m(self) -> float:
        """Wavelength at :attr:`center_hz`."""
        return SPEED_OF_LIGHT_MPS / self.center_hz

    @property
    def virtual_antennas(self) -> int:
        """Transmitters times receivers; virtual antenna = transmitter * receivers + receiver."""
        return self.transmitters * self.receivers

    @property
    def bytes_per_frame(self) -> int:
        """Size of a frame on the wire: complex int16 samples."""
        return self.loops_per_frame * self.virtual_antennas * self.samples_per_chirp * 4

    @property
    def positions_per_s(self) -> float:
        """Mean rate of positions, the gap included."""
        return self.loops_per_frame / self.frame_period_s

    @cached_property
    def sample_hz(self) -> NDArray[np.float64]:
        """Transmitted frequency at each ADC sample, shape (sample,)."""
        return self.first_sample_hz + self.slope_hz_per_s * np.arange(
            self.samples_per_chirp, dtype=np.float64
        ) / (self.sample_rate_hz)

    @cached_property
    def position_offsets_s(self) -> NDArray[np.float64]:
        """Time of each position after the frame's start, shape (loop,)."""
        middle_s = (
            self.idle_s
            + self.adc_start_s
            + self.sampling_s / 2
            + self.chirp_interval_s * (self.transmitters - 1) / 2
        )
        return middle_s + self.loop_interval_s * np.arange(self.loops_per_frame, dtype=np.float64)

    @cached_property
    def transmitter_offsets_s(self) -> NDArray[np.float64]:
        """When each transmitter samples, relative to its position's time, shape (transmitter,)."""
        return self.chirp_interval_s * (
            np.arange(self.transmitters, dtype=np.float64) - (self.transmitters - 1) / 2
        )


@dataclass(frozen=True)
class AntennaArray:
    """A vertical line of virtual antennas on a rotating arm.

    Seen from the side, index 0 at the bottom::

        7 o     virtual spacing (half a wavelength of the default waveform): antenna 4 + r is
        6 o     receiver r with the second transmitter
        : :
        0 o     with the round-trip factor 4 pi / lambda the same array has half the spacing, which
                is what heights_m holds

    The element pattern is a Gaussian beam in azimuth and elevation; its widths are one-way, full
    width at half power. 30 degrees in azimuth is Lai et al. 2024, section 4.

    Raises:
        ValueError: a value is not positive.
    """

    antennas: int = 8
    wavelength_m: float = Waveform().wavelength_m
    spacing_m: float = Waveform().wavelength_m / 2
    radius_m: float = 0.08
    azimuth_beamwidth_rad: float = np.deg2rad(30.0)
    elevation_beamwidth_rad: float = np.deg2rad(70.0)

    def __post_init__(self) -> None:
        for name in (
            "antennas",
            "wavelength_m",
            "spacing_m",
            "azimuth_beamwidth_rad",
            "elevation_beamwidth_rad",
        ):
            value = getattr(self, name)
            _require(np.isfinite(value) and value > 0, f"{name} must be positive, got {value}")
        _require(self.radius_m >= 0, f"radius_m must not be negative, got {self.radius_m}")

    @cached_property
    def heights_m(self) -> NDArray[np.float64]:
        """Height above the array's middle under the round-trip factor, shape (antenna,)."""
        return (np.arange(self.antennas) - (self.antennas - 1) / 2) * self.spacing_m / 2

    def at_wavelength(self, wavelength_m: float) -> "AntennaArray":
        """The same antennas used at another wavelength."""
        return replace(self, wavelength_m=wavelength_m)

    @property
    def wavenumber_rad_per_m(self) -> float:
        """Round-trip wavenumber 4 pi / lambda: IF phase per metre of one-way distance."""
        return 4 * np.pi / self.wavelength_m

    def two_way_gain(
        self, azimuth_rad: NDArray[np.floating], elevation_rad: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Two-way voltage gain (= one-way power gain) relative to boresight, same shape as the
        inputs.

        Args:
            azimuth_rad: angle from boresight in the horizontal plane, in [-pi, pi].
            elevation_rad: angle above the horizontal plane.
        """
        exponent = (azimuth_rad / self.azimuth_beamwidth_rad) ** 2 + (
            elevation_rad / self.elevation_beamwidth_rad
        ) ** 2
        return np.exp(-4 * np.log(2) * exponent)
