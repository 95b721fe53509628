import argparse
import json

import cv2
import numpy as np
import pytest

from mmwave.waveform import Waveform
from panoradar_ros.benchmarking import beamforming, cfar, growth, motion, simulator
from panoradar_ros.imaging.pipeline import ImagingSettings


class Clock:
    """Time that passes in tasks alone, each run as slow as the load says."""

    def __init__(self, power):
        self.power, self.now_s, self.runs, self.disturbed = power, 0.0, 0, ()
        self.load = lambda runs: 1.0

    def perf_counter(self):
        return self.now_s

    def task_of(self, sizes):
        def task():
            self.runs += 1
            slower = 50.0 if self.runs in self.disturbed else self.load(self.runs)
            self.now_s += 1e-3 * sizes["bins"] ** self.power * sizes["rows"] * slower

        return task


@pytest.fixture
def clock(monkeypatch):
    found = Clock(1.5)
    monkeypatch.setattr(growth, "time", found)
    return found


DEFAULT = {"bins": 4, "rows": 3}


def test_times_are_ratios_to_the_default_and_the_exponent_is_the_power(clock):
    found = growth.measure_growth(clock.task_of, DEFAULT, {"bins": (2, 4, 8), "rows": (3, 9)})
    bins, rows = found["axes"]["bins"], found["axes"]["rows"]
    assert bins["values"] == [2, 4, 8]
    assert bins["ratios"] == pytest.approx([0.5**1.5, 1, 2**1.5])
    assert bins["exponent"] == pytest.approx(1.5)
    assert rows["ratios"] == pytest.approx([1, 3])
    assert found["default"] == DEFAULT
    assert found["default_ms"] == pytest.approx(24.0)
    json.dumps(found, allow_nan=False)


def test_a_machine_that_gets_busier_slows_the_default_too(clock):
    clock.load = lambda runs: 1.0 + runs // 12  # a change of values takes 11 runs
    found = growth.measure_growth(clock.task_of, DEFAULT, {"bins": (2, 4, 8)})
    assert found["axes"]["bins"]["ratios"] == pytest.approx([0.5**1.5, 1, 2**1.5], rel=1e-6)


def test_single_disturbances_do_not_count(clock):
    # runs: the default once, then for every value itself once and five pairs
    clock.disturbed = (3, 6, 15)
    found = growth.measure_growth(clock.task_of, DEFAULT, {"bins": (2, 4)})
    assert found["axes"]["bins"]["ratios"] == pytest.approx([0.5**1.5, 1])


def test_what_cannot_be_swept_is_refused(clock):
    with pytest.raises(ValueError, match="columns is swept, but the default has bins, rows only"):
        growth.measure_growth(clock.task_of, DEFAULT, {"columns": (1, 2)})
    with pytest.raises(ValueError, match="bins needs at least 2 values"):
        growth.measure_growth(clock.task_of, DEFAULT, {"bins": (4,)})


@pytest.mark.parametrize("bins", [64, 512])
def test_other_numbers_of_range_bins_are_as_long_as_the_radars(bins):
    waveform = growth.waveform_with_bins(bins)
    assert waveform.samples_per_chirp == bins
    assert waveform.range_bin_m == pytest.approx(Waveform().range_bin_m)
    assert waveform.max_range_m == pytest.approx(bins * Waveform().range_bin_m)


def grown(power, axes):
    return {
        "default": {name: values[0] for name, values in axes.items()},
        "axes": {
            name: {
                "values": list(values),
                "ratios": [(value / values[0]) ** power for value in values],
                "exponent": power,
            }
            for name, values in axes.items()
        },
    }


def test_charts_show_every_line_beside_what_is_in_proportion(monkeypatch, tmp_path):
    axes = {"azimuths": (64, 128, 256), "range_bins": (32, 64)}
    drawn = []
    monkeypatch.setattr(growth, "save", lambda path, charts, columns: drawn.extend(charts))
    growth.save_growth(tmp_path / "g.png", "T", {"one": grown(0.5, axes), "two": grown(2, axes)})
    assert [chart.x_label for chart in drawn] == [
        "azimuths (default 64)",
        "range bins (default 32)",
    ]
    one, two, guide = drawn[0].lines
    assert (one.name, two.name) == ("one: power 0.50", "two: power 2.00")
    assert guide.guide
    np.testing.assert_allclose(guide.y, [1, 2, 4])
    np.testing.assert_allclose(two.y, [1, 4, 16])
    for chart in drawn:
        for line in chart.lines:
            assert chart.x_limits[0] < line.x.min()
            assert line.x.max() < chart.x_limits[1]
            assert chart.y_limits[0] < line.y.min()
            assert line.y.max() < chart.y_limits[1]


@pytest.mark.parametrize(("count", "shape"), [(3, (440, 1920, 3)), (4, (880, 1280, 3))])
def test_pictures_have_no_holes(tmp_path, count, shape):
    axes = dict.fromkeys(list(growth.LABELS)[:count], (8, 16))
    growth.save_growth(tmp_path / "growth.png", "Task", {"one": grown(1, axes)})
    assert cv2.imread(str(tmp_path / "growth.png")).shape == shape


SUBJECTS = {
    "measure_beamforming": beamforming,
    "measure_cfar": cfar,
    "measure_motion": motion,
    "measure_simulator": simulator,
}


@pytest.fixture(params=SUBJECTS)
def subject(request, monkeypatch):
    """A subject whose other figures take no time."""
    module = SUBJECTS[request.param]
    monkeypatch.setattr(module, request.param, lambda *given: {"simulated": True})
    return module


def arguments(module, *given):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(["--seed", "3", *given])


def test_every_subject_says_and_draws_how_its_time_grows(subject, monkeypatch, tmp_path):
    monkeypatch.setattr(growth, "REPEATS", 1)
    smallest = {name: values[:2] for name, values in subject.SWEEPS.items()}
    monkeypatch.setattr(subject, "SWEEPS", smallest)
    monkeypatch.setattr(subject, "DEFAULT", {name: values[0] for name, values in smallest.items()})
    result = subject.run(arguments(subject, "--plot", str(tmp_path / "growth.png")))
    json.dumps(result, allow_nan=False)
    assert result["simulated"] is True
    for found in result["growth"].values():
        assert set(found["axes"]) == set(smallest)
        for axis in found["axes"].values():
            assert min(axis["ratios"]) > 0
    assert cv2.imread(str(tmp_path / "growth.png")) is not None


def test_every_default_is_among_the_values(subject):
    for name, values in subject.SWEEPS.items():
        assert subject.DEFAULT[name] in values


def test_growth_can_be_left_out_but_not_drawn_then(subject):
    assert subject.run(arguments(subject, "--no-growth")) == {"simulated": True}
    with pytest.raises(ValueError, match="--no-growth"):
        subject.run(arguments(subject, "--no-growth", "--plot", "growth.png"))


def test_a_pass_of_default_sizes_is_that_of_the_pipeline(monkeypatch):
    seen = {}

    def measured(task_of, default, sweeps):
        estimate = task_of(default)
        seen["settings"] = estimate.func.__self__.settings
        seen["answer"] = estimate()
        return {}

    monkeypatch.setattr(motion.growth, "measure_growth", measured)
    motion.growth_of_passes(3)
    votes = ImagingSettings().motion.votes
    assert seen["settings"].votes.rays == votes.rays
    assert seen["settings"].votes.elevations_rad == pytest.approx(votes.elevations_rad)
    assert motion.DEFAULT["window_deg"] == pytest.approx(np.rad2deg(ImagingSettings().window_rad))
    assert seen["answer"].pixels > 1000  # there is something to vote
