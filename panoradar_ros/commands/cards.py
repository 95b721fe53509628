"""Cards of exported networks."""

from pathlib import Path
from typing import Any


def card_of(output: Path, licence: str, about: dict[str, Any]) -> dict[str, Any]:
    """What every card tells.

    Args:
        output: file of the model.
        licence: of its weights.
        about: of its training, see :func:`mmwave.learning.training.read_run`.
    """
    return {
        "name": output.stem,
        "simulated": bool(about.get("data", {}).get("simulated")),
        "licence": licence,
        "training": about,
    }
