"""How a training went, as one picture: losses and validations over the steps."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mmwave.line_chart import Chart, Line, save

SMOOTHED = 10
"""Logged losses that a point of a curve is the mean of."""

VALIDATED = (
    ("range_mae_m", "range error, mean", "m"),
    ("range_median_m", "range error, median", "m"),
    ("normal_mean_deg", "normals, mean", "deg"),
    ("miou", "mIoU", "%"),
    ("ap50", "AP50", "%"),
)


def save_curves(folder: Path) -> None:
    """Draw ``log.jsonl`` of a run into ``curves.png``; nothing while there are not two points.

    Args:
        folder: of the run.

    Raises:
        OSError: the log cannot be read, or the picture not written.
    """
    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    charts = [*_losses(lines), *_validations(lines)]
    if charts:
        save(folder / "curves.png", charts)


def _losses(lines: list[dict[str, Any]]) -> list[Chart]:
    logged = [line for line in lines if "sum" in line]
    if len(logged) < 2:
        return []
    names = [name for name in logged[0] if name not in ("step", "seconds")]
    steps = np.array([line["step"] for line in logged], float)
    window = min(SMOOTHED, len(logged) - 1)
    curves = [
        Line(name, _means(steps, window), _means(np.array([one[name] for one in logged]), window))
        for name in names
    ]
    highest = max(float(curve.y.max()) for curve in curves)
    return [Chart("losses", "steps", "", curves, y_limits=(0.0, max(1.4 * highest, 1e-6)))]


def _means(values: np.ndarray, window: int) -> np.ndarray:
    return np.convolve(values, np.full(window, 1 / window), "valid")


def _validations(lines: list[dict[str, Any]]) -> list[Chart]:
    charts = []
    for name, title, unit in VALIDATED:
        told = [
            (line["step"], line["validation"][name])
            for line in lines
            if line.get("validation", {}).get(name) is not None
        ]
        if len(told) < 2 or told[0][0] == told[-1][0]:
            continue
        steps, values = np.array(told, float).T
        limits = (0.0, max(1.1 * float(values.max()), 1e-6))
        curve = Line("validation", steps, values, markers=True)
        charts.append(Chart(title, "steps", unit, [curve], y_limits=limits))
    return charts
