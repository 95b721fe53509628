"""A file that is written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write a file that is to appear at ``path`` when it is complete.

    What was there before stays until then, and stays if writing fails; nothing else is left behind.
    Its name tells processes apart and has no suffix that somebody looks for: should the process be
    killed meanwhile, nobody takes the rest for a file.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be moved there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
