from dataclasses import replace

import numpy as np
import pytest

from mmwave.simulation.building import generate_building
from mmwave.simulation.fmcw import Scatterers
from mmwave.simulation.rotation import simulate_rotation
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.waveform import AntennaArray
from panoradar_ros.calibration.file import CalibrationError
from panoradar_ros.calibration.measurement import Target, calibrate
from panoradar_ros.calibration.panorama import panorama_of
from panoradar_ros.calibration.samples import corrected
from panoradar_ros.calibration.turntable import shift_between, true_rate
from panoradar_ros.imaging.beamforming import Beamformer, range_profiles
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.rotation import Rotation

ARRAY = AntennaArray()


def gains(seed, spread_db=2.0):
    rng = np.random.default_rng(seed)
    gain = 10 ** (rng.uniform(-spread_db, spread_db, 8) / 20)
    return tuple(gain * np.exp(2j * np.pi * rng.uniform(size=8)))


def relative(found, true):
    """Gains over the true ones, both with mean power 1 and mean phase 0."""
    true = np.array(true) / np.sqrt(np.mean(np.abs(true) ** 2))
    return np.array(found) / (true * np.exp(-1j * np.angle(true.sum())))


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("ratio", [1.0, 1.003, 0.98])
def test_everything_that_is_wrong_is_recovered(
    turns_of, room_of, corner_at, miscalibrated, direction, ratio
):
    elevation = np.deg2rad(8)
    scene = Scatterers.join([room_of(3), corner_at(3.0, 1.0, elevation)])
    wrong = miscalibrated(gains(1), ratio, 0.2, direction)
    found = calibrate(turns_of(scene, 3, wrong), target=Target(3.0, 1.0, elevation))
    assert found.measured["rate_ratio"] == pytest.approx(ratio, abs=3e-5)
    assert found.rate_ratio == (1 if ratio == 1 else pytest.approx(ratio, abs=3e-5))
    assert found.azimuth_offset_rad == pytest.approx(0.2, abs=np.deg2rad(0.05))
    error = relative(found.antenna_gain, wrong.gain)
    assert np.abs(np.abs(error) - 1).max() < 0.005
    assert np.abs(np.rad2deg(np.angle(error))).max() < 0.5
    assert found.measured["reflector_range_m"] == pytest.approx(3.0, abs=0.01)


def test_offset_against_a_panorama_from_the_same_place(turns_of, room_of, miscalibrated):
    scene = room_of(4)
    reference = panorama_of(turns_of(scene, 1)[0], ARRAY)
    wrong = miscalibrated(offset_rad=-1.3)
    found = calibrate(turns_of(scene, 2, wrong, seed=1), reference=reference)
    assert found.azimuth_offset_rad == pytest.approx(-1.3, abs=np.deg2rad(0.05))
    assert found.antenna_gain is None
    # a reference that was taken with other antennas serves as well
    bad = miscalibrated(gains(2), offset_rad=-1.3)
    found = calibrate(turns_of(scene, 2, bad, seed=1), reference=reference)
    assert found.azimuth_offset_rad == pytest.approx(-1.3, abs=np.deg2rad(0.1))


def test_without_elevation_the_even_growth_of_phase_is_left_out(turns_of, corner_at, miscalibrated):
    wrong = miscalibrated(tuple(np.exp(1j * np.deg2rad([0, 9, -8, 5, -6, 7, -9, 4]))))
    scene = corner_at(3.0, 1.0, np.deg2rad(12))
    found = calibrate(turns_of(scene, 2, wrong), target=Target())
    phase = np.angle(relative(found.antenna_gain, wrong.gain))
    slope, start = np.polyfit(np.arange(8), phase, 1)
    assert np.rad2deg(np.abs(phase - slope * np.arange(8) - start)).max() < 0.5
    assert np.rad2deg(abs(slope)) < 3  # not the 112 degrees from antenna to antenna of 12 degrees


def elevation_lobe(rotation, azimuth_rad, range_m):
    """Power over elevation at a place, and the elevations."""
    grid = PanoramaGrid()
    power, _ = Beamformer(ARRAY).power(rotation, range_profiles(rotation), PlanarMotion(), grid)
    column = round(-azimuth_rad / (2 * np.pi) * grid.columns) % grid.columns
    cell = round((range_m - ARRAY.radius_m) / rotation.waveform.range_bin_m)
    return power[:, column, cell - 2 : cell + 3].max(axis=1), grid.elevation_rad


def peak_and_width(lobe, elevation_rad):
    """Where the lobe has its top, and the elevations over half of it, in degrees."""
    return (
        float(np.rad2deg(elevation_rad[np.argmax(lobe)])),
        float((lobe > lobe.max() / 2).sum() * np.rad2deg(elevation_rad[0] - elevation_rad[1])),
    )


def test_calibration_restores_the_lobe_in_elevation(turns_of, room_of, corner_at, miscalibrated):
    """Calibrated with a corner at 5 degrees, looking at another one at 20."""
    scene = Scatterers.join([room_of(5), corner_at(3.0, 1.0, np.deg2rad(5))])
    scene = Scatterers.join([scene, corner_at(4.0, -2.0, np.deg2rad(20))])
    place = (-2.0, 4.0)
    ideal = turns_of(scene, 1)[0]
    best, elevation = elevation_lobe(ideal, *place)
    peak, width = peak_and_width(best, elevation)
    assert peak == pytest.approx(20, abs=1)
    assert width == pytest.approx(13.6, abs=1.5)
    wrong = turns_of(scene, 2, miscalibrated(gains(6)))
    broken, _ = elevation_lobe(wrong[0], *place)
    assert broken.max() < 0.6 * best.max()
    found = calibrate(wrong, target=Target(3.0, None, np.deg2rad(5), 1.0))
    factor = found.correction(8)
    repaired = replace(wrong[0], samples=corrected(wrong[0].samples, factor))
    lobe, _ = elevation_lobe(repaired, *place)
    assert peak_and_width(lobe, elevation) == pytest.approx((peak, width), abs=1.5)
    normal = np.abs(lobe / lobe.max() - best / best.max())
    assert normal.max() < 0.01


def in_a_building(seed, ratio, gain):
    """Three turns at the start of a drive, the robot standing, people moving."""
    building = generate_building(seed)
    pose = building.drive_loop().pose(0.0)
    turns = simulate_rotation(
        building,
        ConstantVelocity(float(pose.x_m), float(pose.y_m)),
        seed=seed,
        rotations=3.3 * ratio,
        revolutions_per_s=2.0 * ratio,
    )
    samples = corrected(turns.samples, np.array(gain, np.complex64))
    counted, margin = turns.azimuth_rad / ratio, np.deg2rad(31)
    rotations = []
    for turn in range(3):
        start = margin + 2 * np.pi * turn
        first = max(int(np.searchsorted(counted, start - margin)) - 1, 0)
        used = slice(first, int(np.searchsorted(counted, start + 2 * np.pi + margin)) + 1)
        time_s = turns.time_s[used]
        valid = np.ones((len(time_s), 8), bool)
        rotations.append(
            Rotation(
                samples[used], valid, time_s - time_s[0], counted[used], 0, start, turns.waveform
            )
        )
    return rotations


@pytest.mark.parametrize(("seed", "ratio"), [(1, 1.0), (3, 1.004)])
def test_walls_of_a_building_serve_as_reflectors(seed, ratio):
    """The strongest echo is a wall's mirror image, at the height of the antennas."""
    gain = gains(seed, spread_db=1.5)
    found = calibrate(in_a_building(seed, ratio, gain), target=Target(elevation_rad=0.0))
    assert found.measured["rate_ratio"] == pytest.approx(ratio, abs=1e-4)
    assert found.rate_ratio == (1 if ratio == 1 else pytest.approx(ratio, abs=1e-4))
    error = relative(found.antenna_gain, gain)
    assert np.abs(np.abs(error) - 1).max() < 0.03
    assert np.abs(np.rad2deg(np.angle(error / error.mean()))).max() < 3


def test_shift_is_finer_than_a_ray(turns_of, room_of, miscalibrated):
    scene = room_of(7)
    first = panorama_of(turns_of(scene, 1)[0], ARRAY)
    for offset_deg in (0.1, -0.35, 90.2):
        wrong = miscalibrated(offset_rad=np.deg2rad(offset_deg))
        shift = shift_between(first, panorama_of(turns_of(scene, 1, wrong, seed=2)[0], ARRAY))
        assert np.rad2deg(shift.azimuth_rad) == pytest.approx(-offset_deg, abs=0.03)
        assert shift.similarity > 0.9


def test_what_cannot_be_measured_is_refused(turns_of, room_of, corner_at, miscalibrated):
    turns = turns_of(room_of(8), 3)
    panoramas = [panorama_of(turn, ARRAY) for turn in turns]
    with pytest.raises(CalibrationError, match="two successive turns"):
        true_rate(panoramas[:1])
    with pytest.raises(CalibrationError, match="do not follow each other"):
        true_rate(panoramas[::2])
    elsewhere = panorama_of(turns_of(room_of(9), 2)[1], ARRAY)
    with pytest.raises(CalibrationError, match="must stand still"):
        true_rate([panoramas[0], elsewhere])
    with pytest.raises(CalibrationError, match="do not fit"):
        shift_between(panoramas[0], replace(panoramas[1], direction=-1))
    empty = replace(panoramas[0], power=np.zeros_like(panoramas[0].power))
    with pytest.raises(CalibrationError, match="nothing to compare"):
        shift_between(panoramas[0], empty)
    with pytest.raises(CalibrationError, match=r"no range bin at 50 m"):
        calibrate(turns, target=Target(50.0))
    quiet = turns_of(room_of(8, count=1), 2)
    with pytest.raises(CalibrationError, match=r"no reflector .* stands out"):
        calibrate(quiet, target=Target(5.0, search_azimuth_rad=0.0))
    with pytest.raises(CalibrationError, match="elevation must be within 45 deg"):
        calibrate(turns, target=Target(elevation_rad=1.0))


def test_fault_is_not_calibrated_away(turns_of, room_of, miscalibrated):
    dead = turns_of(room_of(10), 2, miscalibrated((1, 1, 1, 0, 1, 1, 1, 1)))
    with pytest.raises(CalibrationError, match="virtual antenna 3 is dead"):
        calibrate(dead, target=Target())


def test_corrected_samples_are_rounded_and_saturate():
    samples = np.array([[[[100, -50], [30000, 30000]], [[7, 3], [0, 0]]]], np.int16)
    factor = np.array([1.5j, 0.5], np.complex64)
    expected = [[[[75, 150], [-32768, 32767]], [[4, 2], [0, 0]]]]
    np.testing.assert_array_equal(corrected(samples, factor), expected)
