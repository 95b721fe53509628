"""What the demo of two radars is scored on is taken in the executor's thread."""

from itertools import count, islice

import pytest
from visualization_msgs.msg import Marker, MarkerArray

from mmwave.ros.messages import to_header
from mmwave.ros.process import NodeProcess
from rexo_ros.nodes.watcher import WatcherNode


@pytest.mark.timeout(60)
def test_it_is_taken_while_the_executor_inserts():
    with NodeProcess() as process:
        watcher = process.add(WatcherNode)
        numbers = count()

        def insert():
            for number in islice(numbers, 50):
                empty = Marker(header=to_header(number, ""), action=Marker.DELETEALL)
                watcher._take_tracks(MarkerArray(markers=[empty]))

        process.call(lambda: watcher.create_timer(0.001, insert))
        frames = []
        while not frames or frames[-1] < 10_000:
            seen = process.copied(watcher.seen)
            frames.append(len(sorted(seen.tracks)))
            assert frames[-1] == len(seen.arrival_s) == len(seen.latency_s)
    assert frames == sorted(frames)
