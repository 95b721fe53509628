"""Sequences on disk: powers to a quarter decibel, complete files or none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooms import sequence

from rexo_ros.learning.sequences import (
    RoomSequence,
    decode_power,
    encode_power,
    read_sequence,
    write_sequence,
)


@given(st.lists(st.floats(-19, 105), min_size=1, max_size=30))
def test_powers_come_back_to_a_quarter_decibel(decibel):
    power = 10 ** (np.array(decibel) / 10)
    back = decode_power(encode_power(power))
    np.testing.assert_allclose(10 * np.log10(back), decibel, atol=0.2501)


def test_nothing_comes_back_as_not_known():
    code = encode_power(np.array([0.0, -1.0, np.nan, np.inf, 1.0]))
    assert code[:4].tolist() == [0, 0, 0, 0]
    back = decode_power(code)
    assert np.isnan(back[:4]).all()
    assert back[4] == pytest.approx(1.0)


def test_a_file_comes_back_as_it_was(tmp_path):
    one = sequence(people=2)
    write_sequence(tmp_path / "room.npz", one)
    again = read_sequence(tmp_path / "room.npz")
    for name in ("power", "boxes_m", "image_boxes_px", "key_points_m", "seen"):
        np.testing.assert_array_equal(getattr(again, name), getattr(one, name))
    assert again.about["room"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["room.npz"]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "room.npz"
    write_sequence(path, sequence())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"room\.npz is no usable sequence"):
        read_sequence(path)
    with pytest.raises(ValueError, match=r"missing\.npz is no usable sequence"):
        read_sequence(tmp_path / "missing.npz")


def test_shapes_must_agree():
    one = sequence()
    with pytest.raises(ValueError, match=r"boxes_m must be \(6, 1, 6\), got \(5, 1, 6\)"):
        RoomSequence(
            one.power, one.boxes_m[:5], one.image_boxes_px, one.key_points_m, one.seen, one.about
        )
