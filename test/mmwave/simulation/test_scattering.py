"""Shoot and bounce in rooms whose answers are known in closed form."""

import numpy as np
import pytest
from box_room import box_room, rectangle

from mmwave.simulation.fmcw import PLANE, POINT
from mmwave.simulation.materials import MATERIAL_ID, MATERIALS
from mmwave.simulation.scattering import Reflectors, between
from mmwave.simulation.scene import Scene, SemanticClass
from mmwave.simulation.specular import Planes
from mmwave.simulation.surface import SurfacePoints
from mmwave.simulation.truth import RayCaster
from mmwave.waveform import AntennaArray

ARRAY = AntennaArray()
WAVELENGTH_M = ARRAY.wavelength_m
CENTRE_M = np.array([0.0, 0.0, 0.9])
GHOST, MIRROR = 1 << 32, 1 << 56


def reflectors(scene, seed=1):
    return Reflectors(lambda _time_s: scene, len(scene.faces), seed, WAVELENGTH_M, ARRAY.radius_m)


def direct(view):
    return (view.key < GHOST) & (view.strength > 0)


def ghosts(view):
    return (view.key >= GHOST) & (view.key < MIRROR) & (view.strength > 0)


def gamma(material):
    return MATERIALS[MATERIAL_ID[material]].specular_reflection


def test_points_lie_on_the_walls_and_have_steady_phases():
    scene = box_room()
    model = reflectors(scene)
    one = model.view(CENTRE_M, 0.0)
    two = model.view(CENTRE_M + np.array([0.3, 0.1, 0.0]), 0.25)
    points = one.position_m[direct(one)]
    low, high = np.array([-4, -3, 0]), np.array([4, 3, 2.5])
    on_a_wall = np.minimum(np.abs(points - low), np.abs(points - high)).min(axis=1)
    assert len(points) > 3000
    assert on_a_wall.max() < 1e-9
    _, first, second = np.intersect1d(one.key, two.key, return_indices=True)
    shared = one.key[first] < MIRROR
    assert shared.sum() > 2000
    assert np.array_equal(one.phase_rad[first][shared], two.phase_rad[second][shared])
    assert np.array_equal(one.position_m[first][shared], two.position_m[second][shared])


def test_cross_section_of_a_wall_is_the_integral_of_sigma0_cos_squared():
    wall = rectangle((3, -2, -0.1), (0, 0, 2), (0, 4, 0), "brick")
    view = reflectors(wall).view(CENTRE_M, 0.0)
    found = np.sum(view.strength[direct(view)].astype(float) ** 2)
    y, z = np.meshgrid(np.linspace(-2, 2, 801), np.linspace(-1, 1, 401))
    cosine_squared = 9 / (9 + y**2 + z**2)
    sigma0 = 10 ** (MATERIALS[MATERIAL_ID["brick"]].diffuse_backscatter_db / 10)
    assert found == pytest.approx(sigma0 * cosine_squared.mean() * 8, rel=0.1)


def test_what_is_behind_a_partition_is_not_seen():
    partition = rectangle((2, -1, 0), (0, 0, 2.5), (0, 2, 0))
    view = reflectors(Scene.merge([box_room(), partition])).view(CENTRE_M, 0.0)
    points = view.position_m[direct(view)]
    shadow = (points[:, 0] > 2.01) & (np.abs(points[:, 1]) < points[:, 0] / 2 * 0.9)
    assert not shadow.any()
    assert np.sum(np.abs(points[:, 0] - 2) < 1e-9) > 100


def test_surfaces_seen_from_behind_do_not_answer():
    wall = rectangle((3, -2, 0), (0, 4, 0), (0, 0, 2))  # its normal points away
    view = reflectors(wall).view(CENTRE_M, 0.0)
    assert not direct(view).any()
    assert not np.any(view.kind == PLANE)


def test_every_wall_of_a_room_is_a_mirror_at_its_perpendicular_distance():
    view = reflectors(box_room()).view(CENTRE_M, 0.0)
    mirrors = view.kind == PLANE
    offset = view.position_m[mirrors] - CENTRE_M
    distance = np.abs(np.sum(offset * view.axis[mirrors], axis=1))
    assert np.sort(distance) == pytest.approx([0.9, 1.6, 3, 3, 4, 4])
    assert view.strength[mirrors] == pytest.approx(gamma("plaster"), rel=1e-6)


def test_small_plate_has_its_physical_optics_cross_section():
    side_m = 0.02
    plate = rectangle((3, -side_m / 2, 0.9 - side_m / 2), (0, 0, side_m), (0, side_m, 0), "metal")
    planes = Planes(
        np.zeros(2, np.int64), np.array([[-1.0, 0, 0]]), np.array([-3.0]),
        np.array([1.0]), plate.vertices_m.min(axis=0) * np.ones((2, 1)),
        plate.vertices_m.max(axis=0) * np.ones((2, 1)),
    )  # fmt: skip
    _, strength = planes.visible(RayCaster(plate), CENTRE_M, 0.08, WAVELENGTH_M, 9.5)
    distance_m = 3 - 0.08
    found = np.pi * distance_m**2 * strength[0] ** 2
    expected = 4 * np.pi * side_m**4 / WAVELENGTH_M**2
    assert found == pytest.approx(expected, rel=0.35)  # 32 rays over the zone


def test_mirror_fades_to_half_at_an_edge_and_goes_out_behind_an_opening():
    model = reflectors(rectangle((3, 0, -2), (0, 0, 5), (0, 3, 0)))
    strengths = []
    for y in (-0.5, 0.0, 0.5):
        view = model.view(CENTRE_M + np.array([0, y, 0]), 0.0)
        strengths.append(view.strength[view.kind == PLANE].sum() / gamma("plaster"))
    assert strengths == pytest.approx([0.0, 0.5, 1.0], abs=0.07)


def test_mirror_goes_out_when_something_stands_in_front():
    screen = rectangle((2, -0.5, 0), (0, 0, 2.5), (0, 1, 0), "fabric")
    view = reflectors(Scene.merge([box_room(), screen])).view(CENTRE_M, 0.0)
    mirrors = view.kind == PLANE
    ahead = np.abs(view.axis[mirrors][:, 0]) > 0.9
    distance = np.abs(np.sum((view.position_m[mirrors] - CENTRE_M) * view.axis[mirrors], axis=1))[
        ahead
    ]
    assert np.sort(distance) == pytest.approx([2, 4])


def test_people_are_no_mirrors():
    person = rectangle((2, -1, 0), (0, 0, 2), (0, 2, 0), "skin", SemanticClass.PERSON)
    view = reflectors(person).view(CENTRE_M, 0.0)
    assert direct(view).sum() > 100
    assert not np.any(view.kind == PLANE)


def object_before_a_mirror():
    """A metal wall at x = 3 and a plate at x = 1 that turns its back to the radar."""
    return Scene.merge(
        [
            rectangle((3, -4, -2), (0, 0, 6), (0, 8, 0), "metal"),
            rectangle((1.0, 1.5, -0.1), (0, 1.5, 0), (0, 0, 2), "brick"),
        ]
    )


def test_ghost_lies_at_the_mirror_image_with_the_whole_way_as_distance():
    scene = object_before_a_mirror()
    view = reflectors(scene).view(CENTRE_M, 0.0)
    shown = ghosts(view)
    assert shown.any()
    image = view.position_m[shown]
    target = image * [-1, 1, 1] + [6, 0, 0]
    assert target[:, 0] == pytest.approx(1.0)
    assert np.all((target[:, 1] > 1.5) & (target[:, 1] < 3.0))
    antenna = CENTRE_M + 0.08 * (image - CENTRE_M) * [1, 1, 0] / np.linalg.norm(
        (image - CENTRE_M)[:, :2], axis=1, keepdims=True
    )
    way = image - antenna
    bounce = antenna + way * ((3 - antenna[:, :1]) / way[:, :1])
    length = np.linalg.norm(bounce - antenna, axis=1) + np.linalg.norm(target - bounce, axis=1)
    assert np.linalg.norm(image - antenna, axis=1) == pytest.approx(length)


def test_ghost_is_weaker_by_the_mirror_squared():
    found = []
    for seed in range(8):
        view = reflectors(object_before_a_mirror(), seed).view(CENTRE_M, 0.0)
        found.append(np.sum(view.strength[ghosts(view)].astype(float) ** 2))
    y, z = np.meshgrid(np.linspace(1.5, 3, 151), np.linspace(-1, 1, 201))
    cosine_squared = np.mean(25 / (25 + y**2 + z**2))
    sigma0 = 10 ** (MATERIALS[MATERIAL_ID["brick"]].diffuse_backscatter_db / 10)
    expected = gamma("metal") ** 4 * sigma0 * 3.0 * cosine_squared
    assert np.mean(found) == pytest.approx(expected, rel=0.2)


def test_ghost_goes_out_when_the_second_leg_is_blocked():
    block = rectangle((1.8, 0.9, -2), (0, 0, 6), (0, 2.5, 0), "fabric")
    view = reflectors(Scene.merge([object_before_a_mirror(), block])).view(CENTRE_M, 0.0)
    target = view.position_m[ghosts(view)] * [-1, 1, 1] + [6, 0, 0]
    assert not np.any(np.abs(target[:, 0] - 1.0) < 1e-6)


def walking(time_s):
    """A wall that stands and a person who comes nearer at 1 m/s."""
    return Scene.merge(
        [
            rectangle((5, -3, 0), (0, 0, 2.5), (0, 6, 0)),
            rectangle(
                (3 - time_s, -0.3, 0), (0, 0, 1.8), (0, 0.6, 0), "skin", SemanticClass.PERSON, 4
            ),
        ]
    )


def test_people_move_between_two_views_and_walls_do_not():
    model = Reflectors(walking, 2, 3, WAVELENGTH_M, ARRAY.radius_m)
    scatterers = between(model.view(CENTRE_M, 0.0), model.view(CENTRE_M, 0.25))
    points = scatterers.kind == POINT
    person = points & (scatterers.position_m[:, 0] < 4)
    wall = points & (scatterers.position_m[:, 0] > 4)
    assert scatterers.velocity_mps[person] == pytest.approx(
        np.tile([-1.0, 0, 0], (person.sum(), 1)), abs=1e-9
    )
    assert not scatterers.velocity_mps[wall].any()
    assert person.sum() > 20


def test_what_appears_fades_in():
    model = Reflectors(walking, 2, 3, WAVELENGTH_M, ARRAY.radius_m)
    one, two = model.view(CENTRE_M, 0.0), model.view(CENTRE_M + np.array([0, 1.0, 0]), 0.25)
    scatterers = between(one, two)
    appears = (scatterers.strength[:, 0] == 0) & (scatterers.strength[:, 1] > 0)
    vanishes = (scatterers.strength[:, 0] > 0) & (scatterers.strength[:, 1] == 0)
    assert appears.any()
    assert vanishes.any()
    assert not np.any(~scatterers.strength.any(axis=1))


def test_same_seed_same_scatterers_and_another_seed_others():
    scene = box_room()
    one, two, other = (reflectors(scene, seed).view(CENTRE_M, 0.0) for seed in (1, 1, 2))
    for name in ("key", "position_m", "strength", "phase_rad"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.phase_rad[:50], other.phase_rad[:50])


def test_points_cover_faces_in_proportion_to_their_area():
    scene = Scene.merge(
        [rectangle((0, 0, 0), (2, 0, 0), (0, 3, 0)), rectangle((0, 0, 1), (1, 0, 0), (0, 1, 0))]
    )
    points = SurfacePoints.sample(scene, np.arange(4), 0)
    count = np.bincount(points.face, minlength=4)
    assert count == pytest.approx([1200, 1200, 200, 200], abs=1)
    position = points.positions_m(scene)
    assert position[points.face < 2].mean(axis=0) == pytest.approx([1, 1.5, 0], abs=0.05)
