"""Faults of the link between the DCA1000 and the computer: loss, reordering and so on, seeded."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000.packets import HEADER_BYTES, MAX_PACKET_BYTES

_FRACTIONS = ("loss", "reorder", "duplicate", "foreign", "truncated", "oversized")


@dataclass(frozen=True)
class LinkFaults:
    """What goes wrong on the way. Nothing by default.

    Attributes:
        loss: fraction of packets that are lost, each by itself.
        burst_packets: length of a burst of lost packets.
        burst_interval_s: time from one burst to the next; 0 for none.
        reorder: fraction of packets that come late.
        reorder_distance: most packets that overtake a late one.
        duplicate: fraction of packets that come twice.
        stall_start_s: stream time at which the link goes down.
        stall_duration_s: how long it stays down; 0 for never. The device counts on meanwhile.
        restart_at_s: stream time at which the device begins to count from the start again, with the
            next frame; 0 for never.
        foreign: packets from another address, as a fraction of the device's.
        truncated: fraction of packets that are cut at a random length.
        oversized: packets longer than the device can send, as a fraction of the device's.
        seed: seed of all random choices.

    Raises:
        ValueError: a fraction is outside 0 to 1, or a number is negative.
    """

    loss: float = 0.0
    burst_packets: int = 100
    burst_interval_s: float = 0.0
    reorder: float = 0.0
    reorder_distance: int = 16
    duplicate: float = 0.0
    stall_start_s: float = 0.0
    stall_duration_s: float = 0.0
    restart_at_s: float = 0.0
    foreign: float = 0.0
    truncated: float = 0.0
    oversized: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _FRACTIONS:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is a fraction from 0 to 1, got {value}")
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise ValueError(f"{field.name} must not be negative, got {value}")

    @property
    def harmless(self) -> bool:
        """Whether every packet goes out once, whole and in order."""
        return not any(
            getattr(self, name) for name in (*_FRACTIONS, "burst_interval_s", "stall_duration_s")
        )


@dataclass(frozen=True)
class InjectedFaults:
    """What was done to the stream since it was made.

    Attributes:
        packets: packets the device produced.
        payload_bytes: payload bytes the device produced.
        sent_packets: datagrams put on the wire, of all kinds.
        lost_packets: packets not sent, or cut so that they are useless.
        lost_bytes: payload bytes not sent.
        reordered: packets sent late.
        duplicated: packets sent twice.
        truncated: packets cut.
        foreign: packets sent from another address.
        oversized: packets longer than the device can send.
        bursts: bursts of loss.
        restarts: restarts of the device.
    """

    packets: int = 0
    payload_bytes: int = 0
    sent_packets: int = 0
    lost_packets: int = 0
    lost_bytes: int = 0
    reordered: int = 0
    duplicated: int = 0
    truncated: int = 0
    foreign: int = 0
    oversized: int = 0
    bursts: int = 0
    restarts: int = 0

    @property
    def lost_fraction(self) -> float:
        """Bytes not sent over bytes produced; 0 before the first."""
        return self.lost_bytes / self.payload_bytes if self.payload_bytes else 0.0


@dataclass(frozen=True)
class Outgoing:
    """Datagrams in the order in which they are sent.

    Attributes:
        packets: uint8, shape (packet, slot).
        length_bytes: int64, shape (packet,).
        due_s: float64, shape (packet,). Stream time at which each may be sent at the earliest,
            rising.
        foreign: bool, shape (packet,). Whether it comes from another address.
    """

    packets: NDArray[np.uint8]
    length_bytes: NDArray[np.int64]
    due_s: NDArray[np.float64]
    foreign: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.length_bytes)


class FaultInjector:
    """Applies :class:`LinkFaults` to packets, batch by batch; the same seed gives the same faults.

    Args:
        faults: what goes wrong.
        slot_bytes: room for a packet, more than the device's for the oversized ones.
    """

    def __init__(self, faults: LinkFaults, slot_bytes: int = 1536) -> None:
        self.faults = faults
        self.injected = InjectedFaults()
        self._slot_bytes = slot_bytes
        self._random = np.random.default_rng(faults.seed)
        self._next_burst_s = faults.burst_interval_s
        self._burst_left = 0
        self._held = self._nothing()
        self._held_key = np.empty(0)

    def count(self, **more: int) -> None:
        """Add to :attr:`injected`."""
        changed = {name: getattr(self.injected, name) + value for name, value in more.items()}
        self.injected = replace(self.injected, **changed)

    def apply(
        self, packets: NDArray[np.uint8], lengths: NDArray[np.int64], due_s: NDArray[np.float64]
    ) -> Outgoing:
        """What is sent instead of these packets.

        Args:
            packets: uint8, shape (packet, 1466), in the device's order.
            lengths: int64, shape (packet,), in bytes.
            due_s: stream time at which each is complete, shape (packet,), rising.
        """
        count = len(packets)
        self.count(packets=count, payload_bytes=int((lengths - HEADER_BYTES).sum()))
        if self.faults.harmless:
            self.count(sent_packets=count)
            return Outgoing(packets, lengths, due_s, np.zeros(count, bool))
        slots = np.zeros((count, self._slot_bytes), np.uint8)
        slots[:, : packets.shape[1]] = packets
        dropped = self._dropped(due_s)
        self.count(
            lost_packets=int(np.count_nonzero(dropped)),
            lost_bytes=int((lengths - HEADER_BYTES)[dropped].sum()),
        )
        lengths = self._truncate(lengths, ~dropped)
        keys = np.arange(count, dtype=np.float64)
        late = self._chosen(self.faults.reorder, count) & ~dropped
        keys[late] += self._delay(late)
        self.count(reordered=int(np.count_nonzero(late)))
        own = Outgoing(slots, lengths, due_s, np.zeros(count, bool))
        parts = [(self._held, self._held_key), (_take(own, ~dropped), keys[~dropped])]
        for extra in (self._duplicates, self._foreign, self._oversized):
            parts.append(extra(own, keys, dropped))
        return self._order(parts, count)

    def flush(self) -> Outgoing:
        """What is still under way."""
        held, self._held, self._held_key = self._held, self._nothing(), np.empty(0)
        self.count(sent_packets=len(held))
        return held

    def _nothing(self) -> Outgoing:
        return Outgoing(
            np.empty((0, self._slot_bytes), np.uint8),
            np.empty(0, np.int64),
            np.empty(0),
            np.empty(0, bool),
        )

    def _chosen(self, fraction: float, count: int) -> NDArray[np.bool_]:
        if fraction == 0:
            return np.zeros(count, bool)
        return self._random.random(count) < fraction

    def _delay(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        distance = self._random.integers(
            1, max(self.faults.reorder_distance, 1) + 1, np.count_nonzero(mask)
        )
        return distance.astype(np.float64) + 0.5

    def _dropped(self, due_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        faults = self.faults
        dropped = self._chosen(faults.loss, len(due_s))
        if faults.stall_duration_s > 0:
            stop_s = faults.stall_start_s + faults.stall_duration_s
            dropped |= (due_s >= faults.stall_start_s) & (due_s < stop_s)
        if faults.burst_interval_s > 0:
            for index, now_s in enumerate(due_s):
                if now_s >= self._next_burst_s:
                    self._next_burst_s += faults.burst_interval_s
                    self._burst_left = faults.burst_packets
                    self.count(bursts=1)
                if self._burst_left > 0:
                    self._burst_left -= 1
                    dropped[index] = True
        return dropped

    def _truncate(self, lengths: NDArray[np.int64], sent: NDArray[np.bool_]) -> NDArray[np.int64]:
        cut = self._chosen(self.faults.truncated, len(lengths)) & sent
        if not cut.any():
            return lengths
        kept = lengths.copy()
        kept[cut] = self._random.integers(0, lengths[cut])
        payload = kept - HEADER_BYTES
        useless = cut & ((payload <= 0) | (payload % 2 == 1))
        usable = np.where(useless, 0, payload)
        self.count(
            truncated=int(np.count_nonzero(cut)),
            lost_packets=int(np.count_nonzero(useless)),
            lost_bytes=int((lengths - HEADER_BYTES - usable)[cut].sum()),
        )
        return kept

    def _duplicates(
        self, own: Outgoing, keys: NDArray[np.float64], dropped: NDArray[np.bool_]
    ) -> tuple[Outgoing, NDArray[np.float64]]:
        twice = self._chosen(self.faults.duplicate, len(keys)) & ~dropped
        self.count(duplicated=int(np.count_nonzero(twice)))
        return _take(own, twice), keys[twice] + self._delay(twice)

    def _foreign(
        self, own: Outgoing, keys: NDArray[np.float64], dropped: NDArray[np.bool_]
    ) -> tuple[Outgoing, NDArray[np.float64]]:
        """Copies of real packets with other samples, so that only the address tells them apart."""
        chosen = self._chosen(self.faults.foreign, len(keys))
        self.count(foreign=int(np.count_nonzero(chosen)))
        packets = own.packets[chosen]
        packets[:, HEADER_BYTES:] ^= 0xFF
        lengths = np.full(len(packets), MAX_PACKET_BYTES, np.int64)
        foreign = np.ones(len(packets), bool)
        return Outgoing(packets, lengths, own.due_s[chosen], foreign), keys[chosen] - 0.25

    def _oversized(
        self, own: Outgoing, keys: NDArray[np.float64], dropped: NDArray[np.bool_]
    ) -> tuple[Outgoing, NDArray[np.float64]]:
        chosen = self._chosen(self.faults.oversized, len(keys))
        self.count(oversized=int(np.count_nonzero(chosen)))
        packets = own.packets[chosen]
        packets[:, HEADER_BYTES:] ^= 0xFF
        lengths = self._random.integers(MAX_PACKET_BYTES + 1, self._slot_bytes, len(packets))
        return (
            Outgoing(packets, lengths, own.due_s[chosen], np.zeros(len(packets), bool)),
            keys[chosen] - 0.25,
        )

    def _order(self, parts: list[tuple[Outgoing, NDArray[np.float64]]], count: int) -> Outgoing:
        """Sort by key; what belongs behind the last packet of this batch waits for the next one."""
        keys = np.concatenate([key for _, key in parts])
        everything = Outgoing(
            packets=np.concatenate([part.packets for part, _ in parts]),
            length_bytes=np.concatenate([part.length_bytes for part, _ in parts]),
            due_s=np.concatenate([part.due_s for part, _ in parts]),
            foreign=np.concatenate([part.foreign for part, _ in parts]),
        )
        order = np.argsort(keys, kind="stable")
        now = order[keys[order] < count]
        later = order[keys[order] >= count]
        self._held, self._held_key = _take(everything, later), keys[later] - count
        sent = _take(everything, now)
        self.count(sent_packets=len(sent))
        return replace(sent, due_s=np.maximum.accumulate(sent.due_s))


def _take(outgoing: Outgoing, which: NDArray) -> Outgoing:
    return Outgoing(
        outgoing.packets[which],
        outgoing.length_bytes[which],
        outgoing.due_s[which],
        outgoing.foreign[which],
    )
