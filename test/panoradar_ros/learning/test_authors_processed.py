"""The authors' processed layout, written here as its description says, and read back."""

import json

import numpy as np
import pytest

from mmwave.simulation.scene import SemanticClass
from panoradar_ros.imaging.grid import PanoramaGrid
from panoradar_ros.learning.authors_processed import AuthorsFrames, normals_of_range
from panoradar_ros.learning.boxes import boxes_of
from panoradar_ros.learning.dataset import FrameSet, range_batch
from panoradar_ros.learning.range_scores import strongest_echo_m
from panoradar_ros.recognition.echo import decode_db

ROWS, COLUMNS, BINS = 64, 512, 256
PERSON = (0, 20, 508, 40, 520)  # kind, top, left, bottom, right: across the seam


def write(folder, frames=2):
    """A wall at bin 100 with a person in front of it who was not measured in one row."""
    for number in range(frames):
        amplitude = np.full((BINS, ROWS, COLUMNS), 0.01, np.float32)
        amplitude[100] = 3.0
        lidar = np.full((1, ROWS, COLUMNS), 0.38, np.float32)
        label = np.full((1, ROWS, COLUMNS), SemanticClass.WALL, np.uint8)
        glass = np.zeros((1, ROWS, COLUMNS), bool)
        columns = np.arange(508, 520) % COLUMNS
        label[0, 20:40, columns] = SemanticClass.PERSON
        lidar[0, 20:40, columns] = 0.3
        lidar[0, 30] = -0.1
        glass[0, :, 100:110] = True
        label[0, 5] = 255
        arrays = {
            "rf_npy": np.log10(amplitude + 0.001) / 3,
            "lidar_npy": lidar,
            "seg_npy": label,
            "glass_npy": glass,
        }
        for name, array in arrays.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            np.save(folder / name / f"{number:05d}.npy", array)
        (folder / "obj_json").mkdir(exist_ok=True)
        entries = [{"label": "person", "points": [[508, 20], [520, 40]]}]
        (folder / "obj_json" / f"{number:05d}.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "processed" / "engineering" / "exp1")


def test_arrays_come_back_in_our_units_and_order(folder):
    frames = AuthorsFrames(folder)
    assert len(frames) == 2
    frame = frames[0]
    assert frame.echo.shape == (ROWS, COLUMNS, BINS)
    db = decode_db(frame.echo)
    assert db[10, 10, 100] - db[10, 10, 50] == pytest.approx(20 * np.log10(3.0 / 0.01), abs=0.3)
    assert frame.range[10, 10] == pytest.approx(3.8)
    assert np.isnan(frame.range[30]).all()
    assert frame.label[5, 5] == 255
    assert frame.glass[:, 100:110].all()
    expected = 100 * 0.03747 + 0.08 * np.cos(PanoramaGrid().elevation_rad[10])
    assert strongest_echo_m(frame.echo)[10, 10] == pytest.approx(expected, abs=1e-4)


def test_a_box_goes_across_the_seam_and_makes_an_instance(folder):
    frames = AuthorsFrames(folder)
    (box,) = frames.boxes(0)
    assert (box.kind, box.left, box.right, box.top, box.bottom) == (0, 508, 520, 20, 40)
    (found,) = boxes_of(frames[0])
    assert (found.kind, found.left, found.right) == (0, 508, 520)


def test_one_data_set_class_reads_it_and_what_was_not_measured_does_not_count(folder):
    frames = FrameSet.under(folder.parent.parent)
    assert len(frames) == 2
    assert frames.describe()["simulated"] is False
    assert frames.describe()["styles"] == ["engineering"]
    _, target = range_batch([frames[0]])
    assert not target.counts[0, 30].any()
    assert not target.counts[0, :, 100:110].any()
    assert target.counts[0, 10, 10]


def test_normals_of_a_wall_and_a_floor():
    grid = PanoramaGrid()
    azimuth, elevation = grid.azimuth_rad[None], grid.elevation_rad[:, None]
    with np.errstate(divide="ignore"):
        wall = 3.0 / (np.cos(azimuth) * np.cos(elevation))
        floor = -0.9 / np.sin(elevation) * np.ones_like(azimuth)
    ahead = np.abs(np.angle(np.exp(1j * azimuth))) < 0.8
    found = normals_of_range(np.where(ahead & (wall < 9), wall, np.nan)) / 127
    # towards the wall's left edge its normal turns to the left of the ray
    column, row = 512 - 57, 32
    theta, phi = grid.azimuth_rad[column] + 2 * np.pi, grid.elevation_rad[row]
    expected = [-np.cos(theta) * np.cos(phi), np.sin(theta), np.cos(theta) * np.sin(phi)]
    np.testing.assert_allclose(found[row, column], expected, atol=0.02)
    below = normals_of_range(np.where((elevation < 0) & (floor < 9), floor, np.nan)) / 127
    phi = grid.elevation_rad[58]
    np.testing.assert_allclose(below[58, 100], [np.sin(phi), 0, np.cos(phi)], atol=0.02)


@pytest.mark.parametrize("name", ["rf_npy", "lidar_npy", "seg_npy", "glass_npy"])
def test_a_missing_folder_or_file_is_named(folder, name):
    (folder / name / "00001.npy").unlink()
    with pytest.raises(ValueError, match=rf"'{name}': 1"):
        AuthorsFrames(folder)
    (folder / name / "00000.npy").unlink()
    (folder / name).rmdir()
    with pytest.raises(ValueError, match=f"lacks the folder {name}"):
        AuthorsFrames(folder)


def test_wrong_shapes_and_classes_are_named(folder):
    frames = AuthorsFrames(folder)
    np.save(folder / "seg_npy" / "00000.npy", np.full((1, ROWS, COLUMNS), 77, np.uint8))
    with pytest.raises(ValueError, match=r"00000\.npy: classes \[77\]"):
        frames[0]
    np.save(folder / "lidar_npy" / "00001.npy", np.zeros((ROWS, COLUMNS), np.float32))
    with pytest.raises(ValueError, match=r"00001\.npy must be \(1, 64, 512\)"):
        frames[1]
    (folder / "obj_json" / "00001.json").write_text('[{"label": "ghost", "points": [[0, 0]]}]')
    with pytest.raises(ValueError, match=r"00001\.json holds no list of boxes"):
        frames.boxes(1)
