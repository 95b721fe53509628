"""Write messages to a bag behind the back of whoever receives them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from panoradar_ros.bags import BagError, BagWriter, TopicQuality

DEFAULT_QUEUE_BYTES = 256 * 2**20


class ReceiveClock:
    """Receive times that never go back: wall clock at the start, monotonic clock from then on.

    A recorder stamps with these, so that the order of a bag is the order of arrival even when the
    computer's clock is set while recording. Times are strictly increasing.

    Args:
        wall_ns: Wall clock, UNIX epoch nanoseconds.
        monotonic_ns: Monotonic clock, nanoseconds.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._offset_ns = wall_ns() - monotonic_ns()
        self._last_ns = -1
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Now, UNIX epoch nanoseconds."""
        with self._lock:
            self._last_ns = max(self._last_ns + 1, self._offset_ns + self._monotonic_ns())
            return self._last_ns


@dataclass(frozen=True)
class RecordingReport:
    """What became of a recording.

    Attributes:
        path: The bag, or None when nothing was received and so none was made.
        counts: Messages written, by topic.
        dropped: Messages that the disk was too slow for, by topic; topics without are left out.
        size_bytes: Serialised bytes written.
        duration_s: From the first to the last message.
    """

    path: Path | None
    counts: Mapping[str, int]
    dropped: Mapping[str, int]
    size_bytes: int
    duration_s: float


class BackgroundBagWriter:
    """A bag writer with a bounded queue and a thread, so that no receiver waits for a disk.

    When the queue is full, new messages are dropped and counted: the memory stays bounded and what
    is written stays in order.

    Args:
        path: Bag to make.
        queue_bytes: Bytes of messages that may wait for the disk.

    Raises:
        BagError: If the bag cannot be made.
        ValueError: If ``queue_bytes`` is not positive.
    """

    def __init__(self, path: Path | str, queue_bytes: int = DEFAULT_QUEUE_BYTES) -> None:
        if queue_bytes <= 0:
            raise ValueError(f"queue_bytes must be positive, got {queue_bytes}")
        self._bag = BagWriter(path)
        self._queue_bytes = queue_bytes
        self._queue: deque[Callable[[], None]] = deque()
        self._waiting_bytes = 0
        self._size_bytes = 0
        self._first_ns: int | None = None
        self._last_ns = 0
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._error: BagError | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="bag-writer", daemon=True)
        self._thread.start()

    @property
    def error(self) -> BagError | None:
        """What ended the writing early, if anything did."""
        return self._error

    @property
    def written(self) -> int:
        """Messages written until now."""
        return self._bag.message_count

    def add_topic(self, topic: str, message_type: str, quality: TopicQuality | None = None) -> None:
        """Declare a topic; see :meth:`panoradar_ros.bags.BagWriter.add_topic`."""
        self._append(0, lambda: self._bag.add_topic(topic, message_type, quality))

    def put(self, topic: str, time_ns: int, data: bytes) -> bool:
        """Queue a message.

        Args:
            topic: A declared topic.
            time_ns: Receive time, UNIX epoch nanoseconds.
            data: CDR bytes.

        Returns:
            False when it was dropped because the queue is full or writing has ended.
        """

        def write() -> None:
            self._bag.write(topic, time_ns, data)
            self._counts[topic] += 1
            self._size_bytes += len(data)
            self._first_ns = time_ns if self._first_ns is None else self._first_ns
            self._last_ns = time_ns

        kept = self._append(len(data), write)
        if not kept:
            with self._changed:
                self._dropped[topic] += 1
        return kept

    def _append(self, size_bytes: int, action: Callable[[], None]) -> bool:
        def run() -> None:
            try:
                action()
            finally:
                with self._changed:
                    self._waiting_bytes -= size_bytes

        with self._changed:
            # one message larger than the whole queue may still pass alone
            full = self._waiting_bytes + size_bytes > self._queue_bytes and self._waiting_bytes > 0
            if self._closing or self._error is not None or (size_bytes > 0 and full):
                return False
            self._waiting_bytes += size_bytes
            self._queue.append(run)
            self._changed.notify()
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                action = self._queue.popleft()
            try:
                action()
            except BagError as error:
                with self._changed:
                    self._error = error
                    self._queue.clear()
                return

    def close(self) -> RecordingReport:
        """Write what waits, finish the bag and say what became of it.

        Raises:
            BagError: If writing failed; what was written until then is kept where the disk allows.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._bag.close()
        if self._error is not None:
            raise self._error
        first_ns = self._last_ns if self._first_ns is None else self._first_ns
        return RecordingReport(
            path=self._bag.path if self._counts else None,
            counts=dict(self._counts),
            dropped=dict(self._dropped),
            size_bytes=self._size_bytes,
            duration_s=(self._last_ns - first_ns) * 1e-9,
        )
