from functools import cache

import numpy as np
import pytest

from mmwave.simulation import styles
from mmwave.simulation.building import RADAR_HEIGHT_M, Building, generate_building
from mmwave.simulation.drive import plan_drive
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall, split_length
from mmwave.simulation.free_space import free_space
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.materials import MATERIALS
from mmwave.simulation.meshes import Label, box
from mmwave.simulation.people import Person, Standing, walk
from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from mmwave.simulation.styles import STYLES
from mmwave.simulation.trajectory import DRIVE_DURATION_S
from mmwave.simulation.truth import RayCaster, panorama_truth, scan_truth
from mmwave.simulation.walls import wall_mesh

CASES = [(style, seed) for style in STYLES for seed in range(4)]
TIMES = np.linspace(0, DRIVE_DURATION_S, 60, endpoint=False)


@cache
def building(style: str, seed: int) -> Building:
    return generate_building(seed, style)


def drive_points(made: Building, times=TIMES) -> np.ndarray:
    pose = made.drive_loop().pose(times)
    return np.column_stack([pose.x_m, pose.y_m])


def arrays(made: Building, time_s: float) -> list[np.ndarray]:
    scene = made.scene_at(time_s)
    parts = [scene.vertices_m, scene.faces, scene.class_id, scene.instance_id, scene.material_id]
    return [*parts, made.drive_points_m]


def test_there_are_styles_to_choose_from():
    assert {"office", "school", "laboratory"} <= set(STYLES)


def test_a_new_file_is_a_new_style(tmp_path, monkeypatch):
    source = """
from mmwave.simulation.floor_plan import FloorPlan, Room
from mmwave.simulation.styles._shell import shell

def draw(generator):
    return FloorPlan((Room("barn", (0, 0), (9, 8)),), tuple(shell(9, 8, "wood")), people=1)
"""
    (tmp_path / "barn.py").write_text(source)
    monkeypatch.setattr(styles, "__path__", [*styles.__path__, str(tmp_path)])
    monkeypatch.setitem(STYLES, "barn", styles.discover()["barn"])
    made = generate_building(0, "barn")
    assert made.plan.rooms[0].name == "barn"
    assert made.clearance_m(drive_points(made), TIMES).min() >= 0.4  # an oval: there is no door


def test_a_building_without_room_for_the_robot_is_refused():
    room = Room("closet", (0, 0), (1, 1))
    cube = box((0.4, 0.4, 0), (0.6, 0.6, 1), Label(IGNORED_CLASS, "wood"))
    with pytest.raises(ValueError, match="no space"):
        plan_drive(FloorPlan((room,), ()), free_space(cube, (0, 0), (1, 1)), None)


@pytest.mark.parametrize("style", STYLES)
def test_the_same_seed_gives_identical_arrays(style):
    for first, second in zip(
        arrays(building(style, 2), 3.3), arrays(generate_building(2, style), 3.3), strict=True
    ):
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)


def test_other_seeds_and_styles_give_other_buildings():
    corners = {building(style, seed).scene.vertices_m.tobytes() for style, seed in CASES}
    assert len(corners) == len(CASES)


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_size_and_labels_are_those_of_a_building(style, seed):
    made = building(style, seed)
    scene = made.scene_at(0.0)
    assert 3000 <= len(scene.faces) <= 16000
    width, depth = made.plan.high_m - made.plan.low_m
    assert 17 <= width <= 24
    assert 11 <= depth <= 17
    assert 2.4 <= made.plan.ceiling_m <= 5.0
    assert set(scene.class_id) <= {*SemanticClass, IGNORED_CLASS}
    assert scene.material_id.max() < len(MATERIALS)
    corners = scene.vertices_m[scene.faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    assert area.min() > 1e-7
    shell = scene.instance_id == 0
    shell_classes = {SemanticClass.WALL, SemanticClass.FLOOR, SemanticClass.CEILING}
    assert set(scene.class_id[shell]) == shell_classes
    assert set(scene.class_id[scene.class_id == SemanticClass.PERSON]) == {SemanticClass.PERSON}


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_an_instance_is_one_object_of_one_class_but_for_clutter_on_it(style, seed):
    scene = building(style, seed).scene_at(1.0)
    for instance in np.unique(scene.instance_id[scene.instance_id > 0]):
        mine = scene.instance_id == instance
        assert len(set(scene.class_id[mine]) - {IGNORED_CLASS}) <= 1
        extent = np.ptp(scene.vertices_m[scene.faces[mine]].reshape(-1, 3), axis=0)
        assert extent.max() < 6.5


@pytest.mark.parametrize("style", STYLES)
def test_all_classes_are_seen_over_a_few_seeds(style):
    present, seen = set(), set()
    for seed in range(4):
        made = building(style, seed)
        present |= set(made.scene_at(0.0).class_id.tolist())
        caster = RayCaster(made.scene_at(0.0))
        for point in drive_points(made, [0.0, 5.0]):
            seen |= set(panorama_truth(caster, (*point, RADAR_HEIGHT_M)).class_id.ravel().tolist())
    assert set(SemanticClass) <= present
    assert len(set(SemanticClass) & seen) >= 9


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_no_ray_escapes_the_building(style, seed):
    made = building(style, seed)
    caster = RayCaster(made.scene)
    points = [*drive_points(made, [0.0, 5.25]), *(r.centre_m for r in made.plan.rooms)]
    for point in points:
        truth = panorama_truth(caster, (*point, RADAR_HEIGHT_M), max_range_m=100.0)
        assert np.all(np.isfinite(truth.range_m))


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_drive_is_periodic_slow_enough_and_of_varying_speed(style, seed):
    loop = building(style, seed).drive_loop()
    time = np.linspace(0, DRIVE_DURATION_S, 2000)
    velocity = loop.velocity(time)
    speed = np.hypot(velocity.vx_mps, velocity.vy_mps)
    assert speed.max() <= 0.6
    assert speed.max() > speed.min() + 0.15
    assert speed.min() > 0.1
    np.testing.assert_allclose(loop.pose(0.0), loop.pose(DRIVE_DURATION_S), atol=1e-9)
    np.testing.assert_allclose(loop.velocity(0.0), loop.velocity(DRIVE_DURATION_S), atol=1e-9)
    assert not np.any(loop.pose(time).yaw_rad)
    acceleration = np.diff(np.array(velocity[:2]), axis=1) / time[1]
    assert np.linalg.norm(acceleration, axis=0).max() < 2.0


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_drive_keeps_its_distance_from_everything_and_everyone(style, seed):
    made = building(style, seed)
    points = drive_points(made)
    assert made.clearance_m(points, TIMES).min() >= 0.4
    azimuth = np.linspace(0, 2 * np.pi, 90)
    level = np.column_stack([np.cos(azimuth), np.sin(azimuth), np.zeros(90)])
    for time, point in zip(TIMES[::6], points[::6], strict=True):
        caster = RayCaster(made.scene_at(time))
        for height in (0.1, 0.45, 0.72, 1.1):
            distance, _ = caster.first_hit((*point, height), level)
            assert distance.min() >= 0.4


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_drive_goes_through_an_open_doorway(style, seed):
    made = building(style, seed)
    points = drive_points(made)
    visited = {
        room.name
        for room in made.plan.rooms
        if np.any(np.all((points > room.low_m) & (points < room.high_m), axis=1))
    }
    assert len(visited) == 2


@pytest.mark.parametrize("style", STYLES)
def test_people_stand_and_walk_without_walking_into_things(style):
    made = building(style, 1)
    assert any(person.walking for person in made.people)
    assert not all(person.walking for person in made.people)
    for person in made.people:
        pose = person.trajectory.pose(TIMES)
        points = np.column_stack([pose.x_m, pose.y_m])
        assert made.clearance_m(points).min() > 0.25
        for room in made.plan.rooms:
            inside = np.all((points > room.low_m) & (points < room.high_m), axis=1)
            assert room.public or not inside.any()


def test_people_move_and_come_back_after_a_period():
    made = building("office", 1)
    start, later, again = (made.scene_at(t) for t in (0.2, 1.1, 0.2 + DRIVE_DURATION_S))
    assert np.array_equal(start.faces, later.faces)
    still = len(made.scene.vertices_m)
    assert np.array_equal(start.vertices_m[:still], later.vertices_m[:still])
    assert np.abs(start.vertices_m[still:] - later.vertices_m[still:]).max() > 0.3
    np.testing.assert_allclose(start.vertices_m, again.vertices_m, atol=1e-9)


def test_a_walker_stays_on_the_floor_and_inside_the_promised_circle():
    person = walk(np.array([0.0, 0.0]), np.array([4.0, 0.0]), 7, 1.8, 0.4)
    swing = []
    for time in TIMES:
        scene = person.scene(time)
        pose = person.trajectory.pose(time)
        away = np.hypot(scene.vertices_m[:, 0] - pose.x_m, scene.vertices_m[:, 1] - pose.y_m)
        assert away.max() < person.radius_m
        assert -0.03 < scene.vertices_m[:, 2].min() < 0.05
        assert scene.vertices_m[:, 2].max() == pytest.approx(1.8, abs=0.15)
        assert set(scene.instance_id) == {7}
        swing.append(away.max())
    assert np.ptp(swing) > 0.1


def test_a_standing_person_sways_by_millimetres():
    person = Person(Standing(1.0, 2.0, 0.3), 4)
    vertices = [person.scene(t).vertices_m for t in (0.0, 0.9)]
    moved = Standing(1.0, 2.0, 0.3)
    numeric = (np.array(moved.pose(1.0 + 1e-6)) - np.array(moved.pose(1.0 - 1e-6))) / 2e-6
    np.testing.assert_allclose(moved.velocity(1.0), numeric, atol=1e-7)
    shift = np.linalg.norm(vertices[1] - vertices[0], axis=1)
    assert 1e-4 < shift.max() < 0.02


def test_impossible_people_are_refused():
    with pytest.raises(ValueError, match="height_m"):
        Person(Standing(0, 0), 1, height_m=3.0)
    with pytest.raises(ValueError, match="strides"):
        Person(Standing(0, 0), 1, strides=-1)
    with pytest.raises(ValueError, match=r"limit of 1\.6 m/s"):
        walk(np.zeros(2), np.array([20.0, 0.0]), 1, 1.7, 0.0)


def test_bad_arguments_name_the_remedy():
    with pytest.raises(ValueError, match=", ".join(STYLES)):
        generate_building(0, "castle")
    with pytest.raises(ValueError, match="negative"):
        generate_building(-1)
    with pytest.raises(ValueError, match="more time"):
        building("office", 0).drive_loop(2.0)


def test_an_opening_is_a_real_hole():
    hole = Opening(OpeningKind.PASSAGE, 2.0, 1.0, 0.0, 2.0)
    wall = Wall((0.0, -2.0), (0.0, 2.0), 0.2, (hole,))
    caster = RayCaster(wall_mesh(wall, 2.8))
    origins = [[-1, 0.45, 1.9], [-1, 0.55, 1.9], [-1, 0.0, 2.1], [-1, -0.45, 0.1]]
    distance, _ = caster.first_hit(np.array(origins), np.tile([1.0, 0, 0], (4, 1)))
    assert distance == pytest.approx([np.inf, 0.9, 0.9, np.inf])
    sideways, _ = caster.first_hit([[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]])
    assert sideways == pytest.approx([0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Opening(OpeningKind.WINDOW, 1.0, 1.0, 2.0, 1.0), "no hole"),
        (lambda: Wall((0, 0), (1, 1)), "parallel"),
        (lambda: Wall((0, 0), (1, 0), openings=(Opening(OpeningKind.DOOR, 0.2, 1.0),)), "stick"),
        (lambda: Room("attic", (1, 0), (0, 1)), "attic"),
        (lambda: FloorPlan((), ()), "at least one room"),
        (
            lambda: FloorPlan(
                (Room("a", (0, 0), (4, 4)),),
                (Wall((0, 0), (4, 0), openings=(Opening(OpeningKind.DOOR, 2.0, 1.0),)),),
                ceiling_m=2.0,
            ),
            "ceiling_m",
        ),
    ],
)
def test_impossible_plans_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_split_pieces_fill_the_length_within_their_limits():
    for seed in range(20):
        edges = split_length(np.random.default_rng(seed), 20.0, 4.0, 6.5)
        assert edges[0] == 0
        assert edges[-1] == 20.0
        assert np.diff(edges).min() >= 4.0 - 1e-9


def test_clearance_is_the_distance_to_the_nearest_thing_in_the_robot_s_way():
    label = Label(IGNORED_CLASS, "wood")
    post = box((2.0, 1.0, 0.0), (2.5, 1.5, 1.0), label)
    free = free_space(post, (0, 0), (6, 4))
    points = np.array([[1.0, 1.2], [2.25, 2.5], [2.2, 1.2], [3.5, 2.5], [-1.0, 1.0], [5.8, 2.0]])
    expected = [1.0, 1.0, 0.0, np.sqrt(2), 0.0, 0.2]
    assert free.clearance_m(points) == pytest.approx(expected, abs=0.015)
    lamp = box((2.0, 1.0, 2.4), (2.5, 1.5, 2.5), label)
    assert free_space(lamp, (0, 0), (6, 4)).clearance_m((2.2, 1.2)) > 1.0


def test_furniture_keeps_clear_of_doors_walls_and_each_other():
    door = Opening(OpeningKind.DOOR, 2.0, 1.0, swing_rad=1.7)
    room = Room("room", (0, 0), (4, 4))
    plan = FloorPlan((room,), (Wall((0, 0), (4, 0), 0.2, (door,)),))
    furnisher = Furnisher(plan, np.random.default_rng(0))
    cube = box((-0.2, -0.2, 0), (0.2, 0.2, 0.5), Label(IGNORED_CLASS, "wood"))
    assert furnisher.place(room, cube, 2.0, 3.0)
    assert not furnisher.place(room, cube, 2.1, 3.1)  # taken
    assert not furnisher.place(room, cube, 2.0, 0.8)  # before the door
    assert not furnisher.place(room, cube, 0.5, 0.25)  # in the wall
    assert furnisher.place(room, cube, 0.5, 0.35)
    assert [part.instance_id[0] for part in furnisher.parts] == [1, 2]


def test_glass_fronts_let_light_through_but_not_the_radar():
    made = building("laboratory", 0)
    point = made.plan.rooms[0].centre_m
    caster = RayCaster(made.scene)
    radar = scan_truth(caster, (*point, 1.3), columns=2048, max_range_m=30.0)
    light = scan_truth(caster, (*point, 1.3), columns=2048, max_range_m=30.0, through_glass=True)
    assert radar.glass.any()
    assert np.all(light.range_m >= radar.range_m)
    assert np.all(light.range_m[radar.glass] > radar.range_m[radar.glass])
    assert np.array_equal(light.range_m[~radar.glass], radar.range_m[~radar.glass])


def test_a_building_holds_as_many_people_as_are_wanted_and_the_same_furniture():
    plain, empty, crowded = (generate_building(3, "office", people) for people in (None, 0, 9))
    assert len(plain.people) == plain.plan.people
    assert len(empty.people) == 0
    assert len(crowded.people) == 9
    for other in (empty, crowded):
        np.testing.assert_array_equal(other.scene.vertices_m, plain.scene.vertices_m)
    assert crowded.clearance_m(drive_points(crowded), TIMES).min() >= 0.4
    with pytest.raises(ValueError, match="people must not be negative, got -1"):
        generate_building(3, "office", -1)
