"""What alarms are worth: sequences right and wrong, places, and how sure such figures are.

A sequence is anomalous if it ever is, and alarmed if the alarm was ever on while it was. Only
frames with a score count, those before the decision's window is full do not. False alarms are
counted in normal sequences alone: frames before a fall are normal, but what is said of them is left
out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

CONFIDENCE = 0.95
_DRAWS = 4000

Scores = Sequence[float] | NDArray[np.floating]


@dataclass(frozen=True)
class Outcome:
    """What became of one sequence.

    Attributes:
        anomalous: it ever was.
        alarmed: the alarm was ever on; of an anomalous sequence, while it was anomalous.
        score: the highest, of an anomalous sequence while it was; NaN if there is none.
        frames: with a score.
        alarm_frames: of these, in which the alarm was on.
        above_frames: of these, whose score was above the threshold, whatever the alarm made of it.
        place_error_m: from the surest place told to the true one, median over frames in alarm with
            an anomaly; NaN without such frames.
        range_error_m: likewise, of the distance from the radar alone: a radar whose line is upright
            does not tell the side.
        groups: what it is told apart by, name and value.
    """

    anomalous: bool
    alarmed: bool
    score: float
    frames: int
    alarm_frames: int = 0
    above_frames: int = 0
    place_error_m: float = float("nan")
    range_error_m: float = float("nan")
    groups: Mapping[str, str] = field(default_factory=dict)


def figures(outcomes: Sequence[Outcome], seed: int = 0) -> dict[str, Any]:
    """All figures of one watch; None where nothing could be counted.

    Args:
        outcomes: of all sequences.
        seed: of the draws of intervals.

    Returns:
        ``f1``, ``precision``, ``recall``, ``auroc``; ``misses`` and ``false_alarms`` in sequences;
        ``false_alarm_frames`` of ``normal_frames`` in normal sequences, with their share; how far
        the places told of true positives are off, ``localisation_median_m``,
        ``localisation_p90_m`` and ``range_median_m``, medians over frames first and sequences
        then; and 95 % intervals: Wilson's of shares, of F1 that of draws of as many sequences of
        either kind.
    """
    normal = [one for one in outcomes if not one.anomalous]
    positive = [one for one in outcomes if one.anomalous]
    hits, false = sum(one.alarmed for one in positive), sum(one.alarmed for one in normal)
    frames = sum(one.frames for one in normal)
    alarmed = sum(one.alarm_frames for one in normal)
    found = [one for one in positive if one.alarmed and np.isfinite(one.place_error_m)]
    errors = np.array([one.place_error_m for one in found])
    return {
        "sequences": len(outcomes),
        "anomalous": len(positive),
        "f1": _rounded(f1(hits, len(positive), false)),
        "f1_95": f1_interval(hits, len(positive), false, len(normal), seed),
        "precision": _rounded(_share(hits, hits + false)),
        "recall": _rounded(_share(hits, len(positive))),
        "recall_95": wilson(hits, len(positive)),
        "auroc": _rounded(
            auroc([one.score for one in normal], [one.score for one in positive])
        ),
        "misses": len(positive) - hits,
        "false_alarms": false,
        "false_alarms_95": wilson(false, len(normal)),
        "normal_frames": frames,
        "false_alarm_frames": alarmed,
        "false_alarm_frame_share": _rounded(_share(alarmed, frames), 5),
        "above_threshold_frames": sum(one.above_frames for one in normal),
        "localised": len(errors),
        "localisation_median_m": _rounded(float(np.median(errors))) if len(errors) else None,
        "localisation_p90_m": _rounded(float(np.quantile(errors, 0.9))) if len(errors) else None,
        "range_median_m": median_of([one.range_error_m for one in found]),
    }  # fmt: skip


def short(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures that variants are compared by."""
    every = figures(outcomes)
    return {name: every[name] for name in ("f1", "precision", "recall", "auroc", "false_alarms")}


def by_group(outcomes: Sequence[Outcome]) -> dict[str, dict[str, dict[str, Any]]]:
    """Recall and false alarms by everything that sequences are told apart by.

    Returns:
        By name and value of the group: ``anomalous`` sequences, ``recall`` and its interval,
        ``normal`` ones and ``false_alarms``, and ``localisation_median_m``.
    """
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for name in dict.fromkeys(name for one in outcomes for name in one.groups):
        values = sorted({one.groups[name] for one in outcomes if name in one.groups})
        result[name] = {
            value: _of_group([one for one in outcomes if one.groups.get(name) == value])
            for value in values
        }
    return result


def _of_group(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    every = figures(outcomes)
    wanted = ("anomalous", "recall", "recall_95", "false_alarms", "localisation_median_m", "f1")
    normal = every["sequences"] - every["anomalous"]
    return {"normal": normal, **{name: every[name] for name in wanted}}


def f1(hits: int, anomalous: int, false_alarms: int) -> float:
    """2 hits / (2 hits + false alarms + misses); NaN without anomalous sequences."""
    return 2 * hits / (hits + false_alarms + anomalous) if anomalous else float("nan")


def balanced_f1(recall: float, false_alarm_share: float) -> float:
    """F1 as it would be with as many normal as anomalous sequences."""
    return 2 * recall / (1 + recall + false_alarm_share)


def f1_interval(
    hits: int, anomalous: int, false_alarms: int, normal: int, seed: int = 0
) -> list[float] | None:
    """Where F1 lies in 95 % of draws of as many sequences from these (Efron 1979).

    Draws with replacement of sequences that are right or wrong are draws of two binomial numbers.
    """
    if not anomalous:
        return None
    generator = np.random.default_rng(seed)
    drawn_hits = generator.binomial(anomalous, hits / anomalous, _DRAWS)
    drawn_false = generator.binomial(normal, false_alarms / max(normal, 1), _DRAWS)
    values = 2 * drawn_hits / (drawn_hits + drawn_false + anomalous)
    tail = (1 - CONFIDENCE) / 2
    return [round(float(one), 4) for one in np.quantile(values, [tail, 1 - tail])]


def wilson(count: int, total: int) -> list[float] | None:
    """95 % interval of a share (Wilson 1927); None of none."""
    if not total:
        return None
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    share = count / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return [round(max(float(middle - half), 0.0), 4), round(min(float(middle + half), 1.0), 4)]


def auroc(normal: Scores, anomalous: Scores) -> float:
    """Chance that an anomalous sequence has the higher score (Mann and Whitney 1947).

    Those without a score have the lowest; ties count half. NaN without sequences of both kinds.
    """
    if not (len(normal) and len(anomalous)):
        return float("nan")
    scores = np.array([*normal, *anomalous], np.float64)
    ranks = rankdata(np.where(np.isnan(scores), -np.inf, scores))
    positive = len(anomalous)
    above = ranks[len(normal) :].sum() - positive * (positive + 1) / 2
    return float(above / (positive * len(normal)))


def roc(
    normal: Sequence[float], anomalous: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of alarms among normal and among anomalous sequences, from no alarm to all of them.

    Raises:
        ValueError: there are not sequences of both kinds.
    """
    if not (len(normal) and len(anomalous)):
        raise ValueError("a curve needs normal and anomalous sequences")
    low, high = (
        np.where(np.isnan(one), -np.inf, one)
        for one in (np.asarray(normal, np.float64), np.asarray(anomalous, np.float64))
    )
    levels = np.unique(np.concatenate([low, high]))[::-1]
    levels = np.concatenate([[np.inf], levels])
    false, right = ((one >= levels[:, None]).mean(axis=1) for one in (low, high))
    return false, right


def median_of(values: Sequence[float], digits: int = 4) -> float | None:
    """Median of what is a number; None of none."""
    known = [one for one in values if np.isfinite(one)]
    return round(float(np.median(known)), digits) if known else None


def counted(
    pairs: Sequence[tuple[int, int]], knows: Sequence[bool]
) -> dict[str, int | float | None]:
    """How often a classifier is right.

    Args:
        pairs: what it said and what is true, -1 where there is nothing to tell.
        knows: by class, whether it was trained on it.

    Returns:
        ``accuracy`` over the ``frames`` of classes that it knows, and how many are ``unknown`` to
        it, which it cannot get right.
    """
    told = [(said, truth) for said, truth in pairs if truth >= 0]
    known = [(said, truth) for said, truth in told if knows[truth]]
    right = sum(said == truth for said, truth in known)
    return {
        "accuracy": _rounded(_share(right, len(known))),
        "frames": len(known),
        "unknown": len(told) - len(known),
    }


def _share(count: float, total: float) -> float:
    return count / total if total else float("nan")


def _rounded(value: float, digits: int = 4) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
