"""Which options of the demo are of which system, and figures of its reports."""

import argparse
from typing import Any

import numpy as np

OPTIONS: dict[str, dict[str, Any]] = {
    "panoradar": {
        "record": None, "recognition": False, "semantic": False, "range_model": None,
        "semantic_model": None, "reorder": 0.0, "style": "office", "listen_to": "turns",
    },
    "rexo": {
        "people": 3, "session": 0, "room_seconds": 21.0, "steps": 1, "boxes": 10,
        "backbone_model": None, "step_model": None,
    },
    "mmanomaly": {
        "watch": "intruder", "normal": False, "scene_seconds": None, "draws": 4, "draw_steps": 4,
        "models": None, "show_colour": False, "camera_fault": "none",
    },
}  # fmt: skip
"""Options of one system alone, and their defaults; the commands declare them with these."""


def refuse_others(arguments: argparse.Namespace) -> None:
    """Refuse options of systems that do not run.

    Raises:
        ValueError: one is given.
    """
    for system, options in OPTIONS.items():
        for name, default in options.items():
            if system != arguments.system and getattr(arguments, name) != default:
                raise ValueError(
                    f"--{name.replace('_', '-')} is of --system {system}, not of {arguments.system}"
                )


def known(value: float) -> float | None:
    """A figure; None where it is no number."""
    return None if np.isnan(value) else round(value, 4)
