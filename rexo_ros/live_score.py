"""What people found live are worth against where they really were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

NEAR_M = 0.5
"""Somebody is found if a track is as near as this on the floor."""


@dataclass(frozen=True)
class Seen:
    """Somebody at one time.

    Attributes:
        number: of a track, or of the person.
        x_m: ahead.
        y_m: to the left.
    """

    number: int
    x_m: float
    y_m: float


@dataclass(frozen=True)
class LiveScore:
    """Figures over all frames.

    Attributes:
        frames: that were judged.
        people: in them, counted frame by frame.
        found: share of those with a track near them.
        false_per_frame: tracks near nobody.
        place_median_m: distance of those found from their track.
        switches: how often somebody's track had another number than the last time.
    """

    frames: int
    people: int
    found: float
    false_per_frame: float
    place_median_m: float
    switches: int


def score_live(
    tracks: Mapping[int, Sequence[Seen]], truth: Mapping[int, Sequence[Seen]], apart_ns: int
) -> LiveScore:
    """Hold tracks against the truth.

    Args:
        tracks: by their stamp in ns.
        truth: likewise, of all who are where the radars look; at other times.
        apart_ns: frames without a truth as near in time are not judged.
    """
    times = np.array(sorted(truth), np.int64)
    people = found = false = switches = frames = 0
    errors: list[float] = []
    last: dict[int, int] = {}
    for stamp, seen in sorted(tracks.items()):
        if not len(times):
            break
        nearest = int(times[np.abs(times - stamp).argmin()])
        if abs(nearest - stamp) > apart_ns:
            continue
        frames += 1
        there = truth[nearest]
        people += len(there)
        pairs = matched(places(there), places(seen))
        found += len(pairs)
        false += len(seen) - len(pairs)
        for person, track, distance_m in pairs:
            errors.append(distance_m)
            number, before = seen[track].number, last.get(there[person].number)
            switches += before is not None and before != number
            last[there[person].number] = number
    return LiveScore(
        frames,
        people,
        found / people if people else float("nan"),
        false / frames if frames else float("nan"),
        float(np.median(errors)) if errors else float("nan"),
        switches,
    )


def places(seen: Sequence[Seen]) -> NDArray[np.float64]:
    """(N, 2) on the floor."""
    return np.array([[one.x_m, one.y_m] for one in seen], np.float64).reshape(-1, 2)


def matched(
    people: NDArray[np.float64], tracks: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Pairs of a person and a track within NEAR_M, the nearest together, and their distances."""
    if not len(people) or not len(tracks):
        return []
    distance = np.linalg.norm(people[:, None] - tracks[None], axis=-1)
    rows, columns = linear_sum_assignment(np.where(distance <= NEAR_M, distance, 1e3))
    return [
        (int(row), int(column), float(distance[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if distance[row, column] <= NEAR_M
    ]
