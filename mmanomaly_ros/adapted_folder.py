"""A folder of models that were adapted to a place, one watch after the other."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmanomaly_ros.adaptation import ADAPTATION, Adaptation, read_adaptation, write_adaptations
from mmanomaly_ros.decision import Decision, WatchDecision
from mmanomaly_ros.models import DECISION
from mmwave.inference import ModelError

CARD = Path(DECISION).name
"""Tells in ``adapted`` which watches were, and to what."""


@dataclass(frozen=True)
class Adapted:
    """One watch at a place.

    Attributes:
        decision: how it decides there.
        adaptation: what is to be expected there.
        told: of both, for the card.
    """

    decision: WatchDecision
    adaptation: Adaptation
    told: Mapping[str, Any]


def read_adapted(folder: Path, decision: Decision, denoiser_sha256: str) -> dict[str, Adapted]:
    """What a folder holds already, by the watch's name.

    Args:
        folder: need not be there.
        decision: that of the networks that are adapted.
        denoiser_sha256: of these networks.

    Raises:
        ModelError: the folder was made of others, or is damaged.
    """
    if not (folder / CARD).exists():
        return {}
    try:
        older = Decision.read(folder / CARD)
        about = dict(older.about)
        rows = about.pop("adapted", {})
        if about != decision.about or _others(older, rows) != _others(decision, rows):
            raise ModelError("it was made of other networks or thresholds")
        return {
            name: _read(folder, older, name, denoiser_sha256)
            for name in older.watches
            if name in rows
        }
    except ModelError as error:
        raise ModelError(
            f"{folder} cannot be added to: {error}; give another folder, or delete this one"
        ) from error


def _others(decision: Decision, names: Collection[str]) -> dict[str, Any]:
    """How all other watches decide."""
    return {name: one.as_json() for name, one in decision.watches.items() if name not in names}


def _read(folder: Path, decision: Decision, name: str, denoiser_sha256: str) -> Adapted:
    adaptation = read_adaptation(folder / ADAPTATION, name, denoiser_sha256)
    if adaptation is None:
        raise ModelError(f"{ADAPTATION} is not of {name}")
    rows = decision.about["adapted"]
    # older cards tell once for all watches what they were adapted to
    told = {"to": rows.get("to"), **rows[name]}
    return Adapted(decision.watches[name], adaptation, told)


def write_adapted(
    folder: Path, decision: Decision, adapted: Mapping[str, Adapted], denoiser_sha256: str
) -> None:
    """Write all that is of the place.

    Args:
        folder: must be there.
        decision: that of the networks that were adapted.
        adapted: by the watch's name; all others decide as before.
        denoiser_sha256: of the networks.

    Raises:
        OSError: a file cannot be written; what was there before stays.
    """
    # the card comes last: it is what tells the node to look for the other file
    adaptations = {name: one.adaptation for name, one in adapted.items()}
    write_adaptations(folder / ADAPTATION, adaptations, denoiser_sha256)
    watches = {**decision.watches, **{name: one.decision for name, one in adapted.items()}}
    about = {**decision.about, "adapted": {name: one.told for name, one in adapted.items()}}
    Decision(watches, about).write(folder / CARD)
