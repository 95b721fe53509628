import argparse
import json

import numpy as np
import pytest

from mmwave.line_chart import Chart, Line, draw, save
from mmwave.waveform import AntennaArray
from panoradar_ros.benchmarking import beamforming
from panoradar_ros.benchmarking.beamforming_cost import gflop_per_frame
from panoradar_ros.benchmarking.beamforming_pictures import (
    beam_cut,
    half_power_width_deg,
    omnidirectional_cut,
)
from panoradar_ros.imaging.grid import PanoramaGrid


def arguments(*given):
    parser = argparse.ArgumentParser()
    beamforming.add_arguments(parser)
    return parser.parse_args(given)


def test_one_trial_holds_the_bounds_and_prints_as_json(monkeypatch):
    monkeypatch.setattr(beamforming, "REPEATS", 1)
    result = beamforming.run(arguments("--trials", "1", "--seed", "5", "--no-growth"))
    json.dumps(result)
    assert result["simulated"] is True
    assert result["relative_error_full"] < 1e-5
    assert result["relative_error_decimated"] < 2e-3
    assert result["relative_error_static"] < 1e-4
    assert result["azimuth_fwhm_deg"] == pytest.approx(2.3, rel=0.05)
    assert result["speed_up"]["static"] > 10
    assert 30 < result["peak_rss_mb"] < 600


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="--trials must be at least 1"):
        beamforming.run(arguments("--trials", "0"))


def test_operations_grow_as_the_frame_does():
    array, window = AntennaArray(), np.deg2rad(60)
    one = gflop_per_frame(array, PanoramaGrid(512, 32), window)
    two = gflop_per_frame(array, PanoramaGrid(512, 64), window)
    assert 1.9 < two / one < 2
    # the matrix product alone: rays, band, columns of both elevations, 8 operations, pairs
    product = 512 * (60 + 22.5) / 360 * 512 * 512 * 8 * 32 / 1e9
    assert product < two < 1.3 * product
    assert gflop_per_frame(array, PanoramaGrid(), window, "static") < two / 3


def test_the_omnidirectional_circle_is_as_wide_as_equation_5_says():
    azimuth_deg = np.linspace(-1, 1, 4001)
    beam = omnidirectional_cut(azimuth_deg)
    array = AntennaArray()
    expected_deg = np.rad2deg(0.358 * array.wavelength_m / (2 * array.radius_m))
    assert np.ptp(azimuth_deg[beam >= 0.5]) == pytest.approx(expected_deg, rel=0.02)


@pytest.mark.parametrize(("apart_deg", "peaks"), [(3.0, 2), (1.5, 1)])
def test_two_reflectors_three_degrees_apart_are_resolved_and_closer_ones_not(apart_deg, peaks):
    half = np.deg2rad(apart_deg) / 2
    quarter_m = AntennaArray().wavelength_m / 8  # phases 90 degrees apart
    azimuth_deg, beam = beam_cut(np.array([[5.0, -half, 1500], [5.0 + quarter_m, half, 1500]]))
    near = beam[np.abs(azimuth_deg) < 5]
    tops = (near[1:-1] > near[:-2]) & (near[1:-1] >= near[2:]) & (near[1:-1] > 0.5)
    assert tops.sum() == peaks


def test_the_width_of_the_beam():
    assert half_power_width_deg() == pytest.approx(2.3, rel=0.05)


def test_a_chart_shows_its_lines_and_says_where_it_cannot_go(tmp_path):
    x = np.array([1.0, 10.0, 100.0])
    chart = Chart("title", "x", "y", [Line("line", x, x, True)], logarithmic=True)
    picture = draw(chart)
    blue = (picture[..., 0] > 150) & (picture[..., 2] < 60)
    rows, columns = np.nonzero(blue[60:, :500])
    assert np.corrcoef(rows, columns)[0, 1] < -0.99
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match="file"):
        save(blocked / "chart.png", [chart])
