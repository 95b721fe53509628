"""What adapting to a place gains, by minutes of its normal data, on simulated places of materials
that no network was trained with.

Of walls a place is one room behind one new wall: it is watched for the longest time and a little
more, of which the first minutes are adapted to and the rest is judged, beside the same times of the
same place with an anomaly. Of clothes it is a new fabric: one after another, people in it are
looked at, and then others are judged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from mmanomaly_ros.adaptation import Adaptation
from mmanomaly_ros.decision import WatchDecision
from mmanomaly_ros.learning.adaptation import (
    Expected,
    Trained,
    adapt,
    adapted_features,
    expected_run,
    fit_thresholds,
)
from mmanomaly_ros.learning.evaluation import outcome_of
from mmanomaly_ros.learning.samples import SceneSequence
from mmanomaly_ros.learning.scores import Outcome, balanced_f1, figures
from mmanomaly_ros.learning.simulated import FRAMES, Wanted
from mmanomaly_ros.spectrum import WATCH_WAVEFORM
from mmanomaly_ros.watch import CLOTHINGS, TASKS, watch_id
from mmwave.camera import Camera
from mmwave.simulation.watched_drawing import NEW_CLOTHES, draw_place

MATERIAL = {"weapon": "clothing", "intruder": "wall", "fall": "wall"}
_Sized = TypeVar("_Sized", bound=Sized)

_PER_MINUTE = round(60 / WATCH_WAVEFORM.frame_period_s)
_WINDOWS = 4
_GAP = 12
"""Frames between two windows that are judged."""
_BEFORE_FALL = 20


@dataclass(frozen=True)
class Site:
    """A place, or people in one fabric.

    Attributes:
        name: of its material.
        watch: its number.
        normal: sequences to adapt to, in order.
        judged: others, normal and anomalous.
    """

    name: str
    watch: int
    normal: list[SceneSequence]
    judged: list[SceneSequence]


def wanted_of(watch: str, seed: int, minutes: float) -> list[Wanted]:
    """What must be simulated of a site, the normal first.

    Of a wall that is two sequences. Of clothes many, those to adapt to before those to judge.

    Args:
        watch: its name.
        seed: of the place; of people in a fabric that of the first.
        minutes: to adapt to, at most.
    """
    if MATERIAL[watch] == "wall":
        window = FRAMES[watch] + _GAP
        frames = frames_in(minutes) + _WINDOWS * window
        return [Wanted(watch, seed, kind, "new_walls", frames) for kind in (False, True)]
    fabric = NEW_CLOTHES[seed % len(NEW_CLOTHES)]
    count = -(-frames_in(minutes) // FRAMES[watch])
    seeds = _worn(watch, fabric, seed * 1000, count + 3 * _WINDOWS)
    adapted = [Wanted(watch, one, False, "new_clothes", FRAMES[watch]) for one in seeds[:count]]
    judged = [
        Wanted(watch, one, kind, "new_clothes", FRAMES[watch])
        for one in seeds[count:]
        for kind in (False, True)
    ]
    return adapted + judged


def _worn(watch: str, fabric: str, first: int, count: int) -> list[int]:
    """Seeds of places in which somebody wears a fabric."""
    seeds: list[int] = []
    seed = first
    while len(seeds) < count:
        place = draw_place(watch, seed, False, 1.0, NEW_CLOTHES)
        if place.garment.name == fabric:
            seeds.append(seed)
        seed += 1
    return seeds


def site_of(watch: str, sequences: Sequence[SceneSequence], minutes: float) -> Site:
    """A site from what was simulated of it, see :func:`wanted_of`."""
    if MATERIAL[watch] == "wall":
        return _behind(watch, sequences, minutes)
    count = -(-frames_in(minutes) // FRAMES[watch])
    name = CLOTHINGS[sequences[0].clothing]
    return Site(name, watch_id(watch), list(sequences[:count]), list(sequences[count:]))


def _behind(watch: str, sequences: Sequence[SceneSequence], minutes: float) -> Site:
    normal, anomalous = sequences
    begin, size = frames_in(minutes), FRAMES[watch]
    starts = [begin + _GAP + number * (size + _GAP) for number in range(_WINDOWS)]
    judged = [part(normal, start, size) for start in starts]
    if watch == "fall":
        fallen = int(np.argmax(anomalous.anomalous))
        judged.append(part(anomalous, max(fallen - _BEFORE_FALL, 0), size))
    else:
        judged += [part(anomalous, start, size) for start in starts]
    adapted = [part(normal, 0, begin)] if begin else []
    return Site(str(normal.meta.get("wall", "wall")), normal.task, adapted, judged)


def part(sequence: SceneSequence, start: int, count: int) -> SceneSequence:
    """Some frames of a sequence."""
    names = ("spectra", "rgb", "depth_mm", "time_s", "anomalous", "position_m", "pose")
    frames = {name: getattr(sequence, name)[start : start + count] for name in names}
    return replace(sequence, name=f"{sequence.name} from {start}", **frames)


def frames_in(minutes: float) -> int:
    """So many frames are that long."""
    return round(minutes * _PER_MINUTE)


def first_frames(runs: Sequence[Sequence[Expected]], count: int) -> list[Sequence[Expected]]:
    """The first frames of all runs."""
    return [run[:some] for run, some in _shares(runs, count)]


def first_part(sequences: Sequence[SceneSequence], count: int) -> list[SceneSequence]:
    """The first frames of all sequences."""
    return [part(one, 0, some) for one, some in _shares(sequences, count)]


def _shares(runs: Sequence[_Sized], count: int) -> list[tuple[_Sized, int]]:
    """How much of each run is within the first frames of all of them; none with none."""
    before = np.cumsum([0, *(len(run) for run in runs)])
    taken = np.clip(count - before[:-1], 0, [len(run) for run in runs])
    return [(run, some) for run, some in zip(runs, taken.tolist(), strict=True) if some]


def judged_at(
    site: Site,
    trained: Trained,
    camera: Camera,
    minutes: Sequence[float],
    progress: Callable[..., Iterable[Any]] = tqdm,
) -> dict[tuple[float, str], list[Outcome]]:
    """What becomes of a site's sequences after some minutes of adaptation, by what is adapted.

    Scores are above the threshold, for thresholds of sites differ.

    Args:
        site: see there.
        trained: what adapts.
        camera: of the sequences.
        minutes: of normal data.
        progress: wraps what is looked at.
    """

    def expected(sequences: Sequence[SceneSequence]) -> list[list[Expected]]:
        return [
            expected_run(trained.expecter, one, camera, trained.range_bin_m, 0, lambda n, **_: n)
            for one in progress(sequences, desc=f"{TASKS[site.watch]}, {site.name}", unit="run")
        ]

    own, judged = expected(site.normal), expected(site.judged)
    result = {}
    for one in minutes:
        runs = first_frames(own, frames_in(one))
        for name, (adaptation, decision) in _adapted(runs, trained, site.watch).items():
            outcomes = []
            for run, sequence in zip(judged, site.judged, strict=True):
                features = adapted_features(
                    run, adaptation, trained.comparer, decision, site.watch, trained.range_bin_m
                )
                told = outcome_of(features, decision, sequence.anomalous)
                margin = told.score - decision.alarm.on_threshold
                outcomes.append(replace(told, score=margin))
            result[one, name] = outcomes
    return result


def _adapted(
    runs: Sequence[Sequence[Expected]], trained: Trained, watch: int
) -> dict[str, tuple[Adaptation, WatchDecision]]:
    """By what is adapted: what is expected and thresholds, or one of them."""
    none, before = Adaptation.none(), trained.decision
    if not runs:
        return {"both": (none, before)}
    adaptation, decision = adapt(runs, trained, watch)
    plain = [
        adapted_features(run, none, trained.comparer, before, watch, trained.range_bin_m)
        for run in runs
    ]
    return {
        "both": (adaptation, decision),
        "expectation": (adaptation, before),
        "thresholds": (none, fit_thresholds(before, plain, trained.spread)),
    }


def rows_of(
    sites: Sequence[Mapping[tuple[float, str], Sequence[Outcome]]],
) -> list[dict[str, Any]]:
    """One row for each number of minutes and what was adapted, over all sites.

    Args:
        sites: of :func:`judged_at`.

    Returns:
        ``minutes``, ``adapted``, and ``f1`` as it would be with as many normal sequences as
        anomalous ones, ``recall``, ``auroc``, ``false_alarms`` of ``normal`` sequences, and
        ``false_alarm_frame_share``.
    """
    rows = []
    for minutes, adapted in dict.fromkeys(key for site in sites for key in site):
        outcomes = [one for site in sites for one in site[minutes, adapted]]
        every = figures(outcomes)
        normal = every["sequences"] - every["anomalous"]
        false = every["false_alarms"] / normal if normal else float("nan")
        recall = every["recall"] if every["recall"] is not None else float("nan")
        value = balanced_f1(recall, false)
        rows.append(
            {
                "minutes": minutes,
                "adapted": adapted if minutes else "nothing",
                "f1": None if np.isnan(value) else round(value, 4),
                **{name: every[name] for name in ("recall", "auroc", "false_alarms")},
                "normal": normal,
                "anomalous": every["anomalous"],
                "false_alarm_frame_share": every["false_alarm_frame_share"],
            }
        )
    return rows
