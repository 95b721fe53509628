"""Where the tests find the packages, and ROS 2 on loopback in a domain of this process's own."""

import os
import sys
from pathlib import Path

import pytest

# the folders here mirror the packages: without this, test/mmwave would be taken for mmwave
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)

IN_REAL_TIME = ("acceptance", "emulation", "hardware", "ros")
"""Folders of tests with devices or nodes that keep time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folders = item.path.relative_to(Path(__file__).parent).parts
        if set(IN_REAL_TIME) & set(folders) or item.path.name.startswith("test_dca1000"):
            item.add_marker(pytest.mark.alone)
