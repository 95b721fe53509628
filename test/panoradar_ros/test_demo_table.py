"""What a demo says at its end."""

from dataclasses import replace

from panoradar_ros.demo_report import DemoReport

REPORT = DemoReport(
    first_panorama_s=3.0,
    seconds=20.0,
    rotations=40,
    rotations_per_s=2.0,
    longest_pause_s=0.6,
    loss_fraction=0.0,
    loss_injected=0.0,
    frames_dropped=0,
    megabits_per_s=160.0,
    speed_mae_mps=0.01,
    speed_p95_mps=0.02,
    heading_mae_deg=1.0,
    heading_p95_deg=2.0,
    scan_median_error_m=0.02,
    scan_p90_error_m=0.1,
    scan_detected_fraction=0.9,
    latency_ms_p50=200.0,
    latency_ms_p95=300.0,
    cpu_fraction=0.5,
    cpu_fraction_emulator=0.2,
    rss_mb=500.0,
    rss_growth_mb=1.0,
)


def test_a_machine_that_does_not_keep_up_is_told_of():
    assert "too slow" not in REPORT.as_table()
    slow = replace(REPORT, frames_dropped=45).as_table()
    assert "too slow: 45 radar frames waited too long and were left out" in slow


def test_what_could_not_be_measured_is_none_in_json():
    told = replace(REPORT, heading_mae_deg=float("nan")).as_dict()
    assert told["heading_mae_deg"] is None
    assert (told["simulated"], told["rotations"]) == (True, 40)
