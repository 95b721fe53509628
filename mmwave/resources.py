"""Files that come with the package: configuration, launch files, robot description."""

import os
import sys
import tempfile
from pathlib import Path

PACKAGE = "panoradar_ros"


def share_path(relative: str) -> Path:
    """Where a file of the package lies.

    Looked for beside the sources, in ``share/panoradar_ros`` of every prefix of the ament index
    (``AMENT_PREFIX_PATH``) and of this Python environment.

    Args:
        relative: such as ``config/fastdds.xml``.

    Raises:
        FileNotFoundError: the file is in none of these; says where it was looked for.
    """
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))]
    roots = [
        Path(__file__).resolve().parent.parent,
        *(Path(prefix) / "share" / PACKAGE for prefix in [*prefixes, sys.prefix]),
    ]
    for root in roots:
        if (root / relative).exists():
            return root / relative
    places = ", ".join(str(root) for root in roots)
    raise FileNotFoundError(f"{relative} is in none of {places}; install {PACKAGE} again")


def port_folder() -> Path:
    """Where the emulator leaves links to its serial ports, ``radar`` and ``stepper``.

    One folder a user, so that nodes in other processes find the ports under fixed names.
    """
    return Path(tempfile.gettempdir()) / f"{PACKAGE}-{os.getuid()}"
