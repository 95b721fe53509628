from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from mmwave.dca1000 import PositionBlock
from mmwave.simulation.building import generate_building
from mmwave.simulation.rotation import DriveSimulator, simulate_rotation
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.spectrum import as_complex, range_spectrum
from mmwave.waveform import Waveform
from panoradar_ros.imaging.antenna_health import AntennaMonitor, check_antennas, check_rotation
from panoradar_ros.imaging.rotation import Rotation

WAVEFORM = Waveform()
STYLES = ("office", "school", "laboratory")
SEEDS = range(1, 21)


def at_a_building(seed):
    """Spectra of a turn at the start of the drive, the robot standing."""
    building = generate_building(seed, STYLES[seed % 3])
    simulator = DriveSimulator(building, building.drive_loop(), seed=seed)
    return range_spectrum(as_complex(simulator.still_turn(64)))


@pytest.fixture(scope="module")
def buildings():
    return {seed: at_a_building(seed) for seed in SEEDS}


def exchanged(spectrum, *pairs):
    order = list(range(8))
    for one, other in pairs:
        order[one], order[other] = order[other], order[one]
    return spectrum[:, order]


def uncalibrated(spectrum, seed):
    """Gains within 3 dB and any phases: what an array may have that was never calibrated."""
    rng = np.random.default_rng(seed)
    gain = 10 ** (rng.uniform(-1.5, 1.5, 8) / 20) * np.exp(2j * np.pi * rng.uniform(size=8))
    return spectrum * gain[:, None]


@pytest.mark.parametrize("seed", SEEDS)
def test_healthy_array_in_a_building_is_called_healthy(buildings, seed):
    for spectrum in (buildings[seed], uncalibrated(buildings[seed], seed)):
        health = check_antennas(spectrum, WAVEFORM)
        assert health.problems == ()
        assert health.healthy
        assert health.order_known
    assert np.abs(check_antennas(buildings[seed], WAVEFORM).relative_power_db).max() < 1.5


@pytest.mark.parametrize("seed", SEEDS)
def test_any_two_swapped_antennas_are_named(buildings, seed):
    spectrum = uncalibrated(buildings[seed], seed)
    for one, other in combinations(range(8), 2):
        health = check_antennas(exchanged(spectrum, (one, other)), WAVEFORM)
        assert health.swapped == ((one, other),)
        assert health.problems == (f"virtual antennas {one} and {other} are swapped",)


@pytest.mark.parametrize("seed", SEEDS)
def test_swapped_receivers_and_transmitters_are_named(buildings, seed):
    spectrum = buildings[seed]
    for one, other in combinations(range(4), 2):
        health = check_antennas(exchanged(spectrum, (one, other), (4 + one, 4 + other)), WAVEFORM)
        assert health.problems == (f"receivers {one} and {other} are swapped",)
    health = check_antennas(exchanged(spectrum, (0, 4), (1, 5), (2, 6), (3, 7)), WAVEFORM)
    assert health.problems == ("transmitters 0 and 1 are swapped",)


def noise_only(spectrum, antennas, counts=16.6):
    """What an antenna gives that is not connected: the receiver's noise."""
    rng = np.random.default_rng(7)
    shape = (len(spectrum), len(antennas), 256, 2)
    noise = rng.normal(0, counts / np.sqrt(2), shape).astype(np.float32)
    result = spectrum.copy()
    result[:, antennas] = range_spectrum(noise.view(np.complex64)[..., 0])
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_dead_and_weak_antennas_are_named(buildings, seed):
    spectrum = buildings[seed]
    antenna = seed % 8
    for faulty in (noise_only(spectrum, [antenna]), spectrum * (np.arange(8) != antenna)[:, None]):
        health = check_antennas(faulty, WAVEFORM)
        assert health.dead == (antenna,)
        assert health.problems == (f"virtual antenna {antenna} is dead",)
        assert not health.order_known
    health = check_antennas(spectrum * np.where(np.arange(8) == antenna, 0.3, 1)[:, None], WAVEFORM)
    assert health.weak == (antenna,)
    assert health.relative_power_db[antenna] == pytest.approx(20 * np.log10(0.3), abs=1.5)


@pytest.mark.parametrize(
    ("antennas", "message"),
    [
        ([2, 6], "receiver 2 (virtual antennas 2, 6) is dead"),
        ([4, 5, 6, 7], "transmitter 1 (virtual antennas 4, 5, 6, 7) is dead"),
    ],
)
def test_dead_receiver_or_transmitter_is_named_as_such(buildings, antennas, message):
    for seed in SEEDS:
        assert check_antennas(noise_only(buildings[seed], antennas), WAVEFORM).problems == (
            message,
        )


@pytest.mark.parametrize("seed", [2, 5])
def test_moving_robot_and_lost_positions_make_no_difference(seed):
    building = generate_building(seed)
    pose = building.drive_loop().pose(0.0)
    trajectory = ConstantVelocity(float(pose.x_m), float(pose.y_m), 0.4, -0.4)
    turn = simulate_rotation(building, trajectory, seed=seed, rotations=1.02)
    lost = np.random.default_rng(seed).uniform(size=turn.samples.shape[:2]) < 0.02
    samples = np.where(lost[..., None, None], 0, turn.samples).astype(np.int16)
    rotation = Rotation(samples, ~lost, turn.time_s, turn.azimuth_rad, 0, 0.01, turn.waveform)
    health = check_rotation(rotation)
    assert health.healthy
    assert health.order_known
    order = [0, 1, 3, 2, 4, 5, 7, 6]
    swapped = replace(rotation, samples=samples[:, order], valid=~lost[:, order])
    assert check_rotation(swapped).problems == ("receivers 2 and 3 are swapped",)


def test_few_reflectors_are_enough_for_the_power_and_raise_no_alarm(rotation_of, cloud_of):
    assert check_rotation(rotation_of(cloud_of(1, count=25))).problems == ()


def test_scene_that_does_not_tell_is_no_alarm():
    """Noise alone has no order, and reflectors on the horizon look the same to every antenna."""
    rng = np.random.default_rng(11)
    noise = rng.normal(size=(64, 8, 256, 2)).astype(np.float32).view(np.complex64)[..., 0]
    health = check_antennas(range_spectrum(noise), WAVEFORM)
    assert health.problems == ()
    assert not health.order_known
    horizon = range_spectrum(noise) * 0.01 + range_spectrum(noise[:, :1])
    assert check_antennas(horizon, WAVEFORM).problems == ()


def test_silence_is_said():
    for spectrum in (np.zeros((64, 8, 256), np.complex64), np.zeros((0, 8, 256), np.complex64)):
        health = check_antennas(spectrum, WAVEFORM)
        assert health.problems == ("no antenna receives anything",)
        assert health.dead == tuple(range(8))


@pytest.mark.parametrize("shape", [(64, 7, 256), (64, 8), (64, 8, 30)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="spectrum"):
        check_antennas(np.zeros(shape, np.complex64), WAVEFORM)


def test_monitor_says_a_fault_that_it_finds_twice():
    building = generate_building(1)
    still = DriveSimulator(building, building.drive_loop(), seed=1).still_turn(72)

    def frames(samples, valid=True):
        for number in range(24):
            part = samples[3 * number : 3 * number + 3]
            marks = np.full(part.shape[:2], valid)
            yield PositionBlock(number, part, np.arange(3), marks, WAVEFORM)

    monitor = AntennaMonitor()
    swapped = still[:, [1, 0, 2, 3, 5, 4, 6, 7]]
    for samples, expected in (
        (still, ()),
        (swapped, ()),
        (swapped, ("receivers 0 and 1 are swapped",)),
        (still, ()),
    ):
        for frame in frames(samples):
            monitor.add(frame)
        assert monitor.problems == expected
        assert monitor.order_known
    for _ in range(2):
        for frame in frames(still, valid=False):
            monitor.add(frame)
    assert monitor.problems == ()
