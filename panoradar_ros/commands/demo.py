"""``panoradar demo``: an emulated radar drives through a simulated building, live."""

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import psutil

from panoradar_ros.commands import demo_mmanomaly, demo_rexo
from panoradar_ros.commands.children import ChildProcess, node_arguments, wait_for_emulator
from panoradar_ros.commands.demo_options import refuse_others
from panoradar_ros.commands.observing import ObserverProcess
from panoradar_ros.commands.progress import progress
from panoradar_ros.demo_report import (
    MAXIMUM_RANGE_M,
    DemoReport,
    LearnedScore,
    TruePath,
    motion_against_truth,
    scan_score,
)
from panoradar_ros.ports import free_udp_ports
from panoradar_ros.rolling_report import score_rolling, whole_scans

START_TIMEOUT_S = 60.0
HOST, DEVICE = "127.0.0.1", "127.0.0.2"
TURN_S = 0.5
RECORDER_SETTLING_S = 0.3
RECORDED = ("radar/raw", "joint_states", "velocity", "odom", "scan", "points")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--system",
        choices=("panoradar", "rexo", "mmanomaly"),
        default="panoradar",
        help="the rotating radar in a building, two fixed ones in a room, or a fixed one and a "
        "camera that watch (panoradar)",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="measured time (60)")
    parser.add_argument("--style", default="office", help="style of the building (office)")
    parser.add_argument("--seed", type=int, default=100, help="seed of building and drive (100)")
    parser.add_argument("--loss", type=float, default=0.0, help="share of packets lost (0)")
    parser.add_argument("--reorder", type=float, default=0.0, help="share of packets late (0)")
    parser.add_argument(
        "--viewer",
        choices=("auto", "native", "web", "off"),
        default="auto",
        help="auto: a window where there is a display, else a page on 127.0.0.1",
    )
    parser.add_argument("--viewer-port", type=int, default=9090, help="of the page (9090)")
    parser.add_argument("--headless", action="store_true", help="the same as --viewer off")
    parser.add_argument(
        "--listen-to",
        choices=("turns", "sectors", "both"),
        default="turns",
        help="which results are measured, and so made (turns)",
    )
    parser.add_argument(
        "--recognition", action="store_true", help="learned range images too, on learned/..."
    )
    parser.add_argument(
        "--semantic", action="store_true", help="classes, boxes and people too (and --recognition)"
    )
    for name in ("--range-model", "--semantic-model"):
        parser.add_argument(name, type=Path, help="ONNX file (the one that is installed)")
    parser.add_argument("--output", type=Path, help="folder for pictures and report.json")
    parser.add_argument("--record", type=Path, help="bag for raw data, angles and results")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    demo_rexo.add_arguments(parser)
    demo_mmanomaly.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prepare the drive, start emulator and stack, watch, report."""
    _check(arguments)
    refuse_others(arguments)
    if arguments.system == "rexo":
        return demo_rexo.run(arguments, _viewer_mode(arguments))
    if arguments.system == "mmanomaly":
        return demo_mmanomaly.run(arguments, _viewer_mode(arguments))
    arguments.recognition |= arguments.semantic
    started_s = psutil.Process().create_time()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    # the demo's own domain, so that it neither hears nor disturbs a robot on this machine
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    quiet = arguments.json
    recording = _prepare(arguments.style, arguments.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panoradar-")))
        ports = free_udp_ports(2, (HOST, DEVICE))
        command = _emulator(arguments, recording, folder, ports)
        emulator = stack.enter_context(ChildProcess(command))
        wait_for_emulator(folder, emulator, START_TIMEOUT_S)
        viewer = _viewer_mode(arguments)
        if viewer != "off":
            stack.enter_context(
                ChildProcess(
                    node_arguments(
                        "viewer",
                        mode=viewer,
                        web_port=arguments.viewer_port,
                        grpc_port=0,
                        learned=arguments.recognition,
                    )
                )
            )
        if arguments.record:
            command = [
                "-m",
                "panoradar_ros.cli",
                "record",
                str(arguments.record),
                "--json",
                "--topics",
            ]
            stack.enter_context(ChildProcess([*command, *RECORDED]))
        report, seen = _watch(arguments, folder, ports, emulator, started_s)
    if arguments.output:
        _write(arguments.output, report, seen)
    print(json.dumps(report.as_dict()) if quiet else report.as_table())
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not 2 < arguments.seconds < math.inf:
        raise ValueError(f"--seconds must be more than 2 and finite, got {arguments.seconds}")
    for name in ("loss", "reorder"):
        if not 0 <= getattr(arguments, name) < 1:
            raise ValueError(f"--{name} must be in [0, 1), got {getattr(arguments, name)}")
    if arguments.semantic_model and not arguments.semantic:
        raise ValueError("--semantic-model is of --semantic, which is not asked for")
    if arguments.range_model and not (arguments.recognition or arguments.semantic):
        raise ValueError("--range-model is of --recognition, which is not asked for")


def _prepare(style: str, seed: int) -> Path:
    """Simulate the drive ahead; it is kept for the next time."""
    from panoradar_ros.nodes.emulated_world import open_drive

    return open_drive("", style, seed, progress).folder


def _emulator(
    arguments: argparse.Namespace, recording: Path, folder: Path, ports: tuple[int, ...]
) -> list[str]:
    return node_arguments(
        "emulator",
        ["--log-level", "warn"] if arguments.json else None,
        recording=recording,
        port_folder=folder,
        control_port=ports[0],
        data_port=ports[1],
        loss=float(arguments.loss),
        reorder=float(arguments.reorder),
        fault_seed=arguments.seed,
    )


def _viewer_mode(arguments: argparse.Namespace) -> str:
    if arguments.headless:
        return "off"
    if arguments.viewer != "auto":
        return arguments.viewer
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return "native" if shown else "web"


def _watch(
    arguments: argparse.Namespace,
    folder: Path,
    ports: tuple[int, ...],
    emulator: ChildProcess,
    started_s: float,
) -> tuple[DemoReport, object]:
    """Run capture, motor and imaging in this process and measure them."""
    from mmwave.resources import share_path
    from mmwave.ros.process import NodeProcess, use_transport_profile
    from panoradar_ros.nodes.robot import nodes

    use_transport_profile(share_path("config/fastdds.xml"))
    settings: dict[str, dict[str, object]] = {
        "capture": {
            "serial_port": folder / "radar",
            "host_address": HOST,
            "device_address": DEVICE,
            "control_port": ports[0],
            "data_port": ports[1],
        },
        "motor": {"serial_port": folder / "stepper"},
    }
    if arguments.recognition:
        settings["recognition"] = {"semantic": str(arguments.semantic).lower()}
        for name in ("range_model", "semantic_model"):
            if path := getattr(arguments, name):
                settings["recognition"][name] = path.absolute()
    pairs = [f"{n}:{k}:={v}" for n, values in settings.items() for k, v in values.items()]
    command = ["--ros-args", *(word for pair in pairs for word in ("-p", pair))]
    if arguments.json:
        command += ["--log-level", "warn"]

    listening = {
        "to_turns": arguments.listen_to != "sectors",
        "to_sectors": arguments.listen_to != "turns",
        "to_learned": arguments.recognition,
        "to_names": arguments.semantic,
    }
    with ObserverProcess(**listening) as observer, NodeProcess(command) as process:
        for make in nodes(arguments.recognition):
            node = process.add(make)
            _start(process, node, wait_for_recorder=bool(arguments.record))
            if node.get_name() == "motor" and not observer.wait_for("at_speed", START_TIMEOUT_S):
                raise RuntimeError("the turntable did not reach its speed; see the messages above")
        if not observer.wait_for("first", START_TIMEOUT_S):
            why = f"a callback failed: {process.error}" if process.error else "try panoradar doctor"
            raise RuntimeError(f"no panorama within {START_TIMEOUT_S:.0f} s; {why}")
        if arguments.recognition and not observer.wait_for("learned", START_TIMEOUT_S):
            raise RuntimeError("no learned scan came; the messages above may say why")
        first_s = time.time() - started_s
        usage = _measure(observer, emulator, arguments)
        seen = observer.seen()
    # the nodes have stopped: scoring beside them makes a slow machine drop frames into the bag
    return _score(seen, usage, first_s, arguments), seen


def _start(process, node, wait_for_recorder: bool) -> None:
    """Configure and activate a node; nothing is published before the recorder listens."""
    from rclpy.lifecycle import TransitionCallbackReturn

    success = process.call(node.trigger_configure) == TransitionCallbackReturn.SUCCESS
    if success and wait_for_recorder:
        published = [topic for topic in RECORDED if node.count_publishers(topic)]
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not all(_is_recorded(node, topic) for topic in published):
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"the recorder does not listen to {', '.join(published)}")
            time.sleep(0.02)
        time.sleep(RECORDER_SETTLING_S)
    if not success or process.call(node.trigger_activate) != TransitionCallbackReturn.SUCCESS:
        raise RuntimeError(f"{node.get_name()} did not start; its message above says why")


def _is_recorded(node, topic: str) -> bool:
    listeners = node.get_subscriptions_info_by_topic(node.resolve_topic_name(topic))
    return any(listener.node_name == "recorder" for listener in listeners)


def _measure(
    observer: ObserverProcess, emulator: ChildProcess, arguments: argparse.Namespace
) -> dict[str, float]:
    """Let it run; watch processor and memory."""
    own = psutil.Process()
    cores = psutil.cpu_count() or 1
    start_s, busy_s, devices_s = time.monotonic(), _busy_s(own), _busy_s(emulator.usage)
    start_ns = time.time_ns()
    memory: list[int] = []
    bar = progress(
        total=round(arguments.seconds),
        unit="s",
        desc="driving",
        leave=False,
    )
    with bar:
        while (elapsed_s := time.monotonic() - start_s) < arguments.seconds:
            time.sleep(min(1.0, arguments.seconds - elapsed_s))
            if not emulator.alive:
                raise RuntimeError("the emulator ended before the demo did")
            memory.append(own.memory_info().rss + emulator.usage.memory_info().rss)
            turns = observer.turns
            bar.n = round(min(time.monotonic() - start_s, arguments.seconds))
            bar.set_postfix_str(f"{turns} rotations imaged")
    wall_s = time.monotonic() - start_s
    return {
        "start_s": start_s,
        "start_ns": start_ns,
        "wall_s": wall_s,
        "cpu": (_busy_s(own) - busy_s) / wall_s / cores,
        "cpu_emulator": (_busy_s(emulator.usage) - devices_s) / wall_s / cores,
        "rss_mb": max(memory) / 1e6,
        "growth_mb": (memory[-1] - memory[len(memory) // 2]) / 1e6,
    }


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _score(seen, usage: dict[str, float], first_s: float, arguments) -> DemoReport:
    path = TruePath(
        np.array([row[0] for row in seen.truth]), np.array([row[1:] for row in seen.truth])
    )
    motion = motion_against_truth(seen.velocity, TURN_S, path)
    scan = None
    if arguments.listen_to != "sectors":
        scan = scan_score(*_scans(seen.scans, path, arguments))
    arrivals = np.array([t for t in seen.arrival_s if t >= usage["start_s"]])
    if len(arrivals) < 2:
        raise RuntimeError(
            f"{len(arrivals)} rotations in {usage['wall_s']:.0f} s: radar or turntable stopped, "
            "or the machine is too slow; the messages above and panoradar doctor say more"
        )
    latency_ms = 1e3 * np.array(seen.latency_s[-len(arrivals) :])
    capture = seen.diagnostics.get("capture: radar", {})
    devices = seen.diagnostics.get("emulator: devices", {})
    return DemoReport(
        first_panorama_s=first_s,
        seconds=usage["wall_s"],
        rotations=len(arrivals),
        rotations_per_s=len(arrivals) / usage["wall_s"],
        longest_pause_s=float(np.diff(arrivals).max()),
        loss_fraction=float(capture.get("lost fraction", "nan")),
        loss_injected=float(devices.get("injected lost fraction", "nan")),
        frames_incomplete=int(capture.get("incomplete frames", 0)),
        frames_dropped=int(seen.diagnostics.get("imaging: rotations", {}).get("frames_dropped", 0)),
        megabits_per_s=float(capture.get("megabits per second", "nan")),
        speed_mae_mps=motion.speed_mae_mps,
        speed_p95_mps=motion.speed_p95_mps,
        heading_mae_deg=motion.heading_mae_deg,
        heading_p95_deg=motion.heading_p95_deg,
        scan_median_error_m=scan.median_error_m if scan else float("nan"),
        scan_p90_error_m=scan.p90_error_m if scan else float("nan"),
        scan_detected_fraction=scan.detected_fraction if scan else float("nan"),
        latency_ms_p50=float(np.median(latency_ms)),
        latency_ms_p95=float(np.quantile(latency_ms, 0.95)),
        cpu_fraction=usage["cpu"],
        cpu_fraction_emulator=usage["cpu_emulator"],
        rss_mb=usage["rss_mb"],
        rss_growth_mb=usage["growth_mb"],
        rolling=score_rolling(
            [one for one in seen.sectors if one.arrival_ns >= usage["start_ns"]],
            seen.sector_points_ns,
            seen.sector_panorama_ns,
            usage["wall_s"],
        ),
        rolling_scan_median_error_m=_rolling_scan_error_m(seen, path, arguments),
        learned=_learned(seen, path, usage, arguments) if arguments.recognition else None,
    )


def _learned(seen, path: TruePath, usage: dict[str, float], arguments) -> LearnedScore:
    """What the recognition node gave in the measured time."""
    begin_ns = usage["start_ns"] - TURN_S * 1e9
    measured = [one for one in seen.learned_scans if one.start_ns >= begin_ns]
    score = scan_score(*_scans(measured, path, arguments))
    latency_ms = 1e3 * np.array(seen.learned_latency_s[-len(measured) :])
    node = seen.diagnostics.get("recognition: range images", {})
    return LearnedScore(
        len(measured) / usage["wall_s"],
        float(np.median(latency_ms)),
        float(np.quantile(latency_ms, 0.95)),
        float(node.get("range_image_ms", "nan")),
        score.median_error_m,
        score.p90_error_m,
        score.detected_fraction,
    )


def _scans(scans, path: TruePath, arguments) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Measured scans and ray-cast ones from the true pose at each ray's own time."""
    true_scan = _true_scans(path, arguments)
    measured, true = [], []
    for scan in scans:
        rays = len(scan.range_m)
        ray_ns = scan.start_ns + np.rint(np.arange(rays) / rays * scan.duration_s * 1e9)
        if not path.covers(int(ray_ns[0]), int(ray_ns[-1])):
            continue
        column = (-np.sign(scan.increment_rad) * np.arange(rays)).astype(int) % rays
        by_column = np.empty(rays, np.int64)
        by_column[column] = ray_ns.astype(np.int64)
        measured.append(scan.range_m)
        true.append(true_scan(by_column)[column])
    return measured, true


def _true_scans(path: TruePath, arguments) -> Callable[[np.ndarray], np.ndarray]:
    """Ranges by column, each ray-cast from the true pose at its own time."""
    from mmwave.simulation.building import generate_building
    from mmwave.simulation.recording import RADAR_HEIGHT_M
    from mmwave.simulation.truth import RayCaster, scan_truth

    caster = RayCaster(generate_building(arguments.seed, arguments.style).scene)

    def scan(ray_ns: np.ndarray) -> np.ndarray:
        pose = path.at(ray_ns)
        places = np.column_stack([pose[:, :2], np.full(len(pose), RADAR_HEIGHT_M)])
        return scan_truth(
            caster, places, pose[:, 2], columns=len(pose), max_range_m=2 * MAXIMUM_RANGE_M
        ).range_m

    return scan


def _rolling_scan_error_m(seen, path: TruePath, arguments) -> float:
    """Median error of the sectors, put together to turns; NaN where there are none."""
    turns = [
        (ray_ns, range_m)
        for ray_ns, range_m in whole_scans(seen.sectors)
        if path.covers(int(ray_ns.min()), int(ray_ns.max()))
    ]
    if not turns:
        return float("nan")
    true_scan = _true_scans(path, arguments)
    return scan_score([one for _, one in turns], [true_scan(ns) for ns, _ in turns]).median_error_m


def _write(folder: Path, report: DemoReport, seen) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report.as_dict(), indent=2) + "\n")
    for name, picture in seen.pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1])
