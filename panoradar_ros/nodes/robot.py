"""Capture, motor and imaging in one process: samples go from node to node by reference.

With the argument ``--recognition`` the recognition node is in it too and gets cubes by reference.
"""

import sys

from mmwave.resources import share_path
from mmwave.ros.node import LifecycleNode
from mmwave.ros.process import run
from panoradar_ros.nodes.capture import CaptureNode
from panoradar_ros.nodes.imaging import ImagingNode
from panoradar_ros.nodes.motor import MotorNode
from panoradar_ros.nodes.recognition import RecognitionNode

NODES = (ImagingNode, MotorNode, CaptureNode)
"""In the order they are brought up: who listens first."""


RECOGNITION = "--recognition"


def nodes(recognition: bool) -> tuple[type[LifecycleNode], ...]:
    """The nodes of the process in the order they are brought up."""
    return (RecognitionNode, *NODES) if recognition else NODES


def main() -> int:
    """Run the nodes and bring them up."""
    return run(
        *nodes(RECOGNITION in sys.argv), profile=share_path("config/fastdds.xml"), autostart=True
    )


if __name__ == "__main__":
    sys.exit(main())
