import numpy as np
import pytest

from panoradar_ros.imaging.landmarks import Landmarks, polar_map, turned_between
from panoradar_ros.imaging.planar_pose import PlanarPose

LIMIT = np.deg2rad(8)


def scattered(seed, count=2000):
    rng = np.random.default_rng(seed)
    azimuth, distance = rng.uniform(-np.pi, np.pi, count), rng.uniform(1, 9, count)
    return Landmarks(
        distance * np.cos(azimuth), distance * np.sin(azimuth), rng.uniform(0.3, 1, count)
    )


@pytest.mark.parametrize("turn_deg", [-6.3, -0.4, 0.0, 0.13, 5.0])
def test_turn_between_two_looks_at_the_same_landmarks(turn_deg):
    before = scattered(1)
    after = before.seen_from(PlanarPose(yaw_rad=-np.deg2rad(turn_deg)))
    angle, correlation = turned_between(polar_map(before), polar_map(after), LIMIT)
    assert np.rad2deg(angle) == pytest.approx(turn_deg, abs=0.03)
    assert correlation > 0.9


def test_half_of_the_landmarks_may_be_others():
    before = scattered(2)
    same = before.seen_from(PlanarPose(yaw_rad=0.05))
    other = scattered(3)
    half = len(before) // 2
    mixed = Landmarks(
        *(
            np.concatenate([getattr(same, name)[:half], getattr(other, name)[half:]])
            for name in ("x_m", "y_m", "weight")
        )
    )
    angle, correlation = turned_between(polar_map(before), polar_map(mixed), LIMIT)
    assert angle == pytest.approx(-0.05, abs=np.deg2rad(0.1))
    assert 0.2 < correlation < 0.9


def test_other_places_do_not_correlate():
    _, correlation = turned_between(polar_map(scattered(4)), polar_map(scattered(5)), LIMIT)
    assert correlation < 0.75 * turned_between(*[polar_map(scattered(4))] * 2, LIMIT)[1]


def test_nothing_matches_nothing():
    empty = polar_map(Landmarks())
    assert turned_between(empty, empty, LIMIT) is None
    assert turned_between(polar_map(scattered(6)), empty, LIMIT) is None


def test_a_turn_beyond_the_limit_is_no_answer():
    before = scattered(7)
    after = before.seen_from(PlanarPose(yaw_rad=-np.deg2rad(8.2)))
    match = turned_between(polar_map(before), polar_map(after), np.deg2rad(8))
    assert match is None or match[1] < 0.6


def test_landmarks_move_with_the_frame():
    one = Landmarks(np.array([1.0]), np.array([0.0]), np.array([1.0]))
    seen = one.seen_from(PlanarPose(2.0, 3.0, np.pi / 2))
    assert [seen.x_m[0], seen.y_m[0]] == pytest.approx([2.0, 4.0])
