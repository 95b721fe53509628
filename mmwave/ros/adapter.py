"""What a ROS distribution has and the pip wheels lack (tf2_ros, vision_msgs), reached in one place.

A node asks here and goes on either way: what is missing is named once in the log, never raised.
"""

import importlib
from types import ModuleType
from typing import Protocol

import rclpy.node
from geometry_msgs.msg import TransformStamped

_reported: set[str] = set()


class TransformBroadcaster(Protocol):
    """Sends transforms to /tf or /tf_static."""

    def sendTransform(  # noqa: N802 - tf2_ros's name
        self, transform: TransformStamped | list[TransformStamped]
    ) -> None:
        """Send one transform or several."""


class SilentBroadcaster:
    """Takes transforms and drops them: tf2_ros is not installed."""

    def sendTransform(  # noqa: N802 - tf2_ros's name
        self, transform: TransformStamped | list[TransformStamped]
    ) -> None:
        """Drop the transform."""


def optional_module(node: rclpy.node.Node, name: str, purpose: str) -> ModuleType | None:
    """Import a module that only a ROS distribution brings.

    Args:
        node: whose log says what is missing, once a process.
        name: module, such as ``vision_msgs.msg``.
        purpose: what the user goes without, such as ``boxes are not published``.

    Returns:
        The module, or None where it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        if name not in _reported:
            _reported.add(name)
            package = name.partition(".")[0]
            node.get_logger().info(
                f"{package} is not installed: {purpose} (it comes with a ROS distribution only)"
            )
        return None


def tf_broadcaster(node: rclpy.node.Node, *, static: bool = False) -> TransformBroadcaster:
    """A transform broadcaster of ``node``, or a silent one where tf2_ros is not installed.

    Args:
        node: the node that sends.
        static: for transforms that never change (/tf_static).
    """
    module = optional_module(node, "tf2_ros", "transforms are not published on /tf")
    if module is None:
        return SilentBroadcaster()
    if static:
        return module.StaticTransformBroadcaster(node)
    return module.TransformBroadcaster(node)
