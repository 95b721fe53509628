import numpy as np
import pytest

from mmwave.simulation.rotation import RotationSamples
from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.benchmarking import imaging
from panoradar_ros.imaging.pipeline import Imager


@pytest.fixture(scope="module")
def simulated():
    """2.3 turns: one range that never changes, and leakage that does from turn to turn."""
    azimuth = np.arange(0.1, 0.1 + 2.3 * 2 * np.pi, np.deg2rad(0.3))
    phase = 2j * np.pi * np.arange(256) / 256
    leakage = np.linspace(3000, -3000, len(azimuth))[:, None] * np.exp(2 * phase)
    chirps = 2000 * np.exp(40 * phase) + leakage
    parts = np.rint(np.stack([chirps.real, chirps.imag], -1)).astype(np.int16)
    samples = np.repeat(parts[:, None], 8, axis=1)
    return RotationSamples(samples, 5 + azimuth / 12, azimuth, Waveform(), AntennaArray())


def test_the_scored_rotation_is_not_the_first_of_its_imager(monkeypatch, simulated):
    monkeypatch.setattr(imaging, "simulate_rotation", lambda *a, **k: simulated)
    seen: dict[Imager, list[float]] = {}
    image = Imager.image

    def watched(self, rotation):
        seen.setdefault(self, []).append(rotation.start_azimuth_rad)
        return image(self, rotation)

    monkeypatch.setattr(Imager, "image", watched)
    result = imaging.measure_imaging(trials=1)
    warm_up, scored = list(seen.values())
    assert len(warm_up) == 1
    assert len(scored) == 2
    assert scored[1] - scored[0] == pytest.approx(2 * np.pi)
    # the reference takes off the leakage that the imager remembers, not the scored turn's own
    assert result["relative_error_decimated"] < 0.01
    assert 60 < result["peak_rss_mb"] < 600
