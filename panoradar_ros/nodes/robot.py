"""Capture, motor and imaging in one process: samples go from node to node by reference."""

import sys

from mmwave.ros.process import run
from panoradar_ros.nodes.capture import CaptureNode
from panoradar_ros.nodes.imaging import ImagingNode
from panoradar_ros.nodes.motor import MotorNode
from panoradar_ros.resources import share_path

NODES = (ImagingNode, MotorNode, CaptureNode)
"""In the order they are brought up: who listens first."""


def main() -> int:
    """Run the three nodes and bring them up."""
    return run(*NODES, profile=share_path("config/fastdds.xml"), autostart=True)


if __name__ == "__main__":
    sys.exit(main())
