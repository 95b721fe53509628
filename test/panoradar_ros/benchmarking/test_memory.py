import numpy as np
import pytest

from panoradar_ros.benchmarking.memory import peak_memory


def hundred_megabytes():
    np.ones(300 * 2**20 // 8)  # freed again: what preparing needed does not count
    return lambda: np.ones(100_000_000 // 8).sum()


def test_the_peak_of_a_task_counts_and_nothing_before_it():
    peak = peak_memory(hundred_megabytes)
    assert peak.grown_mb == pytest.approx(100, abs=5)
    assert peak.process_mb > 120
