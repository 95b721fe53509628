"""``panoradar replay`` as a user runs it: in a process of its own."""

import os
import subprocess
import sys


def replay(*words):
    environment = {k: v for k, v in os.environ.items() if k != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
    return subprocess.run(
        [sys.executable, "-m", "panoradar_ros.cli", "replay", *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
