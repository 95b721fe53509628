"""``panoradar bench``: measurements, as ratios to a reference in the same run."""

import argparse
import json
from typing import Any

SUBJECTS = ("capture", "imaging")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("subject", choices=SUBJECTS, help="what to measure")
    parser.add_argument("--seconds", type=float, default=5.0, help="capture: time per point (5)")
    parser.add_argument("--trials", type=int, default=10, help="imaging: rotations (10)")
    parser.add_argument("--seed", type=int, default=1000, help="of the simulated building (1000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure one subject."""
    result = _measure(arguments)
    print(json.dumps(result) if arguments.json else _text(result))
    return 0


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.seconds <= 0 or arguments.trials < 1:
        raise ValueError("--seconds must be positive and --trials at least 1")
    if arguments.subject == "capture":
        from panoradar_ros import capture_benchmark

        return capture_benchmark.run(arguments.seconds)
    from panoradar_ros import imaging_benchmark

    return imaging_benchmark.measure_imaging(arguments.trials, arguments.seed)


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
