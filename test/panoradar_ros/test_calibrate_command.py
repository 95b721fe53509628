import json

import numpy as np
import pytest

from mmwave.simulation.fmcw import AntennaTrack, Scatterers, synthesize
from mmwave.simulation.raw_npy import write_raw_npy
from mmwave.simulation.trajectory import ConstantVelocity
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.calibration.file import read_calibration
from panoradar_ros.cli import main

GAIN = np.exp(1j * np.deg2rad([0, 40, -70, 120, 10, -150, 60, 5]))
OFFSET_RAD = 0.3


def write_turns(folder, gain, offset_rad, seed):
    """3.2 turns in PanoRadar's layout: weak points all around and a corner at 3 m, 60 degrees."""
    waveform, array = Waveform(), AntennaArray()
    rng = np.random.default_rng(1)
    azimuth, distance = rng.uniform(-np.pi, np.pi, 60), rng.uniform(1.2, 8, 60)
    places = np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth), 0 * azimuth], 1)
    corner = [[3 * np.cos(np.pi / 3), 3 * np.sin(np.pi / 3), 0.0]]
    points = Scatterers.points(np.concatenate([places, corner]), np.append(np.full(60, 0.05), 29))
    frames = 62
    start_s = waveform.frame_period_s * np.arange(frames)
    middle_s = (start_s[:, None] + waveform.position_offsets_s).ravel()
    time_s = middle_s[:, None] + waveform.transmitter_offsets_s
    still = np.zeros_like(time_s)
    track = AntennaTrack.from_pose(
        time_s, 4 * np.pi * time_s + offset_rad, (still, still, still), array.radius_m, 0.0
    )
    signal = synthesize(points, track, waveform, array) * gain[:, None]
    samples = np.stack([signal.real, signal.imag], -1)
    samples += np.random.default_rng(seed).normal(0, 12, samples.shape)
    shape = (frames, waveform.loops_per_frame, *samples.shape[1:])
    counts = np.rint(samples).astype(np.int16).reshape(shape)
    write_raw_npy(folder, counts, waveform, array, 2.0, ConstantVelocity())
    # exact times and starts of the turns instead of one time a frame and whole positions
    np.savetxt(folder / "radar_ts.txt", middle_s, "%.9f")
    starts = np.interp([0.5, 1.0, 1.5], middle_s, np.arange(len(middle_s)))
    np.savez(folder / "data_params.npz", radar_sep=starts)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_turns(tmp_path_factory.mktemp("source") / "raw", GAIN, OFFSET_RAD, seed=2)


def test_calibration_is_written_and_told(source, tmp_path, capsys):
    output = tmp_path / "calibration.yaml"
    words = ["calibrate", str(source), "--output", str(output), "--reflector-range-m", "3"]
    words += ["--reflector-azimuth-deg", "60", "--reflector-elevation-deg", "0", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    found = read_calibration(output)
    assert np.rad2deg(found.azimuth_offset_rad - OFFSET_RAD) == pytest.approx(0, abs=0.05)
    assert told["azimuth_offset_deg"] == pytest.approx(np.rad2deg(found.azimuth_offset_rad))
    assert told["turns"] == 2
    assert found.rate_ratio == told["rate_ratio_used"] == pytest.approx(1, abs=1e-4)
    phase = np.angle(np.array(found.antenna_gain) / GAIN)
    assert np.rad2deg(np.abs(phase - phase.mean())).max() < 1
    assert main([word for word in words if word != "--json"]) == 0
    assert "8 gains from a reflector at 3.0" in capsys.readouterr().out


def test_offset_from_a_reference_recording(source, tmp_path, capsys):
    reference = write_turns(tmp_path / "raw", np.ones(8), 0.0, seed=3)
    output = tmp_path / "calibration.yaml"
    words = ["calibrate", str(source), "--output", str(output), "--reference", str(reference)]
    assert main(words) == 0
    found = read_calibration(output)
    assert np.rad2deg(found.azimuth_offset_rad - OFFSET_RAD) == pytest.approx(0, abs=0.05)
    assert found.antenna_gain is None
    assert "antennas: not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "1"], "--limit must be at least 2"),
        (["--output", "/nowhere/c.yaml"], "/nowhere is not a folder"),
        (["--revolutions-per-s", "0"], "--revolutions-per-s must be positive"),
        (["--reference", "/nowhere"], "/nowhere does not exist"),
        (["--reflector-range-m", "60"], "no range bin at 60 m"),
        (["--reflector-elevation-deg", "60"], "within 45 deg"),
    ],
)
def test_mistakes_are_named(source, tmp_path, capsys, words, message):
    output = tmp_path / "c.yaml"
    assert main(["calibrate", str(source), "--output", str(output), *words]) == 1
    assert message in capsys.readouterr().err
    assert not output.exists()
