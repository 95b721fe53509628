"""The beamformer as array expressions: the same tests with NumPy and, if one answers, on a GPU."""

import numpy as np
import pytest

from mmwave.backend import array_module, to_numpy
from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.array_beamforming import array_power, gridded
from panoradar_ros.imaging.banded_beamforming import on_grid
from panoradar_ros.imaging.beam_plan import plan_beams
from panoradar_ros.imaging.beamforming import Beamformer, phase_steering, range_profiles
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion

ARRAY = AntennaArray()
GRID = PanoramaGrid(columns=512, rows=8)
WINDOW_RAD = np.deg2rad(60)
MOTION = PlanarMotion(0.45, -0.3, 0.4, 0.3, 0.25, np.deg2rad(60))


@pytest.fixture(params=["cpu", "gpu"])
def xp(request):
    try:
        return array_module(request.param)
    except RuntimeError as error:
        pytest.skip(f"NOT RUN, no GPU answers: {error}")


def in_turn(task, count):
    for index in range(count):
        task(index)


def planned(rotation, motion, fine):
    profiles = range_profiles(rotation)
    return profiles, plan_beams(rotation, profiles, motion, ARRAY, GRID, WINDOW_RAD, fine)


@pytest.mark.parametrize("motion", [PlanarMotion(), MOTION])
@pytest.mark.parametrize("decimation", [1, 2])
@pytest.mark.parametrize("direction", [1, -1])
def test_parity_with_the_compiled_path(rotation_of, cloud_of, xp, motion, decimation, direction):
    rotation = rotation_of(cloud_of(8, 12), (motion.x_mps, motion.y_mps), direction=direction)
    profiles, plan = planned(rotation, motion, decimation == 1)
    power = np.empty((8, 512, 256), np.float32)
    array_power(xp, plan, profiles.spectrum, 32, power)
    former = Beamformer(ARRAY, method="banded", decimation=decimation)
    compiled, _ = former.power(rotation, profiles, motion, GRID)
    error = np.abs(np.sqrt(power) - np.sqrt(compiled)).max()
    assert error < 1e-5 * np.sqrt(compiled.max())


def test_full_rate_equals_phase_steering(rotation_of, cloud_of, xp):
    rotation = rotation_of(cloud_of(9, 12), (MOTION.x_mps, MOTION.y_mps))
    profiles, plan = planned(rotation, MOTION, True)
    power = np.empty((8, 512, 256), np.float32)
    array_power(xp, plan, profiles.spectrum, 32, power)
    for ray in (0, 1, 100, 257, 400, 511):
        for row in range(8):
            direct = phase_steering(
                rotation, profiles, MOTION, ARRAY, plan.ray_azimuth_rad[ray],
                GRID.elevation_rad[row], WINDOW_RAD,
            )  # fmt: skip
            fast = np.sqrt(power[row, (-ray) % 512])
            assert np.abs(fast - np.abs(direct)).max() < 1e-5 * np.sqrt(power.max())


def test_chirps_come_to_the_same_grid_as_on_the_compiled_path(rotation_of, xp):
    rotation = rotation_of([(3.0, 1.0, 0.4, 900)])
    profiles, plan = planned(rotation, MOTION, False)
    here = to_numpy(gridded(xp, plan, xp.asarray(profiles.spectrum)))
    there = on_grid(plan, profiles.spectrum, here.shape[1], in_turn)
    assert np.abs(here - there).max() < 1e-5 * np.abs(there).max()


def test_the_beamformer_uses_the_device_it_is_told(rotation_of, xp):
    device = "cpu" if xp is np else "gpu"
    rotation = rotation_of([(3.0, 1.0, 0.4, 900)])
    power, coverage = Beamformer(ARRAY, device=device).power(
        rotation, range_profiles(rotation), MOTION, GRID
    )
    assert isinstance(power, np.ndarray)
    assert np.isfinite(power).all()
    assert coverage == pytest.approx(1)


def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch):
    import builtins

    real = builtins.__import__

    def without_cupy(name, *arguments, **options):
        if name == "cupy":
            raise ImportError("no module named cupy")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_cupy)
    with pytest.raises(RuntimeError, match="no GPU array module: no module named cupy"):
        Beamformer(ARRAY, device="gpu")
    assert array_module("auto") is np
    with pytest.raises(ValueError, match="device must be cpu, gpu or auto"):
        Beamformer(ARRAY, device="tpu")
