"""Chirps that were lost on the way."""

import numpy as np

from mmwave.lost_chirps import filled


def test_filled_takes_the_nearest_chirp_of_the_same_antenna():
    frame = np.arange(8, dtype=np.complex64)[:, None, None] + np.zeros((8, 2, 3), np.complex64)
    valid = np.ones((8, 2), bool)
    valid[[0, 1, 6], 0] = False
    valid[:, 1] = False
    found = filled(frame, valid)
    assert found[:, 0, 0].real.tolist() == [2, 2, 2, 3, 4, 5, 5, 7]
    np.testing.assert_array_equal(found[:, 1], frame[:, 1])
    assert filled(frame, np.ones((8, 2), bool)) is frame
