import pytest

from mmwave.simulation import rotation
from panoradar_ros.benchmarking import simulator


def test_result_says_cost_and_stages():
    synthesize = rotation.synthesize
    result = simulator.measure_simulator(rotations=0.25, seed=3)
    assert rotation.synthesize is synthesize  # the clocks are taken off again
    assert result["simulated"] is True
    assert result["rotations"] == pytest.approx(0.25, abs=0.05)
    assert result["wall_over_real_time"] == pytest.approx(2 * result["wall_s_per_rotation"])
    stages = result["stage_wall_s_per_rotation"]
    assert set(stages) == {*simulator.STAGES, "view"}
    assert min(stages.values()) > 0
    assert stages["synthesize"] < result["wall_s_per_rotation"]
    assert result["direct_sum"]["relative_error"] < 1e-4
    assert result["direct_sum"]["speed_up"] > 1


def test_less_than_a_quarter_of_a_turn_is_refused():
    with pytest.raises(ValueError, match="rotations"):
        simulator.measure_simulator(rotations=0)
