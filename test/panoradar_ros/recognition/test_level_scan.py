"""A scan says free only where both of its rows do."""

import numpy as np

from panoradar_ros.recognition.level_scan import level_scan


def test_the_nearer_row_counts_and_what_is_not_known_is_not_free():
    upper = [1.0, 3.0, np.inf, np.nan, np.nan, np.inf, 2.0, np.nan]
    lower = [2.0, 2.0, np.inf, np.inf, 4.0, np.nan, np.inf, np.nan]
    nearest, confidence = level_scan(
        np.array([upper, lower], np.float32), np.array([[0.1] * 8, [0.2] * 8])
    )
    np.testing.assert_array_equal(nearest, [1, 2, np.inf, np.nan, 4, np.nan, 2, np.nan])
    np.testing.assert_allclose(confidence[[0, 1, 4, 6]], [0.1, 0.2, 0.2, 0.1], rtol=1e-6)
