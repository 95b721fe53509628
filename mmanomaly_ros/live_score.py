"""What a live alarm is worth against what was really there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

NORMAL, ANOMALY, UNKNOWN = "normal", "anomaly", "unknown"


@dataclass(frozen=True)
class Told:
    """What was told of one frame.

    Attributes:
        state: normal, anomaly or unknown.
        position_m: (n, 2) right and depth of the places told, the surest first.
    """

    state: str
    position_m: NDArray[np.float64]


@dataclass(frozen=True)
class LiveScore:
    """Figures over all frames.

    Attributes:
        frames: that were judged.
        unknown: share of those of which nothing was told.
        alarmed: share of frames with an anomaly, and something told, in which there was an alarm.
        false_alarmed: the same of frames without one.
        alarm_after_s: from the beginning of an anomaly to its first alarm, median.
        place_median_m: in alarms of an anomaly, from it to the surest place told.
        range_median_m: the same of ranges alone, for a radar that does not tell the side.
    """

    frames: int
    unknown: float
    alarmed: float
    false_alarmed: float
    alarm_after_s: float
    place_median_m: float
    range_median_m: float


def score_live(
    told: Mapping[int, Told],
    truth: Mapping[int, NDArray[np.floating]],
    apart_ns: int,
    settling_s: float = 1.0,
) -> LiveScore:
    """Hold alarms against the truth.

    Args:
        told: by the frame's stamp in ns.
        truth: (n, 2) places of what is not normal, none where everything is; by stamps of its own.
        apart_ns: frames without a truth as near in time are not judged.
        settling_s: an alarm needs some frames to come and to go: as long after the truth changed,
            frames count neither as missed nor as false.
    """
    times = np.array(sorted(truth), np.int64)
    there = np.array([len(truth[int(at)]) > 0 for at in times], bool)
    starts = _changes(times, there)
    alarms: dict[bool, list[bool]] = {True: [], False: []}
    frames = unknown = 0
    errors: list[NDArray[np.float64]] = []
    for stamp, one in sorted(told.items()):
        if not len(times):
            break
        nearest = int(np.abs(times - stamp).argmin())
        if abs(int(times[nearest]) - stamp) > apart_ns:
            continue
        frames += 1
        unknown += one.state == UNKNOWN
        anomalous = bool(there[nearest])
        alarm = one.state == ANOMALY
        if alarm and anomalous and len(one.position_m):
            places = np.asarray(truth[int(times[nearest])])
            errors.append(_off_m(one.position_m[0], places))
        since_s = min((1e-9 * (stamp - at) for at in starts if at <= stamp), default=np.inf)
        if one.state != UNKNOWN and since_s >= settling_s:
            alarms[anomalous].append(alarm)
    delays = _delays(told, times, there)
    return LiveScore(
        frames,
        unknown / frames if frames else float("nan"),
        _mean(alarms[True]),
        _mean(alarms[False]),
        float(np.median(delays)) if delays else float("nan"),
        *(np.median(errors, axis=0).tolist() if errors else (float("nan"), float("nan"))),
    )


def _off_m(place_m: NDArray[np.floating], places_m: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2,) from a place (2,) to the nearest of others (n, 2), and the difference of the ranges."""
    apart = np.linalg.norm(places_m - place_m, axis=1)
    nearest = places_m[apart.argmin()]
    return np.array([apart.min(), abs(np.hypot(*nearest) - np.hypot(*place_m))])


def _changes(times: NDArray[np.int64], there: NDArray[np.bool_]) -> list[int]:
    """When it became, or was no more, normal."""
    changed = np.flatnonzero(there[1:] != there[:-1]) + 1
    return [int(times[at]) for at in changed]


def _delays(
    told: Mapping[int, Told], times: NDArray[np.int64], there: NDArray[np.bool_]
) -> list[float]:
    """From the beginning of every anomaly, that was seen to begin, to its first alarm in s."""
    changes = _changes(times, there)
    found = []
    for begin, end in pairwise([*changes, np.iinfo(np.int64).max]):
        if not there[int(np.searchsorted(times, begin))]:
            continue
        first = [at for at, one in told.items() if begin <= at < end and one.state == ANOMALY]
        if first:
            found.append(1e-9 * (min(first) - begin))
    return found


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
