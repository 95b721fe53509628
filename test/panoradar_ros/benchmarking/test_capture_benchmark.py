import pytest

from panoradar_ros.benchmarking import capture
from panoradar_ros.hardware.radar import check_waveform


@pytest.mark.parametrize("name", list(capture.RECEIVERS))
def test_every_receiver_gets_all_that_was_sent(name):
    """What is sent fits in the socket's buffer: a busy machine makes no difference."""
    result = capture.measure(name, 30, 0.3)
    assert result["loss_fraction"] == 0
    assert result["cpu_fraction"] > 0
    assert result["megabits_per_s"] > 0


def test_result_compares_ours_with_the_reference(monkeypatch):
    shares = {"xwr": 0.2, "frames": 0.1, "positions": 0.3}

    def measure(name, rate, seconds):
        return {"cpu_fraction": shares[name], "sender_late_s": 0.0, "rate": rate, "s": seconds}

    monkeypatch.setattr(capture, "measure", measure)
    result = capture.measure_rates(2.0, [150, 300])
    assert [entry["sent_megabits_per_s"] for entry in result["rates"]] == [150, 300]
    assert result["rates"][1]["cpu_ratio"] == {"frames": 0.5, "positions": 1.5}
    assert result["rates"][1]["frames"] == measure("frames", 300, 2.0)
    assert result["machine"]["cores"] >= 1


def test_measurement_with_a_sender_that_was_held_up_is_repeated(monkeypatch):
    late = iter([3.0, 0.0])
    monkeypatch.setattr(
        capture,
        "measure",
        lambda *_: {"cpu_fraction": 0.1, "sender_late_s": next(late, 0.0)},
    )
    result = capture.measure_rates(1.0, [150])
    assert result["rates"][0]["xwr"]["sender_late_s"] == 0.0


@pytest.mark.parametrize("rate", capture.RATES_MBPS)
def test_waveforms_have_the_rate(rate):
    waveform = capture.waveform_at(rate)
    assert waveform.bytes_per_frame * 8e-6 / waveform.frame_period_s == pytest.approx(rate)


def test_slowest_waveform_is_one_the_radar_accepts():
    check_waveform(capture.waveform_at(150))


def test_impossible_measurements_are_refused():
    with pytest.raises(ValueError, match="5000 Mbit/s"):
        capture.waveform_at(5000)
    with pytest.raises(ValueError, match="seconds"):
        capture.measure_rates(0)
