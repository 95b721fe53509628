"""What the launch files have in common."""

import os

from mmwave.resources import share_path
from mmwave.ros.process import PROFILE_VARIABLES


def transport_environment() -> dict[str, str]:
    """Environment variables that give shared memory room for large messages, by name.

    Empty when the user has chosen a profile of Fast DDS.
    """
    if any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, str(share_path("config/fastdds.xml")))
