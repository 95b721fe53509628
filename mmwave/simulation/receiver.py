"""The analogue half of the simulated radar: link budget, leakage, thermal noise, ADC."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from mmwave.waveform import SPEED_OF_LIGHT_MPS, Waveform

BOLTZMANN_J_PER_K = 1.380649e-23
FULL_SCALE_COUNTS = 32767.0


@dataclass(frozen=True)
class LinkBudget:
    """Levels from the transmitter to the ADC. Powers in dBm, gains in dB.

    The defaults are an AWR1843's published transmit power (12 dBm) and noise figure (15 dB) at a
    receiver gain of 30 dB, printed patch antennas of 10 dBi, and an ADC that clips a sine at
    1 V peak to peak in 50 ohm (+4 dBm).

    Attributes:
        transmit_dbm: power into the transmit antenna.
        antenna_gain_dbi: gain of one antenna at boresight, the same for transmitter and receiver.
        noise_figure_db: of the whole receiver.
        receiver_gain_db: from the receive antenna to the ADC.
        full_scale_dbm: power of a complex sinusoid at the ADC whose amplitude is 32767 counts.
        temperature_k: noise temperature of the antenna.
        leakage_db: power that leaks from a transmit into a receive antenna, relative to
            transmit_dbm.
        leakage_path_m: one-way length of that path, (nearest, farthest) antenna pair.
        leakage_drift: relative size of its slow change with temperature.
    """

    transmit_dbm: float = 12.0
    antenna_gain_dbi: float = 10.0
    noise_figure_db: float = 15.0
    receiver_gain_db: float = 30.0
    full_scale_dbm: float = 4.0
    temperature_k: float = 290.0
    leakage_db: float = -55.0
    leakage_path_m: tuple[float, float] = (0.05, 0.08)
    leakage_drift: float = 0.02

    def __post_init__(self) -> None:
        if not self.temperature_k > 0:
            raise ValueError(f"temperature_k must be positive, got {self.temperature_k}")
        if not 0 <= self.leakage_drift < 1:
            raise ValueError(f"leakage_drift must be in 0..1, got {self.leakage_drift}")

    def received_dbm(
        self,
        waveform: Waveform,
        radar_cross_section_m2: NDArray[np.floating] | float,
        distance_m: NDArray[np.floating] | float,
    ) -> NDArray[np.floating]:
        """Power at the receive antenna's port by the radar equation, at boresight.

        P_r = P_t G^2 lambda^2 sigma / ((4 pi)^3 R^4) (Skolnik, Radar Handbook, chapter 1).
        """
        linear = (
            waveform.wavelength_m**2
            * np.asarray(radar_cross_section_m2)
            / ((4 * np.pi) ** 3 * np.asarray(distance_m, np.float64) ** 4)
        )
        return self.transmit_dbm + 2 * self.antenna_gain_dbi + 10 * np.log10(linear)

    def counts_at_port(self, port_dbm: NDArray[np.floating] | float) -> NDArray[np.floating]:
        """Amplitude in ADC counts of a complex sinusoid of this power at the antenna's port."""
        at_adc_dbm = np.asarray(port_dbm) + self.receiver_gain_db
        return FULL_SCALE_COUNTS * 10 ** ((at_adc_dbm - self.full_scale_dbm) / 20)

    def counts(
        self,
        waveform: Waveform,
        radar_cross_section_m2: NDArray[np.floating] | float,
        distance_m: NDArray[np.floating] | float,
    ) -> NDArray[np.floating]:
        """Amplitude in ADC counts of a reflector at boresight."""
        square_root = np.sqrt(np.asarray(radar_cross_section_m2, np.float64))
        one_square_metre = self.counts_at_port(self.received_dbm(waveform, 1.0, 1.0))
        return one_square_metre * square_root / np.asarray(distance_m, np.float64) ** 2

    def noise_counts(self, waveform: Waveform) -> float:
        """RMS of the complex thermal noise in ADC counts, k T B F in the sampled bandwidth."""
        noise_w = BOLTZMANN_J_PER_K * self.temperature_k * waveform.sample_rate_hz
        noise_dbm = 10 * np.log10(noise_w * 1e3) + self.noise_figure_db
        return float(self.counts_at_port(noise_dbm))


def leakage(
    budget: LinkBudget,
    waveform: Waveform,
    drift_turns: NDArray[np.floating],
    seed: int,
) -> NDArray[np.complex64]:
    """Direct coupling from the transmitters into the receivers.

    One strong return a virtual antenna at its own short path with its own phase and level, all
    fixed by the seed; amplitude and phase drift slowly, as with temperature.

    Args:
        budget: levels.
        waveform: chirp.
        drift_turns: (position,) state of the drift in turns; 0 and 1 are the same state, so that a
            drive played in a loop has no seam.
        seed: device.

    Returns:
        (position, antenna, sample) in ADC counts.
    """
    generator = np.random.default_rng([seed, 1])
    antennas = waveform.virtual_antennas
    path_m = generator.uniform(*budget.leakage_path_m, antennas)
    level_db = generator.uniform(-3, 3, antennas)
    phase_rad = generator.uniform(0, 2 * np.pi, antennas)
    lag = generator.uniform(0, 1, antennas)
    amplitude = budget.counts_at_port(budget.transmit_dbm + budget.leakage_db + level_db)
    phase = 4 * np.pi * np.outer(path_m, waveform.sample_hz) / SPEED_OF_LIGHT_MPS
    steady = amplitude[:, None] * np.exp(1j * (phase + phase_rad[:, None]))
    state = 2 * np.pi * (np.asarray(drift_turns)[:, None] + lag)
    change = 1 + budget.leakage_drift * np.exp(1j * state)
    return (change[..., None] * steady).astype(np.complex64)


@njit(cache=True, nogil=True, parallel=True)
def _quantise(signal: Any, noise: Any, result: Any) -> None:
    for p in prange(signal.shape[0]):
        for a in range(signal.shape[1]):
            for n in range(signal.shape[2]):
                value = signal[p, a, n]
                for part in range(2):
                    level = (value.real if part == 0 else value.imag) + noise[p, a, n, part]
                    result[p, a, n, part] = np.int16(min(max(np.rint(level), -32768.0), 32767.0))


def receive(
    signal: NDArray[np.complex64],
    budget: LinkBudget,
    waveform: Waveform,
    generator: np.random.Generator,
) -> NDArray[np.int16]:
    """Add thermal noise and digitise with saturation.

    Args:
        signal: (position, antenna, sample) in ADC counts, leakage included.
        budget: levels.
        waveform: chirp.
        generator: source of the noise.

    Returns:
        (position, antenna, sample, 2) int16, last axis (I, Q).
    """
    noise = generator.standard_normal((*signal.shape, 2), dtype=np.float32)
    noise *= np.float32(budget.noise_counts(waveform) / np.sqrt(2))
    result = np.empty(noise.shape, np.int16)
    _quantise(signal, noise, result)
    return result
