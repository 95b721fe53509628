"""The log of a training: one JSON object a line."""

import json
import math
from pathlib import Path

from mmwave.whole_file import whole_file


def forget_after(log: Path, step: int) -> None:
    """Take lines out of a log whose steps are gone with the process that made them.

    Args:
        log: JSON lines, each with its ``step``; one that is cut off is taken out too.
        step: the last that is kept.
    """
    if not log.exists():
        return
    kept = [
        line for line in log.read_text(encoding="utf-8").splitlines() if _logged_step(line) <= step
    ]
    with whole_file(log) as partial:
        partial.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _logged_step(line: str) -> float:
    """Of a log's line; one that was cut off is of no step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
