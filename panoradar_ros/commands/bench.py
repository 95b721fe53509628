"""``panoradar bench``: measurements, as ratios to a reference in the same run."""

import argparse
import json
from importlib import import_module
from typing import Any

SUBJECTS = {
    "beamforming": "beams beside phase steering: error, time, memory, growth",
    "capture": "what receiving costs, beside xwr alone",
    "cfar": "detectors beside plain NumPy, and their false alarms beside the designed rate",
    "imaging": "a whole rotation, beside direct summation",
    "odometry": "drift of dead reckoning over long drives",
    "motion": "the robot's motion in fresh rotations, beside the published method",
    "networks": "what a run of the networks costs, in 8 bits beside single precision",
    "rolling": "sectors live, beside whole turns",
    "simulator": "what a simulated rotation costs, beside real time and a direct sum",
}
"""Modules of panoradar_ros.benchmarking: each has ``add_arguments(parser)`` and ``run(arguments)``,
which returns what can be printed as JSON."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subjects and their options."""
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    for subject, summary in SUBJECTS.items():
        options = subjects.add_parser(subject, help=summary, description=summary)
        options.add_argument("--json", action="store_true", help="print one JSON object")
        _module(subject).add_arguments(options)


def run(arguments: argparse.Namespace) -> int:
    """Measure one subject."""
    result = _module(arguments.subject).run(arguments)
    print(json.dumps(result) if arguments.json else _text(result))
    return 0


def _module(subject: str) -> Any:
    return import_module(f"panoradar_ros.benchmarking.{subject}")


def _text(value: Any, indent: str = "") -> str:
    """Nested figures, one a line."""
    if not isinstance(value, dict):
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    lines = []
    for name, item in value.items():
        nested = isinstance(item, dict)
        lines.append(f"{indent}{name}:" + ("" if nested else f" {_text(item)}"))
        if nested:
            lines.append(_text(item, indent + "  "))
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            lines[-1] = f"{indent}{name}:\n" + "\n".join(_text(one, indent + "  ") for one in item)
    return "\n".join(lines)
