import numpy as np
import pytest

from mmwave.cfar import CellAveragingCfar, OrderedStatisticCfar, detect
from mmwave.this_machine import machine
from panoradar_ros.benchmarking import cfar as benchmark


@pytest.mark.parametrize("cfar", [CellAveragingCfar(2, 6, 1e-2), OrderedStatisticCfar(2, 6, 1e-2)])
def test_reference_finds_the_same_where_no_training_cell_is_missing(cfar):
    power = np.random.default_rng(1).exponential(1.0, (3, 40, 64)).astype(np.float32)
    inside = slice(8, -8)
    found = benchmark.reference(power, cfar)[..., inside]
    assert found.any()
    np.testing.assert_array_equal(found, detect(power, cfar)[..., inside])


def test_result_says_time_ratio_and_false_alarms(monkeypatch):
    monkeypatch.setattr(benchmark, "SHAPE", (16, 64, 256))
    result = benchmark.measure_cfar(seed=2, trials=2)
    assert result["simulated"] is True
    assert result["machine"] == machine()["processor"]
    for name, times in result["detectors"].items():
        assert times["detect_ms"] > 0
        if "azimuth" not in name:
            assert times["different_cells"] < 1e-6
            assert times["speed_up"] == pytest.approx(times["reference_ms"] / times["detect_ms"])
        for noise in ("independent", "hann_window"):
            designed = [one["designed"] for one in result["false_alarms"][noise][name]]
            assert designed == list(benchmark.PROBABILITIES)
    first = result["false_alarms"]["independent"]["cell_averaging"][0]
    assert first["ratio"] == pytest.approx(1, abs=6 * first["ratio_standard_error"])
    assert result["false_alarms"]["hann_window"]["cell_averaging"][0]["ratio"] > 1.2


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="trials"):
        benchmark.measure_cfar(trials=0)
