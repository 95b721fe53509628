import numpy as np
import pytest

from panoradar_ros.learning.dataset import FrameSet
from panoradar_ros.learning.frames import (
    NAMES,
    BuildingFrames,
    Frame,
    write_building,
)

ROWS, COLUMNS, BINS = 4, 8, 16


def frame(seed):
    rng = np.random.default_rng(seed)
    shape = (ROWS, COLUMNS)
    return Frame(
        rng.integers(0, 256, (*shape, BINS), dtype=np.uint8),
        rng.uniform(0, 9, shape).astype(np.float32),
        rng.uniform(0, 9, shape).astype(np.float32),
        rng.integers(-127, 128, (*shape, 3), dtype=np.int8),
        rng.integers(0, 11, shape, dtype=np.uint8),
        rng.integers(-1, 5, shape, dtype=np.int32),
        rng.random(shape) < 0.1,
    )


def test_frames_come_back_as_they_were(tmp_path):
    frames = [frame(seed) for seed in range(3)]
    write_building(tmp_path / "office_1", frames, {"style": "office"})
    found = BuildingFrames(tmp_path / "office_1")
    assert len(found) == 3
    assert found.meta["style"] == "office"
    for index, one in enumerate(frames):
        for name in NAMES:
            np.testing.assert_array_equal(getattr(found[index], name), getattr(one, name))


def test_a_folder_appears_only_when_it_is_complete(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_building(tmp_path / "office_1", [frame(0)], {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_written_over(tmp_path):
    write_building(tmp_path / "office_1", [frame(0)], {})
    with pytest.raises(FileExistsError, match="delete"):
        write_building(tmp_path / "office_1", [frame(1)], {})


@pytest.mark.parametrize("name", [*NAMES[:2], "meta"])
def test_a_missing_file_is_named(tmp_path, name):
    write_building(tmp_path / "office_1", [frame(0)], {})
    (tmp_path / "office_1" / f"{name}.{'json' if name == 'meta' else 'npy'}").unlink()
    with pytest.raises(ValueError, match=f"office_1.*{name}"):
        BuildingFrames(tmp_path / "office_1")


def test_a_cut_file_is_refused(tmp_path):
    write_building(tmp_path / "office_1", [frame(0)], {})
    path = tmp_path / "office_1" / "echo.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="office_1"):
        BuildingFrames(tmp_path / "office_1")


def test_an_empty_data_set_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=r"panoradar simulate dataset .*PanoRadar's processed"):
        FrameSet.under(tmp_path)


def test_shapes_must_agree():
    one = frame(0)
    with pytest.raises(ValueError, match="range must be"):
        Frame(
            one.echo, one.range[:2], one.classical, one.normal, one.label, one.instance, one.glass
        )
