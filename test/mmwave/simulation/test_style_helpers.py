from functools import partial

import numpy as np
import pytest

from mmwave.simulation import furniture_halls, furniture_rooms
from mmwave.simulation.floor_plan import FloorPlan, Opening, OpeningKind, Room, Wall
from mmwave.simulation.furnishing import Furnisher
from mmwave.simulation.meshes import Label, box
from mmwave.simulation.scene import IGNORED_CLASS, SemanticClass
from mmwave.simulation.styles import STYLES
from mmwave.simulation.styles._circulation import stair_room, wall_rails
from mmwave.simulation.styles._entries import entries, solid_spans
from mmwave.simulation.styles._layout import beside, grid_points, line_wall, place_rows
from mmwave.simulation.styles._shell import glazing
from mmwave.simulation.styles._strip import Bay, Front, Line, draw_strip, elevator_bay

RANDOM = partial(np.random.default_rng, 5)
PLAIN = {
    furniture_rooms: (
        "bed hospital_bed nightstand curtain armchair stool tv_board cabinet kitchen_unit bathtub "
        "shower toilet washbasin trolley wheelchair seat_row"
    ),
    furniture_halls: (
        "counter glass_fridge checkout shopping_carts pallet_truck container guard_rail showcase "
        "picture booth rope_barrier turnstile steel_table cooking_block"
    ),
}
DRAWN = "bookcase gondola produce_stand pallet pallet_rack sculpture"
PIECES = {
    **{name: getattr(module, name) for module, names in PLAIN.items() for name in names.split()},
    **{name: partial(getattr(furniture_halls, name), RANDOM()) for name in DRAWN.split()},
    "hand_rail": partial(furniture_rooms.hand_rail, 3.0),
}


def empty_room(width_m: float, depth_m: float, walls: tuple[Wall, ...] = ()) -> tuple:
    room = Room("room", (0.0, 0.0), (width_m, depth_m))
    return room, Furnisher(FloorPlan((room,), walls), RANDOM())


def cube(width_m: float = 0.5):
    half = width_m / 2
    return box((-half, -half, 0), (half, half, 0.5), Label(IGNORED_CLASS, "wood"))


@pytest.mark.parametrize("name", PIECES)
def test_furniture_stands_on_the_floor_and_its_faces_turn_outwards(name):
    scene = PIECES[name]()
    assert scene.vertices_m[:, 2].min() >= 0
    assert np.ptp(scene.vertices_m, axis=0).max() < 5.0
    a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
    assert np.einsum("fc,fc->", a, np.cross(b, c)) > 0
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 1e-7
    assert len(set(scene.class_id) - {IGNORED_CLASS}) <= 1


def test_there_are_twelve_styles_of_many_heights_and_corridors():
    assert len(STYLES) >= 12
    plans = [draw(np.random.default_rng(0)) for draw in STYLES.values()]
    ceilings = [plan.ceiling_m for plan in plans]
    assert min(ceilings) < 2.6
    assert max(ceilings) > 4.5
    corridors = [r for plan in plans for r in plan.rooms if r.name == "corridor"]
    assert min(room.size_m.min() for room in corridors) < 1.95
    assert max(room.size_m.min() for room in corridors) > 2.6
    assert max(r.area_m2 for plan in plans for r in plan.rooms) > 200


@pytest.mark.parametrize("style", STYLES)
def test_many_seeds_have_a_plan(style):
    for seed in range(200):
        STYLES[style](np.random.default_rng(seed))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("back_m", [-4.0, 4.0])
def test_a_strip_s_rooms_fill_it_and_its_doors_swing_into_them(axis, back_m):
    bays = [
        Bay("a", lambda room, furnisher: None, 3.0, open_share=1.0),
        elevator_bay(2.2),
        Bay("b", lambda room, furnisher: None, 3.0, Front.GLASS, 1.1, 1.0, door_from_m=-1.2),
    ]
    strip = draw_strip(RANDOM(), bays, Line(axis, 1.0, 13.0, 0.0, back_m))
    assert sum(room.area_m2 for room in strip.rooms) == pytest.approx(12.0 * 4.0)
    assert strip.edges_m[2] - strip.edges_m[1] == pytest.approx(2.2)
    assert strip.blind == (False, True, False)
    front = strip.walls[0]
    doors = [h for h in front.openings if h.kind in (OpeningKind.DOOR, OpeningKind.GLASS_DOOR)]
    assert len(doors) == 2
    inward = np.sign(strip.rooms[0].centre_m - front.point_m(1.0)) @ abs(front.left)
    for door in doors:
        assert np.sign(door.swing_rad) * (front.left.sum()) == inward
    assert front.point_m(doors[1].centre_m)[axis] == pytest.approx(13.0 - 1.2)


def test_a_strip_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="do not fill"):
        draw_strip(RANDOM(), [elevator_bay(3.0)], Line(0, 0.0, 2.0, 0.0, 3.0))


def test_grids_lie_about_the_middle():
    assert grid_points((0, 0), (4, 1), (2, 1)) == [(1.0, 0.5), (3.0, 0.5)]
    assert grid_points((0, 0), (4, 0.5), (2, 1)) == []


def test_rows_touch_and_leave_an_aisle():
    room, furnisher = empty_room(6.0, 5.0)
    assert place_rows(room, furnisher, (0.5, 0.5), (5.5, 4.5), cube, 1.5) == 2 * 8
    x = sorted({round(float(part.vertices_m[:, 0].min()), 6) for part in furnisher.parts})
    assert np.diff(x) == pytest.approx([2.0])


@pytest.mark.parametrize("side", range(4))
def test_a_line_stands_at_its_wall_and_goes_round_what_is_there(side):
    room, furnisher = empty_room(4.0, 4.0)
    corner = ((0.3, 2.0), (2.0, 0.3), (3.7, 2.0), (2.0, 3.7))[side]
    assert furnisher.place(room, cube(), *corner)
    placed = line_wall(room, furnisher, cube, side)
    assert placed == 6
    parts = np.concatenate([part.vertices_m for part in furnisher.parts[1:]])
    away = parts[:, 0 if side % 2 == 0 else 1]
    expected = (0.02, 0.52) if side < 2 else (3.48, 3.98)
    assert (away.min(), away.max()) == pytest.approx(expected)
    assert line_wall(room, furnisher, partial(cube, 0.1), side, most=2) <= 2


def test_beside_looks_from_the_thing():
    assert beside((1.0, 2.0, np.pi / 2), 0.5, 0.2) == pytest.approx((0.8, 2.5))


def test_solid_wall_ends_at_doors_and_not_at_windows():
    holes = (
        Opening(OpeningKind.DOOR, 2.0, 1.0),
        Opening(OpeningKind.WINDOW, 4.5, 1.0, 0.9, 2.0),
    )
    wall = Wall((0.0, 0.0), (6.0, 0.0), 0.2, holes)
    room, furnisher = empty_room(6.0, 4.0, (wall,))
    spans = solid_spans(room, furnisher.plan, 1, margin_m=0.2)
    assert np.array(spans) == pytest.approx(np.array([[0.3, 1.3], [2.7, 5.7]]))
    assert solid_spans(room, furnisher.plan, 3) == []
    wall_rails(room, furnisher)
    assert {int(part.class_id[0]) for part in furnisher.parts} == {SemanticClass.RAILING}
    door, window = entries(room, furnisher.plan)
    assert door.point_m(0.4) == pytest.approx([2.0, 0.5])
    assert window.inward == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize(
    ("start", "end"),
    [((0, 0), (3, 0)), ((0, 5), (3, 5)), ((0, 0), (0, 5)), ((3, 0), (3, 5))],
)
def test_stairs_climb_away_from_where_one_comes_in(start, end):
    wall = Wall(start, end, 0.14, (Opening(OpeningKind.PASSAGE, 1.5, 2.4, 0.0, 2.3),))
    room, furnisher = empty_room(3.0, 5.0, (wall,))
    stair_room(room, furnisher)
    (entry,) = entries(room, furnisher.plan)
    steps = furnisher.parts[0]
    assert set(steps.class_id) == {SemanticClass.STAIRS}
    away = (steps.vertices_m[:, :2] - entry.point_m()) @ entry.inward
    assert away.min() == pytest.approx(0.9)
    highest = steps.vertices_m[:, 2] == steps.vertices_m[:, 2].max()
    assert away[highest].max() == pytest.approx(away.max())
    everything = np.concatenate([part.vertices_m for part in furnisher.parts])
    assert np.all(everything[:, :2] >= -1e-9)
    assert np.all(everything[:, :2] <= np.array([3.0, 5.0]) + 1e-9)


def test_panes_leave_posts_between_them():
    panes = glazing([0.0, 2.0, 4.0], post_m=0.2)
    edges = [edge for pane in panes for edge in (pane.low_m, pane.high_m)]
    assert edges == pytest.approx([0.1, 1.9, 2.1, 3.9])
