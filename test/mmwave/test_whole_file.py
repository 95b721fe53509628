"""Files that are there whole or not at all."""

import pytest

from mmwave.whole_file import whole_file


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "some.npz"
    with whole_file(path) as partial:
        assert partial.suffix != ".npz"  # nobody reads it before
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "some.json"
    path.write_text("old")

    def fail(partial):
        partial.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"), whole_file(path) as partial:
        fail(partial)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
