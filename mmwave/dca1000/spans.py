"""Which bytes of a frame have come."""

from bisect import bisect_left

Span = tuple[int, int]


class SpanSet:
    """Disjoint, sorted ranges [start, stop) of received bytes; neighbours are merged."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.stops: list[int] = []

    def missing(self, start: int, stop: int) -> list[Span]:
        """The parts of [start, stop) that are not in the set."""
        if not self.stops or start >= self.stops[-1]:
            return [(start, stop)]
        found: list[Span] = []
        position = start
        index = bisect_left(self.stops, start + 1)
        while position < stop and index < len(self.starts):
            if self.starts[index] > position:
                found.append((position, min(self.starts[index], stop)))
            position = max(position, self.stops[index])
            index += 1
        if position < stop:
            found.append((position, stop))
        return found

    def add(self, start: int, stop: int) -> None:
        """Add [start, stop)."""
        if self.stops and self.stops[-1] == start:
            self.stops[-1] = stop
            return
        first = bisect_left(self.stops, start)
        last = first
        while last < len(self.starts) and self.starts[last] <= stop:
            start, stop = min(start, self.starts[last]), max(stop, self.stops[last])
            last += 1
        self.starts[first:last] = [start]
        self.stops[first:last] = [stop]

    def covers(self, start: int, stop: int) -> bool:
        """Whether all of [start, stop) is in the set."""
        return not self.missing(start, stop)
