import numpy as np
import pytest

from mmwave.simulation.building import RADAR_HEIGHT_M, generate_building
from mmwave.simulation.scene import SemanticClass
from mmwave.simulation.trajectory import DRIVE_DURATION_S
from mmwave.simulation.truth import panorama_truth
from mmwave.waveform import Waveform
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.dataset import FrameSet
from panoradar_ros.learning.frames import BuildingFrames
from panoradar_ros.learning.simulated import (
    Disturbances,
    Place,
    draw_place,
    in_ray_frames,
    simulate_building,
    simulate_frame,
    truth_of_columns,
)
from panoradar_ros.recognition.echo import decode_db


@pytest.fixture(scope="module")
def building():
    return generate_building(11, "office")


@pytest.fixture(scope="module")
def place(building):
    return draw_place(building, np.random.default_rng(4), 4)


@pytest.fixture(scope="module")
def made(building, place):
    return simulate_frame(building, place)


def test_echoes_lie_where_the_truth_is(made):
    """The mean echo at the true range of walls is far over that of half a metre before it."""
    frame, _ = made
    row = 32
    db = decode_db(frame.echo[row])
    true = frame.range[row]
    seen = np.isfinite(true) & (true > 1.5) & (true < 8)
    bins = np.rint((true - 0.08) / Waveform().range_bin_m)
    at = np.array([db[c, int(b) - 1 : int(b) + 2].max() for c, b in enumerate(bins) if seen[c]])
    before = np.array(
        [db[c, int(b) - 16 : int(b) - 13].max() for c, b in enumerate(bins) if seen[c]]
    )
    assert np.median(at) > np.median(before) + 10


def test_the_classical_image_agrees_with_the_truth(made):
    frame, _ = made
    middle = slice(24, 40)
    error = np.abs(frame.classical - frame.range)[middle]
    assert np.median(error[np.isfinite(error)]) < 0.15


def test_normals_look_back_at_the_radar(made):
    frame, _ = made
    something = np.isfinite(frame.range)
    assert (frame.normal[..., 0][something] <= 0).all()
    length = np.linalg.norm(frame.normal[something].astype(float), axis=-1) / 127
    np.testing.assert_allclose(length, 1, atol=0.02)
    floor = something[60] & (frame.label[60] == 10)
    assert floor.any()
    # a floor seen at 40 degrees down: up in the world, half outward and half up for the ray
    elevation = PanoramaGrid().elevation_rad[60]
    expected = np.array([np.sin(elevation), 0, np.cos(elevation)])
    np.testing.assert_allclose(frame.normal[60][floor].mean(0) / 127, expected, atol=0.02)


def test_people_are_where_they_walk_when_the_boresight_passes():
    crowded = generate_building(12, "office", people=9)
    place = draw_place(crowded, np.random.default_rng(6), 6)
    time_s = np.linspace(0.1, 0.6, 512)
    truth = truth_of_columns(crowded, place.trajectory, time_s)
    pose = place.trajectory.pose(time_s)
    places = np.column_stack([pose.x_m, pose.y_m, np.full(512, RADAR_HEIGHT_M)])
    frozen = panorama_truth(crowded.scene_at(float(time_s.mean())), places, pose.yaw_rad)
    for first in (0, 240, 496):
        part = slice(first, first + 16)
        own = panorama_truth(crowded.scene_at(float(time_s[part].mean())), places, pose.yaw_rad)
        np.testing.assert_allclose(truth.range_m[:, part], own.range_m[:, part], atol=1e-5)
        np.testing.assert_array_equal(truth.class_id[:, part], own.class_id[:, part])
    still = (truth.class_id != SemanticClass.PERSON) & (frozen.class_id != SemanticClass.PERSON)
    np.testing.assert_allclose(truth.range_m[still], frozen.range_m[still], atol=1e-5)
    assert not np.array_equal(truth.class_id, frozen.class_id)  # somebody walks


def test_a_folder_that_is_damaged_or_of_other_frames_is_named(tmp_path):
    folder = simulate_building(tmp_path, "office", 1, 1)
    with pytest.raises(ValueError, match=r"office_000001 holds 1 frames, not 2: delete it"):
        simulate_building(tmp_path, "office", 1, 2)
    with pytest.raises(ValueError, match="was made with --people None, not 12: delete it"):
        simulate_building(tmp_path, "office", 1, 1, people=12)
    (folder / "meta.json").unlink()
    with pytest.raises(ValueError, match=r"office_000001 does not hold the frames"):
        simulate_building(tmp_path, "office", 1, 1)
    with pytest.raises(ValueError, match=r"office_000001 does not hold the frames"):
        FrameSet.under(tmp_path)


def test_ray_frames_turn_with_the_robot():
    grid = PanoramaGrid(columns=8, rows=2)
    wall = np.zeros((2, 8, 3), np.float32)
    wall[..., 0] = -1  # a wall ahead in the world
    for quarter in range(4):
        own = in_ray_frames(wall, np.full(8, quarter * np.pi / 2), grid)
        towards = (2 * quarter) % 8  # column k looks at -k/8 of a turn, the robot at quarter/4
        assert own[0, towards, 0] == pytest.approx(-127 * np.cos(np.pi / 4), abs=1)
        assert own[0, towards, 1] == 0


def test_motion_is_estimated_as_it_is_live(made):
    _, known = made
    error = np.subtract(known["motion_estimated"], known["motion_true"])
    assert known["motion_reliable"]
    assert np.hypot(*error[:2]) < 0.03


def test_the_robot_has_room(building):
    for seed in range(5):
        place = draw_place(building, np.random.default_rng(seed), seed)
        times = np.linspace(0, 0.65, 9)
        pose = place.trajectory.pose(times)
        way = np.column_stack([pose.x_m, pose.y_m])
        assert building.clearance_m(way, times).min() > 0.35
    assert RADAR_HEIGHT_M > 0
    assert DRIVE_DURATION_S > 0.65


def test_losses_and_other_antennas_are_in_the_echoes(building, place, made):
    worse = Place(place.trajectory, Disturbances(0.1, np.deg2rad(40), 3.0), place.seed)
    frame, known = simulate_frame(building, worse)
    assert known["lost_share"] == 0.1
    assert not np.array_equal(frame.echo, made[0].echo)
    np.testing.assert_array_equal(frame.range, made[0].range)


def test_errors_are_put_into_the_motion(building, place, made):
    wrong = Place(place.trajectory, Disturbances(motion_error_mps=0.2), place.seed)
    frame, known = simulate_frame(building, wrong)
    other = np.subtract(known["motion_estimated"], made[1]["motion_estimated"])
    assert 0.02 < np.hypot(*other[:2]) < 0.8
    assert known["motion_true"] == made[1]["motion_true"]
    assert not np.array_equal(frame.echo, made[0].echo)
    np.testing.assert_array_equal(frame.range, made[0].range)


def test_a_building_is_written_once_and_the_same_every_time(tmp_path):
    first = simulate_building(tmp_path / "a", "office", 12, 1)
    again = simulate_building(tmp_path / "b", "office", 12, 1)
    assert first.name == again.name == "office_000012"
    one, two = BuildingFrames(first)[0], BuildingFrames(again)[0]
    np.testing.assert_array_equal(one.range, two.range)
    assert np.mean(one.echo != two.echo) < 1e-3
    stamp = (first / "echo.npy").stat().st_mtime_ns
    assert simulate_building(tmp_path / "a", "office", 12, 1) == first
    assert (first / "echo.npy").stat().st_mtime_ns == stamp
