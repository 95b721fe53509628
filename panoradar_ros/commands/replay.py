"""``panoradar replay``: play a bag to topics, or image its raw data again."""

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from panoradar_ros.bag_contents import ANGLES, IMU, RAW, imu_topic, radar_topics
from panoradar_ros.bags import BagReader

RESULTS = ("velocity", "odom", "scan", "points")
FRAMES_AHEAD, ANGLES_AHEAD = 20, 40

LATEST_S = 0.5
"""A message that did not come in this time is lost."""
"""Messages that may be under way to the imaging node, fewer than any queue on the way holds."""

MATCH_TIMEOUT_S = 20.0
QUIET_S = 1.0
"""The recorder has everything when nothing new came for so long after the last turn was imaged."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="bag to play")
    parser.add_argument("--rate", type=float, default=1.0, help="bag seconds per second (1)")
    parser.add_argument("--loop", action="store_true", help="again and again until Ctrl-C")
    parser.add_argument("--clock", action="store_true", help="publish /clock")
    parser.add_argument(
        "--image",
        type=Path,
        metavar="BAG",
        help="run the imaging node on it, as fast as it goes, and record its topics into this bag",
    )
    parser.add_argument(
        "--params-file",
        type=Path,
        help="with --image: YAML with parameters of the imaging node, such as those of the drive",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Play, or image again."""
    from panoradar_ros.nodes.bag_sessions import replay

    if arguments.params_file and not arguments.image:
        raise ValueError("--params-file is for the imaging node: give --image too")
    if arguments.image:
        report = _image_again(arguments)
    else:
        report = replay(
            arguments.bag,
            rate=arguments.rate,
            loop=arguments.loop,
            clock=arguments.clock,
            progress=not arguments.json,
        )
    if arguments.json:
        print(json.dumps(asdict(report), default=str))
    else:
        print(f"{sum(report.counts.values())} messages in {report.duration_s:.1f} s")
    return 0


def _image_again(arguments: argparse.Namespace):
    """Feed the real imaging node from the bag at its own pace and record what it publishes."""
    if arguments.params_file and not arguments.params_file.is_file():
        raise FileNotFoundError(f"there is no parameter file {arguments.params_file}")
    with BagReader(arguments.bag) as bag:  # whatever namespace it was recorded in
        raw, angles = radar_topics(bag)
        bag.require([raw, angles])
        imu = imu_topic(bag)
    # a domain of its own: the robot's nodes must not hear the past
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    from mmwave.resources import share_path
    from mmwave.ros.node import bring_up
    from mmwave.ros.process import NodeProcess, use_transport_profile
    from panoradar_ros.nodes.bag_sessions import record, replay
    from panoradar_ros.nodes.imaging import ImagingNode
    from panoradar_ros.nodes.recorder import Recorder

    use_transport_profile(share_path("config/fastdds.xml"))

    stop = threading.Event()
    recorders: list[Recorder] = []
    with NodeProcess(_imaging_words(arguments.params_file)) as process, ThreadPoolExecutor(1) as io:
        imaging = process.add(ImagingNode)
        assert isinstance(imaging, ImagingNode)  # for the type checker: add() returns its base
        if not process.call(lambda: bring_up(imaging)):
            raise RuntimeError("the imaging node did not start; its message above says why")

        readings_of = imu if imaging.parameters["use_imu"] else None
        readings = _Arrivals()

        def keeps_up(replayer) -> bool:
            return (
                replayer.counts.get(raw, 0) - imaging.blocks_taken < FRAMES_AHEAD
                and replayer.counts.get(angles, 0) - imaging.angles_taken < ANGLES_AHEAD
                and readings.are_in(replayer.counts.get(readings_of, 0), imaging.readings_taken)
            )

        recording = io.submit(
            record,
            arguments.image,
            RESULTS,
            stop=stop,
            progress=False,
            started=recorders.append,
        )
        try:
            _wait(imaging.has_listeners, recording, "the nodes did not find each other")
            report = replay(
                arguments.bag,
                topics=() if imu is None else (imu,),
                needed=(raw, angles, *([readings_of] if readings_of else [])),
                rate=None,
                renamed={raw: RAW, angles: ANGLES, **({imu: IMU} if imu else {})},
                may_send=keeps_up,
                progress=not arguments.json,
            )
            _wait(
                lambda: imaging.blocks_taken >= report.counts[raw],
                recording,
                "the imaging node did not get all frames",
            )
            # a turn is published before its last frame counts as taken: all is on its way now
            wait_until_quiet(lambda: recorders[0].written, QUIET_S, MATCH_TIMEOUT_S)
        finally:
            stop.set()
        if recording.result().path is None:
            raise RuntimeError(
                f"{arguments.bag} gave no rotation, so there is no {arguments.image}; "
                "panoradar image says what is missing"
            )
    return report


class _Arrivals:
    """Messages of a best-effort topic: waited for, but not for ever."""

    def __init__(self) -> None:
        self._lost = 0
        self._since_s: float | None = None

    def are_in(self, sent: int, taken: int) -> bool:
        """Whether all that were sent were taken; those late for LATEST_S count as lost."""
        if sent - self._lost <= taken:
            self._since_s = None
            return True
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s > LATEST_S:
            self._lost = sent - taken
        return False


def _imaging_words(parameters: Path | None) -> list[str]:
    file = ["--params-file", str(parameters)] if parameters else []
    steady = ["-p", "imaging:frames_per_sector:=1"]  # behind the file, which it overrules
    return ["--ros-args", "--log-level", "warn", *file, *steady]


def _wait(condition: Callable[[], bool], recording: Future, problem: str) -> None:
    """Wait for a condition; an error of the recorder comes first."""
    deadline_s = time.monotonic() + MATCH_TIMEOUT_S
    while not condition():
        if recording.done():
            recording.result()
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{problem}; see panoradar doctor about discovery")
        time.sleep(0.02)


def wait_until_quiet(count: Callable[[], int], quiet_s: float, timeout_s: float) -> int:
    """Wait until a count has not grown for a while.

    Best-effort topics may lose messages, so there is no number to wait for.

    Args:
        count: asked again and again.
        quiet_s: for how long it must stay the same.
        timeout_s: longest wait.

    Returns:
        The count.

    Raises:
        RuntimeError: it still grows after ``timeout_s``.
    """
    now_s = time.monotonic()
    deadline_s, since_s, last = now_s + timeout_s, now_s, count()
    while now_s - since_s < quiet_s:
        if now_s > deadline_s:
            raise RuntimeError(
                f"messages still arrive {timeout_s:g} s after the last turn was imaged; "
                "does another imaging node publish?"
            )
        time.sleep(0.02)
        now_s = time.monotonic()
        current = count()
        if current != last:
            since_s, last = now_s, current
    return last
