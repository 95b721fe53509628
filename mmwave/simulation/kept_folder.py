"""Folders of simulated samples that are made once and kept: whole or not there at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmwave.simulation.recording import RecordingError

_ABOUT = "meta.json"


def is_kept(target: Path, about: dict[str, Any]) -> bool:
    """Whether a folder is there and was made of just this.

    Args:
        target: the folder.
        about: JSON-able, all that determines what is in it.
    """
    try:
        return bool(json.loads((target / _ABOUT).read_text(encoding="utf-8")) == about)
    except (OSError, ValueError):
        return False


@contextmanager
def new_folder(target: Path, about: dict[str, Any]) -> Iterator[Path]:
    """A folder to fill, which takes the place of ``target`` when it is complete.

    Args:
        target: where it will be.
        about: see :func:`is_kept`.

    Yields:
        The folder beside it.

    Raises:
        RecordingError: it cannot be written.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        (partial / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    except OSError as error:
        raise RecordingError(f"{target} cannot be written ({error}): is the disk full?") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def forget_old(root: Path, kept: int) -> None:
    """Delete all but the folders that were used last.

    Args:
        root: that they are in.
        kept: how many stay.
    """
    whole = (path for path in root.iterdir() if not path.name.startswith("."))
    found = [path for path in whole if (path / _ABOUT).exists()]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[kept:]:
        shutil.rmtree(path, ignore_errors=True)
