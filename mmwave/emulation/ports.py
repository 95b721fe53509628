"""Fixed names for the serial ports of emulated devices."""

import contextlib
import os
import stat
from pathlib import Path


def link_port(link: Path, port: str) -> None:
    """Let ``link`` name a serial port, in a folder that belongs to this user alone.

    Raises:
        PermissionError: the folder is somebody else's, or open to others.
    """
    link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = link.parent.stat()
    if state.st_uid != os.getuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(
            f"{link.parent} belongs to somebody else or others may write to it; "
            "choose another folder with the parameter port_folder"
        )
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(port)
    fresh.replace(link)


def unlink_port(link: Path, port: str) -> None:
    """Remove a link that still names ``port``."""
    with contextlib.suppress(OSError):
        if os.readlink(link) == port:
            link.unlink()
