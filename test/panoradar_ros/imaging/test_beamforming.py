import numpy as np
import pytest

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.beamforming import (
    Beamformer,
    phase_steering,
    range_profiles,
)
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.imaging.planar_motion import PlanarMotion

ARRAY = AntennaArray()
GRID = PanoramaGrid()


def peak_of(power):
    return np.unravel_index(power.argmax(), power.shape)


@pytest.mark.parametrize("velocity", [(0.0, 0.0), (0.45, -0.3)])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_reflector_is_imaged_where_it_was_when_the_antenna_faced_it(
    rotation_of, velocity, direction
):
    rotation = rotation_of([(3.0, 2.0, 0.6, 1500)], velocity, direction=direction)
    power, _ = Beamformer(ARRAY).power(
        rotation, range_profiles(rotation, decimation=2), PlanarMotion(*velocity), GRID
    )
    row, column, cell = peak_of(power)
    azimuth = GRID.azimuth_rad[column]
    ray = int((-direction * column) % GRID.columns)
    when_s = rotation.ray_time_s(GRID.columns)[ray]
    relative = np.array([3.0 - velocity[0] * when_s, 2.0 - velocity[1] * when_s, 0.6])
    horizontal = np.hypot(*relative[:2])
    error = (np.arctan2(relative[1], relative[0]) - azimuth + np.pi) % (2 * np.pi) - np.pi
    assert abs(np.rad2deg(error)) < 0.6
    assert GRID.elevation_rad[row] == pytest.approx(
        np.arctan2(0.6, horizontal), abs=np.deg2rad(1.5)
    )
    seen = cell * rotation.waveform.range_bin_m + ARRAY.radius_m * np.cos(GRID.elevation_rad[row])
    assert seen == pytest.approx(np.linalg.norm(relative), abs=rotation.waveform.range_bin_m)


def test_static_beams_equal_direct_summation_in_double_precision(rotation_of):
    rotation = rotation_of([(2.0, 1.0, 0.3, 900), (-3.0, 2.0, -0.4, 700)])
    profiles = range_profiles(rotation)
    former = Beamformer(ARRAY)
    power, _ = former.power(rotation, profiles, PlanarMotion(), GRID)
    largest = np.sqrt(power.max())
    for ray in (0, 37, 208, 411):
        for row in (10, 28, 31, 45):
            direct = phase_steering(
                rotation,
                profiles,
                PlanarMotion(),
                ARRAY,
                rotation.ray_azimuth_rad(512)[ray],
                GRID.elevation_rad[row],
                former.window_rad,
            )
            fast = np.sqrt(power[row, (-ray) % 512])
            # the fast path leaves out what the rotor moves between transmitters
            assert np.abs(fast - np.abs(direct)).max() < 6e-3 * largest


def test_azimuth_width_of_the_matched_taper(rotation_of):
    rotation = rotation_of([(5.0, 0.0, 0.0, 1500)])
    profiles = range_profiles(rotation)
    angles = np.deg2rad(np.linspace(-3, 3, 121)) + 2 * np.pi
    cell = round((5.0 - 0.08) / rotation.waveform.range_bin_m)
    beam = [
        abs(
            phase_steering(rotation, profiles, PlanarMotion(), ARRAY, angle, 0.0, np.deg2rad(60))[
                cell
            ]
        )
        for angle in angles
        if angle <= rotation.azimuth_rad[-1]
    ]
    above = np.array(beam) > max(beam) / np.sqrt(2)
    assert above.sum() * 0.05 == pytest.approx(2.3, rel=0.05)


def test_lost_positions_are_masked_and_weights_renormalised(rotation_of):
    rotation = rotation_of([(4.0, 0.0, 0.3, 1500)])
    lost = np.random.default_rng(3).random(rotation.valid.shape) < 0.1
    samples, valid = rotation.samples.copy(), ~lost
    samples[lost] = 0
    damaged = type(rotation)(
        samples,
        valid,
        rotation.time_s,
        rotation.azimuth_rad,
        rotation.reference_ns,
        rotation.start_azimuth_rad,
        rotation.waveform,
    )
    former = Beamformer(ARRAY)
    whole, _ = former.power(rotation, range_profiles(rotation), PlanarMotion(), GRID)
    whole = whole.copy()
    masked, coverage = former.power(damaged, range_profiles(damaged), PlanarMotion(), GRID)
    assert peak_of(masked) == peak_of(whole)
    assert masked.max() == pytest.approx(whole.max(), rel=0.05)
    assert coverage == pytest.approx(0.9, abs=0.05)


def test_a_sector_that_was_not_received_has_no_coverage(rotation_of):
    rotation = rotation_of([(4.0, 0.0, 0.0, 1500)])
    gone = np.abs(rotation.azimuth_rad - np.pi) < np.deg2rad(40)
    valid = rotation.valid & ~gone[:, None]
    samples = np.where(valid[..., None, None], rotation.samples, 0).astype(np.int16)
    damaged = type(rotation)(
        samples, valid, rotation.time_s, rotation.azimuth_rad, 0, 0.0, rotation.waveform
    )
    _, coverage = Beamformer(ARRAY).power(
        damaged, range_profiles(damaged, decimation=2), PlanarMotion(), GRID
    )
    assert coverage[256] == 0
    assert coverage[0] == pytest.approx(1)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="window_rad"):
        Beamformer(ARRAY, window_rad=0)
    with pytest.raises(ValueError, match="workers"):
        Beamformer(ARRAY, workers=0)
    with pytest.raises(ValueError, match="x_mps must be finite"):
        PlanarMotion(float("nan"), 0)
