"""A turntable that is much faster or slower than its angles say."""

import numpy as np
import pytest

from mmwave.dca1000 import PositionBlock
from mmwave.simulation.fmcw import Scatterers
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.calibration.file import Calibration
from panoradar_ros.calibration.measurement import Target, calibrate
from panoradar_ros.calibration.panorama import panorama_of
from panoradar_ros.calibration.stream import TrueAngle, calibrated_items


@pytest.mark.parametrize(("ratio", "direction"), [(0.95, 1), (0.98, -1), (1.06, 1)])
def test_a_reflector_is_followed_past_the_ends_of_the_turns(
    turns_of, room_of, corner_at, miscalibrated, ratio, direction
):
    """It is searched where it first was within 8 degrees only, and moves by 7 to 20 a turn."""
    scene = Scatterers.join([room_of(4, 60), corner_at(3.0, 1.0)])
    wrong = miscalibrated(offset_rad=0.4, rate_ratio=ratio, direction=direction)
    target = Target(3.0, 1.0, 0.0, search_azimuth_rad=(1.0 - 0.4) / ratio)
    found = calibrate(turns_of(scene, 4, wrong), target=target)
    assert found.rate_ratio == pytest.approx(ratio, abs=1e-4)
    assert found.azimuth_offset_rad == pytest.approx(0.4, abs=np.deg2rad(0.15))
    assert found.measured["phase_scatter_deg"] < 0.5
    assert np.abs(np.array(found.antenna_gain) - 1).max() < 0.005


@pytest.mark.parametrize(("ratio", "direction"), [(1.003, 1), (0.98, -1), (1.05, 1)])
def test_offset_by_a_reference_knows_of_the_rate(
    turns_of, room_of, miscalibrated, ratio, direction
):
    scene = room_of(4, 80)
    right = miscalibrated(direction=direction)
    reference = panorama_of(turns_of(scene, 1, right)[0], AntennaArray())
    wrong = miscalibrated(offset_rad=-1.3, rate_ratio=ratio, direction=direction)
    found = calibrate(turns_of(scene, 2, wrong, seed=1), reference=reference)
    assert found.azimuth_offset_rad == pytest.approx(-1.3, abs=np.deg2rad(0.06))


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("low_rad", [-np.pi, 0.0, None])
def test_the_rate_holds_over_turns_however_the_angles_are_counted(direction, low_rad):
    true_angle = TrueAngle(1.01)
    counted = direction * np.arange(0.0, 40.0, 0.1)
    said = counted if low_rad is None else (counted - low_rad) % (2 * np.pi) + low_rad
    angles = [true_angle(index, one) for index, one in enumerate(said)]
    np.testing.assert_allclose(np.diff(angles), 1.01 * np.diff(counted))
    assert angles[0] == pytest.approx(1.01 * said[0])


def test_holes_are_no_wraps_and_time_that_goes_back_starts_again():
    true_angle = TrueAngle(1.1)
    assert true_angle(1, 100.0) == pytest.approx(110.0)
    assert true_angle(2, 105.0) == pytest.approx(115.5)  # angles of half a turn and more are lost
    assert true_angle(3, 0.5) == pytest.approx(0.55)  # the motor counts from zero again
    assert true_angle(4, 6.2) == pytest.approx(1.1 * (6.2 - 2 * np.pi))
    assert true_angle(1, 6.2) == pytest.approx(1.1 * 6.2)
    assert TrueAngle(1.0)(1, 6.2) == 6.2


def test_frames_and_angles_of_a_stream_are_calibrated():
    waveform = Waveform()
    samples = np.full((1, 8, waveform.samples_per_chirp, 2), 100, np.int16)
    block = PositionBlock(0, samples, np.array([5]), np.ones((1, 8), bool), waveform)
    calibration = Calibration(0.3, 1.1, (1, 1, 2, 1, 1, 1, 1, 1))
    block, angle = calibrated_items([block, (7, 10.0)], calibration)
    assert block.samples[0, :, 0, 0].tolist() == [100, 100, 50, 100, 100, 100, 100, 100]
    assert angle == (7, pytest.approx(11.0))
