"""How far long work is: a bar on a terminal, elsewhere a line a minute.

It is written to standard error, so that what ``--json`` prints stays whole.
"""

import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

LINE_EVERY_S = 60.0
"""Where nobody watches; work that is shorter says nothing there."""


class _Lines:
    """Where bars are written that nobody watches: a line now and then, the rest is dropped.

    Args:
        file: of the lines.
    """

    said_s = time.monotonic()  # when the last line of any bar was written, or the work began

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write the bar as it is, if the last line was long ago."""
        line, now_s = text.strip(), time.monotonic()
        if line and now_s - _Lines.said_s >= LINE_EVERY_S:
            self._file.write(f"{line}\n")
            self._file.flush()
            _Lines.said_s = now_s

    def flush(self) -> None:
        """Lines are flushed one by one."""


def progress(iterable: Iterable[Any] | None = None, **told: Any) -> tqdm:
    """Show how far work is.

    Args:
        iterable: that is worked through; None: ``update`` is called instead.
        **told: as tqdm takes it: ``total``, ``desc``, ``unit`` and so on.
    """
    file = sys.stderr if sys.stderr.isatty() else _Lines(sys.stderr)
    return tqdm(iterable, **{**told, "file": file})
