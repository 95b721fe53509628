"""Limbs of people who stay where they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmwave.simulation.gestures import Gestures
from mmwave.simulation.people import Person, Standing
from mmwave.simulation.room import generate_room
from mmwave.simulation.trajectory import DRIVE_DURATION_S

SEEDS = st.integers(0, 10_000)


def drawn(seed):
    return Gestures.draw(np.random.default_rng(seed))


@given(SEEDS, st.floats(0, 30))
def test_limbs_stay_within_their_sizes_move_smoothly_and_repeat(seed, time_s):
    gestures = drawn(seed)
    lifted = gestures.lifted(time_s)
    assert (lifted >= 0).all()
    assert (lifted <= gestures.sizes).all()
    np.testing.assert_allclose(gestures.lifted(time_s + DRIVE_DURATION_S), lifted, atol=1e-9)
    # 12 swings in a round are 3.6 rad/s of a limb that is lifted by 1
    assert np.abs(gestures.lifted(time_s + 1e-3) - lifted).max() < 6e-3


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_limbs_rest_as_long_as_they_move(seed):
    times_s = np.linspace(0, DRIVE_DURATION_S, 600, endpoint=False)
    lifted = np.array([drawn(seed).lifted(time_s) for time_s in times_s])
    still = (lifted < 1e-12).mean(axis=0)
    assert (np.abs(still - 0.5) < 0.1).all()


@given(SEEDS, st.booleans(), st.floats(1.3, 2.0))
@settings(max_examples=15, deadline=None)
def test_a_body_that_gestures_moves_its_limbs_alone_and_stays_in_its_circle(
    seed, sitting, height_m
):
    still = Standing(0.0, 0.0, 0.0, sway_m=0.0)
    person = Person(still, 1, height_m, sitting=sitting, gestures=drawn(seed))
    points = np.array([person.key_points_m(t) for t in np.linspace(0, DRIVE_DURATION_S, 40)])
    moved = np.ptp(points, axis=0).max(axis=1)
    head_and_trunk = [0, 1, 2, 3, 4, 5, 6, 11, 12]
    assert moved[head_and_trunk].max() < 0.015  # the hips are as high as the lower foot wants
    assert moved[[9, 10]].min() > 0.02
    left_ankle, right_ankle = moved[15], moved[16]
    assert right_ankle < 0.01
    assert (left_ankle > 0.01) == sitting
    for time_s in np.linspace(0, DRIVE_DURATION_S, 20):
        corners = person.scene(time_s).vertices_m
        assert np.hypot(corners[:, 0], corners[:, 1]).max() < person.radius_m
        assert corners[:, 2].min() > -0.01


def test_in_rooms_who_stays_gestures_everybody_in_their_own_way():
    crowd = [one for seed in range(8) for one in generate_room(seed, 1).people]
    stay = [one for one in crowd if not one.walking]
    assert len(stay) > 3
    assert all(one.gestures is None for one in crowd if one.walking)
    assert len({one.gestures for one in stay}) == len(stay)
    assert [one.gestures for one in generate_room(1, 1).people] == [
        one.gestures for one in generate_room(1, 1).people
    ]


def test_what_is_no_gesture_is_refused():
    three = (1, 1, 1)
    with pytest.raises(ValueError, match="sizes must be from 0 to 1"):
        Gestures((0.5, 1.2, 0.1), three, three, ((0, 0, 0), (0, 0, 0)))
    with pytest.raises(ValueError, match="bouts must be whole and positive"):
        Gestures((0.5, 0.5, 0.1), (1, 0, 1), three, ((0, 0, 0), (0, 0, 0)))
    with pytest.raises(ValueError, match="who walks swings the arms"):
        Person(Standing(0, 0), 1, 1.7, strides=2, gestures=drawn(0))
