import os

import pytest

from mmwave.simulation.drive_cache import forget_old_drives


def test_only_the_newest_drives_stay_and_nothing_else_is_touched(tmp_path):
    for age in range(5):
        drive = tmp_path / f"drive{age}"
        drive.mkdir()
        (drive / "meta.json").write_text("{}")
        os.utime(drive, (1000 - age, 1000 - age))
    (tmp_path / "notes").mkdir()
    gone = forget_old_drives(tmp_path, kept=2)
    assert sorted(path.name for path in gone) == ["drive2", "drive3", "drive4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drive0", "drive1", "notes"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert forget_old_drives(tmp_path / "nothing") == []
    with pytest.raises(ValueError, match="kept must be at least 1"):
        forget_old_drives(tmp_path, kept=0)
