import numpy as np
import pytest

from mmwave.cfar import CellAveragingCfar, OrderedStatisticCfar
from panoradar_ros.imaging.points import DetectionSettings, range_image


@pytest.mark.parametrize(
    "cfar",
    [
        CellAveragingCfar(),
        OrderedStatisticCfar(),
        CellAveragingCfar(azimuth_guard=4, azimuth_training=8),
        OrderedStatisticCfar(azimuth_guard=4, azimuth_training=8),
    ],
)
def test_range_image_with_any_detector_is_from_the_axis(cfar):
    power = np.random.default_rng(1).exponential(1.0, (8, 64, 256)).astype(np.float32)
    power[3, 10, 99:102] = 300, 900, 300
    elevation_rad = np.linspace(0.5, -0.5, 8)
    settings = DetectionSettings(cfar, noise_factor=50.0)
    image = range_image(power, np.ones(64), elevation_rad, 0.0375, 0.08, settings)
    assert image.range_m[3, 10] == pytest.approx(3.75 + 0.08 * np.cos(elevation_rad[3]), abs=1e-3)
    assert image.intensity_db[3, 10] == pytest.approx(10 * np.log10(900))
    assert np.isfinite(image.range_m).sum() == 1


def test_sector_narrower_than_the_detector_is_imaged_as_a_sector():
    cfar = CellAveragingCfar(azimuth_guard=4, azimuth_training=8)
    power = np.random.default_rng(2).exponential(1.0, (2, 16, 256)).astype(np.float32)
    power[:, 5, 100] = 1e4
    arguments = (power, np.ones(16), np.zeros(2), 0.0375, 0.08, DetectionSettings(cfar))
    with pytest.raises(ValueError, match="25 columns"):
        range_image(*arguments)
    assert np.isfinite(range_image(*arguments, noise_power=1.0).range_m[:, 5]).all()
