"""``panoradar record``: topics into an MCAP bag that ``ros2 bag`` reads too."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="bag to make (a folder)")
    parser.add_argument("--topics", nargs="+", help="instead of raw samples, angles and the truth")
    parser.add_argument("--seconds", type=float, help="stop after so long; else at Ctrl-C")
    parser.add_argument("--namespace", default="", help="namespace of the topics")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Record until the time is over or Ctrl-C."""
    from panoradar_ros.nodes.bag_sessions import record
    from panoradar_ros.nodes.recorder import DEFAULT_TOPICS

    report = record(
        arguments.output,
        arguments.topics or DEFAULT_TOPICS,
        duration_s=arguments.seconds,
        namespace=arguments.namespace,
        progress=not arguments.json,
    )
    if arguments.json:
        print(json.dumps(asdict(report), default=str))
    elif report.path is None:
        print("nothing was published on these topics; nothing was written")
    else:
        print(f"{report.path}: {sum(report.counts.values())} messages")
    return 0 if report.path is not None else 1
