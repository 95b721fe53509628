"""Sectors live: rate, latency and loss of the real stack on emulated devices.

Runs ``panoradar demo --headless`` in a process of its own: devices on the wire, capture, motor and
imaging, and an observer that subscribes to every topic of sectors, on the same cores. The motion
and odometry of whole turns are made beside it; their images are not, as nobody listens. The
reference is a second run in which the observer listens to the images of whole turns instead.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from mmwave.this_machine import machine

TURN_MS = 500.0
"""Length of a turn at the demo's 2 rev/s: the mean ray of a turn is half of it old at its end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--seconds", type=float, default=30.0, help="measured time (30)")
    parser.add_argument("--seed", type=int, default=1000, help="of building and drive (1000)")
    parser.add_argument("--style", default="office", help="of the building (office)")
    parser.add_argument(
        "--reference", action="store_true", help="run again with whole turns only, as a reference"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the arguments say.

    Raises:
        ValueError: the time is too short.
        RuntimeError: the demo failed; its messages are on stderr.
    """
    if not arguments.seconds > 2:
        raise ValueError(f"--seconds must be more than 2, got {arguments.seconds}")
    before = machine()
    result = summarise(_demo(arguments, "sectors"), arguments.seed)
    if arguments.reference:
        alone = _demo(arguments, "turns")
        result["whole_turns"] = _whole_turns(alone)
        result["cpu_ratio"] = result["cpu_fraction"] / alone["cpu_fraction"]
    return {**result, "machine": before}


def summarise(report: dict[str, Any], seed: int) -> dict[str, Any]:
    """The figures of a demo's report that tell of sectors.

    Raises:
        RuntimeError: no sectors came.
    """
    rolling = report["rolling"]
    if rolling is None:
        raise RuntimeError("no sectors came; panoradar doctor may say why")
    return {
        "simulated": True,
        "seed": seed,
        "seconds": report["seconds"],
        **rolling,
        "frames_lost": report["frames_dropped"] + report["frames_incomplete"],
        "cpu_fraction": report["cpu_fraction"],
        "cpu_fraction_emulator": report["cpu_fraction_emulator"],
        "rss_mb": report["rss_mb"],
        "rss_growth_mb": report["rss_growth_mb"],
        "scan_median_error_m": report["rolling_scan_median_error_m"],
        "speed_mae_mps": report["speed_mae_mps"],
        "motion_per_s": report["rotations_per_s"],
    }


def _whole_turns(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "updates_per_s": report["rotations_per_s"],
        "latency_ms_p50": report["latency_ms_p50"] + TURN_MS / 2,
        "latency_ms_p95": report["latency_ms_p95"] + TURN_MS / 2,
        "scan_median_error_m": report["scan_median_error_m"],
        "frames_dropped": report["frames_dropped"],
        "cpu_fraction": report["cpu_fraction"],
    }


def _demo(arguments: argparse.Namespace, listen_to: str) -> dict[str, Any]:
    words = ["demo", "--headless", "--json", "--seconds", arguments.seconds]
    words += ["--listen-to", listen_to]
    words += ["--seed", arguments.seed, "--style", arguments.style]
    done = subprocess.run(
        [sys.executable, "-m", "panoradar_ros.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError("the demo did not run; its messages above say why")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
