"""Heatmaps, people and the truth in one picture."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rexo_ros.live_score import Seen
from rexo_ros.space import DEPTH, HORIZONTAL, Space

PIXELS_PER_M = 64
SHOWN_DB = 35.0
"""Between the darkest and the brightest colour."""

TRUE, FOUND, TEXT = (90, 220, 90), (80, 120, 255), (240, 240, 240)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def heatmap_picture(decibel: NDArray[np.floating], space: Space, view: str) -> NDArray[np.uint8]:
    """(row, column, 3) blue, green, red: a heatmap, true to scale.

    Args:
        decibel: (row, column); NaN where nothing is known.
        space: the room.
        view: whose it is.
    """
    known = np.where(np.isfinite(decibel), decibel, -np.inf)
    highest = max(float(known.max()), -300.0)
    shade = np.clip((known - highest + SHOWN_DB) / SHOWN_DB, 0, 1)
    lateral_m = np.diff(space.lateral_m(view)).mean() * space.columns
    size = (round(lateral_m * PIXELS_PER_M), round(space.extent_m[DEPTH] * PIXELS_PER_M))
    picture = cv2.applyColorMap((255 * shade).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def live_picture(
    heatmaps: Mapping[str, NDArray[np.floating]],
    tracks: Sequence[Seen],
    truth: Sequence[Seen],
    space: Space,
) -> NDArray[np.uint8]:
    """(row, column, 3) blue, green, red: the level heatmap with people and truth, then the others.

    Args:
        heatmaps: dB by view.
        tracks: people who are followed.
        truth: where they really are.
        space: the room.
    """
    parts = []
    for view in space.views:
        blank = np.full((space.rows, space.columns), np.nan)
        picture = heatmap_picture(heatmaps.get(view, blank), space, view)
        _scale(picture, space)
        if view == "horizontal":
            for one in truth:
                cv2.circle(picture, _pixel(one, space), 14, TRUE, 2, cv2.LINE_AA)
            for one in tracks:
                place = _pixel(one, space)
                cv2.drawMarker(picture, place, FOUND, cv2.MARKER_CROSS, 22, 3, cv2.LINE_AA)
                cv2.putText(picture, str(one.number), (place[0] + 12, place[1] - 10), _FONT, 0.6,
                            TEXT, 2, cv2.LINE_AA)  # fmt: skip
        cv2.putText(picture, f"{view} radar", (10, 24), _FONT, 0.6, TEXT, 1, cv2.LINE_AA)
        parts.append(picture)
        parts.append(np.full((picture.shape[0], 8, 3), 255, np.uint8))
    whole = np.hstack(parts[:-1])
    legend = np.full((34, whole.shape[1], 3), 30, np.uint8)
    cv2.circle(legend, (18, 17), 9, TRUE, 2, cv2.LINE_AA)
    cv2.putText(legend, "true", (34, 23), _FONT, 0.55, TEXT, 1, cv2.LINE_AA)
    cv2.drawMarker(legend, (110, 17), FOUND, cv2.MARKER_CROSS, 16, 3, cv2.LINE_AA)
    cv2.putText(legend, "found, with the track's number; simulated", (126, 23), _FONT, 0.55,
                TEXT, 1, cv2.LINE_AA)  # fmt: skip
    return np.vstack([whole, legend])


def _scale(picture: NDArray[np.uint8], space: Space) -> None:
    """Every metre of depth on the left edge."""
    for metre in range(int(np.ceil(space.low_m[DEPTH])) + 1, int(space.high_m[DEPTH])):
        row = round((space.high_m[DEPTH] - metre) * PIXELS_PER_M)
        cv2.line(picture, (0, row), (8, row), TEXT, 1)
        cv2.putText(picture, f"{metre} m", (12, row + 5), _FONT, 0.4, TEXT, 1, cv2.LINE_AA)


def _pixel(one: Seen, space: Space) -> tuple[int, int]:
    """Column and row of a place on the level view; its x is ahead, its y to the left."""
    right_m, ahead_m = -one.y_m, one.x_m
    column = (right_m - space.low_m[HORIZONTAL]) * PIXELS_PER_M
    row = (space.high_m[DEPTH] - ahead_m) * PIXELS_PER_M
    return round(column), round(row)
