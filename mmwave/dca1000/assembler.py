"""Packets in any order -> frames with a byte-exact record of what is missing.

The byte count of a packet says where its samples belong, so nothing that is lost can shift what
follows. Frames stay open for a while, so that late packets still find their place::

    closed (handed out)      | open: f        | open: f + 1    | f + 2
    ... too late, or again   | late packets   | head           | the first byte here closes f

A frame is handed out as soon as it is complete and the ones before it are gone, when data of the
frame after next arrives, or when the caller sees silence and calls :meth:`FrameAssembler.flush`.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmwave.dca1000.packets import HEADER_BYTES, MAX_PAYLOAD_BYTES, PacketBatch, parse_headers
from mmwave.dca1000.spans import Span, SpanSet


@dataclass(frozen=True)
class RawFrame:
    """One frame as it was on the wire.

    Attributes:
        stream: counts the restarts before this frame.
        index: number of the frame in its stream.
        payload: uint8, shape (byte,). Bytes inside the gaps are void.
        gaps: byte ranges [start, stop) that never came, sorted.
        packet_end: int64, shape (packet,). For each packet that ended in this frame, the bytes from
            the frame's start to its end.
        arrival_ns: int64, shape (packet,). When each of those arrived.
    """

    stream: int
    index: int
    payload: NDArray[np.uint8]
    gaps: tuple[Span, ...]
    packet_end: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]

    @property
    def lost_bytes(self) -> int:
        """How many bytes are missing."""
        return sum(stop - start for start, stop in self.gaps)

    def valid_rows(self, row_bytes: int) -> NDArray[np.bool_]:
        """Which rows of ``row_bytes`` are free of gaps, shape (row,).

        Raises:
            ValueError: the frame is no whole number of rows.
        """
        if len(self.payload) % row_bytes:
            raise ValueError(f"{len(self.payload)} B are no whole number of rows of {row_bytes} B")
        valid = np.ones(len(self.payload) // row_bytes, bool)
        for start, stop in self.gaps:
            valid[start // row_bytes : -(-stop // row_bytes)] = False
        return valid


@dataclass
class _OpenFrame:
    payload: NDArray[np.uint8]
    received: SpanSet = field(default_factory=SpanSet)
    packet_end: list[NDArray[np.int64]] = field(default_factory=list)
    arrival_ns: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    """Packets of one batch that follow each other without a gap; all but the last are full."""

    rows: NDArray[np.uint8]
    sequence: int
    start: int
    ends: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]

    @property
    def stop(self) -> int:
        return int(self.ends[-1])

    def split(self, head: int) -> "list[_Run]":
        """Packets that end before ``head`` one by one, the others together."""
        old = int(np.searchsorted(self.ends, head, side="right"))
        cuts = [*range(old + 1), len(self.ends)] if old < len(self.ends) else [*range(old + 1)]
        return [self] if old == 0 else [self._part(*cut) for cut in pairwise(cuts)]

    def _part(self, first: int, last: int) -> "_Run":
        return _Run(
            rows=self.rows[first:last],
            sequence=self.sequence + first,
            start=self.start + first * MAX_PAYLOAD_BYTES,
            ends=self.ends[first:last],
            arrival_ns=self.arrival_ns[first:last],
        )

    def copy(self, start: int, stop: int, out: NDArray[np.uint8]) -> None:
        """Copy stream bytes [start, stop) of this run to ``out``."""
        row, offset = divmod(start - self.start, MAX_PAYLOAD_BYTES)
        size, position = stop - start, 0
        if offset:
            position = min(MAX_PAYLOAD_BYTES - offset, size)
            first = HEADER_BYTES + offset
            out[:position] = self.rows[row, first : first + position]
            row += 1
        full = (size - position) // MAX_PAYLOAD_BYTES
        if full:
            end = position + full * MAX_PAYLOAD_BYTES
            target = out[position:end].reshape(full, MAX_PAYLOAD_BYTES)
            target[:] = self.rows[row : row + full, HEADER_BYTES : HEADER_BYTES + MAX_PAYLOAD_BYTES]
            position, row = end, row + full
        if position < size:
            out[position:] = self.rows[row, HEADER_BYTES : HEADER_BYTES + size - position]


class FrameAssembler:
    """Puts packets in any order together to frames.

    A device that restarts begins to count from zero again. Packet 1 after more than
    ``reorder_packets`` is a restart at once; if packet 1 was lost, three packets in a row from
    where no late packet can come from are. Those two that came before the third are not used, so no
    sample of one stream is ever put into another.

    Args:
        frame_bytes: size of a frame on the wire.
        device_address: IPv4 address of the device as a number; packets from other addresses are
            ignored. None takes all.
        reorder_packets: a packet that comes later than this many others is suspicious.
        max_gap_frames: more lost frames in a row than this are a new stream, not a gap.

    Raises:
        ValueError: a size is not positive or a frame has an odd number of bytes.
    """

    _RESTART_EVIDENCE = 3
    _CLOSED_FRAMES = 2  # this far behind the newest byte every frame is closed
    _YOUNG_FRAMES = 6

    def __init__(
        self,
        frame_bytes: int,
        *,
        device_address: int | None = None,
        reorder_packets: int = 128,
        max_gap_frames: int = 400,
    ) -> None:
        if frame_bytes <= 0 or frame_bytes % 2:
            raise ValueError(f"frame_bytes must be positive and even, got {frame_bytes}")
        if reorder_packets <= 0 or max_gap_frames <= 0:
            raise ValueError(
                "reorder_packets and max_gap_frames must be positive, "
                f"got {reorder_packets} and {max_gap_frames}"
            )
        self.frame_bytes = frame_bytes
        self._device_address = device_address
        self._reorder_bytes = reorder_packets * MAX_PAYLOAD_BYTES
        self._max_gap_bytes = max_gap_frames * frame_bytes
        self._empty = np.zeros(frame_bytes, np.uint8)
        self._empty.flags.writeable = False
        self.stream = 0
        self.counts = dict.fromkeys(
            (
                *("packets", "received_bytes", "frames", "incomplete_frames", "lost_bytes"),
                *("late", "too_late", "duplicate", "malformed", "foreign", "restarts"),
            ),
            0,
        )
        self._forget_stream()

    def _forget_stream(self) -> None:
        self._open: dict[int, _OpenFrame] = {}
        self._closed: deque[tuple[int, SpanSet]] = deque(maxlen=8)
        self._base: int | None = None  # the oldest frame that is not handed out
        self._head = 0  # end of the newest byte
        self._suspects = 0  # suspicious packets in a row, the first at _suspect_start
        self._suspect_start = 0

    def push(self, batch: PacketBatch) -> list[RawFrame]:
        """Take packets in; return the frames that this finishes, in order."""
        frames: list[RawFrame] = []
        for run in self._runs(batch):
            frames += self._take(run)
        return frames

    def flush(self) -> list[RawFrame]:
        """Hand out every open frame as it is, because nothing more is expected for them."""
        if self._base is None:
            return []
        return self._close_before(-(-self._head // self.frame_bytes))

    def restart(self) -> list[RawFrame]:
        """Hand out the open frames and expect a new stream, as after restarting the device."""
        frames = self.flush()
        if self._base is not None:
            self.stream += 1
        self._forget_stream()
        return frames

    def _runs(self, batch: PacketBatch) -> list[_Run]:
        if not len(batch):
            return []
        headers = parse_headers(batch)
        if self._device_address is None:
            ours = np.ones(len(batch), bool)
        else:
            ours = batch.source == self._device_address
        usable = np.flatnonzero(ours & headers.well_formed)
        self.counts["foreign"] += len(batch) - int(np.count_nonzero(ours))
        self.counts["malformed"] += int(np.count_nonzero(ours & ~headers.well_formed))
        if not len(usable):
            return []
        start = headers.start[usable]
        size = headers.payload_bytes[usable]
        end = start + size
        follows = (
            (start[1:] == end[:-1]) & (size[:-1] == MAX_PAYLOAD_BYTES) & (np.diff(usable) == 1)
        )
        edges = [0, *(np.flatnonzero(~follows) + 1).tolist(), len(usable)]
        return [
            _Run(
                rows=batch.data[usable[first] : usable[last - 1] + 1],
                sequence=int(headers.sequence[usable[first]]),
                start=int(start[first]),
                ends=end[first:last],
                arrival_ns=batch.arrival_ns[usable[first] : usable[last - 1] + 1],
            )
            for first, last in pairwise(edges)
        ]

    def _take(self, run: _Run) -> list[RawFrame]:
        frames: list[RawFrame] = []
        if self._base is not None and self._is_suspicious(run):
            if not self._is_restart(run):
                self._count_run(run, used=0, in_order=False)
                return []
            self.counts["restarts"] += 1
            frames = self.restart()
        if self._base is None:
            # near its beginning a stream begins with frame 0, whichever packet came first
            near = run.start <= self._reorder_bytes
            self._base = 0 if near else run.start // self.frame_bytes
            self._head = run.start
        self._suspects = 0
        for part in run.split(self._head):
            frames += self._place(part)
        return frames

    def _is_suspicious(self, run: _Run) -> bool:
        """Whether this may be another stream: never placed, lest samples of two streams mix.

        A new stream counts from zero. Once the old one is some frames long, that is far behind
        every open frame; while it is young, anything later than the reorder window may be the new
        stream's.
        """
        if run.start > self._head + self._max_gap_bytes:
            return True
        if run.start >= self._head - self._reorder_bytes:
            return False
        if self._head < self._YOUNG_FRAMES * self.frame_bytes:
            return True
        return run.start < self._head - self._CLOSED_FRAMES * self.frame_bytes

    def _is_restart(self, run: _Run) -> bool:
        """Whether a suspicious run, with those just before it, is the beginning of a new stream."""
        if run.sequence == 1 and run.start == 0:
            return True
        if not self._suspects or abs(run.start - self._suspect_start) > self.frame_bytes:
            self._suspects = 0
            self._suspect_start = run.start
        self._suspects += len(run.ends)
        return self._suspects >= self._RESTART_EVIDENCE

    def _place(self, run: _Run) -> list[RawFrame]:
        """Copy a run into its frames, frame by frame, closing frames on the way."""
        frames: list[RawFrame] = []
        in_order = run.start >= self._head
        used = 0
        size = self.frame_bytes
        for index in range(run.start // size, (run.stop - 1) // size + 1):
            low, high = max(run.start, index * size), min(run.stop, (index + 1) * size)
            if self._base is not None and index < self._base:
                continue
            frames += self._close_before(index - 1)
            used += self._place_in_frame(run, index, low, high)
            self._head = max(self._head, high)
            frames += self._close_complete()
        self._head = max(self._head, run.stop)
        self._count_run(run, used, in_order)
        return frames

    def _place_in_frame(self, run: _Run, index: int, low: int, high: int) -> int:
        frame = self._open.get(index)
        if frame is None:
            frame = self._open[index] = _OpenFrame(np.empty(self.frame_bytes, np.uint8))
        base = index * self.frame_bytes
        used = 0
        for start, stop in frame.received.missing(low - base, high - base):
            run.copy(start + base, stop + base, frame.payload[start:stop])
            frame.received.add(start, stop)
            used += stop - start
        if used:
            first, last = np.searchsorted(run.ends, (low, high), side="right")
            frame.packet_end.append(run.ends[first:last] - base)
            frame.arrival_ns.append(run.arrival_ns[first:last].copy())
        return used

    def _count_run(self, run: _Run, used: int, in_order: bool) -> None:
        counts = self.counts
        counts["received_bytes"] += used
        packets = len(run.ends)
        if used:
            counts["packets"] += packets
            counts["late"] += 0 if in_order else packets
        elif self._received_before(run.start, run.stop):
            counts["duplicate"] += packets
        else:
            counts["too_late"] += packets

    def _received_before(self, start: int, stop: int) -> bool:
        index = start // self.frame_bytes
        base = index * self.frame_bytes
        stop = min(stop - base, self.frame_bytes)
        if index in self._open:
            return self._open[index].received.covers(start - base, stop)
        return any(
            closed == index and received.covers(start - base, stop)
            for closed, received in self._closed
        )

    def _close_complete(self) -> list[RawFrame]:
        frames: list[RawFrame] = []
        while self._base is not None and self._base in self._open:
            received = self._open[self._base].received
            if received.starts != [0] or received.stops != [self.frame_bytes]:
                break
            frames.append(self._close_base(self._base))
        return frames

    def _close_before(self, index: int) -> list[RawFrame]:
        frames: list[RawFrame] = []
        while self._base is not None and self._base < index:
            frames.append(self._close_base(self._base))
        return frames

    def _close_base(self, index: int) -> RawFrame:
        frame = self._open.pop(index, None)
        self._base = index + 1
        if frame is None:
            nothing = np.empty(0, np.int64)
            gaps: tuple[Span, ...] = ((0, self.frame_bytes),)
            raw = RawFrame(self.stream, index, self._empty, gaps, nothing, nothing)
        else:
            gaps = tuple(frame.received.missing(0, self.frame_bytes))
            self._closed.append((index, frame.received))
            raw = RawFrame(
                stream=self.stream,
                index=index,
                payload=frame.payload,
                gaps=gaps,
                packet_end=np.concatenate(frame.packet_end or [np.empty(0, np.int64)]),
                arrival_ns=np.concatenate(frame.arrival_ns or [np.empty(0, np.int64)]),
            )
        self.counts["frames"] += 1
        self.counts["incomplete_frames"] += bool(gaps)
        self.counts["lost_bytes"] += raw.lost_bytes
        return raw
