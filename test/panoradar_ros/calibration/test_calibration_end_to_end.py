"""From raw samples to a calibration file, and from that to better pictures of another scene."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmwave.dca1000 import encode_iiqq
from mmwave.simulation.fmcw import Scatterers
from mmwave.waveform import Waveform
from panoradar_ros.calibration.file import read_calibration, write_calibration
from panoradar_ros.cli import main

GAIN = 10 ** (np.array([1, -1.5, 0.5, -0.5, 2, -2, 1, 0]) / 20) * np.exp(
    1j * np.deg2rad([0, 70, -110, 40, 150, -60, 20, 100])
)
RATIO = 1.004
OFFSET_RAD = 0.35
CORNER = 3.0, 1.2, np.deg2rad(5.0)
SEEN = ((1.8, 2.6, 0.2), (2.7, -2.2, -0.1), (3.6, 0.4, 0.0), (4.6, -0.9, 0.25))
"""Range, azimuth and elevation of the reflectors that are looked at afterwards."""


class Captures:
    """Files of the capture card, of one and the same radar."""

    def __init__(self, frames_of, miscalibrated):
        self._frames_of, self._miscalibrated = frames_of, miscalibrated

    def write(self, path, scene, seed, gain=GAIN, ratio=RATIO, offset_rad=OFFSET_RAD):
        """3.3 turns; a file's turntable angle is zero at its first position."""
        counted_rad = 4 * np.pi * Waveform().position_offsets_s[0] - np.deg2rad(31)
        wrong = self._miscalibrated(tuple(gain), ratio, offset_rad - ratio * counted_rad)
        samples, *_ = self._frames_of(scene, 3.3, wrong, 16.6, seed)
        path.write_bytes(encode_iiqq(samples).tobytes())
        return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("end_to_end")


@pytest.fixture
def captures(frames_of, miscalibrated):
    return Captures(frames_of, miscalibrated)


@pytest.fixture
def calibration(folder, captures, room_of, corner_at):
    """The file that the command writes of a room with a corner in it."""
    output = folder / "calibration.yaml"
    if not output.exists():
        scene = Scatterers.join([room_of(3, 40), corner_at(*CORNER)])
        source = captures.write(folder / "standing.bin", scene, seed=1)
        words = ["calibrate", str(source), "--output", str(output)]
        words += ["--reflector-range-m", str(CORNER[0])]
        words += ["--reflector-azimuth-deg", str(np.rad2deg(CORNER[1]))]
        words += ["--reflector-elevation-deg", str(np.rad2deg(CORNER[2]))]
        assert main(words) == 0
    return output


@pytest.fixture
def drive(folder, captures, corner_at):
    path = folder / "other.bin"
    if not path.exists():
        scene = Scatterers.join([corner_at(*place) for place in SEEN])
        captures.write(path, scene, seed=2)
    return path


@pytest.fixture
def perfect_drive(folder, captures, corner_at):
    scene = Scatterers.join([corner_at(*place) for place in SEEN])
    return captures.write(folder / "perfect.bin", scene, 3, np.ones(8), 1.0, 0.0)


def imaged(source, output, capsys, *words):
    """Errors in metres and intensities in dB of the reflectors, (turn, reflector)."""
    capsys.readouterr()
    assert main(["image", str(source), "--output", str(output), "--json", *map(str, words)]) == 0
    report = json.loads(capsys.readouterr().out)
    errors, levels = [], []
    for row in report["rotations"]:
        body = (output / f"{row['rotation']:03d}_points.ply").read_bytes().split(b"end_header\n")[1]
        points = np.frombuffer(body, "<f4").reshape(-1, 4)
        away_m = np.linalg.norm(points[:, :3], axis=1)
        for range_m, azimuth, elevation in SEEN:
            flat = range_m * np.cos(elevation)
            truth = flat * np.cos(azimuth), flat * np.sin(azimuth), range_m * np.sin(elevation)
            near = points[np.abs(away_m - range_m) < 0.3]
            strongest = near[np.argmax(near[:, 3])]
            errors.append(np.linalg.norm(strongest[:3] - truth))
            levels.append(strongest[3])
    shape = len(report["rotations"]), len(SEEN)
    return report, np.reshape(errors, shape), np.reshape(levels, shape)


def test_pictures_are_as_right_as_a_perfect_radars(
    calibration, drive, perfect_drive, tmp_path, capsys
):
    _, _, ideal_db = imaged(perfect_drive, tmp_path / "ideal", capsys)
    words = ["--calibration", calibration]
    report, error_m, level_db = imaged(drive, tmp_path / "with", capsys, *words)
    plain, plain_m, plain_db = imaged(drive, tmp_path / "without", capsys)
    assert error_m.shape == (2, len(SEEN))
    assert error_m.max() < 0.12  # one pixel
    assert plain_m.min() > 1.0
    assert np.abs(level_db - ideal_db).max() < 1
    assert (plain_db - level_db).max() < -0.4
    assert report["calibration"] == str(calibration)
    assert "calibration" not in plain


@pytest.mark.parametrize(
    ("left_out", "times_worse"),
    [({"azimuth_offset_rad": None}, 10), ({"rate_ratio": 1.0}, 2), ({"antenna_gain": None}, 10)],
)
def test_every_part_of_the_file_is_needed(
    calibration, drive, tmp_path, capsys, left_out, times_worse
):
    lesser = tmp_path / "lesser.yaml"
    write_calibration(lesser, replace(read_calibration(calibration), **left_out))
    _, error_m, _ = imaged(drive, tmp_path / "all", capsys, "--calibration", calibration)
    _, worse_m, _ = imaged(drive, tmp_path / "part", capsys, "--calibration", lesser)
    assert worse_m[-1].mean() > times_worse * error_m[-1].mean()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the calibration"),
        ("format: 2", "it must be a map with format: 1"),
        ("format: 1\nrate_ratio: 9", "rate_ratio must be in"),
        (
            "format: 1\nantennas: [{amplitude: 1.0, phase_deg: 0.0}]",
            "the calibration is of 1 antennas, the radar has 8",
        ),
    ],
)
def test_a_wrong_file_is_named(drive, tmp_path, capsys, content, message):
    path = tmp_path / "wrong.yaml"
    if content is not None:
        path.write_text(content)
    words = ["image", str(drive), "--output", str(tmp_path / "out"), "--calibration", str(path)]
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "wrong.yaml" in line
    assert not (tmp_path / "out").exists()
