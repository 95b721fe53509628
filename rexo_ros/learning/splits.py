"""Splits of sequences after MMVR's: P1 one person, P2 several; S1 by session, S2 by room.

MMVR's P1 is of open rooms and its P2 of cluttered ones, with one person and with several; simulated
rooms are all furnished, so that the two differ by people alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rexo_ros.learning.sequences import RoomSequence

PARTS = ("train", "val", "test")
SHARES = {"S1": (0.8, 0.1, 0.1), "S2": (0.5, 0.15, 0.35)}
"""Of training, validation and test: of the sequences, and of the rooms; roughly MMVR's own."""

NAMES = ("P1S1", "P1S2", "P2S1", "P2S2")


@dataclass(frozen=True)
class Split:
    """Numbers of sequences.

    Attributes:
        train: to learn from.
        val: to choose by.
        test: to judge by.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def part(self, name: str) -> tuple[int, ...]:
        """One of the three by its name.

        Raises:
            ValueError: there is no such part.
        """
        if name not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, got {name!r}")
        chosen: tuple[int, ...] = getattr(self, name)
        return chosen


def split(sequences: Sequence[RoomSequence], name: str, seed: int = 0) -> Split:
    """Divide sequences; the same way for the same seed.

    Args:
        sequences: of rooms and sessions.
        name: from NAMES. P1 takes the sequences with one person, P2 all others with anybody; S1
            divides them at random, S2 by room, so that no room is in two parts.
        seed: of the division.

    Raises:
        ValueError: there is no such split, a part would be empty, or S1 would judge in rooms that
            are not trained in.
    """
    if name not in NAMES:
        raise ValueError(f"split must be one of {', '.join(NAMES)}, got {name!r}")
    alone = name.startswith("P1")
    chosen = [
        number
        for number, one in enumerate(sequences)
        if (one.about["people"] == 1 if alone else one.about["people"] > 1)
    ]
    by_room = name.endswith("S2")
    rooms = [int(one.about["room"]) for one in sequences]
    units = sorted({rooms[number] if by_room else number for number in chosen})
    order = np.random.default_rng(seed).permutation(units).tolist()
    first, second, _ = SHARES[name[2:]]
    ends = round(first * len(order)), round((first + second) * len(order))
    groups = set(order[: ends[0]]), set(order[ends[0] : ends[1]]), set(order[ends[1] :])
    parts = [
        tuple(number for number in chosen if (rooms[number] if by_room else number) in group)
        for group in groups
    ]
    if not all(parts):
        raise ValueError(
            f"{len(chosen)} sequences of {len(units)} {'rooms' if by_room else 'sessions'} are too "
            f"few for split {name}: simulate more"
        )
    if not by_room and not {rooms[one] for one in parts[0]} & {rooms[one] for one in parts[2]}:
        raise ValueError(
            f"{name} judges other days in rooms that are trained in, but every room has a single "
            "such day: simulate rooms with --sessions 4 or more"
        )
    return Split(*parts)
