"""How far long work is: a bar on a terminal, elsewhere a line a minute.

It is written to standard error, so that what ``--json`` prints stays whole.
"""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

LINE_EVERY_S = 60.0
"""Where nobody watches; work that is shorter says nothing there."""


class _Lines(tqdm):
    """A bar that is written as lines, for files and pipes."""

    monitor_interval = 0  # tqdm's own thread would say the same again between two lines

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write a line; nothing where the bar would be wiped away."""
        if text := str(self) if msg is None else msg:
            self.fp.write(f"{text}\n")
            self.fp.flush()


def progress(iterable: Iterable[Any] | None = None, **told: Any) -> tqdm:
    """Show how far work is.

    Args:
        iterable: that is worked through; None: ``update`` is called instead.
        **told: as tqdm takes it: ``total``, ``desc``, ``unit`` and so on.
    """
    if sys.stderr.isatty():
        return tqdm(iterable, **told)
    line = {"mininterval": LINE_EVERY_S, "delay": LINE_EVERY_S, "miniters": 1, "leave": False}
    return _Lines(iterable, **{**told, **line})
