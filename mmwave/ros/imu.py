"""What an IMU says about the rate of turn."""

from typing import NamedTuple

import numpy as np
from sensor_msgs.msg import Imu

from mmwave.ros.messages import to_time_ns


class YawRate(NamedTuple):
    """One reading of the rate of turn about the vertical, counter-clockwise.

    Attributes:
        stamp_ns: UNIX epoch time.
        rate_radps: the rate.
        variance: (rad/s)^2; None where the message does not say.
    """

    stamp_ns: int
    rate_radps: float
    variance: float | None


def yaw_rate(message: Imu) -> YawRate | None:
    """Rate of turn of an IMU whose z axis points up.

    As REP-145 has it, a covariance of zeros means that it is not known, and one that begins with -1
    that the IMU does not measure rates at all.

    Returns:
        None where there is no rate.
    """
    covariance = message.angular_velocity_covariance
    rate_radps = float(message.angular_velocity.z)
    if covariance[0] == -1 or not np.isfinite(rate_radps):
        return None
    variance = float(covariance[8])
    known = variance > 0 and np.isfinite(variance)
    return YawRate(to_time_ns(message.header.stamp), rate_radps, variance if known else None)
