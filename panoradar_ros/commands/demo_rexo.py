"""``panoradar demo --system rexo``: two emulated radars find people in a simulated room, live."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from panoradar_ros.commands.children import ChildProcess
from panoradar_ros.commands.demo_options import known
from panoradar_ros.commands.progress import progress
from panoradar_ros.ports import free_udp_ports

START_TIMEOUT_S = 240.0
HOST = "127.0.0.1"
DEVICES = {"horizontal": "127.0.0.4", "vertical": "127.0.0.5"}
TRUTH_APART_NS = 60_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this system alone."""
    group = parser.add_argument_group("--system rexo")
    group.add_argument("--people", type=int, default=3, help="in the room (3)")
    group.add_argument("--session", type=int, default=0, help="day in the room (0)")
    group.add_argument(
        "--room-seconds",
        type=float,
        default=21.0,
        help="simulated, played round and round; people are back after 10.5 s (21)",
    )
    group.add_argument("--steps", type=int, default=1, help="from noise to people (1)")
    group.add_argument("--boxes", type=int, default=10, help="random boxes (10)")
    group.add_argument("--backbone-model", type=Path, help="ONNX file (the one that is installed)")
    group.add_argument("--step-model", type=Path, help="ONNX file (the one that is installed)")


def run(arguments: argparse.Namespace, viewer: str) -> int:
    """Start emulator, capture nodes and people node, watch, report.

    Args:
        arguments: of the command.
        viewer: mode of the viewer.
    """
    _check(arguments)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panoradar-")))
        ports = free_udp_ports(4, (HOST, *DEVICES.values()))
        emulator = stack.enter_context(ChildProcess(_emulator(arguments, folder, ports)))
        _wait_for(folder, emulator)
        if viewer != "off":
            words = {"mode": viewer, "web_port": arguments.viewer_port, "grpc_port": 0}
            stack.enter_context(ChildProcess(_node("people_viewer", words)))
        report, picture = _watch(arguments, folder, ports, emulator)
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        cv2.imwrite(str(arguments.output / "people.png"), picture)
    print(json.dumps(report) if arguments.json else _table(report))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what a node would refuse later, after a minute of simulation."""
    from rexo_ros.nodes.people_parameters import PARAMETERS

    for one in PARAMETERS:
        if one.name in ("boxes", "steps") and (
            problem := one.problem_with(getattr(arguments, one.name))
        ):
            raise ValueError(f"--{one.name}: {problem}")
    for name, limits in {"seed": (0, 2**31 - 1), "session": (0, 10_000), "people": (0, 5)}.items():
        value, (low, high) = getattr(arguments, name), limits
        if not low <= value <= high:
            raise ValueError(f"--{name} must be from {low} to {high}, got {value}")
    if not 1 <= arguments.room_seconds <= 60:
        raise ValueError(f"--room-seconds must be from 1 to 60, got {arguments.room_seconds}")
    for name in ("backbone_model", "step_model"):
        path = getattr(arguments, name)
        if path is not None and not path.is_file():
            raise ValueError(f"--{name.replace('_', '-')} {path} is no file")


def _emulator(arguments: argparse.Namespace, folder: Path, ports: tuple[int, ...]) -> list[str]:
    values = {
        "seed": arguments.seed,
        "session": arguments.session,
        "people": arguments.people,
        "seconds": float(arguments.room_seconds),
        "loss": float(arguments.loss),
        "port_folder": folder,
        **{
            f"{view}_{kind}_port": ports[2 * number + offset]
            for number, view in enumerate(DEVICES)
            for offset, kind in enumerate(("control", "data"))
        },
    }
    return _node("emulator", values, ["--log-level", "warn"] if arguments.json else [])


def _node(name: str, values: dict[str, Any], more: Sequence[str] = ()) -> list[str]:
    """Arguments of Python that run a node of this system and bring it up."""
    pairs = {"autostart": "true", **values}.items()
    words = [word for name, value in pairs for word in ("-p", f"{name}:={value}")]
    return ["-m", f"rexo_ros.nodes.{name}", "--ros-args", *more, *words]


def _wait_for(folder: Path, emulator: ChildProcess) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not all((folder / view).exists() for view in DEVICES):
        if not emulator.alive or time.monotonic() > deadline_s:
            raise RuntimeError("the emulator did not start; its messages above say why")
        time.sleep(0.05)


def _watch(
    arguments: argparse.Namespace, folder: Path, ports: tuple[int, ...], emulator: ChildProcess
) -> tuple[dict[str, Any], Any]:
    from rclpy.parameter import Parameter

    from mmwave.resources import share_path
    from mmwave.ros.node import bring_up
    from mmwave.ros.process import NodeProcess, use_transport_profile
    from panoradar_ros.nodes.capture import CaptureNode
    from panoradar_ros.nodes.capture_parameters import WAVEFORM_FIELDS
    from rexo_ros.heatmaps import ROOM_WAVEFORM
    from rexo_ros.nodes.people import PeopleNode
    from rexo_ros.nodes.watcher import WatcherNode

    def parameters(values: dict[str, Any]) -> list[Parameter]:
        return [Parameter(name, value=value) for name, value in values.items()]

    use_transport_profile(share_path("config/fastdds.xml"))
    command = ["--ros-args", "--log-level", "warn"] if arguments.json else []
    with NodeProcess(command) as process:
        watcher = process.add(WatcherNode)
        assert isinstance(watcher, WatcherNode)
        own: dict[str, Any] = {"boxes": arguments.boxes, "steps": arguments.steps}
        for name in ("backbone_model", "step_model"):
            if (path := getattr(arguments, name)) is not None:
                own[name] = str(path.absolute())
        people = process.add(PeopleNode, parameter_overrides=parameters(own))
        waveform = {name: getattr(ROOM_WAVEFORM, name) for name in WAVEFORM_FIELDS}
        radars = [
            process.add(
                CaptureNode,
                namespace=view,
                parameter_overrides=parameters(
                    {
                        "serial_port": str(folder / view),
                        "host_address": HOST,
                        "device_address": address,
                        "control_port": ports[2 * number],
                        "data_port": ports[2 * number + 1],
                        **waveform,
                    }
                ),
            )
            for number, (view, address) in enumerate(DEVICES.items())
        ]
        for node in (watcher, people, *radars):
            if not process.call(partial(bring_up, node)):
                raise RuntimeError(f"{node.get_name()} did not start; its message above says why")
        if not watcher.first.wait(START_TIMEOUT_S):
            raise RuntimeError(
                f"no frame was worked through in {START_TIMEOUT_S:.0f} s; try panoradar doctor"
            )
        usage = _measure(arguments, watcher, emulator)
        return _report(arguments, process.copied(watcher.seen), usage)


def _measure(arguments: argparse.Namespace, watcher: Any, emulator: ChildProcess) -> dict[str, Any]:
    own, cores = psutil.Process(), psutil.cpu_count() or 1
    start_s, busy_s = time.monotonic(), _busy_s(own)
    memory = 0
    with progress(total=round(arguments.seconds), unit="s", desc="watching", leave=False) as bar:
        while (elapsed_s := time.monotonic() - start_s) < arguments.seconds:
            time.sleep(min(1.0, arguments.seconds - elapsed_s))
            if not emulator.alive:
                raise RuntimeError("the emulator ended before the demo did")
            memory = max(memory, own.memory_info().rss + emulator.usage.memory_info().rss)
            bar.n = round(min(time.monotonic() - start_s, arguments.seconds))
            bar.set_postfix_str(f"{len(watcher.seen.arrival_s)} frames")
    wall_s = time.monotonic() - start_s
    cpu = (_busy_s(own) - busy_s) / wall_s / cores
    return {"start_s": start_s, "wall_s": wall_s, "cpu": cpu, "rss_mb": memory / 1e6}


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _report(
    arguments: argparse.Namespace, seen: Any, usage: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    from rexo_ros.live_score import score_live
    from rexo_ros.pictures import live_picture
    from rexo_ros.space import SPACES

    space = SPACES["room"]
    truth = {
        stamp: [one for one in there if _looked_at(one, space)]
        for stamp, there in seen.truth.items()
    }
    latest = max(seen.tracks)
    first = sum(one < usage["start_s"] for one in seen.arrival_s)
    measured = sorted(seen.tracks)[first:]
    tracks = {
        stamp: [one for one in seen.tracks[stamp] if _looked_at(one, space)] for stamp in measured
    }
    score = score_live(tracks, truth, TRUTH_APART_NS)
    latency_ms = 1e3 * np.array(seen.latency_s[first:])
    if not len(latency_ms):
        raise RuntimeError("no frame was worked through in the measured time")
    node = seen.diagnostics.get("people: people", {})
    report = {
        "system": "rexo",
        "simulated": True,
        "seconds": round(usage["wall_s"], 1),
        "frames_per_s": round(len(latency_ms) / usage["wall_s"], 2),
        "latency_ms_p50": round(float(np.median(latency_ms)), 1),
        "latency_ms_p95": round(float(np.quantile(latency_ms, 0.95)), 1),
        "frame_ms": known(float(node.get("frame_ms", "nan"))),
        **{name: known(value) for name, value in asdict(score).items()},
        "image_boxes": seen.image_boxes,
        "cpu_fraction": round(usage["cpu"], 3),
        "rss_mb": round(usage["rss_mb"]),
        "frames_with_both_radars": known(float(node.get("frames_with_all_radars", "nan"))),
        "steps": arguments.steps,
        "boxes": arguments.boxes,
    }
    nearest = min(truth, key=lambda stamp: abs(stamp - latest), default=None)
    there = truth[nearest] if nearest is not None else []
    return report, live_picture(seen.heatmaps, seen.tracks[latest], there, space)


def _looked_at(one: Any, space: Any) -> bool:
    """Whether the heatmaps show the place, and the radars look there."""
    right_m, ahead_m = -one.y_m, one.x_m
    inside = space.low_m[0] < right_m < space.high_m[0] and 0 < ahead_m < space.high_m[2]
    return bool(inside and abs(np.arctan2(right_m, ahead_m)) < np.deg2rad(40))


def _table(report: dict[str, Any]) -> str:
    def told(name: str, text: str) -> str:
        return "-" if report[name] is None else text.format(report[name])

    lines = [
        f"Simulated room, {report['seconds']} s: {report['frames_per_s']} frames/s, "
        f"{report['latency_ms_p50']} ms from a frame to its tracks",
        f"  people found       {told('found', '{:.0%}')} of {report['people']} in all frames, "
        "by a track within 0.5 m",
        f"  false tracks       {told('false_per_frame', '{:.2f}')} a frame, within 40 degrees of "
        "straight ahead",
        f"  place, median      {told('place_median_m', '{:.2f} m')}",
        f"  changes of number  {report['switches']}",
        f"  both radars there  {told('frames_with_both_radars', '{:.0%}')} of the frames",
        f"  processor          {100 * report['cpu_fraction']:.0f} % of all cores, "
        f"{report['rss_mb']} MB",
    ]
    return "\n".join(lines)
