"""Recordings on disk and rotations in memory."""

import errno
import json
import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from box_room import box_room

from mmwave.simulation import recording as module
from mmwave.simulation.building import generate_building
from mmwave.simulation.raw_npy import write_raw_npy
from mmwave.simulation.recording import Recording, RecordingError, cache_folder, simulate_drive
from mmwave.simulation.rotation import DriveSimulator, StaticWorld, simulate_rotation
from mmwave.simulation.trajectory import ClosedLoop, ConstantVelocity
from mmwave.waveform import AntennaArray, Waveform

WAVEFORM = Waveform()
FRAME_S = WAVEFORM.frame_period_s
SLOW = ConstantVelocity(vx_mps=0.3, yaw_rate_radps=0.2)


@pytest.fixture(scope="module")
def room():
    return box_room((-2, -2, 0), (4, 2, 2.2))


def small(room, folder, seed=0, **options):
    options = {"progress": None, "loop": False, "prelude_positions": 16} | options
    return simulate_drive(room, SLOW, 3 * FRAME_S, seed=seed, folder=folder, **options)


def test_recording_comes_back_as_it_was_made(room, tmp_path):
    made = small(room, tmp_path)
    again = Recording.open(made.folder)
    assert again.samples.shape == (3, 64, 8, 256, 2)
    assert again.samples.dtype == np.int16
    assert again.prelude.shape == (16, 8, 256, 2)
    assert again.duration_s == pytest.approx(3 * FRAME_S)
    assert (again.waveform, again.array, again.budget) == (made.waveform, made.array, made.budget)
    assert np.array_equal(again.scene.vertices_m, room.vertices_m)
    simulator = DriveSimulator(StaticWorld(room), SLOW)
    for frame, expected in zip(again.samples, simulator.frames(3), strict=True):
        assert np.array_equal(frame, expected)
    assert np.array_equal(again.prelude, simulator.still_turn(16))
    time_s = np.linspace(0, 3 * FRAME_S, 17)
    assert np.allclose(again.trajectory.pose(time_s), SLOW.pose(time_s), atol=1e-9)
    assert np.allclose(again.trajectory.velocity(time_s), SLOW.velocity(time_s), atol=1e-6)
    assert again.azimuth_rad(0.25) == pytest.approx(np.pi)


def test_second_time_comes_from_the_cache(room, tmp_path):
    first = small(room, tmp_path)
    stamp = (first.folder / "samples.npy").stat().st_mtime_ns
    assert small(room, tmp_path).folder == first.folder
    assert (first.folder / "samples.npy").stat().st_mtime_ns == stamp
    assert small(room, tmp_path, seed=1).folder != first.folder
    assert small(room, tmp_path, height_m=1.0).folder != first.folder


@pytest.mark.parametrize("harm", ["flip", "truncate", "meta", "missing"])
def test_damaged_recording_is_detected_and_made_again(room, tmp_path, harm):
    made = small(room, tmp_path)
    expected = np.array(made.samples)
    file = made.folder / "samples.npy"
    if harm == "flip":
        data = bytearray(file.read_bytes())
        data[100_000] ^= 0xFF
        file.write_bytes(data)
    elif harm == "truncate":
        file.write_bytes(file.read_bytes()[:-4096])
    elif harm == "meta":
        (made.folder / "meta.json").write_text('{"format": 1, "wave')
    else:
        file.unlink()
    with pytest.raises(RecordingError, match="simulate the drive again"):
        Recording.open(made.folder)
    assert np.array_equal(small(room, tmp_path).samples, expected)


def test_another_format_is_refused(room, tmp_path):
    made = small(room, tmp_path)
    meta = json.loads((made.folder / "meta.json").read_text())
    (made.folder / "meta.json").write_text(json.dumps(meta | {"format": 99}))
    with pytest.raises(RecordingError, match="format 99"):
        Recording.open(made.folder)


def test_missing_recording_is_a_clear_error(tmp_path):
    with pytest.raises(RecordingError, match=r"meta\.json is missing"):
        Recording.open(tmp_path / "nowhere")


class Interrupted:
    """Progress bar that fails after one frame."""

    def __init__(self, error):
        self.error = error

    def __call__(self, iterable, **_options):
        yield next(iter(iterable))
        raise self.error


def test_half_written_recording_leaves_nothing(room, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        small(room, tmp_path, progress=Interrupted(KeyboardInterrupt()))
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_processes_are_swept(room, tmp_path):
    old, new = tmp_path / ".abc.1.partial", tmp_path / ".abc.2.partial"
    old.mkdir()
    new.mkdir()
    os.utime(old, (0, 0))
    made = small(room, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([new, made.folder])


def test_building_of_a_recording_is_drawn_again(room, tmp_path):
    with pytest.raises(RecordingError, match="bare scene"):
        small(room, tmp_path).building()
    building = generate_building(2)
    made = small(building, tmp_path)
    assert np.array_equal(
        made.building().scene_at(1.0).vertices_m, building.scene_at(1.0).vertices_m
    )


def test_disk_that_fills_up_says_what_to_do(room, tmp_path):
    full = Interrupted(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(RecordingError, match=r"needs \d+ MB .* XDG_CACHE_HOME"):
        small(room, tmp_path, progress=full)
    assert list(tmp_path.iterdir()) == []


def test_too_small_a_disk_is_noticed_before_the_work(room, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(RecordingError, match="0 MB are free"):
        small(room, tmp_path)


def test_folder_that_cannot_be_written_says_so(room, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordingError, match="cannot write"):
        small(room, tmp_path / "file")


def test_cache_is_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "panoradar_ros"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "panoradar_ros"


def test_drives_that_do_not_fit_are_refused(room, tmp_path):
    with pytest.raises(ValueError, match="whole frames"):
        simulate_drive(room, SLOW, 1.5 * FRAME_S, folder=tmp_path, loop=False)
    with pytest.raises(ValueError, match="whole turns"):
        simulate_drive(room, SLOW, 3 * FRAME_S, folder=tmp_path)
    with pytest.raises(ValueError, match="does not close"):
        simulate_drive(room, SLOW, 10.5, folder=tmp_path)


def test_looped_drive_has_no_seam(room, tmp_path):
    points = 0.25 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    duration_s = 8 * FRAME_S
    loop = ClosedLoop(points, duration_s, speed_variation=0.0, max_speed_mps=20.0)
    made = simulate_drive(
        room, loop, duration_s, folder=tmp_path, progress=None, prelude_positions=16,
        revolutions_per_s=1 / duration_s,
    )  # fmt: skip
    for later in (0.013, 0.1):
        assert np.allclose(
            made.trajectory.pose(later + duration_s), made.trajectory.pose(later), atol=1e-9
        )
    simulator = DriveSimulator(
        StaticWorld(room), loop, revolutions_per_s=1 / duration_s, drift_period_s=duration_s
    )
    *_, again = simulator.frames(9)
    difference = again.astype(float) - made.samples[0]
    noise = made.budget.noise_counts(made.waveform)
    # noise differs; the interval after the first view is cut elsewhere, hence a little more
    assert np.sqrt(np.mean(difference**2)) < 2 * noise
    assert np.std(made.samples[0].astype(float)) > 20 * noise


def test_drive_left_half_way_waits_for_nothing(room):
    go_on = threading.Event()
    simulator = DriveSimulator(StaticWorld(room), SLOW, visibility_interval_s=FRAME_S)
    view, started = simulator.view, threading.Event()

    def slow_view(time_s):
        if time_s > 1.5 * FRAME_S:
            started.set()
            assert go_on.wait(60)
        return view(time_s)

    simulator.view = slow_view
    frames = simulator.frames(5)
    next(frames)
    assert started.wait(10)
    closing = threading.Thread(target=frames.close)
    closing.start()
    closing.join(10)
    waited = closing.is_alive()
    go_on.set()
    assert not waited


def test_rotation_is_a_turn_with_the_frames_gaps(room):
    result = simulate_rotation(room, rotations=0.2)
    step_s = np.diff(result.time_s)
    assert result.samples.shape == (len(result.time_s), 8, 256, 2)
    assert np.unique(step_s.round(7)) == pytest.approx([390e-6, 1.68e-3])
    assert result.azimuth_rad == pytest.approx(4 * np.pi * result.time_s)
    assert result.azimuth_rad[-1] < 0.2 * 2 * np.pi


def test_rotation_is_deterministic(room):
    one, two = (simulate_rotation(room, rotations=0.1, seed=4).samples for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, simulate_rotation(room, rotations=0.1, seed=5).samples)


def test_turntable_of_its_own_is_where_the_antenna_looks(room):
    faster = simulate_rotation(room, rotations=0.03, revolutions_per_s=3.0)
    told = simulate_rotation(room, rotations=0.02, turntable=lambda time_s: 2 * np.pi * 3 * time_s)
    assert np.array_equal(told.samples, faster.samples)
    assert np.array_equal(told.azimuth_rad, faster.azimuth_rad)
    assert not np.array_equal(told.samples, simulate_rotation(room, rotations=0.02).samples)


def test_known_ego_velocity_turns_the_phase_of_a_wall(room):
    speed_mps = 0.4
    moving, still = (
        simulate_rotation(room, ConstantVelocity(vx_mps=v), rotations=0.02).samples
        for v in (speed_mps, 0.0)
    )
    # the wall ahead: 4 m less the arm; the turning arm's own phase is the same in both
    place = round((4.0 - 0.08) / WAVEFORM.range_bin_m)
    phases = []
    for samples in (moving, still):
        spectrum = np.fft.fft((samples[..., 0] + 1j * samples[..., 1]) * np.hanning(256), axis=-1)
        phases.append(spectrum[:, :4, place].sum(axis=1))
    rate = np.unwrap(np.angle(phases[0] * np.conj(phases[1])))
    slope = np.polyfit(WAVEFORM.position_offsets_s[: len(rate)], rate, 1)[0]
    assert slope == pytest.approx(-4 * np.pi * speed_mps / WAVEFORM.wavelength_m, rel=0.02)


@pytest.mark.parametrize("options", [{"rotations": 0.0}, {"revolutions_per_s": -1.0}])
def test_rotation_refuses_nonsense(room, options):
    with pytest.raises(ValueError, match="must be positive"):
        simulate_rotation(room, **options)


def test_raw_layout_has_the_shapes_its_readers_expect(tmp_path):
    generator = np.random.default_rng(0)
    samples = generator.integers(-99, 99, (40, 64, 8, 256, 2)).astype(np.int16)
    recording = ConstantVelocity(vx_mps=0.3, vy_mps=0.4, yaw_rad=0.1)
    folder = write_raw_npy(tmp_path / "exp", samples, WAVEFORM, AntennaArray(), 2.0, recording)
    data = np.load(folder / "radar_data.npy")
    assert data.shape == (40, 128, 4, 256)
    assert data.dtype == np.complex64
    positions = data.reshape(-1, 8, 256)
    flat = samples.reshape(-1, 8, 256, 2)
    assert np.array_equal(positions, flat[..., 0] + 1j * flat[..., 1])
    times = np.loadtxt(folder / "radar_ts.txt")
    assert np.diff(times) == pytest.approx(FRAME_S)
    parameters = np.load(folder / "data_params.npz")
    assert parameters["radar_sep"].tolist() == [0, 1219, 2438]
    assert parameters["r_radar"] == pytest.approx(0.08)
    motion = np.load(folder / "motion_output.npz")
    assert motion["v_gt"] == pytest.approx(0.5)
    assert motion["theta_v_gt"] == pytest.approx(np.arctan2(0.4, 0.3) - 0.1)
    with pytest.raises(ValueError, match="samples must be"):
        write_raw_npy(tmp_path, samples[..., 0], WAVEFORM, AntennaArray(), 2.0, recording)
