"""Keeping the folder of simulated drives from growing without end."""

import shutil
from pathlib import Path

DRIVES_KEPT = 6
"""A drive takes about 220 MB."""


def forget_old_drives(folder: Path, kept: int = DRIVES_KEPT) -> list[Path]:
    """Delete all but the newest drives.

    A drive that is being played stays readable until it is closed.

    Args:
        folder: holds one folder a drive.
        kept: how many stay.

    Returns:
        The folders that were deleted.

    Raises:
        ValueError: fewer than one would stay.
    """
    if kept < 1:
        raise ValueError(f"kept must be at least 1, got {kept}")
    drives = [path for path in folder.glob("*") if (path / "meta.json").exists()]
    drives.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in drives[kept:]:
        shutil.rmtree(path, ignore_errors=True)
    return drives[kept:]
