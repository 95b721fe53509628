"""Rotations of point reflectors by direct summation, independent of the simulator."""

from collections.abc import Callable

import numba
import numpy as np
import pytest

from mmwave.waveform import SPEED_OF_LIGHT_MPS, AntennaArray, Waveform
from panoradar_ros.imaging.rotation import Rotation

ROTOR_RAD_S = 2 * np.pi * 2


@numba.njit(parallel=True, cache=True)
def _add_tones(samples, gain, path, wavenumber):
    for p in numba.prange(len(path)):
        for n in range(len(wavenumber)):
            samples[p, n, 0] += gain[p] * np.cos(path[p] * wavenumber[n])
            samples[p, n, 1] += gain[p] * np.sin(path[p] * wavenumber[n])


def synthesise(
    reflectors: list[tuple[float, float, float, float]],
    velocity_mps: tuple[float, float] = (0.0, 0.0),
    *,
    direction: int = 1,
    noise_counts: float = 1.0,
    margin_rad: float = np.deg2rad(40),
    seed: int = 0,
    waveform: Waveform | None = None,
    yaw_rate_radps: float = 0.0,
) -> Rotation:
    """Exact IF samples of (x, y, z, amplitude) reflectors; TDM timing and frame gaps included.

    The velocity is in world axes; base_link starts on them at time 0.
    """
    waveform, array = waveform or Waveform(), AntennaArray()
    rng = np.random.default_rng(seed)
    count = int((2 * np.pi + 2 * margin_rad) / ROTOR_RAD_S * waveform.positions_per_s) + 64
    frame, loop = np.divmod(np.arange(count), waveform.loops_per_frame)
    time_s = frame * waveform.frame_period_s + waveform.position_offsets_s[loop]
    azimuth = direction * (ROTOR_RAD_S * time_s - margin_rad - 0.02)
    samples = rng.normal(0, noise_counts, (count, 8, 256, 2))
    for x, y, z, amplitude in reflectors:
        for transmitter, late_s in enumerate(waveform.transmitter_offsets_s):
            when = time_s + late_s
            boresight = azimuth + direction * ROTOR_RAD_S * late_s + yaw_rate_radps * when
            dx = x - array.radius_m * np.cos(boresight) - velocity_mps[0] * when
            dy = y - array.radius_m * np.sin(boresight) - velocity_mps[1] * when
            distance = np.sqrt(dx**2 + dy**2 + z**2)
            elevation = np.arcsin(z / distance)
            off = (np.arctan2(dy, dx) - boresight + np.pi) % (2 * np.pi) - np.pi
            gain = amplitude * array.two_way_gain(off, elevation)
            for receiver in range(4):
                antenna = transmitter * 4 + receiver
                path = distance - array.heights_m[antenna] * np.sin(elevation)
                wavenumber = 4 * np.pi * waveform.sample_hz / SPEED_OF_LIGHT_MPS
                _add_tones(samples[:, antenna], gain, path, wavenumber)
    return Rotation(
        np.rint(samples).astype(np.int16),
        np.ones((count, 8), bool),
        time_s,
        azimuth,
        1_700_000_000_000_000_000,
        0.0,
        waveform,
    )


@pytest.fixture
def rotation_of() -> Callable[..., Rotation]:
    return synthesise


def reflector_cloud(seed: int, count: int = 120) -> list[tuple[float, float, float, float]]:
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(-np.pi, np.pi, count)
    distance = rng.uniform(1.0, 8.0, count)
    height = rng.uniform(-0.8, 1.2, count)
    amplitude = rng.uniform(50, 400, count)
    return list(
        zip(
            distance * np.cos(azimuth),
            distance * np.sin(azimuth),
            height,
            amplitude,
            strict=True,
        )
    )


@pytest.fixture
def cloud_of() -> Callable[..., list[tuple[float, float, float, float]]]:
    return reflector_cloud
