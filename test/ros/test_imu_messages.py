import numpy as np
import pytest
from sensor_msgs.msg import Imu

from mmwave.ros.imu import yaw_rate
from mmwave.ros.messages import to_header
from panoradar_ros.imaging.yaw_prior import YawRateHistory

EPOCH_NS = 1_700_000_000_000_000_000


def imu(time_ns: int, z_radps: float, variance: float = 0.0) -> Imu:
    message = Imu(header=to_header(time_ns, "imu"))
    message.angular_velocity.x, message.angular_velocity.y = 7.0, 8.0
    message.angular_velocity.z = z_radps
    covariance = np.zeros(9)
    covariance[[0, 4, 8]] = 3 * variance, 2 * variance, variance
    message.angular_velocity_covariance = covariance
    return message


def test_reading_is_about_the_vertical_with_its_own_variance():
    assert yaw_rate(imu(EPOCH_NS, 0.25, 0.01)) == (EPOCH_NS, 0.25, 0.01)
    assert yaw_rate(imu(EPOCH_NS, -0.5)) == (EPOCH_NS, -0.5, None)


def test_imu_without_a_gyroscope_says_nothing():
    message = imu(EPOCH_NS, 0.25)
    message.angular_velocity_covariance[0] = -1.0
    assert yaw_rate(message) is None
    assert yaw_rate(imu(EPOCH_NS, float("nan"))) is None


def test_messages_become_the_mean_over_a_turn():
    history = YawRateHistory()
    for index in range(100):
        history.add(*yaw_rate(imu(EPOCH_NS + index * 10_000_000, 0.01 * index, 1e-6)))
    prior = history.mean(EPOCH_NS + 200_000_000, EPOCH_NS + 700_000_000)
    assert prior.rate_radps == pytest.approx(0.45)
    assert prior.variance == pytest.approx(history.settings.bias_radps**2 + 1e-6 / 50, rel=0.01)
