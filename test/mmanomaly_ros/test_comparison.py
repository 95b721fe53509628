"""Measured against expected: closed forms of every witness, and places of peaks."""

import numpy as np
import pytest

from mmanomaly_ros.comparison import (
    EVIDENCE,
    QUIET,
    Fusion,
    evidence_of,
    fit_fusion,
    frame_score,
    fusion_of,
    peaks,
    sigmoid,
    ssim_map,
    z_score,
)
from mmanomaly_ros.features import frame_features, moving_bodies, upright_body
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import cell_of, position_of
from mmwave.inference import ModelError

BIN_M = WATCH_WAVEFORM.range_bin_m
SHAPE = (3, 128, 64)


def spectrum(seed=0):
    return np.random.default_rng(seed).uniform(-5, 40, SHAPE).astype(np.float32)


def test_equal_spectra_are_wholly_alike_and_others_less_where_they_differ():
    one = spectrum()
    np.testing.assert_allclose(ssim_map(one, one), 1, atol=1e-5)
    other = one.copy()
    other[1, 60:70, 30:40] += 15
    alike = ssim_map(one, other)
    np.testing.assert_allclose(alike[[0, 2]], 1, atol=1e-5)
    np.testing.assert_allclose(alike[1, :55], 1, atol=1e-5)
    assert alike[1, 65, 35] < 0.9
    np.testing.assert_allclose(alike, ssim_map(other, one), atol=1e-6)


def test_similarity_of_levels_has_its_closed_form():
    """Of two even pictures only the means differ: (2 a b + c) / (a^2 + b^2 + c), c = (0.01 2)^2."""
    one, other = np.full(SHAPE, 40.0), np.full(SHAPE, 50.0)  # 0.25 and 0.5 in units
    wanted = (2 * 0.125 + 4e-4) / (0.0625 + 0.25 + 4e-4)
    np.testing.assert_allclose(ssim_map(one, other), wanted, rtol=1e-5)


@pytest.mark.parametrize("deviations", [-2.0, 0.0, 3.5])
def test_z_counts_spreads(deviations):
    mean = spectrum()
    spread = np.random.default_rng(1).uniform(0.5, 9, SHAPE)
    found = z_score(mean + deviations * spread, mean, spread)
    np.testing.assert_allclose(found, deviations, atol=1e-4)


def test_a_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="spread_db must be positive, got 0"):
        z_score(spectrum(), spectrum(), np.zeros(SHAPE))


def test_every_witness_speaks_where_it_sees_something():
    z = np.zeros(SHAPE, np.float32)
    z[1, 40:43, 20:23] = 6.0
    z[2, 80:83, 50:53] = 4.0
    z[0] = -9.0  # less than expected is not more
    similarity = np.ones(SHAPE, np.float32)
    similarity[0, 10, 10] = -1.0
    learned = np.arange(128 * 64, dtype=np.float32).reshape(128, 64)
    found = dict(zip(EVIDENCE, evidence_of(learned, z, similarity), strict=True))
    np.testing.assert_array_equal(found["learned"], learned)
    assert found["azimuth"][41, 21] == pytest.approx(6.0)
    assert found["azimuth"].min() == 0
    assert np.count_nonzero(found["azimuth"]) == 25
    # a range's strongest speed counts for all of its sines
    np.testing.assert_allclose(found["doppler"][81], 4.0, rtol=1e-5)
    assert np.unique(np.nonzero(found["doppler"])[0]).tolist() == [79, 80, 81, 82, 83]
    assert found["dissimilarity"][10, 10] == pytest.approx(0.5)
    assert np.count_nonzero(found["dissimilarity"]) == 1


def test_the_heatmap_is_a_logistic_sum():
    evidence = np.random.default_rng(3).uniform(-3, 3, (4, 128, 64))
    fusion = Fusion(-1.0, 0.5, 2.0, 0.25, 3.0)
    wanted = -1 + 0.5 * evidence[0] + 2 * evidence[1] + 0.25 * evidence[2] + 3 * evidence[3]
    np.testing.assert_allclose(fusion.logits(evidence), wanted)
    np.testing.assert_allclose(sigmoid(wanted), 1 / (1 + np.exp(-wanted)), atol=1e-12)
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
    top = np.sort(wanted.ravel())[-8:].mean()
    assert frame_score(wanted, 4.0, fusion) == pytest.approx(top + 0.5 * 4)


def test_weights_come_back_from_cells_drawn_with_them():
    generator = np.random.default_rng(4)
    evidence = generator.uniform(0, 4, (40000, 4))
    true = np.array([1.0, 0.5, 0.0, 1.5])
    odds = sigmoid(evidence @ true - 6.0)
    anomalous = generator.random(len(evidence)) < odds
    found = fit_fusion(evidence, anomalous, penalty=0.0)
    weights = [getattr(found, name) for name in EVIDENCE]
    np.testing.assert_allclose(weights, true, atol=0.06)
    # both truths count alike: the bias is that of as many anomalous cells as normal ones
    shift = np.log((~anomalous).sum() / anomalous.sum())
    assert found.bias == pytest.approx(-6 + shift, abs=0.2)


def test_more_of_a_witness_never_speaks_for_a_normal_cell():
    generator = np.random.default_rng(5)
    anomalous = generator.random(2000) < 0.3
    evidence = generator.standard_normal((2000, 4)) + 2 * anomalous[:, None]
    evidence[:, 2] = generator.standard_normal(2000) - 2 * anomalous
    found = fit_fusion(evidence, anomalous)
    assert found.doppler == 0
    assert min(found.learned, found.azimuth, found.dissimilarity) > 0.3


def test_weights_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="normal and anomalous"):
        fit_fusion(np.zeros((5, 4)), np.zeros(5, bool))
    with pytest.raises(ValueError, match="azimuth must be finite"):
        Fusion(azimuth=np.nan)
    with pytest.raises(ModelError, match="no usable fusion"):
        fusion_of({"weight": 1})


def bump(row, column, height=0.9, width=3.0):
    rows, columns = np.mgrid[:128, :64]
    return height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2))


@pytest.mark.parametrize(("row", "column"), [(40.0, 30.0), (61.3, 12.8), (90.45, 47.51)])
def test_a_peak_lies_within_a_quarter_of_a_cell(row, column):
    found = peaks(bump(row, column), BIN_M)
    assert len(found.confidence) == 1
    ((at_row,), (at_column,)) = cell_of(found.position_m, BIN_M)
    assert abs(at_row - row) < 0.25
    assert abs(at_column - column) < 0.25
    assert found.confidence[0] == pytest.approx(0.9, abs=0.03)


def test_the_middle_of_a_plateau_is_its_place():
    heatmap = np.zeros((128, 64))
    heatmap[50:55, 20:27] = 1.0
    found = peaks(heatmap, BIN_M)
    np.testing.assert_allclose(found.position_m, [position_of(52, 23, BIN_M)])


def test_peaks_are_sorted_apart_high_enough_and_few():
    heatmap = sum(bump(*one) for one in ((30, 30, 0.7), (80, 20, 0.95), (80, 45, 0.8)))
    heatmap = heatmap + bump(110, 30, 0.4)
    found = peaks(heatmap, BIN_M, least=0.5, count=5, apart_m=0.3)
    np.testing.assert_allclose(found.confidence, [0.95, 0.8, 0.7], atol=1e-3)
    assert len(peaks(heatmap, BIN_M, count=2, apart_m=0.3).confidence) == 2
    # 80 bins away their sines lie 2.7 m apart
    np.testing.assert_allclose(peaks(heatmap, BIN_M, apart_m=2.8).confidence, [0.95], atol=1e-3)
    assert peaks(heatmap * 0.1, BIN_M).position_m.shape == (0, 2)
    assert len(peaks(heatmap, BIN_M, least=0.1, count=9, apart_m=0.3).confidence) == 4


@pytest.mark.parametrize(("row", "column"), [(0, 0), (127, 63), (0, 30), (64, 63)])
def test_peaks_at_the_edges_stay_on_the_map(row, column):
    found = peaks(bump(row, column), BIN_M)
    np.testing.assert_allclose(found.position_m, [position_of(row, column, BIN_M)], atol=1e-9)


def body_at(row, column, db, rows=8, whole_db=None):
    """Spectra of somebody in eight ranges, in a beam of nine columns."""
    measured = np.full(SHAPE, 0.0)
    columns = slice(column - 4, column + 5)
    measured[1, row : row + rows, columns] = db
    measured[0, row : row + rows, columns] = db if whole_db is None else whole_db
    return measured


def test_a_body_behind_the_wall_moves_as_a_whole():
    measured = body_at(80, 20, 20.0)
    expected = np.zeros((128, 64), bool)
    expected[80:88, 16:25] = True
    np.testing.assert_array_equal(moving_bodies(measured, BIN_M, 1.5), expected)
    assert not moving_bodies(measured, BIN_M, 3.6).any()  # before the wall
    # a cupboard that is now hidden and now not: most of it stands still
    assert not moving_bodies(body_at(80, 20, 20.0, whole_db=30.0), BIN_M, 1.5).any()
    assert not moving_bodies(body_at(80, 20, 2.0), BIN_M, 1.5).any()  # noise
    assert not moving_bodies(body_at(122, 20, 20.0, 6), BIN_M, 1.5).any()  # leakage come round


def test_features_tell_who_is_low_and_who_stirs_before_the_wall():
    nothing = frame_features(np.full(SHAPE, 0.0), 1.5, BIN_M, 1.5)
    assert nothing.score == 1.5
    assert np.isnan(nothing.low_share)
    assert nothing.before_db == 0
    upright, lying = body_at(80, 33, 20.0), body_at(80, 22, 20.0)  # 0.2 m over it, 1 m below
    assert frame_features(upright, 0.0, BIN_M, 1.5).low_share == 0
    assert frame_features(lying, 0.0, BIN_M, 1.5).low_share == pytest.approx(1.0)
    both = np.maximum(upright, lying)
    assert 0.25 < frame_features(both, 0.0, BIN_M, 1.5).low_share < 0.6
    # a mirror that is uncovered is strong, but in one range
    flash = np.maximum(lying, body_at(105, 31, 60.0, 1))
    assert frame_features(flash, 0.0, BIN_M, 1.5).low_share == pytest.approx(1.0)
    # nobody is three metres tall
    assert np.isnan(frame_features(body_at(80, 55, 30.0), 0.0, BIN_M, 1.5).low_share)
    stirred = frame_features(np.maximum(lying, body_at(20, 31, 40.0)), 0.0, BIN_M, 1.5)
    assert stirred.before_db == 40
    assert stirred.low_share == pytest.approx(1.0)
    assert frame_features(lying, 0.0, BIN_M).before_db == -np.inf  # there is no wall


def test_the_body_that_moves_most_is_told_with_its_cells():
    sitting, lying = body_at(40, 33, 20.0, rows=5), body_at(80, 24, 20.0)
    both = upright_body(np.maximum(sitting, lying), BIN_M, 1.2)
    expected = np.zeros((128, 64), bool)
    expected[80:88, 20:29] = True
    expected[:, :23] = False  # below the floor
    np.testing.assert_array_equal(both.cells[:, 23:], expected[:, 23:])
    assert both.low_share > 0.7
    nearer = upright_body(sitting, BIN_M, 1.2)
    assert nearer.cells[40:45].any()
    assert nearer.low_share == 0
    none = upright_body(lying, BIN_M, 3.6)  # before the wall
    assert not none.cells.any()
    assert np.isnan(none.low_share)


def test_witnesses_are_heard_where_somebody_can_be():
    generator = np.random.default_rng(3)
    evidence, fusion = generator.normal(0, 3, (4, 128, 64)), Fusion(frame=2.0)
    somebody = np.zeros((128, 64), bool)
    somebody[40:50, 10:30] = True
    every, heard = fusion.logits(evidence), fusion.logits(evidence, somebody)
    np.testing.assert_array_equal(heard[somebody], every[somebody])
    assert (heard[~somebody] == QUIET).all()
    assert sigmoid(QUIET) < 1e-4
    assert frame_score(heard, 5.0, fusion) == pytest.approx(
        np.sort(every[somebody])[-8:].mean() + 2 * 5.0
    )
    # where nobody can be anywhere nobody is, whatever the comparator thinks of the frame
    assert frame_score(fusion.logits(evidence, ~somebody & somebody), 50.0, fusion) == QUIET
