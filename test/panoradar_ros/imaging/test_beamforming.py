from dataclasses import replace

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
from panoradar_ros.imaging.static_beamforming import error_of_standing_still

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
        rotation, range_profiles(rotation), PlanarMotion(*velocity), GRID
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


def damaged(rotation, lost):
    """The rotation without the samples of (position, antenna) that are lost."""
    samples = np.where(lost[..., None, None], np.int16(0), rotation.samples)
    return replace(rotation, samples=samples, valid=~lost)


def uneven(rotation):
    """The rotation by a turntable whose speed swings by 5 %."""
    azimuth = rotation.azimuth_rad
    return replace(rotation, azimuth_rad=azimuth + 0.05 / 2 * np.sin(2 * azimuth + 0.3))


def largest_error(former, rotation, motion, seed=0):
    """Of the amplitude over the strongest beam of the panorama, against phase steering.

    Beams around the strongest one, where its window begins and ends, at the seam, and others.
    """
    profiles = range_profiles(rotation)
    power, _ = former.power(rotation, profiles, motion, GRID)
    top_row, top_column, _ = peak_of(power)
    top_ray = -rotation.direction * top_column
    generator = np.random.default_rng(seed)
    rays = top_ray + np.array([-43, -42, -36, -3, -1, 0, 1, 2, 8, 36, 42, 43])
    rays = np.unique(np.concatenate([rays, [0, 1, 255, 510, 511], generator.integers(512, size=6)]))
    azimuth_rad = rotation.ray_azimuth_rad(512)
    error = 0.0
    for ray in rays % 512:
        for row in (top_row, 63 - top_row, int(generator.integers(64))):
            direct = phase_steering(
                rotation, profiles, motion, ARRAY, azimuth_rad[ray],
                GRID.elevation_rad[row], former.window_rad,
            )  # fmt: skip
            fast = np.sqrt(power[row, (-rotation.direction * ray) % 512])
            error = max(error, float(np.abs(fast - np.abs(direct)).max()))
    return error / np.sqrt(power.max())


MOTIONS = [
    PlanarMotion(0.45, -0.3, 0.4, 0.3, 0.25, np.deg2rad(60)),
    PlanarMotion(-0.2, 0.1, -0.1, 0.4, 0.25, np.deg2rad(-60)),
]


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("decimation", "bound"), [(1, 1e-5), (2, 2e-3)])
def test_moving_beams_equal_phase_steering(
    rotation_of, cloud_of, motion, direction, decimation, bound
):
    velocity = (motion.x_mps, motion.y_mps)
    rotation = rotation_of(cloud_of(5, 12), velocity, direction=direction)
    former = Beamformer(ARRAY, decimation=decimation)
    assert former.chosen_method(range_profiles(rotation), motion) == "banded"
    assert largest_error(former, rotation, motion) < bound


@pytest.mark.parametrize("method", ["auto", "static", "banded"])
@pytest.mark.parametrize("direction", [1, -1])
def test_static_beams_equal_phase_steering(rotation_of, cloud_of, method, direction):
    rotation = rotation_of(cloud_of(6, 12), direction=direction)
    former = Beamformer(ARRAY, method=method)
    expected = "banded" if method == "banded" else "static"
    assert former.chosen_method(range_profiles(rotation), PlanarMotion()) == expected
    assert largest_error(former, rotation, PlanarMotion()) < 1e-4


@pytest.mark.parametrize(
    ("motion", "decimation", "bound"),
    [(PlanarMotion(), 2, 1.5e-4), (MOTIONS[0], 1, 1.5e-5), (MOTIONS[0], 2, 3e-3)],
)
def test_accuracy_with_lost_chirps_and_an_uneven_turntable(
    rotation_of, cloud_of, motion, decimation, bound
):
    rotation = uneven(rotation_of(cloud_of(7, 12), (motion.x_mps, motion.y_mps)))
    generator = np.random.default_rng(3)
    lost = generator.random(rotation.valid.shape) < 0.05
    lost[generator.random(len(lost)) < 0.05] = True
    former = Beamformer(ARRAY, decimation=decimation)
    assert largest_error(former, damaged(rotation, lost), motion) < bound


@pytest.mark.parametrize(
    "motion",
    [
        PlanarMotion(x_mps=1e-3, y_mps=-5e-4),
        PlanarMotion(x_mps2=0.02, reference_s=0.25),
        PlanarMotion(yaw_rate_radps=0.02),
    ],
)
def test_what_standing_still_costs_stays_under_its_bound(rotation_of, motion):
    rotation = rotation_of([(3.0, 1.0, 0.0, 1500), (-2.0, 2.0, 0.3, 900)])
    profiles = range_profiles(rotation)
    bound = error_of_standing_still(profiles, motion, ARRAY)
    moving, _ = Beamformer(ARRAY, method="banded").power(rotation, profiles, motion, GRID)
    still, _ = Beamformer(ARRAY, method="static").power(rotation, profiles, motion, GRID)
    error = np.abs(np.sqrt(moving) - np.sqrt(still)).max() / np.sqrt(still.max())
    assert 0.01 * bound < error < bound
    assert Beamformer(ARRAY).chosen_method(profiles, motion) == "banded"


def test_a_motion_too_small_to_see_is_taken_for_none(rotation_of):
    rotation = rotation_of([(3.0, 1.0, 0.0, 1500)])
    profiles = range_profiles(rotation)
    nearly = PlanarMotion(1e-6, -1e-6, 1e-6, 0.0, 0.25, 1e-6)
    assert Beamformer(ARRAY).chosen_method(profiles, nearly) == "static"
    assert Beamformer(ARRAY).chosen_method(profiles, PlanarMotion(1e-4)) == "banded"


@pytest.mark.parametrize("method", ["static", "banded"])
def test_azimuth_width_of_the_matched_taper(rotation_of, method):
    rotation = rotation_of([(5.0, 0.02, 0.0, 1500)])
    grid = PanoramaGrid(columns=4096, rows=2, elevation_limit_rad=1e-3)
    power, _ = Beamformer(ARRAY, method=method).power(
        rotation, range_profiles(rotation), PlanarMotion(), grid
    )
    beam = power[0, :, peak_of(power)[2]]
    width_deg = (beam > beam.max() / 2).sum() * 360 / grid.columns
    assert width_deg == pytest.approx(2.3, rel=0.05)


def test_gaps_between_frames_and_lost_positions_leave_no_side_lobes(rotation_of):
    rotation = rotation_of([(5.0, 0.02, 0.0, 1500)], noise_counts=0.3)
    lost = np.zeros(rotation.valid.shape, bool)
    lost[::37] = True
    grid = PanoramaGrid(columns=512, rows=2, elevation_limit_rad=1e-3)
    for turn in (rotation, damaged(rotation, lost)):
        power, _ = Beamformer(ARRAY).power(turn, range_profiles(turn), PlanarMotion(), grid)
        _, column, cell = peak_of(power)
        beam = np.roll(power[0, :, cell], 256 - column) / power.max()
        beside = np.abs(np.arange(512) - 256) * 360 / 512 > 5
        assert 10 * np.log10(beam[beside].max()) < -38


def test_lost_positions_are_masked_and_weights_renormalised(rotation_of):
    rotation = rotation_of([(4.0, 0.0, 0.3, 1500)])
    lost = np.random.default_rng(3).random(rotation.valid.shape) < 0.1
    former = Beamformer(ARRAY)
    whole, _ = former.power(rotation, range_profiles(rotation), PlanarMotion(), GRID)
    rest = damaged(rotation, lost)
    masked, coverage = former.power(rest, range_profiles(rest), PlanarMotion(), GRID)
    assert peak_of(masked) == peak_of(whole)
    assert masked.max() == pytest.approx(whole.max(), rel=0.05)
    assert coverage == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("method", ["static", "banded"])
def test_a_sector_that_was_not_received_has_no_coverage_and_no_power(rotation_of, method):
    rotation = rotation_of([(4.0, 0.0, 0.0, 1500)])
    gone = np.abs(rotation.azimuth_rad - np.pi) < np.deg2rad(40)
    rest = damaged(rotation, np.repeat(gone[:, None], 8, axis=1))
    power, coverage = Beamformer(ARRAY, method=method).power(
        rest, range_profiles(rest), PlanarMotion(), GRID
    )
    assert coverage[256] == 0
    assert not power[:, 256].any()
    assert coverage[0] == pytest.approx(1)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="window_rad"):
        Beamformer(ARRAY, window_rad=0)
    with pytest.raises(ValueError, match="workers"):
        Beamformer(ARRAY, workers=0)
    with pytest.raises(ValueError, match="method must be one of auto, banded, static"):
        Beamformer(ARRAY, method="fast")
    with pytest.raises(ValueError, match="decimation"):
        Beamformer(ARRAY, decimation=0)
    with pytest.raises(ValueError, match="x_mps must be finite"):
        PlanarMotion(float("nan"), 0)


@pytest.mark.parametrize("motion", [PlanarMotion(), MOTIONS[0]])
def test_spectra_that_are_not_finite_are_refused_by_position(rotation_of, motion):
    rotation = rotation_of([(4.0, 0.0, 0.0, 900)])
    profiles = range_profiles(rotation)
    profiles.spectrum[17, 3, 99] = np.nan
    profiles.spectrum[40, 0, 5] = np.inf
    with pytest.raises(ValueError, match=r"2 of .* positions are not .the first is position 17"):
        Beamformer(ARRAY).power(rotation, profiles, motion, GRID)


@pytest.mark.parametrize("method", ["static", "banded"])
def test_a_rotation_without_the_margins_of_its_window_is_refused(rotation_of, method):
    rotation = rotation_of([(4.0, 0.0, 0.0, 900)], margin_rad=np.deg2rad(20))
    profiles = range_profiles(rotation)
    with pytest.raises(ValueError, match=r"shorter than a turn and its window: it has 2[01]"):
        Beamformer(ARRAY, method=method).power(rotation, profiles, PlanarMotion(), GRID)
    # a narrower window fits
    narrow = Beamformer(ARRAY, np.deg2rad(30), method=method)
    narrow.power(rotation, profiles, PlanarMotion(), GRID)


def test_a_robot_that_turns_as_fast_as_its_turntable_is_refused(rotation_of):
    rotation = rotation_of([(4.0, 0.0, 0.0, 900)])
    with pytest.raises(ValueError, match="yaw_rate_radps must be at most half"):
        Beamformer(ARRAY).power(
            rotation, range_profiles(rotation), PlanarMotion(yaw_rate_radps=-12.0), GRID
        )


def test_antennas_that_are_not_the_arrays_are_refused(rotation_of):
    rotation = rotation_of([(4.0, 0.0, 0.0, 900)])
    profiles = range_profiles(rotation)
    fewer = replace(profiles, spectrum=profiles.spectrum[:, :6])
    with pytest.raises(ValueError, match="6 antennas do not fit an array of 8"):
        Beamformer(ARRAY).power(rotation, fewer, PlanarMotion(), GRID)
