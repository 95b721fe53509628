"""Successive turns past point reflectors, with all that a calibration has to find out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.rotation import Rotation

MARGIN_RAD = np.deg2rad(31)


@dataclass(frozen=True)
class Miscalibrated:
    """What is wrong with a radar."""

    gain: tuple[complex, ...] = (1.0,) * 8
    rate_ratio: float = 1.0
    offset_rad: float = 0.0
    direction: int = 1
    counted_revolutions_per_s: float = 2.0


def receive(
    points: Scatterers, turns: float, wrong: Miscalibrated, noise_counts: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Waveform]:
    """Whole frames of samples, their times, and the azimuths that the turntable says."""
    waveform, array = Waveform(), AntennaArray()
    rate_rad_s = 2 * np.pi * wrong.counted_revolutions_per_s * wrong.direction
    frames = int(np.ceil(turns / wrong.counted_revolutions_per_s / waveform.frame_period_s))
    time_s = waveform.frame_period_s * np.arange(frames)[:, None] + waveform.position_offsets_s
    time_s = time_s.ravel()
    each_s = time_s[:, None] + waveform.transmitter_offsets_s
    first_rad = -wrong.direction * MARGIN_RAD
    truth = wrong.rate_ratio * (rate_rad_s * each_s + first_rad) + wrong.offset_rad
    still = np.zeros_like(each_s)
    track = AntennaTrack.from_pose(each_s, truth, (still, still, still), array.radius_m, 0.0)
    signal = synthesize(points, track, waveform, array) * np.array(wrong.gain)[:, None]
    samples = np.stack([signal.real, signal.imag], axis=-1)
    samples += np.random.default_rng(seed).normal(0, noise_counts / np.sqrt(2), samples.shape)
    return np.rint(samples).astype(np.int16), time_s, rate_rad_s * time_s + first_rad, waveform


def successive(
    points: Scatterers,
    turns: int,
    wrong: Miscalibrated | None = None,
    noise_counts: float = 16.6,
    seed: int = 0,
) -> list[Rotation]:
    """Turns as the assembler would cut them."""
    wrong = wrong or Miscalibrated()
    samples, time_s, azimuth, waveform = receive(points, turns + 0.3, wrong, noise_counts, seed)
    rotations = []
    for turn in range(turns):
        start = wrong.direction * 2 * np.pi * turn
        away = wrong.direction * (azimuth - start)
        used = (away >= -MARGIN_RAD) & (away <= 2 * np.pi + MARGIN_RAD)
        used |= np.roll(used, -1) | np.roll(used, 1)
        used[[0, -1]] &= [turn == 0, False]
        index = np.flatnonzero(used)
        rotations.append(
            Rotation(
                samples[index],
                np.ones((len(index), 8), bool),
                time_s[index] - time_s[index[0]],
                azimuth[index],
                round(time_s[index[0]] * 1e9),
                float(start),
                waveform,
            )
        )
    return rotations


def room(seed: int, count: int = 200) -> Scatterers:
    """Weak points all around, 1.2 to 8 m away."""
    rng = np.random.default_rng(seed)
    azimuth, distance = rng.uniform(-np.pi, np.pi, count), rng.uniform(1.2, 8, count)
    places = [distance * np.cos(azimuth), distance * np.sin(azimuth), rng.uniform(-1, 1, count)]
    area_m2 = rng.uniform(1e-3, 0.1, count)
    return Scatterers.points(np.stack(places, 1), area_m2, phase_rad=rng.uniform(0, 6, count))


def corner(range_m: float, azimuth_rad: float, elevation_rad: float = 0.0) -> Scatterers:
    """A trihedral of 10 cm: 29 square metres."""
    flat_m = range_m * np.cos(elevation_rad)
    place = [
        flat_m * np.cos(azimuth_rad),
        flat_m * np.sin(azimuth_rad),
        range_m * np.sin(elevation_rad),
    ]
    return Scatterers.points(np.array([place]), 29.0)


@pytest.fixture
def miscalibrated() -> type[Miscalibrated]:
    return Miscalibrated


@pytest.fixture
def turns_of() -> Callable[..., list[Rotation]]:
    return successive


@pytest.fixture
def frames_of() -> Callable[..., tuple]:
    return receive


@pytest.fixture
def room_of() -> Callable[..., Scatterers]:
    return room


@pytest.fixture
def corner_at() -> Callable[..., Scatterers]:
    return corner
