"""One watched frame in one picture: depth, spectra, heatmap, places and the truth."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mmanomaly_ros.floor_grid import UNSEEN, FloorGrid
from mmanomaly_ros.spectrum import CEILING_DB, CHANNELS, FLOOR_DB, WATCH_WAVEFORM
from mmanomaly_ros.watch import ANGLES, RANGES

FARTHEST_M = 6.0
"""Depths beyond it are shown alike."""

TRUE, FOUND, TEXT, DARK = (90, 220, 90), (80, 80, 255), (240, 240, 240), (38, 38, 38)
STATE_COLOURS = {"normal": (90, 200, 90), "anomaly": (70, 70, 240), "unknown": (60, 190, 230)}
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_HIGH, _GAP, _TITLE = 384, 8, 26
_RANGE_PX, _COLUMN_PX = 3, 4

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Snapshot:
    """What is known of one frame; None where nothing is.

    Attributes:
        state: normal, anomaly or unknown, with the reason.
        simulated: it is not of a real radar and camera.
        depth_m: (row, column), NaN at holes.
        image: (row, column, 3) red, green, blue.
        measured_db: (channel, range, column).
        expected_db: likewise.
        heatmap: (range, sine) 0..1.
        found_m: (n, 2) right and depth.
        true_m: likewise.
        upright: the radar's line of antennas is, see :class:`FloorGrid`.
    """

    state: str
    simulated: bool
    depth_m: NDArray[np.floating] | None = None
    image: NDArray[np.uint8] | None = None
    measured_db: NDArray[np.floating] | None = None
    expected_db: NDArray[np.floating] | None = None
    heatmap: NDArray[np.floating] | None = None
    found_m: NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 2)))
    true_m: NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 2)))
    upright: bool = False


def side_by_side(spectrum: NDArray[np.floating]) -> NDArray[np.float32]:
    """(channel, range, column) as one picture (range, channel * column), channel after channel."""
    return np.ascontiguousarray(np.concatenate(list(spectrum), axis=1), np.float32)


def channels_of(picture: NDArray[np.floating]) -> NDArray[np.float32]:
    """:func:`side_by_side` backwards.

    Raises:
        ValueError: the picture is not one of all channels.
    """
    if picture.ndim != 2 or picture.shape[1] % len(CHANNELS):
        raise ValueError(
            f"a picture of {len(CHANNELS)} channels has as many equal parts, got {picture.shape}"
        )
    return np.stack(np.split(np.asarray(picture, np.float32), len(CHANNELS), axis=1))


def live_picture(seen: Snapshot) -> Picture:
    """(row, column, 3) blue, green, red: what the camera and the radar saw, and what was told."""
    top = [depth_panel(seen.depth_m)]
    if seen.image is not None:
        top.append(_titled(_fitted(seen.image[..., ::-1]), "colour"))
    top += [floor_panel(seen), _titled(_heat(seen.heatmap), f"heatmap: {_axes(seen)}")]
    bottom = [
        spectra_panel(seen.measured_db, "measured", seen.upright),
        spectra_panel(seen.expected_db, "expected", seen.upright),
    ]
    rows = [_row(top), _row(bottom)]
    width = max(row.shape[1] for row in rows)
    return np.vstack([_banner(seen, width), *(_widened(row, width) for row in rows)])


def depth_panel(depth_m: NDArray[np.floating] | None) -> Picture:
    """Depth, near is bright; holes are dark."""
    if depth_m is None:
        return _titled(_blank(_HIGH * 4 // 3), "no depth")
    there = np.isfinite(depth_m) & (depth_m > 0)
    near = np.clip(1 - np.where(there, depth_m, FARTHEST_M) / FARTHEST_M, 0, 1)
    picture = cv2.applyColorMap((255 * near).astype(np.uint8), cv2.COLORMAP_TURBO)
    picture[~there] = DARK
    return _titled(_fitted(np.asarray(picture, np.uint8)), f"depth, 0 to {FARTHEST_M:.0f} m")


def floor_panel(seen: Snapshot) -> Picture:
    """The heatmap on the floor, true to scale, with places told and true; the radar below."""
    grid = FloorGrid(WATCH_WAVEFORM.range_bin_m, upright=seen.upright)
    cells = grid.cells(seen.heatmap)
    upright = cells.T[::-1, ::-1]  # ahead is up, left is left
    shade = np.clip(upright, 0, 100).astype(np.float64) * 2.55
    picture = np.asarray(cv2.applyColorMap(shade.astype(np.uint8), cv2.COLORMAP_INFERNO), np.uint8)
    picture[upright == UNSEEN] = DARK
    per_m = _HIGH / (grid.shape[1] * grid.cell_m)
    size = (round(grid.shape[0] * grid.cell_m * per_m), _HIGH)
    picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    for metre in range(1, int(grid.reach_m) + 1):
        radius = round(metre * per_m)
        cv2.ellipse(picture, (size[0] // 2, _HIGH), (radius, radius), 0, -150, -30, (90, 90, 90))
        cv2.putText(picture, f"{metre} m", (size[0] // 2 + 4, _HIGH - radius + 14), _FONT, 0.4,
                    TEXT, 1, cv2.LINE_AA)  # fmt: skip
    for right_m, depth_m in np.asarray(seen.true_m, np.float64).reshape(-1, 2):
        place = (round(size[0] / 2 + right_m * per_m), round(_HIGH - depth_m * per_m))
        cv2.circle(picture, place, 13, TRUE, 2, cv2.LINE_AA)
    found = np.asarray(seen.found_m, np.float64).reshape(-1, 2)
    for number, (right_m, depth_m) in enumerate(found.tolist()):
        thick = 1 if number else 3  # the surest comes first
        if seen.upright:
            radius = round(float(np.hypot(right_m, depth_m)) * per_m)
            cv2.ellipse(picture, (size[0] // 2, _HIGH), (radius, radius), 0, -150, -30, FOUND,
                        thick)  # fmt: skip
        place = (round(size[0] / 2 + right_m * per_m), round(_HIGH - depth_m * per_m))
        cv2.drawMarker(picture, place, FOUND, cv2.MARKER_CROSS, 20, thick, cv2.LINE_AA)
    true = "O true (simulated)" if seen.simulated else "O true"
    return _titled(picture, f"floor: {true}, + found" + (" (range)" if seen.upright else ""))


def spectra_panel(
    spectrum_db: NDArray[np.floating] | None, name: str, upright: bool = False
) -> Picture:
    """All channels side by side, the nearest range below.

    Args:
        spectrum_db: (channel, range, column); None: nothing is known.
        name: of the spectrum.
        upright: the radar's line of antennas is; angles are elevations.
    """
    parts = []
    for number, channel in enumerate(CHANNELS):
        if spectrum_db is None:
            part = _blank(ANGLES * _COLUMN_PX)
        else:
            share = (spectrum_db[number] - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
            part = _coloured(share, cv2.COLORMAP_VIRIDIS)
        words = channel.replace("_", " ")
        if upright:
            words = words.replace("azimuth", "elevation")
        parts.append(_titled(part, f"{name}: {words}"))
    return _row(parts, 2)


def _axes(seen: Snapshot) -> str:
    return "range x sine of elevation" if seen.upright else "range x lateral sine"


def _heat(heatmap: NDArray[np.floating] | None) -> Picture:
    if heatmap is None:
        return _blank(ANGLES * _COLUMN_PX)
    return _coloured(heatmap, cv2.COLORMAP_INFERNO)


def _coloured(share: NDArray[np.floating], colours: int) -> Picture:
    """(range, column) 0..1, the nearest range below."""
    shade = np.clip(np.nan_to_num(share[::-1].astype(np.float64)), 0, 1)
    picture = cv2.applyColorMap((255 * shade).astype(np.uint8), colours)
    size = (share.shape[1] * _COLUMN_PX, RANGES * _RANGE_PX)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _fitted(picture: Picture) -> Picture:
    width = round(picture.shape[1] * _HIGH / picture.shape[0])
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, (width, _HIGH), interpolation=cv2.INTER_NEAREST), np.uint8)


def _blank(width: int) -> Picture:
    return np.full((_HIGH, width, 3), DARK, np.uint8)


def _titled(picture: Picture, title: str) -> Picture:
    line = np.full((_TITLE, picture.shape[1], 3), 20, np.uint8)
    cv2.putText(line, title, (6, 18), _FONT, 0.45, TEXT, 1, cv2.LINE_AA)
    return np.vstack([line, picture])


def _row(parts: list[Picture], gap: int = _GAP) -> Picture:
    between = np.full((parts[0].shape[0], gap, 3), 20, np.uint8)
    joined = [one for part in parts for one in (part, between)]
    return np.hstack(joined[:-1])


def _widened(row: Picture, width: int) -> Picture:
    result = np.full((row.shape[0] + _GAP, width, 3), 20, np.uint8)
    result[: row.shape[0], : row.shape[1]] = row
    return result


def _banner(seen: Snapshot, width: int) -> Picture:
    banner = np.full((44, width, 3), 20, np.uint8)
    colour = STATE_COLOURS.get(seen.state.partition(":")[0], TEXT)
    words = f"{'simulated' if seen.simulated else 'measured'}; state: {seen.state}"
    cv2.putText(banner, words, (10, 30), _FONT, 0.75, colour, 2, cv2.LINE_AA)
    return banner
