"""Bodies in postures: joints inside of the mesh, limbs of fixed length, feet on the ground."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmwave.simulation.people import (
    SITTING,
    Person,
    Standing,
    body_mesh,
    posed_mesh,
    skeleton,
    striding,
    walk,
)

HEIGHTS = st.floats(1.3, 2.0)
POSTURES = st.one_of(
    st.just(SITTING), st.builds(striding, st.floats(0, 7), st.sampled_from([0.0, 0.42]))
)


@given(HEIGHTS, POSTURES)
def test_limbs_keep_their_length_and_a_foot_is_on_the_ground(height_m, posture):
    joints = skeleton(height_m, posture)
    unit = height_m / 1.72
    for start, end, length in (
        (joints.hips_m, joints.knees_m, 0.42),
        (joints.knees_m, joints.ankles_m, 0.43),
        (joints.shoulders_m, joints.elbows_m, 0.29),
        (joints.elbows_m, joints.wrists_m, 0.3),
    ):
        np.testing.assert_allclose(np.linalg.norm(end - start, axis=1), length * unit)
    assert joints.ankles_m[:, 2].min() == pytest.approx(0.08 * unit)


@given(HEIGHTS, POSTURES)
def test_key_points_are_in_the_body_left_ones_to_the_left(height_m, posture):
    joints = skeleton(height_m, posture)
    points, mesh = joints.key_points_m(), posed_mesh(joints)
    assert points.shape == (17, 3)
    low, high = mesh.vertices_m.min(axis=0), mesh.vertices_m.max(axis=0)
    assert (points > low - 0.02).all()
    assert (points < high + 0.02).all()
    pairs = points[1:].reshape(8, 2, 3)
    assert (pairs[:, 0, 1] > pairs[:, 1, 1]).all()
    assert points[0, 0] > points[1, 0] > points[3, 0]  # nose before eyes before ears


def test_who_sits_is_lower_and_has_the_same_triangles():
    upright, sitting = body_mesh(1.72, 0.0, 0.0), posed_mesh(skeleton(1.72, SITTING))
    np.testing.assert_array_equal(upright.faces, sitting.faces)
    lower_m = upright.vertices_m[:, 2].max() - sitting.vertices_m[:, 2].max()
    assert 0.3 < lower_m < 0.45  # most of the length of a thigh
    assert sitting.vertices_m[:, 0].max() > 0.5  # knees and feet ahead


@pytest.mark.parametrize(
    "person",
    [
        Person(Standing(2.0, -1.0, 0.7), 5, 1.8),
        Person(Standing(1.0, 3.0, -2.0), 5, 1.6, sitting=True),
        walk(np.array([0.0, 0.0]), np.array([3.0, 1.0]), 5, 1.7, 0.3),
    ],
)
def test_key_points_move_with_the_body(person):
    for time_s in (0.0, 1.7, 6.1):
        vertices = person.scene(time_s).vertices_m
        points = person.key_points_m(time_s)
        assert (points > vertices.min(axis=0) - 0.03).all()
        assert (points < vertices.max(axis=0) + 0.03).all()


def test_nobody_walks_on_a_chair():
    with pytest.raises(ValueError, match="who sits makes no strides"):
        Person(Standing(0, 0), 1, 1.7, strides=2, sitting=True)
