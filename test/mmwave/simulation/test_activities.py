"""People who do things: continuous, on the floor, inside of their room, at human speeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from mmwave.simulation.activities import (
    ACTIVITIES,
    KINDS,
    PARTS,
    PLACES,
    Actor,
    Fall,
    Lie,
    Sit,
    SitDown,
    Stand,
    StandUp,
    Turn,
    Walk,
    body_parts,
    falling,
    looked_at,
    occupant,
)
from mmwave.simulation.articulated import GRAVITY_MPS2, fall_time_s, fallen_rad
from mmwave.simulation.people import Person, Standing

STEP_S = 0.02
SEEDS = st.integers(0, 2**32 - 1)
LOW, HIGH = np.array([2.0, -1.6]), np.array([5.2, 1.4])
DAY = (Stand(0.4), Walk(2.0, 1.0, 1.2), SitDown(1.0), Sit(0.5), StandUp(1.1), Turn(2.0), Fall(0.8))


def drawn(seed, what):
    generator = np.random.default_rng(seed)
    if what == "looked_at":
        return looked_at(generator, 2.0, 0.3, np.pi)
    if what == "falling":
        return falling(generator, LOW, HIGH, 5.0)
    return occupant(generator, LOW, HIGH, 5.0, what)


def motion(actor, until_s, step_s=STEP_S):
    times = np.arange(0.0, until_s, step_s)
    return times, np.array([actor.scene(time).vertices_m for time in times])


def speeds(path, step_s=STEP_S):
    return np.linalg.norm(np.diff(path, axis=0), axis=-1) / step_s


def part_vertices(name):
    faces = Actor(1, 1.72, 0, 0, 0, (Stand(1),)).scene(0).faces
    return np.unique(faces[body_parts() == PARTS.index(name)])


def inside(point, scene):
    """How many closed parts of the mesh hold the point: sum of solid angles over 4 pi."""
    a, b, c = (scene.vertices_m[scene.faces[:, i]] - point for i in range(3))
    la, lb, lc = (np.linalg.norm(one, axis=1) for one in (a, b, c))
    triple = np.einsum("ij,ij->i", a, np.cross(b, c))
    dots = [np.einsum("ij,ij->i", p, q) for p, q in ((a, b), (b, c), (c, a))]
    whole = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    return np.sum(2 * np.arctan2(triple, whole)) / (4 * np.pi)


def depth_along(point, direction, scene):
    """Way from the point along a direction to the mesh (Moeller-Trumbore)."""
    a, b, c = (scene.vertices_m[scene.faces[:, i]] for i in range(3))
    edge_b, edge_c, off = b - a, c - a, point - a
    across = np.cross(direction, edge_c)
    scale = np.einsum("ij,ij->i", edge_b, across)
    scale = np.where(np.abs(scale) < 1e-12, np.nan, scale)
    u = np.einsum("ij,ij->i", off, across) / scale
    turned = np.cross(off, edge_b)
    v = turned @ direction / scale
    way = np.einsum("ij,ij->i", edge_c, turned) / scale
    hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (way > 0)
    return way[hit].min()


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(["looked_at", "falling", *KINDS]))
def test_no_corner_leaps_and_all_stay_on_the_floor(seed, what):
    _, vertices = motion(drawn(seed, what), 5.5)
    assert speeds(vertices).max() < 8.0
    lowest = vertices[..., 2].min(axis=1)
    np.testing.assert_allclose(lowest, 0.0, atol=1e-9)
    assert vertices[..., 2].max() < 2.1


def test_finer_steps_find_no_leap_over_the_borders_of_activities():
    actor = Actor(1, 1.8, 0.0, 0.0, 2.0, DAY)
    _, vertices = motion(actor, actor.end_s + 0.1, 0.002)
    assert speeds(vertices, 0.002).max() < 8.0


def test_the_same_seed_is_the_same_person_with_the_topology_of_all_people():
    first, again, other = drawn(3, "falling"), drawn(3, "falling"), drawn(4, "falling")
    assert first == again
    assert first != other
    scene = first.scene(2.0)
    standing = Person(Standing(0, 0), 1).scene(0.0)
    np.testing.assert_array_equal(scene.vertices_m, again.scene(2.0).vertices_m)
    for name in ("faces", "class_id", "material_id", "instance_id"):
        np.testing.assert_array_equal(getattr(scene, name), getattr(standing, name))


def test_who_stands_has_the_body_of_people():
    actor = Actor(1, 1.8, 1.0, -2.0, 0.5, (Stand(1.0),))
    person = Person(Standing(1.0, -2.0, 0.5, sway_m=0.0), 1, 1.8)
    off = actor.scene(0.3).vertices_m - person.scene(0.3).vertices_m
    assert np.abs(off - off.mean(axis=0)).max() < 0.015  # sway and breath


def test_parts_are_where_they_belong():
    vertices = Actor(1, 1.72, 0, 0, 0, (Stand(1),)).scene(0).vertices_m
    parts = body_parts()
    assert parts.dtype == np.uint8
    assert set(parts) == set(range(len(PARTS)))
    middle = {name: vertices[part_vertices(name)].mean(axis=0) for name in PARTS}
    heights = [middle[name][2] for name in ("head", "torso", "hands", "legs", "feet")]
    assert (np.diff(heights) < 0).all()
    assert vertices[part_vertices("head")][:, 2].min() > 1.1
    assert vertices[part_vertices("feet")][:, 2].max() < 0.15
    assert np.abs(vertices[part_vertices("hands")][:, 1]).min() > 0.17
    assert vertices[part_vertices("hands")][:, 2].max() < 0.95


def test_activities_come_in_order_and_the_last_state_stays():
    actor = Actor(1, 1.7, 0.0, 0.0, 0.0, (*DAY, Lie(1.0)))
    names = [actor.activity(time) for time in np.arange(0, actor.end_s + 3, 0.01)]
    order = [name for name, before in zip(names, [None, *names], strict=False) if name != before]
    assert order == ["stand", "walk", "sit_down", "sit", "stand_up", "turn", "fall", "lie"]
    assert set(order) == set(ACTIVITIES)
    assert actor.activity(-1.0) == "stand"
    assert actor.activity(1000.0) == "lie"


def test_nobody_walks_on_a_chair_or_gets_up_from_the_floor():
    with pytest.raises(ValueError, match="Walk begins with stand, but the body is at sit"):
        Actor(1, 1.7, 0, 0, 0, (SitDown(), Walk(1, 1)))
    with pytest.raises(ValueError, match="StandUp begins with sit, but the body is at lie"):
        Actor(1, 1.7, 0, 0, 0, (Fall(), StandUp()))
    with pytest.raises(ValueError, match=r"duration_s must be in 0\.6\.\.2\.0, got 0\.2"):
        Fall(0.2)


def test_walkers_arrive_at_the_speed_that_they_were_told():
    actor = Actor(1, 1.7, 0.0, 0.0, 0.0, (Walk(4.0, 3.0, 1.2),))
    times = np.arange(0, actor.end_s, STEP_S)
    way = np.array([actor.centre_m(time)[:2] for time in times])
    speed = speeds(way)
    assert np.median(speed) == pytest.approx(1.2, abs=0.03)
    assert speed.max() < 1.35  # sway of a few millimetres on top
    np.testing.assert_allclose(actor.centre_m(actor.end_s)[:2], [4.0, 3.0], atol=0.02)
    _, rotation = actor.torso_frame(actor.end_s)
    np.testing.assert_allclose(rotation[:2, 0], [0.8, 0.6], atol=0.01)


@pytest.mark.parametrize("height_m", [1.55, 1.9])
def test_who_sits_down_gets_onto_a_seat_behind_without_falling(height_m):
    actor = Actor(1, height_m, 0.0, 0.0, 0.0, (SitDown(1.0), Sit(1.0), StandUp(1.0)))
    times = np.arange(0, actor.end_s, STEP_S)
    assert speeds(np.array([actor.centre_m(time) for time in times])).max() < 1.25
    seated = actor.scene(1.5).vertices_m
    assert seated[part_vertices("torso")][:, 2].min() == pytest.approx(0.45, abs=0.03)
    assert actor.centre_m(1.5)[0] < -0.3
    feet = [actor.scene(time).vertices_m[part_vertices("feet")].mean(axis=0) for time in (0, 1.5)]
    np.testing.assert_allclose(*feet, atol=0.02)


@given(st.floats(1.2, 2.1), st.floats(0.05, 0.6), st.floats(0.1, 1.0))
@settings(max_examples=20, deadline=None)
def test_the_rod_falls_as_its_equation_of_motion_says(length_m, lean_rad, share):
    rate = 3 * GRAVITY_MPS2 / (2 * length_m)
    end_s = share * fall_time_s(np.pi / 2, length_m, lean_rad)
    path = solve_ivp(
        lambda _, state: [state[1], rate * np.sin(state[0])],
        (0.0, end_s),
        [lean_rad, 0.0],
        rtol=1e-10,
        atol=1e-10,
    )
    assert fallen_rad(end_s, length_m, lean_rad) == pytest.approx(path.y[0, -1], abs=1e-6)


def test_the_rods_energy_is_kept_and_it_lies_when_it_should():
    end_s = fall_time_s(np.pi / 2, 1.7, 0.1)
    assert fallen_rad(end_s, 1.7, 0.1) == pytest.approx(np.pi / 2)
    for time_s in np.linspace(0.1, end_s, 7):
        step = 1e-4
        rate = (fallen_rad(time_s + step, 1.7, 0.1) - fallen_rad(time_s - step, 1.7, 0.1)) / 2e-4
        height = np.cos(0.1) - np.cos(fallen_rad(time_s, 1.7, 0.1))
        assert rate**2 == pytest.approx(3 * GRAVITY_MPS2 / 1.7 * height, rel=1e-4)


@pytest.mark.parametrize("direction_rad", [0.0, np.pi / 2, np.pi, -2.3])
@pytest.mark.parametrize("duration_s", [0.75, 1.1])
def test_a_fall_ends_flat_on_the_floor_in_its_direction(direction_rad, duration_s):
    yaw = 0.4
    actor = Actor(1, 1.72, 0.0, 0.0, yaw, (Fall(duration_s, direction_rad), Lie(1.0)))
    impact_s = Fall(duration_s, direction_rad).impact_s(1.72)
    _, vertices = motion(actor, actor.end_s)
    head = vertices[:, part_vertices("head")].mean(axis=1)
    pace = speeds(head)
    assert 2.5 < pace.max() < 5.6
    assert impact_s - 0.25 < np.argmax(pace) * STEP_S < impact_s + STEP_S  # hands and knees first
    assert pace[: int(0.4 * impact_s / STEP_S)].max() < 0.65  # begins slowly
    centre = actor.centre_m(actor.end_s)
    assert 0.08 < centre[2] < 0.3
    assert vertices[-1, :, 2].max() < 0.6
    towards = np.array([np.cos(yaw + direction_rad), np.sin(yaw + direction_rad)])
    assert head[-1, :2] @ towards > 1.1
    assert abs(head[-1, 0] * towards[1] - head[-1, 1] * towards[0]) < 0.1
    assert actor.activity(impact_s - 0.01) == "fall"
    assert actor.activity(impact_s + 0.01) == "lie"


def test_who_lies_moves_by_breath_alone():
    actor = Actor(1, 1.72, 0.0, 0.0, 0.0, (Fall(0.8, np.pi), Lie(1.0)))
    still = actor.end_s + np.arange(0, 4, 0.1)
    vertices = np.array([actor.scene(time).vertices_m for time in still])
    moved = np.ptp(vertices, axis=0).max(axis=1)
    chest = part_vertices("torso")
    assert moved[chest].max() == pytest.approx(0.004, abs=5e-4)
    assert np.delete(moved, chest).max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.0, 6.0), st.sampled_from(PLACES), st.sampled_from(["looked_at", *KINDS]))
def test_worn_things_are_just_outside_of_the_body(seed, time_s, place, what):
    actor = drawn(seed, what)
    scene = actor.scene(time_s)
    position, rotation = actor.worn_at(time_s, place)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert inside(position, scene) == pytest.approx(0.0, abs=0.01)
    assert 0.005 < depth_along(position, -rotation[:, 0], scene) < 0.04
    side = {"left_hip": 1, "right_hip": -1}.get(place, 0)
    origin, torso = actor.torso_frame(time_s)
    assert np.sign(np.round((position - origin) @ torso[:, 1], 3)) == side


def test_there_is_nothing_to_wear_on_the_head():
    with pytest.raises(ValueError, match="place must be one of"):
        drawn(1, "stand").worn_at(0.0, "head")


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_who_is_looked_at_faces_the_radar(seed):
    facing = 2.8
    actor = looked_at(np.random.default_rng(seed), -2.0, 0.7, facing)
    for time_s in np.linspace(0, 20, 21):
        _, rotation = actor.torso_frame(time_s)
        off = np.angle(np.exp(1j * (np.arctan2(rotation[1, 0], rotation[0, 0]) - facing)))
        assert abs(off) < np.deg2rad(36)
        assert np.linalg.norm(actor.centre_m(time_s)[:2] - [-2.0, 0.7]) < 0.05
        assert actor.activity(time_s) in ("stand", "turn")


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(["falling", *KINDS]))
def test_occupants_stay_in_their_room(seed, what):
    _, vertices = motion(drawn(seed, what), 8.0, 0.2)
    flat = vertices[..., :2]
    assert (flat > LOW).all()
    assert (flat < HIGH).all()


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([(1.6, 2.4), (2.4, 1.6), (3.0, 3.0)]))
def test_there_is_no_room_so_small_that_a_fall_goes_through_its_wall(seed, size):
    low, high = np.array([1.0, -1.0]), np.array([1.0, -1.0]) + size
    _, vertices = motion(falling(np.random.default_rng(seed), low, high, 5.0), 8.0, 0.2)
    assert (vertices[..., :2] > low).all()
    assert (vertices[..., :2] < high).all()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_falls_come_when_they_should_and_after_something_normal(seed):
    actor = drawn(seed, "falling")
    times = np.arange(0, 8, 0.02)
    names = np.array([actor.activity(time) for time in times])
    began = times[np.argmax(names == "fall")] / 5.0
    assert 0.24 < began < 0.56
    assert set(names[times < began * 5.0]) <= {"stand", "walk"}
    assert names[-1] == "lie"
    longest_s = Fall(1.1 * np.sqrt(1.9 / 1.72)).impact_s(1.9)  # of the tallest whom it draws
    assert np.count_nonzero(names == "fall") * 0.02 < longest_s + 0.02 < 2.6


def test_occupants_do_what_their_kind_does():
    did = {kind: set() for kind in KINDS}
    for kind in KINDS:
        for seed in range(12):
            actor = drawn(seed, kind)
            did[kind] |= {actor.activity(time) for time in np.arange(0, 8, 0.25)}
    assert did["stand"] == {"stand", "turn"}
    assert did["walk"] == {"stand", "walk"}
    assert did["sit"] == {"stand", "sit_down", "sit", "stand_up"}


def test_bad_rooms_and_kinds_are_refused():
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match="kind must be one of"):
        occupant(generator, LOW, HIGH, 5.0, "dance")
    with pytest.raises(ValueError, match="low below high"):
        occupant(generator, HIGH, LOW, 5.0, "walk")
    with pytest.raises(ValueError, match="no room to lie"):
        falling(generator, [0, 0], [1.0, 1.5], 5.0)
