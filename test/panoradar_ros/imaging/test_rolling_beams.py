"""Sectors against the whole-turn beamformer: the same columns for the same motion."""

import numpy as np
import pytest

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging import rolling_beams
from panoradar_ros.imaging.azimuth_stream import GridPiece
from panoradar_ros.imaging.beamforming import Beamformer
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import RangeProfiles, range_profiles
from panoradar_ros.imaging.resampling import COARSEST_SPREAD, AzimuthGrid
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


def rolled(parts, motion, direction, decimation=2):
    former = SectorBeamformer(Beamformer(ARRAY, decimation=decimation), GRID)
    sectors = []
    for part in parts:
        sector = former.add(range_profiles(part), motion, part.waveform, direction)
        if sector is not None:
            sectors.append(sector)
    return sectors


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("motion", [PlanarMotion(), MOVING, OTHER_WAY])
@pytest.mark.parametrize("lost", [0.0, 0.2])
@pytest.mark.parametrize("decimation", [1, 2])
def test_sectors_are_the_columns_of_the_whole_turn(direction, motion, lost, decimation):
    parts = list(frames(direction, lost=lost))
    rotation = whole_turn(parts, direction)
    beamformer = Beamformer(ARRAY, method="banded", decimation=decimation)
    power, coverage = beamformer.power(rotation, range_profiles(rotation), motion, GRID)
    sectors = rolled(parts, motion, direction, decimation=decimation)
    ray = np.concatenate([s.ray for s in sectors])
    first = round(direction * rotation.start_azimuth_rad / (2 * np.pi)) * GRID.columns
    of_turn = (ray >= first) & (ray < first + GRID.columns)
    assert of_turn.sum() == GRID.columns  # across the seam too
    column = (-direction * ray[of_turn]) % GRID.columns
    rolling = np.concatenate([s.power for s in sectors], axis=1)[:, of_turn]
    error = np.abs(rolling - power[:, column]).max(axis=(0, 2)) / power.max()
    # the grid of a sector also holds the kernels of velocities that are learned a little later
    assert error.max() < (2e-3 if decimation == 2 else 2e-5)
    np.testing.assert_allclose(
        np.concatenate([s.coverage for s in sectors])[of_turn], coverage[column], rtol=1e-12
    )
    times = np.concatenate([s.time_s for s in sectors])[of_turn]
    np.testing.assert_allclose(times, rotation.ray_time_s(GRID.columns), atol=1e-9)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("most_rays", [1, 8, 10, 32])
def test_every_ray_comes_once_in_order_with_its_window(direction, most_rays, monkeypatch):
    monkeypatch.setattr(rolling_beams, "MOST_RAYS", most_rays)
    parts = list(frames(direction, turns=3.2))
    sectors = rolled(parts, OTHER_WAY, direction)
    ray = np.concatenate([s.ray for s in sectors])
    assert np.all(np.diff(ray) == 1)
    # the first ray has its whole window, a frame later the last one has it as well
    turned = [direction * parts[i].azimuth_rad for i in (0, -1)]
    step = 2 * np.pi / GRID.columns
    grid = AzimuthGrid.for_array(ARRAY, COARSEST_SPREAD)
    # the robot turns while the radar does; chirps reach half the taps of the grid
    slack = np.deg2rad(3) + grid.taps / 2 * grid.step_rad
    assert ray[0] * step >= turned[0][0] + np.deg2rad(30) - slack
    assert (ray[0] - 1) * step <= turned[0][0] + np.deg2rad(30) + slack
    assert ray[-1] * step >= turned[1][-1] - np.deg2rad(30) - 3 * step - slack  # 2 left over


def test_a_restart_forgets_the_positions_before():
    parts = list(frames(1, turns=1.0))
    former = SectorBeamformer(Beamformer(ARRAY), GRID)

    def feed(shift_rad):
        found = []
        for part in parts:
            profiles = range_profiles(part)
            moved = RangeProfiles(
                profiles.spectrum,
                profiles.weight,
                profiles.time_s,
                profiles.azimuth_rad + shift_rad,
            )
            found.append(former.add(moved, MOVING, WAVEFORM, 1))
        return [one for one in found if one is not None]

    first = feed(0.0)
    former.restart()
    second = feed(40 * np.pi)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.ray + 20 * GRID.columns, other.ray)
        np.testing.assert_allclose(one.power, other.power, rtol=1e-3, atol=1e-4 * one.power.max())


def test_the_ring_keeps_points_in_order_however_slowly_the_turntable_turns():
    rng = np.random.default_rng(3)
    ring, kept = PlaneRing(2, 6, capacity=16), []
    for step in range(60):
        count = 5
        time_s = np.arange(count) + step * count
        no_pairs = np.empty((count, 2, 4, 2, 3), np.float32)
        planes = rng.normal(size=(2, 2 * count, 6)).astype(np.float32)
        first = ring.append(GridPiece(no_pairs, time_s, 0.1 * time_s))
        ring.planes[:, 2 * first : 2 * (first + count)] = planes
        kept += [(t, planes[:, 2 * i : 2 * i + 2]) for i, t in enumerate(time_s)]
        if step % 7 == 3 or step > 40:
            oldest = 0.1 * (time_s[0] - (11 if step < 40 else 31)) - 0.05
            ring.forget_before(oldest, 1)
            kept = [one for one in kept if 0.1 * one[0] >= oldest]
        assert [one[0] for one in kept] == ring.points.time_s.tolist()
        found = ring.planes[:, 2 * ring.start : 2 * ring.stop]
        np.testing.assert_array_equal(found, np.concatenate([one[1] for one in kept], axis=1))
    assert ring.capacity <= 512


@pytest.mark.parametrize("together", [2, 3, 5])
@pytest.mark.parametrize("rate", [0.8, 0.97, 1.0])
def test_frames_together_form_the_rays_of_frames_alone(together, rate):
    """Also where the rays of a sector are no multiple of the bands that they are formed in."""
    parts = list(frames(1, turns=2.0))
    slower = [
        Positions(p.samples, p.valid, p.time_s, rate * p.azimuth_rad, WAVEFORM) for p in parts
    ]
    fields = ("samples", "valid", "time_s", "azimuth_rad")
    joined = [
        Positions(
            *(np.concatenate([getattr(p, n) for p in slower[i : i + together]]) for n in fields),
            WAVEFORM,
        )
        for i in range(0, len(slower), together)
    ]
    one, other = (rolled(some, PlanarMotion(), 1) for some in (slower, joined))
    ray, same = (np.concatenate([s.ray for s in sectors]) for sectors in (one, other))
    common = min(len(ray), len(same))
    assert common > 500
    np.testing.assert_array_equal(ray[:common], same[:common])
    power, again = (
        np.concatenate([s.power for s in sectors], axis=1)[:, :common] for sectors in (one, other)
    )
    assert np.abs(power - again).max() < 1e-4 * power.max()
