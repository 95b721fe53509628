"""What the watcher saw can be told while more comes."""

from itertools import count, islice

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from mmanomaly_ros.nodes.watcher import Watched, WatcherNode
from mmanomaly_ros.pictures import Snapshot
from mmwave.ros.messages import to_header
from mmwave.ros.process import NodeProcess

NORMAL = [DiagnosticStatus(message="normal")]


def test_what_was_copied_grows_no_more():
    seen = Watched("normal", {1: "normal"}, {}, {2: np.zeros((0, 2))}, [0.1], [5.0])
    seen.snapshots[False] = (1, Snapshot("normal", True))
    with NodeProcess() as process:
        taken = process.copied(seen)
    seen.states[3], seen.truth[3] = "anomaly", np.ones((1, 2))
    seen.latency_s.append(0.2)
    seen.snapshots[True] = (3, Snapshot("anomaly", True))
    assert list(taken.told()) == [1]
    assert (taken.state, list(taken.truth), taken.latency_s) == ("normal", [2], [0.1])
    assert list(taken.snapshots) == [False]
    assert taken.snapshot(False, upright=True).upright


@pytest.mark.timeout(60)
def test_it_is_taken_while_the_executor_inserts():
    with NodeProcess() as process:
        watcher = process.add(WatcherNode)
        numbers = count()

        def insert():
            for number in islice(numbers, 50):
                watcher._take_state(DiagnosticArray(header=to_header(number, ""), status=NORMAL))

        process.call(lambda: watcher.create_timer(0.001, insert))
        frames = []
        while not frames or frames[-1] < 10_000:
            seen = process.copied(watcher.seen)
            frames.append(len(seen.told()))
            assert frames[-1] == len(seen.arrival_s) == len(seen.latency_s)
    assert frames == sorted(frames)
