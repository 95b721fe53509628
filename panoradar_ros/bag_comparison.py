"""Do two bags hold the same messages, bit for bit?

CDR aligns numbers, and Fast CDR leaves the gaps as it finds them: two serialisations of the same
message may differ in bytes that mean nothing. Messages are therefore compared by their values,
written out again with empty gaps; whether the bytes as stored are the same is told beside it.

Source: OMG DDS-XTypes 1.3, section 7.4 (alignment in CDR; the content of padding is unspecified).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from panoradar_ros.bags import BagReader, jazzy_types


@dataclass(frozen=True)
class TopicComparison:
    """How one topic of two bags compares.

    Attributes:
        topic: Full name.
        count_a: Messages in the first bag.
        count_b: Messages in the second bag.
        first_difference: Index of the first message with another value in any field, or that one
            bag lacks; None where there is no difference. 0 where neither bag has the topic: nothing
            was compared, so nothing is the same.
        bytes_identical: The bytes as stored are the same too, gaps included.
    """

    topic: str
    count_a: int
    count_b: int
    first_difference: int | None
    bytes_identical: bool

    @property
    def identical(self) -> bool:
        """Both bags have the same messages in the same order on this topic."""
        return self.first_difference is None


@dataclass(frozen=True)
class _Digest:
    stored: bytes
    values: bytes


def compare_bags(
    path_a: Path | str, path_b: Path | str, topics: Iterable[str] | None = None
) -> dict[str, TopicComparison]:
    """Compare the messages of two bags, topic by topic; receive times do not count.

    Args:
        path_a: First bag.
        path_b: Second bag.
        topics: Full names; by default every topic that either bag has.

    Returns:
        One comparison per topic.

    Raises:
        BagError: If a bag cannot be read.
    """
    wanted = None if topics is None else set(topics)
    digests_a, digests_b = _digests(path_a, wanted), _digests(path_b, wanted)
    names = sorted(wanted if wanted is not None else digests_a.keys() | digests_b.keys())
    return {
        name: _compare(name, digests_a.get(name, []), digests_b.get(name, [])) for name in names
    }


def _digests(path: Path | str, topics: set[str] | None) -> dict[str, list[_Digest]]:
    digests: dict[str, list[_Digest]] = {}
    with BagReader(path) as bag:
        for message in bag.messages(topics):
            values = jazzy_types().serialize_cdr(bag.decode(message), message.message_type)
            digests.setdefault(message.topic, []).append(
                _Digest(stored=_hash(message.data), values=_hash(values))
            )
    return digests


def _hash(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _compare(topic: str, digests_a: list[_Digest], digests_b: list[_Digest]) -> TopicComparison:
    shared = min(len(digests_a), len(digests_b))
    difference = next(
        (i for i in range(shared) if digests_a[i].values != digests_b[i].values), None
    )
    if difference is None and (shared == 0 or len(digests_a) != len(digests_b)):
        difference = shared
    return TopicComparison(
        topic=topic,
        count_a=len(digests_a),
        count_b=len(digests_b),
        first_difference=difference,
        bytes_identical=shared > 0 and digests_a == digests_b,
    )
