"""Line charts for the documentation, drawn with OpenCV, which the project already has."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = ((180, 80, 20), (30, 110, 220), (70, 150, 30), (150, 60, 150), (40, 40, 40))
"""Of the lines in turn, blue-green-red: blue, orange, green, purple, black."""

LEFT, RIGHT, TOP, BOTTOM = 92, 24, 48, 66
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, GREY, FAINT = (40, 40, 40), (150, 150, 150), (225, 225, 225)


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: in the legend.
        x: (point,).
        y: (point,).
        markers: a circle at every point.
        guide: thin and grey, for the others to be compared with.
    """

    name: str
    x: NDArray[np.floating]
    y: NDArray[np.floating]
    markers: bool = False
    guide: bool = False


@dataclass(frozen=True)
class Chart:
    """One pair of axes.

    Attributes:
        title: above it.
        x_label: under it.
        y_label: beside the title, since OpenCV writes horizontally.
        lines: curves.
        x_limits: ends of the axis; those of the curves if absent.
        y_limits: likewise.
        logarithmic: both axes.
        levels: (value, text) of horizontal lines.
        legend_below: the names are at the bottom right, for curves that go to the top right.
    """

    title: str
    x_label: str
    y_label: str
    lines: list[Line]
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    logarithmic: bool = False
    levels: list[tuple[float, str]] = field(default_factory=list)
    legend_below: bool = False


def draw(chart: Chart, width: int = 640, height: int = 440) -> NDArray[np.uint8]:
    """Draw a chart, (height, width, 3) bgr8."""
    picture = np.full((height, width, 3), 255, np.uint8)
    scale = np.log10 if chart.logarithmic else np.asarray
    every_x = np.concatenate([line.x for line in chart.lines])
    every_y = np.concatenate([line.y for line in chart.lines])
    x_limits = chart.x_limits or (every_x.min(), every_x.max())
    y_limits = chart.y_limits or (every_y.min(), every_y.max())
    x_ends, y_ends = scale(np.array(x_limits)), scale(np.array(y_limits))
    right, bottom = width - RIGHT, height - BOTTOM

    def across(value):
        return LEFT + (scale(value) - x_ends[0]) / (x_ends[1] - x_ends[0]) * (right - LEFT)

    def up(value):
        return bottom - (scale(value) - y_ends[0]) / (y_ends[1] - y_ends[0]) * (bottom - TOP)

    at_points = np.unique(every_x).tolist() if chart.logarithmic else None
    for value in at_points or _ticks(x_limits, False):
        place = round(float(across(value)))
        cv2.line(picture, (place, TOP), (place, bottom), FAINT, 1)
        _text(picture, f"{value:g}", place, bottom + 20, centred=True)
    for value in _ticks(y_limits, chart.logarithmic):
        place = round(float(up(value)))
        cv2.line(picture, (LEFT, place), (right, place), FAINT, 1)
        _text(picture, f"{value:g}", LEFT - 8, place + 5, right=True)
    for value, text in chart.levels:
        place = round(float(up(value)))
        cv2.line(picture, (LEFT, place), (right, place), GREY, 1, cv2.LINE_AA)
        _text(picture, text, LEFT + 6, place - 5)
    inside = picture[TOP : bottom + 1, LEFT : right + 1]
    for number, line in enumerate(chart.lines):
        points = np.column_stack([across(line.x) - LEFT, up(line.y) - TOP])
        points = np.clip(points, -1e4, 1e4)
        colour = GREY if line.guide else COLOURS[number % len(COLOURS)]
        width_px = 1 if line.guide else 2
        cv2.polylines(
            inside, [np.rint(points * 8).astype(np.int32)], False, colour, width_px, cv2.LINE_AA, 3
        )
        if line.markers:
            for point in np.rint(points).astype(int):
                cv2.circle(inside, tuple(point.tolist()), 4, colour, -1, cv2.LINE_AA)
        first = bottom - 20 * len(chart.lines) if chart.legend_below else TOP
        _legend(picture, line.name, colour, width_px, right, first + 18 + 20 * number)
    cv2.rectangle(picture, (LEFT, TOP), (right, bottom), INK, 1)
    _text(picture, chart.title, LEFT, 20)
    _text(picture, chart.y_label, LEFT, TOP - 8)
    _text(picture, chart.x_label, (LEFT + right) // 2, bottom + 46, centred=True)
    return picture


def save(path: Path, charts: list[Chart], columns: int = 2) -> None:
    """Write charts in rows of ``columns`` as one picture, its format by the file's name.

    Raises:
        OSError: it cannot be written.
    """
    pictures = [draw(chart) for chart in charts]
    blank = np.full_like(pictures[0], 255)
    rows = [
        np.hstack((pictures[i : i + columns] + [blank] * columns)[:columns])
        for i in range(0, len(pictures), columns)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise OSError(f"cannot write the picture {path}")


def _ticks(limits: tuple[float, float], logarithmic: bool) -> list[float]:
    low, high = limits
    if logarithmic:
        decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        values = [float(d * m) for d in decades for m in (1, 2, 5)]
    else:
        raw = (high - low) / 6
        power = 10.0 ** np.floor(np.log10(raw))
        step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw)
        values = (np.arange(np.ceil(low / step - 1e-9), high / step + 1e-9) * step).tolist()
        values = [round(value, 12) + 0.0 for value in values]  # no -0
    return [
        value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9) or not value
    ]


def _text(
    picture: NDArray[np.uint8],
    text: str,
    x: int,
    y: int,
    *,
    centred: bool = False,
    right: bool = False,
) -> None:
    (width, _), _ = cv2.getTextSize(text, FONT, 0.45, 1)
    x -= width // 2 if centred else width if right else 0
    cv2.putText(picture, text, (x, y), FONT, 0.45, INK, 1, cv2.LINE_AA)


def _legend(
    picture: NDArray[np.uint8], name: str, colour, width_px: int, right: int, y: int
) -> None:
    (width, _), _ = cv2.getTextSize(name, FONT, 0.45, 1)
    start = right - width - 44
    cv2.line(picture, (start, y - 4), (start + 26, y - 4), colour, width_px, cv2.LINE_AA)
    _text(picture, name, start + 32, y)
