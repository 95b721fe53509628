"""How the time of a task grows with each of its sizes: measured and drawn the same way everywhere.

One size changes at a time, the others stay at their defaults. Every run of a changed task has a run
of the default beside it, so that what else the machine does slows both; the ratio is the median
over a few such pairs.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmwave.line_chart import Chart, Line, save
from mmwave.waveform import Waveform

REPEATS = 5

LEGEND_LINE = 0.07
"""Height of a line of the legend over that of the chart's inside."""

LABELS = {
    "azimuths": "azimuths",
    "elevations": "elevations",
    "window_deg": "window, deg",
    "range_bins": "range bins",
    "training": "training cells on each side along range",
    "positions": "positions of the antenna",
    "scatterers": "scatterers",
}

Task = Callable[[], Any]
TaskOf = Callable[[Mapping[str, int]], Task]
"""Makes the task of some sizes; what it takes to make it is not timed."""


def measure_growth(
    task_of: TaskOf, default: Mapping[str, int], sweeps: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    """Time of a task over that of the default, one size at a time.

    The exponent is the slope of a straight line through the logarithms: 1 is proportional.

    Args:
        task_of: makes the task of some sizes.
        default: the sizes that are not swept.
        sweeps: by size, the values it takes, at least two.

    Returns:
        ``default`` and ``default_ms``, and by size under ``axes``: values, ratios and exponent.

    Raises:
        ValueError: a size that is swept has no default, or fewer than two values.
    """
    for name, values in sweeps.items():
        if name not in default:
            raise ValueError(f"{name} is swept, but the default has {', '.join(default)} only")
        if len(values) < 2:
            raise ValueError(f"{name} needs at least 2 values to grow, got {values}")
    usual = task_of(default)
    usual()
    steps = tqdm(total=sum(map(len, sweeps.values())), desc="growth", leave=False, disable=None)
    default_s: list[float] = []
    axes = {}
    for name, values in sweeps.items():
        ratios = []
        for value in values:
            changed = task_of({**default, name: value})
            changed()
            pairs = [(_seconds(usual), _seconds(changed)) for _ in range(REPEATS)]
            default_s += [pair[0] for pair in pairs]
            ratios.append(float(np.median([own_s / usual_s for usual_s, own_s in pairs])))
            steps.update()
        exponent = np.polyfit(np.log(values), np.log(ratios), 1)[0]
        axes[name] = {"values": list(values), "ratios": ratios, "exponent": float(exponent)}
    steps.close()
    return {
        "default": dict(default),
        "default_ms": 1e3 * float(np.median(default_s)),
        "axes": axes,
    }


def _seconds(task: Task) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def waveform_with_bins(range_bins: int) -> Waveform:
    """The radar's chirp sampled faster or slower: bins as long as before, more or fewer of them."""
    usual = Waveform()
    faster = range_bins / usual.samples_per_chirp
    return replace(
        usual, samples_per_chirp=range_bins, sample_rate_hz=faster * usual.sample_rate_hz
    )


def save_growth(path: Path, title: str, growth: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw a chart for every size, logarithmic, with what grows in proportion as a thin line.

    Args:
        path: of the picture.
        title: above every chart.
        growth: by the name in the legend, what :func:`measure_growth` returned for the same sweeps.
    """
    first = next(iter(growth.values()))
    charts = [_chart(title, axis, growth) for axis in first["axes"]]
    save(path, charts, columns=3 if len(charts) == 3 else 2)


def _chart(title: str, axis: str, growth: Mapping[str, Mapping[str, Any]]) -> Chart:
    lines = []
    for name, found in growth.items():
        swept = found["axes"][axis]
        legend = f"{name.replace('_', ' ')}: power {swept['exponent']:.2f}"
        values = np.array(swept["values"], float)
        lines.append(Line(legend, values, np.array(swept["ratios"]), markers=True))
    default = found["default"][axis]
    lines.append(Line("in proportion", values, values / default, guide=True))
    ratios = np.concatenate([line.y for line in lines])
    low, high = 0.8 * ratios.min(), 1.25 * ratios.max()
    room = LEGEND_LINE * (len(lines) + 1)
    return Chart(
        title,
        f"{LABELS[axis]} (default {default:g})",
        "time over that of the default",
        lines,
        x_limits=(0.93 * values.min(), values.max() / 0.93),
        y_limits=(low, high * (high / low) ** (room / (1 - room))),
        logarithmic=True,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that every subject with a growth has."""
    parser.add_argument("--no-growth", action="store_true", help="leave out how the time grows")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw how the time grows")


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        ValueError: a plot of what is left out.
    """
    if arguments.plot and arguments.no_growth:
        raise ValueError("--plot draws the growth, which --no-growth leaves out")


def added(
    result: dict[str, Any],
    arguments: argparse.Namespace,
    title: str,
    measure: Callable[[], dict[str, dict[str, Any]]],
) -> dict[str, Any]:
    """A result with its growth, drawn too, as the options say.

    Args:
        result: of everything else.
        arguments: those of :func:`add_arguments`.
        title: of the charts.
        measure: by the name in the legend, what :func:`measure_growth` returns.
    """
    if arguments.no_growth:
        return result
    growth = measure()
    if arguments.plot:
        save_growth(arguments.plot, title, growth)
    return {**result, "growth": growth}
