"""Reflectors that are covered, whose mirrors are told, and that are carried on in time."""

from dataclasses import dataclass

import numpy as np
import pytest

from mmwave.simulation import meshes
from mmwave.simulation.meshes import Label
from mmwave.simulation.people import Person, Standing, walk
from mmwave.simulation.scattering import Reflectors, between
from mmwave.simulation.scene import IGNORED_CLASS, Scene, SemanticClass

WAVELENGTH_M = 3.8e-3
CENTRE_M = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Hall:
    """A wall ahead, one to the side, and somebody who walks."""

    person: Person

    @property
    def still(self):
        wall = Label(SemanticClass.WALL, "plaster")
        block = Label(IGNORED_CLASS, "wood")
        return Scene.merge(
            [
                meshes.box((5.0, -3.0, 0.0), (5.1, 3.0, 2.5), wall),
                meshes.box((0.0, 2.0, 0.0), (5.0, 2.1, 2.5), wall),
                meshes.box((2.0, -1.5, 0.0), (2.5, -1.0, 0.8), block),
            ]
        )

    def scene_at(self, time_s):
        return Scene.merge([self.still, self.person.scene(time_s)])


@pytest.fixture(scope="module")
def hall():
    return Hall(walk(np.array([2.0, 0.0]), np.array([3.5, 0.8]), 1, 1.75, 0.3))


def reflectors(hall, **options):
    return Reflectors(hall.scene_at, len(hall.still.faces), 7, WAVELENGTH_M, 0.0, **options)


def test_a_gain_of_a_face_scales_what_it_scatters_and_nothing_else(hall):
    faces = len(hall.scene_at(0.0).faces)
    gain = np.ones(faces)
    still = len(hall.still.faces)
    gain[still:] = 0.25
    bare = reflectors(hall).view(CENTRE_M, 0.0)
    covered = reflectors(hall, face_gain=gain).view(CENTRE_M, 0.0)
    np.testing.assert_array_equal(bare.key, covered.key)
    ratio = covered.strength[bare.strength > 0] / bare.strength[bare.strength > 0]
    assert set(np.unique(np.round(ratio, 4))) == {0.25, 1.0}
    assert np.sum(ratio < 0.5) > 30


def test_the_told_reflection_is_that_of_the_plane_and_of_its_ghosts(hall):
    faces = len(hall.scene_at(0.0).faces)
    told = np.full(faces, np.nan)
    told[:12] = 0.8  # the wall ahead; of plaster, 0.4
    plain, other = (reflectors(hall, face_reflection=one) for one in (None, told))
    planes = plain.planes
    ahead = np.flatnonzero((planes.normal[:, 0] < -0.99) & (np.abs(planes.offset_m + 5) < 1e-6))
    beside = np.flatnonzero((planes.normal[:, 1] < -0.99) & (np.abs(planes.offset_m + 2) < 1e-6))
    assert planes.reflection[ahead] == pytest.approx(0.4)
    assert other.planes.reflection[ahead] == pytest.approx(0.8)
    assert other.planes.reflection[beside] == planes.reflection[beside] == pytest.approx(0.4)


def test_what_is_carried_is_where_a_new_look_finds_it(hall):
    radar = reflectors(hall)
    first, later = (radar.view(CENTRE_M, time_s) for time_s in (1.0, 1.01))
    carried = radar.carried(first, 1.01)
    np.testing.assert_array_equal(carried.key, first.key)
    np.testing.assert_array_equal(carried.strength, first.strength)
    _, here, there = np.intersect1d(carried.key, later.key, return_indices=True)
    np.testing.assert_allclose(carried.position_m[here], later.position_m[there], atol=1e-9)
    moved = np.linalg.norm(carried.position_m - first.position_m, axis=1)
    assert 0 < np.sum(moved > 1e-6) < len(moved)
    assert moved.max() < 0.1


def test_speeds_between_a_look_and_its_carried_one_are_those_of_walking(hall):
    radar = reflectors(hall)
    view = radar.view(CENTRE_M, 2.0)
    speed = np.linalg.norm(between(view, radar.carried(view, 2.016)).velocity_mps, axis=1)
    assert 0.5 < speed.max() < 8.0


def test_who_stands_moves_by_millimetres():
    hall = Hall(Person(Standing(2.5, 0.0), 1))
    radar = reflectors(hall)
    view = radar.view(CENTRE_M, 0.0)
    moved = np.linalg.norm(radar.carried(view, 0.5).position_m - view.position_m, axis=1)
    assert 0 < moved.max() < 0.02
