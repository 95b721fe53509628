from dataclasses import replace

import numpy as np
import pytest

from mmwave.waveform import AntennaArray, Waveform
from panoradar_ros.imaging.odometry import UNKNOWN_YAW_RATE_RADPS, motion_covariance
from panoradar_ros.imaging.pipeline import Imager, ImagingSettings


def scan_peak(panorama, azimuth_deg):
    column = round(-azimuth_deg / 360 * 512) % 512
    return panorama.scan.range_m[column]


def test_a_rotation_becomes_motion_points_and_scan(rotation_of, cloud_of):
    velocity = (0.3, 0.1)
    reflectors = [*cloud_of(5, count=80), (3.0, 0.0, 0.0, 3000)]
    panorama = Imager().image(rotation_of(reflectors, velocity))
    motion = panorama.motion.motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx(velocity, abs=0.02)
    passed_s = (panorama.start_ns - 1_700_000_000_000_000_000) * 1e-9
    assert scan_peak(panorama, 0) == pytest.approx(3.0 - 0.3 * passed_s, abs=0.03)
    # points are seen from where the robot is at the end of the turn
    nearest = panorama.points_m[31:33, 0].mean(axis=0)
    end_s = (panorama.end_ns - 1_700_000_000_000_000_000) * 1e-9
    assert nearest[:2] == pytest.approx([3.0 - 0.3 * end_s, -0.1 * end_s], abs=0.06)
    assert panorama.odometry.pose.x_m == pytest.approx(0.15, abs=0.01)
    assert panorama.middle_ns == (panorama.start_ns + panorama.end_ns) // 2


def test_the_wavelength_is_that_of_the_waveform_that_came(rotation_of, cloud_of):
    """Lower frequencies, the same antennas: a wrong wavelength would scale speed by 3 %."""
    low = replace(Waveform(), start_hz=76.0e9, slope_hz_per_s=40e12)
    velocity = (0.5, -0.2)
    imager = Imager()
    panorama = imager.image(rotation_of(cloud_of(6), velocity, waveform=low))
    assert imager.array.wavelength_m == low.wavelength_m
    assert imager.array.heights_m == pytest.approx(AntennaArray().heights_m)
    motion = panorama.motion.motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx(velocity, abs=0.02)


def test_the_device_of_the_settings_is_the_beamformers():
    with pytest.raises(ValueError, match="device must be cpu, gpu or auto, got 'tpu'"):
        Imager(settings=ImagingSettings(device="tpu"))


def test_motion_switched_off_is_not_called_certain(rotation_of, cloud_of):
    imager = Imager(settings=ImagingSettings(estimate_motion=False))
    panorama = imager.image(rotation_of(cloud_of(7)))
    assert not panorama.motion.reliable
    assert panorama.odometry.covariance[0, 0] > 0.01


def test_a_sector_that_was_lost_is_not_a_number(rotation_of, cloud_of):
    rotation = rotation_of(cloud_of(8))
    gone = np.abs(rotation.azimuth_rad - np.pi) < np.deg2rad(45)
    valid = rotation.valid & ~gone[:, None]
    samples = np.where(valid[..., None, None], rotation.samples, 0).astype(np.int16)
    panorama = Imager().image(replace(rotation, samples=samples, valid=valid))
    assert np.isnan(panorama.scan.range_m[256])
    assert np.isnan(panorama.image.range_m[:, 256]).all()
    assert not np.isnan(panorama.scan.range_m[0])
    assert panorama.lost_fraction == pytest.approx(gone.mean(), abs=1e-6)


def test_the_published_estimator_can_be_chosen(rotation_of, cloud_of):
    imager = Imager(settings=ImagingSettings(motion_method="hough"))
    panorama = imager.image(rotation_of(cloud_of(9), (0.4, 0.1)))
    motion = panorama.motion.motion
    assert [motion.x_mps, motion.y_mps] == pytest.approx([0.4, 0.1], abs=0.06)
    spread = motion_covariance(panorama.motion)
    assert np.all(np.isfinite(spread))
    assert spread[2, 2] == UNKNOWN_YAW_RATE_RADPS**2  # it knows no rate of turn
    if panorama.motion.reliable:
        assert spread[0, 0] == panorama.motion.covariance[0, 0]
    with pytest.raises(ValueError, match="motion_method must be one of"):
        ImagingSettings(motion_method="guess")


def test_a_turn_after_another_knows_the_rate_of_turn_better(rotation_of, cloud_of):
    """The second turn's landmarks are matched with those of the first."""
    rate, scene = np.deg2rad(20), cloud_of(10, count=60)
    imager, spreads = Imager(), []
    for later_s in (0.0, 0.5):
        turned = rate * later_s
        cosine, sine = np.cos(turned), np.sin(turned)
        seen = [(cosine * x + sine * y, cosine * y - sine * x, z, a) for x, y, z, a in scene]
        rotation = rotation_of(seen, yaw_rate_radps=rate)
        rotation = replace(rotation, reference_ns=rotation.reference_ns + round(later_s * 1e9))
        panorama = imager.image(rotation, wanted=lambda: False)
        spreads.append(panorama.motion.covariance[2, 2])
    assert np.rad2deg(panorama.motion.motion.yaw_rate_radps) == pytest.approx(20, abs=1.5)
    assert spreads[1] < spreads[0] / 2
    assert np.rad2deg(panorama.odometry.pose.yaw_rad) == pytest.approx(20, abs=1.5)
