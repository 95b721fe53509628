"""An evaluation as one HTML file that needs nothing else: figures, plots, frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mmwave.html_page import embedded, image, table, write_page
from mmwave.line_chart import Chart, Line, draw
from panoradar_ros.learning.error_distribution import EDGES_M, ErrorDistribution
from panoradar_ros.learning.evaluation_gallery import Gallery, Sheet
from panoradar_ros.learning.range_scores import DISTANCES_M
from panoradar_ros.recognition.semantics import COLOURS

NONE = "–"

SIMULATED = (
    '<p class="simulated"><strong>Simulated.</strong> Every frame is of a simulated building and a '
    "simulated radar. Nothing here was measured.</p>\n"
)


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Attributes:
        name: what it is.
        key: in the evaluation's figures.
        scale: that its value is multiplied by.
        unit: after that.
        digits: behind the point.
        paper: what Lai et al. 2024 give for their networks, on real data.
        paper_beams: and for beams alone.
    """

    name: str
    key: str
    scale: float
    unit: str
    digits: int = 1
    paper: str = ""
    paper_beams: str = ""


FIGURES = (
    Figure("range error, mean", "range_mae_m", 100, "cm", 1, "15.76"),
    Figure("range error, median", "range_median_m", 100, "cm", 1, "3.39"),
    Figure("range error, 80 %", "range_p80_m", 100, "cm"),
    Figure("range error, 90 %", "range_p90_m", 100, "cm", 1, "31.98"),
    Figure("rays without an answer", "missing", 100, "%"),
    Figure("Chamfer, 3D", "chamfer_m", 100, "cm", 1, "6.96", "26.6"),
    Figure("Chamfer, 2D", "chamfer_2d_m", 100, "cm", 1, "7.43", "21.4"),
    Figure("modified Hausdorff, 3D", "hausdorff_m", 100, "cm", 1, "3.23", "12.0"),
    Figure("modified Hausdorff, 2D", "hausdorff_2d_m", 100, "cm", 1, "3.12", "12.8"),
    Figure("normals, mean", "normal_mean_deg", 1, "deg", 1, "8.83"),
    Figure("normals, median", "normal_median_deg", 1, "deg", 1, "2.17"),
    Figure("mIoU", "miou", 1, "%", 1, "48.00"),
    Figure("pixel accuracy", "pixel_accuracy", 1, "%", 1, "86.33"),
    Figure("AP", "ap", 1, "%"),
    Figure("AP30", "ap30", 1, "%"),
    Figure("AP50", "ap50", 1, "%", 1, "52.34"),
    Figure("AP75", "ap75", 1, "%", 1, "38.30"),
    Figure("people found", "people_found", 1, "", 0),
    Figure("people there", "people", 1, "", 0),
    Figure("people, range, mean", "person_range_m", 100, "cm", 1, "12.24"),
    Figure("people, range, median", "person_range_median_m", 100, "cm", 1, "5.78"),
    Figure("people, azimuth, mean", "person_azimuth_deg", 1, "deg", 2, "1.47"),
    Figure("people, azimuth, median", "person_azimuth_median_deg", 1, "deg", 2, "1.08"),
    Figure("velocity error, mean", "speed_error_mps", 1000, "mm/s", 1, "8.48 (speed alone)"),
    Figure("first network, median time", "range_net_ms", 1, "ms", 0, "95, both, RTX 3090"),
    Figure("second network, median time", "semantic_net_ms", 1, "ms", 0),
)


def write_report(
    path: Path,
    result: Mapping[str, Any],
    learned: ErrorDistribution,
    strongest: ErrorDistribution,
    gallery: Gallery,
) -> None:
    """Write the report.

    Args:
        path: of the HTML file; its folder must be there.
        result: of :meth:`panoradar_ros.learning.evaluation.Evaluation.as_json`, and ``seed`` and
            ``styles`` of the buildings.
        learned: range errors of the network.
        strongest: range errors of the strongest echoes.
        gallery: of the same frames.

    Raises:
        OSError: the file cannot be written.
    """
    parts = [
        _head(result),
        _figures(result),
        _distribution(learned, strongest, result),
        _range_tables(result),
        _conditions(result),
        _classes(result),
        _seam(result),
        _frames(gallery.chosen()),
    ]
    write_page(path, f"PanoRadar evaluation, {_origin(result)}", parts)


def _head(result: Mapping[str, Any]) -> str:
    styles = ", ".join(result.get("styles", result["range_mae_m_by_style"]))
    where = ["seed of the first building", result["seed"]] if "seed" in result else [
        "frames", "on disk"]  # fmt: skip
    wraps = {True: "yes", False: "no: the ablation", None: "not known"}[result["range_model_wraps"]]
    rows = [
        where,
        ["frames", result["frames"]],
        ["styles of buildings", styles],
        ["range network, SHA-256", result["range_model_sha256"]],
        ["azimuth of the range network is a circle", wraps],
        ["semantic network, SHA-256", result.get("semantic_model_sha256", "none")],
    ]
    told = table([], [[escape(str(a)), f"<code>{escape(str(b))}</code>"] for a, b in rows])
    simulated = SIMULATED if result["simulated"] else ""
    return f"<h1>PanoRadar: what the networks are worth</h1>\n{simulated}{told}"


def _origin(result: Mapping[str, Any]) -> str:
    return "simulated" if result["simulated"] else "measured"


def _figures(result: Mapping[str, Any]) -> str:
    rows = []
    for figure in FIGURES:
        if figure.key not in result:
            continue
        cells = [_scaled(result[figure.key], figure)]
        for prefix in ("baseline_", "cfar_"):
            known = result.get(prefix + figure.key)
            cells.append(_scaled(known, figure) if known is not None else "")
        rows.append([escape(figure.name), *cells, figure.paper, figure.paper_beams, figure.unit])
    return (
        "<h2>Figures</h2>\n"
        + table(
            ["", "learned", "strongest echo", "CFAR", "paper", "paper, beams alone", ""],
            rows,
            range(1, 6),
        )
        + '<p class="note">Learned, strongest echo and CFAR: simulated, these frames. Strongest '
        "echo is what the network begins with, CFAR what the imaging node publishes. Paper: Lai et "
        "al. 2024, real data of 12 buildings: simulated figures prove nothing about those. "
        "How the paper takes point clouds, their distances and their 2D is not known; here 2D is "
        "of the rays that cannot meet the floor within reach, projected onto it. Means, medians "
        "and quantiles are of every image, then averaged.</p>"
    )


def _distribution(
    learned: ErrorDistribution, strongest: ErrorDistribution, result: Mapping[str, Any]
) -> str:
    shown = EDGES_M <= 1.0
    lines = [
        Line("learned", EDGES_M[shown], learned.cumulative()[shown]),
        Line("strongest echo", EDGES_M[shown], strongest.cumulative()[shown]),
    ]
    chart = Chart(
        "Simulated: share of the pixels below a range error",
        "range error in m",
        "share",
        lines,
        x_limits=(0.0, 1.0),
        y_limits=(0.0, 1.19),  # the legend is above the curves
    )
    own, base = (result[prefix + "range_error_quantiles_m"] for prefix in ("", "baseline_"))
    rows = [[f"{share} %", _centimetres(own[share]), _centimetres(base[share])] for share in own]
    return (
        "<h2>Range errors</h2>\n"
        + image(draw(chart, 760, 460), "png", "cumulative distribution of range errors")
        + table(["of the pixels are below", "learned", "strongest echo"], rows, (1, 2))
        + '<p class="note">Paper, figure 19: 50 % below 3.39 cm, 90 % below 31.98 cm.</p>'
    )


def _range_tables(result: Mapping[str, Any]) -> str:
    by_style = list(result["range_mae_m_by_style"].items())
    distances = [f"{low:g} to {high:g} m" for low, high in DISTANCES_M]
    own, base = (result[prefix + "range_mae_by_distance_m"] for prefix in ("", "baseline_"))
    miou = [part["miou"] for part in result["by_distance"]]
    return (
        "<h2>Mean range error by style of building</h2>\n"
        + _bars(by_style)
        + '<p class="note">Paper, table 1: 10.36 to 30.27 cm in its 12 buildings.</p>'
        + "<h2>By distance</h2>\n"
        + _bars(
            [(name, value) for name, value in zip(distances, own, strict=True)],
            {
                "strongest echo": [_centimetres(value) for value in base],
                "mIoU": [_percent(value) for value in miou],
            },
        )
    )


def _conditions(result: Mapping[str, Any]) -> str:
    speed = [
        (_between(1e3 * one["from_mps"], _thousand(one["to_mps"]), "mm/s"), one["range_mae_m"])
        for one in result["by_speed_error"]
    ]
    frames = [str(one["frames"]) for one in result["by_speed_error"]]
    bands = [
        (f"{one['from_deg']:+g} to {one['to_deg']:+g} deg", one) for one in result["by_elevation"]
    ]
    heights = [(f"{one['height_deg']:g} deg", one) for one in result["by_field_of_view"]]

    def judged(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
        return _bars(
            [(name, one["range_mae_m"]) for name, one in rows],
            {"mIoU": [_percent(one["miou"]) for _, one in rows]},
        )

    return (
        "<h2>By the error of the estimated motion</h2>\n"
        + _bars(speed, {"frames": frames})
        + '<p class="note">Length of the error of the velocity that the beams were formed with. '
        "The paper adds errors to the true motion (figure 19); here they are as they come.</p>\n"
        "<h2>By elevation</h2>\n"
        + judged(bands)
        + "<h2>By the height of the field of view</h2>\n"
        + judged(heights)
        + '<p class="note">Rows about the horizon. All azimuths are seen alike. The paper\'s field '
        "of view (figure 24) is that of the synthetic aperture, held against resolution.</p>"
    )


def _classes(result: Mapping[str, Any]) -> str:
    if "iou_by_class" not in result:
        return "<h2>Classes</h2>\n<p>No semantic network was evaluated.</p>"
    rows = [
        [
            f'<b class="swatch" style="background:rgb{tuple(COLOURS[number].tolist())}"></b>',
            escape(name.replace("_", " ")),
            _percent(value),
            _bar(value, 100.0),
        ]
        for number, (name, value) in enumerate(result["iou_by_class"].items())
    ]
    kinds = [
        [escape(name), _percent(value), _bar(value, 100.0)]
        for name, value in result["ap50_by_kind"].items()
    ]
    return (
        "<h2>Intersection over union of every class</h2>\n"
        + table(["", "", "IoU", ""], rows, (2,))
        + "<h2>AP50 of every kind of object</h2>\n"
        + table(["", "AP50", ""], kinds, (1,))
    )


def _seam(result: Mapping[str, Any]) -> str:
    if "seam_range_change_m" not in result:
        return ""
    names = {
        "former_seam": "at the seam, in the middle when rolled",
        "new_seam": "in the middle, at the seam when rolled",
        "elsewhere": "elsewhere",
    }
    other_class = result.get("seam_other_class", {})
    rows = []
    for place, name in names.items():
        change = result["seam_range_change_m"][place]
        error = result["seam_range_mae_m"].get(place, {})
        rows.append(
            [
                name,
                *(_centimetres(change[key]) for key in ("median", "mean")),
                *(_centimetres(error.get(key)) for key in ("as_it_is", "rolled")),
                _percent(100 * other_class[place]) if place in other_class else "",
            ]
        )
    columns = ["columns", "change of range, median", "mean", "range error", "rolled", "other class"]
    return (
        "<h2>Every frame again, rolled by half a turn</h2>\n"
        + table(columns, rows, range(1, 6))
        + '<p class="note">Within 8 columns of a seam. The answers of a network whose azimuth is a '
        "circle do not change; without, they change near both seams (the paper's figure 23).</p>"
    )


def _frames(chosen: Sequence[tuple[Sequence[str], Sheet]]) -> str:
    figures = []
    for reasons, one in chosen:
        text = f"Simulated {one.style} {one.seed}, mean range error {_centimetres(one.range_mae_m)}"
        picture = embedded(one.jpeg, "jpeg", text)
        figures.append(
            f"<figure><figcaption><strong>{escape('; '.join(reasons))}</strong><br>"
            f"{escape(text)}</figcaption>{picture}</figure>"
        )
    return (
        "<h2>Frames</h2>\n"
        '<p class="note">Straight ahead, where the panorama begins and ends, is in the middle. '
        "Ranges: near bright, no answer and glass black. Errors: red too near, blue too far, grey "
        "not counted. Normals: outward red, left green, up blue.</p>\n"
        f'<div class="sheets">\n{chr(10).join(figures)}\n</div>'
    )


def _bars(
    values: Sequence[tuple[str, float | None]], more: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Mean range errors as numbers and bars, and further columns of text."""
    more = more if more is not None else {}
    largest = max((value for _, value in values if value is not None), default=0.0)
    rows = []
    for number, (name, value) in enumerate(values):
        others = [column[number] for column in more.values()]
        rows.append([escape(name), _centimetres(value), _bar(value, largest), *others])
    numbers = (1, *range(3, 3 + len(more)))
    return table(["", "learned", "", *more], rows, numbers)


def _bar(value: float | None, largest: float) -> str:
    share = 0.0 if value is None or largest <= 0 else 100 * value / largest
    return f'<span style="width:{share:.1f}%"></span>'


def _scaled(value: float | None, figure: Figure) -> str:
    return NONE if value is None else f"{figure.scale * value:.{figure.digits}f}"


def _centimetres(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return NONE
    return f"{100 * value:.{2 if abs(value) < 0.01 else 1}f} cm"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f} %"


def _thousand(value: float | None) -> float | None:
    return None if value is None else 1e3 * value


def _between(low: float, high: float | None, unit: str) -> str:
    return f"{low:g} to {high:g} {unit}" if high is not None else f"above {low:g} {unit}"
