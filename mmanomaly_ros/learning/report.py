"""An evaluation of mmAnomaly as one HTML file: figures, curves, frames right and wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.learning.evaluation import Frame
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.learning.scores import Outcome, roc
from mmanomaly_ros.pictures import Snapshot, live_picture
from mmanomaly_ros.watch import TASKS, is_upright
from mmwave.html_page import image, table, write_page
from mmwave.line_chart import Chart, Line, draw

NONE = "–"
ARTICLE = {"weapon": 0.94, "intruder": 0.94, "fall": 0.94}
"""F1 that the article's best system reaches on its own, real data."""
FIGURES = (
    "sequences", "f1", "f1_95", "precision", "recall", "recall_95", "auroc", "misses",
    "false_alarms", "false_alarm_frames", "normal_frames", "localisation_median_m",
    "localisation_p90_m", "range_median_m", "baseline_f1",
)  # fmt: skip
VARIANT = ("f1", "precision", "recall", "auroc", "false_alarms")
GROUP = ("anomalous", "recall", "recall_95", "normal", "false_alarms", "localisation_median_m")
KINDS = {"miss": 4, "false alarm": 4, "hit": 3, "quiet": 1}
"""Pictures of each watch, at most."""


@dataclass
class Gallery:
    """Keeps pictures of some sequences of each watch and kind, the first ones."""

    shown: dict[tuple[int, str], list[tuple[str, NDArray[np.uint8]]]] = field(default_factory=dict)

    def add(self, sequence: SceneSequence, frames: Sequence[Frame], outcome: Outcome) -> None:
        """Take a judged sequence; the frame with the highest score is drawn."""
        own = self.shown.setdefault((sequence.task, kind_of(outcome)), [])
        if not frames or len(own) >= KINDS[kind_of(outcome)]:
            return
        scores = [one.found.score for one in frames]
        highest = int(np.nanargmax(scores)) if np.isfinite(scores).any() else len(frames) - 1
        own.append((_text(sequence, outcome), picture(sequence, frames[highest])))


def kind_of(outcome: Outcome) -> str:
    """One of KINDS."""
    if outcome.anomalous:
        return "hit" if outcome.alarmed else "miss"
    return "false alarm" if outcome.alarmed else "quiet"


def picture(sequence: SceneSequence, frame: Frame) -> NDArray[np.uint8]:
    """(row, column, 3) blue, green, red: depth, spectra, heatmap and places of a frame."""
    number, found = frame.number, frame.found
    depth_m = sequence.depth_mm[number].astype(np.float32) / 1000
    true_m = sequence.position_m[number][None] if sequence.anomalous[number] else np.zeros((0, 2))
    shown = live_picture(
        Snapshot(
            f"{found.state}: score {found.score:.2f}, frame {number}",
            bool(sequence.meta.get("simulated")),
            np.where(depth_m > 0, depth_m, np.nan),
            sequence.rgb[number],
            found.measured_db,
            found.expectation.mean_db,
            found.heatmap,
            found.peaks.position_m,
            true_m,
            is_upright(sequence.task),
        )
    )
    half = cv2.resize(shown, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)


def _text(sequence: SceneSequence, outcome: Outcome) -> str:
    told = ", ".join(f"{name} {value}" for name, value in outcome.groups.items())
    return f"{TASKS[sequence.task]}, seed {sequence.seed}: {told}"


def write_report(
    path: Path,
    result: Mapping[str, Any],
    curves: Mapping[int, Mapping[str, Sequence[Outcome]]],
    gallery: Gallery,
) -> None:
    """Write the report.

    Args:
        path: of the HTML file; its folder must be there.
        result: of ``panoradar evaluate mmanomaly``.
        curves: outcomes by watch and name of the curve.
        gallery: of pictures.

    Raises:
        OSError: the file cannot be written.
    """
    names = [name for name in TASKS if name in result]
    parts = ["<h1>mmAnomaly</h1>\n", _head(result), _summary(result, names), _curves(curves)]
    for name in names:
        parts += [
            _rows(f"{name}: without a camera", result[name]["baselines"], VARIANT),
            _rows(f"{name}: parts of the whole", result[name]["ablations"], VARIANT),
        ]
    for kind in ("steps", "samples"):
        parts.append(_by(f"By number of {kind}", result.get(f"by_{kind}", {}), names))
    if "misaligned" in result:
        off = {"as calibrated": result, "2 cm and 2 degrees off": result["misaligned"]}
        parts.append(_by("A camera that is not where it is thought to be", off, names))
    parts.append(_spread(result.get("spread", {})))
    for name in names:
        for group, rows in result[name]["by"].items():
            parts.append(_rows(f"{name} by {group.replace('_', ' ')}", rows, GROUP, level=3))
    parts.append(_pictures(gallery))
    write_page(path, f"mmAnomaly evaluation, {_kind(result)}", parts)


def _kind(result: Mapping[str, Any]) -> str:
    return "simulated" if result["simulated"] else "measured"


def _head(result: Mapping[str, Any]) -> str:
    where = result.get("data") or f"{result['conditions']} conditions, seeds from {result['seed']}"
    heads = ", ".join(
        f"{name} {_number(one['accuracy'])} of {one['frames']} frames"
        for name, one in result["heads"].items()
    )
    frames = f"{result['frames']} frames"
    style = ' class="simulated"' if result["simulated"] else ""
    return (
        f"<p{style}>{_kind(result).capitalize()}, {escape(str(where))}: {frames}</p>\n"
        f"<p>A frame takes {result['frame_ms']} ms ({result['frame_ms_p95']} ms at 95 %) on "
        f"{result['threads']} threads with {result['draws']} draws of {result['draw_steps']} "
        f"steps: {escape(str(result['machine']['processor']))}. Right about classes that were "
        f"trained: {escape(heads)}.</p>\n"
    )


def _summary(result: Mapping[str, Any], names: Sequence[str]) -> str:
    cells = [
        [figure.replace("_", " "), *(_number(result[name].get(figure)) for name in names)]
        for figure in FIGURES
    ]
    goal = ["F1 of the article, real data", *(f"{ARTICLE[name]:.2f}" for name in names)]
    numbers = range(1, len(names) + 1)
    note = (
        "<p class='note'>Sequences are right or wrong as a whole; frames with a false alarm are "
        "counted in normal sequences. Places: from the surest place told to the true one, median "
        "over the frames of an alarm, then over the sequences found. Intervals hold 95 %.</p>\n"
    )
    return "<h2>Watches</h2>\n" + table(["", *names], [*cells, goal], numbers) + note


def _rows(
    title: str,
    rows: Mapping[str, Mapping[str, Any]],
    figures: Sequence[str],
    level: int = 2,
) -> str:
    if not rows:
        return ""
    cells = [[escape(name), *(_number(row.get(one)) for one in figures)]
             for name, row in rows.items()]  # fmt: skip
    heads = ["", *(one.replace("_", " ") for one in figures)]
    title = f"<h{level}>{escape(title)}</h{level}>\n"
    return title + table(heads, cells, range(1, len(heads)))


def _by(title: str, tables: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    rows = {
        f"{name}, {value}": one[name]
        for name in names
        for value, one in tables.items()
        if name in one
    }
    return _rows(title, rows, (*VARIANT, "localisation_median_m"))


def _spread(spread: Mapping[str, Any]) -> str:
    rows = {
        f"{name}, {kind} materials": one[kind] for name, one in spread.items()
        for kind in ("seen", "new")
    }  # fmt: skip
    by_material = {
        f"{name}, {material}": ratios for name, one in spread.items()
        for material, ratios in one.get("by_material", {}).items()
    }  # fmt: skip
    return _rows(
        "Spread about the nearest surfaces, dB", rows, ("spread_db", "samples_db", "error_db")
    ) + _rows(
        "The same of new materials, to that over known ones in the same places",
        by_material,
        ("sequences", "spread_ratio", "error_ratio"),
    )


def _curves(curves: Mapping[int, Mapping[str, Sequence[Outcome]]]) -> str:
    pictures = []
    for watch, lines in sorted(curves.items()):
        drawn = []
        for name, outcomes in lines.items():
            normal, anomalous = (
                [one.score for one in outcomes if one.anomalous == kind] for kind in (False, True)
            )
            if normal and anomalous:
                false, right = roc(normal, anomalous)
                drawn.append(Line(name, false, right))
        if drawn:
            chart = Chart(TASKS[watch], "share of normal sequences in alarm", "of anomalous ones",
                          drawn, (0.0, 1.0), (0.0, 1.0), legend_below=True)  # fmt: skip
            pictures.append(f"<figure>{image(draw(chart), 'png', TASKS[watch])}</figure>")
    if not pictures:
        return ""
    return "<h2>Any threshold</h2>\n" + f'<div class="sheets">\n{"".join(pictures)}\n</div>'


def _pictures(gallery: Gallery) -> str:
    parts = []
    for (_, kind), own in sorted(gallery.shown.items()):
        for text, shown in own:
            told = f"{kind}: {text}"
            parts.append(
                f"<figure style='width:100%'>{image(shown, 'png', told)}"
                f"<figcaption>{escape(told)}</figcaption></figure>"
            )
    if not parts:
        return ""
    return (
        "<h2>Frames</h2>\n<p class='note'>Of each sequence the one with the highest score.</p>\n"
        f'<div class="sheets">\n{"".join(parts)}\n</div>'
    )


def _number(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, list | tuple):
        return " to ".join(_number(one) for one in value)
    return f"{value:d}" if isinstance(value, int) else f"{value:.3f}"
