"""``panoradar demo --system mmanomaly``: an emulated radar and camera watch a simulated place."""

import argparse
import json
import os
import re
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from mmanomaly_ros.watch import TASKS
from panoradar_ros.commands.children import ChildProcess
from panoradar_ros.commands.demo_options import OPTIONS, known
from panoradar_ros.commands.progress import progress
from panoradar_ros.ports import free_udp_ports

START_TIMEOUT_S = 240.0
HOST, DEVICE = "127.0.0.1", "127.0.0.6"
SCENE_SECONDS = {"weapon": 12.0, "intruder": 12.0, "fall": 24.0}
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "dark": {"camera_dark": True},
    "no-depth": {"no_depth": True},
    "holes": {"depth_holes": 0.7},
    "moved": {"camera_turn_deg": 6.0},
    "late": {"camera_delay_s": 1.0},
    "clock": {"camera_clock_s": 1.0},
}
OWN = OPTIONS["mmanomaly"]
TRUTH_APART_NS = 60_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this system alone."""
    group = parser.add_argument_group("--system mmanomaly")
    group.add_argument(
        "--watch", choices=TASKS, default=OWN["watch"], help="watched for (intruder)"
    )
    group.add_argument("--normal", action="store_true", help="nothing that is watched for happens")
    group.add_argument(
        "--scene-seconds",
        type=float,
        help="simulated, played round and round; what is watched for comes in the middle (12, of "
        "a fall 24)",
    )
    group.add_argument(
        "--draws", type=int, default=OWN["draws"], help="spectra expected a frame (4)"
    )
    group.add_argument(
        "--draw-steps", type=int, default=OWN["draw_steps"], help="from noise to a spectrum (4)"
    )
    group.add_argument("--models", type=Path, help="folder of ONNX files (those installed)")
    group.add_argument(
        "--show-colour", action="store_true", help="colour images are shown and drawn too"
    )
    group.add_argument(
        "--camera-fault",
        choices=FAULTS,
        default=OWN["camera_fault"],
        help="wrong with the camera (none)",
    )


def run(arguments: argparse.Namespace, viewer: str) -> int:
    """Start emulator, capture node and anomaly node, watch, report.

    Args:
        arguments: of the command.
        viewer: mode of the viewer.
    """
    _check(arguments)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panoradar-")))
        ports = free_udp_ports(2, (HOST, DEVICE))
        emulator = stack.enter_context(ChildProcess(_emulator(arguments, folder, ports)))
        _wait_for(folder, emulator)
        if viewer != "off":
            words = {"mode": viewer, "web_port": arguments.viewer_port, "grpc_port": 0}
            stack.enter_context(ChildProcess(_node("anomaly_viewer", words)))
        report, pictures = _watch(arguments, folder, ports, emulator)
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        for name, picture in pictures.items():
            cv2.imwrite(str(arguments.output / f"{name}.png"), picture)
    print(json.dumps(report) if arguments.json else _table(report))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what a node would refuse later, after a minute of simulation."""
    limits = {"seed": (0, 2**31 - 1), "draws": (0, 64), "draw_steps": (1, 100)}
    for name, (low, high) in limits.items():
        value = getattr(arguments, name)
        if not low <= value <= high:
            raise ValueError(
                f"--{name.replace('_', '-')} must be from {low} to {high}, got {value}"
            )
    if arguments.scene_seconds is None:
        arguments.scene_seconds = SCENE_SECONDS[arguments.watch]
    if not 1 <= arguments.scene_seconds <= 120:
        raise ValueError(f"--scene-seconds must be from 1 to 120, got {arguments.scene_seconds}")
    if arguments.models is not None and not arguments.models.is_dir():
        raise ValueError(f"--models {arguments.models} is no folder")
    from mmanomaly_ros.models import paths_of

    for path in paths_of(arguments.models).values():
        if not path.exists():
            raise ValueError(f"there is no {path}: --models takes what export and decide wrote")
    if arguments.output is not None and not (
        arguments.output.is_dir() or not arguments.output.exists()
    ):
        raise ValueError(f"--output {arguments.output} is no folder")


def _emulator(arguments: argparse.Namespace, folder: Path, ports: tuple[int, ...]) -> list[str]:
    values = {
        "watch": arguments.watch,
        "seed": arguments.seed,
        "anomalous": str(not arguments.normal).lower(),
        "seconds": float(arguments.scene_seconds),
        "loss": float(arguments.loss),
        "port_folder": folder,
        "device_address": DEVICE,
        "control_port": ports[0],
        "data_port": ports[1],
        # beginning while it is watched: a camera that was always elsewhere is not noticed
        "camera_fault_after_s": 5.0,
        **{
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in FAULTS[arguments.camera_fault].items()
        },
    }
    return _node("emulator", values, ["--log-level", "warn"] if arguments.json else [])


def _node(name: str, values: dict[str, Any], more: list[str] | None = None) -> list[str]:
    """Arguments of Python that run a node of this system and bring it up."""
    pairs = {"autostart": "true", **values}.items()
    words = [word for name, value in pairs for word in ("-p", f"{name}:={value}")]
    return ["-m", f"mmanomaly_ros.nodes.{name}", "--ros-args", *(more or []), *words]


def _wait_for(folder: Path, emulator: ChildProcess) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not (folder / "watch").exists():
        if not emulator.alive or time.monotonic() > deadline_s:
            raise RuntimeError("the emulator did not start; its messages above say why")
        time.sleep(0.05)


def _watch(
    arguments: argparse.Namespace, folder: Path, ports: tuple[int, ...], emulator: ChildProcess
) -> tuple[dict[str, Any], dict[str, Any]]:
    from rclpy.parameter import Parameter

    from mmanomaly_ros.nodes.anomaly import AnomalyNode
    from mmanomaly_ros.nodes.watcher import WatcherNode
    from mmanomaly_ros.spectrum import WATCH_WAVEFORM
    from mmwave.resources import share_path
    from mmwave.ros.node import bring_up
    from mmwave.ros.process import NodeProcess, use_transport_profile
    from panoradar_ros.nodes.capture import CaptureNode
    from panoradar_ros.nodes.capture_parameters import WAVEFORM_FIELDS

    def parameters(**values: Any) -> list[Parameter]:
        return [Parameter(name, value=value) for name, value in values.items()]

    use_transport_profile(share_path("config/fastdds.xml"))
    command = ["--ros-args", "--log-level", "warn"] if arguments.json else []
    with NodeProcess(command) as process:
        watcher = process.add(WatcherNode)
        assert isinstance(watcher, WatcherNode)
        anomaly = process.add(
            AnomalyNode,
            parameter_overrides=parameters(
                watch=arguments.watch,
                draws=arguments.draws,
                draw_steps=arguments.draw_steps,
                models=str(arguments.models.absolute()) if arguments.models else "",
                keep_rgb_private=not arguments.show_colour,
            ),
        )
        capture = process.add(
            CaptureNode,
            namespace="watch",
            parameter_overrides=parameters(
                serial_port=str(folder / "watch"),
                host_address=HOST,
                device_address=DEVICE,
                control_port=ports[0],
                data_port=ports[1],
                **{name: getattr(WATCH_WAVEFORM, name) for name in WAVEFORM_FIELDS},
            ),
        )
        for node in (watcher, anomaly, capture):
            if not process.call(partial(bring_up, node)):
                raise RuntimeError(f"{node.get_name()} did not start; its message above says why")
        # with a fault nothing may ever be compared
        began = watcher.compared if arguments.camera_fault == "none" else watcher.told
        if not began.wait(START_TIMEOUT_S):
            raise RuntimeError(
                f"no frame was judged in {START_TIMEOUT_S:.0f} s; try panoradar doctor"
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
            bar.set_postfix_str(watcher.seen.state)
    wall_s = time.monotonic() - start_s
    cpu = (_busy_s(own) - busy_s) / wall_s / cores
    return {"start_s": start_s, "wall_s": wall_s, "cpu": cpu, "rss_mb": memory / 1e6}


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _report(
    arguments: argparse.Namespace, seen: Any, usage: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    from mmanomaly_ros.live_score import score_live
    from mmanomaly_ros.pictures import live_picture
    from mmanomaly_ros.watch import is_upright, watch_id

    first = sum(one < usage["start_s"] for one in seen.arrival_s)
    told = dict(list(seen.told().items())[first:])
    if not told:
        raise RuntimeError("nothing was told in the measured time")
    score = score_live(told, seen.truth, TRUTH_APART_NS)
    latency_ms = 1e3 * np.array(seen.latency_s[first:])
    node = seen.diagnostics.get("anomaly: watch", {})
    states = Counter(one.state for one in told.values())
    reasons = [words.partition(": ")[2] for at, words in seen.states.items() if at in told]
    report = {
        "system": "mmanomaly",
        "simulated": True,
        "watch": arguments.watch,
        "seconds": round(usage["wall_s"], 1),
        "frames_per_s": round(len(latency_ms) / usage["wall_s"], 2),
        "latency_ms_p50": round(float(np.median(latency_ms)), 1),
        "latency_ms_p95": round(float(np.quantile(latency_ms, 0.95)), 1),
        "frame_ms": known(float(node.get("frame_ms", "nan"))),
        "frames_skipped": int(node.get("frames_skipped", 0)),
        "states": {name: states[name] for name in ("normal", "anomaly", "unknown")},
        "reason": _commonest([one for one in reasons if one]),
        **{name: known(value) for name, value in asdict(score).items()},
        "cpu_fraction": round(usage["cpu"], 3),
        "rss_mb": round(usage["rss_mb"]),
        "draws": arguments.draws,
        "draw_steps": arguments.draw_steps,
    }
    upright = is_upright(watch_id(arguments.watch))
    names = {True: "anomaly_there", False: "nothing_there"}
    pictures = {names[one]: live_picture(seen.snapshot(one, upright)) for one in seen.snapshots}
    return report, pictures


def _commonest(reasons: list[str]) -> str:
    """The reason told most often, whatever the numbers in it; the last time it was told."""
    kinds = [re.sub(r"[\d.]+", "", one) for one in reasons]
    if not kinds:
        return ""
    kind = Counter(kinds).most_common(1)[0][0]
    return next(one for one in reversed(reasons) if re.sub(r"[\d.]+", "", one) == kind)


def _table(report: dict[str, Any]) -> str:
    def told(name: str, text: str) -> str:
        return "-" if report[name] is None else text.format(report[name])

    states = ", ".join(f"{count} {name}" for name, count in report["states"].items())
    lines = [
        f"Simulated watch for {report['watch']}, {report['seconds']} s: "
        f"{report['frames_per_s']} frames/s, {report['latency_ms_p50']} ms from a frame to what is "
        "said of it",
        f"  states             {states}" + (f" ({report['reason']})" if report["reason"] else ""),
        f"  alarm, if there    {told('alarmed', '{:.0%}')} of the frames with an anomaly, first "
        f"after {told('alarm_after_s', '{:.1f} s')}",
        f"  false alarms       {told('false_alarmed', '{:.1%}')} of the normal frames",
        f"  place, median      {told('place_median_m', '{:.2f} m')}, "
        f"range {told('range_median_m', '{:.2f} m')}",
        f"  left out           {report['frames_skipped']} frames"
        + (
            ", more than were judged: this computer is too slow, or busy"
            if report["frames_skipped"] > report["frames"]
            else ""
        ),
        f"  processor          {100 * report['cpu_fraction']:.0f} % of all cores, "
        f"{report['rss_mb']} MB",
    ]
    return "\n".join(lines)
