"""What can be wrong with what a command is given, or with where it runs."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path


class SourceError(ValueError):
    """A file is not what it should be; the message names it and what is missing."""


class NoRotationError(SourceError):
    """A file may hold samples, but no whole rotation of them."""


def require_torch(what: str) -> None:
    """Say how to get PyTorch where it is not installed.

    Args:
        what: that needs it.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise ValueError(f"{what} needs PyTorch: pip install 'panoradar_ros[sim,train]'")


def require_dask(what: str) -> None:
    """Say how to get Dask where it is not installed.

    Args:
        what: that needs it.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ValueError(f"{what} needs Dask: pip install 'panoradar_ros[sim,cluster]'")


def require_folders(folders: Iterable[Path | None]) -> None:
    """Say which folder is not there, before seconds of imports do.

    Args:
        folders: None: not given.

    Raises:
        ValueError: one is not there, or a file.
    """
    for folder in folders:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"{folder} is no folder: give one that is there")
