import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.waveform import AntennaArray
from panoradar_ros.imaging.aperture import matched_taper, received_weight
from panoradar_ros.imaging.planar_motion import PlanarMotion
from panoradar_ros.imaging.profiles import range_profiles
from panoradar_ros.imaging.resampling import (
    COARSEST_SPREAD,
    FINEST_SPREAD,
    AzimuthGrid,
    interpolation_weights,
    plan_spreading,
    spread_antenna,
    spreading_matrix,
)

ARRAY = AntennaArray()


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 1), st.floats(-0.35, 0.35), st.sampled_from([0.2, 0.38]))
def test_interpolation_follows_functions_inside_the_spectrum(fraction, turns_rad, spread):
    weights = interpolation_weights(np.array(fraction), 8, spread)
    points = np.arange(8) - 3
    value = (weights * np.exp(1j * turns_rad * points)).sum()
    assert abs(value - np.exp(1j * turns_rad * fraction)) < 1e-4


def test_interpolation_at_a_point_is_that_point():
    weights = interpolation_weights(np.array([0.0, 1.0]), 6, 0.4)
    assert weights == pytest.approx(np.eye(6)[[2, 3]], abs=1e-6)


@pytest.mark.parametrize("spread", [FINEST_SPREAD, COARSEST_SPREAD])
@pytest.mark.parametrize("rays", [128, 500, 512, 4096])
def test_every_ray_lies_on_a_grid_that_is_fine_enough(rays, spread):
    grid = AzimuthGrid.for_array(ARRAY, spread, rays)
    assert grid.points_per_turn % rays == 0
    sigma_rad = ARRAY.azimuth_beamwidth_rad / np.sqrt(8 * np.log(2)) / 2
    rate = ARRAY.wavenumber_rad_per_m * ARRAY.radius_m * sigma_rad
    assert rate * grid.step_rad <= spread


def test_wrong_grids_are_refused():
    with pytest.raises(ValueError, match="points_per_turn"):
        AzimuthGrid(32, 8)
    with pytest.raises(ValueError, match="taps"):
        AzimuthGrid(512, 7)


def planned(rotation, motion=None):
    profiles = range_profiles(rotation)
    spreading = plan_spreading(
        profiles,
        rotation.waveform.transmitter_offsets_s,
        motion or PlanarMotion(),
        ARRAY,
        AzimuthGrid(512, 8),
        rotation.start_azimuth_rad,
        np.deg2rad(31),
        0.85,
    )
    return profiles, spreading


@pytest.mark.parametrize("direction", [1, -1])
def test_the_grid_is_even_holds_the_start_and_goes_with_time(rotation_of, direction):
    _, spreading = planned(rotation_of([], direction=direction))
    steps = direction * np.diff(spreading.azimuth_rad)
    assert steps == pytest.approx(2 * np.pi / 512)
    assert np.abs(spreading.azimuth_rad).min() < 1e-9
    assert (np.diff(spreading.time_s) > 0).all()


def test_transmitters_are_spread_from_where_each_of_them_was(rotation_of):
    rotation = rotation_of([])
    profiles, spreading = planned(rotation)
    # the centre of mass of a chirp's weights is, to a tenth of a step, the chirp's own azimuth
    index = spreading.first[..., None] + np.arange(8)
    inside = ((index >= 0) & (index < len(spreading.time_s))).all(axis=(1, 2))
    place = spreading.azimuth_rad[np.clip(index, 0, len(spreading.time_s) - 1)]
    weight = spreading.weight.real / profiles.azimuth_share()[:, None, None]
    centre = (weight * place).sum(axis=2)[inside]
    apart_s = np.diff(rotation.waveform.transmitter_offsets_s)[0]
    expected = np.diff(rotation.azimuth_rad)[0] / np.diff(rotation.time_s)[0] * apart_s
    assert (centre[:, 1] - centre[:, 0]).mean() == pytest.approx(expected, rel=1e-3)
    assert centre.mean(axis=1) == pytest.approx(profiles.azimuth_rad[inside], abs=1e-3)


def test_the_matrix_holds_what_is_spread(rotation_of):
    rotation = rotation_of([(3.0, 1.0, 0.2, 500)])
    profiles, spreading = planned(rotation, PlanarMotion(0.4, 0.2, yaw_rate_radps=0.5))
    points = len(spreading.time_s)
    for antenna, transmitter in ((1, 0), (6, 1)):
        out = np.zeros((points, 256), np.complex64)
        spread_antenna(
            profiles.spectrum,
            spreading.first[:, transmitter],
            spreading.weight[:, transmitter],
            antenna,
            out,
        )
        product = spreading_matrix(spreading, transmitter) @ profiles.spectrum[:, antenna]
        assert np.abs(out - product).max() < 1e-5 * np.abs(out).max()


def test_received_weight_is_the_sum_of_the_taper(rotation_of):
    rotation = rotation_of([])
    rotation.valid[200:260] = False
    profiles = range_profiles(rotation)
    motion = PlanarMotion(yaw_rate_radps=0.8)
    rays = rotation.ray_azimuth_rad(64)
    total, share = received_weight(profiles, rays, motion, ARRAY, np.deg2rad(60))
    position = profiles.azimuth_rad + motion.yaw_rad(profiles.time_s)
    times = np.interp(rays, profiles.azimuth_rad, profiles.time_s)
    offset = position - (rays + motion.yaw_rad(times))[:, None]
    taper = matched_taper(ARRAY, offset, np.deg2rad(60))
    stands_for = profiles.weight * profiles.azimuth_share()
    assert total == pytest.approx((taper * stands_for).sum(axis=1), rel=1e-6)
    assert share == pytest.approx((taper * profiles.weight).sum(axis=1) / taper.sum(axis=1))


def test_positions_stand_for_the_azimuth_half_way_to_their_neighbours(rotation_of):
    rotation = rotation_of([])
    rotation.valid[101] = False
    rotation.valid[700:1000] = False
    share = range_profiles(rotation).azimuth_share()
    assert share[50] == pytest.approx(1)
    assert share[[63, 64]] == pytest.approx((1 + 1.68 / 0.39) / 2, rel=1e-2)  # the gap's ends
    assert share[100:103] == pytest.approx([1.5, 0, 1.5])
    assert share[[699, 700, 999, 1000]] == pytest.approx([8, 0, 0, 8])
