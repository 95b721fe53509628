"""Powers become numbers of zero mean and unit deviation, NaN or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rexo_ros.learning.sequences import decode_power, encode_power
from rexo_ros.normalisation import Normalisation


def powers(seed, holes=0.0):
    rng = np.random.default_rng(seed)
    power = np.exp(rng.normal([[[17.0]], [[15.0]]], [[[0.5]], [[2.0]]], (2, 32, 16)))
    power[rng.random(power.shape) < holes] = np.nan
    return power.astype(np.float32)


@given(st.integers(0, 99), st.floats(0.0, 0.4))
def test_a_frame_by_itself_has_no_mean_and_unit_deviation(seed, holes):
    power = powers(seed, holes)
    found = Normalisation()(power)
    known = np.isfinite(power)
    assert (found[~known] == 0).all()
    for view in range(2):
        assert found[view][known[view]].mean() == pytest.approx(0, abs=1e-4)
        assert found[view][known[view]].std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(Normalisation()(1000 * power), found, atol=1e-4)  # any gain


def test_statistics_of_a_set_are_those_of_all_its_pixels():
    several = [powers(seed, 0.2) for seed in range(5)]
    found = Normalisation.of(several)
    logs = [np.log(np.concatenate([one[view][np.isfinite(one[view])] for one in several]))
            for view in range(2)]  # fmt: skip
    assert found.mean == pytest.approx([one.mean() for one in logs], rel=1e-5)
    assert found.deviation == pytest.approx([one.std() for one in logs], rel=1e-4)
    scaled = found(several[0])
    expected = (np.log(several[0][1, 3, 4]) - found.mean[1]) / found.deviation[1]
    if np.isfinite(expected):
        assert scaled[1, 3, 4] == pytest.approx(expected, rel=1e-4)


def test_frames_in_a_row_share_the_statistics_of_their_view():
    found = Normalisation((0.0, 1.0), (1.0, 2.0))
    stacked = np.stack([powers(0), powers(1)], axis=1)  # (view, frame, row, column)
    apart = np.stack([found(powers(0)), found(powers(1))], axis=1)
    np.testing.assert_array_equal(found(stacked), apart)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no power at all"):
        Normalisation.of([np.full((2, 4, 4), np.nan)])
    with pytest.raises(ValueError, match="belong together"):
        Normalisation(mean=(0.0,))
    with pytest.raises(ValueError, match="must be positive"):
        Normalisation((0.0,), (0.0,))
    with pytest.raises(ValueError, match="statistics are of 1 views, heatmaps of 2"):
        Normalisation((0.0,), (1.0,))(powers(0))


def test_live_heatmaps_are_what_recorded_ones_are():
    """The network must see live what it learned from: also where the radar does not look."""
    power = np.random.default_rng(5).exponential(1e3, (2, 4, 16, 8)).astype(np.float32) + 1
    power[..., :2, :] = 0.0
    normalise = Normalisation((6.0, 6.0), (2.0, 2.0))
    recorded = normalise(decode_power(encode_power(power)))
    live = normalise(power)
    quarter_decibel = 0.25 * np.log(10) / 10 / 2.0
    np.testing.assert_allclose(live, recorded, atol=quarter_decibel + 1e-5)
    assert (live[..., :2, :] == 0).all()
    whole = Normalisation()
    np.testing.assert_allclose(whole(power), whole(decode_power(encode_power(power))), atol=0.05)


def test_statistics_of_some_views():
    both = Normalisation((1.0, 2.0), (3.0, 4.0))
    assert both.of_views([1]) == Normalisation((2.0,), (4.0,))
    assert Normalisation().of_views([1]) == Normalisation()
