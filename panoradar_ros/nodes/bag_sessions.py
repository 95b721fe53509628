"""Record and replay from start to end: what ``panoradar record`` and ``panoradar replay`` do."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from tqdm import tqdm

from panoradar_ros.bags import BagReader
from panoradar_ros.nodes.recorder import DEFAULT_TOPICS, Recorder
from panoradar_ros.nodes.replayer import Replayer
from panoradar_ros.recording import RecordingReport


@dataclass(frozen=True)
class ReplayReport:
    """What was played.

    Attributes:
        path: The bag.
        counts: Messages published, by topic name in the bag.
        passes: Times the bag was played to its end.
        backward_count: Messages whose time, in the bag or in their header, lay before an earlier
            one's on the same topic.
        duration_s: Wall-clock seconds it took.
    """

    path: Path
    counts: Mapping[str, int]
    passes: int
    backward_count: int
    duration_s: float


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` on SIGINT and SIGTERM while inside, so that work ends in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def record(
    output: Path | str,
    topics: Iterable[str] = DEFAULT_TOPICS,
    *,
    duration_s: float | None = None,
    namespace: str = "",
    stop: threading.Event | None = None,
    progress: bool = True,
    started: Callable[[Recorder], None] = lambda recorder: None,
) -> RecordingReport:
    """Record topics until a time has passed, ``stop`` is set, or SIGINT or SIGTERM comes.

    Args:
        output: Bag to make.
        topics: Names relative to ``namespace``.
        duration_s: Seconds from the first message, or None for no limit.
        namespace: Of the robot.
        stop: Ends the recording when set.
        progress: Show a progress bar.
        started: Called with the recorder before it spins.

    Returns:
        What was recorded and what was dropped; its path is None when no message came.

    Raises:
        BagError: If the bag cannot be made or written.
        ValueError: If ``duration_s`` is not positive.
    """
    if duration_s is not None and not duration_s > 0:
        raise ValueError(f"duration_s must be positive, got {duration_s}")
    stop = stop or threading.Event()
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    try:
        with stop_on_signals(stop):
            recorder = Recorder(output, topics, namespace=namespace, context=context)
            executor = SingleThreadedExecutor(context=context)
            executor.add_node(recorder)
            try:
                started(recorder)
                _spin(recorder, executor, stop, duration_s, progress)
            finally:
                report = recorder.finish()
                executor.shutdown()
                recorder.destroy_node()
            return report
    finally:
        rclpy.try_shutdown(context=context)


def _spin(
    recorder: Recorder,
    executor: SingleThreadedExecutor,
    stop: threading.Event,
    duration_s: float | None,
    progress: bool,
) -> None:
    bar = tqdm(
        total=duration_s,
        unit="s",
        desc="recording",
        disable=None if progress else True,
        leave=False,
    )
    first_s: float | None = None
    with bar:
        while not stop.is_set() and recorder.error is None:
            try:
                executor.spin_once(timeout_sec=0.1)
            except ExternalShutdownException:
                return
            if recorder.written == 0:
                waited_for = ", ".join(recorder.waiting_for) or "messages"
                bar.set_postfix_str(f"waiting for {waited_for}", refresh=False)
                bar.update(0)
                continue
            now_s = time.monotonic()
            first_s = now_s if first_s is None else first_s
            elapsed_s = now_s - first_s
            if duration_s is not None and elapsed_s >= duration_s:
                return
            bar.set_postfix_str(f"{recorder.written} messages", refresh=False)
            bar.update(round(elapsed_s, 1) - bar.n)


def replay(
    path: Path | str,
    *,
    topics: Iterable[str] | None = None,
    needed: Iterable[str] = (),
    rate: float | None = 1.0,
    loop: bool = False,
    clock: bool = False,
    renamed: Mapping[str, str] | None = None,
    subscriber_wait_s: float = 10.0,
    stop: threading.Event | None = None,
    may_send: Callable[[Replayer], bool] = lambda replayer: True,
    progress: bool = True,
) -> ReplayReport:
    """Play a bag to topics until its end, ``stop``, SIGINT or SIGTERM.

    Args:
        path: The bag.
        topics: Full names in the bag to play, or None for all that have messages.
        needed: Topics that must be in the bag and that must have a subscriber before it starts.
        rate: Bag seconds per second; None for as fast as reliable subscribers take delivery.
        loop: Play again and again. Each pass starts anew, as ``ros2 bag play --loop`` does: the
            time stamps, and the clock, begin again at the bag's start.
        clock: Publish ``/clock``.
        renamed: Topic names to use instead of those in the bag.
        subscriber_wait_s: Longest wait for a subscriber on each of ``needed``.
        stop: Ends the replay when set.
        may_send: Asked with the replayer before every message; while it is False playing waits.
        progress: Show a progress bar.

    Returns:
        What was played.

    Raises:
        BagError: If the bag is unreadable or lacks a topic; the message names what is missing and
            what is there.
        ValueError: If ``rate`` is not positive.
    """
    stop = stop or threading.Event()
    needed = tuple(needed)
    started_s = time.monotonic()
    with BagReader(path) as bag, stop_on_signals(stop):
        bag.require(needed)
        wanted = None if topics is None else list(dict.fromkeys([*topics, *needed]))
        context = rclpy.Context()
        rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
        try:
            replayer = Replayer(
                bag, wanted, rate=rate, clock=clock, renamed=renamed, context=context
            )
            try:
                passes = _play_passes(
                    replayer,
                    bag,
                    needed,
                    subscriber_wait_s,
                    loop,
                    stop,
                    partial(may_send, replayer),
                    progress,
                )
            finally:
                replayer.destroy_node()
        finally:
            rclpy.try_shutdown(context=context)
    return ReplayReport(
        path=Path(path),
        counts=dict(replayer.counts),
        passes=passes,
        backward_count=replayer.backward_count,
        duration_s=time.monotonic() - started_s,
    )


def _play_passes(
    replayer: Replayer,
    bag: BagReader,
    needed: tuple[str, ...],
    subscriber_wait_s: float,
    loop: bool,
    stop: threading.Event,
    may_send: Callable[[], bool],
    progress: bool,
) -> int:
    lonely = replayer.wait_for_subscribers(needed, subscriber_wait_s, stop)
    if lonely:
        replayer.get_logger().warning(f"nobody listens to {', '.join(lonely)}; playing anyway")
    passes = 0
    while not stop.is_set():
        bar = tqdm(
            total=round(bag.duration_s, 1),
            unit="s",
            desc=f"playing {bag.path.name}",
            disable=None if progress else True,
            leave=False,
        )

        def show(elapsed_s: float, bar: tqdm = bar) -> None:
            bar.update(round(elapsed_s, 1) - bar.n)

        with bar:
            passes += replayer.play(stop, may_send=may_send, progress=show)
        if not loop:
            break
    return passes
