"""Where the tests find the packages, and ROS 2 on loopback in a domain of this process's own."""

import os
import sys
from pathlib import Path

# the folders here mirror the packages: without this, test/mmwave would be taken for mmwave
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
