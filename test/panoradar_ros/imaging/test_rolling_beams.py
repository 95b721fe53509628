"""Sectors against the whole-turn beamformer: the same columns for the same motion."""

import numpy as np
import pytest

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.aperture import build_aperture
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.position_kernels import store_power
from panoradar_ros.imaging.profiles import RangeProfiles, range_profiles
from panoradar_ros.imaging.rolling_beams import PlaneRing, SectorBeamformer
from panoradar_ros.imaging.rotation import Positions, Rotation

WAVEFORM = Waveform(samples_per_chirp=32, sample_rate_hz=0.64e6)
ARRAY = AntennaArray()
GRID = PanoramaGrid(rows=8)
RATE = 4 * np.pi
MOVING = PlanarMotion(0.5, -0.2, 0.4, -0.3, 0.31, 0.6)
OTHER_WAY = PlanarMotion(-0.3, 0.4, 0.0, 0.2, 0.0, -1.0)


def frames(direction, turns=2.4, lost=0.0, start_rad=-1.0, seed=1):
    """Noise: any sample must end up where the whole-turn beamformer puts it."""
    rng = np.random.default_rng(seed)
    count = int(turns * 2 * np.pi / RATE / WAVEFORM.frame_period_s)
    for index in range(count):
        time_s = index * WAVEFORM.frame_period_s + WAVEFORM.position_offsets_s
        samples = rng.integers(-900, 900, (64, 8, 32, 2), dtype=np.int16)
        valid = rng.random((64, 8)) >= lost
        samples[~valid] = 0
        azimuth = start_rad + direction * RATE * time_s
        yield Positions(samples, valid, time_s, azimuth, WAVEFORM)


def whole_turn(parts, direction):
    """The turn that begins at the first multiple of 360 degrees with a whole window before it."""
    parts = list(parts)
    joined = [np.concatenate([getattr(p, n) for p in parts]) for n in ("samples", "valid")]
    time_s, azimuth = (
        np.concatenate([getattr(p, n) for p in parts]) for n in ("time_s", "azimuth_rad")
    )
    start = 2 * np.pi * np.ceil((direction * azimuth[0] + 0.7) / (2 * np.pi))
    return Rotation(*joined, time_s, azimuth, 0, direction * start, WAVEFORM)


def rolled(parts, motion, direction, block=8, decimation=2):
    former = SectorBeamformer(Beamformer(ARRAY, block=block), GRID)
    sectors = []
    for part in parts:
        profiles = range_profiles(part, None, decimation)
        offsets = part.waveform.transmitter_offsets_s
        sector = former.add(profiles, motion, offsets, direction)
        if sector is not None:
            sectors.append(sector)
    return sectors


def whole_power(rotation, profiles, motion):
    """All columns of a turn at once from its positions as they are."""
    former, rays = Beamformer(ARRAY), GRID.columns
    aperture = build_aperture(
        profiles, rotation.ray_azimuth_rad(rays), motion, ARRAY, former.window_rad, former.block
    )
    power = np.empty((GRID.rows, rays, profiles.spectrum.shape[2]), np.float32)
    column = (-rotation.direction * np.arange(rays)) % rays
    for row in range(GRID.rows // 2):
        pair = GRID.elevation_rad[[row, GRID.rows - 1 - row]]
        offsets_s = rotation.waveform.transmitter_offsets_s
        planes = former.elevation_planes(profiles, pair, motion, offsets_s)
        wavenumber = ARRAY.wavenumber_rad_per_m * np.cos(pair[0])
        for index in range(rays // former.block):
            beams = former.beam_block(planes, aperture, index, wavenumber, aperture.taper)
            used = column[index * former.block : (index + 1) * former.block]
            store_power(beams, used, row, GRID.rows - 1 - row, power)
    coverage = np.empty(rays)
    coverage[column] = aperture.coverage
    return power, coverage


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("motion", [PlanarMotion(), MOVING, OTHER_WAY])
@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_sectors_are_the_columns_of_the_whole_turn(direction, motion, lost):
    parts = list(frames(direction, lost=lost))
    rotation = whole_turn(parts, direction)
    profiles = range_profiles(rotation, None, 2)
    power, coverage = whole_power(rotation, profiles, motion)
    sectors = rolled(parts, motion, direction)
    ray = np.concatenate([s.ray for s in sectors])
    first = round(direction * rotation.start_azimuth_rad / (2 * np.pi)) * GRID.columns
    of_turn = (ray >= first) & (ray < first + GRID.columns)
    assert of_turn.sum() == GRID.columns  # across the seam too
    column = (-direction * ray[of_turn]) % GRID.columns
    rolling = np.concatenate([s.power for s in sectors], axis=1)[:, of_turn]
    error = np.abs(rolling - power[:, column]).max(axis=(0, 2)) / power.max()
    assert error.max() < 1e-5
    np.testing.assert_allclose(
        np.concatenate([s.coverage for s in sectors])[of_turn], coverage[column], rtol=1e-12
    )
    times = np.concatenate([s.time_s for s in sectors])[of_turn]
    np.testing.assert_allclose(times, rotation.ray_time_s(GRID.columns), atol=1e-9)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("block", [1, 8, 27])
def test_every_ray_comes_once_in_order_and_no_later_than_its_block(direction, block):
    parts = list(frames(direction, turns=3.2))
    sectors = rolled(parts, OTHER_WAY, direction, block=block)
    ray = np.concatenate([s.ray for s in sectors])
    assert np.all(np.diff(ray) == 1)
    assert all(len(s.ray) % block == 0 for s in sectors)
    # the first ray has its whole window, one frame and a block later the last one has it as well
    turned = [direction * parts[i].azimuth_rad for i in (0, -1)]
    step = 2 * np.pi / GRID.columns
    slack = np.deg2rad(3)  # the robot turns while the radar does
    assert ray[0] * step >= turned[0][0] + np.deg2rad(30) - slack
    assert (ray[0] - 1) * step <= turned[0][0] + np.deg2rad(30) + slack
    assert ray[-1] * step >= turned[1][-1] - np.deg2rad(30) - block * step - slack


def test_a_restart_forgets_the_positions_before():
    parts = list(frames(1, turns=1.0))
    former = SectorBeamformer(Beamformer(ARRAY, block=8), GRID)

    def feed(shift_rad):
        found = []
        for part in parts:
            profiles = range_profiles(part, None, 2)
            moved = RangeProfiles(
                profiles.spectrum,
                profiles.weight,
                profiles.time_s,
                profiles.azimuth_rad + shift_rad,
            )
            found.append(former.add(moved, MOVING, WAVEFORM.transmitter_offsets_s, 1))
        return [one for one in found if one is not None]

    first = feed(0.0)
    former.restart()
    second = feed(40 * np.pi)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.ray + 20 * GRID.columns, other.ray)
        np.testing.assert_allclose(one.power, other.power, rtol=1e-3, atol=1e-4 * one.power.max())


def test_the_ring_keeps_positions_in_order_however_slowly_the_turntable_turns():
    rng = np.random.default_rng(3)
    ring, kept = PlaneRing(2, 6, capacity=16), []
    for step in range(60):
        count = 5
        time_s = np.arange(count) + step * count
        profiles = RangeProfiles(
            np.zeros((count, 1, 3), np.complex64), np.ones(count), time_s, 0.1 * time_s
        )
        planes = rng.normal(size=(2, 2 * count, 6)).astype(np.float32)
        ring.append(profiles)
        for pair in range(2):
            ring.store(pair, planes[pair])
        kept += [(t, planes[:, i], planes[:, count + i]) for i, t in enumerate(time_s)]
        if step % 7 == 3 or step > 40:
            oldest = 0.1 * (time_s[0] - (11 if step < 40 else 31)) - 0.05
            ring.forget_before(oldest, 1)
            kept = [one for one in kept if 0.1 * one[0] >= oldest]
        assert [one[0] for one in kept] == ring.positions.time_s.tolist()
        real = ring.planes[:, ring.start : ring.stop]
        imaginary = ring.planes[:, ring.capacity + ring.start : ring.capacity + ring.stop]
        np.testing.assert_array_equal(real, np.stack([one[1] for one in kept], axis=1))
        np.testing.assert_array_equal(imaginary, np.stack([one[2] for one in kept], axis=1))
    assert ring.capacity <= 512
