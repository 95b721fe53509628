"""Raw recordings in the authors' layout become frames whose echoes and ranges fit each other."""

import json

import numpy as np
import pytest

from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize
from mmwave.simulation.raw_npy import write_raw_npy
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.cli import main
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.authors_raw import range_of_points, read_lidar
from panoradar_ros.learning.dataset import FrameSet
from panoradar_ros.learning.range_scores import strongest_echo_m

GRID = PanoramaGrid()
OPTIONS = ("--json", "--direction", "ccw")
FRAMES = 48
SPEED_MPS = 0.4
AZIMUTHS = np.deg2rad(np.arange(-176, 180, 8))
TURNED = np.array([[0.0, 1.0], [-1.0, 0.0]])
"""The LiDAR's x axis is the radar's y axis: (x, y) @ TURNED = (-y, x)."""


def wall_m(azimuth):
    """Distance of a wall that goes round, another one in each direction."""
    return 4.0 + 1.5 * np.sin(azimuth) + 0.5 * np.cos(2 * azimuth)


def write_recording(folder):
    """2.5 turns of a robot that drives ahead between reflectors on the wall."""
    waveform, array = Waveform(), AntennaArray()
    distance = wall_m(AZIMUTHS)
    places = np.stack([distance * np.cos(AZIMUTHS), distance * np.sin(AZIMUTHS), 0 * distance], 1)
    points = Scatterers.points(places, np.full(len(places), 0.15))
    start_s = waveform.frame_period_s * np.arange(FRAMES)
    middle_s = (start_s[:, None] + waveform.position_offsets_s).ravel()
    time_s = middle_s[:, None] + waveform.transmitter_offsets_s
    still = np.zeros_like(time_s)
    driven = SPEED_MPS * (time_s - middle_s.mean())
    track = AntennaTrack.from_pose(
        time_s, 4 * np.pi * time_s, (driven, still, still), array.radius_m, 0.0
    )
    signal = synthesize(points, track, waveform, array)
    samples = np.stack([signal.real, signal.imag], -1)
    samples += np.random.default_rng(3).normal(0, 6, samples.shape)
    counts = np.rint(samples).astype(np.int16)
    counts = counts.reshape(FRAMES, waveform.loops_per_frame, *samples.shape[1:])
    write_raw_npy(folder, counts, waveform, array, 2.0, ConstantVelocity(SPEED_MPS))
    np.savetxt(folder / "radar_ts.txt", 100 + middle_s, "%.9f")
    starts = np.interp([0.0, 0.5, 1.0], middle_s, np.arange(len(middle_s)))
    np.savez(folder / "data_params.npz", radar_sep=starts, transform=TURNED)
    lidar_s = np.arange(0.05, middle_s[-1], 0.1)
    azimuth = np.linspace(np.pi, -np.pi, 2048, endpoint=False)
    tangent = np.tan(np.linspace(np.pi / 4, -np.pi / 4, 64))[:, None]
    turns = []
    for at_s in lidar_s:
        x_m = wall_m(azimuth) * np.cos(azimuth) - SPEED_MPS * (at_s - middle_s.mean())
        y_m = wall_m(azimuth) * np.sin(azimuth)
        z_m = tangent * np.hypot(x_m, y_m)
        x_m, y_m = (np.broadcast_to(one, z_m.shape) for one in (x_m, y_m))
        turns.append(np.stack([y_m, -x_m, z_m], axis=-1))  # @ TURNED gives (x, y)
    np.save(folder / "lidar_data.npy", np.array(turns, np.float32))
    np.savetxt(folder / "lidar_ts.txt", 100 + lidar_s, "%.6f")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "hall_moving" / "exp20260101-001"
    folder.mkdir(parents=True)
    write_recording(folder)
    return folder


def test_echoes_and_ranges_of_a_driving_robot_agree(source, tmp_path, capsys):
    assert main(["prepare", str(source.parent), str(tmp_path / "frames"), *OPTIONS]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] >= 1
    assert told["skipped"] == 0
    frames = FrameSet.under(tmp_path / "frames")
    assert frames.describe()["simulated"] is False
    assert frames.describe()["styles"] == ["hall_moving"]
    frame = frames[0]
    assert (frame.label == 255).all()
    found_m = strongest_echo_m(frame.echo)
    # at each reflector's azimuth the strongest echo at the horizon is where the LiDAR says
    columns = np.rint(-AZIMUTHS / (2 * np.pi) * 512).astype(int) % 512
    apart_m = np.abs(found_m[31:33] - frame.range[31:33])[:, columns]
    assert np.nanmedian(apart_m) < 0.03
    assert np.nanquantile(apart_m, 0.8) < 0.1
    # and nowhere near as well if the LiDAR looked the other way round or a quarter turn off
    for other in (np.roll(frame.range, 128, axis=1), frame.range[:, ::-1]):
        assert np.nanmedian(np.abs(found_m[31:33] - other[31:33])[:, columns]) > 0.3
    assert np.isfinite(frame.range).mean() > 0.95
    assert main(["prepare", str(source), str(tmp_path / "frames"), *OPTIONS]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 0  # nothing is done twice


def test_points_are_moved_to_where_the_robot_was():
    azimuth, elevation = np.meshgrid(GRID.azimuth_rad, GRID.elevation_rad)
    outward = GRID.directions
    poses = np.zeros((512, 3))
    poses[:, 0], poses[:, 2] = np.linspace(0, 0.3, 512), np.linspace(0, 0.2, 512)
    # what the robot measures from where it is at every column: a sphere of 3 m around it
    cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    x_m, y_m, z_m = np.moveaxis(3.0 * outward, -1, 0)
    points = np.stack(
        [cosine * x_m - sine * y_m + poses[:, 0], sine * x_m + cosine * y_m, z_m], axis=-1
    )
    found = range_of_points(points.reshape(-1, 3), poses)
    seen = np.isfinite(found)
    assert seen.mean() > 0.97
    np.testing.assert_allclose(found[seen], 3.0, atol=2e-3)
    unmoved = range_of_points(points.reshape(-1, 3), np.zeros((512, 3)))
    assert np.nanmax(np.abs(unmoved - 3.0)) > 0.2
    assert azimuth.shape == elevation.shape == found.shape


def test_the_point_nearest_to_the_ray_counts_and_far_ones_are_out_of_reach():
    straight = GRID.directions[20, 100]
    beside = GRID.directions[20, 100] + 0.3 * (GRID.directions[20, 101] - straight)
    points = np.stack([4.0 * straight, 2.0 * beside, 12.0 * GRID.directions[40, 300]])
    found = range_of_points(points, np.zeros((512, 3)))
    assert found[20, 100] == pytest.approx(4.0)
    assert np.isposinf(found[40, 300])
    assert np.isnan(found).sum() == found.size - 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("lidar_data.npy", np.zeros((3, 4, 3)), "lidar_data.npy must be"),
        ("lidar_ts.txt", np.arange(2.0), "must hold .* times, one a turn"),
        ("lidar_ts.txt", np.zeros(13), "finite and increase"),
        ("lidar_data.npy", None, "lidar_data.npy is missing"),
        ("lidar_ts.txt", None, "lidar_ts.txt is missing"),
        ("data_params.npz", {"radar_sep": np.arange(3)}, "needs transform"),
        ("data_params.npz", {"transform": 2 * np.eye(2)}, "a turn or a mirror"),
    ],
)
def test_what_is_wrong_is_named(source, tmp_path, name, content, words):
    for path in source.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / name).unlink()
    if isinstance(content, dict):
        np.savez(tmp_path / name, **content)
    elif name.endswith(".npy") and content is not None:
        np.save(tmp_path / name, content)
    elif content is not None:
        np.savetxt(tmp_path / name, content)
    with pytest.raises(ValueError, match=words):
        read_lidar(tmp_path)


def test_a_folder_without_recordings_says_what_to_give(tmp_path, capsys):
    assert main(["prepare", str(tmp_path), str(tmp_path / "frames")]) == 1
    assert "no radar_data.npy" in capsys.readouterr().err


def test_a_full_disk_leaves_nothing_half_written(source, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("panoradar_ros.learning.frames.np.save", full)
    assert main(["prepare", str(source), str(tmp_path / "frames"), "--limit", "1"]) == 1
    assert "No space" in capsys.readouterr().err
    assert list((tmp_path / "frames").iterdir()) == []
