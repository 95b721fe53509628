import numpy as np
import pytest

from panoradar_ros.recognition.echo import (
    HIGHEST_DB,
    LOWEST_DB,
    STEP_DB,
    decode_db,
    encode_echo,
    noise_power,
)


def cube_of_db(db):
    """A cube whose median is 0 dB and whose first cells are as given."""
    power = np.ones((8, 16, 32), np.float32)
    power[1, 1, : len(db)] = 10 ** (np.array(db) / 10)
    return power


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e9])
def test_decibels_over_the_median_come_back_to_half_a_step(gain):
    db = np.linspace(LOWEST_DB, HIGHEST_DB, 30)
    found = decode_db(encode_echo(np.float32(gain) * cube_of_db(db)))[1, 1, :30]
    np.testing.assert_allclose(found, db, atol=STEP_DB / 2 + 1e-3)


def test_what_is_out_of_range_is_clipped_and_what_is_no_number_is_no_echo():
    power = cube_of_db([-200, -11, 80])
    power[2, 2, :4] = [np.nan, np.inf, -1, 0]
    echo = encode_echo(power)
    assert echo[1, 1, :3].tolist() == [0, 0, 255]
    assert echo[2, 2, :4].tolist() == [0, 0, 0, 0]


def test_threads_make_no_difference():
    power = np.random.default_rng(1).exponential(1.0, (8, 64, 32)).astype(np.float32)
    np.testing.assert_array_equal(encode_echo(power, workers=1), encode_echo(power, workers=3))


def test_a_cube_without_echoes_is_refused():
    with pytest.raises(ValueError, match="no echoes"):
        noise_power(np.zeros((8, 16, 32), np.float32))
    with pytest.raises(ValueError, match="no echoes"):
        encode_echo(np.full((8, 16, 32), np.nan, np.float32))


def test_out_must_fit():
    with pytest.raises(ValueError, match="out must be"):
        encode_echo(cube_of_db([0]), out=np.empty((1, 2, 3), np.uint8))
