"""An evaluation of REXO as one HTML file: figures, histograms, frames with boxes and truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmwave.boxes import box_overlap
from mmwave.html_page import image, table, write_page
from rexo_ros.detections import SURE, Detections
from rexo_ros.learning.samples import Sample
from rexo_ros.pictures import FOUND, TRUE, heatmap_picture
from rexo_ros.space import Space

NONE = "–"
FIGURES = (
    "frames", "ap", "ap50", "ap75", "ar1", "ar10", "ar1_integral", "ar10_integral", "ap_3d",
    "ap50_3d", "missed_share", "false_per_frame", "place_median_m",
)  # fmt: skip
PAPER = {
    "P1S1": (39.23, 73.46, 37.83), "P1S2": (36.48, 87.02, 20.51),
    "P2S1": (48.35, 85.89, 48.38), "P2S2": (23.47, 64.41, 10.44),
}  # fmt: skip
"""AP, AP50 and AP75 of Yataka et al. 2026 on MMVR (tables 7 to 10): real data."""

KINDS = ("unseen", "seen", "data")

WHERE = {"unseen": "new rooms", "seen": "rooms trained in", "data": "frames on disk"}

SHOWN = 8
"""Frames: the worst, the best and some between, by their overlaps."""


@dataclass(frozen=True)
class Shown:
    """A frame for the report.

    Attributes:
        text: of where it is.
        overlap: mean over its people with the best sure detection.
        picture: blue, green, red.
    """

    text: str
    overlap: float
    picture: NDArray[np.uint8]


def write_report(path: Path, result: Mapping[str, Any], frames: Sequence[Shown]) -> None:
    """Write the report.

    Args:
        path: of the HTML file; its folder must be there.
        result: of ``panoradar evaluate rexo``.
        frames: to choose from.

    Raises:
        OSError: the file cannot be written.
    """
    parts = [
        "<h1>REXO</h1>\n",
        _head(result),
        "<p>Precision and recall in percent, of boxes in the camera's image (appendix F of Yataka "
        "et al. 2026) and, as <code>3d</code>, of boxes in space.</p>\n",
        _rows("Rooms", {kind: result[kind] for kind in KINDS if kind in result}),
        _splits(result["by_split"]),
        _rows("Steps, new rooms", result["by_steps"]),
        _rows("Camera's pose, new rooms", _poses(result.get("by_camera_pose") or {})),
        _rows("One radar silent, new rooms: only this one is left", result["one_radar"]),
        _rows("Compared with", result.get("baselines") or {}),
        f"<p>Compared on: <code>{escape(str(result['baselines_of']))}</code></p>\n"
        if result.get("baselines")
        else "",
        *(
            part
            for kind, words in WHERE.items()
            for part in (
                _depths(result["by_depth_difference"].get(kind, []), words),
                _histogram(result["overlap_histogram"].get(kind, []), words),
            )
        ),
        _latency(result.get("latency_ms") or {}),
        _frames(frames),
    ]
    write_page(path, "REXO evaluation, simulated", parts)


def sheet(sample: Sample, found: Detections, space: Space) -> NDArray[np.uint8]:
    """(row, column, 3) blue, green, red: heatmaps and image with true and found boxes.

    Args:
        sample: with the truth; without a camera the image is left out.
        found: people; those that are not sure are left out.
        space: the room.
    """
    sure = found.surer_than(SURE)
    parts = []
    for view, power in zip(space.views, sample.power[:, -1], strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            picture = heatmap_picture(10 * np.log10(power), space, view)
        rows, columns = picture.shape[:2]
        for boxes_m, colour in ((sample.boxes_m, TRUE), (sure.boxes_m, FOUND)):
            edges = space.on_view(space.to_unit(boxes_m), view) * [columns, rows, columns, rows]
            _draw(picture, edges, colour)
        parts.append(picture)
    if sample.camera is not None:
        columns, rows = sample.camera.size_px
        image_part = np.full((rows, columns, 3), 40, np.uint8)
        _draw(image_part, sample.image_px, TRUE)
        if sure.image_px is not None:
            _draw(image_part, sure.image_px, FOUND)
        scale = parts[0].shape[0] / rows
        scaled = cv2.resize(image_part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        parts.append(np.asarray(scaled, np.uint8))
    return np.asarray(np.hstack(parts)[::2, ::2], np.uint8)


def shown(sample: Sample, found: Detections, space: Space) -> Shown:
    """A frame with its picture; see :func:`sheet`."""
    sure = found.surer_than(SURE)
    overlaps = [0.0] * len(sample.image_px)
    if sure.image_px is not None and len(sure.image_px):
        boxes_px = sure.image_px
        overlaps = [float(box_overlap(one, boxes_px).max()) for one in sample.image_px]
    mean = float(np.mean(overlaps)) if overlaps else 1.0
    about = sample.about
    text = f"room {about['room']}, session {about['session']}, {len(overlaps)} people: {mean:.2f}"
    return Shown(text, mean, sheet(sample, found, space))


def _draw(picture: NDArray[np.uint8], boxes: NDArray[np.floating], colour: tuple) -> None:
    for left, top, right, bottom in np.rint(boxes).astype(int).tolist():
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 3)


def _number(value: Any) -> str:
    if value is None:
        return NONE
    return f"{value:d}" if isinstance(value, int) else f"{value:.2f}"


def _head(result: Mapping[str, Any]) -> str:
    where = "frames on disk" if "data" in result else f"rooms, seed {result['seed']}"
    if (poses := result.get("camera_poses", 1)) > 1:
        where += f", {poses} camera poses"
    frames = f"{result['frames']} frames"
    if result["simulated"]:
        return f'<p class="simulated">Simulated {where}: {frames}</p>\n'
    return f"<p>Measured {where}: {frames}</p>\n"


def _rows(title: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    names = [name for name in FIGURES if any(name in row for row in rows.values())]
    cells = [[escape(text), *(_number(row.get(name)) for name in names)]
             for text, row in rows.items()]  # fmt: skip
    heads = ["", *(name.replace("_", " ") for name in names)]
    return f"<h2>{escape(title)}</h2>\n" + table(heads, cells, range(1, len(heads)))


def _poses(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {"the mount's" if pose == "0" else pose: row for pose, row in rows.items()}


def _splits(rows: Mapping[str, Mapping[str, Any]]) -> str:
    cells = [
        [name, *(_number(row[one]) for one in ("frames", "ap", "ap50", "ap75")),
         *(_number(one) for one in PAPER[name])]
        for name, row in rows.items()
    ]  # fmt: skip
    heads = ["", "frames", "AP", "AP50", "AP75", "paper AP", "AP50", "AP75"]
    note = (
        '<p class="note">P1 one person, P2 several; S1 other days in rooms that were trained in, '
        "S2 new rooms. The paper's figures are of MMVR: other radars, real rooms, open ones as P1 "
        "and cluttered ones with one or several people as P2.</p>\n"
    )
    return "<h2>Splits</h2>\n" + table(heads, cells, range(1, 8)) + note


def _depths(rows: Sequence[Mapping[str, Any]], where: str) -> str:
    if not rows:
        return ""
    cells = [
        [f"{row['from_m']} to {row['to_m'] or 'any'} m", _number(row["frames"]),
         _number(row.get("ap")), _number(row.get("ap50"))]
        for row in rows
    ]  # fmt: skip
    title = f"<h2>By the difference in depth of the two nearest people, {where}</h2>\n"
    return title + table(["", "frames", "AP", "AP50"], cells, (1, 2, 3))


def _histogram(counts: Sequence[int], where: str) -> str:
    if not counts:
        return ""
    largest = max(max(counts), 1)
    cells = [
        [f"{number / 10:.1f} to {(number + 1) / 10:.1f}", str(count),
         f'<span style="width:{100 * count / largest:.1f}%"></span>']
        for number, count in enumerate(counts)
    ]  # fmt: skip
    title = f"<h2>Overlap of everybody with the best sure box, {where}</h2>\n"
    return title + table(["", "people", ""], cells, (1,))


def _latency(latency_ms: Mapping[str, float]) -> str:
    if not latency_ms:
        return ""
    cells = [[steps, f"{value:.1f} ms"] for steps, value in latency_ms.items()]
    return "<h2>Time of a frame by steps</h2>\n" + table(["steps", ""], cells, (1,))


def _frames(frames: Sequence[Shown]) -> str:
    if not frames:
        return ""
    ordered = sorted(frames, key=lambda one: one.overlap)
    places = np.linspace(0, len(ordered) - 1, min(SHOWN, len(ordered))).round().astype(int)
    chosen = [ordered[place] for place in dict.fromkeys(places.tolist())]
    figures = "\n".join(
        f"<figure>{image(one.picture, 'png', one.text)}<figcaption>{escape(one.text)}</figcaption>"
        "</figure>"
        for one in chosen
    )
    return (
        "<h2>Frames</h2>\n<p class='note'>From the worst to the best. Both heatmaps, then the "
        "camera's image; green the truth, orange what is found.</p>\n"
        f'<div class="sheets">\n{figures}\n</div>'
    )
