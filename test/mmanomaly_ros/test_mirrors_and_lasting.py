"""Behind a wall: images of those before it are not heard, and evidence adds up in its place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmanomaly_ros.comparison import heard_cells
from mmanomaly_ros.features import STIRRED_DB
from mmanomaly_ros.lasting import LEAST, lasting_cells, lasting_score
from mmanomaly_ros.mirrors import mirror_images
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import cell_of, depths_m, watch_id

BIN_M = WATCH_WAVEFORM.range_bin_m
WALL_M = 2.0
INTRUDER, FALL, WEAPON = (watch_id(name) for name in ("intruder", "fall", "weapon"))


def measured(*bodies):
    """Spectra of moving bodies (right, depth, dB), each in cells of 10 cm about it."""
    result = np.zeros((3, 128, 64))
    for right_m, depth_m, level_db in bodies:
        row, column = cell_of(np.array([right_m, depth_m]), BIN_M)
        rows, columns = np.meshgrid(np.arange(128), np.arange(64), indexing="ij")
        there = (np.abs(rows - row) < 2.5) & (np.abs(columns - column) < 2.5)
        result[:2, there] = level_db
    return result


def at(mask, right_m, depth_m):
    row, column = np.rint(cell_of(np.array([right_m, depth_m]), BIN_M)).astype(int)
    return mask[row, column]


@given(right_m=st.floats(-0.5, 0.5), depth_m=st.floats(0.8, 1.6), level_db=st.floats(20.0, 60.0))
def test_an_image_is_as_far_behind_the_wall_and_as_much_to_the_side(right_m, depth_m, level_db):
    mask = mirror_images(measured((right_m, depth_m, level_db)), BIN_M, WALL_M)
    assert at(mask, right_m, 2 * WALL_M - depth_m)
    assert not mask[depths_m(BIN_M) <= WALL_M].any()
    assert not at(mask, right_m + 1.2, 2 * WALL_M - depth_m)
    assert not at(mask, right_m, 2 * WALL_M - depth_m + 1.0)
    other_side = mirror_images(measured((-right_m, depth_m, level_db)), BIN_M, WALL_M)
    assert at(other_side, -right_m, 2 * WALL_M - depth_m)


def test_nobody_before_the_wall_has_no_image():
    assert not mirror_images(measured(), BIN_M, WALL_M).any()
    assert not mirror_images(measured((0.3, 1.2, STIRRED_DB - 1)), BIN_M, WALL_M).any()
    assert not mirror_images(measured((0.3, 2.8, 40.0)), BIN_M, WALL_M).any()  # behind it
    assert not mirror_images(measured((0.3, 1.2, 40.0)), BIN_M, 0.0).any()  # no wall


def test_side_lobes_of_somebody_before_the_wall_hide_nobody_else():
    seen = measured((-0.4, 1.2, 50.0))
    row = int(np.rint(cell_of(np.array([-0.4, 1.2]), BIN_M)[0]))
    seen[1, row - 2 : row + 3] = np.maximum(seen[1, row - 2 : row + 3], 35.0)
    mask = mirror_images(seen, BIN_M, WALL_M)
    assert at(mask, -0.4, 2.8)
    assert not at(mask, 0.6, 2.8)


def test_a_level_line_does_not_hear_an_image_and_hears_who_stands_beside_it():
    seen = measured((0.3, 1.2, 50.0), (0.3, 2.8, 20.0), (-0.9, 3.0, 15.0))
    heard = heard_cells(seen, BIN_M, INTRUDER, WALL_M)
    assert not at(heard, 0.3, 2.8)
    assert at(heard, -0.9, 3.0)
    # an upright line does not tell how far to the side the image is
    assert at(heard_cells(seen, BIN_M, FALL, WALL_M), 0.3, 2.8)
    assert heard_cells(seen, BIN_M, WEAPON, WALL_M) is None


def logits_at(row, column, value):
    result = np.full((128, 64), -10.0)
    result[row, column] = value
    return lasting_cells(result)


@pytest.mark.parametrize("hidden", [0, 5, 15])
def test_who_is_hidden_now_and_then_keeps_their_share_of_the_evidence(hidden):
    frames = [logits_at(70, 30, 3.0 if number >= hidden else -10.0) for number in range(20)]
    wanted = (3.0 * (20 - hidden) + LEAST * hidden) / 20
    assert lasting_score(frames) == pytest.approx(wanted, abs=1e-3)


def test_what_flickers_all_about_adds_up_nowhere():
    flickering = [logits_at(40 + 6 * number, 10 + 3 * (number % 15), 3.0) for number in range(14)]
    assert lasting_score(flickering) == pytest.approx((3 + 13 * LEAST) / 14, abs=1e-3)
    swaying = [logits_at(70 + number % 3, 30 + number % 2, 3.0) for number in range(14)]
    assert lasting_score(swaying) == pytest.approx(3.0, abs=1e-3)
