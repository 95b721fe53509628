"""The imaging node takes the rate of turn of an IMU where it is told to."""

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Imu

from mmwave.ros.messages import to_header
from mmwave.ros.node import bring_up
from mmwave.ros.publishing import sensor_qos
from panoradar_ros.nodes.imaging import ImagingNode

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 10_000_000


def reading(number: int, rate_radps: float) -> Imu:
    message = Imu(header=to_header(START_NS + number * PERIOD_NS, "imu"))
    message.angular_velocity.z = rate_radps
    covariance = [0.0] * 9
    covariance[8] = 1e-4
    message.angular_velocity_covariance = covariance
    return message


@pytest.mark.timeout(120)
@pytest.mark.parametrize("use_imu", [True, False])
def test_rates_on_the_topic_reach_the_chain(graph, monkeypatch, use_imu):
    monkeypatch.setattr("panoradar_ros.imaging.pipeline.Imager.warm_up", lambda *_: None)
    robot = graph.add(Node, "robot")
    imu = robot.create_publisher(Imu, "imu", sensor_qos(400, depth=200))
    node = graph.add(ImagingNode, parameter_overrides=[Parameter("use_imu", value=use_imu)])
    assert bring_up(node)
    if not use_imu:
        assert "imu" not in {one.topic_name.rsplit("/", 1)[-1] for one in node.subscriptions}
        return
    graph.wait_for(imu.get_subscription_count, "the node listens")
    sent = 0

    def mean():
        nonlocal sent
        imu.publish(reading(sent, 0.4))
        sent += 1
        return node._yaw_rates.mean(START_NS + 20 * PERIOD_NS, START_NS + 60 * PERIOD_NS)

    graph.wait_for(mean, "a mean over the turn")
    assert mean().rate_radps == pytest.approx(0.4)
