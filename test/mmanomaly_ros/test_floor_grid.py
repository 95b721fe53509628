"""Heatmaps as cells of the floor."""

import numpy as np
import pytest

from mmanomaly_ros.floor_grid import UNSEEN, FloorGrid
from mmanomaly_ros.watch import ANGLES, RANGES, cell_of

BIN_M = 0.042
GRID = FloorGrid(BIN_M)


def middle_m(row, column):
    """Right and depth of a cell's middle."""
    left_m = GRID.corner_m[0] + (row + 0.5) * GRID.cell_m
    return np.array([-left_m, (column + 0.5) * GRID.cell_m])


@pytest.mark.parametrize("place_m", [(1.2, 2.5), (-0.8, 1.5), (0.0, 4.0)])
def test_what_is_hot_on_the_heatmap_is_hot_at_its_place(place_m):
    rows, columns = np.meshgrid(np.arange(RANGES), np.arange(ANGLES), indexing="ij")
    row, column = cell_of(np.array(place_m), BIN_M)
    heatmap = np.exp(-(((rows - row) / 3) ** 2) - ((columns - column) / 3) ** 2)
    cells = GRID.cells(heatmap.astype(np.float32))
    assert cells.dtype == np.int8
    hottest = np.unravel_index(cells.argmax(), cells.shape)
    assert cells.max() > 90
    assert np.linalg.norm(middle_m(*hottest) - place_m) < 0.06


def test_cells_out_of_sight_are_unseen_and_all_others_known():
    cells = GRID.cells(np.zeros((RANGES, ANGLES), np.float32))
    for row in range(0, cells.shape[0], 5):
        for column in range(0, cells.shape[1], 5):
            right_m, depth_m = middle_m(row, column)
            seen = np.hypot(right_m, depth_m) <= GRID.reach_m and abs(
                np.arctan2(right_m, depth_m)
            ) <= np.deg2rad(60)
            assert cells[row, column] == (0 if seen else UNSEEN)


def test_what_is_not_known_is_unseen():
    assert (GRID.cells(None) == UNSEEN).all()
    heatmap = np.ones((RANGES, ANGLES), np.float32)
    heatmap[:60] = np.nan
    cells = GRID.cells(heatmap)
    middle = GRID.shape[0] // 2
    assert cells[middle, round(1.0 / GRID.cell_m)] == UNSEEN
    assert cells[middle, round(4.0 / GRID.cell_m)] == 100


def test_an_upright_line_tells_ranges_alone():
    heatmap = np.zeros((RANGES, ANGLES), np.float32)
    heatmap[round(3.0 / BIN_M), 20] = 1.0
    cells = FloorGrid(BIN_M, upright=True).cells(heatmap)
    rows, columns = np.nonzero(cells > 60)
    places_m = np.array([middle_m(row, column) for row, column in zip(rows, columns, strict=True)])
    np.testing.assert_allclose(np.hypot(*places_m.T), 3.0, atol=0.06)
    assert np.ptp(np.arctan2(*places_m.T)) > np.deg2rad(110)


@pytest.mark.parametrize("values", [{"range_bin_m": 0.0}, {"range_bin_m": 0.04, "view_rad": 1.6}])
def test_impossible_grids_are_refused(values):
    with pytest.raises(ValueError, match=next(reversed(values))):
        FloorGrid(**values)
